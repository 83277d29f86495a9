// What ftpc prints: results on the standard output (lines, or with --json one object a line), notes, warnings and the progress on standard
// error. Texts of a server are shown escaped.
import { writeSync } from 'node:fs';
import { message_of } from '../errors.js';
import { printable } from '../names.js';
import { exit_code_of, kind_of } from './exit_codes.js';
import { Progress, progress_line } from './progress.js';

/** A line of --json. */
export type Event = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface ReportOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Default: whether standard error is a terminal */
  readonly terminal?: boolean | undefined;
}

const REDRAW_MS = 100;

export class Report {
  readonly options: ReportOptions;
  readonly progress = new Progress();
  readonly #terminal: boolean;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #is_drawn = false;

  constructor(options: ReportOptions) {
    this.options = options;
    this.#terminal = options.terminal ?? (process.stderr.isTTY === true && !options.json && !options.quiet);
  }

  /** A result: its line for readers, and its object. */
  result(line: string | undefined, event: Event): void {
    if (this.options.json) this.#out(`${JSON.stringify(event)}\n`);
    else if (line !== undefined) this.#out(`${printable(line)}\n`);
  }

  /** What has been done: not with --quiet. */
  done(line: string, event: Event): void {
    if (this.options.json) this.#out(`${JSON.stringify(event)}\n`);
    else if (!this.options.quiet) this.#error(line);
  }

  note(text: string): void {
    if (this.options.json) this.#out(`${JSON.stringify({ event: 'note', message: text })}\n`);
    else if (!this.options.quiet) this.#error(text);
  }

  warn(text: string): void {
    if (this.options.json) this.#out(`${JSON.stringify({ event: 'warning', message: text })}\n`);
    else this.#error(`ftpc: warning: ${text}`);
  }

  /** Says what failed, and returns its exit code. */
  failure(error: unknown, path?: string): number {
    const exit_code = exit_code_of(error);
    const message = message_of(error);
    if (this.options.json)
      this.#out(`${JSON.stringify({ event: 'error', kind: kind_of(error), exit_code, message, path })}\n`);
    else this.#error(`ftpc: ${path === undefined ? '' : `${path}: `}${message}`);
    if (exit_code === 1 && this.options.verbose && error instanceof Error) this.#error(error.stack ?? '');
    return exit_code;
  }

  trace(direction: 'sent' | 'received', line: string): void {
    if (this.options.verbose) this.#error(`${direction === 'sent' ? '>' : '<'} ${line}`);
  }

  /** Shows the progress of a transfer until the returned function is called. */
  transfer(name: string, total: number | undefined): { add: (bytes: number) => void; end: () => void } {
    this.progress.begin(name, total);
    this.#running++;
    if (this.#terminal) {
      this.#draw();
      this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
      this.#timer.unref();
    }
    return {
      add: (bytes) => this.progress.add(bytes),
      end: () => {
        this.progress.end(name);
        if (--this.#running > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#erase();
      },
    };
  }

  #draw(): void {
    // A terminal that nobody has told its size says 0.
    const columns = process.stderr.columns || 80;
    process.stderr.write(`\r\x1b[K${progress_line(this.progress.state(), columns - 1)}`);
    this.#is_drawn = true;
  }

  #erase(): void {
    if (this.#is_drawn) process.stderr.write('\r\x1b[K');
    this.#is_drawn = false;
  }

  #out(text: string): void {
    this.#erase();
    write_all(1, text);
  }

  #error(text: string): void {
    this.#erase();
    for (const line of text.split('\n')) write_all(2, `${printable(line)}\n`);
  }
}

/** Writes to a descriptor, whole: a program that exits would lose what a stream still holds. */
export function write_all(fd: number, data: string | Uint8Array): void {
  let bytes = typeof data === 'string' ? Buffer.from(data) : data;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      else if (code === 'EPIPE') return;
      else throw error;
    }
  }
}
