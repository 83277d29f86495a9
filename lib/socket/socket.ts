// class socket: the blocking calls. Python's class of that name, method by method, with what docs/socket.md adds.
//
// The calls that receive are in receive.ts, which this class extends. A call waits as long as the socket's time-out says and blocks its thread meanwhile. The methods that never wait are in
// lib/calls/socket_base.ts; the calls themselves are in transfer.ts, message.ts and batch/ there, shared with the promises.

import type { Server as NetServer, Socket as NetSocket } from 'node:net';
import { constants } from 'node:os';
import { type Address, decode, type PeerAddress } from '../calls/address.js';
import { type Message, sendmmsg } from '../calls/batch/send.js';
import type { ControlMessage } from '../calls/control.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import * as message from '../calls/message.js';
import { to_node } from '../calls/node.js';
import type { SendfileSource } from '../calls/sendfile.js';
import { share } from '../calls/share.js';
import { getdefaulttimeout } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import * as c from '../constants.js';
import { type MakefileOptions, makefile, type SocketFile } from '../files/blocking/index.js';
import { addon, DETACHED, TIMED_OUT } from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { type Bytes, type Data, data, type Elements, integer } from '../util/validate.js';
import { ReceivingSocket } from './receive.js';
import { sendfile } from './sendfile.js';

const { EAGAIN, ENOBUFS } = constants.errno;

export class Socket<
  out F extends number = typeof c.AF_INET,
  out K extends number = number,
> extends ReceivingSocket<F, K> {
  /** See SocketBase: a call blocks the thread that makes it, as long as the time-out allows. */
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
   * @throws OSError; TimeoutError
   */
  accept(): [conn: Socket<F, K>, address: PeerAddress<F>] {
    const fd = addon.accept4(this._fd, this._generation, 0, this._timeout_ms);
    if (fd < 0) this._raise(fd, 'accept');
    return with_descriptor(new OwnedDescriptor(fd), (descriptor) => {
      const conn = new Socket(this.family, this.type, this.proto, descriptor);
      if (getdefaulttimeout() === null && this._timeout !== null && this._timeout > 0) conn.setblocking(true);
      return [conn, decode(this.family, this.proto)];
    });
  }

  /** bind(address). See bind(2). @throws OSError; gaierror for a host name; TypeError, RangeError */
  bind(address: Address<F>): void {
    this._bind(address, resolve_host_blocking);
  }

  /**
   * connect(address). See connect(2).
   *
   * @throws OSError; TimeoutError; gaierror for a host name; TypeError, RangeError
   */
  connect(address: Address<F>): void {
    const result = this.#connect(address);
    if (result < 0) this._raise(result, 'connect', address);
  }

  /**
   * connect_ex(address) -> 0, or the errno instead of an OSError: EINPROGRESS, and EAGAIN for an expired time-out.
   *
   * @throws gaierror for a host name; TypeError, RangeError
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
   */
  disconnect(): void {
    const result = transfer.disconnect(this);
    if (result < 0) this._raise(result, 'disconnect');
  }

  /** shutdown(how). SHUT_RD, SHUT_WR or SHUT_RDWR, for every holder of the connection. See shutdown(2). */
  shutdown(how: number): void {
    this._shutdown(how);
  }

  /** send(data, flags = 0) -> how many bytes the kernel took. See send(2). */
  send(bytes: Data, flags = 0): number {
    const result = transfer.send(this, data(bytes, 'data'), integer(flags, 'flags'), this._timeout_ms);
    return result < 0 ? this._raise(result, 'send') : result;
  }

  /**
   * sendall(data, flags = 0). Sends all of it, under one deadline. With MSG_ZEROCOPY on a socket that has SO_ZEROCOPY it returns
   * when the kernel no longer reads the memory.
   *
   * @throws OSError, TimeoutError, with `bytes_sent`
   */
  sendall(bytes: Data, flags = 0): void {
    const view = data(bytes, 'data');
    const { length } = view;
    const deadline = new Deadline(this._timeout_ms);
    const count = transfer.send(this, view, integer(flags, 'flags'), this._timeout_ms);
    if (count !== length) this.#send_rest(view, length, count, flags, deadline);
    if ((flags & c.MSG_ZEROCOPY) === 0) return;
    const result = message.completed(this, view, deadline.left_ms());
    if (result < 0) this._raise_with(result, 'sendall', { bytes_sent: length });
  }

  #send_rest(view: Bytes, length: number, first: number, wanted_flags: number, deadline: Deadline): void {
    let sent = 0;
    let count = first;
    let flags = wanted_flags;
    for (;;) {
      // The kernel may pin no more memory of this user or socket, but copies it.
      if (count === -ENOBUFS && (flags & c.MSG_ZEROCOPY) !== 0) flags &= ~c.MSG_ZEROCOPY;
      // Bytes of which the kernel takes none are not there.
      else if (count <= 0) this._raise_with(count || DETACHED, 'sendall', { bytes_sent: sent });
      else sent += count;
      if (sent === length) return;
      const rest = view.subarray(sent, length);
      count = deadline.passed() ? TIMED_OUT : transfer.send(this, rest, flags, deadline.left_ms());
    }
  }

  /** sendto(data, address) or sendto(data, flags, address) -> how many bytes went out. See sendto(2). */
  sendto(bytes: Data, address: Address<F>): number;
  sendto(bytes: Data, flags: number, address: Address<F>): number;
  sendto(bytes: Data, flags_or_address: number | Address<F>, address?: Address<F>): number {
    const has_flags = address !== undefined;
    const flags = has_flags ? integer(flags_or_address, 'flags') : 0;
    const to = has_flags ? address : flags_or_address;
    const result = transfer.sendto(this, bytes, flags, to, resolve_host_blocking, this._timeout_ms);
    return result < 0 ? this._raise(result, 'sendto', to) : result;
  }

  /**
   * sendmsg(buffers, ancdata = [], flags = 0, address = null) -> how many bytes went out. See sendmsg(2), cmsg(3).
   *
   * @param buffers an iterable of bytes or strings, sent one after the other as one message; at most 1,024
   * @param ancdata an iterable of control messages `[cmsg_level, cmsg_type, cmsg_data]`
   * @throws OSError, TimeoutError, with `bytes_sent`; EMSGSIZE for too many buffers; TypeError, RangeError
   */
  sendmsg(
    buffers: Elements<Data>,
    ancdata?: Elements<ControlMessage> | null,
    flags?: number | null,
    address?: Address<F> | null,
  ): number {
    const result = message.sendmsg(
      this,
      buffers,
      ancdata,
      flags,
      address,
      resolve_host_blocking,
      this._timeout_ms,
    );
    return result < 0 ? this._raise_with(result, 'sendmsg', { bytes_sent: 0 }) : result;
  }

  /**
   * sendmsg_afalg(msg = null, { op, iv, assoclen, flags = 0 }) -> how many bytes went out. For AF_ALG sockets: sendmsg with the
   * operation as control messages. See the kernel's userspace interface of the crypto API.
   *
   * @param msg an iterable of buffers; none or null only sets the operation
   * @throws OSError EOPNOTSUPP on a socket of another family; TypeError, RangeError
   */
  sendmsg_afalg(...args: message.AlgArguments): number {
    const [msg, operation] = message.with_buffers(args);
    const result = message.sendmsg_afalg(this, msg, operation, this._timeout_ms);
    return result < 0 ? this._raise(result, 'sendmsg_afalg') : result;
  }

  /**
   * sendmmsg(messages, flags = 0) -> how many messages went out, which may be fewer: at most 1,024 go at once. See
   * sendmmsg(2).
   *
   * @param messages an iterable of sendmsg's arguments, `[buffers, ancdata?, flags?, address?]` each
   * @throws OSError, TimeoutError if none went out; TypeError, RangeError
   */
  sendmmsg(messages: Elements<Message<F>>, flags?: number): number {
    const result = sendmmsg(this, messages, flags, resolve_host_blocking, this._timeout_ms);
    return result < 0 ? this._raise(result, 'sendmmsg') : result;
  }

  /**
   * sendfile(file, offset = 0, count = null) -> how many bytes were sent, by sendfile(2).
   *
   * @param file a descriptor, a FileHandle, or an object with `fileno()` or `read(size)`; with `seek()`, its position moves behind the sent
   *   bytes
   * @param offset where in the file to begin
   * @param count how many bytes, or null for all to the end
   * @throws OSError, TimeoutError, with `bytes_sent`; RangeError on a socket that is no stream or does not block
   */
  sendfile(file: SendfileSource, offset = 0, count: number | null = null): number {
    return sendfile(this, file, offset, count);
  }

  /**
   * share(process_id) -> data for `fromshare` in another thread of this process, or in another process on this machine.
   *
   * The descriptor is duplicated at once, so this socket may close. The data can be used once; unused, the duplicate is
   * closed with the thread that shared it.
   *
   * @param process_id the process that may take it; left out or null: this one, and any of the same user
   * @throws OSError ESRCH if there is no such process; TypeError, RangeError
   */
  share(process_id?: number | null): Buffer {
    return share(this, process_id);
  }

  /**
   * makefile(mode = 'r', buffering = null, { encoding, errors, newline, limit }) -> a file that reads from the socket and
   * writes to it: TextIOWrapper, BufferedReader, BufferedWriter, BufferedRWPair, or SocketIO without a buffer.
   *
   * The socket's descriptor stays open until close() of the socket and of all its files.
   *
   * @param mode 'r', 'w', 'b' in any combination
   * @param buffering the size of the buffer in bytes; null: 8192; 0: none, in binary mode only
   * @param options of text: the encoding (utf-8), the handling of errors ('strict'), the end of a line (null: any); of any file: the
   *   longest line in bytes, or characters, that a readline() without a size and an iteration take (null: any)
   * @throws RangeError on another mode, or on text without a buffer; LookupError on an encoding that does not exist
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
   * to_node() -> a net.Socket, or a net.Server for a listening socket, which owns the descriptor; this socket is
   * detached. TCP and AF_UNIX streams.
   *
   * @throws RangeError for a socket that node:net has no class for
   */
  to_node(): NetSocket | NetServer {
    return to_node(this);
  }
}
