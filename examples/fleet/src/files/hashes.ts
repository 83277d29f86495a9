// SHA-256 of files: here, and on a target by its sha256sum, of many files in one command. A target without it is read by SFTP instead.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { transfer_error } from './errors.js';
import { type Remote, shell_word } from './remote.js';

/** Returns the hash of the first bytes of a local file. @param length undefined: of all */
export async function local_hash(path: string, length?: number | undefined): Promise<string> {
  const hash = createHash('sha256');
  if (length === 0) return hash.digest('hex');
  const end = length === undefined ? {} : { end: length - 1 };
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...end })) hash.update(chunk);
  return hash.digest('hex');
}

/** Returns the hash of the first bytes of a file on the target. */
export async function remote_hash(remote: Remote, path: string, length: number): Promise<string> {
  const word = shell_word(path);
  const printed = await remote.output_of(`head -c ${length} < ${word} | sha256sum`);
  // What a shell of the user prints at its beginning stands before it.
  return /^([0-9a-f]{64}) /m.exec(printed?.toString('latin1') ?? '')?.[1] ?? read_hash(remote, path, length);
}

/** Returns the hashes of whole files on the target by name; of those that cannot be read, none. */
export async function remote_hashes(
  remote: Remote,
  files: readonly { readonly path: string; readonly size: number }[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (files.length === 0) return found;
  const asked = new Set(files.map(({ path }) => path));
  // NUL between names: they may have any other character.
  const printed = await remote.output_of('xargs -0 sha256sum -z --', Buffer.from([...asked].join('\0')));
  for (const line of printed?.toString('utf8').split('\0') ?? []) {
    const [, hash, path] = /(?:^|\n)([0-9a-f]{64}) [ *](.+)$/s.exec(line) ?? [];
    if (hash !== undefined && path !== undefined && asked.has(path)) found.set(path, hash);
  }
  for (const { path, size } of files) {
    if (found.has(path)) continue;
    try {
      found.set(path, await read_hash(remote, path, size));
    } catch (error) {
      if (transfer_error(error, path).failure !== 'transfer') throw error;
    }
  }
  return found;
}

const STEP = 256 << 10;

async function read_hash(remote: Remote, path: string, length: number): Promise<string> {
  const hash = createHash('sha256');
  const handle = await remote.open(path, 'r');
  try {
    for (let at = 0; at < length; ) {
      const data = await remote.read(handle, Math.min(STEP, length - at), at, path);
      if (data.length === 0) break;
      hash.update(data);
      at += data.length;
    }
  } finally {
    await remote.close_handle(handle);
  }
  return hash.digest('hex');
}
