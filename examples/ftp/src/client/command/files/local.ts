// Local files: a download goes to a partial file beside its target and gets the target's name when it is whole. Links below the target folder
// are never followed, so whatever names a server sends, nothing outside of that folder is written.
import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import { LocalError } from '../exit_codes.js';

const CHUNK_SIZE = 256 * 1024;

/** Hashes as servers name them. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /** hexadecimal, lower case. Nothing is added afterwards */
  digits(): string;
}

/** @param algorithm 'SHA-256', 'SHA-512', 'SHA-1', 'MD5' or 'CRC32' */
export function make_digest(algorithm: string): Digest {
  if (algorithm.toUpperCase() === 'CRC32') {
    let value = 0;
    return {
      update: (chunk) => {
        value = crc32(chunk, value);
      },
      digits: () => value.toString(16).padStart(8, '0'),
    };
  }
  let hash: Hash;
  try {
    hash = createHash(algorithm.toLowerCase().replace('-', ''));
  } catch {
    throw new LocalError(`no such hash: ${algorithm} (SHA-256, SHA-512, SHA-1, MD5, CRC32)`);
  }
  let digits: string | undefined;
  return {
    update: (chunk) => void hash.update(chunk),
    digits: () => {
      digits ??= hash.digest('hex');
      return digits;
    },
  };
}

/** Gives the bytes of a file from `start` up to `end`; a chunk is valid until the next one. */
export async function* chunks_of(file: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  const memory = Buffer.allocUnsafeSlow(CHUNK_SIZE);
  for (let at = start; at < end; ) {
    const { bytesRead } = await file.read(memory, 0, Math.min(memory.length, end - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield memory.subarray(0, bytesRead);
  }
}

/** Adds the first `end` bytes of a file to a digest. */
export async function digest_prefix(path: string, end: number, digest: Digest): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for await (const chunk of chunks_of(file, 0, end)) digest.update(chunk);
  } finally {
    await file.close();
  }
}

/** Returns what lstat says, or undefined if there is nothing. */
export async function lstat_or_none(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Returns the name of the partial file of a target. It stands for one version of one remote file: a partial file of another version is never
 * continued.
 *
 * @param version what identifies that version: URL, size, time
 */
export function partial_path(target: string, version: string): string {
  const tag = createHash('sha256').update(version).digest('hex').slice(0, 12);
  const suffix = `.${tag}.ftpc-part`;
  let name = basename(target);
  while (Buffer.byteLength(name) + suffix.length + 1 > 255) name = name.slice(0, -1);
  return join(dirname(target), `.${name}${suffix}`);
}

const PARTIAL = /^\..*\.[0-9a-f]{12}\.ftpc-part$/s;

/** Whether a name is that of a partial file. */
export function is_partial(name: string): boolean {
  return PARTIAL.test(name);
}

/** Opens a partial file to write behind its first `keep` bytes, which are there already. */
export async function open_partial(path: string, keep: number): Promise<FileHandle> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.nlink !== 1)
      throw new LocalError(`${path} is not a file of its own: it is not written`);
    if (found.size < keep) throw new LocalError(`${path} has become shorter`);
    await file.truncate(keep);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Makes the folders from `root` down to `folder`; none of those below `root` may be a link. @throws LocalError */
export async function make_folders(root: string, folder: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const way = relative(root, folder);
  let path = root;
  for (const name of way === '' ? [] : way.split(sep)) {
    if (name === '..') throw new LocalError(`${folder} is not below ${root}`);
    path = join(path, name);
    const found = await lstat_or_none(path);
    if (found === undefined) await mkdir(path);
    else if (found.isSymbolicLink())
      throw new LocalError(`${path} is a link: what it leads to is not written`);
    else if (!found.isDirectory()) throw new LocalError(`${path} is not a folder`);
  }
}

export interface LocalEntry {
  readonly names: readonly string[];
  readonly type: 'file' | 'dir' | 'link' | 'other';
  readonly size: number;
  readonly modified_ms: number;
}

/** Gives all below a folder, each folder before what is in it. */
export async function* walk_local(
  root: string,
  wanted: (names: readonly string[], is_folder: boolean) => boolean,
  names: readonly string[] = [],
): AsyncGenerator<LocalEntry> {
  const found = await readdir(join(root, ...names));
  for (const name of found.sort()) {
    if (is_partial(name)) continue;
    const own = [...names, name];
    const stats = await lstat_or_none(join(root, ...own));
    if (stats === undefined || !wanted(own, stats.isDirectory())) continue;
    const type = stats.isDirectory()
      ? 'dir'
      : stats.isFile()
        ? 'file'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other';
    yield { names: own, type, size: stats.size, modified_ms: stats.mtimeMs };
    if (type === 'dir') yield* walk_local(root, wanted, own);
  }
}
