// What commands print: lines, JSON, colours. A reader that goes away (`| head`) ends the program quietly, as SIGPIPE does
// with other programs; a full disk ends it with a line.
import { once } from 'node:events';
import { styleText } from 'node:util';
import { FAILED } from './errors.js';

const BROKEN_PIPE = 141;

let broken = false;

/** To be called once, before anything is drained. */
export function watch_output(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const closed = error.code === 'EPIPE';
      // With nowhere left to print_stderr it goes on.
      if (!closed && stream === process.stderr) return;
      if (!closed && !broken) print_stderr(`bsd-sockets: cannot print: ${error.message}`);
      broken = true;
      process.exit(closed ? BROKEN_PIPE : FAILED);
    });
  }
}

/** print(line). A line on standard output. */
export function print(line = ''): void {
  if (!broken) process.stdout.write(`${line}\n`);
}

/** print_stderr(line). A line on standard error. */
export function print_stderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** drained() -> a promise: the reader has taken what was drained, or is about to. For those who print without end. */
export async function drained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/**
 * print_json(value). One JSON object on a line. A bigint becomes a number, or text where that would lose digits; bytes become
 * hexadecimal text.
 */
export function print_json(value: object): void {
  print(
    JSON.stringify(value, (_, item: unknown) => {
      if (typeof item === 'bigint') return bigint_json(item);
      return is_buffer_json(item) ? Buffer.from(item.data).toString('hex') : item;
    }),
  );
}

/** What Buffer's toJSON() gives. */
function is_buffer_json(item: unknown): item is { data: number[] } {
  return (
    typeof item === 'object' && item !== null && 'type' in item && item.type === 'Buffer' && 'data' in item
  );
}

function bigint_json(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** Whether somebody watches standard output. */
export function is_terminal(): boolean {
  return process.stdout.isTTY === true;
}

type Style = Parameters<typeof styleText>[0];

/** coloured(style, text) -> the text in a colour, on a terminal that has some and unless NO_COLOR is set. */
export function coloured(style: Style, text: string): string {
  return is_terminal() && process.stdout.hasColors() ? styleText(style, text) : text;
}

/** Rows as columns: each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[], gap = 2): string[] {
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
