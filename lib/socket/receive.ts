// The receiving half of class socket, blocking: the calls that take bytes, messages and batches of them. socket.ts extends it by all the rest;
// the calls themselves are in lib/calls (transfer.ts, message.ts, batch/receive.ts), shared with the promises.
import * as batch from '../calls/batch/receive.js';
import * as message from '../calls/message.js';
import { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { IncompleteReadError } from '../errors/index.js';
import { TIMED_OUT } from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import { type BytesLike, type Elements, size } from '../util/validate.js';

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends SocketBase<F, K> {
  /**
   * recv(bufsize, flags = 0) -> bytes; none at the end of a stream. See recv(2).
   *
   * @param bufsize the most bytes to receive
   * @throws OSError; TimeoutError; BlockingIOError; TypeError, RangeError
   */
  recv(bufsize: number, flags = 0): Buffer {
    const result = transfer.recv(this, bufsize, flags, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recv') : result;
  }

  /** recvfrom(bufsize, flags = 0) -> [bytes, address of the sender]. See recvfrom(2). */
  recvfrom<Flags extends number = 0>(bufsize: number, flags?: Flags): transfer.ReceivedFrom<F, K, Flags> {
    const result = transfer.recvfrom(this, bufsize, flags ?? 0, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recvfrom') : result;
  }

  /**
   * recv_into(buffer, nbytes = 0, flags = 0) -> how many bytes were written to the buffer. See recv(2).
   *
   * @param nbytes the most bytes to receive; 0: as many as fit. With MSG_TRUNC the result is the datagram's true length
   * @throws RangeError if nbytes is more than the buffer holds
   */
  recv_into(buffer: BytesLike, nbytes = 0, flags = 0): number {
    const result = transfer.recv_into(this, buffer, nbytes, flags, this._timeout_ms);
    return result < 0 ? this._raise(result, 'recv_into') : result;
  }

  /** recvfrom_into(buffer, nbytes = 0, flags = 0) -> [count, address of the sender]. */
  recvfrom_into<Flags extends number = 0>(
    buffer: BytesLike,
    nbytes = 0,
    flags?: Flags,
  ): transfer.ReceivedFromInto<F, K, Flags> {
    const result = transfer.recvfrom_into(this, buffer, nbytes, flags ?? 0, this._timeout_ms);
    return typeof result === 'number' ? this._raise(result, 'recvfrom_into') : result;
  }

  /**
   * recv_exactly(n) -> n bytes, under one deadline.
   *
   * @throws IncompleteReadError at the end of the stream; OSError, TimeoutError. All have the bytes received before as `partial`
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
   * @param ancbufsize room for control messages, a sum of CMSG_SPACE; descriptors that come (SCM_RIGHTS) are
   *   close-on-exec and belong to the caller
   * @throws OSError; TimeoutError; TypeError, RangeError
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
   * recvmsg_into(buffers, ancbufsize = 0, flags = 0) -> [nbytes, ancdata, msg_flags, address]. Fills the buffers one
   * after the other. See recvmsg.
   *
   * @throws OSError; TimeoutError; EMSGSIZE for more than 1,024 buffers; TypeError, RangeError
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
   * first. See recvmmsg(2), MSG_WAITFORONE.
   *
   * @param vlen at most this number of messages, 1 to 1,024
   * @throws OSError; TimeoutError; TypeError, RangeError
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
   * recvmmsg_into(batch, flags = 0) -> how many messages came into the batch. See recvmmsg.
   *
   * @throws OSError; TimeoutError; EBUSY from a signal's listener while a call waits with the same batch; TypeError
   */
  recvmmsg_into(memory: batch.MessageBatch, flags?: number): number {
    const result = batch.recvmmsg_into(this, memory, flags, this._timeout_ms);
    return result < 0 ? this._raise(result, 'recvmmsg_into') : result;
  }
}

export { Socket as ReceivingSocket };
