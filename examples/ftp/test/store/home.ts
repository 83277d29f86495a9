// Homes of tests: a directory that goes when the test ends, and short ways to upload, read and list.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DiskFileSystem, type DiskOptions } from '../../dist/store/disk.js';
import { code_of } from '../../dist/store/errors.js';
import type { Entry, FileSystem, Upload, UploadOptions } from '../../dist/store/types.js';

/** A directory of a test. */
export async function temporary(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ftp-store-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A home in a directory of its own, so that there is something outside of it; `files` has the home as its '/'. */
export async function make_home(
  options?: DiskOptions,
): Promise<{ top: string; home: string; files: DiskFileSystem }> {
  const top = await temporary();
  const home = join(top, 'home');
  await mkdir(home);
  return { top, home, files: new DiskFileSystem(home, options) };
}

/** An upload that has its bytes, and is neither committed nor aborted. */
export async function begin(
  files: FileSystem,
  path: string,
  content: string | Uint8Array,
  options?: UploadOptions,
): Promise<Upload> {
  const upload = await files.upload(path, options);
  try {
    await upload.write(typeof content === 'string' ? Buffer.from(content) : content);
  } catch (error) {
    await upload.abort(false);
    throw error;
  }
  return upload;
}

export async function put(
  files: FileSystem,
  path: string,
  content: string | Uint8Array,
  options?: UploadOptions,
): Promise<void> {
  await (await begin(files, path, content, options)).commit();
}

export async function get(files: FileSystem, path: string): Promise<string> {
  const file = await files.open(path);
  try {
    const buffer = Buffer.alloc(1 << 20);
    return buffer.toString('utf8', 0, await file.read(buffer, 0));
  } finally {
    await file.close();
  }
}

export async function entries(files: FileSystem, path: string): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of files.list(path)) all.push(entry);
  return all.sort((one, other) => (one.name < other.name ? -1 : 1));
}

export async function names(files: FileSystem, path: string): Promise<string[]> {
  return (await entries(files, path)).map(({ name }) => name);
}

/** Returns the code with which a call rejects; 'none' if it does not. */
export async function code(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return code_of(error) ?? String(error);
  }
}

/** Names in a directory of the machine, the server's own too. */
export async function all_names(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/** Descriptors of this process that lead below a directory. */
export async function open_below(folder: string): Promise<string[]> {
  const { readlink } = await import('node:fs/promises');
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(folder));
}
