// The sending half of class socket of promises, on top of the receiving half. socket.ts extends it by all the rest and says how a method makes
// its Call; queue.ts decides which call waits.
import { type Address, check_address } from '../calls/address.js';
import { check_sendmmsg, type Message, sendmmsg, taken_messages } from '../calls/batch/send.js';
import { type ControlMessage, taken_control } from '../calls/control.js';
import * as message from '../calls/message.js';
import type { AsyncSendfileSource } from '../calls/moving/sendfile.js';
import * as transfer from '../calls/transfer.js';
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
import { FlaggedSendallCall, fast_open, SendallCall, SendCall } from './attempts.js';
import { FunctionCall } from './call.js';
import { perform } from './queue.js';
import { ReceivingSocket } from './receive.js';
import { sendfile } from './sendfile.js';

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends ReceivingSocket<F, K> {
  /**
   * send(data, flags = 0, { signal, timeout }) -> how many bytes the kernel took. sendall sends all. See send(2).
   *
   * @param bytes bytes, or a string, which is sent as UTF-8; the memory is the call's until it is done
   * @param rest flags, MSG_*; `{ signal, timeout }`
   * @returns the number of bytes taken: on a stream it may be fewer than given
   * @throws BrokenPipeError or ConnectionResetError if the peer is gone; TimeoutError; the signal's reason; OSError EMSGSIZE for too long a
   *   datagram
   * @example
   * console.log(await sock.send('hello')); // 5
   */
  send(bytes: Data, ...rest: Rest1<number>): Promise<number>;
  send(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.send(bytes, 0, flags as WaitOptions);
    return perform(this._poller.writes, new SendCall(this, bytes, flags ?? 0), options);
  }

  /**
   * sendall(data, flags = 0, { signal, timeout }). Sends all of it, under one deadline. The memory is read until the call is done: with
   * MSG_ZEROCOPY, until the kernel no longer reads it. See send(2).
   *
   * @param bytes bytes, or a string, which is sent as UTF-8
   * @param rest flags, MSG_*; `{ signal, timeout }`
   * @throws TimeoutError; BrokenPipeError, ConnectionResetError and other OSErrors; the signal's reason. All have the number of bytes sent
   *   before as `bytes_sent`
   * @example
   * await sock.sendall('GET / HTTP/1.0\r\n\r\n', { timeout: 10 });
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

  /**
   * sendto(data, address, { signal, timeout }) -> how many bytes went out. See sendto(2).
   *
   * @param bytes the datagram
   * @param address of the receiver, in the form of the family; a host name is resolved without blocking
   * @returns the number of bytes, for a datagram always all
   * @throws OSError EMSGSIZE for too long a datagram, ENETUNREACH, EACCES for a broadcast address without SO_BROADCAST; gaierror;
   *   TimeoutError; the signal's reason
   * @example
   * console.log(await udp.sendto('ping', ['127.0.0.1', 9])); // 4
   */
  sendto(bytes: Data, address: Address<F>, options?: WaitOptions): Promise<number>;
  /**
   * sendto(data, flags, address, { signal, timeout }): the same with flags. See sendto(2).
   *
   * @param flags MSG_*
   */
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

  /**
   * sendmsg(buffers, ancdata = [], flags = 0, address = null, { signal, timeout }) -> how many bytes went out. See sendmsg(2), cmsg(3).
   *
   * @param buffers an iterable of bytes or strings, sent one after the other as one message; at most 1,024
   * @param rest control messages `[level, type, data]`; flags, MSG_*; the receiver's address; `{ signal, timeout }`
   * @returns the number of bytes of data taken
   * @throws OSError EMSGSIZE for too many buffers or too long a datagram; TimeoutError; the signal's reason
   * @example
   * console.log(await sock.sendmsg(['head', Buffer.from('body')])); // 8
   */
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

  /**
   * sendmsg_afalg(msg = null, { op, iv, assoclen, flags = 0 }, { signal, timeout }) -> how many bytes went out. For AF_ALG sockets. See
   * Python's sendmsg_afalg.
   *
   * @param args the buffers (left out or null to set the operation alone), then `{ op: ALG_OP_*, iv, assoclen, flags }`: `assoclen` is a
   *   number of bytes; `{ signal, timeout }`
   * @returns the number of bytes that the kernel took for the operation
   * @throws OSError EOPNOTSUPP on a socket of another family
   * @example
   * const algorithm = socket(AF_ALG, SOCK_SEQPACKET);
   * await algorithm.bind(['skcipher', 'cbc(aes)']);
   * algorithm.setsockopt(SOL_ALG, ALG_SET_KEY, Buffer.alloc(16));
   * const [cipher] = await algorithm.accept();
   * await cipher.sendmsg_afalg(['sixteen bytes ..'], { op: ALG_OP_ENCRYPT, iv: Buffer.alloc(16) });
   */
  sendmsg_afalg(...args: [...message.AlgArguments, options?: WaitOptions | undefined]): Promise<number> {
    return promised(() => {
      const [msg, operation, options] = message.with_buffers(args);
      const taken = message.taken_buffers(msg ?? []);
      const attempt = () => message.sendmsg_afalg(this, taken, operation, 0);
      const check = () => message.check_sendmsg_afalg(this, taken, operation);
      return perform(this._poller.writes, new FunctionCall(this, 'sendmsg_afalg', attempt, check), options);
    });
  }

  /**
   * sendmmsg(messages, flags = 0, { signal, timeout }) -> how many messages went out, which may be fewer: at most 1,024 go at once. UDP
   * datagrams of one size to one address go through the kernel as one message. See sendmmsg(2), docs/socket.md.
   *
   * @param messages an iterable of sendmsg's arguments, `[buffers, ancdata?, flags?, address?]` each
   * @param rest flags for all messages, MSG_*; `{ signal, timeout }`
   * @returns how many messages went out, at least 1; send the rest again
   * @throws TimeoutError and OSErrors, only if no message went out; the signal's reason
   * @example
   * const address = udp.getsockname();
   * console.log(await udp.sendmmsg([[['one'], [], 0, address], [['two'], [], 0, address]])); // 2
   */
  sendmmsg(messages: Elements<Message<F>>, ...rest: Rest1<number>): Promise<number> {
    return with_options(rest, 1, (options, [flags]) => {
      const taken = taken_messages(messages);
      const attempt = fast_open((resolve, spent) => sendmmsg(this, taken, flags, resolve, 0, spent));
      const check = () => check_sendmmsg(this, taken, flags);
      return perform(this._poller.writes, new FunctionCall(this, 'sendmmsg', attempt, check), options);
    });
  }

  /**
   * sendfile(file, offset = 0, count = null, { signal, timeout }) -> how many bytes were sent, without a way through JavaScript. See
   * sendfile(2), and Python's socket.sendfile.
   *
   * @param file a descriptor, a FileHandle, or an object with `fileno()` or `read(size)`; with `seek()`, its position moves behind the sent
   *   bytes
   * @param rest where in the file to begin, in bytes; how many bytes, null for all to the end; `{ signal, timeout }`
   * @returns the number of bytes sent
   * @throws RangeError on a socket that is no stream; TimeoutError and OSErrors of the file and the socket, with `bytes_sent`; the signal's
   *   reason
   * @example
   * const file = await open('/etc/hostname');
   * console.log((await sock.sendfile(file)) === (await file.stat()).size); // true
   * await file.close();
   */
  sendfile(file: AsyncSendfileSource, ...rest: Rest2<number, number>): Promise<number> {
    return with_options(rest, 2, (options, [offset, count]) =>
      sendfile(this, this._poller.writes, file, offset ?? 0, count, options),
    );
  }
}

export { Socket as SendingSocket };
