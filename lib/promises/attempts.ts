// Calls with classes of their own: those that are made most (recv, send), and those that keep something between two attempts (connect,
// sendall, recv_exactly, sends with MSG_FASTOPEN). The other calls are in socket.ts.
import { constants } from 'node:os';
import { check_address, type ResolveHost } from '../calls/address.js';
import { completed } from '../calls/message.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { yield_turn } from '../calls/waiting/suspend.js';
import * as c from '../constants.js';
import { IncompleteReadError } from '../errors/index.js';
import { addon, cells, DETACHED, VALUE } from '../native/addon.js';
import { type Bytes, type Data, data, integer, size } from '../util/validate.js';
import type { Attempt, Call, Progress, WaitingLine } from './call.js';

const { EAGAIN, EALREADY, EINPROGRESS, ENOBUFS, ENOTCONN } = constants.errno;
/** The bytes that a call moves before the rest of the program has its turn. */
const TURN_SIZE = 4 * 2 ** 20;

/** See Socket.connect. */
export class ConnectCall implements Call<void> {
  readonly syscall = 'connect';
  readonly connects = true;
  #under_way = false;

  constructor(
    readonly sock: SocketBase,
    readonly address: unknown,
  ) {}

  attempt(resolve: ResolveHost): number | undefined {
    const { sock, address } = this;
    if (this.#under_way) return connected(sock);
    const result = transfer.connect(sock, address, resolve, 0);
    this.#under_way = result === -EINPROGRESS;
    // EAGAIN is a full backlog, which only AF_UNIX waits for.
    if (result === -EAGAIN && sock.family !== c.AF_UNIX) sock._raise(result, 'connect', address);
    return result < 0 ? result : undefined;
  }

  check(): void {
    check_address(this.sock, this.address, 'connect');
  }

  progress(): Progress {
    return { address: this.address };
  }
}

/** The outcome of a connect that was under way. */
function connected(sock: SocketBase): number | undefined {
  const result = addon.getsockopt_int(sock._fd, sock._generation, c.SOL_SOCKET, c.SO_ERROR);
  if (result < 0) return result;
  const error = cells[VALUE] as number;
  if (error !== 0) return -error;
  // Woken too early: by an edge from before the connect.
  const peer = addon.getpeername(sock._fd, sock._generation);
  return peer === -ENOTCONN ? -EINPROGRESS : undefined;
}

/**
 * Returns the attempts of a send that may have MSG_FASTOPEN. Without a cookie of the server the first one begins a connection and
 * moves no data, -EINPROGRESS; -EALREADY if a call that was aborted began it. The next ones send without the flag.
 *
 * @param send makes one attempt, without the flags `spent`
 */
export function fast_open(send: (resolve: ResolveHost, spent: number) => number): Attempt<number> {
  let spent = 0;
  return (resolve) => {
    const result = send(resolve, spent);
    if (result !== -EINPROGRESS && result !== -EALREADY) return result;
    spent = c.MSG_FASTOPEN;
    return -EINPROGRESS;
  };
}

/** See Socket.recv. */
export class RecvCall implements Call<Buffer> {
  readonly syscall = 'recv';

  constructor(
    readonly sock: SocketBase,
    readonly bufsize: number,
    readonly flags: number,
  ) {}

  attempt(): Buffer | number {
    return transfer.recv(this.sock, this.bufsize, this.flags, 0);
  }

  check(): void {
    transfer.check_recv(this.bufsize, this.flags);
  }

  allowance(): number {
    return transfer.allowance(this.sock, this.bufsize, this.flags);
  }

  received(count: number, place: number): Buffer {
    return transfer.received(this.sock, count, place);
  }
}

/** See Socket.send. */
export class SendCall implements Call<number> {
  readonly syscall = 'send';

  constructor(
    readonly sock: SocketBase,
    readonly bytes: Data,
    readonly flags: unknown,
  ) {}

  attempt(): number {
    return transfer.send(this.sock, data(this.bytes, 'data'), integer(this.flags, 'flags'), 0);
  }

  check(): void {
    transfer.check_send(this.bytes, this.flags);
  }
}

/** See Socket.sendall. */
export class SendallCall implements Call<void> {
  readonly syscall = 'sendall';
  #sent = 0;
  #text: Uint8Array | undefined;

  constructor(
    readonly sock: SocketBase,
    readonly bytes: Data,
    protected flags: unknown,
  ) {}

  attempt(): number | undefined {
    // Checked anew in each attempt: its memory may be gone.
    const view = this.#text ?? data(this.bytes, 'data');
    if (typeof this.bytes === 'string') this.#text = view;
    for (let moved = 0; ; ) {
      const rest = this.#sent === 0 ? view : view.subarray(this.#sent);
      const count = transfer.send(this.sock, rest, integer(this.flags, 'flags'), 0);
      if (count < 0) return count;
      this.#sent += count;
      moved += count;
      if (this.#sent >= view.length) return undefined;
      if (count === 0) return DETACHED;
      if (moved >= TURN_SIZE) throw yield_turn();
    }
  }

  check(): void {
    transfer.check_send(this.bytes, this.flags);
  }

  progress(): Progress {
    return { bytes_sent: this.#sent };
  }
}

/** A sendall with flags: MSG_ZEROCOPY makes it wait until the kernel is done with the memory. */
export class FlaggedSendallCall extends SendallCall {
  #is_zerocopy = false;
  #waits_for: Uint8Array | undefined;

  constructor(
    sock: SocketBase,
    bytes: Data,
    flags: unknown,
    readonly reads: WaitingLine,
    readonly writes: WaitingLine,
  ) {
    // The memory of a text, which is the same in all attempts.
    super(sock, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, flags);
  }

  override attempt(): number | undefined {
    if (this.#waits_for !== undefined) return this.#completed(this.#waits_for);
    const flags = integer(this.flags, 'flags');
    this.#is_zerocopy ||= (flags & c.MSG_ZEROCOPY) !== 0;
    if (!this.#is_zerocopy) return super.attempt();
    let result = super.attempt();
    if (result === -ENOBUFS && (flags & c.MSG_ZEROCOPY) !== 0) {
      // The kernel may pin no more memory of this user or socket, but copies it.
      this.flags = flags & ~c.MSG_ZEROCOPY;
      result = super.attempt();
    }
    return result === undefined ? this.#completed(data(this.bytes, 'data')) : result;
  }

  /** Makes the next attempt soon: another call has read a completion. */
  wake(): void {
    queueMicrotask(() => this.writes.run());
  }

  /** Ends the call once the kernel is done with the memory, which another call may learn, too. */
  #completed(view: Uint8Array): number | undefined {
    this.#waits_for = view;
    const result = completed(this.sock, view, 0);
    const pins = this.sock._zerocopy;
    if (result === -EAGAIN) pins?.waiting.add(this);
    // A recvmsg that waits for the error queue has no event of what was read here.
    if (pins !== undefined && pins.others.length > 0) queueMicrotask(() => this.reads.run());
    return result < 0 ? result : undefined;
  }
}

/** See Socket.recv_exactly. */
export class RecvExactlyCall implements Call<Buffer> {
  readonly syscall = 'recv_exactly';
  readonly #buffer: Buffer;
  #received = 0;

  /**
   * @param receive receives into memory without waiting
   * @throws TypeError, RangeError
   */
  constructor(
    readonly sock: SocketBase,
    n: number,
    readonly receive = (view: Bytes): number => transfer.recv_into(sock, view, 0, 0, 0),
  ) {
    this.#buffer = Buffer.allocUnsafeSlow(size(n, 'n'));
  }

  attempt(): Buffer | number {
    const buffer = this.#buffer;
    for (let moved = 0; this.#received < buffer.length; ) {
      if (moved >= TURN_SIZE) throw yield_turn();
      const count = this.receive(buffer.subarray(this.#received));
      if (count < 0) return count;
      if (count === 0) throw new IncompleteReadError(this.progress().partial, buffer.length);
      this.#received += count;
      moved += count;
    }
    return buffer;
  }

  check(): void {}

  progress(): { partial: Buffer } {
    return { partial: this.#buffer.subarray(0, this.#received) };
  }
}
