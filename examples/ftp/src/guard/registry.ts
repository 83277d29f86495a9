// The registry of a server: sessions, limits, bans, rates, quotas, counters and the audit log, in one place of one thread. Its methods are called
// by sessions of the same thread, or by channel.ts for those of a worker.
import { randomBytes } from 'node:crypto';
import type { AuditLog } from './audit.js';
import { type BanOptions, Bans, client_of, type SavedBan } from './bans.js';
import { Counters, type Gauge, type SavedCounters } from './counters.js';
import { Quotas } from './quota.js';
import { Bucket, LeasedThrottle } from './throttle.js';
import type {
  Amount,
  AuditRecord,
  Quota,
  QuotaLimits,
  Refusal,
  Registry,
  SessionInfo,
  SessionState,
  Throttle,
} from './types.js';

/** Buckets that nobody waits on are forgotten when there are more. */
const MOST_BUCKETS = 1000;

/** Sessions on another thread or process, which gathers what nobody waits for. */
export interface WorkerLink {
  /** Fulfilled when the registry has heard all that has happened there up to now. */
  tell(): Promise<void>;
  /** Fulfilled when it is known there that a client is banned. */
  ban(client: string, seconds: number): Promise<void>;
}

/** What outlives a server: state.ts writes and reads it. */
export interface SavedState {
  readonly bans: readonly SavedBan[];
  readonly counters: SavedCounters;
}

/** How many sessions may be there at once. Default no limit. */
export interface SessionLimits {
  max_connections?: number | undefined;
  /** of one address, or one /64 of IPv6 */
  max_connections_per_address?: number | undefined;
}

export interface RegistryOptions extends SessionLimits {
  bans?: BanOptions | undefined;
  audit?: Pick<AuditLog, 'write' | 'append'> | undefined;
  /** ms of a clock that never goes back, for bans. Default performance.now() */
  now?: (() => number) | undefined;
}

/** A session, and whether its user counts against the user's limit. */
interface Session {
  readonly info: SessionInfo;
  readonly client: string;
  user: string | undefined;
}

/** The registry itself. */
export class LocalRegistry implements Registry {
  readonly #audit: RegistryOptions['audit'];
  #limits: SessionLimits = {};
  readonly #bans: Bans;
  readonly #counters = new Counters();
  readonly #quotas = new Quotas();
  readonly #sessions = new Map<string, Session>();
  readonly #by_client = new Map<string, number>();
  readonly #by_user = new Map<string, number>();
  readonly #buckets = new Map<string, Bucket>();
  /** ids of two runs of a server differ, so that one audit log may have both */
  readonly #run = randomBytes(3).toString('hex');
  #last = 0;
  readonly #workers = new Set<WorkerLink>();
  #hearing: Promise<void> | undefined;
  #hearing_next: Promise<void> | undefined;

  constructor(options: RegistryOptions = {}) {
    this.set_limits(options);
    this.#audit = options.audit;
    this.#bans = new Bans(options.bans, options.now);
  }

  /** Takes other limits for sessions that begin from now on. @throws RangeError for what is no number of sessions */
  set_limits({ max_connections, max_connections_per_address }: SessionLimits): void {
    const limits = { max_connections, max_connections_per_address };
    for (const [name, value] of Object.entries(limits))
      if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
        throw new RangeError(`${name} must be a whole number above 0, not ${value}`);
    this.#limits = limits;
  }

  /** @param worker what `who` calls the thread or process */
  async enter(
    address: string,
    port: number,
    worker = 'main',
  ): Promise<{ id: string } | { refused: Refusal }> {
    const client = client_of(address);
    // Perhaps a place has become free since.
    if (this.#refusal(client) !== undefined) await this.#hear_news();
    const refused = this.#refusal(client);
    if (refused !== undefined) return { refused: this.#refuse(refused) };
    const id = `${this.#run}-${++this.#last}`;
    const info = {
      id,
      address,
      port,
      since_ms: Date.now(),
      worker,
      user: undefined,
      command: 'idle',
      directory: '/',
      tls: undefined,
      transfer: undefined,
    };
    this.#sessions.set(id, { info, client, user: undefined });
    add_to(this.#by_client, client, 1);
    this.count('ftp_connections_total', {});
    return { id };
  }

  async log_in(
    id: string,
    { name, max_sessions = Infinity }: { name: string; max_sessions?: number | undefined },
  ): Promise<Refusal | undefined> {
    const session = this.#session(id);
    this.#forget_user(session);
    const is_full = () => (this.#by_user.get(name) ?? 0) >= max_sessions;
    if (is_full()) await this.#hear_news();
    // A right password of an address that was banned meanwhile is a guess that has hit.
    if (this.#bans.is_banned(session.client)) return this.#refuse('banned');
    if (is_full()) return this.#refuse('too many sessions of this user');
    this.logged_in(id, name);
    return undefined;
  }

  /** Counts a session as one of a user. */
  logged_in(id: string, name: string): void {
    const session = this.#session(id);
    this.#forget_user(session);
    session.user = name;
    session.info.user = name;
    add_to(this.#by_user, name, 1);
    this.#bans.succeeded(session.client, name);
    this.count('ftp_logins_total', {});
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Error(`there is no session ${id}`);
    return session;
  }

  /** REIN: the session has no user any more. */
  log_out(id: string): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#forget_user(session);
  }

  async log_in_failed(id: string, name: string): Promise<{ delay_s: number; banned: boolean }> {
    this.count('ftp_login_failures_total', {});
    const session = this.#session(id);
    // A log-in that forgives failures may be among it.
    await this.#hear_news();
    const was_banned = this.#bans.is_banned(session.client);
    const answer = this.#bans.failed(session.client, name);
    if (answer.banned && !was_banned) {
      this.count('ftp_bans_total', {});
      this.audit({ event: 'banned', session: id, address: session.info.address, user: name });
      const seconds = this.#bans.seconds_left(session.client);
      await Promise.all([...this.#workers].map((worker) => worker.ban(session.client, seconds)));
    }
    return answer;
  }

  update(id: string, change: Partial<SessionState>): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) Object.assign(session.info, change);
  }

  throttle(user: string, direction: 'download' | 'upload', rate: number): Throttle {
    return new LeasedThrottle(rate, (bytes) => this.lease(user, direction, rate, bytes));
  }

  /** Resolves when `bytes` of a user's rate may go; `signal` takes the wish back. */
  async lease(
    user: string,
    direction: 'download' | 'upload',
    rate: number,
    bytes: number,
    signal?: AbortSignal,
  ): Promise<undefined> {
    const key = `${direction} ${user}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= MOST_BUCKETS) this.#drop_buckets();
      bucket = new Bucket(rate);
      this.#buckets.set(key, bucket);
    }
    if (bucket.rate !== rate) bucket.rate = rate;
    await bucket.take(bytes, signal);
    return undefined;
  }

  audit(record: AuditRecord): void {
    this.#audit?.write(record);
  }

  /** Writes lines that audit_line() has made. @param count how many */
  append_audit(lines: string, count: number): void {
    this.#audit?.append(lines, count);
  }

  /** From now on the registry has sessions on this worker. Returns a function that ends this. */
  add_worker(worker: WorkerLink): () => void {
    this.#workers.add(worker);
    return () => this.#workers.delete(worker);
  }

  count(name: string, labels: Record<string, string>, amount = 1): void {
    this.#counters.add(name, labels, amount);
  }

  leave(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#forget_user(session);
    add_to(this.#by_client, session.client, -1);
  }

  quota(limits: QuotaLimits): Quota {
    return this.#quotas.of(limits);
  }

  /** Gives back what a worker that has died had reserved of a home. */
  release(home: string, reserved: Amount): void {
    this.#quotas.release(home, reserved);
  }

  async who(): Promise<SessionInfo[]> {
    await this.#hear_news();
    return [...this.#sessions.values()].map(({ info }) => ({ ...info }));
  }

  async metrics(): Promise<string> {
    await this.#hear_news();
    return this.#counters.text(this.#gauges());
  }

  /** Hears what has happened on all workers up to now. */
  async #hear_news(): Promise<void> {
    if (this.#workers.size === 0) return;
    // A round that has begun may have asked a worker before what this call is about: all callers of its time share the next one.
    if (this.#hearing === undefined) this.#hearing = this.#ask_workers();
    else this.#hearing_next ??= this.#hearing.then(() => this.#ask_workers());
    await (this.#hearing_next ?? this.#hearing);
  }

  async #ask_workers(): Promise<void> {
    const round = Promise.all([...this.#workers].map((worker) => worker.tell()));
    await round;
    this.#hearing = this.#hearing_next;
    this.#hearing_next = undefined;
  }

  /** What outlives the server, up to now. */
  async saved(): Promise<SavedState> {
    await this.#hear_news();
    return { bans: this.#bans.saved(), counters: this.#counters.saved() };
  }

  /** Takes what was saved. @param passed_ms since then @throws TypeError, RangeError for what is none */
  restore({ bans, counters }: SavedState, passed_ms: number): void {
    // All of it or nothing.
    new Counters().restore(counters);
    this.#bans.restore(bans, passed_ms);
    this.#counters.restore(counters);
  }

  /** Grows with each failed log-in and what it brings about. */
  get ban_changes(): number {
    return this.#bans.changes;
  }

  #gauges(): Gauge[] {
    const sessions = [...this.#sessions.values()];
    const transfers = (direction: 'download' | 'upload') => ({
      name: 'ftp_transfers',
      labels: { direction },
      value: sessions.filter(({ info }) => info.transfer?.direction === direction).length,
    });
    return [
      { name: 'ftp_sessions', value: sessions.length },
      { name: 'ftp_logged_in_sessions', value: sessions.filter(({ user }) => user !== undefined).length },
      transfers('download'),
      transfers('upload'),
      { name: 'ftp_banned_addresses', value: this.#bans.all().length },
    ];
  }

  #refusal(client: string): Refusal | undefined {
    const { max_connections = Infinity, max_connections_per_address = Infinity } = this.#limits;
    if (this.#bans.is_banned(client)) return 'banned';
    if (this.#sessions.size >= max_connections) return 'too many connections';
    const of_client = this.#by_client.get(client) ?? 0;
    return of_client >= max_connections_per_address ? 'too many connections from this address' : undefined;
  }

  #refuse(reason: Refusal): Refusal {
    this.count('ftp_refusals_total', { reason });
    return reason;
  }

  #forget_user(session: Session): void {
    if (session.user === undefined) return;
    add_to(this.#by_user, session.user, -1);
    session.user = undefined;
    session.info.user = undefined;
  }

  #drop_buckets(): void {
    for (const [key, bucket] of this.#buckets) if (bucket.idle) this.#buckets.delete(key);
  }
}

/** Adds to a count; one of 0 goes. */
function add_to(counts: Map<string, number>, key: string, amount: number): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
