// What a worker and the main thread say to each other about the registry. The channel of a process is JSON, which leaves out what is undefined and
// makes null of Infinity. So null stands for both, where a field that is there means something.
import type { Amount, Quota, QuotaLimits, Refusal, SessionInfo, SessionState } from '../types.js';

export type Direction = 'download' | 'upload';
type Usage = Awaited<ReturnType<Quota['usage']>>;

/** What a worker asks: arguments and answer of each. */
export interface Questions {
  enter: { args: [address: string, port: number]; answer: { id: string } | { refused: Refusal } };
  log_in: {
    args: [id: string, user: { name: string; max_sessions?: number | undefined }];
    answer: Refusal | undefined;
  };
  log_in_failed: { args: [id: string, name: string]; answer: { delay_s: number; banned: boolean } };
  lease: { args: [user: string, direction: Direction, rate: number, bytes: number]; answer: undefined };
  take: {
    args: [limits: Wire<QuotaLimits>, least: number, most: number, files: number];
    answer: number | undefined;
  };
  usage: { args: [limits: Wire<QuotaLimits>]; answer: Wire<Usage> };
  who: { args: []; answer: SessionInfo[] };
  metrics: { args: []; answer: string };
}

/** What a worker says, and waits for no answer. */
export interface Statements {
  settle: [home: string, reserved: Amount, added: Amount];
  /** the audit log: whole lines, and how many */
  audit: [lines: string, count: number];
  news: [news: News];
  /** all news are told up to the main thread's question of this number */
  told: [question: number];
}

/** What has become of a session: a user without limits of its own has logged in; it counts for no user any more; it has ended. */
export type SessionEvent =
  | readonly [what: 'in', id: string, user: string]
  | readonly [what: 'out', id: string]
  | readonly [what: 'left', id: string];

/** What a worker tells now and then, and when it is asked: much of it is old before anybody wants to know it. */
export interface News {
  /** in their order */
  events: readonly SessionEvent[];
  states: readonly [id: string, change: WireChange][];
  counts: readonly [name: string, labels: Record<string, string>, amount: number][];
}

export type Question = {
  [K in keyof Questions]: { ask: K; id: number; args: Questions[K]['args'] };
}[keyof Questions];
export type Statement = { [K in keyof Statements]: { say: K; args: Statements[K] } }[keyof Statements];
export type Answer = { id: number; answer?: unknown } | { id: number; error: string };
/** The main thread wants to know the news, or says that clients are banned. */
export interface Tell {
  tell: number;
  banned?: readonly [client: string, seconds: number][];
}

/** A change of a session's state: null where the field becomes undefined. */
export type WireChange = { [K in keyof SessionState]?: Exclude<SessionState[K], undefined> | null };

export function to_wire(change: Partial<SessionState>): WireChange {
  return Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value ?? null]));
}

export function from_wire(change: WireChange): Partial<SessionState> {
  return Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value ?? undefined]));
}

/** Limits, or a usage with its limits: null where there is none. */
export type Wire<T extends { max_bytes: number; max_files: number }> = Omit<T, 'max_bytes' | 'max_files'> & {
  max_bytes: number | null;
  max_files: number | null;
};

export function limits_to_wire<T extends { max_bytes: number; max_files: number }>(limits: T): Wire<T> {
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return { ...limits, max_bytes: finite(limits.max_bytes), max_files: finite(limits.max_files) };
}

export function limits_from_wire<T extends { max_bytes: number | null; max_files: number | null }>({
  max_bytes,
  max_files,
  ...rest
}: T) {
  return { ...rest, max_bytes: max_bytes ?? Infinity, max_files: max_files ?? Infinity };
}
