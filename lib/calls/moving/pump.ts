// pump, for blocking and promise sockets alike: what it moves bytes between, the pipe in the kernel that they pass through, and what is left
// there. The two loops, which differ in how they wait, are lib/socket/pump.ts and lib/promises/pump.ts.
import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import * as c from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { raise } from '../../errors/raise.js';
import { addon, cells, GENERATION, SECOND_DESCRIPTOR, SECOND_GENERATION } from '../../native/addon.js';
import { OwnedDescriptor } from '../../util/owned_descriptor.js';
import { descriptor, integer, integer_or, options_of, shown } from '../../util/validate.js';
import { SocketBase } from '../socket_base.js';

const { EBADF } = constants.errno;
/** The most bytes that one system call moves into the pipe, which holds 64 KiB by default, see pipe(7). */
const FILL_SIZE = 2 ** 20;

/** The end of a pipe: a descriptor, a FileHandle or another object with `fd`, or an object with `fileno()`. */
export type PipeEnd = number | { readonly fd: number } | { fileno(): number };

/** The options of every pump. */
export interface PumpOptions {
  /** The number of bytes after which it ends; null: none, it ends with `from`. */
  limit?: number | null | undefined;
  /** True: at the end of `from`, the sending side of the socket `to` is shut down. */
  half_close?: boolean | undefined;
}

/** A socket or pipe that a pump moves bytes from, or to. */
export interface PumpEnd {
  readonly fd: number;
  readonly generation: number;
  /** Undefined for a pipe. */
  readonly sock: SocketBase | undefined;
}

/** Returns the number of bytes to move, Infinity without a limit. @throws TypeError, RangeError */
export function check_pump_options<Options extends PumpOptions>(
  options: Options,
  names: readonly (keyof Options & string)[],
): number {
  const { limit, half_close } = options_of(options, names);
  if (half_close !== undefined && typeof half_close !== 'boolean')
    throw new TypeError(`half_close must be true or false, not ${shown(half_close)}`);
  return integer_or(Number.POSITIVE_INFINITY, limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
}

/** Returns `from` or `to` of a pump, checked. @throws TypeError, RangeError; OSError EBADF if it is closed */
export function pump_end(value: unknown, name: 'from' | 'to', event_driven: boolean): PumpEnd {
  if (!(value instanceof SocketBase)) return pipe_end(value, name);
  if (value._event_driven !== event_driven) {
    const [kind, module] = event_driven
      ? ['a blocking socket', 'bsd-sockets/socket']
      : ['a socket of promises', 'bsd-sockets/promises'];
    throw new TypeError(`${name} is ${kind}: use pump() of ${module}`);
  }
  if (value.type !== c.SOCK_STREAM)
    throw new RangeError(`pump: only sockets of type SOCK_STREAM are supported, and ${name} is ${value}`);
  if (value._fd < 0) value._raise(-EBADF, 'pump');
  return { fd: value._fd, generation: value._generation, sock: value };
}

function pipe_end(value: unknown, name: string): PumpEnd {
  const fd = pipe_descriptor(value, name);
  const status = fd < 0 ? undefined : status_of(fd);
  if (status === undefined) return raise(-EBADF, { syscall: 'pump', args: { fd } });
  if (status.isFIFO()) return { fd, generation: addon.generation(fd), sock: undefined };
  if (status.isFile())
    throw new RangeError(`${name} is a file, not a socket or pipe: sendfile() sends files`);
  if (status.isSocket())
    throw new RangeError(
      `${name} is the descriptor of a socket: pass the socket, for example fromfd(${fd}, …)`,
    );
  throw new RangeError(`${name} must be a socket or a pipe: descriptor ${fd} is neither`);
}

function status_of(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

function pipe_descriptor(value: unknown, name: string): number {
  const { encrypted, fd, fileno, _handle } = fields_of(value);
  if (encrypted === true)
    throw new TypeError(
      `${name} is a TLS socket: only its own methods encrypt and decrypt; use pipeline() of node:stream`,
    );
  if (typeof value === 'number' || typeof fileno === 'function') return descriptor(value, name);
  if (fd !== undefined && fd !== null) return integer(fd, `${name}.fd`);
  const advice = _handle === undefined ? '' : '; from_node() takes the connection of a net.Socket';
  throw new TypeError(
    `${name} must be a socket, or a pipe as a descriptor or an object with fd or fileno(), not ${shown(value)}${advice}`,
  );
}

/** The properties of an end that tell its kind, which may be missing. */
function fields_of(value: unknown): Partial<Record<'encrypted' | 'fd' | 'fileno' | '_handle', unknown>> {
  return typeof value === 'object' && value !== null ? value : {};
}

/** Throws the error of a shutdown, unless the peer is gone: then it needs no end of the stream. @throws OSError */
export function check_shutdown(error: unknown): void {
  if (!(error instanceof OSError && error.code === 'ENOTCONN')) throw error;
}

/** The bytes on their way from one end to the other: the pipe they pass through, and the counts. */
export class Transit {
  /** Bytes that have reached `to`. */
  moved = 0;
  /** Bytes in the pipe. */
  held = 0;
  /** True once `from` has ended. */
  ended = false;
  #reader: OwnedDescriptor | undefined;
  #writer: OwnedDescriptor | undefined;
  #left: Buffer | undefined;

  constructor(
    readonly from: PumpEnd,
    readonly to: PumpEnd,
    readonly limit: number,
  ) {}

  /** True if nothing is left to do. */
  get is_done(): boolean {
    return this.held === 0 && (this.ended || this.moved >= this.limit);
  }

  /** Moves bytes from `from` into the empty pipe. Returns a negative number if that fails; sets `ended` at the end. */
  fill(timeout_ms: number): number {
    const { fd, generation } = this.from;
    const writer = this.#writer ?? this.#open();
    const wanted = Math.min(this.limit - this.moved, FILL_SIZE);
    const count = addon.splice(fd, generation, writer.fd, writer.generation, wanted, false, timeout_ms);
    if (count > 0) this.held = count;
    else if (count === 0) this.ended = true;
    return count;
  }

  /** Moves bytes from the pipe to `to`. Returns their number, or a negative number. */
  drain(timeout_ms: number): number {
    const { fd, generation } = this.to;
    const reader = this.#reader as OwnedDescriptor;
    const count = addon.splice(reader.fd, reader.generation, fd, generation, this.held, true, timeout_ms);
    if (count > 0) {
      this.held -= count;
      this.moved += count;
    }
    return count;
  }

  /** Returns what an error tells: the bytes that have reached `to`, and those which were taken from `from` and did not. */
  progress(): { bytes_sent: number; partial: Buffer } {
    this.#left ??= this.#read_rest();
    return { bytes_sent: this.moved, partial: this.#left };
  }

  /**
   * Throws for the negative result of fill() or drain().
   *
   * @param timeout_ms the time-out of the pump
   * @throws OSError with `bytes_sent` and `partial`
   */
  raise(result: number, { sock, fd }: PumpEnd, timeout_ms?: number): never {
    const before = this.progress();
    const call = sock?._failed(result, 'pump', before, timeout_ms);
    return raise(result, call ?? { syscall: 'pump', args: { fd }, ...before });
  }

  /** Frees the pipe. */
  close(): void {
    for (const owned of [this.#reader, this.#writer]) {
      if (owned !== undefined) addon.close(owned.fd, owned.generation);
    }
    this.#reader = undefined;
    this.#writer = undefined;
  }

  #open(): OwnedDescriptor {
    const fd = addon.pipe();
    if (fd < 0) raise(fd, { syscall: 'pipe', ...this.progress() });
    this.#reader = new OwnedDescriptor(fd, cells[GENERATION] as number);
    this.#writer = new OwnedDescriptor(
      cells[SECOND_DESCRIPTOR] as number,
      cells[SECOND_GENERATION] as number,
    );
    return this.#writer;
  }

  #read_rest(): Buffer {
    const bytes = Buffer.alloc(this.held);
    let count = 0;
    while (this.#reader !== undefined && count < bytes.length) {
      const result = addon.read(this.#reader.fd, bytes.subarray(count), -1, 0);
      if (result <= 0) break;
      count += result;
    }
    this.held = 0;
    return bytes.subarray(0, count);
  }
}
