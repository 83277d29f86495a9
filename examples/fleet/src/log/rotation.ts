// Rotation: a log that was moved away goes on in a new file, whose first record continues the last one of the newest file that was moved. So
// the chain holds over all of them, as long as they are beside it under names that begin with its own: log.jsonl.1, log.jsonl-20261130.

import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { line_before, lines_of } from './lines.js';
import { type Head, ORIGIN, read_line } from './record.js';

/** What is compressed is not read. */
const COMPRESSED = /\.(gz|bz2|xz|zst)$/;

/** Returns the files of a log that were moved away, in no order. */
async function moved_files(path: string): Promise<string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !COMPRESSED.test(entry.name))
    .filter((entry) => entry.name.startsWith(`${name}.`) || entry.name.startsWith(`${name}-`))
    .map((entry) => join(folder, entry.name));
}

/**
 * Returns the files of a log that have records, the oldest first: those that were moved away, and the log itself.
 *
 * @throws Error when the log itself cannot be read
 */
export async function files_of(path: string): Promise<string[]> {
  const moved = await Promise.all(
    (await moved_files(path)).map(async (file) => ({ file, n: await first_of(file) })),
  );
  const older = moved.filter(({ n }) => n !== undefined).sort((a, b) => (a.n ?? 0) - (b.n ?? 0));
  return [...older.map(({ file }) => file), path];
}

/** Returns the number of the first record; undefined: the file has none, or cannot be read. */
async function first_of(file: string): Promise<number | undefined> {
  try {
    for await (const { bytes } of lines_of(file)) return read_line(bytes).record?.n;
  } catch {
    return undefined;
  }
  return undefined;
}

/** Returns what the first record of a new log continues: the last record of the files that were moved away; of a damaged one nothing. */
export async function head_of_moved(path: string): Promise<Head> {
  let newest: Head = { n: 0, hash: ORIGIN };
  for (const file of await moved_files(path)) {
    const head = await last_of(file).catch(() => undefined);
    if (head !== undefined && head.n > newest.n) newest = head;
  }
  return newest;
}

async function last_of(path: string): Promise<Head | undefined> {
  const file: FileHandle = await open(path, constants.O_RDONLY);
  try {
    const line = await line_before(file, (await file.stat()).size);
    const { record, intact } = read_line(line ?? new Uint8Array(0));
    return intact ? record : undefined;
  } finally {
    await file.close();
  }
}
