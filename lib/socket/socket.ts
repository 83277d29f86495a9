// class socket: the blocking calls. Python's class of that name, method by method, with what docs/socket.md adds.
//
// The calls that send and receive are in send.ts and receive.ts, which this class extends. A call waits as long as the socket's time-out says and blocks its thread meanwhile. The methods that never wait are in
// lib/calls/socket_base.ts; the calls themselves are in transfer.ts, message.ts and batch/ there, shared with the promises.

import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { type Address, decode, type PeerAddress } from '../calls/address.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import { to_node } from '../calls/node.js';
import { share } from '../calls/share.js';
import * as transfer from '../calls/transfer.js';
import { getdefaulttimeout } from '../calls/waiting/default_timeout.js';
import type * as c from '../constants.js';
import { type MakefileOptions, makefile, type SocketFile } from '../files/blocking/index.js';
import { addon, TIMED_OUT } from '../native/addon.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { SendingSocket } from './send.js';

const { EAGAIN } = constants.errno;

/**
 * A socket whose calls block the thread, as long as its time-out allows: Python's class of that name. In the examples below `sock` and
 * `peer` are connected over TCP, `server` listens, and `udp` is a bound datagram socket.
 */
export class Socket<
  out F extends number = typeof c.AF_INET,
  out K extends number = number,
> extends SendingSocket<F, K> {
  /**
   * Makes a socket, or adopts the descriptor `fileno` and finds out what is not given. A call blocks the thread that makes it, as long as
   * the time-out allows. See socket(2).
   *
   * @param family AF_INET if left out; AF_*
   * @param type SOCK_STREAM if left out; SOCK_DGRAM, SOCK_RAW, …, also with SOCK_NONBLOCK
   * @param proto 0 for the usual one; IPPROTO_*. For AF_PACKET in network byte order: `htons(ETH_P_ALL)`
   * @param fileno an open descriptor of a socket, which then belongs to this object
   * @throws OSError EACCES or EPERM without the privilege, EAFNOSUPPORT, EPROTONOSUPPORT; ENOTSOCK for a descriptor of another kind
   * @example
   * const udp = new socket(AF_INET, SOCK_DGRAM);
   */
  constructor(family?: F | null, type?: K | null, proto?: number | null, fileno?: number | null);
  /** @internal */
  constructor(
    family: F | null | undefined,
    type: K | null | undefined,
    proto: number | null | undefined,
    descriptor: OwnedDescriptor,
  );
  constructor(
    family?: F | null,
    type?: K | null,
    proto?: number | null,
    fileno?: number | OwnedDescriptor | null,
  ) {
    super(family, type, proto, fileno, false);
  }

  /**
   * accept() -> [conn, address]: the next connection as a new socket, and the peer's address. See accept(2).
   *
   * @returns the new socket, which has the default time-out, and the address of its peer
   * @throws TimeoutError after the time-out; BlockingIOError if none waits and the time-out is 0; OSError EINVAL if the socket does not
   *   listen, EMFILE without a free descriptor
   * @example
   * const client = create_connection(server.getsockname());
   * const [conn, [host]] = server.accept();
   * console.log(host); // 127.0.0.1
   */
  accept(): [conn: Socket<F, K>, address: PeerAddress<F>] {
    const fd = addon.accept4(this._fd, this._generation, 0, this._timeout_ms);
    if (fd < 0) {
      const error = this._error(fd, 'accept');
      Error.captureStackTrace(error);
      throw error;
    }
    return with_descriptor(new OwnedDescriptor(fd), (descriptor) => {
      const conn = new Socket(this.family, this.type, this.proto, descriptor);
      if (getdefaulttimeout() === null && this._timeout !== null && this._timeout > 0) conn.setblocking(true);
      return [conn, decode(this.family, this.proto)];
    });
  }

  /**
   * bind(address). Gives the socket its own address. See bind(2).
   *
   * @param address in the form of the family: `[host, port]` for AF_INET, with '' for all interfaces and port 0 for a free one; a path for
   *   AF_UNIX
   * @throws OSError EADDRINUSE, EADDRNOTAVAIL, EACCES for a port below 1,024; gaierror for a host name that does not resolve
   * @example
   * const sock = socket();
   * sock.bind(['127.0.0.1', 0]);
   * console.log(sock.getsockname()[0]); // 127.0.0.1
   */
  bind(address: Address<F>): void {
    this._bind(address, resolve_host_blocking);
  }

  /**
   * connect(address). Connects a stream, or sets the peer of a datagram socket. A name is resolved first, which may block. See connect(2).
   *
   * @param address of the peer, in the form of the family: `[host, port]` for AF_INET
   * @throws ConnectionRefusedError if nobody listens; TimeoutError; BlockingIOError (EINPROGRESS) if the time-out is 0; gaierror for a host
   *   name that does not resolve; OSError
   * @example
   * const sock = socket();
   * sock.settimeout(5);
   * sock.connect(server.getsockname());
   */
  connect(address: Address<F>): void {
    const result = this.#connect(address);
    if (result < 0) this._raise(result, 'connect', address);
  }

  /**
   * connect_ex(address) -> 0, or the errno instead of an OSError. See connect(2).
   *
   * @returns 0, or a positive errno: EINPROGRESS if the time-out is 0, EAGAIN if the time-out passed
   * @throws gaierror for a host name that does not resolve
   * @example
   * console.log(socket().connect_ex(server.getsockname())); // 0
   */
  connect_ex(address: Address<F>): number {
    const result = this.#connect(address);
    if (result === TIMED_OUT) return EAGAIN;
    if (result < TIMED_OUT) this._raise(result, 'connect_ex', address);
    // Not -result: that of 0 is -0.
    return 0 - result;
  }

  #connect(address: unknown): number {
    return transfer.connect(this, address, resolve_host_blocking, this._timeout_ms);
  }

  /**
   * disconnect(). Dissolves the association that connect() gave a datagram socket: it receives from everybody again, and send
   * needs an address. An own address or port that bind() did not name is given up, too. See connect(2), AF_UNSPEC.
   *
   * @throws OSError EINVAL for an AF_UNIX stream. A TCP connection is reset, and its socket may connect again
   * @example
   * udp.connect(['127.0.0.1', 9]);
   * udp.disconnect();
   * udp.sendto('to anybody', ['127.0.0.1', 9]);
   */
  disconnect(): void {
    const result = transfer.disconnect(this);
    if (result < 0) this._raise(result, 'disconnect');
  }

  /**
   * shutdown(how). Ends one direction or both, for every holder of the connection; the descriptor stays open. See shutdown(2).
   *
   * @param how SHUT_RD, SHUT_WR (the peer reads the end of the stream) or SHUT_RDWR
   * @throws OSError ENOTCONN if it is not connected
   * @example
   * sock.shutdown(SHUT_WR);
   * console.log(peer.recv(1024).length); // 0
   */
  shutdown(how: number): void {
    this._shutdown(how);
  }

  /**
   * share(process_id) -> data for `fromshare` in another thread of this process, or in another process on this machine. As Python's share()
   * on Windows; see unix(7), SCM_RIGHTS.
   *
   * @param process_id the process that may take it; left out or null: this one, and any of the same user
   * @returns the data, which any channel may carry: postMessage, a pipe, a file
   * @throws OSError ESRCH if there is no such process; EMFILE
   * @example
   * const copy = fromshare(sock.share());
   * console.log(copy.send('hello')); // 5
   */
  share(process_id?: number | null): Buffer {
    return share(this, process_id);
  }

  /**
   * makefile(mode = 'r', buffering = null, { encoding, errors, newline, limit }) -> a file that reads from the socket and writes to it:
   * TextIOWrapper, BufferedReader, BufferedWriter, BufferedRWPair, or SocketIO without a buffer. See Python's socket.makefile.
   *
   * The socket's descriptor stays open until close() of the socket and of all its files.
   *
   * @param options of text: the encoding (utf-8), the handling of errors ('strict'), the end of a line (null: any); of any file: `limit`,
   *   the longest line in bytes, or characters, that a readline() without a size and an iteration take (null: any)
   * @returns the file, of the class that the mode and the buffering choose
   * @throws RangeError on another mode, or on text without a buffer; LookupError on an encoding that does not exist
   * @example
   * peer.sendall('first\nsecond\n');
   * const file = sock.makefile();
   * console.log(JSON.stringify(file.readline())); // "first\n"
   */
  makefile(options: MakefileOptions): SocketFile<'r', null>;
  /**
   * makefile(mode, options): the same without a size of the buffer. See Python's socket.makefile.
   *
   * @param mode 'r', 'w', 'b' in any combination
   * @param options as above
   */
  makefile<const Mode extends string = 'r'>(
    mode: Mode | null | undefined,
    options: MakefileOptions,
  ): SocketFile<Mode, null>;
  /**
   * makefile(mode, buffering, options): the same with a size of the buffer. See Python's socket.makefile.
   *
   * @param mode 'r', 'w', 'b' in any combination
   * @param buffering the size of the buffer in bytes; null: 8192; 0: none, in binary mode only
   * @param options as above
   */
  makefile<const Mode extends string = 'r', const Buffering extends number | bigint | null = null>(
    mode?: Mode | null,
    buffering?: Buffering | null,
    options?: MakefileOptions,
  ): SocketFile<Mode, Buffering>;
  makefile(...rest: unknown[]): SocketFile<string, null> {
    return makefile(this, rest);
  }

  /**
   * to_node() -> a net.Socket, or a net.Server for a listening socket, which owns the descriptor; this socket is detached. TCP and AF_UNIX
   * streams. See Node's net.
   *
   * @returns the object of Node, paused: it reads once a listener of 'data' is there, or by resume()
   * @throws RangeError for a socket that node:net has no class for; OSError EBADF for a closed one
   * @example
   * const stream = sock.to_node();
   * if (stream instanceof net.Socket) stream.end('written by Node\n');
   */
  to_node(): NetSocket | NetServer {
    return to_node(this);
  }
}
