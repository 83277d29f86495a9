// One file to the server, on from what is there (-c), compared by hash.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { FTPClient } from '../../client.js';
import { FTPError } from '../../errors.js';
import { LocalError } from '../exit_codes.js';
import type { FileOptions, FileResult } from './fetch.js';
import { chunks_of, type Digest, make_digest } from './local.js';

/** Uploads one file. */
export async function store_file(
  client: FTPClient,
  source: string,
  remote: string,
  options: FileOptions,
): Promise<FileResult> {
  const file = await open(source, constants.O_RDONLY);
  try {
    const stats = await file.stat();
    if (!stats.isFile())
      throw new LocalError(`${source} is no file${stats.isDirectory() ? ' (-r puts folders)' : ''}`);
    return await store(
      client,
      file,
      { size: stats.size, modified_ms: stats.mtimeMs, path: source },
      remote,
      options,
    );
  } finally {
    await file.close();
  }
}

interface Source {
  readonly path: string;
  readonly size: number;
  readonly modified_ms: number;
}

async function store(
  client: FTPClient,
  file: FileHandle,
  source: Source,
  remote: string,
  options: FileOptions,
): Promise<FileResult> {
  const { signal } = options;
  const started = performance.now();
  const begin = options.resume ? await remote_beginning(client, file, source, remote, options) : 0;
  const algorithm = options.verify ? client.hashing?.algorithm : undefined;
  const digest = algorithm === undefined ? undefined : make_digest(algorithm);
  if (digest !== undefined) await digest_part(file, begin, digest);
  const progressed = options.on_start?.(remote, source.size - begin);
  let bytes = 0;
  // All that is there needs no transfer; an empty file does.
  if (begin < source.size || source.size === 0) {
    const data = async function* () {
      for await (const chunk of chunks_of(file, begin, source.size)) {
        digest?.update(chunk);
        yield chunk;
        progressed?.(chunk.length);
      }
    };
    bytes = await send(client, remote, data, begin, signal);
    if (begin + bytes !== source.size)
      throw new LocalError(
        `${source.path} has become shorter: ${begin + bytes} of ${source.size} bytes went`,
      );
  }
  const digits = digest?.digits();
  if (algorithm !== undefined) {
    const of_server = await client.hash(remote, { algorithm, signal });
    if (of_server.digits !== digits)
      throw new FTPError(
        'verify',
        `${remote}: the ${algorithm} of the server is ${of_server.digits}, that of ${source.path} ${digits}`,
      );
  } else await compare_size(client, remote, source.size, options);
  if (options.keep_time) await set_time(client, remote, source.modified_ms, signal);
  const seconds = (performance.now() - started) / 1000;
  return { bytes, size: source.size, resumed: begin, verified: algorithm ?? 'size', digits, seconds };
}

async function digest_part(file: FileHandle, end: number, digest: Digest): Promise<void> {
  for await (const chunk of chunks_of(file, 0, end)) digest.update(chunk);
}

/** STOR behind REST; APPE for servers that have no REST for uploads. */
async function send(
  client: FTPClient,
  remote: string,
  data: () => AsyncGenerator<Uint8Array>,
  begin: number,
  signal: AbortSignal,
): Promise<number> {
  if (begin === 0) return client.upload(remote, data(), { signal });
  try {
    return await client.upload(remote, data(), { offset: begin, signal });
  } catch (error) {
    const code = error instanceof FTPError ? error.reply?.code : undefined;
    if (code === undefined || ![500, 501, 502, 504, 554].includes(code)) throw error;
    return client.append(remote, data(), { signal });
  }
}

async function compare_size(
  client: FTPClient,
  remote: string,
  size: number,
  { signal }: FileOptions,
): Promise<void> {
  let there: number;
  try {
    there = await client.size(remote, { signal });
  } catch (error) {
    // A server without SIZE, or a folder in which nothing can be seen.
    if (error instanceof FTPError && (error.kind === 'refused' || error.kind === 'not-found')) return;
    throw error;
  }
  if (there !== size) throw new FTPError('verify', `${remote} has ${there} bytes on the server, not ${size}`);
}

async function set_time(client: FTPClient, remote: string, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await client.set_modified(remote, ms, { signal });
  } catch (error) {
    // Many servers cannot: the file itself is there.
    if (!(error instanceof FTPError) || (error.kind !== 'refused' && error.kind !== 'not-found')) throw error;
  }
}

/** Returns how many bytes of the file the server has already. */
async function remote_beginning(
  client: FTPClient,
  file: FileHandle,
  source: Source,
  remote: string,
  { note, signal }: FileOptions,
): Promise<number> {
  let there: number;
  try {
    there = await client.size(remote, { signal });
  } catch (error) {
    if (error instanceof FTPError && (error.kind === 'not-found' || error.kind === 'refused')) return 0;
    throw error;
  }
  if (there === 0) return 0;
  if (there > source.size) {
    note(`${remote} has more bytes than ${source.path}: it is put from the start`);
    return 0;
  }
  const { hashing } = client;
  if (hashing !== undefined) {
    const digest = make_digest(hashing.algorithm);
    await digest_part(file, there, digest);
    const { digits } = await client.hash(remote, { algorithm: hashing.algorithm, signal });
    if (digits === digest.digits()) return there;
    note(`${remote} is no beginning of ${source.path} (${hashing.algorithm}): it is put from the start`);
    return 0;
  }
  const modified_ms = await client.modified(remote, { signal }).catch((error: unknown) => {
    if (error instanceof FTPError && error.kind === 'refused') return undefined;
    throw error;
  });
  // Whole seconds on the server.
  if (modified_ms === undefined || modified_ms + 1000 < source.modified_ms) {
    note(`${remote}: the server has no HASH, and the file there is older: it is put from the start`);
    return 0;
  }
  note(`${remote}: the server has no HASH, size and time say that ${there} bytes are there already`);
  return there;
}
