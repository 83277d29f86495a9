// class socket of bsd-sockets/promises: the calls of the blocking class, each returning a promise. The system calls are
// in lib/calls (transfer.ts, message.ts, batch/), made without waiting; queue.ts decides which call waits, and for how long.
// Each method makes a Call: how to try it, and how to check its arguments if it cannot be tried at once. The arguments and
// errors are those of the blocking class (lib/socket/socket.ts); the comments here say what differs.
import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { type Address, check_address, decode, type PeerAddress } from '../calls/address.js';
import { check_sendmmsg, type Message, sendmmsg, taken_messages } from '../calls/batch/send.js';
import { type ControlMessage, taken_control } from '../calls/control.js';
import * as message from '../calls/message.js';
import { to_node } from '../calls/node.js';
import type { AsyncSendfileSource } from '../calls/sendfile.js';
import { share } from '../calls/share.js';
import { getdefaulttimeout } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError, TimeoutError } from '../errors/index.js';
import type { MakefileOptions } from '../files/mode.js';
import { makefile, type SocketFile } from '../files/promises/index.js';
import { addon } from '../native/addon.js';
import { socket as BlockingSocket } from '../socket/index.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { type Data, type Elements, integer, integer_or } from '../util/validate.js';
import {
  is_flags,
  promised,
  type Rest1,
  type Rest2,
  type Rest3,
  type WaitOptions,
  with_options,
} from '../util/wait_options.js';
import { ConnectCall, FlaggedSendallCall, fast_open, SendallCall, SendCall } from './attempts.js';
import { type Attempt, FunctionCall } from './call.js';
import { type Iterated, Iteration } from './iterate.js';
import { perform } from './queue.js';
import { ReceivingSocket } from './receive.js';
import { sendfile } from './sendfile.js';
import { SocketStream, type StreamOptions } from './stream.js';

const { EAGAIN, EBADF } = constants.errno;

/** A socket of promises. A method has the arguments and the errors of the blocking socket's, if its comment says no other. */
export class Socket<
  out F extends number = typeof c.AF_INET,
  out K extends number = number,
> extends ReceivingSocket<F, K> {
  /** See SocketBase. The descriptor never blocks: the event loop waits. */
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** ref(). A call that waits on this socket keeps the process alive, as at the start. */
  ref(): this {
    this._poller.reference(true);
    return this;
  }

  /** unref(). A call that waits on this socket no longer keeps the process alive. */
  unref(): this {
    this._poller.reference(false);
    return this;
  }

  /** accept({ signal, timeout }) -> [conn, address]: the next connection as a new socket, and the peer's address. */
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

  /** bind(address, { signal, timeout }). See bind(2). @throws OSError; gaierror for a host name; TypeError, RangeError */
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
   * connect(address, { signal, timeout }). Reads wait for it, too. Cut short, the socket is only to be closed. See
   * connect(2).
   *
   * @throws OSError; TimeoutError; gaierror for a host name; TypeError, RangeError
   */
  connect(address: Address<F>, options?: WaitOptions): Promise<void> {
    return perform(this._poller.writes, new ConnectCall(this, address), options);
  }

  /**
   * connect_ex(address, { signal, timeout }) -> 0, or the errno instead of an OSError; EAGAIN for an expired time-out.
   *
   * @throws gaierror for a host name; TypeError, RangeError; the signal's reason
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

  /** disconnect({ signal, timeout }), behind the writes. Dissolves the association of a datagram socket. See connect(2). */
  disconnect(options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = () => {
      const result = transfer.disconnect(this);
      if (result < 0) this._raise(result, 'disconnect');
    };
    return perform(this._poller.writes, new FunctionCall(this, 'disconnect', attempt), options);
  }

  /** shutdown(how, { signal, timeout }), behind the writes. SHUT_RD, SHUT_WR or SHUT_RDWR. See shutdown(2). @throws OSError */
  shutdown(how: number, options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = () => this._shutdown(how);
    const check = () => integer(how, 'how');
    return perform(this._poller.writes, new FunctionCall(this, 'shutdown', attempt, check), options);
  }

  /** send(data, flags = 0, { signal, timeout }) -> how many bytes the kernel took. See send(2). */
  send(bytes: Data, ...rest: Rest1<number>): Promise<number>;
  send(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.send(bytes, 0, flags as WaitOptions);
    return perform(this._poller.writes, new SendCall(this, bytes, flags ?? 0), options);
  }

  /**
   * sendall(data, flags = 0, { signal, timeout }). Sends all of it, under one deadline. The memory is read until the call is
   * done: with MSG_ZEROCOPY, until the kernel no longer reads it. The reason of an abort has `bytes_sent`, too.
   */
  sendall(bytes: Data, ...rest: Rest1<number>): Promise<void>;
  sendall(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<void> {
    if (!is_flags(flags)) return this.sendall(bytes, 0, flags as WaitOptions);
    const { reads, writes } = this._poller;
    const call = flags
      ? new FlaggedSendallCall(this, bytes, flags, reads, writes)
      : new SendallCall(this, bytes, flags ?? 0);
    return perform(writes, call, options);
  }

  /** sendto(data, address) or sendto(data, flags, address), { signal, timeout } -> how many bytes went out. See sendto(2). */
  sendto(bytes: Data, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, flags: number, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, ...rest: unknown[]): Promise<number> {
    return with_options(rest, 2, (options) => {
      const has_flags = rest.length > 1 && rest[1] !== undefined;
      const flags = has_flags ? rest[0] : 0;
      const to = has_flags ? rest[1] : rest[0];
      const attempt = fast_open((resolve, spent) =>
        transfer.sendto(this, bytes, integer(flags, 'flags') & ~spent, to, resolve, 0),
      );
      const check = () => {
        transfer.check_send(bytes, flags);
        check_address(this, to, 'sendto');
      };
      const call = new FunctionCall(this, 'sendto', attempt, check, () => ({ address: to }));
      return perform(this._poller.writes, call, options);
    });
  }

  /** sendmsg(buffers, ancdata = [], flags = 0, address = null, { signal, timeout }) -> how many bytes went out. */
  sendmsg(
    buffers: Elements<Data>,
    ...rest: Rest3<Elements<ControlMessage>, number, Address<F>>
  ): Promise<number> {
    return with_options(rest, 3, (options, [ancdata, flags, address]) => {
      const [taken, control] = [message.taken_buffers(buffers), taken_control(ancdata)];
      const attempt = fast_open((resolve, spent) =>
        message.sendmsg(this, taken, control, integer_or(0, flags, 'flags') & ~spent, address, resolve, 0),
      );
      const check = () => message.check_sendmsg(this, taken, control, flags, address);
      const call = new FunctionCall(this, 'sendmsg', attempt, check, () => ({ bytes_sent: 0 }));
      return perform(this._poller.writes, call, options);
    });
  }

  /** sendmsg_afalg(msg = null, { op, iv, assoclen, flags = 0 }, { signal, timeout }) -> how many bytes went out. */
  sendmsg_afalg(...args: [...message.AlgArguments, options?: WaitOptions]): Promise<number> {
    return promised(() => {
      const [msg, operation, options] = message.with_buffers(args);
      const taken = message.taken_buffers(msg ?? []);
      const attempt = () => message.sendmsg_afalg(this, taken, operation, 0);
      const check = () => message.check_sendmsg_afalg(this, taken, operation);
      return perform(this._poller.writes, new FunctionCall(this, 'sendmsg_afalg', attempt, check), options);
    });
  }

  /** sendmmsg(messages, flags = 0, { signal, timeout }) -> how many messages went out: may be fewer. */
  sendmmsg(messages: Elements<Message<F>>, ...rest: Rest1<number>): Promise<number> {
    return with_options(rest, 1, (options, [flags]) => {
      const taken = taken_messages(messages);
      const attempt = fast_open((resolve, spent) => sendmmsg(this, taken, flags, resolve, 0, spent));
      const check = () => check_sendmmsg(this, taken, flags);
      return perform(this._poller.writes, new FunctionCall(this, 'sendmmsg', attempt, check), options);
    });
  }

  /** sendfile(file, offset = 0, count = null, { signal, timeout }) -> how many bytes were sent, by sendfile(2). */
  sendfile(file: AsyncSendfileSource, ...rest: Rest2<number, number>): Promise<number> {
    return with_options(rest, 2, (options, [offset, count]) =>
      sendfile(this, this._poller.writes, file, offset ?? 0, count, options),
    );
  }

  /**
   * for await (const … of sock): a listening socket gives `[conn, address]`, a connected stream its bytes in chunks until
   * the end, any other `[data, address]`. close() ends the loop; leaving it closes nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Iterated<F, ConnectedSocket<F>>[K]> {
    return new Iteration<Iterated<F, ConnectedSocket<F>>[K]>(this);
  }

  /**
   * to_socket() -> a blocking socket with the descriptor, its options and its time-out; this one is detached, and its waiting
   * calls reject (ECANCELED). @throws OSError EBADF for a closed one
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
   * makefile(mode = 'r', buffering = null, { encoding, errors, newline, limit }) -> a file whose read, readline, write, flush and
   * close return promises, and which is iterated by `for await`.
   */
  makefile(options: MakefileOptions): SocketFile<'r', null>;
  makefile<const Mode extends string = 'r'>(
    mode: Mode | null | undefined,
    options: MakefileOptions,
  ): SocketFile<Mode, null>;
  makefile<const Mode extends string = 'r', const Buffering extends number | bigint | null = null>(
    mode?: Mode | null,
    buffering?: Buffering | null,
    options?: MakefileOptions,
  ): SocketFile<Mode, Buffering>;
  makefile(...rest: unknown[]): SocketFile<string, null> {
    return makefile(this, rest);
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
    return new SocketStream(new Socket<number>(family, type, proto, this.#detach_open()), options);
  }

  /** share(process_id) -> data for `fromshare` in another thread or process. @throws OSError; TypeError, RangeError */
  share(process_id?: number | null): Buffer {
    return share(this, process_id);
  }

  /** to_node() -> a net.Socket or net.Server which owns the descriptor; this socket is detached. TCP and AF_UNIX streams. */
  to_node(): NetSocket | NetServer {
    return to_node(this);
  }
}

/** A socket that listens: `for await` gives connections. */
export interface ListeningSocket<out F extends number = number> extends Socket<F> {
  [Symbol.asyncIterator](): AsyncIterableIterator<[conn: ConnectedSocket<F>, address: PeerAddress<F>]>;
}

/** A socket that is connected: `for await` gives bytes. */
export interface ConnectedSocket<out F extends number = number> extends Socket<F> {
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
}
