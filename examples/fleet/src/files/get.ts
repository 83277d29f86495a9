// get(): files of a target to a local folder. As in put.ts: unfinished files beside their names, verified by hash, skipped where equal, resumed where
// cut, and of large files only what differs. The host is not trusted: its names stay in the folder, no link is followed or made, no file grows beyond
// what was announced, and what is announced has to fit.

import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { bytes_text } from '../view/progress.js';
import {
  type Blocks,
  block_size,
  DELTA_FROM,
  equal_blocks,
  LEAST_BLOCK,
  type Plan,
  pieces_of,
  plan_from,
  plan_of,
} from './blocks.js';
import { copy_here, remote_blocks, write_whole } from './delta.js';
import { check_target, code_of, missing_as_undefined, TransferError, transfer_error } from './errors.js';
import { FOLDERS_HERE, Folders } from './folders.js';
import {
  type Digest,
  local_digest,
  local_hash,
  type OnHashed,
  remote_hash,
  remote_hashes,
} from './hashes.js';
import type { Remote } from './remote.js';
import { Slots } from './slots.js';
import { type Reservation, Space } from './space.js';
import {
  batches,
  each,
  FILES_AT_ONCE,
  Passage,
  part_name,
  SYNC_FROM,
  Tally,
  type TransferOptions,
  type TransferResult,
  WINDOW,
} from './transfer.js';
import { remote_tree, type Tree, type TreeFile } from './tree.js';

export interface GetOptions extends TransferOptions {
  /** the most bytes that are taken from the host. Default: no limit */
  readonly max_bytes?: number | undefined;
  /** where the space is counted that several hosts share. Default: one of its own */
  readonly space?: Space | undefined;
}

interface Job {
  readonly file: TreeFile;
  readonly from: string;
  readonly to: string;
  /** what the target says; of a large file nothing yet */
  readonly hash: string | undefined;
  readonly passage: Passage;
}

/** What a delta is made from: the file on the target, and the older one here. */
interface Delta {
  readonly wanted: Blocks;
  readonly old: Digest;
}

/**
 * Gets a file or a folder of a target. A file goes into `target` if that is a folder or ends with /; the content of a folder to `target`.
 * Folders that are missing are made. Links and devices are left out.
 *
 * @returns what became of each file; a file that failed does not end the others
 * @throws TransferError when the connection is lost, a name leads elsewhere, folders cannot be made, it is more than `max_bytes` or than fits, or the
 * signal is aborted
 *
 * @example
 * const { files, left_out } = await get(remote, '/var/log/app', host_target('logs/%h', 'web1'));
 */
export async function get(
  remote: Remote,
  source: string,
  target: string,
  options: GetOptions = {},
): Promise<TransferResult> {
  return remote.until(options.signal, () => get_all(remote, source, target, options));
}

async function get_all(
  remote: Remote,
  source: string,
  target: string,
  options: GetOptions,
): Promise<TransferResult> {
  check_target(target);
  const { delta: with_delta = true, dry_run = false, space = new Space(), max_bytes } = options;
  const tree = await remote_tree(remote, source);
  const tally = new Tally(options, remote);
  const slots = new Slots(WINDOW);
  const root = tree.is_folder ? target : await file_target(target, source);
  const to = (path: string) => (path === '' ? root : join(root, path));
  const from = (path: string) => (path === '' ? source : posix.join(source, path));
  const announced = await announced_bytes(tree, to);
  if (max_bytes !== undefined && announced > max_bytes) throw over_limit(source, announced, max_bytes);
  const reserved = dry_run ? undefined : await space.reserve(root, announced);
  try {
    const folders = dry_run ? undefined : await make_folders();
    for (const batch of batches(tree.files)) {
      tally.check();
      await folders?.check(batch.map(({ path }) => path));
      await take_batch(batch, reserved);
    }
    await folders?.finish(tally);
  } finally {
    reserved?.release();
  }
  return tally.result([...tree.links.map(({ path }) => from(path)), ...tree.others.map(from)]);

  async function make_folders(): Promise<Folders> {
    await mkdir(dirname(join(root, '.')), { recursive: true }).catch(rethrow(root));
    return Folders.make(FOLDERS_HERE, tree.folders, to, false);
  }

  async function take_batch(batch: readonly TreeFile[], reserved: Reservation | undefined): Promise<void> {
    const small = batch.filter(({ size }) => size < DELTA_FROM);
    const asked = small.map(({ path, size }) => ({ path: from(path), size }));
    const hashes = await remote_hashes(remote, asked);
    const on_moved = (bytes: number) => {
      reserved?.written(bytes);
      if (max_bytes !== undefined && tally.bytes > max_bytes)
        throw over_limit(source, tally.bytes, max_bytes);
    };
    await each(batch, FILES_AT_ONCE, async (file) => {
      const [there, path] = [from(file.path), to(file.path)];
      const passage = new Passage(tally, path, file.size, on_moved);
      try {
        await take({ file, from: there, to: path, hash: hashes.get(there), passage });
      } catch (error) {
        // What a full disk has of it would keep the disk full.
        if (is_full(error)) await unlink(part_name(path, '')).catch(() => undefined);
        tally.fail(error, path, file.size, passage.sent);
      }
    });
  }

  async function take(job: Job): Promise<void> {
    const { file, to: path, passage } = job;
    const { size } = file;
    const found = await missing_as_undefined(lstat(path));
    if (found?.isDirectory()) throw new TransferError('transfer', path, 'is a folder');
    const older = found?.isFile() ? found.size : 0;
    const delta = await delta_of(job, older);
    const equal = await equal_hash(job, delta, found?.isFile() ? older : undefined);
    if (equal !== undefined) {
      if (!dry_run) await keep_attributes(path, file);
      return tally.add({ path, state: 'skipped', size, sent: 0, hash: equal });
    }
    if (dry_run) return tally.add({ path, state: 'would send', size, sent: 0, hash: job.hash });
    const part = part_name(path, '');
    const local = await open_part(part);
    try {
      const plan = await plan_for(local, part, job, delta);
      passage.found(plan.kept);
      const { block } = delta?.wanted ?? { block: 0 };
      await copy_here(path, local, plan.copies, block, ({ length }) => passage.found(length));
      await read_all(local, job, plan);
      const hash = await verify(part, job);
      await set_attributes(local, file);
      if (!tree.is_folder || size >= SYNC_FROM) await local.sync();
      await rename(part, path);
      const state = plan.copies.length > 0 ? 'updated' : plan.kept > 0 ? 'resumed' : 'sent';
      tally.add({ path, state, size, sent: passage.sent, hash });
    } finally {
      await local.close();
    }
  }

  /** Returns what a delta of a large file is made from; undefined: there is no older one of use, or the target cannot tell. */
  async function delta_of({ file, from: there, to: path }: Job, older: number): Promise<Delta | undefined> {
    const { size } = file;
    if (!with_delta || size < DELTA_FROM || older < LEAST_BLOCK) return undefined;
    const block = block_size(size);
    const wanted = await remote_blocks(remote, there, size, block, tally.hashing(path, size));
    if (wanted === undefined) return undefined;
    return { wanted, old: await local_digest(path, older, block, tally.hashing(path, older)) };
  }

  /** Returns the hash of the file here if that on the target is equal. @param older its size; undefined: there is none */
  async function equal_hash(
    job: Job,
    delta: Delta | undefined,
    older: number | undefined,
  ): Promise<string | undefined> {
    if (delta) return equal_blocks(delta.wanted, delta.old.blocks) ? delta.old.hash : undefined;
    const { file, from: there, to: path } = job;
    if (older !== file.size) return undefined;
    const hashing = tally.hashing(path, file.size);
    const known = file.size < DELTA_FROM ? job.hash : await remote_hash(remote, there, file.size, hashing);
    return known !== undefined && (await local_hash(path, undefined, hashing)) === known ? known : undefined;
  }

  /** Returns what the unfinished file lacks, which is cut where nothing of it is of use. */
  async function plan_for(
    local: FileHandle,
    part: string,
    job: Job,
    delta: Delta | undefined,
  ): Promise<Plan> {
    const { file, from: there, to: path } = job;
    const { size } = await local.stat();
    const hashing = tally.hashing(path, size);
    if (delta) {
      await local.truncate(Math.min(size, file.size));
      const { wanted, old } = delta;
      const found = await local_digest(part, Math.min(size, file.size), wanted.block, hashing);
      return plan_of(wanted, found.blocks, old.blocks);
    }
    const usable =
      size > 0 &&
      size <= file.size &&
      (await local_hash(part, undefined, hashing)) === (await remote_hash(remote, there, size, hashing));
    const start = usable ? size : 0;
    await local.truncate(start);
    return plan_from(start, file.size);
  }

  /** Returns the hash. A file that grew in the meantime is the beginning of what it is now. */
  async function verify(part: string, { file, from: there, to: path, hash }: Job): Promise<string> {
    const [on_here, on_there] = both(tally.hashing(path, file.size * 2));
    const of_beginning = () => remote_hash(remote, there, file.size, on_there);
    const [here, known] = await Promise.all([local_hash(part, undefined, on_here), hash ?? of_beginning()]);
    if (here === known || (hash !== undefined && here === (await of_beginning()))) return here;
    await unlink(part);
    throw new TransferError(
      'transfer',
      path,
      'the hash differs: it was changed while it was read, or damaged',
    );
  }

  /** Requests are under way together; what they bring is written in order, so that a cut leaves a beginning. */
  async function read_all(local: FileHandle, { file, from: path, passage }: Job, plan: Plan): Promise<void> {
    const handle = await remote.open(path, 'r');
    const waiting: { at: number; data: Promise<Buffer> }[] = [];
    // A piece has its slot until it is written.
    const ask = async (at: number, length: number) => {
      await slots.take();
      return read_piece(handle, at, length, path);
    };
    try {
      const pieces = pieces_of(plan.spans, file.size);
      for (;;) {
        tally.check();
        while (waiting.length < WINDOW) {
          const { value } = pieces.next();
          if (!value) break;
          const data = ask(value.at, value.length);
          data.catch(() => undefined);
          waiting.push({ at: value.at, data });
        }
        const first = waiting[0];
        if (first === undefined) return;
        const data = await first.data;
        await write_whole(local, data, first.at);
        waiting.shift();
        slots.give();
        passage.moved(data.length);
      }
    } finally {
      await Promise.allSettled(waiting.map(({ data }) => data));
      for (const _ of waiting) slots.give();
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

const is_full = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes(String(code_of(error)));

function over_limit(source: string, bytes: number, limit: number): TransferError {
  return new TransferError(
    'transfer',
    source,
    `${bytes_text(bytes)} are more than the limit of ${bytes_text(limit)}`,
  );
}

/** Returns listeners for two that hash together. */
function both(on: OnHashed | undefined): [OnHashed, OnHashed] {
  const hashed: [number, number] = [0, 0];
  const listener = (which: 0 | 1) => (bytes: number) => {
    hashed[which] = bytes;
    on?.(hashed[0] + hashed[1]);
  };
  return [listener(0), listener(1)];
}

/** Returns what is to come: not files that have the size here, which are equal as a rule, nor what unfinished ones have. */
async function announced_bytes({ files }: Tree, to: (path: string) => string): Promise<number> {
  let sum = 0;
  const size_of = async (path: string) => {
    const found = await lstat(path).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  };
  await each(files, FILES_AT_ONCE, async ({ path, size }) => {
    if ((await size_of(to(path))) === size) return;
    const kept = (await size_of(part_name(to(path), ''))) ?? 0;
    sum += Math.max(0, size - kept);
  });
  return sum;
}

async function file_target(target: string, source: string): Promise<string> {
  const inside =
    target.endsWith('/') || ((await stat(target).catch(() => undefined))?.isDirectory() ?? false);
  if (!inside) return target;
  const name = posix.basename(source);
  if (name === '' || name === '.' || name === '..')
    throw new TransferError('transfer', source, 'has no name for a file');
  return join(target, name);
}

async function open_part(part: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  return open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
}

async function keep_attributes(path: string, file: TreeFile): Promise<void> {
  const local = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, mtimeMs } = await local.stat();
    if ((mode & 0o7777) === file.mode && Math.floor(mtimeMs / 1000) === file.mtime) return;
    await set_attributes(local, file);
  } finally {
    await local.close();
  }
}

async function set_attributes(local: FileHandle, { mode, mtime }: TreeFile): Promise<void> {
  await local.chmod(mode);
  await local.utimes(Math.floor(Date.now() / 1000), mtime);
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
