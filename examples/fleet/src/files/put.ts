// put(): local files to a target. Each is sent to an unfinished file beside its name, which is verified by its hash there and then takes the name in
// one step. What is already there with the same hash is skipped, what was cut goes on where hashes say that it can, and of a large file that is there
// with other content only the blocks that differ go.

import { type FileHandle, open } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import type { Stats } from 'ssh2';
import type { FileState } from '../types.js';
import {
  block_size,
  DELTA_FROM,
  equal_blocks,
  LEAST_BLOCK,
  type Plan,
  pieces_of,
  plan_from,
  plan_of,
  without_copies,
} from './blocks.js';
import { copy_there, remote_blocks } from './delta.js';
import { check_target, code_of, TransferError, transfer_error } from './errors.js';
import { Folders, folders_there } from './folders.js';
import { type Digest, local_hash, remote_hash, remote_hashes } from './hashes.js';
import type { Remote } from './remote.js';
import { Slots } from './slots.js';
import type { LocalSource } from './source.js';
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
import type { Tree, TreeFile } from './tree.js';

/** A file under way. */
interface Job {
  readonly file: TreeFile;
  readonly to: string;
  readonly digest: Digest;
  readonly part: string;
  readonly passage: Passage;
  /** what has the name */
  readonly found: Stats | undefined;
  /** the blocks of that, if a delta can be made from it */
  readonly old: Digest['blocks'] | undefined;
  state: FileState;
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
  const { delta = true, dry_run = false } = options;
  const { tree } = source;
  const tally = new Tally(options, remote);
  const slots = new Slots(WINDOW);
  const root = await root_of(remote, source, target);
  const to = (path: string) => (path === '' ? root : posix.join(root, path));
  const place = folders_there(remote);
  const folders = dry_run ? undefined : await Folders.make(place, tree.folders, to, target.endsWith('/'));
  for (const batch of batches(tree.files)) {
    tally.check();
    const jobs = await jobs_of(batch);
    if (folders !== undefined) {
      await folders.check(jobs.map(({ file }) => file.path));
      await move(jobs, folders);
      continue;
    }
    for (const { file, to: path, digest } of jobs)
      tally.add({ path, state: 'would send', size: file.size, sent: 0, hash: digest.hash });
  }
  if (folders !== undefined) {
    await make_links(remote, tree, to);
    await folders.finish(tally);
  }
  return tally.result(tree.others.map(to));

  /** Returns the files that have to go. */
  async function jobs_of(files: readonly TreeFile[]): Promise<Job[]> {
    const jobs: Job[] = [];
    await each(files, FILES_AT_ONCE, async (file) => {
      const path = to(file.path);
      try {
        jobs.push(await job_of(file, path));
      } catch (error) {
        tally.fail(error, path, file.size, 0);
      }
    });
    const same_size = jobs.filter(
      ({ found, file, old }) => !old && found?.isFile() && found.size === file.size,
    );
    const hashes = await hashes_of(same_size.map(({ to: path, file }) => ({ path, size: file.size })));
    const missing: Job[] = [];
    await each(jobs, FILES_AT_ONCE, async (job) => {
      const { file, to: path, digest, old } = job;
      const equal = old ? equal_blocks(old, digest.blocks) : hashes.get(path) === digest.hash;
      if (!equal) return void missing.push(job);
      try {
        if (!dry_run) await keep_attributes(job);
        tally.add({ path, state: 'skipped', size: file.size, sent: 0, hash: digest.hash });
      } catch (error) {
        tally.fail(error, path, file.size, 0);
      }
    });
    return missing;
  }

  async function job_of(file: TreeFile, path: string): Promise<Job> {
    const { size } = file;
    const hashing = tally.hashing(path, size);
    const [found, digest] = [await remote.lstat(path), await source.digest(file, hashing)];
    if (found?.isDirectory()) throw new TransferError('transfer', path, 'is a folder');
    const older = found?.isFile() ? found.size : 0;
    const has_old = delta && size >= DELTA_FROM && older >= LEAST_BLOCK;
    const old = has_old
      ? await remote_blocks(remote, path, older, block_size(size), tally.hashing(path, older))
      : undefined;
    const part = part_name(path, digest.hash);
    const passage = new Passage(tally, path, size);
    return { file, to: path, digest, part, passage, found, old, state: 'sent' };
  }

  /** Returns the hashes on the target of the files of a batch; of a large one with its progress. */
  async function hashes_of(
    files: readonly { readonly path: string; readonly size: number }[],
  ): Promise<ReadonlyMap<string, string>> {
    const [first] = files;
    if (first === undefined || first.size < DELTA_FROM) return remote_hashes(remote, files);
    const { path, size } = first;
    return new Map([[path, await remote_hash(remote, path, size, tally.hashing(path, size))]]);
  }

  async function keep_attributes({ file, to: path, found }: Job): Promise<void> {
    if (found?.mtime === file.mtime && (found.mode & 0o7777) === file.mode) return;
    await remote.set_attributes_of(path, attributes_of(file));
  }

  async function move(jobs: readonly Job[], folders: Folders): Promise<void> {
    const sent: Job[] = [];
    await each(jobs, FILES_AT_ONCE, async (job) => {
      try {
        await send(job);
        sent.push(job);
      } catch (error) {
        // What a full disk has of it would keep the disk full.
        if (transfer_error(error, job.to).failure === 'transfer')
          await remote.remove(job.part).catch(() => undefined);
        tally.fail(await with_space(remote, error, job), job.to, job.file.size, job.passage.sent);
      }
    });
    const hashes = await hashes_of(sent.map(({ part, file }) => ({ path: part, size: file.size })));
    await folders.check(sent.map(({ file }) => file.path));
    await each(sent, FILES_AT_ONCE, async (job) => {
      const { file, to: path, digest, part, state, passage } = job;
      try {
        if (hashes.get(part) !== digest.hash) {
          await remote.remove(part);
          throw new TransferError(
            'transfer',
            path,
            'the hash differs: it was changed while it was sent, or damaged',
          );
        }
        await remote.rename(part, path);
        tally.add({ path, state, size: file.size, sent: passage.sent, hash: digest.hash });
      } catch (error) {
        tally.fail(error, path, file.size, passage.sent);
      }
    });
  }

  async function send(job: Job): Promise<void> {
    const { file, to: path, part, digest, passage, old } = job;
    const local = await open(source.local_path(file), 'r');
    try {
      const begun = await begin(job);
      const { handle } = begun;
      let { plan } = begun;
      try {
        passage.found(plan.kept);
        const on_copy = ({ length }: { length: number }) => passage.found(length);
        const copied = await copy_there(remote, path, part, plan.copies, digest.blocks.block, on_copy);
        plan = without_copies(plan, copied);
        job.state = old && copied > 0 ? 'updated' : plan.kept > 0 ? 'resumed' : 'sent';
        await write_all(local, handle, job, plan);
        // The last block of an older file that grew meanwhile would be longer than it was.
        await remote.set_attributes(handle, { size: file.size, ...attributes_of(file) }, part);
        if (!tree.is_folder || file.size >= SYNC_FROM) await remote.sync(handle, part);
      } finally {
        await remote.close_handle(handle).catch(() => undefined);
      }
    } finally {
      await local.close();
    }
  }

  /** Opens the unfinished file, with the plan of what it lacks. */
  async function begin(job: Job): Promise<{ handle: Buffer; plan: Plan }> {
    const { part, file } = job;
    const found = await remote.lstat(part);
    if (found?.isFile() && found.size > 0 && found.size <= file.size) {
      const plan = await plan_for(job, found.size);
      if (plan.kept > 0) return { handle: await remote.open_again(part), plan };
    }
    // A link could lead anywhere.
    if (found !== undefined) await remote.remove(part);
    // Nobody else reads it before it has its permissions.
    const handle = await remote.open(part, 'wx', 0o600);
    return { handle, plan: await plan_for(job, 0) };
  }

  /** Returns the plan for an unfinished file of so many bytes. */
  async function plan_for(job: Job, size: number): Promise<Plan> {
    const { part, file, old, digest } = job;
    const hashing = tally.hashing(job.to, size);
    if (old) {
      const { blocks } = digest;
      return plan_of(
        blocks,
        size > 0 ? await remote_blocks(remote, part, size, blocks.block, hashing) : undefined,
        old,
      );
    }
    if (size === 0) return plan_from(0, file.size);
    const here = await local_hash(source.local_path(file), size, hashing);
    const equal = (await remote_hash(remote, part, size, hashing)) === here;
    return plan_from(equal ? size : 0, file.size);
  }

  async function write_all(local: FileHandle, handle: Buffer, job: Job, plan: Plan): Promise<void> {
    const { file, to: path, passage } = job;
    const waiting: Promise<void>[] = [];
    const write = async (data: Buffer, at: number) => {
      try {
        await remote.write(handle, data, at, path);
      } finally {
        slots.give();
      }
      passage.moved(data.length);
    };
    const read = async (at: number, length: number) => {
      const { buffer, bytesRead } = await local.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead < length)
        throw new TransferError('transfer', path, 'the file became shorter while it was sent');
      return buffer;
    };
    try {
      for (const { at, length } of pieces_of(plan.spans, file.size)) {
        tally.check();
        await slots.take();
        const data = await read(at, length).catch((error) => {
          slots.give();
          throw error;
        });
        // In order: what a cut leaves is a beginning.
        const request = write(data, at);
        request.catch(() => undefined);
        waiting.push(request);
        if (waiting.length >= WINDOW) await waiting.shift();
      }
      await Promise.all(waiting);
    } finally {
      await Promise.allSettled(waiting);
    }
  }
}

/** The time of its last access tells that it is not left over, whatever its own time is: see clean.ts. */
const attributes_of = ({ mode, mtime }: TreeFile) => ({ mode, atime: Math.floor(Date.now() / 1000), mtime });

async function root_of(remote: Remote, source: LocalSource, target: string): Promise<string> {
  const inside =
    target.endsWith('/') || (!source.tree.is_folder && ((await remote.stat(target))?.isDirectory() ?? false));
  return inside ? posix.join(target, basename(source.root)) : target;
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
