/**
 * MemorySocket, a socket in memory for the tests of makefile(). The test sets its input in advance. Plans set the outcome of each
 * receive and each send: a maximum number of bytes, 'block' or 'timeout'.
 */
import { OSError, TimeoutError } from '../../../lib/errors/index.js';
import {
  makefile as blocking_makefile,
  type MakefileOptions,
  type MakefileSocket,
  type SocketFile,
} from '../../../lib/files/blocking/index.js';

export type Plan = (number | 'block' | 'timeout')[];

function next(plan: Plan): number {
  const item = plan.shift();
  if (item === 'block') throw Object.assign(new OSError('Resource temporarily unavailable'), { errno: 11 });
  if (item === 'timeout') throw new TimeoutError('timed out');
  return item ?? Number.POSITIVE_INFINITY;
}

export class MemorySocket implements MakefileSocket {
  _files = 0;
  /** The data of each send, until received(). */
  sent: Buffer[] = [];
  /** The size of each receive's buffer. */
  asked: number[] = [];
  receives: Plan = [];
  sends: Plan = [];
  /** True: the peer has closed its side, so the end of the stream follows the input. */
  ended = true;
  /** True after close(); `closed` is true once the descriptor is closed, too. */
  closing = false;
  closed = false;
  private input: Buffer;

  constructor(input: string | Uint8Array = '') {
    this.input = Buffer.from(input as Uint8Array);
  }

  arrive(data: Uint8Array): void {
    this.input = Buffer.concat([this.input, data]);
  }

  recv_into(buffer: Uint8Array): number {
    this.asked.push(buffer.length);
    const most = next(this.receives);
    const taken = this.input.subarray(0, Math.min(most, buffer.length));
    if (taken.length === 0 && buffer.length > 0 && !this.ended) throw new TimeoutError('timed out');
    buffer.set(taken);
    this.input = this.input.subarray(taken.length);
    return taken.length;
  }

  send(data: Uint8Array): number {
    const taken = Buffer.from(data.subarray(0, Math.min(next(this.sends), data.length)));
    this.sent.push(taken);
    return taken.length;
  }

  /** Removes and returns all sent data. */
  received(): Buffer {
    const all = Buffer.concat(this.sent);
    this.sent = [];
    return all;
  }

  fileno(): number {
    return this.closed ? -1 : 7;
  }

  close(): void {
    this.closing = true;
    if (this._files === 0) this.closed = true;
  }

  _decref_socketios(): void {
    if (this._files > 0) this._files--;
    if (this.closing && this._files === 0) this.closed = true;
  }
}

/** makefile() of a MemorySocket, with the types of that of a socket. */
export function makefile<const Mode extends string = 'r', const Buffering extends number | null = null>(
  sock: MemorySocket,
  mode?: Mode,
  buffering?: Buffering,
  options?: MakefileOptions,
): SocketFile<Mode, Buffering> {
  return blocking_makefile(sock, [mode, buffering, options]) as SocketFile<Mode, Buffering>;
}
