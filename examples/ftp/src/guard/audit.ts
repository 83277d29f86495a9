// The audit log: a JSON object on each line, appended. Records wait in memory while a write runs, and go with the next one together. A log that
// cannot be written stops no session: what does not fit is counted, and a line says how many are missing.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { AuditRecord } from './types.js';

/** Characters that wait for a write. */
const MOST_WAITING = 8 << 20;
/** Fields that no record may have, whoever makes it. */
const SECRETS = /^(pass|passwd|password|secret|key|token)$/i;
/** Commands whose argument is a secret, in the field `command` or `line`. */
const SECRET_COMMANDS = /^\s*(PASS|ACCT)\b.*/is;

export interface AuditOptions {
  /** hears of each change between "can be written" and "cannot" */
  report?: ((error: unknown) => void) | undefined;
  /** hears how many records are lost */
  dropped?: ((count: number) => void) | undefined;
}

/** Returns the line of a record, with the time in front. */
export function audit_line(record: AuditRecord, time: Date): string {
  const fields: Record<string, unknown> = { time: time.toISOString() };
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined || SECRETS.test(name)) continue;
    const command = name === 'command' || name === 'line';
    fields[name] = command ? String(value).replace(SECRET_COMMANDS, '$1 ***') : value;
  }
  return `${escape_rest(JSON.stringify(fields))}\n`;
}

/** JSON leaves some characters that a terminal obeys or that look like another order of the text: DEL, C1, and marks of direction and lines. */
function escape_rest(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A log file. */
export class AuditLog {
  #file: FileHandle;
  #waiting: { lines: string; count: number }[] = [];
  #length = 0;
  #lost = 0;
  #failed = false;
  #writing: Promise<void> | undefined;
  #reopen = false;
  #closed = false;

  private constructor(
    private readonly path: string,
    file: FileHandle,
    private readonly options: AuditOptions,
  ) {
    this.#file = file;
  }

  /** Opens the file for appending, and makes it with mode 0600 if it is missing. */
  static async open(path: string, options: AuditOptions = {}): Promise<AuditLog> {
    return new AuditLog(path, await open_log(path), options);
  }

  write(record: AuditRecord): void {
    this.append(audit_line(record, new Date()), 1);
  }

  /** Appends whole lines. @param count how many */
  append(lines: string, count: number): void {
    if (this.#closed) return;
    if (this.#length + lines.length > MOST_WAITING) {
      this.#lost += count;
      this.options.dropped?.(count);
    } else {
      this.#waiting.push({ lines, count });
      this.#length += lines.length;
    }
    this.#start();
  }

  /** Goes on in a new file of the same name, after what waits is in the old one: for SIGHUP, when the old one has been renamed. */
  async reopen(): Promise<void> {
    this.#reopen = true;
    await this.flush();
  }

  /** Resolves when everything up to now is in the file. */
  async flush(): Promise<void> {
    this.#start();
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    await this.#file.close();
  }

  #start(): void {
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined;
    });
  }

  async #run(): Promise<void> {
    // What the same turn of the event loop brings goes with it.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#write_batch();
    if (this.#reopen) await this.#open_again();
  }

  async #write_batch(): Promise<void> {
    const batch = this.#waiting;
    const lost = this.#lost;
    this.#waiting = [];
    this.#length = 0;
    const lines = batch.map((one) => one.lines);
    if (lost > 0)
      lines.push(`${JSON.stringify({ time: new Date().toISOString(), event: 'lost', records: lost })}\n`);
    try {
      await write_whole(this.#file, Buffer.from(lines.join('')));
      this.#lost -= lost;
      this.#failed = false;
    } catch (error) {
      const records = batch.reduce((sum, { count }) => sum + count, 0);
      this.#lost += records;
      this.options.dropped?.(records);
      if (!this.#failed) this.options.report?.(error);
      this.#failed = true;
    }
  }

  async #open_again(): Promise<void> {
    this.#reopen = false;
    try {
      const file = await open_log(this.path);
      const old = this.#file;
      this.#file = file;
      await old.close();
    } catch (error) {
      this.options.report?.(error);
    }
  }
}

/** One write(2); a second one only if the disk took a part. */
async function write_whole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

async function open_log(path: string): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    const { size } = await file.stat();
    const end = Buffer.alloc(1);
    // The last line of a process that was killed may lack its end.
    if (size > 0 && (await file.read(end, 0, 1, size - 1)).bytesRead === 1 && end[0] !== 0x0a) {
      await file.write('\n');
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
