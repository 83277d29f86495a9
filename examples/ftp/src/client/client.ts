// FTPClient: what a program calls. One operation runs at a time, in the order of the calls. The connection is in session.ts, transfers are in
// transfer.ts, listings in listing.ts.

import { format_time, parse_time, type RemoteEntry } from '../protocol/listing_parser.js';
import { hash_of, quoted_path, type Reply } from '../protocol/reply_parser.js';
import { deflate, inflate } from './compression.js';
import { FTPError, refusal } from './errors.js';
import type { Link, Waits } from './link.js';
import { listing, stat_of } from './listing.js';
import { command_path } from './names.js';
import {
  type FTPClientOptions,
  type ListOptions,
  type OperationOptions,
  type Settings,
  settings_of,
} from './options.js';
import { type Credentials, Session } from './session.js';

export interface DownloadOptions extends OperationOptions {
  /** the first byte that is wanted (REST). Default: 0 */
  readonly offset?: number | undefined;
  /** bytes that the whole file has, if that is known: fewer or more are an error */
  readonly size?: number | undefined;
}

export interface UploadOptions extends OperationOptions {
  /** where the first byte goes (REST). Default: 0 */
  readonly offset?: number | undefined;
}

export interface HashOptions extends OperationOptions {
  /** 'SHA-256' by default; null: the best one that the server has */
  readonly algorithm?: string | null | undefined;
  /** of the bytes from here, and up to `end` exclusive, which needs RANG. Default: all */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** seconds: a large file takes long. Default: 600 */
  readonly timeout?: number | undefined;
}

export interface RemoteHash {
  readonly algorithm: string;
  /** hexadecimal, lower case */
  readonly digits: string;
}

export type Source = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
/** Takes the data of a download. The chunk is valid until it returns, or its promise settles. */
export type Sink = (chunk: Uint8Array) => void | Promise<void>;

/** The best first. */
const ALGORITHMS = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'];
/** The commands of servers that have no HASH. */
const X_COMMANDS: Readonly<Record<string, string>> = {
  'SHA-512': 'XSHA512',
  'SHA-256': 'XSHA256',
  'SHA-1': 'XSHA1',
  MD5: 'XMD5',
  CRC32: 'XCRC',
};

/**
 * An FTP client.
 *
 * @example
 * const client = new FTPClient({ host: 'localhost', tls: 'explicit', tls_options: { ca } });
 * await client.connect();
 * await client.login({ user: 'ann', password });
 * for (const { name, size } of await client.list()) console.log(name, size);
 * await client.quit();
 */
export class FTPClient {
  readonly #settings: Settings;
  #session: Session | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws TypeError, RangeError: the message names the option */
  constructor(options: FTPClientOptions) {
    this.#settings = settings_of(options);
  }

  /** Runs an operation behind those that run. */
  #turn<T>(operation: (session: Session) => Promise<T>): Promise<T> {
    const run = async () => {
      if (this.#session === undefined)
        throw new FTPError('connect', 'the client is not connected: call connect()');
      return operation(this.#session);
    };
    const result = this.#last.then(run, run);
    this.#last = result;
    result.catch(() => {});
    return result;
  }

  /** connect({ signal }): TCP, TLS, and the server's greeting. @throws (rejects) FTPError 'connect', 'tls', 'protocol', 'timeout' */
  async connect({ signal }: OperationOptions = {}): Promise<void> {
    if (this.#session !== undefined && this.#session.control.closed === undefined)
      throw new FTPError('connect', 'the client is connected already');
    this.#session = await Session.open(this.#settings, signal);
  }

  /** login({ user, password, account }, { signal }): afterwards the server's features are known. @throws (rejects) FTPError 'login' */
  async login(credentials: Credentials = {}, { signal }: OperationOptions = {}): Promise<void> {
    return this.#turn(async (session) => {
      await session.log_in(credentials, signal);
    });
  }

  /** The lines of the greeting. */
  get greeting(): readonly string[] {
    return this.#session?.greeting.lines ?? [];
  }

  /** What FEAT lists, after the log-in: upper-case names with their parameters. */
  get features(): ReadonlyMap<string, string> {
    return this.#session?.features ?? new Map();
  }

  /** Protocol and cipher of the control connection; undefined without TLS. */
  get tls_description(): string | undefined {
    return this.#session?.tls_description;
  }

  /** Whether the next operation has a connection. */
  get is_connected(): boolean {
    return this.#session !== undefined && this.#session.control.closed === undefined;
  }

  /** command(line, { signal }): any command without a data connection. Returns its answer, whatever it says. */
  async command(line: string, { signal }: OperationOptions = {}): Promise<Reply> {
    command_path(line, 'line');
    return this.#turn((session) => session.control.command(line, { signal }));
  }

  /** pwd({ signal }) -> the current folder */
  async pwd({ signal }: OperationOptions = {}): Promise<string> {
    return this.#turn(async (session) => {
      const reply = await session.ask('PWD', signal);
      const path = quoted_path(reply);
      if (path === undefined)
        throw new FTPError('protocol', `PWD: no path in ${JSON.stringify(reply.lines[0])}`);
      return path;
    });
  }

  /** cd(path, { signal }): changes the current folder. @throws (rejects) FTPError 'not-found', 'refused' */
  async cd(path: string, options: OperationOptions = {}): Promise<void> {
    return this.#ask(`CWD ${command_path(path)}`, options);
  }

  /** list(path = '', { hidden, on_bad_name, signal }) -> the entries of a folder, by MLSD or LIST. */
  async list(path = '', options: ListOptions = {}): Promise<RemoteEntry[]> {
    if (path !== '') command_path(path);
    return this.#turn((session) => listing(session, path, options));
  }

  /** stat(path, { signal }) -> an entry, by MLST, or by SIZE, MDTM and CWD. @throws (rejects) FTPError 'not-found' */
  async stat(path: string, { signal }: OperationOptions = {}): Promise<RemoteEntry> {
    command_path(path);
    return this.#turn((session) => stat_of(session, path, signal));
  }

  /**
   * download(path, sink, { offset, size, signal }) -> the number of bytes that came.
   *
   * @param sink is called with each piece, and awaited. What it throws ends the transfer, and is what download() rejects with
   * @throws (rejects) FTPError 'not-found', 'transfer', 'timeout', …; the signal's reason
   */
  async download(path: string, sink: Sink, options: DownloadOptions = {}): Promise<number> {
    const { offset = 0, size, signal } = options;
    check_offset(offset);
    if (typeof sink !== 'function') throw new TypeError(`sink must be a function, not ${typeof sink}`);
    const command = `RETR ${command_path(path)}`;
    return this.#turn(async (session) => {
      await session.set_type('I', signal);
      const { value } = await session.transfer(
        { direction: 'download', command, offset, signal },
        (link, stop) =>
          receive(session, link, sink, size === undefined ? Number.POSITIVE_INFINITY : size - offset, stop),
      );
      if (size !== undefined && offset + value.bytes !== size)
        throw new FTPError('transfer', `${command}: ${offset + value.bytes} of ${size} bytes came`);
      if (size === undefined && !value.is_end_authentic)
        throw new FTPError('transfer', `${command}: the TLS connection was cut, data may be missing`);
      return value.bytes;
    });
  }

  /**
   * upload(path, source, { offset, signal }) -> the number of bytes that went.
   *
   * @param source chunks of bytes. What it throws ends the transfer, and is what upload() rejects with
   * @throws (rejects) FTPError 'refused', 'transfer', 'timeout', …; the signal's reason
   */
  async upload(path: string, source: Source, options: UploadOptions = {}): Promise<number> {
    return this.#store(`STOR ${command_path(path)}`, source, options);
  }

  /** append(path, source, { signal }): as upload(), behind what the file has. */
  async append(path: string, source: Source, { signal }: OperationOptions = {}): Promise<number> {
    return this.#store(`APPE ${command_path(path)}`, source, { signal });
  }

  #store(command: string, source: Source, { offset = 0, signal }: UploadOptions): Promise<number> {
    check_offset(offset);
    return this.#turn(async (session) => {
      await session.set_type('I', signal);
      const { value } = await session.transfer(
        { direction: 'upload', command, offset, signal },
        (link, stop) => send(session, link, source, stop),
      );
      return value;
    });
  }

  /** remove(path, { signal }): deletes a file. */
  async remove(path: string, options: OperationOptions = {}): Promise<void> {
    return this.#ask(`DELE ${command_path(path)}`, options);
  }

  /** mkdir(path, { signal }) */
  async mkdir(path: string, options: OperationOptions = {}): Promise<void> {
    return this.#ask(`MKD ${command_path(path)}`, options);
  }

  /** rmdir(path, { signal }): deletes an empty folder. */
  async rmdir(path: string, options: OperationOptions = {}): Promise<void> {
    return this.#ask(`RMD ${command_path(path)}`, options);
  }

  /** rename(from, to, { signal }) */
  async rename(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    const commands = [`RNFR ${command_path(from, 'from')}`, `RNTO ${command_path(to, 'to')}`] as const;
    return this.#turn(async (session) => {
      for (const command of commands) await session.ask(command, signal);
    });
  }

  /** size(path, { signal }) -> bytes. @throws (rejects) FTPError, 'refused' if the server has no SIZE */
  async size(path: string, { signal }: OperationOptions = {}): Promise<number> {
    command_path(path);
    return this.#turn(async (session) => {
      await session.set_type('I', signal);
      const reply = await session.ask(`SIZE ${path}`, signal);
      const digits = /^\s*(\d{1,16})\s*$/.exec(reply.lines[0] ?? '')?.[1];
      if (digits === undefined) throw new FTPError('protocol', `SIZE: no number in the answer`, { reply });
      return Number(digits);
    });
  }

  /** modified(path, { signal }) -> ms since 1970. @throws (rejects) FTPError, 'refused' if the server has no MDTM */
  async modified(path: string, { signal }: OperationOptions = {}): Promise<number> {
    command_path(path);
    return this.#turn(async (session) => {
      const reply = await session.ask(`MDTM ${path}`, signal);
      const time = parse_time((reply.lines[0] ?? '').trim());
      if (time === undefined) throw new FTPError('protocol', `MDTM: no time in the answer`, { reply });
      return time;
    });
  }

  /** set_modified(path, ms, { signal }): by MFMT, or MDTM with a time. @throws (rejects) FTPError 'refused' if the server has neither */
  async set_modified(path: string, ms: number, { signal }: OperationOptions = {}): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`ms must be milliseconds since 1970, not ${ms}`);
    command_path(path);
    return this.#turn(async (session) => {
      const verb = session.has('MFMT') ? 'MFMT' : 'MDTM';
      await session.ask(`${verb} ${format_time(ms)} ${path}`, signal);
    });
  }

  /** hash(path, { algorithm, start, end, timeout, signal }) -> algorithm and digits. @throws (rejects) FTPError, 'refused' if the server has none */
  async hash(path: string, options: HashOptions = {}): Promise<RemoteHash> {
    command_path(path);
    return this.#turn((session) => remote_hash(session, path, options));
  }

  /** The best algorithm of hash() that the server has, and whether ranges are possible; undefined if it has none. */
  get hashing(): { algorithm: string; range: boolean } | undefined {
    const session = this.#session;
    if (session === undefined) return undefined;
    const algorithm = best_algorithm(session);
    if (algorithm === undefined) return undefined;
    return { algorithm, range: session.has('HASH') && session.has('RANG') };
  }

  #ask(command: string, { signal }: OperationOptions): Promise<void> {
    return this.#turn(async (session) => {
      await session.ask(command, signal);
    });
  }

  /** quit(): QUIT, then the connection is closed, whatever the server says. */
  async quit(): Promise<void> {
    if (this.is_connected) await this.#turn((session) => session.quit());
  }

  /** Closes the connection at once; what runs rejects. */
  close(): void {
    this.#session?.control.close();
  }
}

function check_offset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError(`offset must be a number of bytes, 0 or more, not ${String(offset)}`);
}

async function receive(
  session: Session,
  link: Link,
  sink: Sink,
  most: number,
  signal: AbortSignal,
): Promise<{ bytes: number; is_end_authentic: boolean }> {
  const waits: Waits = { timeout: session.settings.data_timeout, signal };
  let bytes = 0;
  const take: Sink = (chunk) => {
    bytes += chunk.length;
    if (bytes > most) throw new FTPError('transfer', `more than the ${most} bytes came that are to come`);
    return sink(chunk);
  };
  async function* chunks() {
    for (let chunk = await link.read(waits); chunk !== undefined; chunk = await link.read(waits)) yield chunk;
  }
  if (session.is_mode_z) await inflate(chunks(), take, signal);
  else for await (const chunk of chunks()) await take(chunk);
  return { bytes, is_end_authentic: link.is_end_authentic };
}

async function send(session: Session, link: Link, source: Source, signal: AbortSignal): Promise<number> {
  const waits: Waits = { timeout: session.settings.data_timeout, signal };
  let bytes = 0;
  async function* counted() {
    for await (const chunk of source) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  const write = (chunk: Uint8Array) => link.write(chunk, waits);
  if (session.is_mode_z) await deflate(counted(), write, signal);
  else for await (const chunk of counted()) await write(chunk);
  return bytes;
}

function best_algorithm(session: Session): string | undefined {
  if (session.has('HASH')) return ALGORITHMS.find((name) => session.has('HASH', name));
  return ALGORITHMS.find((name) => session.has(X_COMMANDS[name] ?? ''));
}

async function remote_hash(
  session: Session,
  path: string,
  { algorithm = 'SHA-256', start, end, timeout = 600, signal }: HashOptions,
): Promise<RemoteHash> {
  const is_part = start !== undefined || end !== undefined;
  const name = algorithm ?? best_algorithm(session);
  const has_hash = session.has('HASH');
  const command = name === undefined ? undefined : has_hash ? 'HASH' : X_COMMANDS[name];
  if (name === undefined || command === undefined || !session.has(command) || (is_part && !has_hash))
    throw new FTPError(
      'refused',
      `the server cannot tell a hash${is_part ? ' of a part of a file' : ''}: it lacks HASH`,
    );
  // In type A servers hash the text with CR LF, or refuse ranges.
  await session.set_type('I', signal);
  if (has_hash) await session.ask(`OPTS HASH ${name}`, signal);
  if (is_part) {
    // The last byte of RANG belongs to the range.
    const last = (end ?? Number.MAX_SAFE_INTEGER) - 1;
    const reply = await session.control.command(`RANG ${start ?? 0} ${last}`, { signal });
    if (reply.code !== 350) throw refusal('RANG', reply, 'refused');
  }
  const reply = await session.ask(`${command} ${path}`, signal, timeout);
  const found = hash_of(reply);
  if (found === undefined) throw new FTPError('protocol', `${command}: no hash in the answer`, { reply });
  return { algorithm: found.name ?? name, digits: found.digits };
}
