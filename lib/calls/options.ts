// OptionSocket: what the kernel tells of a socket, and is told, at once: names, options, filters, ioctl. Blocking and promise
// sockets (socket_base.ts) are such, and borrowed handles (node.ts).
//
// How a value of JavaScript becomes the bytes of an option, and back, is here; programs are in filter.ts, requests in ioctl.ts,
// structs in lib/structs.
import { inspect } from 'node:util';
import * as c from '../constants.js';
import type { Arguments } from '../errors/names.js';
import { raise } from '../errors/raise.js';
import { addon, cells, VALUE } from '../native/addon.js';
import { type FilterRow, parse_filter } from '../util/filter_program.js';
import { UNCLONABLE } from '../util/unclonable.js';
import { type BytesLike, data, integer, integer_or, shown } from '../util/validate.js';
import { decode, type ReturnedAddress } from './address.js';
import { type FilterOptions, filter_option } from './filter.js';
import { ioctl } from './ioctl.js';

/** The most bytes that getsockopt reads. */
const OPTION_MAX = 64 * 1024;

export abstract class OptionSocket<out F extends number = number> {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  /** The descriptor, -1 if there is none. @internal */ abstract readonly _fd: number;
  /** @internal */ abstract readonly _generation: number;
  /** The address family, AF_*. */
  abstract readonly family: F;
  /** The protocol. */
  abstract readonly proto: number;

  /** Throws for the negative result of a native call on this socket. @internal */
  _raise(result: number, syscall: string, address?: unknown): never {
    return raise(result, { syscall, address, args: this._args() }, this._raise);
  }

  /** _args() -> the socket in the record of a failed call. @internal */
  _args(): Arguments {
    return this._fd < 0 ? { closed: 'socket' } : { fd: this._fd };
  }

  /**
   * getsockname() -> the own address. See getsockname(2).
   *
   * @returns the address in the form of the family; after bind() to port 0 with the port that the kernel chose
   * @throws OSError EBADF for a closed socket
   * @example
   * console.log(server.getsockname()[0]); // 127.0.0.1
   */
  getsockname(): ReturnedAddress<F> {
    const result = addon.getsockname(this._fd, this._generation);
    return result < 0 ? this._raise(result, 'getsockname') : decode(this.family, this.proto);
  }

  /**
   * getpeername() -> the peer's address. See getpeername(2).
   *
   * @returns the address in the form of the family
   * @throws OSError ENOTCONN if the socket is not connected
   * @example
   * console.log(sock.getpeername()[0]); // 127.0.0.1
   */
  getpeername(): ReturnedAddress<F> {
    const result = addon.getpeername(this._fd, this._generation);
    return result < 0 ? this._raise(result, 'getpeername') : decode(this.family, this.proto);
  }

  /**
   * getsockopt(level, optname, buflen = 0) -> number, or bytes with `buflen`. See getsockopt(2), socket(7), tcp(7), ip(7).
   *
   * @param level SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, …
   * @param optname SO_*, TCP_*, IP_*, …
   * @returns the value of an option that is a C int
   * @throws OSError ENOPROTOOPT if the level has no such option; EBADF
   * @example
   * console.log(sock.getsockopt(SOL_SOCKET, SO_TYPE) === SOCK_STREAM); // true
   */
  getsockopt(level: number, optname: number): number;
  /**
   * The same: a buflen of 0 is as good as none. See getsockopt(2).
   *
   * @param buflen 0
   */
  getsockopt(level: number, optname: number, buflen: 0): number;
  /**
   * getsockopt(level, optname, buflen) -> the bytes of an option that is a struct; bsd-sockets/structs decodes them. See getsockopt(2).
   *
   * @param buflen the most bytes to read, 1 to 65,536
   */
  getsockopt(level: number, optname: number, buflen: number): Buffer;
  getsockopt(level: number, optname: number, buflen = 0): number | bigint | Buffer {
    integer(level, 'level');
    integer(optname, 'optname');
    const length = integer_or(0, buflen, 'buflen', 0, OPTION_MAX);
    if (length === 0 && !this.#has_long_options(level)) {
      const result = addon.getsockopt_int(this._fd, this._generation, level, optname);
      return result < 0 ? this.#raise_option(result, 'getsockopt', level, optname) : (cells[VALUE] as number);
    }
    const buffer = Buffer.alloc(length || 8);
    const count = addon.getsockopt(this._fd, this._generation, level, optname, buffer);
    if (count < 0) this.#raise_option(count, 'getsockopt', level, optname);
    return length > 0 ? buffer.subarray(0, count) : plain_integer(buffer);
  }

  /**
   * setsockopt(level, optname, value). See setsockopt(2), socket(7), tcp(7), ip(7).
   *
   * @param level SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, …
   * @param optname SO_*, TCP_*, IP_*, …
   * @param value a number or boolean is a C int, a bigint 8 bytes, a string its UTF-8 bytes, bytes go as they are: those of
   *   bsd-sockets/structs for a struct
   * @throws OSError ENOPROTOOPT, EINVAL for a value of another size, EPERM without the privilege
   * @example
   * sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, true);
   * console.log(sock.getsockopt(IPPROTO_TCP, TCP_NODELAY)); // 1
   */
  setsockopt(level: number, optname: number, value: number | bigint | boolean | BytesLike | string): void;
  /**
   * setsockopt(level, optname, null, optlen): hands the kernel a null pointer with a length, as AF_ALG's ALG_SET_AEAD_AUTHSIZE wants it.
   * See setsockopt(2).
   *
   * @param optlen the length that goes with the null pointer
   */
  setsockopt(level: number, optname: number, value: null, optlen: number): void;
  setsockopt(
    level: number,
    optname: number,
    value: number | bigint | boolean | BytesLike | string | null,
    optlen?: number,
  ): void {
    integer(level, 'level');
    integer(optname, 'optname');
    if (value !== null && optlen !== undefined) throw new TypeError('optlen goes with a value of null only');
    const result = this.#set_option(level, optname, value, optlen);
    if (result < 0) this.#raise_option(result, 'setsockopt', level, optname);
  }

  #set_option(level: number, optname: number, value: unknown, optlen: unknown): number {
    const { _fd, _generation } = this;
    if (value === null)
      return addon.setsockopt_null(_fd, _generation, level, optname, integer(optlen, 'optlen', 0));
    if (typeof value === 'bigint' || (typeof value === 'number' && this.#has_long_options(level))) {
      const checked = typeof value === 'bigint' ? value : integer(value, 'value', 0, Number.MAX_SAFE_INTEGER);
      return addon.setsockopt(_fd, _generation, level, optname, native_u64(BigInt(checked)));
    }
    if (typeof value === 'number' || typeof value === 'boolean')
      return addon.setsockopt_int(_fd, _generation, level, optname, integer(Number(value), 'value'));
    if (value === undefined) throw new TypeError('value must be a number, bytes or null, not undefined');
    return addon.setsockopt(_fd, _generation, level, optname, data(value, 'value'));
  }

  /**
   * attach_filter(program, { option = SO_ATTACH_FILTER }). Lets only packets in that a classic BPF program accepts; or, with
   * another option, lets the program decide which socket of a group gets a packet. See socket(7), packet(7).
   *
   * @param program an iterable of rows `[code, jt, jf, k]`, or the text that `tcpdump -ddd` prints; compile_filter of bsd-sockets/packet
   *   makes one of an expression
   * @param options SO_ATTACH_REUSEPORT_CBPF for a group of SO_REUSEPORT sockets: the program sees the payload, and returns the socket's
   *   place in the group. PACKET_FANOUT_DATA for a PACKET_FANOUT_CBPF group of packet sockets: the same, modulo the size of the group
   * @throws RangeError on a malformed program or another option; OSError EINVAL if the kernel refuses the program, EPERM if the filter is
   *   locked
   * @example
   * const drop_everything = [[0x06, 0, 0, 0]] as const;
   * udp.attach_filter(drop_everything);
   */
  attach_filter(
    program: string | Iterable<FilterRow | readonly number[]>,
    options: FilterOptions = {},
  ): void {
    const { level, option } = filter_option(options);
    const result = addon.attach_filter(this._fd, this._generation, level, option, parse_filter(program));
    if (result < 0) this.#raise_option(result, 'setsockopt', level, option);
  }

  /**
   * detach_filter({ option = SO_ATTACH_FILTER }). Removes the program that attach_filter attached by this option. See socket(7),
   * SO_DETACH_FILTER.
   *
   * @param options the option by which the program was attached
   * @throws OSError ENOENT if there is none; RangeError for PACKET_FANOUT_DATA, whose program stays until another replaces it
   * @example
   * udp.attach_filter([[0x06, 0, 0, 0xffff]]);
   * udp.detach_filter();
   */
  detach_filter(options: FilterOptions = {}): void {
    const { level, detach } = filter_option(options);
    if (detach === undefined)
      throw new RangeError('the program of a fan-out group cannot be removed: attach another one');
    this.setsockopt(level, detach, 0);
  }

  /**
   * ioctl(request, arg = null) -> number or bytes. See ioctl(2), netdevice(7), tcp(7), and Python's fcntl.ioctl.
   *
   * A request that holds a pointer is refused, because nothing would bound what the kernel writes.
   *
   * @param request FIONREAD, SIOC*
   * @param arg null: the request works on a C int, 0 before, which is returned. Bytes: the request works on a copy, which is returned as a
   *   Buffer of the same length; a `structs.ifreq` for SIOCGIF*. A number, at most 4,095: the request gets the number itself, and the
   *   result of the call is returned
   * @returns the C int, a Buffer, or the result of the call, by the kind of `arg`
   * @throws OSError ENOTTY if the socket has no such request, ENODEV for an interface that does not exist, EPERM; RangeError also for less
   *   bytes than the request names
   * @example
   * peer.sendall('hello');
   * sock.recv(1, MSG_PEEK);
   * console.log(sock.ioctl(FIONREAD)); // 5
   */
  ioctl(request: number, arg?: null): number;
  /**
   * ioctl(request, number): the request gets the number itself. See ioctl(2).
   *
   * @param arg 0 to 4,095
   */
  ioctl(request: number, arg: number | bigint): number;
  /**
   * ioctl(request, bytes) -> the bytes as the kernel has left them, a copy. See ioctl(2), netdevice(7).
   *
   * @param arg the struct of the request, for example of structs.ifreq
   */
  ioctl(request: number, arg: BytesLike | string): Buffer;
  ioctl(request: number, arg?: number | bigint | BytesLike | string | null): number | Buffer {
    const result = ioctl(this._fd, this._generation, request, arg);
    if (typeof result === 'number' && result < 0)
      raise(result, { syscall: 'ioctl', args: { ...this._args(), request } });
    return result;
  }

  /**
   * What Node's console and util.inspect show: the same as toString().
   *
   * @returns one line of text
   * @example
   * console.log(socket(AF_UNIX)); // for example <socket fd=20, family=AF_UNIX, type=SOCK_STREAM, proto=0>
   */
  [inspect.custom](): string {
    return this.toString();
  }

  /** The options of AF_VSOCK are 64 bits wide; Python reads and writes them so, too. */
  #has_long_options(level: number): boolean {
    return level === c.AF_VSOCK && this.family === level;
  }

  #raise_option(result: number, syscall: string, level: number, optname: number): never {
    return raise(result, { syscall, args: { ...this._args(), level, option: optname } });
  }
}

function native_u64(value: bigint): Uint8Array {
  if (value >= 2n ** 64n || value < -(2n ** 63n))
    throw new RangeError(`value must have 64 bits, not ${shown(value)}`);
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

/** Returns the 64 bits as a number if that is exact, else as a bigint. */
function plain_integer({ buffer, byteOffset }: Buffer): number | bigint {
  const [value = 0n] = new BigUint64Array(buffer, byteOffset, 1);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
