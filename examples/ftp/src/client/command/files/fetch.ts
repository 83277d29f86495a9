// One file from the server: into a partial file, on from what is there (-c), compared by hash, then under its name.
import { copyFile, rename, unlink, utimes } from 'node:fs/promises';
import type { RemoteEntry } from '../../../protocol/listing_parser.js';
import type { FTPClient } from '../../client.js';
import { FTPError } from '../../errors.js';
import { LocalError } from '../exit_codes.js';
import { digest_prefix, lstat_or_none, make_digest, open_partial, partial_path } from './local.js';

export interface FileOptions {
  /** go on from what is there */
  readonly resume: boolean;
  /** compare hashes at the end, if the server has them */
  readonly verify: boolean;
  /** the time of the file, too */
  readonly keep_time: boolean;
  readonly signal: AbortSignal;
  readonly on_start?: ((name: string, bytes: number | undefined) => (bytes: number) => void) | undefined;
  readonly note: (text: string) => void;
}

export interface FileResult {
  /** bytes that moved now */
  readonly bytes: number;
  readonly size: number;
  /** bytes that were there and stayed */
  readonly resumed: number;
  /** the algorithm, or 'size' */
  readonly verified: string;
  readonly digits?: string | undefined;
  readonly seconds: number;
}

/** What is there already, and is a beginning of the remote file. */
interface Beginning {
  readonly bytes: number;
}

/**
 * Downloads one file.
 *
 * @param identity what stands for the remote file in the name of the partial file: its URL
 */
export async function fetch_file(
  client: FTPClient,
  remote: string,
  target: string,
  identity: string,
  options: FileOptions,
  known?: RemoteEntry,
): Promise<FileResult> {
  const { signal } = options;
  const started = performance.now();
  const entry =
    known?.size !== undefined && known.is_exact_time ? known : await client.stat(remote, { signal });
  if (entry.type === 'dir') throw new FTPError('refused', `${remote} is a folder (-r gets folders)`);
  const there = await lstat_or_none(target);
  if (there?.isDirectory() === true) throw new LocalError(`${target} is a folder`);
  const partial = partial_path(target, `${identity}\0${entry.size}\0${entry.modified_ms}`);
  const { bytes: begin } = options.resume
    ? await beginning(client, remote, target, partial, entry, options)
    : { bytes: 0 };
  const algorithm = options.verify ? client.hashing?.algorithm : undefined;
  const digest = algorithm === undefined ? undefined : make_digest(algorithm);
  const file = await open_partial(partial, begin);
  let bytes = 0;
  try {
    if (digest !== undefined && begin > 0) await digest_prefix(partial, begin, digest);
    const progressed = options.on_start?.(remote, entry.size === undefined ? undefined : entry.size - begin);
    let at = begin;
    if (entry.size === undefined || begin < entry.size)
      bytes = await client.download(
        remote,
        async (chunk) => {
          digest?.update(chunk);
          for (let done = 0; done < chunk.length; ) {
            const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at);
            done += bytesWritten;
            at += bytesWritten;
          }
          progressed?.(chunk.length);
        },
        { offset: begin, size: entry.size, signal },
      );
    await file.datasync();
  } catch (error) {
    await keep_or_drop(file, partial, options);
    throw error;
  }
  await file.close();
  const size = begin + bytes;
  const digits = digest?.digits();
  if (algorithm !== undefined) {
    const of_server = await client.hash(remote, { algorithm, signal });
    if (of_server.digits !== digits) {
      await unlink(partial);
      throw new FTPError(
        'verify',
        `${remote}: the ${algorithm} of the server is ${of_server.digits}, that of what came ${digits}`,
      );
    }
  }
  if (options.keep_time && entry.modified_ms !== undefined) {
    const seconds = entry.modified_ms / 1000;
    await utimes(partial, seconds, seconds);
  }
  await rename(partial, target);
  const seconds = (performance.now() - started) / 1000;
  return { bytes, size, resumed: begin, verified: algorithm ?? 'size', digits, seconds };
}

async function keep_or_drop(
  file: Awaited<ReturnType<typeof open_partial>>,
  partial: string,
  { note }: FileOptions,
): Promise<void> {
  const { size } = await file.stat();
  await file.close();
  if (size === 0) await unlink(partial);
  else note(`${partial} has the first ${size} bytes: -c goes on from there`);
}

/** Looks for a beginning of the remote file: the partial file of this version, else what has the target's name. */
async function beginning(
  client: FTPClient,
  remote: string,
  target: string,
  partial: string,
  entry: RemoteEntry,
  options: FileOptions,
): Promise<Beginning> {
  const rest = await lstat_or_none(partial);
  if (rest?.isFile() === true && rest.size > 0) {
    if (await is_beginning(client, remote, partial, rest.size, entry, true, options))
      return { bytes: rest.size };
    return { bytes: 0 };
  }
  const there = await lstat_or_none(target);
  if (there?.isFile() !== true || there.size === 0) return { bytes: 0 };
  const is_newer =
    entry.modified_ms !== undefined && entry.is_exact_time && there.mtimeMs >= entry.modified_ms;
  if (!(await is_beginning(client, remote, target, there.size, entry, is_newer, options)))
    return { bytes: 0 };
  // The target stays as it is until all has come.
  await copyFile(target, partial);
  return { bytes: there.size };
}

async function is_beginning(
  client: FTPClient,
  remote: string,
  path: string,
  bytes: number,
  entry: RemoteEntry,
  is_same_version: boolean,
  { note, signal }: FileOptions,
): Promise<boolean> {
  if (entry.size !== undefined && bytes > entry.size) {
    note(`${path} has more bytes than ${remote}: it is got from the start`);
    return false;
  }
  const { hashing } = client;
  if (hashing !== undefined && (hashing.range || bytes === entry.size)) {
    const digest = make_digest(hashing.algorithm);
    await digest_prefix(path, bytes, digest);
    const range = bytes === entry.size ? {} : { start: 0, end: bytes };
    const { digits } = await client.hash(remote, { algorithm: hashing.algorithm, ...range, signal });
    if (digits === digest.digits()) return true;
    note(`${path} is no beginning of ${remote} (${hashing.algorithm}): it is got from the start`);
    return false;
  }
  if (!is_same_version) {
    note(
      `${path}: the server cannot hash a part, and the file is older than ${remote}: it is got from the start`,
    );
    return false;
  }
  note(`${remote}: the server cannot hash a part, size and time say that ${bytes} bytes are there already`);
  return true;
}
