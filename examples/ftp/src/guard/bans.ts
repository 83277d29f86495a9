// Failed log-ins by address: each makes the next answer wait longer, too many ban the address, and time forgives. An IPv6 client is its /64,
// within which it may have any address.
import { AF_INET6, inet_pton } from 'bsd-sockets/socket';

export interface BanOptions {
  /** failures that ban an address. Default 10 */
  failures?: number | undefined;
  /** seconds until a failure is forgotten. Default 600 */
  forget_s?: number | undefined;
  /** seconds of the first ban; each one after it is twice as long. Default 600 */
  ban_s?: number | undefined;
  /** seconds of the longest ban. Default a day */
  max_ban_s?: number | undefined;
  /** seconds that the answer to the first failure waits; each one after it twice as long. Default 1 */
  delay_s?: number | undefined;
  /** seconds that an answer waits at most. Default 16 */
  max_delay_s?: number | undefined;
}

/** Addresses that are remembered; the oldest go first, those without a ban before those with one. */
const MOST_ADDRESSES = 20_000;

interface Record {
  /** of each failure: ms, and the name that was tried */
  failures: { at: number; name: string }[];
  banned_until: number;
  bans: number;
  last: number;
}

/** What is known of a client, as it is saved: times in ms before or behind that moment. */
export interface SavedBan {
  readonly client: string;
  readonly failures: readonly { readonly ago_ms: number; readonly name: string }[];
  readonly banned_for_ms: number;
  readonly bans: number;
  readonly last_ago_ms: number;
}

/** Returns the client that an address stands for. */
export function client_of(address: string): string {
  const plain = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!plain.includes(':')) return plain;
  try {
    return `${inet_pton(AF_INET6, plain).subarray(0, 8).toString('hex')}/64`;
  } catch {
    return plain;
  }
}

/** The failures of all addresses. */
export class Bans {
  readonly #options: Required<{ [K in keyof BanOptions]-?: number }>;
  readonly #records = new Map<string, Record>();
  /** grows with each change */
  changes = 0;

  /**
   * @param now ms of a clock that never goes back
   */
  constructor(
    options: BanOptions = {},
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#options = {
      failures: options.failures ?? 10,
      forget_s: options.forget_s ?? 600,
      ban_s: options.ban_s ?? 600,
      max_ban_s: options.max_ban_s ?? 86_400,
      delay_s: options.delay_s ?? 1,
      max_delay_s: options.max_delay_s ?? 16,
    };
  }

  is_banned(client: string): boolean {
    return (this.#records.get(client)?.banned_until ?? 0) > this.now();
  }

  /** For how long a client is banned still, seconds. */
  seconds_left(client: string): number {
    return Math.max(0, (this.#records.get(client)?.banned_until ?? 0) - this.now()) / 1000;
  }

  /** The clients that are banned, and for how many seconds still. */
  all(): [client: string, seconds: number][] {
    return [...this.#records.keys()].flatMap((client): [string, number][] =>
      this.is_banned(client) ? [[client, this.seconds_left(client)]] : [],
    );
  }

  /** All records, to be saved. */
  saved(): SavedBan[] {
    const now = this.now();
    return [...this.#records].map(([client, { failures, banned_until, bans, last }]) => ({
      client,
      failures: failures.map(({ at, name }) => ({ ago_ms: now - at, name })),
      banned_for_ms: Math.max(0, banned_until - now),
      bans,
      last_ago_ms: now - last,
    }));
  }

  /** Takes what was saved. @param passed_ms since then @throws TypeError for what is no number, RangeError for too many records */
  restore(saved: readonly SavedBan[], passed_ms: number): void {
    if (saved.length > MOST_ADDRESSES) throw new RangeError(`${saved.length} addresses are too many`);
    const now = this.now();
    const time = (value: number): number => {
      if (!Number.isFinite(value)) throw new TypeError(`${value} is no time`);
      return value;
    };
    const records = saved.map(({ client, failures, banned_for_ms, bans, last_ago_ms }): [string, Record] => [
      String(client),
      {
        failures: failures.map(({ ago_ms, name }) => ({
          at: now - passed_ms - time(ago_ms),
          name: String(name),
        })),
        banned_until: now - passed_ms + time(banned_for_ms),
        bans: time(bans),
        last: now - passed_ms - time(last_ago_ms),
      },
    ]);
    for (const [client, record] of records) this.#records.set(client, record);
  }

  /** Counts a failed log-in. */
  failed(client: string, name: string): { delay_s: number; banned: boolean } {
    this.changes++;
    const now = this.now();
    const record = this.#record(client, now);
    const { failures, delay_s, max_delay_s, ban_s, max_ban_s } = this.#options;
    // Another connection of the address has brought the ban about: this one gets no tries of its own.
    if (record.banned_until > now) return { delay_s: max_delay_s, banned: true };
    record.failures.push({ at: now, name });
    const count = record.failures.length;
    const wait = Math.min(max_delay_s, delay_s * 2 ** Math.min(count - 1, 30));
    if (count < failures) return { delay_s: wait, banned: false };
    record.failures = [];
    record.banned_until = now + 1000 * Math.min(max_ban_s, ban_s * 2 ** Math.min(record.bans, 30));
    record.bans += 1;
    return { delay_s: wait, banned: true };
  }

  /** A log-in forgives the failures of the same name: who guesses others' passwords gains nothing by an account of their own. */
  succeeded(client: string, name: string): void {
    const record = this.#records.get(client);
    if (record === undefined) return;
    record.failures = record.failures.filter((failure) => failure.name !== name);
    this.changes++;
  }

  #record(client: string, now: number): Record {
    const { forget_s } = this.#options;
    const old = this.#records.get(client);
    const record = old ?? { failures: [], banned_until: 0, bans: 0, last: now };
    record.failures = record.failures.filter(({ at }) => now - at < forget_s * 1000);
    // A ban counts for the next one until it has been over for as long as it may have been.
    if (now - record.last > this.#options.max_ban_s * 1000) record.bans = 0;
    record.last = now;
    // The last in the map is the latest.
    this.#records.delete(client);
    this.#records.set(client, record);
    if (this.#records.size > MOST_ADDRESSES) this.#drop_one(now);
    return record;
  }

  #drop_one(now: number): void {
    let oldest: string | undefined;
    let looked = 0;
    for (const [client, { banned_until }] of this.#records) {
      oldest ??= client;
      if (banned_until <= now || ++looked > 100) {
        oldest = banned_until <= now ? client : oldest;
        break;
      }
    }
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}
