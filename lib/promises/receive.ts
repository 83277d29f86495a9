// The receiving half of class socket of promises: the calls that take bytes, messages and batches of them. socket.ts extends it by all the
// rest and says how a method makes its Call; queue.ts decides which call waits.
import * as batch from '../calls/batch/receive.js';
import type { ReceivedMessage, ReceivedMessageInto } from '../calls/message.js';
import * as message from '../calls/message.js';
import { SocketBase } from '../calls/socket_base.js';
import type { ReceivedFrom, ReceivedFromInto } from '../calls/transfer.js';
import * as transfer from '../calls/transfer.js';
import type { OwnedDescriptor } from '../util/owned_descriptor.js';
import type { BytesLike, Elements } from '../util/validate.js';
import {
  type Flags1,
  type Flags2,
  is_flags,
  promised,
  type Rest1,
  type Rest2,
  type WaitOptions,
  with_options,
} from '../util/wait_options.js';
import { RecvCall, RecvExactlyCall } from './attempts.js';
import { type Attempt, FunctionCall } from './call.js';
import { Poller, perform } from './queue.js';

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends SocketBase<F, K> {
  /** The waiting calls, and the place of the descriptor in the readiness. @internal */
  declare readonly _poller: Poller;

  constructor(
    family: F | null | undefined,
    type: K | null | undefined,
    proto: number | null | undefined,
    fileno: number | OwnedDescriptor | null | undefined,
  ) {
    super(family, type, proto, fileno, true);
    this._poller = new Poller(this._fd, this._generation);
    this._watch_by(this._poller);
  }

  /** Makes a read in its turn. @internal */
  _read<T>(syscall: string, attempt: Attempt<T>, options?: WaitOptions): Promise<T> {
    return perform(this._poller.reads, new FunctionCall(this, syscall, attempt), options);
  }

  /** recv(bufsize, flags = 0, { signal, timeout }) -> bytes; none at the end of a stream. See recv(2). */
  recv(bufsize: number, ...rest: Rest1<number>): Promise<Buffer>;
  recv(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<Buffer> {
    if (!is_flags(flags)) return this.recv(bufsize, 0, flags as WaitOptions);
    return perform(this._poller.reads, new RecvCall(this, bufsize, flags ?? 0), options);
  }

  /** recvfrom(bufsize, flags = 0, { signal, timeout }) -> [bytes, address of the sender]. See recvfrom(2). */
  recvfrom(bufsize: number, options?: WaitOptions): Promise<ReceivedFrom<F, K, 0>>;
  recvfrom<Flags extends number = 0>(
    bufsize: number,
    ...rest: Flags1<Flags>
  ): Promise<ReceivedFrom<F, K, Flags>>;
  recvfrom(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<ReceivedFrom<F, K, 0>> {
    if (!is_flags(flags)) return this.recvfrom(bufsize, 0, flags as WaitOptions);
    const attempt = () => transfer.recvfrom(this, bufsize, flags ?? 0, 0);
    const check = () => transfer.check_recv(bufsize, flags ?? 0);
    return perform(this._poller.reads, new FunctionCall(this, 'recvfrom', attempt, check), options);
  }

  /** recv_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> how many bytes were written to the buffer. */
  recv_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<number> {
    return with_options(rest, 2, (options, [nbytes, flags]) => {
      const attempt = () => transfer.recv_into(this, buffer, nbytes, flags ?? 0, 0);
      const check = () => transfer.check_recv_into(buffer, nbytes, flags ?? 0);
      return perform(this._poller.reads, new FunctionCall(this, 'recv_into', attempt, check), options);
    });
  }

  /** recvfrom_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> [count, address of the sender]. */
  recvfrom_into(buffer: BytesLike, ...rest: Rest1<number>): Promise<ReceivedFromInto<F, K, 0>>;
  recvfrom_into<Flags extends number = 0>(
    buffer: BytesLike,
    ...rest: Flags2<Flags>
  ): Promise<ReceivedFromInto<F, K, Flags>>;
  recvfrom_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<ReceivedFromInto<F, K, 0>> {
    return with_options(rest, 2, (options, [nbytes, flags]) => {
      const attempt = () => transfer.recvfrom_into(this, buffer, nbytes, flags ?? 0, 0);
      const check = () => transfer.check_recv_into(buffer, nbytes, flags ?? 0);
      return perform(this._poller.reads, new FunctionCall(this, 'recvfrom_into', attempt, check), options);
    });
  }

  /** recv_exactly(n, { signal, timeout }) -> n bytes, under one deadline. The reason of an abort has `partial`, too. */
  recv_exactly(n: number, options?: WaitOptions): Promise<Buffer> {
    return promised(() => perform(this._poller.reads, new RecvExactlyCall(this, n), options));
  }

  /** recvmsg(bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> [data, ancdata, msg_flags, address]. */
  recvmsg(bufsize: number, ...rest: Rest1<number>): Promise<ReceivedMessage<F, K, 0>>;
  recvmsg<Flags extends number = 0>(
    bufsize: number,
    ...rest: Flags2<Flags>
  ): Promise<ReceivedMessage<F, K, Flags>>;
  recvmsg(bufsize: number, ...rest: Rest2<number, number>): Promise<ReceivedMessage<F, K, 0>> {
    return with_options(rest, 2, (options, [ancbufsize, flags]) => {
      const attempt = () => message.recvmsg(this, bufsize, ancbufsize, flags, 0);
      const check = () => message.check_recvmsg(bufsize, ancbufsize, flags);
      return perform(this._poller.reads, new FunctionCall(this, 'recvmsg', attempt, check), options);
    });
  }

  /** recvmsg_into(buffers, ancbufsize = 0, flags = 0, { signal, timeout }) -> [nbytes, ancdata, msg_flags, address]. */
  recvmsg_into(buffers: Elements<BytesLike>, ...rest: Rest1<number>): Promise<ReceivedMessageInto<F, K, 0>>;
  recvmsg_into<Flags extends number = 0>(
    buffers: Elements<BytesLike>,
    ...rest: Flags2<Flags>
  ): Promise<ReceivedMessageInto<F, K, Flags>>;
  recvmsg_into(
    buffers: Elements<BytesLike>,
    ...rest: Rest2<number, number>
  ): Promise<ReceivedMessageInto<F, K, 0>> {
    return with_options(rest, 2, (options, [ancbufsize, flags]) => {
      const taken = message.taken_buffers(buffers);
      const attempt = () => message.recvmsg_into(this, taken, ancbufsize, flags, 0);
      const check = () => message.check_recvmsg_into(taken, ancbufsize, flags);
      return perform(this._poller.reads, new FunctionCall(this, 'recvmsg_into', attempt, check), options);
    });
  }

  /** recvmmsg(vlen, bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> recvmsg's result for each message. */
  recvmmsg(vlen: number, bufsize: number, ...rest: Rest1<number>): Promise<ReceivedMessage<F, K, 0>[]>;
  recvmmsg<Flags extends number = 0>(
    vlen: number,
    bufsize: number,
    ...rest: Flags2<Flags>
  ): Promise<ReceivedMessage<F, K, Flags>[]>;
  recvmmsg(
    vlen: number,
    bufsize: number,
    ...rest: Rest2<number, number>
  ): Promise<ReceivedMessage<F, K, 0>[]> {
    return with_options(rest, 2, (options, [ancbufsize, flags]) => {
      const attempt = () => batch.recvmmsg(this, vlen, bufsize, ancbufsize, flags, 0);
      const check = () => batch.check_recvmmsg(vlen, bufsize, ancbufsize, flags);
      return perform(this._poller.reads, new FunctionCall(this, 'recvmmsg', attempt, check), options);
    });
  }

  /** recvmmsg_into(batch, flags = 0, { signal, timeout }) -> how many messages came into the batch. */
  recvmmsg_into(memory: batch.MessageBatch, ...rest: Rest1<number>): Promise<number>;
  recvmmsg_into(memory: batch.MessageBatch, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.recvmmsg_into(memory, 0, flags as WaitOptions);
    const attempt = () => batch.recvmmsg_into(this, memory, flags, 0);
    const check = () => batch.check_recvmmsg_into(memory, flags);
    return perform(this._poller.reads, new FunctionCall(this, 'recvmmsg_into', attempt, check), options);
  }
}

export { Socket as ReceivingSocket };
