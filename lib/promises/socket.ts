// class socket of bsd-sockets/promises: the calls of the blocking class, each returning a promise. The calls themselves are
// those of lib/socket (transfer.ts, message.ts, batch.ts), told not to wait; who waits, in which order, is queue.ts.
import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { addon, cells, VALUE } from '../addon.js';
import * as c from '../constants.js';
import { IncompleteReadError, OSError, TimeoutError } from '../errors.js';
import { type Address, decode, type ReturnedAddress } from '../internal/address.js';
import { callable } from '../internal/callable.js';
import type { ControlMessage } from '../internal/control.js';
import { type BytesLike, data, integer, shown, size } from '../internal/validate.js';
import type { TextOptions } from '../makefile/index.js';
import { getdefaulttimeout, SocketBase } from '../socket/base.js';
import type { Message, MessageBatch } from '../socket/batch.js';
import * as batch from '../socket/batch.js';
import * as message from '../socket/message.js';
import { to_node } from '../socket/node.js';
import type { SendfileSource } from '../socket/sendfile.js';
import { share } from '../socket/share.js';
import { Socket as BlockingSocket, socket as blocking_socket, type Data } from '../socket/socket.js';
import * as transfer from '../socket/transfer.js';
import { iterate, type Received } from './iterate.js';
import { makefile, type SocketFile } from './makefile.js';
import type { About, Attempt } from './operation.js';
import { Poller } from './queue.js';
import { sendfile } from './sendfile.js';
import { SocketStream, type StreamOptions } from './stream.js';
import {
  breathe,
  promised,
  type Rest1,
  type Rest2,
  type Rest3,
  take_options,
  type WaitOptions,
} from './waiting.js';

const { EAGAIN, EINPROGRESS, ENOTCONN } = constants.errno;
// What a call moves before the rest of the program has its turn.
const TURN_SIZE = 4 * 2 ** 20;

function is_flags(value: unknown): value is number {
  return typeof value !== 'object' || value === null;
}

export class Socket<out F extends number = typeof c.AF_INET> extends SocketBase<F> {
  /** Made by the constructor of the base. */
  declare private _poller: Poller | undefined;

  override get _event_driven(): boolean {
    return true;
  }

  override get _watcher(): Poller {
    this._poller ??= new Poller(this._fd, this._generation);
    return this._poller;
  }

  #read<T>(syscall: string, attempt: Attempt<T>, options?: unknown, about?: () => About): Promise<T> {
    return this._watcher.read(this, syscall, attempt, options, about);
  }

  #write<T>(syscall: string, attempt: Attempt<T>, options?: unknown, about?: () => About): Promise<T> {
    return this._watcher.write(this, syscall, attempt, options, about);
  }

  /** Rejects what waits with ECANCELED, and frees the descriptor. @internal */
  override _close(): void {
    if (this._fd >= 0) this._poller?.release();
    super._close();
  }

  /** detach() -> the descriptor, which now belongs to the caller, and does not block; what waits rejects (ECANCELED). */
  override detach(): number {
    if (this._fd >= 0) this._poller?.release();
    return super.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      this.close();
      resolve();
    });
  }

  /** ref(). What is awaited on this socket keeps the process alive, as at the start. */
  ref(): this {
    this._watcher.reference(true);
    return this;
  }

  /** unref(). What is awaited on this socket no longer keeps the process alive. */
  unref(): this {
    this._watcher.reference(false);
    return this;
  }

  /**
   * accept({ signal, timeout }) -> [conn, address]: the next connection as a new socket, and the peer's address. See
   * accept(2).
   *
   * @throws OSError; TimeoutError
   */
  accept(options?: WaitOptions): Promise<[Socket<F>, ReturnedAddress<F>]> {
    return this.#read('accept', () => this._accept(), options);
  }

  /** The connection that is there, or -errno. @internal */
  _accept(): [Socket<F>, ReturnedAddress<F>] | number {
    const fd = addon.accept4(this._fd, this._generation, c.SOCK_NONBLOCK, 0);
    if (fd < 0) return fd;
    const address = decode(this.family, this.proto);
    const conn = new Socket(this.family, this.type | c.SOCK_NONBLOCK, this.proto, fd);
    conn.settimeout(getdefaulttimeout());
    return [conn, address];
  }

  /** bind(address, { signal, timeout }). See bind(2). @throws OSError; gaierror for a host name; TypeError, RangeError */
  bind(address: Address<F>, options?: WaitOptions): Promise<void> {
    return this.#write(
      'bind',
      (resolve) => this._bind(address, resolve),
      options,
      () => ({ address }),
    );
  }

  /**
   * connect(address, { signal, timeout }). Reads wait for it, too. Cut short, the socket is only to be closed. See
   * connect(2).
   *
   * @throws OSError; TimeoutError; gaierror for a host name; TypeError, RangeError
   */
  connect(address: Address<F>, options?: WaitOptions): Promise<void> {
    let under_way = false;
    const attempt: Attempt<void> = (resolve) => {
      if (under_way) return this.#connected();
      const result = transfer.connect(this, address, resolve, 0);
      under_way = result === -EINPROGRESS;
      // A full backlog, which only AF_UNIX waits for.
      if (result === -EAGAIN && this.family !== c.AF_UNIX) this._raise(result, 'connect', address);
      return result < 0 ? result : undefined;
    };
    return this._watcher.connect(this, attempt, options, () => ({ address }));
  }

  #connected(): number | undefined {
    const result = addon.getsockopt_int(this._fd, this._generation, c.SOL_SOCKET, c.SO_ERROR);
    if (result < 0) return result;
    const error = cells[VALUE] as number;
    if (error !== 0) return -error;
    // Woken too early: by an edge from before the connect.
    const peer = addon.getpeername(this._fd, this._generation);
    return peer === -ENOTCONN ? -EINPROGRESS : undefined;
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
      if (error instanceof TimeoutError && error.errno === undefined) return EAGAIN;
      if (error.errno === undefined || error.errno < 0) throw error;
      return error.errno;
    }
  }

  /** shutdown(how, { signal, timeout }), behind the writes. SHUT_RD, SHUT_WR or SHUT_RDWR. See shutdown(2). @throws OSError */
  shutdown(how: number, options?: WaitOptions): Promise<void> {
    return this.#write('shutdown', () => this._shutdown(how), options);
  }

  /**
   * recv(bufsize, flags = 0, { signal, timeout }) -> bytes; none at the end of a stream. See recv(2).
   *
   * @param bufsize the most bytes to receive
   * @throws OSError; TimeoutError; BlockingIOError; TypeError, RangeError
   */
  recv(bufsize: number, ...rest: Rest1<number>): Promise<Buffer>;
  recv(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<Buffer> {
    if (!is_flags(flags)) return this.recv(bufsize, 0, flags as WaitOptions);
    return this.#read('recv', () => transfer.recv(this, bufsize, flags ?? 0, 0), options);
  }

  /** recvfrom(bufsize, flags = 0, { signal, timeout }) -> [bytes, address of the sender]. See recvfrom(2). */
  recvfrom(bufsize: number, ...rest: Rest1<number>): Promise<[Buffer, ReturnedAddress<F>]>;
  recvfrom(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<[Buffer, ReturnedAddress<F>]> {
    if (!is_flags(flags)) return this.recvfrom(bufsize, 0, flags as WaitOptions);
    return this.#read('recvfrom', () => transfer.recvfrom(this, bufsize, flags ?? 0, 0), options);
  }

  /**
   * recv_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> how many bytes were written to the buffer. See recv(2).
   *
   * @param nbytes the most bytes to receive; 0: as many as fit. With MSG_TRUNC the result is the datagram's true length
   * @throws RangeError where nbytes is more than the buffer holds
   */
  recv_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [nbytes, flags] = rest as [number?, number?];
      return this.#read('recv_into', () => transfer.recv_into(this, buffer, nbytes, flags ?? 0, 0), options);
    });
  }

  /** recvfrom_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> [count, address of the sender]. */
  recvfrom_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<[number, ReturnedAddress<F>]> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [nbytes, flags] = rest as [number?, number?];
      const attempt = () => transfer.recvfrom_into(this, buffer, nbytes, flags ?? 0, 0);
      return this.#read('recvfrom_into', attempt, options);
    });
  }

  /**
   * recv_exactly(n, { signal, timeout }) -> n bytes, under one deadline.
   *
   * @throws IncompleteReadError at the end of the stream, with what came as `partial`; any other error has it, too
   */
  recv_exactly(n: number, options?: WaitOptions): Promise<Buffer> {
    return promised(() => {
      const buffer = Buffer.allocUnsafeSlow(size(n, 'n'));
      let received = 0;
      const attempt = () => {
        for (let turn = 0; received < n; ) {
          if (turn >= TURN_SIZE) throw breathe();
          const count = transfer.recv_into(this, buffer.subarray(received), 0, 0, 0);
          if (count < 0) return count;
          if (count === 0) throw new IncompleteReadError(buffer.subarray(0, received), n);
          received += count;
          turn += count;
        }
        return buffer;
      };
      return this.#read('recv_exactly', attempt, options, () => ({ partial: buffer.subarray(0, received) }));
    });
  }

  /**
   * recvmsg(bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> [data, ancdata, msg_flags, address]. See recvmsg(2),
   * cmsg(3).
   *
   * @param ancbufsize room for control messages, a sum of CMSG_SPACE; descriptors that come (SCM_RIGHTS) are
   *   close-on-exec and belong to the caller
   */
  recvmsg(bufsize: number, ...rest: Rest2<number, number>): Promise<message.ReceivedMessage<F>> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [ancbufsize, flags] = rest;
      return this.#read('recvmsg', () => message.recvmsg(this, bufsize, ancbufsize, flags, 0), options);
    });
  }

  /** recvmsg_into(buffers, ancbufsize = 0, flags = 0, { signal, timeout }) -> [nbytes, ancdata, msg_flags, address]. */
  recvmsg_into(
    buffers: readonly BytesLike[],
    ...rest: Rest2<number, number>
  ): Promise<message.ReceivedMessageInto<F>> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [ancbufsize, flags] = rest;
      const attempt = () => message.recvmsg_into(this, buffers, ancbufsize, flags, 0);
      return this.#read('recvmsg_into', attempt, options);
    });
  }

  /**
   * recvmmsg(vlen, bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> recvmsg's result for each message that is
   * there: waits for the first. See recvmmsg(2).
   *
   * @param vlen at most so many, 1 to 1,024
   */
  recvmmsg(
    vlen: number,
    bufsize: number,
    ...rest: Rest2<number, number>
  ): Promise<message.ReceivedMessage<F>[]> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [ancbufsize, flags] = rest;
      return this.#read('recvmmsg', () => batch.recvmmsg(this, vlen, bufsize, ancbufsize, flags, 0), options);
    });
  }

  /** recvmmsg_into(batch, flags = 0, { signal, timeout }) -> how many messages came into the batch. See recvmmsg. */
  recvmmsg_into(memory: MessageBatch, ...rest: Rest1<number>): Promise<number>;
  recvmmsg_into(memory: MessageBatch, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.recvmmsg_into(memory, 0, flags as WaitOptions);
    return this.#read('recvmmsg_into', () => batch.recvmmsg_into(this, memory, flags, 0), options);
  }

  /** send(data, flags = 0, { signal, timeout }) -> how many bytes the kernel took. See send(2). */
  send(bytes: Data, ...rest: Rest1<number>): Promise<number>;
  send(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.send(bytes, 0, flags as WaitOptions);
    const attempt = () => transfer.send(this, data(bytes, 'data'), integer(flags ?? 0, 'flags'), 0);
    return this.#write('send', attempt, options);
  }

  /**
   * sendall(data, flags = 0, { signal, timeout }). Sends all of it, under one deadline. The memory is read until it is done.
   *
   * @throws OSError, TimeoutError, with `bytes_sent`
   */
  sendall(bytes: Data, ...rest: Rest1<number>): Promise<void>;
  sendall(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<void> {
    if (!is_flags(flags)) return this.sendall(bytes, 0, flags as WaitOptions);
    let sent = 0;
    let text: Uint8Array | undefined;
    const attempt = (): number | undefined => {
      // Looked at anew in each attempt: its memory may be gone.
      const view = text ?? data(bytes, 'data');
      if (typeof bytes === 'string') text = view;
      for (let turn = 0; ; ) {
        const rest = sent === 0 ? view : view.subarray(sent);
        const count = transfer.send(this, rest, integer(flags ?? 0, 'flags'), 0);
        if (count < 0) return count;
        sent += count;
        turn += count;
        if (sent >= view.length) return undefined;
        if (turn >= TURN_SIZE) throw breathe();
      }
    };
    return this.#write('sendall', attempt as Attempt<void>, options, () => ({ bytes_sent: sent }));
  }

  /**
   * sendfile(file, offset = 0, count = null, { signal, timeout }) -> how many bytes were sent, by sendfile(2).
   *
   * @param file a descriptor, a FileHandle, or what has `fileno()`; with `seek()`, its position moves behind what was sent
   * @param offset where in the file to begin
   * @param count how many bytes, or null for all to the end
   * @throws OSError, TimeoutError, with `bytes_sent`; RangeError on a socket that is no stream or never waits
   */
  sendfile(file: SendfileSource, ...rest: Rest2<number, number>): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [offset, count] = rest as [number?, number?];
      return sendfile(this, file, offset ?? 0, count, options);
    });
  }

  /** sendto(data, address) or sendto(data, flags, address), { signal, timeout } -> how many bytes went out. See sendto(2). */
  sendto(bytes: Data, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, flags: number, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, ...rest: unknown[]): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 2);
      const has_flags = rest.length > 1 && rest[1] !== undefined;
      const flags = has_flags ? rest[0] : 0;
      const to = has_flags ? rest[1] : rest[0];
      return this.#write(
        'sendto',
        (resolve) => transfer.sendto(this, data(bytes, 'data'), integer(flags, 'flags'), to, resolve, 0),
        options,
        () => ({ address: to }),
      );
    });
  }

  /**
   * sendmsg(buffers, ancdata = [], flags = 0, address = null, { signal, timeout }) -> how many bytes went out. See
   * sendmsg(2), cmsg(3).
   *
   * @param buffers bytes or strings, sent one after the other as one message; at most 1,024
   * @param ancdata control messages `[cmsg_level, cmsg_type, cmsg_data]`
   */
  sendmsg(
    buffers: readonly Data[],
    ...rest: Rest3<readonly ControlMessage[], number, Address<F>>
  ): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 3);
      const [ancdata, flags, address] = rest;
      return this.#write(
        'sendmsg',
        (resolve) => message.sendmsg(this, buffers, ancdata, flags, address, resolve, 0),
        options,
        () => ({ bytes_sent: 0 }),
      );
    });
  }

  /**
   * sendmsg_afalg(msg, { op, iv, assoclen, flags = 0 }, { signal, timeout }) -> how many bytes went out. For AF_ALG sockets.
   *
   * @param msg buffers; none or null only sets the operation
   */
  sendmsg_afalg(
    msg: readonly Data[] | null | undefined,
    operation: message.AlgOptions,
    options?: WaitOptions,
  ): Promise<number> {
    return this.#write('sendmsg_afalg', () => message.sendmsg_afalg(this, msg, operation, 0), options);
  }

  /**
   * sendmmsg(messages, flags = 0, { signal, timeout }) -> how many messages went out, which may be fewer: at most 1,024 go
   * at once. See sendmmsg(2).
   *
   * @param messages sendmsg's arguments, `[buffers, ancdata?, flags?, address?]` each
   */
  sendmmsg(messages: readonly Message<F>[], ...rest: Rest1<number>): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 1);
      const [flags] = rest;
      return this.#write('sendmmsg', (resolve) => batch.sendmmsg(this, messages, flags, resolve, 0), options);
    });
  }

  /** The next reads of `recv_fds` and writes of `send_fds`, see descriptors.ts. @internal */
  _read<T>(syscall: string, attempt: Attempt<T>, options?: unknown): Promise<T> {
    return this.#read(syscall, attempt, options);
  }

  /** @internal */
  _write<T>(syscall: string, attempt: Attempt<T>, options?: unknown, about?: () => About): Promise<T> {
    return this.#write(syscall, attempt, options, about);
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
    const sock = blocking_socket<F>(family, type, proto, fd);
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
  new <F extends number = typeof c.AF_INET>(
    family?: F | null,
    type?: number | null,
    proto?: number | null,
    fileno?: number | null,
  ): Socket<F>;
  <F extends number = typeof c.AF_INET>(
    family?: F | null,
    type?: number | null,
    proto?: number | null,
    fileno?: number | null,
  ): Socket<F>;
  readonly prototype: Socket<number>;
}

const construct = callable(Socket, 'socket');

/** socket(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno = null), with or without `new`. */
export const socket = construct as unknown as SocketConstructor;
export type socket<F extends number = number> = Socket<F>;
