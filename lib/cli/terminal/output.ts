// Output of the commands: lines, JSON, colours, columns. If the reader of standard output goes away (`| head`), the program
// ends quietly, as other programs do by SIGPIPE. If standard output cannot be written (a full disk), it ends with a line.
import { once } from 'node:events';
import { styleText } from 'node:util';
import { printable } from '../../util/printable.js';
import { FAILED } from './errors.js';

export { printable };

/** The exit code that a shell reports for a program ended by SIGPIPE. */
const BROKEN_PIPE = 141;

let broken = false;

/** Handles errors of standard output and standard error. The program calls it once, before it prints. */
export function watch_output(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const closed = error.code === 'EPIPE';
      // An unwritable standard error does not end the program.
      if (!closed && stream === process.stderr) return;
      if (!closed && !broken) print_stderr(`bsd-sockets: cannot print: ${error.message}`);
      broken = true;
      process.exit(closed ? BROKEN_PIPE : FAILED);
    });
  }
}

/** Characters of lines that wait to be written together, at most. */
const PENDING_MAX = 32_768;
let pending = '';
let is_scheduled = false;

/** print(line). Prints a line on standard output. */
export function print(line = ''): void {
  if (!broken) process.stdout.write(`${take_pending()}${line}\n`);
}

/**
 * print_soon(line). Prints a line on standard output, together with others that are printed before the program waits for something: a
 * write for each would cost more than the line. `flush_output` writes them at once.
 */
export function print_soon(line: string): void {
  pending += `${line}\n`;
  if (pending.length > PENDING_MAX) flush_output();
  else if (!is_scheduled) {
    is_scheduled = true;
    setImmediate(() => {
      is_scheduled = false;
      flush_output();
    });
  }
}

/** Writes the lines that wait. */
export function flush_output(): void {
  const text = take_pending();
  if (text !== '' && !broken) process.stdout.write(text);
}

function take_pending(): string {
  const text = pending;
  pending = '';
  return text;
}

/** print_stderr(line). Prints a line on standard error; it is made `printable`. */
export function print_stderr(line: string): void {
  flush_output();
  process.stderr.write(`${printable(line)}\n`);
}

/** drained() -> a promise that waits until standard output can take more. A command that prints without end awaits it. */
export async function drained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/**
 * print_json(value). Prints one JSON object on a line. A bigint becomes a number, or text if a number would lose digits; bytes
 * become hexadecimal text.
 */
export function print_json(value: object): void {
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return bigint_json(item);
    return is_buffer_json(item) ? Buffer.from(item.data).toString('hex') : item;
  });
  // JSON leaves some control characters as they are; escaped, they stay the same text in JSON.
  print(printable(text));
}

/** Returns whether the value is a result of Buffer's toJSON(). */
function is_buffer_json(item: unknown): item is { data: number[] } {
  return (
    typeof item === 'object' && item !== null && 'type' in item && item.type === 'Buffer' && 'data' in item
  );
}

function bigint_json(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** Returns whether standard output is a terminal. */
export function is_terminal(): boolean {
  return process.stdout.isTTY === true;
}

type Style = Parameters<typeof styleText>[0];

/** coloured(style, text) -> the text in a colour; unchanged without a terminal that has colours, or if NO_COLOR is set. */
export function coloured(style: Style, text: string): string {
  return is_terminal() && process.stdout.hasColors() ? styleText(style, text) : text;
}

/** Returns rows as lines of aligned columns. A column is as wide as its widest cell. */
function table(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd((widths[i] ?? 0) + gap))
      .join('')
      .trimEnd(),
  );
}

/** Returns the lines of a text that are not longer than `width`; a word that is stays whole. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** The indent of a cell that is below its row. */
const CELL_INDENT = 6;

/** The width of a terminal that does not say its own: serial lines, `script` without one behind it. */
const COLUMNS_USUAL = 80;

/** Returns the width of a terminal in characters; 80 if it says none, or is no terminal. */
export function columns_of({ columns }: { readonly columns?: number | undefined }): number {
  return columns || COLUMNS_USUAL;
}

/** fitted_table(rows, columns) -> the lines of each row. If the rows are too wide, their last cells are below them. */
export function fitted_table(rows: readonly (readonly string[])[], columns: number): string[][] {
  const lines = table(rows);
  const is_last = (rows[0]?.length ?? 0) <= 1;
  if (is_last || lines.every((line) => line.length <= columns)) return lines.map((line) => [line]);
  const heads = fitted_table(
    rows.map((row) => row.slice(0, -1)),
    columns,
  );
  return rows.map((row, i) => {
    const cell = row.at(-1) ?? '';
    const below = cell === '' ? [] : wrapped(cell, columns - CELL_INDENT);
    return [...(heads[i] ?? []), ...below.map((line) => ' '.repeat(CELL_INDENT) + line)];
  });
}
