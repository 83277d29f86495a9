// Verifies the chain of a log: each line against its own hash, and against the line before it. A chain without a key proves that no line was changed
// by itself; who may write the file can make all of it anew, or cut its end off. The count and hash of the last record, kept
// elsewhere, show that, too (`expected`).

import { lines_of } from './lines.js';
import { type Head, type LogRecord, ORIGIN, read_line, sha256 } from './record.js';

export interface Fault {
  /** the line of the file, from 1; 0: the file as a whole */
  readonly line: number;
  /** changed: does not fit its own hash. unreadable: no record. broken: does not continue the line before it. missing: expected, and not there */
  readonly kind: 'changed' | 'unreadable' | 'broken' | 'missing';
  readonly message: string;
}

export interface Verification {
  readonly ok: boolean;
  /** intact ones */
  readonly records: number;
  /** lines that a crash tore, which the record behind them says */
  readonly torn: number;
  /** the last record's; `n` is 0 if there is none */
  readonly head: Head;
  /** the first of them, at most 1,000 */
  readonly faults: readonly Fault[];
}

const MOST_FAULTS = 1000;

/**
 * Verifies a log file.
 *
 * @param expected the head that an earlier verification returned: that record must be there with that hash
 * @throws Error when the file cannot be read
 *
 * @example
 * const { ok, faults } = await verify_log(path);
 * for (const { line, message } of faults) console.error(`line ${line}: ${message}`);
 */
export async function verify_log(path: string, expected?: Head | undefined): Promise<Verification> {
  const faults: Fault[] = [];
  let ok = true;
  const fault = (line: number, kind: Fault['kind'], message: string) => {
    ok = false;
    if (faults.length < MOST_FAULTS) faults.push({ line, kind, message });
  };
  let head: Head = { n: 0, hash: ORIGIN };
  let records = 0;
  let torn = 0;
  let seen = expected === undefined || expected.n === 0;
  let fragment: { line: number; bytes: Uint8Array } | undefined;
  for await (const { number, bytes, ended } of lines_of(path)) {
    const { record, intact } = read_line(bytes);
    if (record === undefined) {
      if (fragment !== undefined) fault(fragment.line, 'unreadable', 'the line is no record');
      fragment = { line: number, bytes };
      if (!ended)
        fault(number, 'unreadable', 'the last line is torn; the next record that is written will say so');
      if (!ended) fragment = undefined;
      continue;
    }
    if (fragment !== undefined) {
      if (repairs(record, fragment.bytes)) torn += 1;
      else fault(fragment.line, 'unreadable', 'the line is no record');
      fragment = undefined;
    }
    if (!intact) fault(number, 'changed', `record ${record.n} was changed: its hash is of other content`);
    const gap = continues(record, head);
    if (gap !== undefined) fault(number, 'broken', gap);
    if (intact) records += 1;
    head = { n: record.n, hash: record.hash };
    if (expected?.n === record.n && intact) {
      seen = true;
      if (expected.hash !== record.hash)
        fault(number, 'changed', `record ${record.n} is not the expected one`);
    }
  }
  if (fragment !== undefined) fault(fragment.line, 'unreadable', 'the line is no record');
  if (!seen) fault(0, 'missing', `record ${expected?.n} is expected, and the log has none of that number`);
  return { ok, records, torn, head, faults };
}

function repairs(record: LogRecord, bytes: Uint8Array): boolean {
  return record.kind === 'repair' && record.torn_bytes === bytes.length && record.torn_hash === sha256(bytes);
}

/** Returns why a record does not continue the one before it. */
function continues(record: LogRecord, { n, hash }: Head): string | undefined {
  const missing = record.n - n - 1;
  if (missing > 0) return `${missing} record(s) before record ${record.n} are missing`;
  if (missing < 0) return `record ${record.n} stands behind record ${n}`;
  if (record.previous !== hash)
    return `record ${record.n} does not continue record ${n}: one of them was replaced`;
  return undefined;
}
