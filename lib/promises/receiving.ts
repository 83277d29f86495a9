// What a socket of promises receives: recv and its kin, behind the reads that wait.

import type { ReturnedAddress } from '../calls/address.js';
import type { MessageBatch } from '../calls/batch.js';
import * as batch from '../calls/batch.js';
import * as message from '../calls/message.js';
import * as transfer from '../calls/transfer.js';
import { yield_turn } from '../calls/waiting/suspend.js';
import { IncompleteReadError } from '../errors/index.js';
import { type BytesLike, size } from '../util/validate.js';
import { promised, type Rest1, type Rest2, take_options, type WaitOptions } from '../util/wait_options.js';
import { EventSocket, is_flags, TURN_SIZE } from './base.js';

export class ReceivingSocket<out F extends number = number> extends EventSocket<F> {
  /**
   * recv(bufsize, flags = 0, { signal, timeout }) -> bytes; none at the end of a stream. See recv(2).
   *
   * @param bufsize the most bytes to receive
   * @throws OSError; TimeoutError; BlockingIOError; TypeError, RangeError
   */
  recv(bufsize: number, ...rest: Rest1<number>): Promise<Buffer>;
  recv(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<Buffer> {
    if (!is_flags(flags)) return this.recv(bufsize, 0, flags as WaitOptions);
    return this._read('recv', () => transfer.recv(this, bufsize, flags ?? 0, 0), options);
  }

  /** recvfrom(bufsize, flags = 0, { signal, timeout }) -> [bytes, address of the sender]. See recvfrom(2). */
  recvfrom(bufsize: number, ...rest: Rest1<number>): Promise<[Buffer, ReturnedAddress<F>]>;
  recvfrom(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<[Buffer, ReturnedAddress<F>]> {
    if (!is_flags(flags)) return this.recvfrom(bufsize, 0, flags as WaitOptions);
    return this._read('recvfrom', () => transfer.recvfrom(this, bufsize, flags ?? 0, 0), options);
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
      return this._read('recv_into', () => transfer.recv_into(this, buffer, nbytes, flags ?? 0, 0), options);
    });
  }

  /** recvfrom_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> [count, address of the sender]. */
  recvfrom_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<[number, ReturnedAddress<F>]> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [nbytes, flags] = rest as [number?, number?];
      const attempt = () => transfer.recvfrom_into(this, buffer, nbytes, flags ?? 0, 0);
      return this._read('recvfrom_into', attempt, options);
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
          if (turn >= TURN_SIZE) throw yield_turn();
          const count = transfer.recv_into(this, buffer.subarray(received), 0, 0, 0);
          if (count < 0) return count;
          if (count === 0) throw new IncompleteReadError(buffer.subarray(0, received), n);
          received += count;
          turn += count;
        }
        return buffer;
      };
      return this._read('recv_exactly', attempt, options, () => ({ partial: buffer.subarray(0, received) }));
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
      return this._read('recvmsg', () => message.recvmsg(this, bufsize, ancbufsize, flags, 0), options);
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
      return this._read('recvmsg_into', attempt, options);
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
      return this._read('recvmmsg', () => batch.recvmmsg(this, vlen, bufsize, ancbufsize, flags, 0), options);
    });
  }

  /** recvmmsg_into(batch, flags = 0, { signal, timeout }) -> how many messages came into the batch. See recvmmsg. */
  recvmmsg_into(memory: MessageBatch, ...rest: Rest1<number>): Promise<number>;
  recvmmsg_into(memory: MessageBatch, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.recvmmsg_into(memory, 0, flags as WaitOptions);
    return this._read('recvmmsg_into', () => batch.recvmmsg_into(this, memory, flags, 0), options);
  }
}
