// get(): files of a target to a local folder. As in put.ts: unfinished files beside their names, verified by hash, skipped where equal, resumed where
// cut. The host is not trusted: its names stay in the folder, no link is followed or made, no file grows beyond what was announced.

import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { check_target, TransferError, transfer_error } from './errors.js';
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
import { remote_tree, type TreeFile } from './tree.js';

interface Job {
  readonly file: TreeFile;
  readonly from: string;
  readonly to: string;
  /** what the target says */
  readonly hash: string | undefined;
}

/**
 * Gets a file or a folder of a target. A file goes into `target` if that is a folder or ends with /; the content of a folder to `target`.
 * Folders that are missing are made. Links and devices are left out.
 *
 * @returns what became of each file; a file that failed does not end the others
 * @throws TransferError when the connection is lost, a name leads elsewhere, folders cannot be made, or the signal is aborted
 *
 * @example
 * const { files, left_out } = await get(remote, '/var/log/app', host_target('logs/%h', 'web1'));
 */
export async function get(
  remote: Remote,
  source: string,
  target: string,
  options: TransferOptions = {},
): Promise<TransferResult> {
  return remote.until(options.signal, () => get_all(remote, source, target, options));
}

async function get_all(
  remote: Remote,
  source: string,
  target: string,
  options: TransferOptions,
): Promise<TransferResult> {
  check_target(target);
  const tree = await remote_tree(remote, source);
  const tally = new Tally(options);
  const root = tree.is_folder ? target : await file_target(target, source);
  const to = (path: string) => (path === '' ? root : join(root, path));
  const from = (path: string) => (path === '' ? source : posix.join(source, path));
  if (!options.dry_run) {
    await mkdir(tree.is_folder ? root : join(root, '..'), { recursive: true }).catch(rethrow(root));
    for (const { path, mode } of tree.folders) await make_folder(to(path), mode);
  }
  for (const batch of batches(tree.files, BATCH)) {
    tally.check();
    const asked = batch.map(({ path, size }) => ({ path: from(path), size }));
    const hashes = await remote_hashes(remote, asked);
    await each(batch, FILES_AT_ONCE, async (file) => {
      const job: Job = { file, from: from(file.path), to: to(file.path), hash: hashes.get(from(file.path)) };
      try {
        await take(job);
      } catch (error) {
        tally.fail(error, job.to, file.size);
      }
    });
  }
  return tally.result([...tree.links.map(({ path }) => from(path)), ...tree.others.map(from)]);

  async function take(job: Job): Promise<void> {
    const { file, to: path, hash } = job;
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory()) throw new TransferError('transfer', path, 'is a folder');
    if (
      found?.isFile() &&
      found.size === file.size &&
      hash !== undefined &&
      (await local_hash(path)) === hash
    )
      return tally.add({ path, state: 'skipped', size: file.size, hash });
    if (options.dry_run) return tally.add({ path, state: 'would send', size: file.size, hash });
    const part = part_name(path, '');
    const local = await open_part(part);
    try {
      const start = await start_of(local, part, job);
      await local.truncate(start);
      await read_all(local, job, start);
      const verified = await verify(part, job);
      await local.chmod(file.mode);
      await local.utimes(file.mtime, file.mtime);
      if (!tree.is_folder || file.size >= SYNC_FROM) await local.sync();
      await rename(part, path);
      tally.add({ path, state: start > 0 ? 'resumed' : 'sent', size: file.size, hash: verified });
    } finally {
      await local.close();
    }
  }

  /** Returns how much of the unfinished file is the beginning of the target's. */
  async function start_of(local: FileHandle, part: string, { file, from: path }: Job): Promise<number> {
    const { size } = await local.stat();
    if (size === 0 || size > file.size) return 0;
    return (await local_hash(part)) === (await remote_hash(remote, path, size)) ? size : 0;
  }

  /** Returns the hash. A file that grew in the meantime is the beginning of what it is now. */
  async function verify(part: string, { file, from: path, to: name, hash }: Job): Promise<string> {
    const here = await local_hash(part);
    if (here === hash || here === (await remote_hash(remote, path, file.size))) return here;
    await unlink(part);
    throw new TransferError(
      'transfer',
      name,
      'the hash differs: it was changed while it was read, or damaged',
    );
  }

  /** Requests are under way together; what they bring is written in order, so that a cut leaves a beginning. */
  async function read_all(
    local: FileHandle,
    { file, from: path, to: name }: Job,
    start: number,
  ): Promise<void> {
    const handle = await remote.open(path, 'r');
    const waiting: Promise<Buffer>[] = [];
    try {
      let asked = start;
      let done = start;
      options.on_progress?.(name, done, file.size);
      while (done < file.size) {
        tally.check();
        for (; asked < file.size && waiting.length < WINDOW; asked += PIECE) {
          const piece = read_piece(handle, asked, Math.min(PIECE, file.size - asked), path);
          piece.catch(() => undefined);
          waiting.push(piece);
        }
        const data = (await waiting.shift()) ?? Buffer.alloc(0);
        for (let at = 0; at < data.length; ) {
          at += (await local.write(data, at, data.length - at, done + at)).bytesWritten;
        }
        done += data.length;
        tally.bytes += data.length;
        options.on_progress?.(name, done, file.size);
      }
    } finally {
      await Promise.allSettled(waiting);
      await remote.close_handle(handle).catch(() => undefined);
    }
  }

  async function read_piece(handle: Buffer, position: number, length: number, path: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let got = 0; got < length; ) {
      const data = await remote.read(handle, length - got, position + got, path);
      if (data.length === 0)
        throw new TransferError('transfer', path, 'the file became shorter while it was read');
      parts.push(data);
      got += data.length;
    }
    return Buffer.concat(parts);
  }
}

const rethrow = (path: string) => (error: unknown) => {
  throw transfer_error(error, path);
};

async function file_target(target: string, source: string): Promise<string> {
  const inside =
    target.endsWith('/') || ((await stat(target).catch(() => undefined))?.isDirectory() ?? false);
  if (!inside) return target;
  const name = posix.basename(source);
  if (name === '' || name === '.' || name === '..')
    throw new TransferError('transfer', source, 'has no name for a file');
  return join(target, name);
}

/** A link in place of the folder could lead anywhere. */
async function make_folder(path: string, mode: number): Promise<void> {
  try {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory()) return;
    if (found !== undefined) throw new TransferError('transfer', path, 'is no folder');
    await mkdir(path, { mode: mode | 0o700 });
  } catch (error) {
    throw transfer_error(error, path);
  }
}

async function open_part(part: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  return open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
}

/**
 * Returns the local name for a host: %h becomes its name, %% a %; without %h, a folder of its name in `target`.
 *
 * @throws RangeError when the host's name is no name of a file
 */
export function host_target(target: string, host: string): string {
  if (host === '' || host === '.' || host === '..' || /[/\0]/.test(host))
    throw new RangeError(`the host name ${JSON.stringify(host)} cannot be the name of a folder`);
  const named = /(?:^|[^%])(?:%%)*%h/.test(target);
  const path = target.replace(/%([%h])/g, (_, letter) => (letter === 'h' ? host : '%'));
  return named ? path : join(path, host, '/');
}
