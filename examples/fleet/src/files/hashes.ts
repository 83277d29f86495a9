// SHA-256 of files: here, and on a target by its sha256sum, of many files in one command. A target without it is read by SFTP instead. What takes long
// tells how far it is: the target's `split` passes a file on in pieces, and a line is printed for each.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Blocks, DELTA_FROM } from './blocks.js';
import { TransferError, transfer_error } from './errors.js';
import type { Remote } from './remote.js';
import { shell_command } from './shell.js';

/** Hears how many bytes of a file are hashed. */
export type OnHashed = (bytes: number) => void;

/** Returns the hash of the first bytes of a local file. @param length undefined: of all */
export async function local_hash(path: string, length?: number | undefined, on?: OnHashed): Promise<string> {
  const hash = createHash('sha256');
  let hashed = 0;
  for await (const chunk of chunks_of(path, length)) {
    hash.update(chunk);
    hashed += chunk.length;
    on?.(hashed);
  }
  return hash.digest('hex');
}

/** The hash of a whole file and those of its blocks, of one reading. */
export interface Digest {
  readonly hash: string;
  readonly blocks: Blocks;
}

/**
 * Returns the digest of the first bytes of a local file.
 *
 * @param size bytes
 * @param block bytes
 * @throws TransferError when the file is shorter
 */
export async function local_digest(
  path: string,
  size: number,
  block: number,
  on?: OnHashed,
): Promise<Digest> {
  const whole = createHash('sha256');
  const hashes: string[] = [];
  let current = createHash('sha256');
  let hashed = 0;
  for await (const chunk of chunks_of(path, size)) {
    whole.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + block - (hashed % block));
      current.update(part);
      at += part.length;
      hashed += part.length;
      if (hashed % block !== 0 && hashed !== size) continue;
      hashes.push(current.digest('hex'));
      current = createHash('sha256');
    }
    on?.(hashed);
  }
  if (hashed < size) throw new TransferError('transfer', path, 'the file became shorter while it was read');
  return { hash: whole.digest('hex'), blocks: { block, size, hashes } };
}

function chunks_of(path: string, length: number | undefined): AsyncIterable<Buffer> | readonly Buffer[] {
  if (length === 0) return [];
  const end = length === undefined ? {} : { end: length - 1 };
  return createReadStream(path, { highWaterMark: 1 << 20, ...end });
}

const PROBES = new WeakMap<Remote, Promise<boolean>>();

/** Whether the target has a `split` that passes pieces to a command, as that of GNU does. It is asked once. */
export function has_split(remote: Remote): Promise<boolean> {
  const known = PROBES.get(remote);
  if (known !== undefined) return known;
  const probe = shell_command("printf 1234 | SHELL=/bin/sh split -b 2 --filter='printf fleet:; cat; echo' -");
  const found = remote
    .output_of(probe)
    .then((printed) => /^fleet:12\nfleet:34$/m.test(printed?.toString('latin1') ?? ''));
  PROBES.set(remote, found);
  return found;
}

/** Bytes that are hashed between two lines. */
const STRIDE = 16 << 20;
const HASH = 'head -c "$2" < "$1" | sha256sum';
// In the braces 3 is what is printed, so that it does not go into the hash.
const HASH_IN_PIECES = `{ head -c "$2" < "$1" | SHELL=/bin/sh split -b "$3" --filter='cat; echo . >&3' - | sha256sum; } 3>&1`;

/** Returns the hash of the first bytes of a file on the target. */
export async function remote_hash(
  remote: Remote,
  path: string,
  length: number,
  on?: OnHashed,
): Promise<string> {
  if (length >= DELTA_FROM && (await has_split(remote))) {
    let pieces = 0;
    const on_line = (line: string) => {
      if (line !== '.') return;
      pieces += 1;
      on?.(Math.min(length, pieces * STRIDE));
    };
    const printed = await remote.output_of(shell_command(HASH_IN_PIECES, path, length, STRIDE), { on_line });
    const hash = hash_in(printed);
    // A split that failed has passed on less.
    if (hash !== undefined && pieces === Math.ceil(length / STRIDE)) return hash;
  }
  const printed = await remote.output_of(shell_command(HASH, path, length));
  return hash_in(printed) ?? read_hash(remote, path, length, on);
}

/** Returns the hash that sha256sum has printed. What a shell of the user prints at its beginning stands before it. */
function hash_in(printed: Buffer | undefined): string | undefined {
  return /^([0-9a-f]{64}) /m.exec(printed?.toString('latin1') ?? '')?.[1];
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
  const input = Buffer.from([...asked].join('\0'));
  const printed = await remote.output_of('xargs -0 sha256sum --', { input });
  for (const line of printed?.toString('utf8').split('\n') ?? []) {
    const [, escaped, hash, name] = /^(\\?)([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (hash === undefined || name === undefined) continue;
    const path = escaped ? unescaped(name) : name;
    if (asked.has(path)) found.set(path, hash);
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

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\' };

/** As sha256sum writes names with ends of lines, each of which is flushed: with -z nothing comes before the last file is hashed. */
const unescaped = (name: string) =>
  name.replace(/\\([nr\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter);

const STEP = 256 << 10;

async function read_hash(remote: Remote, path: string, length: number, on?: OnHashed): Promise<string> {
  const hash = createHash('sha256');
  const handle = await remote.open(path, 'r');
  try {
    for (let at = 0; at < length; ) {
      const data = await remote.read(handle, Math.min(STEP, length - at), at, path);
      if (data.length === 0) break;
      hash.update(data);
      at += data.length;
      on?.(at);
    }
  } finally {
    await remote.close_handle(handle);
  }
  return hash.digest('hex');
}
