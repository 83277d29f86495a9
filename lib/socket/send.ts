// The sending half of class socket, blocking, on top of the receiving half. socket.ts extends it by all the rest; the calls themselves are in
// lib/calls (transfer.ts, message.ts, batch/send.ts), shared with the promises.
import { constants } from 'node:os';
import type { Address } from '../calls/address.js';
import { type Message, sendmmsg } from '../calls/batch/send.js';
import type { ControlMessage } from '../calls/control.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import * as message from '../calls/message.js';
import type { SendfileSource } from '../calls/moving/sendfile.js';
import * as transfer from '../calls/transfer.js';
import * as c from '../constants.js';
import { DETACHED, TIMED_OUT } from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import { type Bytes, type Data, data, type Elements, integer } from '../util/validate.js';
import { ReceivingSocket } from './receive.js';
import { sendfile } from './sendfile.js';

const { ENOBUFS } = constants.errno;

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends ReceivingSocket<F, K> {
  /**
   * send(data, flags = 0) -> how many bytes the kernel took. sendall sends all. See send(2).
   *
   * @param bytes a Buffer, any view or buffer of memory, or a string, which is sent as UTF-8
   * @param flags MSG_OOB, MSG_DONTWAIT, MSG_MORE, …; MSG_NOSIGNAL is always set
   * @returns the number of bytes taken: on a stream it may be fewer than given
   * @throws BrokenPipeError or ConnectionResetError if the peer is gone; TimeoutError; BlockingIOError; OSError EMSGSIZE for too long a
   *   datagram
   * @example
   * console.log(sock.send('hello')); // 5
   */
  send(bytes: Data, flags = 0): number {
    const result = transfer.send(this, data(bytes, 'data'), integer(flags, 'flags'), this._timeout_ms);
    if (result >= 0) return result;
    const error = this._error(result, 'send');
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * sendall(data, flags = 0). Sends all of it, under one deadline. With MSG_ZEROCOPY on a socket that has SO_ZEROCOPY it returns when the
   * kernel no longer reads the memory. See send(2).
   *
   * @param bytes a Buffer, any view or buffer of memory, or a string, which is sent as UTF-8
   * @param flags MSG_*
   * @throws TimeoutError if the time-out passes for all of it together; BrokenPipeError, ConnectionResetError and other OSErrors. All have
   *   the number of bytes sent before as `bytes_sent`
   * @example
   * sock.sendall('GET / HTTP/1.0\r\n\r\n');
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

  /**
   * sendto(data, address) or sendto(data, flags, address) -> how many bytes went out. See sendto(2).
   *
   * @param bytes the datagram
   * @param address of the receiver, in the form of the family
   * @returns the number of bytes, for a datagram always all
   * @throws OSError EMSGSIZE for too long a datagram, ENETUNREACH, EACCES for a broadcast address without SO_BROADCAST, ECONNREFUSED by the
   *   ICMP error of an earlier one; gaierror; TimeoutError
   * @example
   * console.log(udp.sendto('ping', ['127.0.0.1', 9])); // 4
   */
  sendto(bytes: Data, address: Address<F>): number;
  /**
   * sendto(data, flags, address): the same with flags. See sendto(2).
   *
   * @param flags MSG_*
   */
  sendto(bytes: Data, flags: number, address: Address<F>): number;
  sendto(bytes: Data, flags_or_address: number | Address<F>, address?: Address<F>): number {
    const has_flags = address !== undefined;
    const flags = has_flags ? integer(flags_or_address, 'flags') : 0;
    const to = has_flags ? address : flags_or_address;
    const result = transfer.sendto(this, bytes, flags, to, resolve_host_blocking, this._timeout_ms);
    if (result >= 0) return result;
    const error = this._error(result, 'sendto', to);
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * sendmsg(buffers, ancdata = [], flags = 0, address = null) -> how many bytes went out. See sendmsg(2), cmsg(3).
   *
   * @param buffers an iterable of bytes or strings, sent one after the other as one message; at most 1,024
   * @param ancdata an iterable of control messages `[cmsg_level, cmsg_type, cmsg_data]`
   * @param flags MSG_*
   * @param address of the receiver; null on a connected socket
   * @returns the number of bytes of data taken
   * @throws TimeoutError and OSErrors, with `bytes_sent`; EMSGSIZE for too many buffers or too long a datagram
   * @example
   * console.log(sock.sendmsg(['head', Buffer.from('body')])); // 8
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
   * sendmsg_afalg(msg = null, { op, iv, assoclen, flags = 0 }) -> how many bytes went out. For AF_ALG sockets: sendmsg with the operation
   * as control messages. See Python's sendmsg_afalg and the kernel's userspace interface of the crypto API.
   *
   * @param args the buffers (left out or null to set the operation alone), then `{ op: ALG_OP_*, iv, assoclen, flags }`: `assoclen` is a
   *   number of bytes
   * @returns the number of bytes that the kernel took for the operation
   * @throws OSError EOPNOTSUPP on a socket of another family
   * @example
   * const algorithm = socket(AF_ALG, SOCK_SEQPACKET);
   * algorithm.bind(['skcipher', 'cbc(aes)']);
   * algorithm.setsockopt(SOL_ALG, ALG_SET_KEY, Buffer.alloc(16));
   * const [cipher] = algorithm.accept();
   * cipher.sendmsg_afalg(['sixteen bytes ..'], { op: ALG_OP_ENCRYPT, iv: Buffer.alloc(16) });
   */
  sendmsg_afalg(...args: message.AlgArguments): number {
    const [msg, operation] = message.with_buffers(args);
    const result = message.sendmsg_afalg(this, msg, operation, this._timeout_ms);
    return result < 0 ? this._raise(result, 'sendmsg_afalg') : result;
  }

  /**
   * sendmmsg(messages, flags = 0) -> how many messages went out, which may be fewer: at most 1,024 go at once. UDP
   * datagrams of one size to one address go through the kernel as one message. See sendmmsg(2), docs/socket.md.
   *
   * @param messages an iterable of sendmsg's arguments, `[buffers, ancdata?, flags?, address?]` each
   * @param flags MSG_*, for all messages
   * @returns how many messages went out, at least 1; send the rest again
   * @throws TimeoutError and OSErrors, only if no message went out
   * @example
   * const address = udp.getsockname();
   * console.log(udp.sendmmsg([[['one'], [], 0, address], [['two'], [], 0, address]])); // 2
   */
  sendmmsg(messages: Elements<Message<F>>, flags?: number): number {
    const result = sendmmsg(this, messages, flags, resolve_host_blocking, this._timeout_ms);
    return result < 0 ? this._raise(result, 'sendmmsg') : result;
  }

  /**
   * sendfile(file, offset = 0, count = null) -> how many bytes were sent, without a way through JavaScript. See sendfile(2), and Python's
   * socket.sendfile.
   *
   * @param file a descriptor, a FileHandle, or an object with `fileno()` or `read(size)`; with `seek()`, its position moves behind the sent
   *   bytes
   * @param offset where in the file to begin, in bytes
   * @param count how many bytes, or null for all to the end
   * @returns the number of bytes sent
   * @throws RangeError on a socket that is no stream or does not block; TimeoutError and OSErrors of the file and the socket, with
   *   `bytes_sent`
   * @example
   * const file = openSync('/etc/hostname', 'r');
   * console.log(sock.sendfile(file) === fstatSync(file).size); // true
   */
  sendfile(file: SendfileSource, offset = 0, count: number | null = null): number {
    return sendfile(this, file, offset, count);
  }
}

export { Socket as SendingSocket };
