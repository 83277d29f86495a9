// SocketBase: the parts of blocking and promise sockets that never wait: the life of the descriptor (made, adopted,
// duplicated, detached, closed, collected), time-outs and flags. Names and options are in options.ts.
//
// A socket holds a descriptor number and its generation (native/descriptor.h): after close() or detach() the pair means
// nothing any more, even when the number is given out again.
import { constants, endianness } from 'node:os';
import * as c from '../constants.js';
import type { Arguments } from '../errors/names.js';
import { type Call, failure, raise } from '../errors/raise.js';
import { addon, cells, GENERATION, TIMED_OUT } from '../native/addon.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { integer, integer_or, timeout as seconds, to_timeout_ms } from '../util/validate.js';
import { encode, type ResolveHost } from './address.js';
import './constant_names.js';
import { adopt, detect } from './descriptor/adopt.js';
import { collected, describe, type Leftover, type Watcher } from './descriptor/leftover.js';
import { OptionSocket } from './options.js';
import { getdefaulttimeout } from './waiting/default_timeout.js';
import { socket_timed_out } from './waiting/timed_out.js';
import type { Pins } from './waiting/zerocopy.js';

const { errno } = constants;
const TYPE_FLAGS = (c.SOCK_NONBLOCK ?? 0) | (c.SOCK_CLOEXEC ?? 0);

/** The address that a call got, and its progress before it failed. */
type Happened = Pick<Call, 'address' | 'bytes_sent' | 'partial'>;

/** The arguments of `socket`, blocking and of promises. */
export type SocketArguments<F extends number, K extends number> = [
  family?: F | null | undefined,
  type?: K | null | undefined,
  proto?: number | null | undefined,
  fileno?: number | null | undefined,
];

/** The same with a descriptor. */
export type DescriptorArguments<F extends number, K extends number, FD> = [
  family: F | null | undefined,
  type: K | null | undefined,
  proto: number | null | undefined,
  fileno: FD,
];

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
    const default_timeout = getdefaulttimeout();
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

  /** The address family, AF_*. See socket(2). */
  get family(): F {
    return this.#family;
  }

  /** The socket type, SOCK_*, without SOCK_NONBLOCK and SOCK_CLOEXEC. See socket(2). */
  get type(): K {
    return this.#type;
  }

  /** The protocol, IPPROTO_*; 0 if the constructor got none. See socket(2). */
  get proto(): number {
    return this.#proto;
  }

  /** @internal */
  override _args(): Arguments {
    return this._detached ? { detached: 'socket' } : super._args();
  }

  /** @internal */
  override _raise(result: number, syscall: string, address?: unknown): never {
    const error = this._error(result, syscall, address);
    Error.captureStackTrace(error, this._raise);
    throw error;
  }

  /** Returns the error that _raise would throw, without its stack: see failure(). @internal */
  _error(result: number, syscall: string, address?: unknown): Error {
    return failure(result, this._failed(result, syscall, { address }));
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

  /**
   * fileno() -> the descriptor. It stays the socket's. See Python's socket.fileno.
   *
   * @returns the number of the descriptor, -1 once the socket is closed or detached
   * @example
   * const sock = socket();
   * sock.close();
   * console.log(sock.fileno()); // -1
   */
  fileno(): number {
    return this._fd;
  }

  /**
   * close(). Frees the descriptor; a call that is blocked on it ends with EBADF. With open files of makefile() it
   * stays until the last one is closed. Closing twice is allowed. See close(2).
   *
   * @throws OSError of close(2), other than ECONNRESET; never EBADF for a second close
   * @example
   * sock.close();
   * console.log(peer.recv(1024).length); // 0
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
   * detach() -> the descriptor, which now belongs to the caller; the socket is closed without closing it. See Python's socket.detach.
   *
   * @returns the number of the descriptor, -1 if there is none
   * @throws OSError EBADF if other code has closed the descriptor, and its number is that of another one
   * @example
   * const fd = sock.detach();
   * close(fd);
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

  /**
   * The same as close(), for the statement `using` of ECMAScript: `using sock = socket();`.
   *
   * @throws OSError as close()
   * @example
   * sock[Symbol.dispose]();
   * console.log(sock.fileno()); // -1
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * dup() -> a second socket on a duplicate descriptor. See dup(2).
   *
   * @returns a socket of the same class and time-out; both descriptors are of one connection
   * @throws OSError EMFILE without a free descriptor, EBADF for a closed socket
   * @example
   * const second = sock.dup();
   * sock.close();
   * console.log(second.send('still open')); // 10
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
   * listen(backlog = 128). Lets connections come in, which accept() then takes. See listen(2).
   *
   * @param backlog how many connections may wait for accept(); the kernel's limit is /proc/sys/net/core/somaxconn
   * @throws OSError EADDRINUSE if another socket listens there; EOPNOTSUPP for a socket that is no stream
   * @example
   * const server = socket();
   * server.bind(['127.0.0.1', 0]);
   * server.listen();
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
   * settimeout(value). Sets how long a call may wait. See Python's socket.settimeout.
   *
   * @param value seconds, a fraction too; null: calls block; 0: they never wait
   * @throws OSError EBADF for a closed socket
   * @example
   * sock.settimeout(0.5);
   * console.log(sock.gettimeout()); // 0.5
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

  /**
   * gettimeout() -> how long a call may wait. See Python's socket.gettimeout.
   *
   * @returns seconds, or null: calls block
   * @example
   * console.log(sock.gettimeout()); // null
   */
  gettimeout(): number | null {
    return this._timeout;
  }

  /** The time-out in seconds, null if calls block: the same as gettimeout(). See Python's socket.timeout. */
  get timeout(): number | null {
    return this._timeout;
  }

  /**
   * setblocking(flag). The same as settimeout(null) for true and settimeout(0) for false. See Python's socket.setblocking.
   *
   * @param flag true: calls block; false: they never wait
   * @throws TypeError without a flag; OSError EBADF for a closed socket
   * @example
   * sock.setblocking(false);
   * console.log(sock.gettimeout()); // 0
   */
  setblocking(flag: boolean): void {
    if (flag === undefined) throw new TypeError('flag must be given: true to block, false not to');
    this.#set_timeout(flag ? null : 0);
  }

  /**
   * getblocking() -> whether calls may wait. See Python's socket.getblocking.
   *
   * @returns false if gettimeout() is 0, else true
   * @example
   * console.log(sock.getblocking()); // true
   */
  getblocking(): boolean {
    return this._timeout !== 0;
  }

  /**
   * get_inheritable() -> whether a child process gets the descriptor. See fcntl(2), FD_CLOEXEC.
   *
   * @returns false for every new socket
   * @throws OSError EBADF for a closed socket
   * @example
   * console.log(sock.get_inheritable()); // false
   */
  get_inheritable(): boolean {
    const result = addon.get_inheritable(this._fd, this._generation);
    return result < 0 ? this._raise(result, 'get_inheritable') : result === 1;
  }

  /**
   * set_inheritable(inheritable). Sets whether a child process gets the descriptor. See fcntl(2), FD_CLOEXEC.
   *
   * @param inheritable true: a program that this process executes has the descriptor, too
   * @throws OSError EBADF for a closed socket
   * @example
   * sock.set_inheritable(true);
   * console.log(sock.get_inheritable()); // true
   */
  set_inheritable(inheritable: boolean): void {
    const result = addon.set_inheritable(this._fd, this._generation, Boolean(inheritable));
    if (result < 0) this._raise(result, 'set_inheritable');
  }

  /**
   * toString() -> one line that describes the socket, as Python's repr(): family, type, protocol and addresses.
   *
   * @returns the line
   * @example
   * console.log(`${socket(AF_UNIX)}`); // for example <socket fd=20, family=AF_UNIX, type=SOCK_STREAM, proto=0>
   */
  override toString(): string {
    const state = this._detached ? 'detached' : 'closed';
    if (this._fd < 0) return `<socket [${state}] family=${c.AddressFamily[this.family] ?? this.family}>`;
    return describe(this.#leftover);
  }
}

export { Socket as SocketBase };
