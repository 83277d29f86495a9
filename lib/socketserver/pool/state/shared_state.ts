// The state that all threads and processes of a pool share: 32-bit words in one memory, read and written by atomics.
//
// A request is counted as dispatched once it is on the queue, or once a worker has taken it from the listener. The worker that gets
// the request notes the client's address in its slot, counts the request as begun, and at the end as finished. So the manager sees
// which workers are busy, and whose request was lost when a worker ended.
//
// The memory is a SharedArrayBuffer of the process. A child process has a memory of its own with one slot, a memfd that the child
// and the manager map (process_state.ts). A child may write anything to its memory.
import { raise } from '../../../errors/raise.js';
import { addon } from '../../../native/addon.js';
import { TOTALS_SIZE, Totals } from '../../watch/totals.js';
import { revive_buffers, type SharedMemory } from '../protocol.js';

const WORD = Int32Array.BYTES_PER_ELEMENT;

/** Index of the number of workers that are ready, busy or not. */
const READY = 0;
/** Index of the number of requests that were sent to workers. This and the next two wrap around at 32 bits. */
const DISPATCHED = 1;
/** Index of the number of requests that workers have begun. */
const BEGUN = 2;
/** Index of the number of requests that workers have finished, or lost. */
const FINISHED = 3;
/** Index of the number below which the requests in flight must fall until a worker notifies the manager; 0: it does not. */
const NOTIFY_BELOW = 4;
/** Index of the largest number of workers that were busy at a time, since the manager took it last. */
const PEAK = 5;
/** Index of a word with a bit for each signal that the server has a listener for, see signals.ts. */
const HANDLED = 6;
/** Index of the totals, see totals.ts. */
const TOTALS = 7;
/** Index of the first worker's slot. */
const SLOTS = TOTALS + TOTALS_SIZE;

/** Offset in a slot: the activity of the worker, one of the next four constants' values. */
const STATE = 0;
/** Offset in a slot: the number of requests that the worker has begun. */
const SERIAL = 1;
/** Offset in a slot: 1 if the worker is to end and take no further request. */
const RETIRED = 2;
/** Offset in a slot: the length in bytes of the last request's client address, which follows as JSON. */
const CLIENT_LENGTH = 3;
const CLIENT = 4;
const CLIENT_LIMIT = 256;
const SLOT_SIZE = CLIENT + CLIENT_LIMIT / WORD;

/** STATE of a slot that is free, or whose worker starts. */
const NONE = 0;
/** STATE of a worker that waits for a request. */
const WAITING = 1;
/** STATE of a worker that may take a request at this moment. */
const TAKING = 2;
/** STATE of a worker that handles a request. */
const BUSY = 3;

/** Returns the bytes of a state with slots for `workers` workers. */
export function size_of(workers: number): number {
  return (SLOTS + SLOT_SIZE * workers) * WORD;
}

/** Allocates the state of a pool with at most `workers` workers. */
export function allocate_state(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(size_of(workers));
}

/** Maps the memory that a descriptor stands for; it stays open. @throws OSError without memory */
export function open_memory(memory: SharedMemory): ArrayBuffer | SharedArrayBuffer {
  if (!('fd' in memory)) return memory;
  const mapped = addon.map_memory(memory.fd);
  return typeof mapped === 'number' ? raise(mapped, { syscall: 'mmap' }) : mapped;
}

/** The state of a pool, of which every thread and process has its own object on the same memory. */
export class SharedState {
  readonly #words: Int32Array;
  /** The counts for statistics(), and the events that are listened to. */
  readonly totals: Totals;
  /** Milliseconds after which the manager looks again without a notification, while requests are in flight. */
  readonly look_again_ms: number = Number.POSITIVE_INFINITY;

  /** Opens the memory; a descriptor stays open. @throws OSError without memory */
  constructor(memory: SharedMemory) {
    this.#words = new Int32Array(open_memory(memory));
    this.totals = new Totals(this.#words.subarray(TOTALS, SLOTS));
  }

  #load(index: number): number {
    return Atomics.load(this.#words, index);
  }

  /** Returns how many workers are ready, busy or not. */
  get ready(): number {
    return this.#load(READY);
  }

  /** Counts a worker that became ready (1), or one that no longer takes requests (-1). */
  add_ready(change: 1 | -1): void {
    Atomics.add(this.#words, READY, change);
  }

  /** Counts requests that were put on the queue, or that workers took from the listener. */
  count_dispatched(count = 1): void {
    Atomics.add(this.#words, DISPATCHED, count);
  }

  /** Returns how many requests were dispatched in all, in 32 bits. */
  get dispatched(): number {
    return this.#load(DISPATCHED);
  }

  /** Subtracts `count` requests that were discarded before a worker got them. */
  count_discarded(count: number): void {
    Atomics.sub(this.#words, DISPATCHED, count);
  }

  /** Counts a request that a worker begins. */
  count_begun(): void {
    const busy = Atomics.add(this.#words, BEGUN, 1) + 1 - this.#load(FINISHED);
    // Two workers that begin at once may miss one: the peak estimates how many workers are needed, no more.
    if (busy > this.#load(PEAK)) Atomics.store(this.#words, PEAK, busy);
  }

  /** Counts requests that a worker has finished, or that were lost with it. */
  count_finished(count = 1): void {
    Atomics.add(this.#words, FINISHED, count);
  }

  /** Has the largest number of busy workers include those of now. Threads count that themselves. */
  note_busy(): void {}

  /** Sets the number of workers that are busy. */
  set_busy(count: number): void {
    Atomics.store(this.#words, BEGUN, this.#load(FINISHED) + count);
    if (count > this.#load(PEAK)) Atomics.store(this.#words, PEAK, count);
  }

  /** Returns how many requests were finished in all, in 32 bits. */
  get finished(): number {
    return this.#load(FINISHED);
  }

  /** Returns how many requests are on the queue or with a worker. */
  get in_flight(): number {
    return (this.#load(DISPATCHED) - this.#load(FINISHED)) | 0;
  }

  /** Returns a number that changes with each request that is sent or finished. */
  get activity(): number {
    return this.#load(DISPATCHED) + this.finished;
  }

  /** Sets the number of requests in flight to 0, and returns how many were lost. To be called only when nothing runs. */
  reset_in_flight(): number {
    const lost = this.in_flight;
    this.count_discarded(lost);
    Atomics.store(this.#words, BEGUN, this.#load(FINISHED));
    return lost;
  }

  /** Returns whether fewer requests are in flight than there are ready workers plus `ahead`. */
  has_room(ahead = 0): boolean {
    return this.ready + ahead > this.in_flight;
  }

  /** Returns the largest number of workers that were busy at a time since the last call. */
  take_peak(): number {
    const busy = (this.#load(BEGUN) - this.#load(FINISHED)) | 0;
    return Atomics.exchange(this.#words, PEAK, busy);
  }

  /**
   * Asks for a notification once fewer than `count` requests are in flight. The manager calls this before it tests whether
   * they are: a worker that finishes in between then notifies.
   */
  notify_below(count: number): void {
    if (this.#load(NOTIFY_BELOW) < count) Atomics.store(this.#words, NOTIFY_BELOW, count);
  }

  /** Returns whether the manager is to be notified now. Only one worker gets true for each notify_below(). */
  must_notify(): boolean {
    return this.in_flight < this.#load(NOTIFY_BELOW) && Atomics.exchange(this.#words, NOTIFY_BELOW, 0) !== 0;
  }

  /** Returns the bytes of the bits of signals that the server has a listener for. */
  get handled_signals(): Uint8Array {
    return new Uint8Array(this.#words.buffer, HANDLED * WORD, WORD);
  }

  set_handled_signals(bits: number): void {
    Atomics.store(this.#words, HANDLED, bits);
  }

  /** Sets the bits of the events that workers report. */
  set_events(bits: number): void {
    this.totals.events = bits;
  }

  /** Returns the slot of one worker. */
  slot(index: number): WorkerSlot {
    return new WorkerSlot(this, this.#words, index);
  }

  /** Returns whether any worker may take a request from the listener at this moment. */
  get is_taking(): boolean {
    for (let slot = SLOTS; slot < this.#words.length; slot += SLOT_SIZE) {
      if (this.#load(slot + STATE) === TAKING) return true;
    }
    return false;
  }
}

/** One worker's part of the shared state. The worker writes it, the manager reads it. */
export class WorkerSlot {
  readonly #shared: SharedState;
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #client: Buffer;

  constructor(
    shared: SharedState,
    words: Int32Array,
    readonly index: number,
  ) {
    this.#shared = shared;
    this.#words = words;
    this.#start = SLOTS + index * SLOT_SIZE;
    this.#client = Buffer.from(words.buffer, (this.#start + CLIENT) * WORD, CLIENT_LIMIT);
  }

  /** Says that the worker waits for a request. */
  wait(): void {
    Atomics.store(this.#words, this.#start + STATE, WAITING);
  }

  /** Says that the worker may take a request from now on. Returns false if it is to end instead. */
  take(): boolean {
    Atomics.store(this.#words, this.#start + STATE, TAKING);
    return Atomics.load(this.#words, this.#start + RETIRED) === 0;
  }

  /** Has the worker end without a further request. */
  retire(): void {
    Atomics.store(this.#words, this.#start + RETIRED, 1);
  }

  /** Says that the worker begins a request. @param queued whether the request was on the queue, and so is counted already */
  begin(client_address: unknown, queued: boolean): void {
    this.#words[this.#start + CLIENT_LENGTH] = 0;
    Atomics.add(this.#words, this.#start + SERIAL, 1);
    if (!queued) this.#shared.count_dispatched();
    this.#shared.count_begun();
    Atomics.store(this.#words, this.#start + STATE, BUSY);
    // Last, because it may call JavaScript of the program: from here on the request is known to be with this worker.
    const text = JSON.stringify(client_address) ?? '';
    // A longer address, which AF_UNIX may have, is not noted.
    const length = Buffer.byteLength(text) <= CLIENT_LIMIT ? this.#client.write(text) : 0;
    this.#words[this.#start + CLIENT_LENGTH] = length;
  }

  /** Says that the worker has finished its request. */
  finish(): void {
    Atomics.store(this.#words, this.#start + STATE, WAITING);
    this.#shared.count_finished();
  }

  /** Clears the slot for another worker; the client address of the last request stays. */
  reset(): void {
    Atomics.store(this.#words, this.#start + STATE, NONE);
    Atomics.store(this.#words, this.#start + SERIAL, 0);
    Atomics.store(this.#words, this.#start + RETIRED, 0);
  }

  /** Returns whether the worker handles a request. */
  get is_busy(): boolean {
    return Atomics.load(this.#words, this.#start + STATE) === BUSY;
  }

  /** Returns whether the worker may take a request at this moment. */
  get is_taking(): boolean {
    return Atomics.load(this.#words, this.#start + STATE) === TAKING;
  }

  /** Returns how many requests the worker has begun. */
  get serial(): number {
    return Atomics.load(this.#words, this.#start + SERIAL);
  }

  /** Returns the client's address of the last request; null if it is not known. */
  get client_address(): unknown {
    const length = this.#words[this.#start + CLIENT_LENGTH] ?? 0;
    try {
      return JSON.parse(this.#client.toString('utf8', 0, length), revive_buffers);
    } catch {
      return null;
    }
  }
}
