// ftpc get and ftpc put: files, and folders with -r.
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { RemoteEntry } from '../../protocol/listing_parser.js';
import type { FTPClient } from '../client.js';
import { FTPError } from '../errors.js';
import { is_plain_name, local_path, remote_base, remote_join } from '../names.js';
import type { Context } from './context.js';
import { LocalError, UsageError } from './exit_codes.js';
import { fetch_file } from './files/fetch.js';
import { lstat_or_none, make_folders, walk_local } from './files/local.js';
import { excluding } from './files/patterns.js';
import { type RemoteFile, walk_remote } from './files/remote_tree.js';
import { store_file } from './files/store.js';
import { is_url, type Location, parse_location, url_of } from './location.js';

/** A file of the server and where it goes. */
export interface Download {
  readonly remote: string;
  readonly target: string;
  readonly entry?: RemoteEntry | undefined;
}

/** Gets one file, with as many connections as it takes. */
export async function get_one(context: Context, location: Location, download: Download): Promise<void> {
  const { remote, target, entry } = download;
  await context.pool(location).with_client(async (client, attempt) => {
    const options = context.file_options(attempt);
    try {
      const result = await fetch_file(client, remote, target, url_of(location, remote), options, entry);
      context.transferred('get', remote, target, result);
    } finally {
      options.end();
    }
  });
}

export async function get(context: Context, urls: readonly string[]): Promise<void> {
  const locations = urls.map(parse_location);
  const { output } = context.options;
  const is_folder = output !== undefined && (output.endsWith('/') || (await is_local_folder(output)));
  if (urls.length > 1 && output !== undefined && !is_folder)
    throw new UsageError(`--output ${output} must be a folder for several files`);
  for (const location of locations)
    try {
      await get_url(context, location, is_folder ? output : undefined, is_folder ? undefined : output);
    } catch (error) {
      context.failed(error, location.path);
    }
}

async function is_local_folder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function get_url(
  context: Context,
  location: Location,
  folder: string | undefined,
  file: string | undefined,
): Promise<void> {
  const { recursive } = context.options;
  const name = remote_base(location.path);
  const pool = context.pool(location);
  if (!recursive) {
    if (!is_plain_name(name))
      throw new UsageError(`the URL names no file: /${location.path} (-r gets folders)`);
    const target = file ?? local_path(folder ?? '.', [name]);
    if (folder !== undefined) await make_folders(folder, folder);
    await get_one(context, location, { remote: location.path, target });
    return;
  }
  const found = await pool.with_client((client) => stat_folder(client, location.path, context.signal));
  if (found !== undefined && found.type !== 'dir') {
    await get_one(context, location, {
      remote: location.path,
      target: file ?? local_path(folder ?? '.', [name]),
    });
    return;
  }
  const root = file ?? (is_plain_name(name) ? local_path(folder ?? '.', [name]) : (folder ?? '.'));
  const tree = await pool.with_client((client) =>
    walk_remote(client, location.path, {
      wanted: excluding(context.options.exclude),
      signal: context.signal,
      warn: (text) => context.report.warn(text),
    }),
  );
  if (!tree.is_complete)
    context.failed(new FTPError('refused', 'not all of the folder could be listed'), location.path);
  await make_folders(root, root);
  await get_files(context, location, root, tree.entries);
}

/** The folder of the log-in has no name to ask for. */
async function stat_folder(
  client: FTPClient,
  path: string,
  signal: AbortSignal,
): Promise<RemoteEntry | undefined> {
  return path === '' || path.endsWith('/') ? undefined : client.stat(path, { signal });
}

/** Gets the files of a tree into a folder, and makes its folders. */
export async function get_files(
  context: Context,
  location: Location,
  root: string,
  entries: readonly RemoteFile[],
): Promise<void> {
  const files: Download[] = [];
  for (const { names, path, entry } of entries)
    try {
      const target = local_path(root, names);
      if (entry.type === 'dir') await make_folders(root, target);
      else if (entry.type === 'file') {
        await make_folders(root, resolve(target, '..'));
        files.push({ remote: path, target, entry });
      } else context.report.note(`${path} is ${entry.type === 'link' ? 'a link' : 'no file'}: left out`);
    } catch (error) {
      context.failed(error, path);
    }
  await context.pool(location).each(
    files,
    context.options.parallel,
    (download) => get_one(context, location, download),
    (error, { remote }) => context.failed(error, remote),
  );
}

/** A local file and where it goes. */
export interface Upload {
  readonly source: string;
  readonly remote: string;
}

export async function put_one(
  context: Context,
  location: Location,
  { source, remote }: Upload,
): Promise<void> {
  await context.pool(location).with_client(async (client, attempt) => {
    const options = context.file_options(attempt);
    try {
      const result = await store_file(client, source, remote, options);
      context.transferred('put', source, remote, result);
    } finally {
      options.end();
    }
  });
}

export async function put(context: Context, all: readonly string[]): Promise<void> {
  const url = all.at(-1) ?? '';
  const sources = all.slice(0, -1);
  if (!is_url(url)) throw new UsageError(`the last argument must be a URL, not ${JSON.stringify(url)}`);
  const location = parse_location(url);
  const path = location.path;
  const into =
    path === '' || path.endsWith('/')
      ? true
      : await context.pool(location).with_client(async (client) => {
          try {
            return (await client.stat(path, { signal: context.signal })).type === 'dir';
          } catch (error) {
            if (error instanceof FTPError && (error.kind === 'not-found' || error.kind === 'refused'))
              return false;
            throw error;
          }
        });
  if (sources.length > 1 && !into)
    throw new UsageError(`the URL must be a folder for several files: ${url}/`);
  if (sources.includes('-') && (into || sources.length > 1))
    throw new UsageError('standard input (-) needs a URL of its own that names a file');
  for (const source of sources)
    try {
      if (source === '-') {
        await put_stdin(context, location, path);
        continue;
      }
      const remote = into ? remote_join(path, basename(resolve(source))) : path;
      await put_path(context, location, source, remote);
    } catch (error) {
      context.failed(error, source);
    }
}

/** Standard input has no beginning to go on from, and cannot be read again after a loss. */
async function put_stdin(context: Context, location: Location, remote: string): Promise<void> {
  const { report, signal } = context;
  const started = performance.now();
  const client = await context.pool(location).with_client(async (one) => one);
  const { add, end } = report.transfer(remote, undefined);
  const data = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      yield chunk;
      add(chunk.length);
    }
  };
  try {
    const bytes = await client.upload(remote, data(), { signal });
    const seconds = (performance.now() - started) / 1000;
    context.transferred('put', '-', remote, { bytes, size: bytes, resumed: 0, verified: 'nothing', seconds });
  } finally {
    end();
  }
}

async function put_path(context: Context, location: Location, source: string, remote: string): Promise<void> {
  const found = await lstat_or_none(source);
  if (found === undefined) throw new LocalError(`${source} does not exist`);
  if (!found.isDirectory()) {
    await put_one(context, location, { source, remote });
    return;
  }
  if (!context.options.recursive) throw new UsageError(`${source} is a folder (-r puts folders)`);
  const files: Upload[] = [];
  const folders = [remote];
  for await (const { names, type } of walk_local(source, excluding(context.options.exclude))) {
    const to = names.reduce(remote_join, remote);
    if (type === 'dir') folders.push(to);
    else if (type === 'file') files.push({ source: join(source, ...names), remote: to });
    else
      context.report.note(`${join(source, ...names)} is ${type === 'link' ? 'a link' : 'no file'}: left out`);
  }
  await context.pool(location).with_client((client) => make_remote_folders(client, folders, context.signal));
  await put_files(context, location, files);
}

export async function put_files(
  context: Context,
  location: Location,
  files: readonly Upload[],
): Promise<void> {
  await context.pool(location).each(
    files,
    context.options.parallel,
    (upload) => put_one(context, location, upload),
    (error, { source }) => context.failed(error, source),
  );
}

/** Makes folders, those that are there excepted. */
export async function make_remote_folders(
  client: FTPClient,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const path of paths) {
    if (path === '' || path === '/') continue;
    try {
      await client.mkdir(path, { signal });
    } catch (error) {
      if (!(error instanceof FTPError) || error.reply === undefined) throw error;
      // Servers do not say in one way that it is there already.
      const { type } = await client.stat(path, { signal }).catch(() => {
        throw error;
      });
      if (type !== 'dir') throw error;
    }
  }
}
