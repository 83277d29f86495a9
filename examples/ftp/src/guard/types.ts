// What all sessions of a server share, on however many threads or processes they run: limits, bans, rates, who is
// there, counters, the audit log. registry.ts keeps it in one place; channel.ts leads there from a worker.

/** Why a client is turned away. */
export type Refusal =
  | 'banned'
  | 'too many connections'
  | 'too many connections from this address'
  | 'too many sessions of this user';

/** What a line of `ftpd who` says. */
export interface SessionState {
  user: string | undefined;
  /** the command that runs, its argument without secrets; 'idle' between two */
  command: string;
  directory: string;
  tls: string | undefined;
  transfer:
    | { direction: 'download' | 'upload'; path: string; bytes: number; size: number | undefined }
    | undefined;
}

export interface SessionInfo extends SessionState {
  id: string;
  address: string;
  port: number;
  /** ms since 1970 */
  since_ms: number;
  worker: string;
}

/** One line of the audit log. */
export interface AuditRecord {
  event:
    | 'connect'
    | 'refused'
    | 'login'
    | 'login-failed'
    | 'banned'
    | 'command'
    | 'download'
    | 'upload'
    | 'tls'
    | 'disconnect';
  session: string;
  address: string;
  user?: string | undefined;
  /** further fields: path, bytes, seconds, reply code, hash, reason; never a password */
  [field: string]: string | number | boolean | undefined;
}

/** A rate that is shared: take() resolves when `bytes` may go. */
export interface Throttle {
  take(bytes: number): Promise<void>;
}

/** Bytes, and files and directories: each takes an inode. */
export interface Amount {
  bytes: number;
  files: number;
}

/** The home that a quota counts, and how much it may hold. */
export interface QuotaLimits {
  /** path of the machine */
  home: string;
  /** Infinity: no limit */
  max_bytes: number;
  max_files: number;
}

/** What a home holds and may hold, counted in one place for all sessions that have it. */
export interface Quota {
  /**
   * Reserves between `least` and `most` bytes, and `files` files.
   *
   * @returns the bytes that are reserved; undefined, with nothing reserved, if `least` or `files` are more than what is left
   */
  take(least: number, most: number, files: number): Promise<number | undefined>;
  /** Gives a reservation back, and counts what is there now in its place: negative if less. Not awaited. */
  settle(reserved: Amount, added: Amount): void;
  usage(): Promise<{ bytes: number; files: number; max_bytes: number; max_files: number }>;
}

/** What a session asks of the registry. All of it may cross to another thread or process. */
export interface Registry {
  /** Counts a connection, or says why not. Its id is the session's from now on. */
  enter(address: string, port: number): Promise<{ id: string } | { refused: Refusal }>;
  /** Counts the session of a user, or says why not. */
  log_in(id: string, user: { name: string; max_sessions?: number | undefined }): Promise<Refusal | undefined>;
  /** REIN: the session counts for no user any more. Not awaited. */
  log_out(id: string): void;
  /** Counts a failed log-in: how long the answer waits, and whether the address is banned from now on. */
  log_in_failed(id: string, name: string): Promise<{ delay_s: number; banned: boolean }>;
  /** Changes what `who` says. Not awaited. */
  update(id: string, change: Partial<SessionState>): void;
  /** A session's way to the user's rate. `rate` in bytes a second. */
  throttle(user: string, direction: 'download' | 'upload', rate: number): Throttle;
  /** Not awaited; records of one session stay in order. */
  audit(record: AuditRecord): void;
  /** Adds to a counter: ftp_replies_total{code="226"}, … Not awaited. */
  count(name: string, labels: Record<string, string>, amount?: number): void;
  leave(id: string): void;
  /** The count of a home, which all sessions with this home share, with limits of one's own. */
  quota(limits: QuotaLimits): Quota;
  who(): Promise<SessionInfo[]>;
  /** All counters as Prometheus text. */
  metrics(): Promise<string>;
}
