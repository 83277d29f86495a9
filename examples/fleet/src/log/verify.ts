// Verifies the chain of a log: each line against its own hash, and against the line before it, over all of its files. A chain without a key proves
// that no line was changed by itself; who may write the files can make all of it anew, or cut its end off. The number and hash of the
// last record, kept elsewhere, show that, too (`expected`).

import { lines_of } from './lines.js';
import { type Head, type LogRecord, ORIGIN, read_line, sha256 } from './record.js';

export interface Fault {
  readonly file: string;
  /** the line of the file, from 1; 0: the log as a whole */
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

export interface VerifyOptions {
  /** the head that an earlier verification returned: that record must be there with that hash */
  readonly expected?: Head | undefined;
  /** the number of the first record, if older files are gone on purpose. Default: 1 */
  readonly first?: number | undefined;
}

const MOST_FAULTS = 1000;

/**
 * Verifies a log.
 *
 * @param paths its file, or its files, the oldest first
 * @throws Error when a file cannot be read
 *
 * @example
 * const { ok, faults } = await verify_log(path);
 * for (const { line, message } of faults) console.error(`line ${line}: ${message}`);
 */
export async function verify_log(
  paths: string | readonly string[],
  options: VerifyOptions = {},
): Promise<Verification> {
  const chain = new Chain(options);
  for (const path of [paths].flat()) await chain.file(path);
  return chain.end();
}

class Chain {
  readonly #expected: Head | undefined;
  readonly #faults: Fault[] = [];
  #ok = true;
  #file = '';
  #head: Head;
  /** the first record may continue one that is gone on purpose */
  #may_begin: boolean;
  #records = 0;
  #torn = 0;
  #seen: boolean;
  /** a line that is no record, until the next one says whether a crash tore it */
  #fragment: { line: number; bytes: Uint8Array } | undefined;

  constructor({ expected, first = 1 }: VerifyOptions) {
    this.#expected = expected;
    this.#seen = expected === undefined || expected.n === 0;
    this.#head = { n: first - 1, hash: ORIGIN };
    this.#may_begin = first > 1;
  }

  async file(path: string): Promise<void> {
    this.#file = path;
    for await (const { number, bytes, ended } of lines_of(path)) {
      const { record, intact } = read_line(bytes);
      if (record !== undefined) this.#take(number, record, intact);
      else this.#no_record(number, bytes, ended);
    }
    this.#give_up();
  }

  end(): Verification {
    const expected = this.#expected?.n;
    if (!this.#seen)
      this.#fault(0, 'missing', `record ${expected} is expected, and the log has none of that number`);
    return {
      ok: this.#ok,
      records: this.#records,
      torn: this.#torn,
      head: this.#head,
      faults: this.#faults,
    };
  }

  #fault(line: number, kind: Fault['kind'], message: string): void {
    this.#ok = false;
    if (this.#faults.length < MOST_FAULTS) this.#faults.push({ file: this.#file, line, kind, message });
  }

  #no_record(line: number, bytes: Uint8Array, ended: boolean): void {
    this.#give_up();
    if (ended) this.#fragment = { line, bytes };
    else
      this.#fault(line, 'unreadable', 'the last line is torn; the next record that is written will say so');
  }

  /** No record behind the fragment says that a crash tore it. */
  #give_up(): void {
    if (this.#fragment !== undefined) this.#fault(this.#fragment.line, 'unreadable', 'the line is no record');
    this.#fragment = undefined;
  }

  #take(line: number, record: LogRecord, intact: boolean): void {
    if (this.#fragment !== undefined && repairs(record, this.#fragment.bytes)) {
      this.#torn += 1;
      this.#fragment = undefined;
    }
    this.#give_up();
    const { n, hash } = record;
    if (!intact) this.#fault(line, 'changed', `record ${n} was changed: its hash is of other content`);
    const gap = this.#gap(record);
    if (gap !== undefined) this.#fault(line, 'broken', gap);
    if (intact) this.#records += 1;
    this.#head = { n, hash };
    if (this.#expected?.n !== n || !intact) return;
    this.#seen = true;
    if (this.#expected.hash !== hash) this.#fault(line, 'changed', `record ${n} is not the expected one`);
  }

  /** Returns why a record does not continue the one before it. */
  #gap(record: LogRecord): string | undefined {
    const { n, hash } = this.#head;
    const missing = record.n - n - 1;
    const begins = this.#may_begin;
    this.#may_begin = false;
    if (missing > 0) return `${missing} record(s) before record ${record.n} are missing`;
    if (missing < 0) return `record ${record.n} stands behind record ${n}`;
    if (record.previous !== hash && !begins)
      return `record ${record.n} does not continue record ${n}: one of them was replaced`;
    return undefined;
  }
}

function repairs(record: LogRecord, bytes: Uint8Array): boolean {
  return record.kind === 'repair' && record.torn_bytes === bytes.length && record.torn_hash === sha256(bytes);
}
