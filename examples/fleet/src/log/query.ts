// Queries: records by host, group, time, command, class, operation; and the hosts of the last operation that failed (`fleet retry`).

import type { FailureClass } from '../types.js';
import { lines_of } from './lines.js';
import { type Action, type Entry, type LogRecord, read_line } from './record.js';

/** All conditions that are given must hold. */
export interface LogQuery {
  /** names of hosts: records of kind 'host' of one of them */
  readonly hosts?: ReadonlySet<string> | undefined;
  /** records of kind 'host' of a host that was in this group then */
  readonly group?: string | undefined;
  /** not older, and older than */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly action?: Action | undefined;
  /** part of the command, the source or the target */
  readonly text?: string | undefined;
  /** 'failed': every class but 'ok' */
  readonly results?: ReadonlySet<'ok' | 'failed' | FailureClass> | undefined;
  readonly operation?: string | undefined;
  /** the login name, or the user of sudo */
  readonly who?: string | undefined;
  /** only the last so many that match */
  readonly last?: number | undefined;
}

/** A record of an operation. */
export type EntryRecord = Exclude<LogRecord, { readonly kind: 'repair' }>;

type Condition = (record: EntryRecord) => boolean;

/**
 * Yields the records of a log that match, the oldest first. Lines that are no records are left out: verify_log() reports them.
 *
 * @param paths its file, or its files, the oldest first
 * @throws RangeError when `last` is no positive integer; Error when a file cannot be read
 *
 * @example
 * for await (const { time, host, result } of query_log(path, { results: new Set(['failed']) })) console.log(time, host, result);
 */
export async function* query_log(
  paths: string | readonly string[],
  query: LogQuery = {},
): AsyncGenerator<EntryRecord> {
  const { last } = query;
  if (last !== undefined && !(Number.isSafeInteger(last) && last > 0))
    throw new RangeError(`last must be a positive integer, not ${last}`);
  const conditions = conditions_of(query);
  const kept: EntryRecord[] = [];
  for await (const bytes of all_lines([paths].flat())) {
    const { record } = read_line(bytes);
    if (record === undefined || record.kind === 'repair') continue;
    if (!conditions.every((holds) => holds(record))) continue;
    if (last === undefined) yield record;
    else if (kept.push(record) > 2 * last) kept.splice(0, kept.length - last);
  }
  if (last !== undefined) yield* kept.slice(-last);
}

async function* all_lines(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) for await (const { bytes } of lines_of(path)) yield bytes;
}

function conditions_of(query: LogQuery): Condition[] {
  const { hosts, group, since, until, action, text, results, operation, who } = query;
  const conditions: (Condition | undefined)[] = [
    hosts && (({ host }) => host !== undefined && hosts.has(host)),
    group === undefined ? undefined : ({ groups }) => groups?.includes(group) ?? false,
    since && (({ time }) => Date.parse(time) >= since.getTime()),
    until && (({ time }) => Date.parse(time) < until.getTime()),
    action && ((record) => record.action === action),
    text === undefined ? undefined : (record) => texts_of(record).some((part) => part?.includes(text)),
    results && (({ result }) => result !== undefined && fits(result, results)),
    operation === undefined ? undefined : (record) => record.operation === operation,
    who === undefined ? undefined : (record) => record.who === who || record.sudo_user === who,
  ];
  return conditions.filter((condition) => condition !== undefined);
}

const texts_of = ({ command, source, target }: Entry) => [command, source, target];

function fits(result: 'ok' | FailureClass, wanted: ReadonlySet<'ok' | 'failed' | FailureClass>): boolean {
  return wanted.has(result) || (result !== 'ok' && wanted.has('failed'));
}

/** An operation as the log has it. */
export interface LoggedOperation {
  readonly begin: EntryRecord;
  /** the last record of each host, by name */
  readonly hosts: ReadonlyMap<string, EntryRecord>;
  /** missing: it did not end, or has not yet */
  readonly end: EntryRecord | undefined;
}

/**
 * Returns the operation that began last; undefined if there is none.
 *
 * @param query which operations count: `action`, `who`, `operation`, `since`, `until`
 * @throws Error when a file cannot be read
 */
export async function last_operation(
  paths: string | readonly string[],
  query: Pick<LogQuery, 'action' | 'who' | 'operation' | 'since' | 'until'> = {},
): Promise<LoggedOperation | undefined> {
  let found:
    | { begin: EntryRecord; hosts: Map<string, EntryRecord>; end: EntryRecord | undefined }
    | undefined;
  const { until, since, ...others } = query;
  for await (const record of query_log(paths, others)) {
    if (record.kind === 'begin') {
      const time = Date.parse(record.time);
      const inside =
        (since === undefined || time >= since.getTime()) && (until === undefined || time < until.getTime());
      if (inside) found = { begin: record, hosts: new Map(), end: undefined };
    } else if (found === undefined || record.operation !== found.begin.operation) continue;
    else if (record.kind === 'end') found.end = record;
    else if (record.host !== undefined) found.hosts.set(record.host, record);
  }
  return found;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Reads a time as users write it: '30m', '2h', '7d' ago, or a date ('2026-11-30', '2026-11-30 14:00', ISO 8601), of this machine's zone if it has none.
 *
 * @throws RangeError with the forms that are right
 */
export function parse_time(text: string, now: Date): Date {
  const ago = /^(\d{1,9}(?:\.\d+)?)([smhdw])$/.exec(text);
  const unit = UNITS[ago?.[2] ?? ''];
  if (unit !== undefined) return new Date(now.getTime() - Number(ago?.[1]) * unit * 1000);
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text,
  );
  // Without a time of day, Date takes UTC; users mean the midnight of where they are.
  const date = parts && new Date(`${parts[1]}T${parts[2] ?? '00:00'}${parts[3] ?? ''}`);
  // Date makes 30 February the 2nd of March.
  const exists = parts?.[1] !== undefined && new Date(parts[1]).toJSON()?.startsWith(parts[1]);
  if (date && exists && !Number.isNaN(date.getTime())) return date;
  throw new RangeError(
    `a time must be like 30m, 2h, 7d (ago), 2026-11-30 or 2026-11-30T14:00, not ${JSON.stringify(text)}`,
  );
}
