// What put.ts and get.ts share: options, results, names of unfinished files, and the limits of what is under way at once.

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { FileState } from '../types.js';
import { DELTA_FROM } from './blocks.js';
import { TransferError, transfer_error } from './errors.js';

export interface TransferOptions {
  /** only says what would go. Default: false */
  readonly dry_run?: boolean | undefined;
  /** ends the transfer and the Remote; what is unfinished is resumed the next time */
  readonly signal?: AbortSignal | undefined;
  /** sends only what differs of a large file, where there is an older one. Default: true */
  readonly delta?: boolean | undefined;
  /** hears of bytes of a file that are over there, `total` its size, and how much content of all files went over the network */
  readonly on_progress?: ((path: string, bytes: number, total: number, sent: number) => void) | undefined;
  /** hears of bytes of a large file that are hashed, on either side */
  readonly on_hashing?: ((path: string, bytes: number, total: number) => void) | undefined;
  readonly on_file?: ((file: MovedFile) => void) | undefined;
}

export interface MovedFile {
  /** where it is now, or would be */
  readonly path: string;
  readonly state: FileState;
  readonly size: number;
  /** content that went over the network */
  readonly sent: number;
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

/** Requests with content under way at once, of all files of a host. */
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

/** Whether a file has the name of an unfinished one. */
export const is_part = (path: string) => /^\.fleet-[0-9a-f]{32}\.part$/.test(posix.basename(path));

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

/** Yields the files that are hashed together: large ones alone. */
export function* batches<T extends { readonly size: number }>(files: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  for (const file of files) {
    if (file.size >= DELTA_FROM) {
      yield [file];
      continue;
    }
    batch.push(file);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Keeps what became of each file. */
export class Tally {
  readonly files: MovedFile[] = [];
  /** content that went over the network */
  bytes = 0;

  /** @param target whose loss ends the transfer, also while nothing is asked of it */
  constructor(
    private readonly options: TransferOptions,
    private readonly target?: { check(): void },
  ) {}

  progress(path: string, bytes: number, total: number): void {
    this.options.on_progress?.(path, bytes, total, this.bytes);
  }

  /** Returns what tells of the hashing of a file, and ends it when the transfer is to end; a small one is hashed to its end. */
  hashing(path: string, total: number): ((bytes: number) => void) | undefined {
    if (total < DELTA_FROM) return undefined;
    return (bytes) => {
      this.check();
      this.options.on_hashing?.(path, bytes, total);
    };
  }

  add(file: MovedFile): void {
    this.files.push(file);
    this.options.on_file?.(file);
  }

  /** A file that fails is one that failed; a connection that is lost, or a user who wants to stop, ends all. */
  fail(error: unknown, path: string, size: number, sent: number): void {
    const known = transfer_error(error, path);
    if (known.failure !== 'transfer') throw known;
    this.add({ path, state: 'failed', size, sent, reason: known.reason });
  }

  result(left_out: readonly string[]): TransferResult {
    const failed = this.files.filter(({ state }) => state === 'failed').length;
    return { files: this.files, bytes: this.bytes, failed, left_out };
  }

  /** @throws TransferError when the user wants to stop, or the target is lost */
  check(): void {
    if (this.options.signal?.aborted) throw new TransferError('stopped', '', 'the user asked');
    this.target?.check();
  }
}

/** A file under way: how much of it is over there, and what of that went over the network. */
export class Passage {
  sent = 0;
  #done = 0;

  constructor(
    private readonly tally: Tally,
    private readonly path: string,
    private readonly size: number,
    private readonly on_moved: (bytes: number) => void = () => undefined,
  ) {}

  /** Bytes that were over there, or came from an older file. @throws TransferError when the transfer is to end */
  found(bytes: number): void {
    this.tally.check();
    this.#done += bytes;
    this.tally.progress(this.path, this.#done, this.size);
  }

  /** Bytes that went over the network. @throws what `on_moved` throws */
  moved(bytes: number): void {
    this.sent += bytes;
    this.tally.bytes += bytes;
    this.on_moved(bytes);
    this.found(bytes);
  }
}
