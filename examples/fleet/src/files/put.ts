// put(): local files to a target. Each is sent to an unfinished file beside its name, which is verified by its hash there and then takes the name in
// one step. What is already there with the same hash is skipped, and what was cut goes on where the hash of the beginning says that it can.

import { type FileHandle, open } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { check_target, code_of, TransferError, transfer_error } from './errors.js';
import { local_hash, remote_hash, remote_hashes } from './hashes.js';
import type { Remote } from './remote.js';
import {
  BATCH,
  batches,
  each,
  FILES_AT_ONCE,
  PIECE,
  part_name,
  SYNC_FROM,
  Tally,
  type TransferOptions,
  type TransferResult,
  WINDOW,
} from './transfer.js';
import { local_tree, type Tree, type TreeFile } from './tree.js';

/** A local file or folder that goes to many hosts: it is walked and hashed once. */
export class LocalSource {
  readonly #hashes = new Map<string, Promise<string>>();

  private constructor(
    readonly root: string,
    readonly tree: Tree,
  ) {}

  /** @throws TransferError when there is no such file or folder */
  static async open(path: string): Promise<LocalSource> {
    return new LocalSource(resolve(path), await local_tree(path));
  }

  local_path(file: TreeFile): string {
    return file.path === '' ? this.root : join(this.root, file.path);
  }

  hash(file: TreeFile): Promise<string> {
    let hash = this.#hashes.get(file.path);
    if (hash === undefined) {
      hash = local_hash(this.local_path(file));
      // Who waits for it hears of the failure.
      hash.catch(() => undefined);
      this.#hashes.set(file.path, hash);
    }
    return hash;
  }
}

/** A file under way. */
interface Job {
  readonly file: TreeFile;
  readonly to: string;
  readonly hash: string;
  readonly part: string;
  /** bytes of the unfinished file that are right */
  start: number;
}

/**
 * Puts a file or a folder on a target. A file goes into `target` if that is a folder or ends with /. The content of a folder goes to
 * `target`, or into a folder of its name in it if it ends with /; other files there stay.
 *
 * @returns what became of each file; a file that failed does not end the others
 * @throws TransferError when the connection is lost, or the folders cannot be made, or the signal is aborted
 *
 * @example
 * const source = await LocalSource.open('app.tar');
 * const remote = await Remote.open(client);
 * const { failed, bytes } = await put(remote, source, '/srv/');
 */
export async function put(
  remote: Remote,
  source: LocalSource,
  target: string,
  options: TransferOptions = {},
): Promise<TransferResult> {
  return remote.until(options.signal, () => put_all(remote, source, target, options));
}

async function put_all(
  remote: Remote,
  source: LocalSource,
  target: string,
  options: TransferOptions,
): Promise<TransferResult> {
  check_target(target);
  const { tree } = source;
  const tally = new Tally(options);
  const root = await root_of(remote, source, target);
  const to = (path: string) => (path === '' ? root : posix.join(root, path));
  if (!options.dry_run && tree.is_folder) await make_folders(remote, tree, to);
  for (const batch of batches(tree.files, BATCH)) {
    tally.check();
    const jobs = await jobs_of(batch);
    if (options.dry_run) {
      for (const { file, to, hash } of jobs)
        tally.add({ path: to, state: 'would send', size: file.size, hash });
    } else await move(jobs);
  }
  if (!options.dry_run) await make_links(remote, tree, to);
  return tally.result(tree.others.map(to));

  /** Returns the files that have to go. */
  async function jobs_of(files: readonly TreeFile[]): Promise<Job[]> {
    const jobs: Job[] = [];
    const same_size: { path: string; size: number }[] = [];
    await each(files, FILES_AT_ONCE, async (file) => {
      const path = to(file.path);
      try {
        const [found, hash] = [await remote.lstat(path), await source.hash(file)];
        if (found?.isDirectory()) throw new TransferError('transfer', path, 'is a folder');
        if (found?.isFile() && found.size === file.size) same_size.push({ path, size: file.size });
        jobs.push({ file, to: path, hash, part: part_name(path, hash), start: 0 });
      } catch (error) {
        tally.fail(error, path, file.size);
      }
    });
    const hashes = await remote_hashes(remote, same_size);
    const missing: Job[] = [];
    await each(jobs, FILES_AT_ONCE, async (job) => {
      if (hashes.get(job.to) !== job.hash) return void missing.push(job);
      const { file, to: path, hash } = job;
      try {
        if (!options.dry_run) await remote.set_attributes_of(path, attributes_of(file));
        tally.add({ path, state: 'skipped', size: file.size, hash });
      } catch (error) {
        tally.fail(error, path, file.size);
      }
    });
    return missing;
  }

  async function move(jobs: readonly Job[]): Promise<void> {
    const sent: Job[] = [];
    await each(jobs, FILES_AT_ONCE, async (job) => {
      try {
        await find_start(remote, job, source);
        await send(job);
        sent.push(job);
      } catch (error) {
        // What a full disk has of it would keep the disk full.
        if (transfer_error(error, job.to).failure === 'transfer')
          await remote.remove(job.part).catch(() => undefined);
        tally.fail(await with_space(remote, error, job), job.to, job.file.size);
      }
    });
    const hashes = await remote_hashes(
      remote,
      sent.map(({ part, file }) => ({ path: part, size: file.size })),
    );
    await each(sent, FILES_AT_ONCE, async (job) => {
      const { file, to: path, hash, part, start } = job;
      try {
        if (hashes.get(part) !== hash) {
          await remote.remove(part);
          throw new TransferError(
            'transfer',
            path,
            'the hash differs: it was changed while it was sent, or damaged',
          );
        }
        await remote.rename(part, path);
        tally.add({ path, state: start > 0 ? 'resumed' : 'sent', size: file.size, hash });
      } catch (error) {
        tally.fail(error, path, file.size);
      }
    });
  }

  async function send({ file, to: path, part, start }: Job): Promise<void> {
    const local = await open(source.local_path(file), 'r');
    try {
      // Nobody else reads it before it has its permissions.
      const handle = start > 0 ? await remote.open(part, 'r+') : await remote.open(part, 'wx', 0o600);
      try {
        options.on_progress?.(path, start, file.size);
        await write_all(local, handle, { path, start, size: file.size });
        await remote.set_attributes(handle, attributes_of(file), part);
        if (!tree.is_folder || file.size >= SYNC_FROM) await remote.sync(handle, part);
      } finally {
        await remote.close_handle(handle).catch(() => undefined);
      }
    } finally {
      await local.close();
    }
  }

  async function write_all(local: FileHandle, handle: Buffer, { path, start, size }: Span): Promise<void> {
    let written = start;
    const waiting: Promise<void>[] = [];
    const write = async (data: Buffer, at: number) => {
      await remote.write(handle, data, at, path);
      written += data.length;
      tally.bytes += data.length;
      options.on_progress?.(path, written, size);
    };
    try {
      for (let at = start; at < size; ) {
        tally.check();
        const { buffer, bytesRead } = await local.read(
          Buffer.allocUnsafe(PIECE),
          0,
          Math.min(PIECE, size - at),
          at,
        );
        if (bytesRead === 0)
          throw new TransferError('transfer', path, 'the file became shorter while it was sent');
        // In order: what a cut leaves is a beginning.
        const request = write(buffer.subarray(0, bytesRead), at);
        request.catch(() => undefined);
        waiting.push(request);
        at += bytesRead;
        if (waiting.length >= WINDOW) await waiting.shift();
      }
      await Promise.all(waiting);
    } finally {
      await Promise.allSettled(waiting);
    }
  }
}

interface Span {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

const attributes_of = ({ mode, mtime }: TreeFile) => ({ mode, atime: mtime, mtime });

async function root_of(remote: Remote, source: LocalSource, target: string): Promise<string> {
  const inside =
    target.endsWith('/') || (!source.tree.is_folder && ((await remote.stat(target))?.isDirectory() ?? false));
  return inside ? posix.join(target, basename(source.root)) : target;
}

async function make_folders(remote: Remote, { folders }: Tree, to: (path: string) => string): Promise<void> {
  for (const { path, mode } of [{ path: '', mode: 0o755 }, ...folders]) {
    const found = await remote.stat(to(path));
    if (found?.isDirectory()) continue;
    if (found !== undefined) throw new TransferError('transfer', to(path), 'is no folder');
    // Its owner has to write into it now, whatever it is to be.
    await remote.make_folder(to(path), mode | 0o700);
  }
}

/** Links are made as they are here, wherever they lead. */
async function make_links(remote: Remote, { links }: Tree, to: (path: string) => string): Promise<void> {
  await each(links, FILES_AT_ONCE, async ({ path, target }) => {
    const found = await remote.lstat(to(path));
    if (found?.isSymbolicLink() && (await remote.read_link(to(path))) === target) return;
    const part = part_name(to(path), target);
    await remote.remove(part).catch(() => undefined);
    await remote.make_link(target, part);
    await remote.rename(part, to(path));
  });
}

/** Finds how much of an unfinished file is right, and removes it if nothing is. */
async function find_start(remote: Remote, job: Job, source: LocalSource): Promise<void> {
  const found = await remote.lstat(job.part);
  if (found === undefined) return;
  // A link could lead anywhere.
  const usable = found.isFile() && found.size > 0 && found.size <= job.file.size;
  if (usable) {
    const here = await local_hash(source.local_path(job.file), found.size);
    if ((await remote_hash(remote, job.part, found.size)) === here) {
      job.start = found.size;
      return;
    }
  }
  await remote.remove(job.part);
}

const FAILURE = 4;

/** SFTP has no code for a full disk: it is a failure where little is free. */
async function with_space(remote: Remote, error: unknown, { to, file }: Job): Promise<unknown> {
  if (!(error instanceof TransferError) || code_of(error.cause) !== FAILURE) return error;
  const free = await remote.free_bytes(posix.dirname(to));
  if (free === undefined || free >= file.size) return error;
  return new TransferError('transfer', to, `no space left on the target: ${free} bytes are free`, {
    cause: error,
  });
}
