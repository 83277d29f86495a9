// What put.ts and get.ts share: options, results, names of unfinished files, and the limits of what is under way at once.

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { TransferError, transfer_error } from './errors.js';

export type FileState = 'sent' | 'skipped' | 'resumed' | 'would send' | 'failed';

export interface TransferOptions {
  /** only says what would go. Default: false */
  readonly dry_run?: boolean | undefined;
  /** ends the transfer and the Remote; what is unfinished is resumed the next time */
  readonly signal?: AbortSignal | undefined;
  /** hears of bytes of a file that are over there, `total` its size */
  readonly on_progress?: ((path: string, bytes: number, total: number) => void) | undefined;
  readonly on_file?: ((file: MovedFile) => void) | undefined;
}

export interface MovedFile {
  /** where it is now, or would be */
  readonly path: string;
  readonly state: FileState;
  readonly size: number;
  /** SHA-256, verified at the target; missing if it failed, or where nothing was read yet */
  readonly hash?: string | undefined;
  /** why it failed */
  readonly reason?: string | undefined;
}

export interface TransferResult {
  readonly files: readonly MovedFile[];
  /** content that went over the network */
  readonly bytes: number;
  readonly failed: number;
  /** what is neither file nor folder, and links of a target, which are never made here */
  readonly left_out: readonly string[];
}

/** Bytes of a request: as many as OpenSSH's server takes at once. */
export const PIECE = 255 << 10;
/** Requests of a file under way at once. */
export const WINDOW = 16;
/** Small files under way at once. */
export const FILES_AT_ONCE = 16;
/** Files whose hashes one command on the target computes. */
export const BATCH = 256;
/** Larger files are on the disk before they get their names, also in folders. */
export const SYNC_FROM = 1 << 20;

/**
 * Returns the name of an unfinished file, in the same folder. It is always the same one for the same content, so that it is found again.
 *
 * @param identity what tells contents apart
 */
export function part_name(path: string, identity: string): string {
  const { dir, base } = posix.parse(path);
  const digest = createHash('sha256').update(`${base}\0${identity}`).digest('hex').slice(0, 32);
  return posix.join(dir, `.fleet-${digest}.part`);
}

/** Calls `work` for each item, at most `limit` at once. The first error ends it, when those under way have settled. */
export async function each<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let error: unknown;
  let failed = false;
  const run = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (reason) {
        if (!failed) error = reason;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, run));
  if (failed) throw error;
}

export function* batches<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Keeps what became of each file. */
export class Tally {
  readonly files: MovedFile[] = [];
  bytes = 0;

  constructor(private readonly options: TransferOptions) {}

  add(file: MovedFile): void {
    this.files.push(file);
    this.options.on_file?.(file);
  }

  /** A file that fails is one that failed; a connection that is lost, or a user who wants to stop, ends all. */
  fail(error: unknown, path: string, size: number): void {
    const known = transfer_error(error, path);
    if (known.failure !== 'transfer') throw known;
    this.add({ path, state: 'failed', size, reason: known.reason });
  }

  result(left_out: readonly string[]): TransferResult {
    const failed = this.files.filter(({ state }) => state === 'failed').length;
    return { files: this.files, bytes: this.bytes, failed, left_out };
  }

  /** @throws TransferError when the user wants to stop */
  check(): void {
    if (this.options.signal?.aborted) throw new TransferError('stopped', '', 'the user asked');
  }
}
