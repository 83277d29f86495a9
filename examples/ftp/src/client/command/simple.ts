// The commands that are one question each: ls, cat, rm, mkdir, rmdir, mv, hash.
import { once } from 'node:events';
import type { RemoteEntry } from '../../protocol/listing_parser.js';
import type { FTPClient } from '../client.js';
import { remote_folder } from '../names.js';
import type { Context } from './context.js';
import { UsageError } from './exit_codes.js';
import { walk_remote } from './files/remote_tree.js';
import { is_url, parse_location } from './location.js';
import { make_remote_folders } from './moving.js';

/** Does `work` for each URL; a failure does not keep the others from being done. */
async function each(
  context: Context,
  urls: readonly string[],
  work: (client: FTPClient, path: string) => Promise<void>,
): Promise<void> {
  const locations = urls.map(parse_location);
  for (const [index, { path }] of locations.entries())
    try {
      await context.at(urls[index] ?? '', (client) => work(client, path));
    } catch (error) {
      context.failed(error, path);
    }
}

const TYPES = { file: '-', dir: 'd', link: 'l', other: '?' } as const;

/** Returns the line of `ls -l`. */
export function long_line({ name, type, size, modified_ms, target }: RemoteEntry): string {
  const time =
    modified_ms === undefined ? '-' : new Date(modified_ms).toISOString().slice(0, 19).replace('T', ' ');
  const arrow = target === undefined ? '' : ` -> ${target}`;
  return `${TYPES[type]} ${String(size ?? '-').padStart(12)} ${time.padStart(19)} ${name}${arrow}`;
}

export async function ls(context: Context, [url = '']: readonly string[]): Promise<void> {
  const { report, signal, options } = context;
  await context.at(url, async (client, { path }) => {
    const entries = await client.list(path, {
      signal,
      on_bad_name: (name) => report.warn(`the server lists a name that is none: ${JSON.stringify(name)}`),
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) print_entry(context, entry, options.long);
  });
}

export function print_entry({ report }: Context, entry: RemoteEntry, is_long: boolean): void {
  const { name, type, size, modified_ms, mode, owner, group, target } = entry;
  const modified = modified_ms === undefined ? undefined : new Date(modified_ms).toISOString();
  const short = type === 'dir' ? `${name}/` : name;
  report.result(is_long ? long_line(entry) : short, {
    event: 'entry',
    name,
    type,
    size,
    modified,
    mode: mode?.toString(8),
    owner,
    group,
    target,
  });
}

export async function cat(context: Context, urls: readonly string[]): Promise<void> {
  if (context.options.json)
    throw new UsageError('cat writes files to standard output: --json has no place there');
  await each(context, urls, async (client, path) => {
    await client.download(path, (chunk) => to_stdout(chunk, context.signal), { signal: context.signal });
  });
}

/** The chunk's memory is used again when this returns, hence the copy. */
export async function to_stdout(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  if (!process.stdout.write(Buffer.from(chunk))) await once(process.stdout, 'drain', { signal });
}

export async function rm(context: Context, urls: readonly string[]): Promise<void> {
  const { signal, report } = context;
  await each(context, urls, async (client, path) => {
    if (context.options.recursive) await remove_tree(context, client, path);
    else await client.remove(path, { signal });
    report.done(`${path}: deleted`, { event: 'delete', path });
  });
}

async function remove_tree(context: Context, client: FTPClient, path: string): Promise<void> {
  const { signal, report } = context;
  if ((await client.stat(path, { signal })).type !== 'dir') {
    await client.remove(path, { signal });
    return;
  }
  const tree = await walk_remote(client, path, {
    wanted: () => true,
    signal,
    warn: (text) => report.warn(text),
  });
  for (const { path: below, entry } of [...tree.entries].reverse())
    await (entry.type === 'dir' ? client.rmdir(below, { signal }) : client.remove(below, { signal }));
  await client.rmdir(path, { signal });
}

export async function mkdir(context: Context, urls: readonly string[]): Promise<void> {
  const { signal, report, options } = context;
  await each(context, urls, async (client, path) => {
    if (options.parents) await make_remote_folders(client, [...folders_above(path), path], signal);
    else await client.mkdir(path, { signal });
    report.done(`${path}: made`, { event: 'mkdir', path });
  });
}

function folders_above(path: string): string[] {
  const above: string[] = [];
  for (let folder = remote_folder(path); folder !== '' && folder !== '/'; folder = remote_folder(folder))
    above.unshift(folder);
  return above;
}

export async function rmdir(context: Context, urls: readonly string[]): Promise<void> {
  const { signal, report } = context;
  await each(context, urls, async (client, path) => {
    await client.rmdir(path, { signal });
    report.done(`${path}: deleted`, { event: 'delete', path });
  });
}

export async function mv(context: Context, [url = '', to = '']: readonly string[]): Promise<void> {
  const { signal, report } = context;
  const from = parse_location(url);
  let path = to;
  if (is_url(to)) {
    const other = parse_location(to);
    if (other.host !== from.host || other.port !== from.port)
      throw new UsageError('mv renames on one server: both URLs must have the same host and port');
    path = other.path;
  }
  await context.at(url, async (client) => {
    await client.rename(from.path, path, { signal });
    report.done(`${from.path} -> ${path}`, { event: 'rename', from: from.path, to: path });
  });
}

export async function hash(context: Context, urls: readonly string[]): Promise<void> {
  const { signal, report, options } = context;
  await each(context, urls, async (client, path) => {
    const { algorithm, digits } = await client.hash(path, { algorithm: options.algorithm ?? null, signal });
    report.result(`${digits}  ${path}`, { event: 'hash', path, algorithm, hash: digits });
  });
}
