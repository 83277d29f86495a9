// ftpc mirror: makes a folder like another one, in either direction; and ftpc verify: compares them by hash.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FTPClient } from '../client.js';
import { FTPError } from '../errors.js';
import { local_path, remote_join } from '../names.js';
import type { Context } from './context.js';
import { LocalError, UsageError } from './exit_codes.js';
import { digest_prefix, lstat_or_none, make_digest, make_folders, walk_local } from './files/local.js';
import { excluding } from './files/patterns.js';
import { type RemoteFile, type RemoteTree, walk_remote } from './files/remote_tree.js';
import { is_url, type Location, parse_location } from './location.js';
import { get_files, make_remote_folders, put_files, type Upload } from './moving.js';

/** ms: servers have whole seconds. */
const TIME_STEP_MS = 1000;
/** ms: times of LIST have no seconds, or no hours, and an unknown zone. */
const ROUGH_STEP_MS = 24 * 3600 * 1000;

interface Item {
  readonly names: readonly string[];
  readonly type: 'file' | 'dir' | 'link' | 'other';
  readonly size: number | undefined;
  readonly modified_ms: number | undefined;
  readonly is_exact_time: boolean;
}

const key_of = ({ names }: Pick<Item, 'names'>) => names.join('/');

export async function mirror(context: Context, from: string, to: string): Promise<void> {
  if (is_url(from) === is_url(to))
    throw new UsageError('one of FROM and TO must be a URL, and the other a folder');
  if (is_url(from)) await mirror_down(context, parse_location(from), to);
  else await mirror_up(context, from, parse_location(to));
}

/** What is to be done. */
export interface Plan {
  /** what comes from the source: keys of files */
  readonly copy: ReadonlySet<string>;
  /** folders that the target lacks */
  readonly make: readonly string[];
  /** what the source lacks, or has as another type: what is in a folder before the folder */
  readonly remove: readonly Item[];
}

/**
 * Compares two trees: a file is the same if its size is, and if the source is not newer.
 *
 */
export function plan_of(source: readonly Item[], target: readonly Item[], deletes: boolean): Plan {
  const there = new Map(target.map((item) => [key_of(item), item]));
  const wanted = new Map(source.map((item) => [key_of(item), item]));
  const copy = new Set<string>();
  const make: string[] = [];
  for (const [key, item] of wanted) {
    const old = there.get(key);
    if (item.type === 'dir') {
      if (old?.type !== 'dir') make.push(key);
    } else if (item.type === 'file' && (old === undefined || old.type !== 'file' || differs(item, old)))
      copy.add(key);
  }
  const remove: Item[] = [];
  if (deletes)
    for (const [key, old] of there) {
      const item = wanted.get(key);
      // A link of the source stands for what the target may have under its name.
      if (item === undefined || (item.type !== old.type && (item.type === 'file' || item.type === 'dir')))
        remove.push(old);
    }
  remove.sort((a, b) => b.names.length - a.names.length);
  return { copy, make, remove };
}

function differs(item: Item, old: Item): boolean {
  if (item.size !== undefined && old.size !== undefined && item.size !== old.size) return true;
  if (item.modified_ms === undefined || old.modified_ms === undefined) return false;
  const step = item.is_exact_time && old.is_exact_time ? TIME_STEP_MS : ROUGH_STEP_MS;
  return item.modified_ms > old.modified_ms + step;
}

const remote_item = ({ names, entry }: RemoteFile): Item => ({ names, ...entry });

async function local_items(root: string, wanted: ReturnType<typeof excluding>): Promise<Item[]> {
  const items: Item[] = [];
  if ((await lstat_or_none(root)) === undefined) return items;
  for await (const entry of walk_local(root, wanted)) items.push({ ...entry, is_exact_time: true });
  return items;
}

async function remote_tree(context: Context, location: Location): Promise<RemoteTree> {
  const wanted = excluding(context.options.exclude);
  return context.pool(location).with_client((client) =>
    walk_remote(client, location.path, {
      wanted,
      signal: context.signal,
      warn: (text) => context.report.warn(text),
    }),
  );
}

/** Says what a step of the plan is. Returns whether it is to be done. */
function step(context: Context, action: 'get' | 'put' | 'mkdir' | 'delete', path: string): boolean {
  const { dry_run } = context.options;
  if (dry_run) context.report.result(`${action} ${path}`, { event: 'plan', action, path });
  return !dry_run;
}

async function mirror_down(context: Context, location: Location, root: string): Promise<void> {
  const tree = await remote_tree(context, location);
  const target = await local_items(root, excluding(context.options.exclude));
  const plan = plan_of(tree.entries.map(remote_item), target, may_delete(context, tree.is_complete));
  for (const item of plan.remove) {
    const path = local_path(root, item.names);
    if (!step(context, 'delete', path)) continue;
    await rm(path, { recursive: item.type === 'dir' });
    context.report.done(`${path}: deleted`, { event: 'delete', path });
  }
  const wanted = tree.entries.filter((file) => file.entry.type === 'dir' || plan.copy.has(key_of(file)));
  if (context.options.dry_run) {
    for (const file of wanted)
      if (file.entry.type === 'file') step(context, 'get', file.path);
      else if (plan.make.includes(key_of(file))) step(context, 'mkdir', local_path(root, file.names));
    return;
  }
  await make_folders(root, root);
  await get_files(context, location, root, wanted);
  summary(context, plan);
}

async function mirror_up(context: Context, root: string, location: Location): Promise<void> {
  const found = await lstat_or_none(root);
  if (found?.isDirectory() !== true) throw new LocalError(`${root} is no folder`);
  const source = await local_items(root, excluding(context.options.exclude));
  const pool = context.pool(location);
  let tree: RemoteTree = { entries: [], is_complete: true };
  let is_there = true;
  try {
    tree = await remote_tree(context, location);
  } catch (error) {
    if (!(error instanceof FTPError) || error.kind !== 'not-found') throw error;
    is_there = false;
  }
  const plan = plan_of(source, tree.entries.map(remote_item), may_delete(context, tree.is_complete));
  const path_of = (key: string) => remote_join(location.path, key);
  const folders = [...(is_there ? [] : [location.path]), ...plan.make.map(path_of)];
  const files: Upload[] = source
    .filter((item) => plan.copy.has(key_of(item)))
    .map((item) => ({ source: join(root, ...item.names), remote: path_of(key_of(item)) }));
  if (context.options.dry_run) {
    for (const item of plan.remove) step(context, 'delete', path_of(key_of(item)));
    for (const folder of folders) step(context, 'mkdir', folder);
    for (const { remote } of files) step(context, 'put', remote);
    return;
  }
  await pool.with_client(async (client) => {
    for (const item of plan.remove) await remove_remote(context, client, item, path_of(key_of(item)));
    await make_remote_folders(client, folders, context.signal);
  });
  await put_files(context, location, files);
  summary(context, plan);
}

async function remove_remote(context: Context, client: FTPClient, item: Item, path: string): Promise<void> {
  const { signal } = context;
  try {
    await (item.type === 'dir' ? client.rmdir(path, { signal }) : client.remove(path, { signal }));
    context.report.done(`${path}: deleted`, { event: 'delete', path });
  } catch (error) {
    context.failed(error, path);
  }
}

/** What could not be seen must not count as missing. */
function may_delete({ options, report }: Context, is_complete: boolean): boolean {
  if (!options.delete || is_complete) return options.delete;
  report.warn('not all of the server could be listed: nothing is deleted');
  return false;
}

function summary({ report }: Context, { copy, make, remove }: Plan): void {
  report.done(`${copy.size} files, ${make.length} new folders, ${remove.length} deleted`, {
    event: 'mirror',
    files: copy.size,
    folders: make.length,
    deleted: remove.length,
  });
}

/** Compares a local file or folder with the server's. Every difference is a failure with the exit code of verification. */
export async function verify(context: Context, local: string, url: string): Promise<void> {
  if (is_url(local) || !is_url(url)) throw new UsageError('usage: ftpc verify LOCAL URL');
  const location = parse_location(url);
  const found = await lstat_or_none(local);
  if (found === undefined) throw new LocalError(`${local} does not exist`);
  if (!found.isDirectory()) {
    await verify_file(context, location, local, location.path);
    return;
  }
  const source = await local_items(local, excluding(context.options.exclude));
  const tree = await remote_tree(context, location);
  const there = new Map(tree.entries.map((file) => [key_of(file), file]));
  for (const item of source) {
    const path = join(local, ...item.names);
    const other = there.get(key_of(item));
    there.delete(key_of(item));
    if (item.type !== 'file' && item.type !== 'dir') continue;
    try {
      if (other === undefined) throw new FTPError('verify', 'the server lacks it');
      if (other.entry.type !== item.type)
        throw new FTPError('verify', `it is a ${other.entry.type} on the server`);
      if (item.type === 'file') await verify_file(context, location, path, other.path);
    } catch (error) {
      context.failed(error, path);
    }
  }
  for (const { path } of there.values())
    context.failed(new FTPError('verify', 'only the server has it'), path);
}

async function verify_file(
  context: Context,
  location: Location,
  local: string,
  remote: string,
): Promise<void> {
  const { signal, report } = context;
  await context.pool(location).with_client(async (client) => {
    const size = (await lstat_or_none(local))?.size ?? 0;
    const { hashing } = client;
    const there = hashing === undefined ? await client.size(remote, { signal }) : undefined;
    if (there !== undefined && there !== size)
      throw new FTPError('verify', `${remote} has ${there} bytes on the server, not ${size}`);
    if (hashing === undefined) {
      report.done(`${local}: same size; the server cannot tell hashes`, {
        event: 'verify',
        path: local,
        verified: 'size',
      });
      return;
    }
    const digest = make_digest(hashing.algorithm);
    await digest_prefix(local, size, digest);
    const { digits } = await client.hash(remote, { algorithm: hashing.algorithm, signal });
    if (digits !== digest.digits())
      throw new FTPError(
        'verify',
        `the ${hashing.algorithm} of ${remote} is ${digits} on the server, not ${digest.digits()}`,
      );
    report.done(`${local}: same ${hashing.algorithm}`, {
      event: 'verify',
      path: local,
      verified: hashing.algorithm,
      hash: digits,
    });
  });
}
