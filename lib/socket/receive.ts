// The receiving half of class socket, blocking: the calls that take bytes, messages and batches of them. socket.ts extends it by all the rest;
// the calls themselves are in lib/calls (transfer.ts, message.ts, batch/receive.ts), shared with the promises.
import * as batch from '../calls/batch/receive.js';
import * as message from '../calls/message.js';
import { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { type Chunk, check_size, recv_chunk } from '../calls/waiting/chunk.js';
import { IncompleteReadError } from '../errors/index.js';
import { TIMED_OUT } from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import { type BytesLike, type Elements, size } from '../util/validate.js';

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends SocketBase<F, K> {
  /**
   * recv(bufsize, flags = 0) -> bytes; none at the end of a stream. See recv(2).
   *
   * @param bufsize the most bytes to receive, at least 0; the call does not wait for so many
   * @param flags MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, … combined by `|`
   * @returns the bytes, in a Buffer of their own; an empty one is the end of a stream, or an empty datagram
   * @throws TimeoutError after the time-out; BlockingIOError if none has come and the time-out is 0; OSError ECONNRESET, ENOTCONN, …
   * @example
   * peer.sendall('hello');
   * console.log(sock.recv(1024).toString()); // hello
   */
  recv(bufsize: number, flags = 0): Buffer {
    const result = transfer.recv(this, bufsize, flags, this._timeout_ms);
    if (typeof result !== 'number') return result;
    const error = this._error(result, 'recv');
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * recvfrom(bufsize, flags = 0) -> [bytes, address of the sender]. For datagrams: a connected stream gives no address. See recvfrom(2).
   *
   * @param bufsize the most bytes to receive; the rest of a longer datagram is lost
   * @param flags MSG_*; with MSG_ERRQUEUE the address may be null
   * @returns the datagram and the address to answer to, in the form of the family: `[host, port]` for AF_INET
   * @throws TimeoutError; BlockingIOError; OSError ECONNREFUSED if the peer of a connected datagram socket sent back an ICMP error
   * @example
   * udp.sendto('ping', udp.getsockname());
   * const [data, [host]] = udp.recvfrom(2048);
   * console.log(data.toString(), host); // ping 127.0.0.1
   */
  recvfrom<Flags extends number = 0>(bufsize: number, flags?: Flags): transfer.ReceivedFrom<F, K, Flags> {
    const result = transfer.recvfrom(this, bufsize, flags ?? 0, this._timeout_ms);
    if (typeof result !== 'number') return result;
    const error = this._error(result, 'recvfrom');
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * recv_into(buffer, nbytes = 0, flags = 0) -> how many bytes were written to the buffer. See recv(2).
   *
   * @param nbytes the most bytes to receive; 0: as many as fit. With MSG_TRUNC the result is the datagram's true length
   * @param buffer memory to fill: a Buffer, a typed array, a DataView, an ArrayBuffer or a SharedArrayBuffer
   * @param flags MSG_*
   * @returns the number of bytes received; 0 at the end of a stream
   * @throws RangeError if nbytes is more than the buffer holds; TimeoutError; BlockingIOError; OSError as recv
   * @example
   * const memory = Buffer.alloc(1024);
   * peer.sendall('hello');
   * console.log(memory.toString('utf8', 0, sock.recv_into(memory))); // hello
   */
  recv_into(buffer: BytesLike, nbytes = 0, flags = 0): number {
    const result = transfer.recv_into(this, buffer, nbytes, flags, this._timeout_ms);
    if (result >= 0) return result;
    const error = this._error(result, 'recv_into');
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * recv_chunk(size) -> the next bytes in memory that the program gives back: `chunk.release()`, or `using`. Memory that was just used is
   * faster than the new memory of recv(). See recv(2).
   *
   * @param size the most bytes to receive, 1 to 2^30; the call does not wait for so many
   * @returns the bytes as `data`; none at the end of a stream, or of an empty datagram, which has its sender as `address`
   * @throws TimeoutError; BlockingIOError; OSError as recv
   * @example
   * peer.sendall('hello');
   * const chunk = sock.recv_chunk(65536);
   * console.log(chunk.data.toString()); // hello
   * chunk.release();
   */
  recv_chunk(size: number): Chunk<transfer.SenderAddress<F, K, 0>> {
    const result = recv_chunk(this, check_size(size), this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recv_chunk') : result;
  }

  /**
   * recvfrom_into(buffer, nbytes = 0, flags = 0) -> [count, address of the sender]. See recvfrom(2).
   *
   * @param nbytes the most bytes to receive; 0: as many as the buffer holds
   * @param flags MSG_*
   * @returns the number of bytes that were written to the buffer, and the address of the sender
   * @throws RangeError if nbytes is more than the buffer holds; TimeoutError; BlockingIOError; OSError
   * @example
   * const memory = Buffer.alloc(2048);
   * udp.sendto('ping', udp.getsockname());
   * console.log(udp.recvfrom_into(memory)[0]); // 4
   */
  recvfrom_into<Flags extends number = 0>(
    buffer: BytesLike,
    nbytes = 0,
    flags?: Flags,
  ): transfer.ReceivedFromInto<F, K, Flags> {
    const result = transfer.recvfrom_into(this, buffer, nbytes, flags ?? 0, this._timeout_ms);
    if (typeof result !== 'number') return result;
    const error = this._error(result, 'recvfrom_into');
    Error.captureStackTrace(error);
    throw error;
  }

  /**
   * recv_exactly(n) -> n bytes, under one deadline. Beyond Python's socket, as asyncio's readexactly; see recv(2).
   *
   * @param n how many bytes to wait for
   * @returns all n bytes, never fewer
   * @throws IncompleteReadError if the stream ends before; OSError; TimeoutError if the time-out passes for all of them together. All have
   *   the bytes received before as `partial`
   * @example
   * peer.sendall('\x00\x05hello');
   * const length = sock.recv_exactly(2).readUInt16BE();
   * console.log(sock.recv_exactly(length).toString()); // hello
   */
  recv_exactly(n: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(size(n, 'n'));
    const deadline = new Deadline(this._timeout_ms);
    let received = 0;
    while (received < n) {
      const rest = buffer.subarray(received);
      const count = deadline.passed() ? TIMED_OUT : transfer.recv_into(this, rest, 0, 0, deadline.left_ms());
      if (count < 0) this._raise_with(count, 'recv_exactly', { partial: buffer.subarray(0, received) });
      if (count === 0) throw new IncompleteReadError(buffer.subarray(0, received), n);
      received += count;
    }
    return buffer;
  }

  /**
   * recvmsg(bufsize, ancbufsize = 0, flags = 0) -> [data, ancdata, msg_flags, address]. See recvmsg(2), cmsg(3).
   *
   * @param ancbufsize room for control messages, a sum of CMSG_SPACE; descriptors that come (SCM_RIGHTS) are close-on-exec and belong to
   *   the caller
   * @param bufsize the most bytes of data
   * @param flags MSG_*; MSG_CMSG_CLOEXEC is always set
   * @returns the bytes, the control messages as `[level, type, data]`, the flags of the message (MSG_TRUNC: data was cut; MSG_CTRUNC:
   *   control messages were), and the sender's address
   * @throws TimeoutError; BlockingIOError; OSError
   * @example
   * udp.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
   * udp.sendto('ping', udp.getsockname());
   * const [data, ancdata] = udp.recvmsg(2048, CMSG_SPACE(12));
   * console.log(data.toString(), ancdata.length); // ping 1
   */
  recvmsg<Flags extends number = 0>(
    bufsize: number,
    ancbufsize?: number,
    flags?: Flags,
  ): message.ReceivedMessage<F, K, Flags> {
    const result = message.recvmsg(this, bufsize, ancbufsize, flags, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recvmsg') : result;
  }

  /**
   * recvmsg_into(buffers, ancbufsize = 0, flags = 0) -> [nbytes, ancdata, msg_flags, address]. Fills the buffers one after the other. See
   * recvmsg(2).
   *
   * @param buffers an iterable of the memory to fill, at most 1,024 pieces
   * @param ancbufsize room for control messages in bytes, a sum of CMSG_SPACE
   * @param flags MSG_*
   * @returns as recvmsg, with the number of bytes in place of the bytes
   * @throws TimeoutError; BlockingIOError; OSError EMSGSIZE for more than 1,024 buffers
   * @example
   * const [head, body] = [Buffer.alloc(2), Buffer.alloc(100)];
   * peer.sendall('\x00\x05hello');
   * console.log(sock.recvmsg_into([head, body])[0], head[1], body.toString('utf8', 0, 5)); // 7 5 hello
   */
  recvmsg_into<Flags extends number = 0>(
    buffers: Elements<BytesLike>,
    ancbufsize?: number,
    flags?: Flags,
  ): message.ReceivedMessageInto<F, K, Flags> {
    const result = message.recvmsg_into(this, buffers, ancbufsize, flags, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recvmsg_into') : result;
  }

  /**
   * recvmmsg(vlen, bufsize, ancbufsize = 0, flags = 0) -> recvmsg's result for each message that is there: waits for the
   * first. Datagrams that were joined (UDP_GRO) come apart. See recvmmsg(2), MSG_WAITFORONE.
   *
   * @param vlen at most this number of messages, 1 to 1,024
   * @param bufsize the most bytes of each message
   * @param ancbufsize room for the control messages of each, in bytes
   * @param flags MSG_*
   * @returns one to vlen messages, each as recvmsg gives it
   * @throws TimeoutError or BlockingIOError if no message comes; OSError
   * @example
   * for (const text of ['one', 'two']) udp.sendto(text, udp.getsockname());
   * console.log(udp.recvmmsg(16, 2048).map(([data]) => data.toString())); // [ 'one', 'two' ]
   */
  recvmmsg<Flags extends number = 0>(
    vlen: number,
    bufsize: number,
    ancbufsize?: number,
    flags?: Flags,
  ): message.ReceivedMessage<F, K, Flags>[] {
    const result = batch.recvmmsg(this, vlen, bufsize, ancbufsize, flags, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recvmmsg') : result;
  }

  /**
   * recvmmsg_into(batch, flags = 0) -> how many messages came into the batch: waits for the first. No memory is made for them.
   * Datagrams that were joined (UDP_GRO) come apart. See recvmmsg(2), MessageBatch.
   *
   * @param memory the batch, which keeps the messages until the next call with it
   * @param flags MSG_*
   * @returns the number of messages, at most the `vlen` of the batch; also its `count`
   * @throws OSError EBUSY from a signal's listener while a call waits with the same batch; TimeoutError; BlockingIOError
   * @example
   * const batch = new MessageBatch(16, 2048);
   * udp.sendto('ping', udp.getsockname());
   * console.log(udp.recvmmsg_into(batch), batch.data(0).toString()); // 1 ping
   */
  recvmmsg_into(memory: batch.MessageBatch, flags?: number): number {
    const result = batch.recvmmsg_into(this, memory, flags, this._timeout_ms);
    return result < 0 ? this._raise(result, 'recvmmsg_into') : result;
  }
}

export { Socket as ReceivingSocket };
