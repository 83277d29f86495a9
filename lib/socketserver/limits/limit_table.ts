// The memory of the limits: the token buckets of all clients and of each address, and the addresses that the workers of a pool serve
// now. Its size is fixed, whatever comes.
//
// Workers share it: threads a SharedArrayBuffer, child processes a memfd, so that no worker has to ask another thread. One spin lock
// guards it; a worker that was killed while it held the lock loses it. A child process that writes nonsense here can defeat the limits,
// or have clients refused: no more than it can do by the listener, which it holds, too.
//
// Buckets of addresses are in sets of WAYS entries. An address that finds its set full takes the place of the one that has most tokens:
// if that has all of them, nothing is lost by it.
import { poll } from '../../calls/waiting/poll.js';
import type { ClientKey } from './client_key.js';
import type { Bucket, LimitConfig } from './options.js';

/** Bytes of the header: the lock, the seed of the hash, and the bucket of all clients. */
const HEADER = 32;
const LOCK = 0;
const SEED = 1;
/** Index of the bucket of all clients, in 64-bit words. */
const ALL = 1;
/** Bytes of an entry: four words of the key, and 64-bit words; of a bucket its tokens and its time, of a worker whether it serves. */
const ENTRY = 32;
/** Number of 32-bit words, and of 64-bit words, of an entry. */
const WORDS = ENTRY / 4;
const DOUBLES = ENTRY / 8;
const TOKENS = 2;
const TIME = 3;
/** Offset of the word that says whether a worker serves. */
const SERVES = 4;
const WAYS = 4;
const SETS = 2048;

/** Attempts to get the lock without sleeping, and the attempts with a millisecond of sleep each, after which it is taken. */
const SPINS = 200;
const SLEEPS = 50;

/** Returns the bytes that a table takes. @param workers the largest number of workers of the pool; 0 without a pool */
export function table_size({ rate_per_address }: LimitConfig, workers: number): number {
  return HEADER + (rate_per_address === undefined ? 0 : WAYS * SETS * ENTRY) + workers * ENTRY;
}

/** Seconds of the clock that all processes share. */
function clock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds + nanoseconds / 1e9;
}

export class LimitTable {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #buckets: number;
  readonly #workers: number;
  readonly #config: LimitConfig;

  /** @param memory of table_size(config, workers) bytes, all 0 at first */
  constructor(memory: ArrayBufferLike, config: LimitConfig) {
    this.#words = new Int32Array(memory, 0, memory.byteLength >> 2);
    this.#doubles = new Float64Array(memory, 0, memory.byteLength >> 3);
    this.#config = config;
    this.#buckets = HEADER / ENTRY;
    this.#workers = this.#buckets + (config.rate_per_address === undefined ? 0 : WAYS * SETS);
    // An attacker must not know which addresses share a set.
    Atomics.compareExchange(this.#words, SEED, 0, (Math.random() * 2 ** 31) | 1);
  }

  /** Calls a function while no other thread or process is in the table. */
  locked<T>(use: () => T): T {
    const own = 1 + ((Math.random() * 2 ** 30) | 0);
    for (let tries = 0; Atomics.compareExchange(this.#words, LOCK, 0, own) !== 0; tries++) {
      if (tries < SPINS) continue;
      if (tries > SPINS + SLEEPS) {
        // Its holder was killed.
        Atomics.store(this.#words, LOCK, own);
        break;
      }
      poll([], 1);
    }
    try {
      return use();
    } finally {
      Atomics.compareExchange(this.#words, LOCK, own, 0);
    }
  }

  /** Says which client a worker serves; undefined: none. */
  serve(worker: number, key: ClientKey | undefined): void {
    const at = (this.#workers + worker) * WORDS;
    if (key !== undefined) this.#set_key(at, key);
    this.#words[at + SERVES] = key === undefined ? 0 : 1;
  }

  /** Returns how many workers serve a client. */
  served(key: ClientKey): number {
    let count = 0;
    for (let at = this.#workers * WORDS; at < this.#words.length; at += WORDS)
      if (this.#words[at + SERVES] === 1 && this.#has_key(at, key)) count++;
    return count;
  }

  /** Takes a token of an address and of all. Returns which has none, and takes none then. To be called with the lock. */
  take(key: ClientKey): 'max_rate_per_address' | 'max_rate' | undefined {
    const { rate, rate_per_address } = this.#config;
    if (rate === undefined && rate_per_address === undefined) return undefined;
    const now = clock();
    const own = rate_per_address && this.#entry(key, rate_per_address, now);
    if (own !== undefined && rate_per_address && this.#fill(own, rate_per_address, now) < 1)
      return 'max_rate_per_address';
    if (rate !== undefined && this.#fill(ALL, rate, now) < 1) return 'max_rate';
    if (own !== undefined) this.#spend(own);
    if (rate !== undefined) this.#spend(ALL);
    return undefined;
  }

  /** Returns the tokens of a bucket now, without noting them. @param at its index in 64-bit words, of the tokens */
  #tokens(at: number, { per_second, burst }: Bucket, now: number): number {
    const time = this.#doubles[at + 1] ?? 0;
    const tokens = this.#doubles[at] ?? 0;
    // Also what is no number, and what another process cannot have written.
    if (!(time > 0 && time <= now && tokens >= 0)) return burst;
    return Math.min(burst, tokens + (now - time) * per_second);
  }

  #fill(at: number, bucket: Bucket, now: number): number {
    const tokens = this.#tokens(at, bucket, now);
    this.#doubles[at] = tokens;
    this.#doubles[at + 1] = now;
    return tokens;
  }

  #spend(at: number): void {
    this.#doubles[at] = (this.#doubles[at] ?? 1) - 1;
  }

  /** Returns the bucket of a client, in the place of another one if need be. */
  #entry(key: ClientKey, bucket: Bucket, now: number): number {
    const first = this.#buckets + WAYS * this.#set_of(key);
    let best = first;
    let most = -1;
    for (let entry = first; entry < first + WAYS; entry++) {
      const is_used = (this.#doubles[entry * DOUBLES + TIME] ?? 0) > 0;
      if (is_used && this.#has_key(entry * WORDS, key)) return entry * DOUBLES + TOKENS;
      const tokens = is_used ? this.#tokens(entry * DOUBLES + TOKENS, bucket, now) : Number.POSITIVE_INFINITY;
      if (tokens > most) [best, most] = [entry, tokens];
    }
    this.#set_key(best * WORDS, key);
    this.#doubles[best * DOUBLES + TIME] = 0;
    return best * DOUBLES + TOKENS;
  }

  #set_of(key: ClientKey): number {
    let hash = this.#words[SEED] ?? 0;
    for (const word of key) {
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return (Math.imul(hash, 0x85ebca6b) >>> 16) % SETS;
  }

  #has_key(at: number, key: ClientKey): boolean {
    return key.every((word, i) => this.#words[at + i] === word);
  }

  #set_key(at: number, key: ClientKey): void {
    this.#words.set(key, at);
  }
}
