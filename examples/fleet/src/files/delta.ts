// What makes a delta of a large file: hashes of blocks on the target, by its `split` and sha256sum, and copies of equal blocks, there by dd and here.
// A target that lacks them, or fails at them, has the file sent whole.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Blocks, Copy } from './blocks.js';
import { has_split, type OnHashed } from './hashes.js';
import type { Remote } from './remote.js';
import { shell_command } from './shell.js';

const BLOCKS = 'head -c "$2" < "$1" | SHELL=/bin/sh split -b "$3" --filter=sha256sum -';

/**
 * Returns the blocks of the first bytes of a file on the target; undefined: it cannot tell.
 *
 * @param size bytes
 * @param block bytes
 */
export async function remote_blocks(
  remote: Remote,
  path: string,
  size: number,
  block: number,
  on?: OnHashed,
): Promise<Blocks | undefined> {
  if (!(await has_split(remote))) return undefined;
  const hashes: string[] = [];
  const on_line = (line: string) => {
    const hash = /^([0-9a-f]{64}) /.exec(line)?.[1];
    if (hash === undefined) return;
    hashes.push(hash);
    on?.(Math.min(size, hashes.length * block));
  };
  await remote.output_of(shell_command(BLOCKS, path, size, block), { on_line });
  return hashes.length === Math.ceil(size / block) ? { block, size, hashes } : undefined;
}

// The files are in a folder where others may write: a link that has one of the names meanwhile is refused, and nothing is made.
const COPY = `while read -r from to count; do
  dd if="$1" of="$2" bs="$3" skip="$from" seek="$to" count="$count" iflag=fullblock,nofollow oflag=nofollow conv=notrunc,nocreat 2>/dev/null || exit 1
  echo copied
done`;

/**
 * Copies blocks of a file on the target into another one there.
 *
 * @param block bytes
 * @param on_copy hears of each that is done
 * @returns how many were done; those behind them were not
 */
export async function copy_there(
  remote: Remote,
  old: string,
  part: string,
  copies: readonly Copy[],
  block: number,
  on_copy: (copy: Copy) => void,
): Promise<number> {
  if (copies.length === 0) return 0;
  let done = 0;
  const on_line = (line: string) => {
    const copy = line === 'copied' ? copies[done] : undefined;
    if (copy === undefined) return;
    done += 1;
    on_copy(copy);
  };
  const rows = copies.map(({ from, at, length }) =>
    [from / block, at / block, Math.ceil(length / block)].join(' '),
  );
  const input = Buffer.from(`${rows.join('\n')}\n`);
  await remote.output_of(shell_command(COPY, old, part, block), { input, on_line });
  return done;
}

/** Copies blocks of a local file into another one. What became shorter meanwhile leaves a hole, which the hash of the whole finds. */
export async function copy_here(
  old: string,
  part: FileHandle,
  copies: readonly Copy[],
  block: number,
  on_copy: (copy: Copy) => void,
): Promise<void> {
  if (copies.length === 0) return;
  const source = await open(old, constants.O_RDONLY | constants.O_NOFOLLOW);
  const buffer = Buffer.allocUnsafe(block);
  try {
    for (const copy of copies) {
      for (let done = 0; done < copy.length; ) {
        const length = Math.min(block, copy.length - done);
        const { bytesRead } = await source.read(buffer, 0, length, copy.from + done);
        if (bytesRead === 0) break;
        await write_whole(part, buffer.subarray(0, bytesRead), copy.at + done);
        done += bytesRead;
      }
      on_copy(copy);
    }
  } finally {
    await source.close();
  }
}

/** Writes all of the data: a single write may write less. */
export async function write_whole(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let at = 0; at < data.length; ) {
    at += (await file.write(data, at, data.length - at, position + at)).bytesWritten;
  }
}
