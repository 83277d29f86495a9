// SocketBase: the parts of blocking and promise sockets that never wait: the life of the descriptor (made, adopted,
// duplicated, detached, closed, collected), time-outs and flags. Names and options are in options.ts.
//
// A socket holds a descriptor number and its generation (native/descriptor.h): after close() or detach() the pair means
// nothing any more, even when the number is given out again.
import { constants, endianness } from 'node:os';
import * as c from '../constants.js';
import type { Arguments } from '../errors/names.js';
import { type Call, raise } from '../errors/raise.js';
import { addon, cells, GENERATION, TIMED_OUT, VALUE } from '../native/addon.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { integer, integer_or, timeout as seconds, to_timeout_ms } from '../util/validate.js';
import { decode, encode, type ResolveHost } from './address.js';
import { OptionSocket } from './options.js';
import { socket_timed_out } from './waiting/timed_out.js';
import type { Pins } from './waiting/zerocopy.js';

const { errno } = constants;
const TYPE_FLAGS = (c.SOCK_NONBLOCK ?? 0) | (c.SOCK_CLOEXEC ?? 0);

let default_timeout: number | null = null;

/** getdefaulttimeout() -> seconds or null: the time-out of new sockets. */
export function getdefaulttimeout(): number | null {
  return default_timeout;
}

/**
 * setdefaulttimeout(timeout). Sets the time-out, in seconds, of the sockets this thread makes from now on; null: none.
 *
 * @throws TypeError, RangeError
 */
export function setdefaulttimeout(timeout: number | null): void {
  default_timeout = seconds(timeout);
}

/** Makes sockets that do not take the default time-out: those of the library's own, and those with a time-out that is known. */
export function without_default_timeout<T>(make: () => T): T {
  const before = default_timeout;
  default_timeout = null;
  try {
    return make();
  } finally {
    default_timeout = before;
  }
}

/**
 * siginterrupt(flag). With true, a signal with a JavaScript listener ends a blocked call of the main thread with
 * InterruptedError once the listener has run; with false, as at the start, the call goes on (PEP 475).
 */
export function siginterrupt(flag: boolean): void {
  addon.siginterrupt(Boolean(flag));
}

/** The address that a call got, and its progress before it failed. */
type Happened = Pick<Call, 'address' | 'bytes_sent' | 'partial'>;

/** The parts of a socket that outlive it: a socket that was collected without close() is closed by them. */
interface Leftover {
  readonly fd: number;
  readonly generation: number;
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  watcher: Watcher | undefined;
}

/** Watches the descriptor, and releases it before it is closed. It must not hold the socket, which would never be collected. @internal */
export interface Watcher {
  release(): void;
}

const collected = new FinalizationRegistry<Leftover>((leftover) => {
  leftover.watcher?.release();
  const description = describe(leftover);
  if (addon.close_later(leftover.fd, leftover.generation) === 0) {
    process.emitWarning(`unclosed ${description}`, 'ResourceWarning');
  }
});

/** The arguments of `socket`, blocking and of promises. */
export type SocketArguments<F extends number, K extends number> = [
  family?: F | null,
  type?: K | null,
  proto?: number | null,
  fileno?: number | null,
];

/** The same with a descriptor. */
export type DescriptorArguments<F extends number, K extends number, FD> = [
  family: F | null | undefined,
  type: K | null | undefined,
  proto: number | null | undefined,
  fileno: FD,
];

/** <socket fd=3, family=AF_INET, type=SOCK_STREAM, proto=6, laddr=["127.0.0.1",80]>, as Python's repr(). */
function describe({ fd, generation, family, type, proto }: Leftover): string {
  const parts = [`fd=${fd}`, `family=${c.AddressFamily[family] ?? family}`];
  parts.push(`type=${c.SocketKind[type] ?? type}`, `proto=${proto}`);
  const name = (label: string, result: number) => {
    const address = result >= 0 ? decode(family, proto) : null;
    if (address !== null && address !== '') parts.push(`${label}=${JSON.stringify(address)}`);
  };
  if (fd >= 0) {
    name('laddr', addon.getsockname(fd, generation));
    name('raddr', addon.getpeername(fd, generation));
  }
  return `<socket ${parts.join(', ')}>`;
}

let warned_of_byte_order = endianness() === 'BE';

/** Warns once of ETH_P_ALL as the protocol of a packet socket: in the wrong byte order, with which nothing is received. */
function warn_of_byte_order(): void {
  if (warned_of_byte_order) return;
  warned_of_byte_order = true;
  process.emitWarning(
    'socket(AF_PACKET, …, ETH_P_ALL) receives nothing before bind(): the protocol of the constructor is in network ' +
      'byte order, htons(ETH_P_ALL); that of an address for bind() is in host order',
  );
}

// V8 shows this name in stack traces before each method of a socket, blocking or not: `at Socket.recv`.
class Socket<out F extends number = number, out K extends number = number> extends OptionSocket<F> {
  readonly #family: F;
  readonly #type: K;
  readonly #proto: number;
  readonly #leftover: Leftover;

  /** @internal */ _fd = -1;
  /** @internal */ _generation = 0;
  /** @internal */ _timeout: number | null = null;
  /** The time-out as native calls take it. @internal */
  _timeout_ms = -1;
  /** Open files of makefile(), which keep the descriptor. @internal */
  _files = 0;
  /** True if the last recv() gave much, see transfer.ts. @internal */
  _bulk = false;
  /** The sends with MSG_ZEROCOPY; undefined before the first one. @internal */
  _zerocopy: Pins | undefined = undefined;
  /** @internal */ _closed = false;
  /** True if detach() gave the descriptor away. @internal */
  _detached = false;
  /** True if the event loop waits for the socket. @internal */
  readonly _event_driven: boolean;

  /**
   * socket(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno = null). As in Python, -1 is as good as null.
   *
   * Makes a socket, or adopts the descriptor `fileno` and finds out the arguments that are not given. See socket(2). The
   * protocol of AF_PACKET is in network byte order, `htons(ETH_P_ALL)`; that of an address for bind() is in host order, as in Python.
   *
   * @param event_driven true if the event loop waits: then the descriptor never blocks, and the time-out is only remembered
   * @throws OSError; TypeError, RangeError on bad arguments
   */
  constructor(
    family: F | null | undefined,
    type: K | null | undefined,
    proto: number | null | undefined,
    fileno: number | OwnedDescriptor | null | undefined,
    event_driven: boolean,
  ) {
    super();
    this._event_driven = event_driven;
    const wanted_family = integer_or(-1, family, 'family');
    const wanted_type = integer_or(-1, type, 'type');
    const wanted_proto = integer_or(-1, proto, 'proto');
    let found_type: number;
    if (fileno === undefined || fileno === null) {
      this.#family = (wanted_family === -1 ? c.AF_INET : wanted_family) as F;
      found_type = wanted_type === -1 ? c.SOCK_STREAM : wanted_type;
      this.#proto = wanted_proto === -1 ? 0 : wanted_proto;
      if (this.#family === c.AF_PACKET && this.#proto === c.ETH_P_ALL) warn_of_byte_order();
      const flags = event_driven ? c.SOCK_NONBLOCK : 0;
      const fd = addon.socket(this.#family, found_type | flags, this.#proto);
      if (fd < 0)
        raise(fd, { syscall: 'socket', args: { family: this.family, type: found_type, proto: this.proto } });
      this._fd = fd;
      this._generation = cells[GENERATION] as number;
    } else {
      const { fd, generation } = fileno instanceof OwnedDescriptor ? fileno : adopt(fileno);
      this._fd = fd;
      this._generation = generation;
      this.#family = (wanted_family === -1 ? detect(fd, generation, c.SO_DOMAIN) : wanted_family) as F;
      found_type = wanted_type === -1 ? detect(fd, generation, c.SO_TYPE) : wanted_type;
      this.#proto = wanted_proto === -1 ? detect(fd, generation, c.SO_PROTOCOL) : wanted_proto;
    }
    const nonblocking = (found_type & (c.SOCK_NONBLOCK ?? 0)) !== 0;
    this.#type = (found_type & ~TYPE_FLAGS) as K;
    if (event_driven && !nonblocking && (fileno ?? null) !== null) this.#set_blocking(false);
    if (nonblocking) this.#set_timeout(0);
    else if (default_timeout !== null) this.#set_timeout(default_timeout);
    const kind = { family: this.#family, type: this.#type, proto: this.#proto };
    this.#leftover = { fd: this._fd, generation: this._generation, ...kind, watcher: undefined };
    collected.register(this, this.#leftover, this);
  }

  /** Releases the descriptor through `watcher` before it is closed or given away. @internal */
  _watch_by(watcher: Watcher): void {
    this.#leftover.watcher = watcher;
  }

  /** The address family, AF_*. */
  get family(): F {
    return this.#family;
  }

  /** The socket type, SOCK_*, without SOCK_NONBLOCK and SOCK_CLOEXEC. */
  get type(): K {
    return this.#type;
  }

  /** The protocol. */
  get proto(): number {
    return this.#proto;
  }

  /** @internal */
  override _args(): Arguments {
    return this._detached ? { detached: 'socket' } : super._args();
  }

  /** @internal */
  override _raise(result: number, syscall: string, address?: unknown): never {
    return raise(result, this._failed(result, syscall, { address }), this._raise);
  }

  /** _raise, with what happened before the error. @internal */
  _raise_with(result: number, syscall: string, before: Happened): never {
    return raise(result, this._failed(result, syscall, before), this._raise_with);
  }

  /** Returns the record of a failed call. @param timeout_ms the call's, if it is not that of the socket @internal */
  _failed(result: number, syscall: string, before: Happened, timeout_ms = this._timeout_ms): Call {
    const call = { syscall, args: this._args(), ...before };
    if (result !== TIMED_OUT) return call;
    return { ...call, timed_out: this._timed_out(syscall, timeout_ms, before.address) };
  }

  /** Returns the message of a time-out. @internal */
  _timed_out(syscall: string, timeout_ms: number, address?: unknown): string {
    return socket_timed_out(this, syscall, timeout_ms, address);
  }

  /** fileno() -> the descriptor, -1 once closed or detached. */
  fileno(): number {
    return this._fd;
  }

  /**
   * close(). Frees the descriptor; a call that is blocked on it ends with EBADF. With open files of makefile() it
   * stays until the last one is closed. Closing twice is allowed. See close(2).
   */
  close(): void {
    this._closed = true;
    if (this._files === 0) this._close();
  }

  /** @internal */
  _close(): void {
    const fd = this.#release();
    if (fd < 0) return;
    const close = this._event_driven ? addon.close_later : addon.close;
    const result = close(fd, this._generation);
    // A reset by the peer is no failure of closing.
    if (result < 0 && result !== -errno.ECONNRESET) {
      raise(result, { syscall: 'close', args: { fd } });
    }
  }

  /** A file of makefile() was closed. @internal */
  _decref_socketios(): void {
    if (this._files > 0) this._files--;
    if (this._closed && this._files === 0) this._close();
  }

  /**
   * detach() -> the descriptor, which now belongs to the caller, -1 if there is none; the socket is closed without closing it.
   *
   * @throws OSError EBADF if other code has closed the descriptor, and its number is that of another one
   */
  detach(): number {
    this._closed = true;
    const fd = this.#release();
    if (fd < 0) return fd;
    this._detached = true;
    if (addon.generation(fd) !== this._generation) raise(-errno.EBADF, { syscall: 'detach', args: { fd } });
    addon.disown(fd);
    return fd;
  }

  /** Returns the descriptor, which the socket no longer has; -1 if it had none. */
  #release(): number {
    const fd = this._fd;
    if (fd < 0) return -1;
    this.#leftover.watcher?.release();
    this._fd = -1;
    collected.unregister(this);
    return fd;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * dup() -> a second socket on a duplicate descriptor. See dup(2).
   *
   * @throws OSError
   */
  dup(): this {
    const fd = addon.dup(this._fd, this._generation);
    if (fd < 0) this._raise(fd, 'dup');
    const Class = this.constructor as new (family: F, type: number, proto: number, fileno: number) => this;
    return with_descriptor(new OwnedDescriptor(fd), () => {
      const copy = new Class(this.family, this.type, this.proto, fd);
      copy.settimeout(this._timeout);
      return copy;
    });
  }

  /** bind(address). Host names are resolved, which may wait. See bind(2). @internal */
  _bind(address: unknown, resolve: ResolveHost): void {
    const length = encode(this.family, this.proto, address, 'bind', resolve);
    const result = addon.bind(this._fd, this._generation, length);
    if (result < 0) this._raise(result, 'bind', address);
  }

  /**
   * listen(backlog = 128). Lets connections be accepted; `backlog` is how many may wait. See listen(2).
   *
   * @throws OSError; TypeError, RangeError
   */
  listen(backlog?: number | null): void {
    const waiting = Math.max(0, integer_or(Math.min(c.SOMAXCONN, 128), backlog, 'backlog'));
    const result = addon.listen(this._fd, this._generation, waiting);
    if (result < 0) this._raise(result, 'listen');
  }

  /** shutdown(how). Ends sending (SHUT_WR), receiving (SHUT_RD) or both, for every holder. See shutdown(2). @internal */
  _shutdown(how: number): void {
    const result = addon.shutdown(this._fd, this._generation, integer(how, 'how'));
    if (result < 0) this._raise(result, 'shutdown');
  }

  /**
   * settimeout(value). How long a call may wait, in seconds: null blocks, 0 never waits.
   *
   * @throws TypeError, RangeError; OSError
   */
  settimeout(value: number | null): void {
    this.#set_timeout(seconds(value, 'timeout'));
  }

  #set_timeout(value: number | null): void {
    if (!this._event_driven) this.#set_blocking(value === null);
    else if (this._fd < 0) this._raise(-errno.EBADF, 'settimeout');
    this._timeout = value;
    this._timeout_ms = to_timeout_ms(value);
  }

  #set_blocking(blocking: boolean): void {
    const result = addon.set_blocking(this._fd, this._generation, blocking);
    if (result < 0) this._raise(result, 'settimeout');
  }

  /** gettimeout() -> seconds, or null if calls block. */
  gettimeout(): number | null {
    return this._timeout;
  }

  /** The same as gettimeout(). */
  get timeout(): number | null {
    return this._timeout;
  }

  /** setblocking(flag). settimeout(null) or settimeout(0). @throws TypeError without a flag; OSError */
  setblocking(flag: boolean): void {
    if (flag === undefined) throw new TypeError('flag must be given: true to block, false not to');
    this.#set_timeout(flag ? null : 0);
  }

  /** getblocking() -> false if gettimeout() is 0. */
  getblocking(): boolean {
    return this._timeout !== 0;
  }

  /** get_inheritable() -> whether a child process gets the descriptor. See fcntl(2), FD_CLOEXEC. @throws OSError */
  get_inheritable(): boolean {
    const result = addon.get_inheritable(this._fd, this._generation);
    return result < 0 ? this._raise(result, 'get_inheritable') : result === 1;
  }

  /** set_inheritable(inheritable). Sets whether a child process gets the descriptor. @throws OSError */
  set_inheritable(inheritable: boolean): void {
    const result = addon.set_inheritable(this._fd, this._generation, Boolean(inheritable));
    if (result < 0) this._raise(result, 'set_inheritable');
  }

  override toString(): string {
    const state = this._detached ? 'detached' : 'closed';
    if (this._fd < 0) return `<socket [${state}] family=${c.AddressFamily[this.family] ?? this.family}>`;
    return describe(this.#leftover);
  }
}

export { Socket as SocketBase };

/** Begins to own an open descriptor. @throws OSError EBADF; TypeError, RangeError */
function adopt(fileno: number): OwnedDescriptor {
  const given = integer(fileno, 'fileno');
  if (given < 0) throw new RangeError(`negative file descriptor: fileno is ${given}`);
  const fd = addon.adopt(given);
  if (fd < 0) raise(fd, { syscall: 'socket', args: { fileno } });
  return check_socket(new OwnedDescriptor(fd));
}

/** Refuses a descriptor that is no socket, as Python does. @throws OSError, ENOTSOCK */
export function check_socket(owned: OwnedDescriptor): OwnedDescriptor {
  detect(owned.fd, owned.generation, c.SO_TYPE);
  return owned;
}

/** Returns an option of an adopted descriptor. If that fails, the descriptor stays its owner's. @throws OSError */
function detect(fd: number, generation: number, option: number): number {
  const result = addon.getsockopt_int(fd, generation, c.SOL_SOCKET, option);
  if (result >= 0) return cells[VALUE] as number;
  addon.disown(fd);
  return raise(result, { syscall: 'socket', args: { fileno: fd } });
}
