// class socket of bsd-sockets/promises: the calls of the blocking class, each returning a promise. The system calls are
// in lib/calls (transfer.ts, message.ts, batch/), made without waiting; queue.ts decides which call waits, and for how long.
// Each method makes a Call: how to try it, and how to check its arguments if it cannot be tried at once. The arguments and
// errors are those of the blocking class (lib/socket/socket.ts); the comments here say what differs.
import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { type Address, check_address, decode, type PeerAddress } from '../calls/address.js';
import { to_node } from '../calls/node.js';
import { share } from '../calls/share.js';
import * as transfer from '../calls/transfer.js';
import { getdefaulttimeout } from '../calls/waiting/default_timeout.js';
import * as c from '../constants.js';
import { OSError, TimeoutError } from '../errors/index.js';
import type { MakefileOptions } from '../files/mode.js';
import { makefile, type SocketFile } from '../files/promises/index.js';
import { addon } from '../native/addon.js';
import { socket as BlockingSocket } from '../socket/index.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { integer } from '../util/validate.js';
import type { WaitOptions } from '../util/wait_options.js';
import { ConnectCall } from './attempts.js';
import { type Attempt, FunctionCall } from './call.js';
import { type Iterated, Iteration } from './iterate.js';
import { perform } from './queue.js';
import { SendingSocket } from './send.js';
import { SocketStream, type StreamOptions } from './stream.js';

const { EAGAIN, EBADF } = constants.errno;

/**
 * A socket of promises: what may wait returns a promise, and the event loop waits. A method has the arguments and the errors of the
 * blocking socket's. `{ signal, timeout }` at the end of the arguments is for this call: an AbortSignal, and a time-out in seconds in place
 * of the socket's. In the examples below `sock` and `peer` are connected over TCP, `server` listens, and `udp` is a bound datagram socket.
 */
export class Socket<
  out F extends number = typeof c.AF_INET,
  out K extends number = number,
> extends SendingSocket<F, K> {
  /**
   * Makes a socket, or adopts the descriptor `fileno`. The descriptor never blocks: the event loop waits. See socket(2).
   *
   * @param family AF_INET if left out; AF_*
   * @param type SOCK_STREAM if left out; SOCK_DGRAM, SOCK_RAW, …
   * @param proto 0 for the usual one; IPPROTO_*. For AF_PACKET in network byte order: `htons(ETH_P_ALL)`
   * @param fileno an open descriptor of a socket, which then belongs to this object
   * @throws OSError EACCES or EPERM without the privilege, EAFNOSUPPORT, EPROTONOSUPPORT; ENOTSOCK for a descriptor of another kind
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
    super(family, type, proto, fileno);
  }

  /**
   * The same as close(), for `await using` of ECMAScript.
   *
   * @throws OSError as close()
   * @example
   * await sock[Symbol.asyncDispose]();
   * console.log(sock.fileno()); // -1
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /**
   * ref(). A call that waits on this socket keeps the process alive, as at the start. See Node's net.Socket.ref.
   *
   * @example
   * sock.unref();
   * sock.ref();
   */
  ref(): this {
    this._poller.reference(true);
    return this;
  }

  /**
   * unref(). A call that waits on this socket no longer keeps the process alive. See Node's net.Socket.unref.
   *
   * @example
   * const waiting = sock.unref().recv(1024);
   * waiting.catch(() => 'closed'); // the process may end before
   */
  unref(): this {
    this._poller.reference(false);
    return this;
  }

  /**
   * accept({ signal, timeout }) -> [conn, address]: the next connection as a new socket, and the peer's address. See accept(2).
   *
   * @param options an AbortSignal, and a time-out in seconds
   * @returns the new socket, which has the default time-out, and the address of its peer
   * @throws TimeoutError; the signal's reason; OSError EINVAL if the socket does not listen, EMFILE without a free descriptor
   * @example
   * const connecting = create_connection(server.getsockname());
   * const [conn, [host]] = await server.accept();
   * console.log(host, conn.family === (await connecting).family); // 127.0.0.1 true
   */
  accept(options?: WaitOptions): Promise<[conn: ConnectedSocket<F>, address: PeerAddress<F>]> {
    return perform(this._poller.reads, new FunctionCall(this, 'accept', () => this._accept()), options);
  }

  /** Returns the next connection without waiting, or -errno. @internal */
  _accept(): [conn: ConnectedSocket<F>, address: PeerAddress<F>] | number {
    const fd = addon.accept4(this._fd, this._generation, c.SOCK_NONBLOCK, 0);
    if (fd < 0) return fd;
    return with_descriptor(new OwnedDescriptor(fd), (descriptor) => {
      const conn = new Socket<F, K>(this.family, (this.type | c.SOCK_NONBLOCK) as K, this.proto, descriptor);
      conn.settimeout(getdefaulttimeout());
      return [conn as ConnectedSocket<F>, decode(this.family, this.proto)];
    });
  }

  /**
   * bind(address, { signal, timeout }). Gives the socket its own address; a host name is resolved without blocking. See bind(2).
   *
   * @param address in the form of the family: `[host, port]` for AF_INET, with '' for all interfaces and port 0 for a free one; a path for
   *   AF_UNIX
   * @throws OSError EADDRINUSE, EADDRNOTAVAIL, EACCES for a port below 1,024; gaierror for a host name that does not resolve
   * @example
   * const sock = socket(AF_INET, SOCK_DGRAM);
   * await sock.bind(['127.0.0.1', 0]);
   * console.log(sock.getsockname()[0]); // 127.0.0.1
   */
  bind(address: Address<F>, options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = (resolve) => this._bind(address, resolve);
    const check = () => check_address(this, address, 'bind');
    return perform(
      this._poller.writes,
      new FunctionCall(this, 'bind', attempt, check, () => ({ address })),
      options,
    );
  }

  /**
   * connect(address, { signal, timeout }). Connects a stream, or sets the peer of a datagram socket. Reads wait for it, too. Cut short, the
   * socket is only to be closed. See connect(2).
   *
   * @param address of the peer, in the form of the family: `[host, port]` for AF_INET
   * @throws ConnectionRefusedError if nobody listens; TimeoutError; gaierror for a host name that does not resolve; the signal's reason;
   *   OSError
   * @example
   * const sock = socket();
   * await sock.connect(server.getsockname(), { timeout: 5 });
   */
  connect(address: Address<F>, options?: WaitOptions): Promise<void> {
    return perform(this._poller.writes, new ConnectCall(this, address), options);
  }

  /**
   * connect_ex(address, { signal, timeout }) -> 0, or the errno instead of an OSError. See connect(2).
   *
   * @returns 0, or a positive errno: EAGAIN for an expired time-out
   * @throws gaierror for a host name that does not resolve; the signal's reason
   * @example
   * console.log(await socket().connect_ex(server.getsockname())); // 0
   */
  async connect_ex(address: Address<F>, options?: WaitOptions): Promise<number> {
    try {
      await this.connect(address, options);
      return 0;
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      const errno = error instanceof TimeoutError ? (error.errno ?? EAGAIN) : error.errno;
      if (errno === undefined || errno < 0) throw error;
      return errno;
    }
  }

  /**
   * disconnect({ signal, timeout }), behind the writes. Dissolves the association of a datagram socket. See connect(2), AF_UNSPEC.
   *
   * @throws OSError EINVAL for an AF_UNIX stream
   * @example
   * await udp.connect(['127.0.0.1', 9]);
   * await udp.disconnect();
   */
  disconnect(options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = () => {
      const result = transfer.disconnect(this);
      if (result < 0) this._raise(result, 'disconnect');
    };
    return perform(this._poller.writes, new FunctionCall(this, 'disconnect', attempt), options);
  }

  /**
   * shutdown(how, { signal, timeout }), behind the writes. Ends one direction or both, for every holder of the connection. See shutdown(2).
   *
   * @param how SHUT_RD, SHUT_WR (the peer reads the end of the stream) or SHUT_RDWR
   * @throws OSError ENOTCONN if it is not connected
   * @example
   * await sock.shutdown(SHUT_WR);
   * console.log((await peer.recv(1024)).length); // 0
   */
  shutdown(how: number, options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = () => this._shutdown(how);
    const check = () => integer(how, 'how');
    return perform(this._poller.writes, new FunctionCall(this, 'shutdown', attempt, check), options);
  }

  /**
   * for await (const … of sock): a listening socket gives `[conn, address]`, a connected stream its bytes in chunks until the end, any
   * other `[data, address]`. close() ends the loop; leaving it closes nothing. See ECMAScript's async iteration, accept(2), recv(2).
   *
   * @returns an iterator of its own
   * @throws TimeoutError if the socket has a time-out; OSError as recv() and accept()
   * @example
   * await peer.sendall('hello');
   * peer.close();
   * for await (const chunk of sock) console.log(chunk.toString()); // hello
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Iterated<F, ConnectedSocket<F>>[K]> {
    return new Iteration<Iterated<F, ConnectedSocket<F>>[K]>(this);
  }

  /**
   * to_socket() -> a blocking socket with the descriptor, its options and its time-out; this one is detached, and its waiting calls reject
   * (ECANCELED). See docs/promises.md.
   *
   * @returns a socket of bsd-sockets/socket
   * @throws OSError EBADF for a closed one
   * @example
   * await peer.sendall('hello');
   * console.log(sock.to_socket().recv(1024).toString()); // hello
   */
  to_socket(): BlockingSocket<F, K> {
    const { family, type, proto } = this;
    const timeout = this.gettimeout();
    const sock = new BlockingSocket<F, K>(family, type, proto, this.#detach_open());
    sock.settimeout(timeout);
    return sock;
  }

  /** Returns the descriptor, detached. @throws OSError EBADF if there is none */
  #detach_open(): number {
    if (this._fd < 0) this._raise(-EBADF, 'detach');
    return this.detach();
  }

  /**
   * makefile(mode = 'r', buffering = null, { encoding, errors, newline, limit }) -> a file whose read, readline, write, flush and close
   * return promises, and which is iterated by `for await`. See Python's socket.makefile.
   *
   * @param options of text: the encoding (utf-8), the handling of errors ('strict'), the end of a line (null: any); of any file: `limit`,
   *   the longest line in bytes, or characters, that a readline() without a size and an iteration take (null: any)
   * @returns the file, of the class that the mode and the buffering choose
   * @throws RangeError on another mode, or on text without a buffer; LookupError on an encoding that does not exist
   * @example
   * await peer.sendall('first\nsecond\n');
   * console.log(JSON.stringify(await sock.makefile().readline())); // "first\n"
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
   * to_stream(options) -> a Duplex that owns the descriptor, with back-pressure both ways; this socket is detached. See Node's net.Socket.
   *
   * @param options those of a Duplex, with the defaults of net.Socket
   * @returns the stream, which http, tls and http2 of Node take
   * @throws RangeError on a socket that is no stream; OSError EBADF for a closed one
   * @example
   * const stream = sock.to_stream();
   * stream.end('bye');
   * console.log((await peer.recv(1024)).toString()); // bye
   */
  to_stream(options?: StreamOptions): SocketStream {
    if (this.type !== c.SOCK_STREAM)
      throw new RangeError(`to_stream: only sockets of type SOCK_STREAM, not ${this}`);
    const { family, type, proto } = this;
    return new SocketStream(new Socket<number>(family, type, proto, this.#detach_open()), options);
  }

  /**
   * share(process_id) -> data for `fromshare` in another thread or process, as of a blocking socket. See unix(7), SCM_RIGHTS.
   *
   * @param process_id the process that may take it; left out or null: this one, and any of the same user
   * @returns the data, which any channel may carry; it can be used once
   * @throws OSError ESRCH if there is no such process; EMFILE
   * @example
   * console.log(await fromshare(sock.share()).send('hello')); // 5
   */
  share(process_id?: number | null): Buffer {
    return share(this, process_id);
  }

  /**
   * to_node() -> a net.Socket or net.Server which owns the descriptor; this socket is detached. TCP and AF_UNIX streams. See Node's net.
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

/** A socket that listens: `for await` gives connections. */
export interface ListeningSocket<out F extends number = number> extends Socket<F> {
  /**
   * for await (const [conn, address] of server): the connections, as accept() gives them, until close(). See accept(2).
   *
   * @returns an iterator of its own
   * @throws TimeoutError if the socket has a time-out; OSError as accept()
   * @example
   * const client = await create_connection(server.getsockname());
   * for await (const [conn] of server) {
   *   console.log(conn.getpeername()[1] === client.getsockname()[1]); // true
   *   server.close();
   * }
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<[conn: ConnectedSocket<F>, address: PeerAddress<F>]>;
}

/** A socket that is connected: `for await` gives bytes. */
export interface ConnectedSocket<out F extends number = number> extends Socket<F> {
  /**
   * for await (const chunk of sock): the bytes in chunks as they come, until the end of the stream or close(). See recv(2).
   *
   * @returns an iterator of its own
   * @throws TimeoutError if the socket has a time-out; OSError as recv()
   * @example
   * await peer.sendall('hello');
   * peer.close();
   * for await (const chunk of sock) console.log(chunk.toString()); // hello
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
}
