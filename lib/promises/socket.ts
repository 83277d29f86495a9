// class socket of bsd-sockets/promises: the calls of the blocking class, each returning a promise. The calls themselves are
// those of lib/socket (transfer.ts, message.ts, batch.ts), told not to wait; who waits, in which order, is queue.ts. They
// stand in base.ts, receiving.ts and sending.ts; here are accept, iteration, and turning a socket into something else.
import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { decode, type ReturnedAddress } from '../calls/address.js';
import { to_node } from '../calls/node.js';
import { share } from '../calls/share.js';
import { getdefaulttimeout, type SocketArguments } from '../calls/socket_base.js';
import * as c from '../constants.js';
import type { TextOptions } from '../files/blocking/index.js';
import { makefile, type SocketFile } from '../files/promises/index.js';
import { addon } from '../native/addon.js';
import { socket as BlockingSocket } from '../socket/index.js';
import { callable } from '../util/callable.js';
import { shown } from '../util/validate.js';
import type { WaitOptions } from '../util/wait_options.js';
import { type ConnectedSocket, iterate, type Received } from './iterate.js';
import { SendingSocket } from './sending.js';
import { SocketStream, type StreamOptions } from './stream.js';

export class Socket<out F extends number = typeof c.AF_INET> extends SendingSocket<F> {
  /**
   * accept({ signal, timeout }) -> [conn, address]: the next connection as a new socket, and the peer's address. See
   * accept(2).
   *
   * @throws OSError; TimeoutError
   */
  accept(options?: WaitOptions): Promise<[ConnectedSocket<F>, ReturnedAddress<F>]> {
    return this._read('accept', () => this._accept(), options);
  }

  /** The connection that is there, or -errno. @internal */
  _accept(): [ConnectedSocket<F>, ReturnedAddress<F>] | number {
    const fd = addon.accept4(this._fd, this._generation, c.SOCK_NONBLOCK, 0);
    if (fd < 0) return fd;
    const address = decode(this.family, this.proto);
    const conn = new Socket<F>(this.family, this.type | c.SOCK_NONBLOCK, this.proto, fd);
    conn.settimeout(getdefaulttimeout());
    return [conn, address];
  }

  /**
   * for await (const … of sock): a listening socket gives `[conn, address]`, a connected stream its bytes in chunks until
   * the end, any other `[data, address]`. close() ends the loop; leaving it closes nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Received<F>> {
    return iterate(this);
  }

  /**
   * to_socket() -> a blocking socket with the descriptor, its options and its time-out; this one is detached.
   *
   * What waits rejects (ECANCELED).
   */
  to_socket(): BlockingSocket<F> {
    const { family, type, proto } = this;
    const timeout = this.gettimeout();
    const fd = this._given();
    const sock = new BlockingSocket<F>(family, type, proto, fd);
    sock.settimeout(timeout);
    return sock;
  }

  /** The descriptor, detached; EBADF where there is none. @internal */
  _given(): number {
    if (this._fd < 0) this._raise(-constants.errno.EBADF, 'detach');
    return this.detach();
  }

  /**
   * makefile(mode = 'r', buffering = null, { encoding, errors, newline }) -> a file whose read, readline, write, flush and
   * close return promises, and which is iterated by `for await`. See the blocking socket's.
   *
   * @throws RangeError on another mode, or on text without a buffer; LookupError on an encoding that does not exist
   */
  makefile<const Mode extends string = 'r', const Buffering extends number | bigint | null = null>(
    mode?: Mode | null,
    buffering?: Buffering | null,
    options?: TextOptions,
  ): SocketFile<Mode, Buffering> {
    return makefile(this, mode, buffering, options);
  }

  /**
   * to_stream(options) -> a Duplex that owns the descriptor, with back-pressure both ways; this socket is detached. Options
   * and defaults are those of net.Socket.
   *
   * @throws RangeError on a socket that is no stream
   */
  to_stream(options?: StreamOptions): SocketStream {
    if (this.type !== c.SOCK_STREAM)
      throw new RangeError(`to_stream: only sockets of type SOCK_STREAM, not ${this}`);
    const { family, type, proto } = this;
    return new SocketStream(new Socket<number>(family, type, proto, this._given()), options);
  }

  /** share(process_id) -> data for `fromshare` in another thread or process. See the blocking socket's. */
  share(process_id?: number | null): Buffer {
    return share(this, process_id);
  }

  /** to_node() -> a net.Socket or net.Server which owns the descriptor; this socket is detached. TCP and AF_UNIX streams. */
  to_node(): NetSocket | NetServer {
    return to_node(this);
  }
}

/**
 * from_socket(sock) -> a socket of promises with the descriptor of a blocking one, its options and its time-out; the
 * blocking one is detached.
 *
 * @throws TypeError for anything else; OSError EBADF for a closed one
 */
export function from_socket<F extends number>(sock: BlockingSocket<F>): Socket<F> {
  if (!(sock instanceof BlockingSocket))
    throw new TypeError(`sock must be a blocking socket, not ${shown(sock)}`);
  const { family, type, proto } = sock;
  const timeout = sock.gettimeout();
  if (sock.fileno() < 0) sock._raise(-constants.errno.EBADF, 'from_socket');
  const taken = new Socket<F>(family, type, proto, sock.detach());
  taken.settimeout(timeout);
  return taken;
}

/** What `socket` is at run time: callable with and without `new`, and a base for classes. */
export interface SocketConstructor {
  new <F extends number = typeof c.AF_INET>(...given: SocketArguments<F>): Socket<F>;
  <F extends number = typeof c.AF_INET>(...given: SocketArguments<F>): Socket<F>;
  readonly prototype: Socket<number>;
}

const construct = callable(Socket, 'socket');

/** socket(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno = null), with or without `new`. */
export const socket = construct as unknown as SocketConstructor;
export type socket<F extends number = number> = Socket<F>;
