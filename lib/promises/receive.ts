// The receiving half of class socket of promises: the calls that take bytes, messages and batches of them. socket.ts extends it by all the
// rest and says how a method makes its Call; queue.ts decides which call waits.
import * as batch from '../calls/batch/receive.js';
import type { ReceivedMessage, ReceivedMessageInto } from '../calls/message.js';
import * as message from '../calls/message.js';
import { SocketBase } from '../calls/socket_base.js';
import type { ReceivedFrom, ReceivedFromInto } from '../calls/transfer.js';
import * as transfer from '../calls/transfer.js';
import { type Chunk, check_size, recv_chunk } from '../calls/waiting/chunk.js';
import * as c from '../constants.js';
import type { OwnedDescriptor } from '../util/owned_descriptor.js';
import { type BytesLike, type Elements, options_of } from '../util/validate.js';
import {
  type Flags1,
  type Flags2,
  is_flags,
  promised,
  type Rest1,
  type Rest2,
  WAIT_OPTIONS,
  type WaitOptions,
  with_options,
} from '../util/wait_options.js';
import { RecvCall, RecvExactlyCall } from './attempts.js';
import { type Attempt, FunctionCall } from './call.js';
import { Poller, perform, perform_now } from './queue.js';

const CHUNK_SIZE = 64 * 1024;

/** A chunk of a socket: that of datagrams has the sender's address. */
type SocketChunk<F extends number, K extends number> = Chunk<transfer.SenderAddress<F, K, 0>>;

/** The options of chunks(). */
export interface ChunkOptions extends WaitOptions {
  /** The most bytes of a chunk. */
  size?: number | null | undefined;
}

// The name is that of the whole class: see SocketBase.
class Socket<out F extends number = number, out K extends number = number> extends SocketBase<F, K> {
  /** The waiting calls, and the place of the descriptor in the readiness. Over TLS: the calls on decrypted data. @internal */
  declare _poller: Poller;

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

  /** Returns what receives datagrams one after the other, each of at most `bufsize` bytes. @internal */
  _datagrams(bufsize: number): () => ReceivedFrom<F, K, 0> | Promise<ReceivedFrom<F, K, 0>> {
    const call = new FunctionCall(this, 'recvfrom', () => transfer.recvfrom(this, bufsize, 0, 0));
    return () => perform_now(this._poller.reads, call);
  }

  /**
   * recv(bufsize, flags = 0, { signal, timeout }) -> bytes; none at the end of a stream. See recv(2).
   *
   * @param bufsize the most bytes to receive; the call does not wait for so many
   * @param rest flags, MSG_*; `{ signal, timeout }`, the time-out in seconds
   * @returns the bytes, in a Buffer of their own; an empty one is the end of a stream, or an empty datagram
   * @throws TimeoutError after the time-out; the signal's reason; OSError ECONNRESET, ENOTCONN, …
   * @example
   * await peer.sendall('hello');
   * console.log((await sock.recv(1024, { timeout: 5 })).toString()); // hello
   */
  recv(bufsize: number, ...rest: Rest1<number>): Promise<Buffer>;
  recv(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<Buffer> {
    if (!is_flags(flags)) return this.recv(bufsize, 0, flags as WaitOptions);
    return perform(this._poller.reads, new RecvCall(this, bufsize, flags ?? 0), options);
  }

  /**
   * recvfrom(bufsize, flags = 0, { signal, timeout }) -> [bytes, address of the sender]. For datagrams: a connected stream gives no
   * address. See recvfrom(2).
   *
   * @param bufsize the most bytes to receive; the rest of a longer datagram is lost
   * @returns the datagram and the address to answer to, in the form of the family
   * @throws TimeoutError; the signal's reason; OSError ECONNREFUSED if the peer of a connected datagram socket sent back an ICMP error
   * @example
   * await udp.sendto('ping', udp.getsockname());
   * const [data, [host]] = await udp.recvfrom(2048);
   * console.log(data.toString(), host); // ping 127.0.0.1
   */
  recvfrom(bufsize: number, options?: WaitOptions): Promise<ReceivedFrom<F, K, 0>>;
  /**
   * recvfrom(bufsize, flags, { signal, timeout }): the same with flags. See recvfrom(2).
   *
   * @param rest flags, MSG_*: with MSG_ERRQUEUE the address may be null
   */
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

  /**
   * recv_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> how many bytes were written to the buffer. See recv(2).
   *
   * @param buffer memory to fill, which stays the call's until it is done
   * @param rest the most bytes to receive, 0: as many as fit; flags, MSG_*; `{ signal, timeout }`
   * @returns the number of bytes; 0 at the end of a stream
   * @throws RangeError for more bytes than the buffer holds; TimeoutError; the signal's reason; OSError
   * @example
   * const memory = Buffer.alloc(1024);
   * await peer.sendall('hello');
   * console.log(memory.toString('utf8', 0, await sock.recv_into(memory))); // hello
   */
  recv_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<number> {
    return with_options(rest, 2, (options, [nbytes, flags]) => {
      const attempt = () => transfer.recv_into(this, buffer, nbytes, flags ?? 0, 0);
      const check = () => transfer.check_recv_into(buffer, nbytes, flags ?? 0);
      return perform(this._poller.reads, new FunctionCall(this, 'recv_into', attempt, check), options);
    });
  }

  /**
   * recv_chunk(size, { signal, timeout }) -> the next bytes in memory that the program gives back: `chunk.release()`, or `using`. Memory that
   * was just used is faster than the new memory of recv(). See recv(2).
   *
   * @param size the most bytes to receive, 1 to 2^30; the call does not wait for so many
   * @param options an AbortSignal, and a time-out in seconds
   * @returns the bytes as `data`; none at the end of a stream, or of an empty datagram, which has its sender as `address`
   * @throws TimeoutError; the signal's reason; OSError as recv
   * @example
   * await peer.sendall('hello');
   * const chunk = await sock.recv_chunk(65536);
   * console.log(chunk.data.toString()); // hello
   * chunk.release();
   */
  recv_chunk(size: number, options?: WaitOptions): Promise<SocketChunk<F, K>> {
    return promised(() => {
      const checked = check_size(size);
      return this._read('recv_chunk', () => recv_chunk(this, checked, 0), options);
    });
  }

  /**
   * chunks({ size, signal, timeout }) -> what recv_chunk() gives, one after the other, until the end of the stream or close():
   * `for await (using chunk of sock.chunks())`. Of a datagram socket: each datagram and its sender, without an end. See recv(2).
   *
   * @param options `size`, the most bytes of a chunk (65,536); an AbortSignal; a time-out in seconds for each chunk
   * @returns an iterator; the chunks are the caller's to release
   * @throws as recv_chunk()
   * @example
   * await peer.sendall('hello');
   * peer.close();
   * for await (const chunk of sock.chunks({ size: 4096 })) {
   *   console.log(chunk.data.toString()); // hello
   *   chunk.release();
   * }
   */
  chunks(options: ChunkOptions = {}): AsyncGenerator<SocketChunk<F, K>, void, undefined> {
    const { size, ...wait } = options_of(options, ['size', ...WAIT_OPTIONS]);
    return this.#chunks(check_size(size ?? CHUNK_SIZE), wait);
  }

  async *#chunks(size: number, options: WaitOptions): AsyncGenerator<SocketChunk<F, K>, void, undefined> {
    const has_end = this.type === c.SOCK_STREAM || this.type === c.SOCK_SEQPACKET;
    while (this._fd >= 0) {
      let chunk: SocketChunk<F, K>;
      try {
        chunk = await this.recv_chunk(size, options);
      } catch (error) {
        // The socket was closed while the loop waited.
        if (this._fd < 0) return;
        throw error;
      }
      if (has_end && chunk.data.length === 0) {
        chunk.release();
        return;
      }
      yield chunk;
    }
  }

  /**
   * recvfrom_into(buffer, nbytes = 0, flags = 0, { signal, timeout }) -> [count, address of the sender]. See recvfrom(2).
   *
   * @param buffer memory to fill, which stays the call's until it is done
   * @param rest the most bytes to receive, 0: as many as fit; `{ signal, timeout }`
   * @returns the number of bytes, and the address of the sender
   * @throws RangeError for more bytes than the buffer holds; TimeoutError; the signal's reason; OSError
   * @example
   * const memory = Buffer.alloc(2048);
   * await udp.sendto('ping', udp.getsockname());
   * console.log((await udp.recvfrom_into(memory))[0]); // 4
   */
  recvfrom_into(buffer: BytesLike, ...rest: Rest1<number>): Promise<ReceivedFromInto<F, K, 0>>;
  /**
   * recvfrom_into(buffer, nbytes, flags, { signal, timeout }): the same with flags. See recvfrom(2).
   *
   * @param rest the most bytes to receive, 0: as many as fit; flags, MSG_*
   */
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

  /**
   * recv_exactly(n, { signal, timeout }) -> n bytes, under one deadline. As asyncio's StreamReader.readexactly; see recv(2).
   *
   * @param n how many bytes to wait for
   * @returns all n bytes, never fewer
   * @throws IncompleteReadError if the stream ends before; TimeoutError; OSError; the signal's reason. All have the bytes received before
   *   as `partial`
   * @example
   * await peer.sendall('\x00\x05hello');
   * const length = (await sock.recv_exactly(2)).readUInt16BE();
   * console.log((await sock.recv_exactly(length)).toString()); // hello
   */
  recv_exactly(n: number, options?: WaitOptions): Promise<Buffer> {
    return promised(() => perform(this._poller.reads, new RecvExactlyCall(this, n), options));
  }

  /**
   * recvmsg(bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> [data, ancdata, msg_flags, address]. See recvmsg(2), cmsg(3).
   *
   * @param bufsize the most bytes of data
   * @param rest room for control messages in bytes, a sum of CMSG_SPACE; `{ signal, timeout }`
   * @returns the bytes, the control messages as `[level, type, data]`, the flags of the message (MSG_TRUNC: data was cut; MSG_CTRUNC:
   *   control messages were), and the sender's address. Descriptors that come are close-on-exec and belong to the caller
   * @throws TimeoutError; the signal's reason; OSError
   * @example
   * udp.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
   * await udp.sendto('ping', udp.getsockname());
   * const [data, ancdata] = await udp.recvmsg(2048, CMSG_SPACE(12));
   * console.log(data.toString(), ancdata.length); // ping 1
   */
  recvmsg(bufsize: number, ...rest: Rest1<number>): Promise<ReceivedMessage<F, K, 0>>;
  /**
   * recvmsg(bufsize, ancbufsize, flags, { signal, timeout }): the same with flags. See recvmsg(2).
   *
   * @param rest room for control messages in bytes; flags, MSG_*
   */
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

  /**
   * recvmsg_into(buffers, ancbufsize = 0, flags = 0, { signal, timeout }) -> [nbytes, ancdata, msg_flags, address]. Fills the buffers one
   * after the other. See recvmsg(2).
   *
   * @param buffers an iterable of the memory to fill, at most 1,024 pieces
   * @param rest room for control messages in bytes; `{ signal, timeout }`
   * @returns as recvmsg, with the number of bytes in place of the bytes
   * @throws OSError EMSGSIZE for more than 1,024 buffers; TimeoutError; the signal's reason
   * @example
   * const [head, body] = [Buffer.alloc(2), Buffer.alloc(100)];
   * await peer.sendall('\x00\x05hello');
   * console.log((await sock.recvmsg_into([head, body]))[0], head[1]); // 7 5
   */
  recvmsg_into(buffers: Elements<BytesLike>, ...rest: Rest1<number>): Promise<ReceivedMessageInto<F, K, 0>>;
  /**
   * recvmsg_into(buffers, ancbufsize, flags, { signal, timeout }): the same with flags. See recvmsg(2).
   *
   * @param rest room for control messages in bytes; flags, MSG_*
   */
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

  /**
   * recvmmsg(vlen, bufsize, ancbufsize = 0, flags = 0, { signal, timeout }) -> recvmsg's result for each message that is there: waits for
   * the first. Datagrams that were joined (UDP_GRO) come apart. See recvmmsg(2).
   *
   * @param vlen at most this number of messages, 1 to 1,024
   * @param bufsize the most bytes of each message
   * @param rest room for the control messages of each, in bytes; `{ signal, timeout }`
   * @returns one to vlen messages
   * @throws TimeoutError if no message comes; the signal's reason; OSError
   * @example
   * for (const text of ['one', 'two']) await udp.sendto(text, udp.getsockname());
   * console.log((await udp.recvmmsg(16, 2048)).map(([data]) => data.toString())); // [ 'one', 'two' ]
   */
  recvmmsg(vlen: number, bufsize: number, ...rest: Rest1<number>): Promise<ReceivedMessage<F, K, 0>[]>;
  /**
   * recvmmsg(vlen, bufsize, ancbufsize, flags, { signal, timeout }): the same with flags. See recvmmsg(2).
   *
   * @param rest room for the control messages of each, in bytes; flags, MSG_*
   */
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

  /**
   * recvmmsg_into(batch, flags = 0, { signal, timeout }) -> how many messages came into the batch: waits for the first. No memory is made
   * for them. Datagrams that were joined (UDP_GRO) come apart. See recvmmsg(2), MessageBatch.
   *
   * @param memory the batch, which keeps the messages until the next call with it
   * @param rest flags, MSG_*; `{ signal, timeout }`
   * @returns the number of messages, at most the `vlen` of the batch
   * @throws OSError EBUSY if another call waits with the same batch; TimeoutError; the signal's reason
   * @example
   * const batch = new MessageBatch(16, 2048);
   * await udp.sendto('ping', udp.getsockname());
   * console.log(await udp.recvmmsg_into(batch), batch.data(0).toString()); // 1 ping
   */
  recvmmsg_into(memory: batch.MessageBatch, ...rest: Rest1<number>): Promise<number>;
  recvmmsg_into(memory: batch.MessageBatch, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.recvmmsg_into(memory, 0, flags as WaitOptions);
    const attempt = () => batch.recvmmsg_into(this, memory, flags, 0);
    const check = () => batch.check_recvmmsg_into(memory, flags);
    return perform(this._poller.reads, new FunctionCall(this, 'recvmmsg_into', attempt, check), options);
  }
}

export { Socket as ReceivingSocket };
