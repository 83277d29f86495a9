// The lines of a log file as bytes, forwards in a bounded amount of memory, and its last one. What a line means is in record.ts.

import { type FileHandle, open } from 'node:fs/promises';

/** Longer lines are not kept: no record is that long, and a file without line ends must not fill the memory. */
export const LONGEST_LINE = 4 << 20;
const STEP = 64 << 10;
const NEWLINE = 10;

export interface Line {
  /** from 1 */
  readonly number: number;
  /** without the line end; of a line longer than LONGEST_LINE, nothing */
  readonly bytes: Uint8Array;
  /** false: the file ends here, and no line end was written */
  readonly ended: boolean;
}

/** Yields the lines of a file. Only what the file has at the beginning is read: writers may go on. */
export async function* lines_of(path: string): AsyncGenerator<Line> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let parts: Uint8Array[] = [];
    let length = 0;
    let number = 0;
    const take = (ended: boolean): Line => {
      const bytes = length > LONGEST_LINE ? new Uint8Array(0) : Buffer.concat(parts);
      parts = [];
      length = 0;
      number += 1;
      return { number, bytes, ended };
    };
    for (let at = 0; at < size; ) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(STEP), 0, Math.min(STEP, size - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      let rest = buffer.subarray(0, bytesRead);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        keep(rest.subarray(0, end));
        yield take(true);
        rest = rest.subarray(end + 1);
      }
      if (rest.length > 0) keep(rest);
    }
    if (length > 0) yield take(false);

    function keep(part: Uint8Array) {
      length += part.length;
      if (length > LONGEST_LINE) parts = [];
      else parts.push(part);
    }
  } finally {
    await file.close();
  }
}

/**
 * Returns the last line that is ended before `end`, and where it begins; undefined if there is none.
 *
 * @param end an offset: behind a line end, or 0
 * @throws RangeError when the line is longer than LONGEST_LINE
 */
export async function line_before(file: FileHandle, end: number): Promise<Buffer | undefined> {
  if (end === 0) return undefined;
  const start = await start_of_line(file, end - 1);
  return read_all(file, start, end - 1);
}

/**
 * Returns where the line begins whose bytes end before `end`.
 *
 * @throws RangeError when the line is longer than LONGEST_LINE
 */
export async function start_of_line(file: FileHandle, end: number): Promise<number> {
  for (let at = end; at > 0; ) {
    const from = Math.max(0, at - STEP);
    const newline = (await read_all(file, from, at)).lastIndexOf(NEWLINE);
    if (newline >= 0) return from + newline + 1;
    at = from;
    if (end - at > LONGEST_LINE) throw new RangeError('the last line is too long to be a record');
  }
  return 0;
}

/** @throws Error when the file has fewer bytes */
export async function read_all(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from);
  for (let got = 0; got < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, got, buffer.length - got, from + got);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    got += bytesRead;
  }
  return buffer;
}
