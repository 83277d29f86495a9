// A record of the log and its line. A line is a JSON object whose last members are "previous", the hash of the record before it, and "hash",
// the SHA-256 of the line's bytes up to `,"hash":`. So `sed` and `sha256sum` can verify a line, and a line that changes
// no longer fits its own hash, nor, with a hash made anew, the record behind it. The file is written in writer.ts and verified in verify.ts.

import { createHash } from 'node:crypto';
import { json_text } from '../json.js';
import type { FailureClass } from '../types.js';

/** The hash before the first record. */
export const ORIGIN = '0'.repeat(64);

export type Action = 'run' | 'put' | 'get' | 'clean';

/** What is logged: an operation begins, ends on each host, and ends as a whole. */
export interface Entry {
  /** one identifier for all records of an operation */
  readonly operation: string;
  readonly kind: 'begin' | 'host' | 'end';
  readonly action: Action;
  /** who did it: the login name here */
  readonly who: string;
  /** who ran it by sudo or doas, as these say */
  readonly sudo_user?: string | undefined;
  /** the hosts as the user named them */
  readonly where?: string | undefined;
  /** of 'run': the command, and the user that it ran as by sudo */
  readonly command?: string | undefined;
  readonly as?: string | undefined;
  /** of 'put' and 'get': the source and the target; of 'clean': the folder is the target */
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  /** of kind 'host' */
  readonly host?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  /** 'ok' or how it failed; missing in 'begin' */
  readonly result?: 'ok' | FailureClass | undefined;
  readonly reason?: string | undefined;
  readonly exit_code?: number | undefined;
  readonly signal?: string | undefined;
  readonly attempts?: number | undefined;
  /** duration */
  readonly seconds?: number | undefined;
  /** of 'put' and 'get' on a host: content that went over the network, in all attempts, and the files of the last one with their SHA-256 */
  readonly bytes?: number | undefined;
  readonly files?:
    | readonly { readonly path: string; readonly state: string; readonly hash?: string | undefined }[]
    | undefined;
  /** files that `files` does not name: it has 1,000 at most, those that failed first of all */
  readonly more_files?: number | undefined;
  /** of kind 'begin': how many hosts; of 'end': how many of them succeeded */
  readonly hosts?: number | undefined;
  readonly succeeded?: number | undefined;
}

/** A line that a crash tore is left as it is; the record behind it says so, and its hash covers the torn bytes. */
export interface Repair {
  readonly kind: 'repair';
  readonly torn_bytes: number;
  /** SHA-256 of the torn bytes */
  readonly torn_hash: string;
}

/** What each record has around its entry. */
interface Link {
  /** 1, 2, 3, … */
  readonly n: number;
  /** ISO 8601, UTC, milliseconds */
  readonly time: string;
  readonly previous: string;
  readonly hash: string;
}

export type LogRecord = (Entry & Link) | (Repair & Link);

/** The last record that a file has: what the next one continues. */
export interface Head {
  readonly n: number;
  readonly hash: string;
}

/** Fields that a user wrote or a host sent: a secret could be in them. The others have values of ours. */
const FREE_TEXT = new Set(['command', 'source', 'target', 'where', 'reason', 'path']);
const TAIL = /,"hash":"([0-9a-f]{64})"\}$/;

export const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/**
 * Returns the line, without its end, of the record behind `head`.
 *
 * @param secrets texts that must not be in the log: *** is written in their place
 */
export function line_of(entry: Entry | Repair, head: Head, time: Date, secrets: readonly string[]): string {
  const hide = (name: string, value: unknown) =>
    typeof value === 'string' && FREE_TEXT.has(name) ? without(value, secrets) : value;
  const fields = { n: head.n + 1, time: time.toISOString(), ...entry, previous: head.hash };
  const open = json_text(fields, hide).slice(0, -1);
  return `${open},"hash":"${sha256(open)}"}`;
}

/** Longer secrets first: one may be a part of another. */
function without(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  return known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

/** A line as it was found: `intact` if its hash is that of its bytes. */
export type Reading =
  | { readonly record: LogRecord; readonly intact: boolean }
  | { readonly record: undefined; readonly intact: false };

const UNREADABLE: Reading = { record: undefined, intact: false };

/** Reads a line without its end. */
export function read_line(line: Uint8Array): Reading {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  const tail = TAIL.exec(text);
  if (tail === null) return UNREADABLE;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
  if (!is_record(value)) return UNREADABLE;
  // Of the bytes, not of the text: bytes that are no UTF-8 would all read as the same character.
  const open = line.subarray(0, line.byteLength - tail[0].length);
  return { record: value, intact: sha256(open) === tail[1] };
}

const KINDS = ['begin', 'host', 'end', 'repair'];

function is_record(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { n, time, previous, hash, kind } = value as Record<string, unknown>;
  const texts = [time, previous, hash, kind].every((text) => typeof text === 'string');
  return texts && Number.isSafeInteger(n) && KINDS.includes(String(kind));
}
