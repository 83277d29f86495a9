// LogWriter appends records. Those that come while a write runs wait and go with the next one together, under one lock (lock.ts), so that 500 hosts
// that end at once cost a handful of writes. Before each write the end of the file is read: other processes write there, too.

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LONGEST_LINE, line_before, read_all, start_of_line } from './lines.js';
import { lock } from './lock.js';
import { type Entry, type Head, line_of, ORIGIN, type Repair, read_line, sha256 } from './record.js';
import { head_of_moved } from './rotation.js';

/** Only its owner reads the log: commands and paths are nobody else's business. */
const MODE = 0o600;
const FOLDER_MODE = 0o700;
const NEWLINE = 10;

export interface LogWriterOptions {
  /** returns the texts that must not be in the log (passwords that the program knows): *** is written in their place */
  readonly secrets?: (() => readonly string[]) | undefined;
  /** seconds that another process may hold the lock. Default: 30 */
  readonly lock_timeout?: number | undefined;
  /** the clock. Default: the system's */
  readonly now?: (() => Date) | undefined;
}

interface Waiting {
  readonly entry: Entry;
  readonly time: Date;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Appends records to a log file, which is made with mode 0600 if it is missing. Its first record continues the file that was moved away last
 * (rotation.ts).
 *
 * @example
 * const log = new LogWriter('/var/log/fleet.jsonl');
 * await log.append({ operation, kind: 'begin', action: 'run', who: 'ann', where: '@web', command: 'uptime' });
 */
export class LogWriter {
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(
    readonly path: string,
    private readonly options: LogWriterOptions = {},
  ) {}

  /**
   * Appends a record.
   *
   * @returns when it is on the disk (fsync)
   * @throws Error when the file cannot be written or locked, or its last record is damaged: nothing is appended to a chain that is broken
   */
  append(entry: Entry): Promise<void> {
    const time = this.options.now?.() ?? new Date();
    return new Promise((done, failed) => {
      this.#waiting.push({ entry, time, done, failed });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const refused = await this.#append(batch);
        for (const { done, failed, entry } of batch) {
          if (refused.has(entry)) failed(new RangeError('the record is too long for the log'));
          else done();
        }
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#writing = false;
  }

  /** Returns those that are too long for a line. */
  async #append(batch: readonly Waiting[]): Promise<Set<Entry>> {
    const refused = new Set<Entry>();
    const file = await open_locked(this.path, this.options.lock_timeout ?? 30);
    try {
      const { size } = await file.stat();
      let { head, before, repair } = await end_of(file, size, this.path);
      let text = before;
      const secrets = this.options.secrets?.() ?? [];
      const add = (entry: Entry | Repair, time: Date) => {
        const line = line_of(entry, head, time, secrets);
        if (Buffer.byteLength(line) > LONGEST_LINE) return false;
        const hash = line.slice(-66, -2);
        head = { n: head.n + 1, hash };
        text += `${line}\n`;
        return true;
      };
      if (repair !== undefined) add(repair, batch[0]?.time ?? new Date());
      for (const { entry, time } of batch) if (!add(entry, time)) refused.add(entry);
      await write_all(file, Buffer.from(text), size);
      await file.sync();
    } finally {
      await file.close();
    }
    return refused;
  }
}

/** Opens and locks the file that has this name when the lock is held: it may have been moved away in the meantime. */
async function open_locked(path: string, timeout: number): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  for (;;) {
    const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, MODE);
    try {
      await lock(file, timeout);
      const [mine, named] = [await file.stat(), await stat(path).catch(() => undefined)];
      if (mine.ino === named?.ino && mine.dev === named.dev) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
  }
}

interface End {
  head: Head;
  /** what has to be written before the next record */
  before: string;
  repair: Repair | undefined;
}

/** Reads how the file ends: behind a record, behind a record that lacks its line end, or in a line that a crash tore. */
async function end_of(file: FileHandle, size: number, path: string): Promise<End> {
  if (size === 0) return { head: await head_of_moved(path), before: '', repair: undefined };
  const last = await read_all(file, size - 1, size);
  if (last[0] === NEWLINE) return { head: await head_before(file, size), before: '', repair: undefined };
  const start = await start_of_line(file, size);
  const tail = await read_all(file, start, size);
  const { record, intact } = read_line(tail);
  if (intact) return { head: record, before: '\n', repair: undefined };
  const repair: Repair = { kind: 'repair', torn_bytes: tail.length, torn_hash: sha256(tail) };
  return { head: await head_before(file, start), before: '\n', repair };
}

async function head_before(file: FileHandle, end: number): Promise<Head> {
  const line = await line_before(file, end);
  if (line === undefined) return { n: 0, hash: ORIGIN };
  const { record, intact } = read_line(line);
  if (!intact)
    throw new Error("the log's last record is damaged: verify it, move it away, and begin a new one");
  return record;
}

/** A write that fails in the middle (a full disk) is taken back. If even that fails, the next writer finds a torn line. */
async function write_all(file: FileHandle, bytes: Buffer, size: number): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; ) {
      at += (await file.write(bytes, at, bytes.length - at, null)).bytesWritten;
    }
  } catch (error) {
    await file.truncate(size).catch(() => undefined);
    throw error;
  }
}
