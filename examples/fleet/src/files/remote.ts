// A target: SFTP and commands of a connection as promises that always settle, also when the connection is lost in between. What is done with
// them is in put.ts and get.ts.

import { setTimeout } from 'node:timers/promises';
import type { ClientChannel, InputAttributes, SFTPWrapper, Stats } from 'ssh2';
import { code_of, missing_as_undefined, TransferError, transfer_error } from './errors.js';
import { Slots } from './slots.js';

/** What a connection has to have: a Client of ssh2 is one. */
export interface RemoteClient {
  sftp(callback: (error: Error | undefined, sftp: SFTPWrapper) => void): unknown;
  exec(command: string, callback: (error: Error | undefined, channel: ClientChannel) => void): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
  off(event: 'end' | 'close', listener: () => void): unknown;
}

/** What a client emits when its connection is lost. */
const LOSS = ['end', 'close'] as const;

type Callback<T> = (error?: Error | null, value?: T) => void;

/** What a command of ours may print: bytes. */
const MOST_OUTPUT = 8 << 20;
/** Commands that run at once: OpenSSH lets a connection have ten sessions, and SFTP is one. */
const COMMANDS = 4;
/** Entries of a folder: a listing without end must not fill the memory. */
const MOST_ENTRIES = 1_000_000;

/** What became of a command. */
interface Output {
  readonly printed?: Buffer | undefined;
  /** it could not be run */
  readonly error?: Error | undefined;
}

/** Why a channel is not opened (RFC 4254, 5.1): what OpenSSH says when there are too many sessions. */
const NO_CHANNEL = 2;
const LONGEST_PAUSE_MS = 1600;
const code_of_open = (error: Error | undefined) =>
  error !== undefined && 'reason' in error ? error.reason : undefined;

/** What two looks at a file have in common. */
const SAME = ['size', 'mtime', 'mode', 'uid', 'gid'] as const;

export interface RemoteEntry {
  readonly name: string;
  readonly attributes: Stats;
}

export interface CommandOptions {
  /** standard input, whole */
  readonly input?: Uint8Array | undefined;
  /** hears of each line that is printed, without its end */
  readonly on_line?: ((line: string) => void) | undefined;
}

export class Remote {
  readonly #pending = new Set<(error: Error) => void>();
  readonly #commands = new Slots(COMMANDS);
  #lost: Error | undefined;

  private constructor(
    private readonly client: RemoteClient,
    private readonly sftp: SFTPWrapper,
    private readonly on_answer: () => void,
  ) {
    const lose = () => this.#lose(new TransferError('cut-off', '', 'the connection was lost'));
    for (const event of ['end', 'close', 'error']) sftp.on(event, lose);
  }

  /**
   * @param on_answer hears that the target answered, whatever it was: it is not silent
   * @throws TransferError when the target has no SFTP, or the connection is lost
   */
  static async open(client: RemoteClient, on_answer: () => void = () => undefined): Promise<Remote> {
    // The client tells that it has lost the connection before it fails what waits; where there is none any more, it throws.
    let is_lost = false;
    const lose = () => {
      is_lost = true;
    };
    for (const event of LOSS) client.once(event, lose);
    try {
      const sftp = await new Promise<SFTPWrapper>((done, failed) => {
        try {
          client.sftp((error, wrapper) => (error ? failed(error) : done(wrapper)));
        } catch (error) {
          lose();
          failed(error);
        }
      });
      return new Remote(client, sftp, on_answer);
    } catch (cause) {
      throw is_lost
        ? new TransferError('cut-off', '', 'the connection was lost', { cause })
        : new TransferError('transfer', '', 'the target offers no SFTP', { cause });
    } finally {
      for (const event of LOSS) client.off(event, lose);
    }
  }

  /** Ends the SFTP channel; the connection stays. */
  close(): void {
    this.sftp.end();
  }

  /**
   * Calls `work`; if the signal is aborted meanwhile, whatever waits for the target fails, and the channel ends: a target that is silent
   * would keep it for ever.
   *
   * @throws TransferError of class 'stopped' when the signal is aborted
   */
  async until<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const stop = () => {
      this.#lose(new TransferError('stopped', '', 'the user asked'));
      this.close();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    try {
      return await work();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const fail of pending) fail(error);
  }

  /** @throws TransferError when the target is lost, or was left */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** A request that ssh2 forgets when the channel is gone fails here. */
  #request<T>(path: string, begin: (callback: Callback<T>) => void): Promise<T | undefined> {
    return new Promise((done, failed) => {
      if (this.#lost !== undefined) return failed(this.#lost);
      this.#pending.add(failed);
      const settle: Callback<T> = (error, value) => {
        this.on_answer();
        // ssh2 ends all requests before it says that the channel has ended: that is not a fault of this file.
        if (error && code_of(error) === undefined) return void setImmediate(() => fail(error));
        if (error) return fail(error);
        this.#pending.delete(failed);
        done(value);
      };
      const fail = (error: Error) => {
        this.#pending.delete(failed);
        failed(this.#lost ?? transfer_error(error, path));
      };
      try {
        begin(settle);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  async #value<T>(path: string, begin: (callback: Callback<T>) => void): Promise<T> {
    const value = await this.#request(path, begin);
    if (value === undefined) throw new TransferError('transfer', path, 'the server sent no answer of use');
    return value;
  }

  /** Returns the attributes of what has this name, a symbolic link's own ones; undefined: nothing has it. */
  async lstat(path: string): Promise<Stats | undefined> {
    return missing_as_undefined(this.#value<Stats>(path, (callback) => this.sftp.lstat(path, callback)));
  }

  /** The same through symbolic links. */
  async stat(path: string): Promise<Stats | undefined> {
    return missing_as_undefined(this.#value<Stats>(path, (callback) => this.sftp.stat(path, callback)));
  }

  open(path: string, flags: 'r' | 'r+' | 'wx', mode?: number): Promise<Buffer> {
    const attributes = mode === undefined ? {} : { mode };
    return this.#value(path, (callback) => this.sftp.open(path, flags, attributes, callback));
  }

  /**
   * Opens a file again for writing. SFTP follows links: who may write in the folder could have put one there since lstat() found the file.
   *
   * @throws TransferError when what is open is not what has the name
   */
  async open_again(path: string): Promise<Buffer> {
    const handle = await this.open(path, 'r+');
    try {
      // The server of a connection that was cut may still write to the file: it grows between two looks, but not for ever.
      for (let looks = 0; looks < 20; looks += 1) {
        const [named, opened] = await Promise.all([this.lstat(path), this.fstat(handle, path)]);
        if (named?.isFile() && SAME.every((name) => named[name] === opened[name])) return handle;
      }
      throw new TransferError('transfer', path, 'was exchanged while it was opened');
    } catch (error) {
      await this.close_handle(handle).catch(() => undefined);
      throw error;
    }
  }

  async close_handle(handle: Buffer): Promise<void> {
    await this.#request('', (callback) => this.sftp.close(handle, callback));
  }

  fstat(handle: Buffer, path: string): Promise<Stats> {
    return this.#value(path, (callback) => this.sftp.fstat(handle, callback));
  }

  /** Returns bytes at `position`; fewer than `length` at the end of the file only, or none. */
  async read(handle: Buffer, length: number, position: number, path: string): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const count = await this.#request<number>(path, (callback) =>
      this.sftp.read(handle, buffer, 0, length, position, callback),
    );
    return buffer.subarray(0, count ?? 0);
  }

  async write(handle: Buffer, data: Buffer, position: number, path: string): Promise<void> {
    await this.#request(path, (callback) =>
      this.sftp.write(handle, data, 0, data.length, position, callback),
    );
  }

  async set_attributes(handle: Buffer, attributes: InputAttributes, path: string): Promise<void> {
    await this.#request(path, (callback) => this.sftp.fsetstat(handle, attributes, callback));
  }

  /** Sets the attributes of what has the name; of a link its own ones, if the server knows how. */
  async set_attributes_of(path: string, attributes: InputAttributes): Promise<void> {
    try {
      await this.#request(path, (callback) => this.sftp.ext_openssh_lsetstat(path, attributes, callback));
    } catch (error) {
      if (!is_unsupported(error)) throw error;
      await this.#request(path, (callback) => this.sftp.setstat(path, attributes, callback));
    }
  }

  /** Has the target write to its disk, if it knows how. */
  async sync(handle: Buffer, path: string): Promise<void> {
    try {
      await this.#request(path, (callback) => this.sftp.ext_openssh_fsync(handle, callback));
    } catch (error) {
      if (!is_unsupported(error)) throw error;
    }
  }

  /** Replaces what has the new name, in one step. */
  async rename(from: string, to: string): Promise<void> {
    try {
      await this.#request(to, (callback) => this.sftp.ext_openssh_rename(from, to, callback));
    } catch (error) {
      if (!is_unsupported(error)) throw error;
      // The rename of SFTP itself fails if the name is taken: nothing is removed first.
      await this.#request(to, (callback) => this.sftp.rename(from, to, callback));
    }
  }

  async remove(path: string): Promise<void> {
    await this.#request(path, (callback) => this.sftp.unlink(path, callback));
  }

  async make_folder(path: string, mode: number): Promise<void> {
    await this.#request(path, (callback) => this.sftp.mkdir(path, { mode }, callback));
  }

  async make_link(target: string, path: string): Promise<void> {
    await this.#request(path, (callback) => this.sftp.symlink(target, path, callback));
  }

  read_link(path: string): Promise<string> {
    return this.#value(path, (callback) => this.sftp.readlink(path, callback));
  }

  /** Returns the absolute path without links. */
  real_path(path: string): Promise<string> {
    return this.#value(path, (callback) => this.sftp.realpath(path, callback));
  }

  /** Returns bytes that are free for this user where the path is; undefined: the server does not say. */
  async free_bytes(path: string): Promise<number | undefined> {
    const found = await this.#request<unknown>(path, (callback) =>
      this.sftp.ext_openssh_statvfs(path, callback),
    ).catch(() => undefined);
    if (typeof found !== 'object' || found === null) return undefined;
    const { f_bavail, f_frsize } = { f_bavail: undefined, f_frsize: undefined, ...found };
    return typeof f_bavail === 'number' && typeof f_frsize === 'number' ? f_bavail * f_frsize : undefined;
  }

  /** Returns the entries of a folder without . and .. as the server names them: nobody has looked at the names yet. */
  async list(path: string): Promise<RemoteEntry[]> {
    const handle = await this.#value<Buffer>(path, (callback) => this.sftp.opendir(path, callback));
    const entries: RemoteEntry[] = [];
    try {
      for (;;) {
        const part = await this.#value<{ filename: string; attrs: Stats }[]>(path, (callback) =>
          this.sftp.readdir(handle, callback),
        ).catch(end_as_undefined);
        if (part === undefined) return entries;
        for (const { filename, attrs } of part) entries.push({ name: filename, attributes: attrs });
        if (entries.length > MOST_ENTRIES) throw new TransferError('transfer', path, 'the folder has no end');
      }
    } finally {
      await this.close_handle(handle).catch(() => undefined);
    }
  }

  /**
   * Runs a command of the target's shell.
   *
   * @returns what it prints on its standard output; undefined: it could not be run, or printed too much
   * @throws TransferError when the connection is lost
   */
  async output_of(command: string, options: CommandOptions = {}): Promise<Buffer | undefined> {
    await this.#commands.take();
    try {
      for (let pause_ms = 50; ; pause_ms *= 2) {
        const result = await this.#request<Output>('', (callback) => {
          this.client.exec(command, (error, channel) =>
            error ? callback(undefined, { error }) : this.#read_output(channel, options, callback),
          );
        });
        // A session that has just ended may count for a moment.
        const is_refused = code_of_open(result?.error) === NO_CHANNEL && pause_ms <= LONGEST_PAUSE_MS;
        if (!is_refused) return result?.printed;
        await setTimeout(pause_ms);
      }
    } finally {
      this.#commands.give();
    }
  }

  #read_output(channel: ClientChannel, options: CommandOptions, callback: Callback<Output>): void {
    const { input = new Uint8Array(0), on_line } = options;
    const parts: Buffer[] = [];
    let length = 0;
    let line = '';
    channel.on('data', (data: Buffer) => {
      this.on_answer();
      length += data.length;
      if (length > MOST_OUTPUT) return channel.destroy();
      parts.push(data);
      if (on_line === undefined) return;
      const lines = (line + data.toString('latin1')).split('\n');
      line = lines.pop() ?? '';
      for (const whole of lines) on_line(whole);
    });
    channel.stderr.resume();
    channel.on('error', () => channel.destroy());
    // Also a command that failed has printed something of use: the hashes of the files that are there.
    channel.on('close', () =>
      callback(undefined, { printed: length > MOST_OUTPUT ? undefined : Buffer.concat(parts) }),
    );
    channel.end(input);
  }
}

const END_OF_FILE = 1;

function end_as_undefined(error: unknown): undefined {
  if (error instanceof TransferError && code_of(error.cause) === END_OF_FILE) return undefined;
  throw error;
}

function is_unsupported(error: unknown): boolean {
  if (!(error instanceof TransferError)) return false;
  const { cause } = error;
  return code_of(cause) === 8 || (cause instanceof Error && cause.message.includes('does not support'));
}
