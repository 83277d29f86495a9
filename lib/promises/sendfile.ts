// sendfile that does not block the loop: sendfile(2) in pieces, waiting for the socket by readiness. A file that the kernel
// does not send (a pipe, one of /proc) is read in the pool of `fs`, once it is readable if it has readiness, and sent.
import { read as fs_read, fstatSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  check_file,
  check_sendfile,
  is_not_sent,
  move_position,
  raise_of_file,
  type SendfileSource,
} from '../calls/sendfile.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { READ, ready } from '../calls/waiting/readiness.js';
import { Suspend, yield_turn } from '../calls/waiting/suspend.js';
import { OSError } from '../errors/index.js';
import { addon, cells, GENERATION } from '../native/addon.js';
import { check_options, timeout_ms_of, type WaitOptions } from '../util/wait_options.js';
import { FunctionCall } from './call.js';
import { perform, type Queue } from './queue.js';

// The bytes that are moved before the rest of the program has its turn: reading them may wait for the disk.
const PIECE_SIZE = 2 ** 20;
const CHUNK_SIZE = 64 * 1024;
const read = promisify(fs_read);

/** See Socket.sendfile. @throws TypeError, RangeError */
export function sendfile(
  sock: SocketBase,
  writes: Queue,
  file: SendfileSource,
  offset: unknown,
  count: unknown,
  options: WaitOptions | undefined,
): Promise<number> {
  const limit_ms = timeout_ms_of(options === undefined ? {} : check_options(options), sock._timeout_ms);
  const { fd, begin, wanted } = check_sendfile(sock, file, offset, count, limit_ms === 0 ? 0 : null);
  let sent = 0;
  let by_hand: ByHand | undefined;
  const attempt = (): number => {
    if (by_hand === undefined) {
      const piece = Math.min(wanted - sent, PIECE_SIZE);
      const result = addon.sendfile(sock._fd, sock._generation, fd, begin + sent, piece, 0);
      if (sent > 0 || !is_not_sent(result)) {
        check_file(sock, fd, result, sent);
        if (result < 0) return result;
        sent += result;
        if (result === 0 || sent === wanted) return sent;
        throw yield_turn();
      }
      by_hand = new ByHand(sock, fd, begin, wanted);
    }
    return by_hand.send();
  };
  const total = () => by_hand?.sent ?? sent;
  const moved = () => {
    if (total() > 0) move_position(file, begin + total());
  };
  const call = new FunctionCall(sock, 'sendfile', attempt, undefined, () => ({ bytes_sent: total() }));
  const result = perform(writes, call, options);
  result.then(moved, moved).catch(() => {});
  return result;
}

/** Sends a file that sendfile(2) does not take: reads a chunk, sends it, and so on. */
class ByHand {
  sent = 0;
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE);
  readonly #regular: boolean;
  #rest: Buffer | undefined;
  #ended = false;

  constructor(
    readonly sock: SocketBase,
    readonly fd: number,
    readonly begin: number,
    readonly wanted: number,
  ) {
    this.#regular = fstatSync(fd).isFile();
  }

  /** Returns the number of all bytes sent, or a negative number. @throws Suspend while it reads */
  send(): number {
    while (!this.#ended && this.sent < this.wanted) {
      if (this.#rest === undefined) throw this.#later();
      const count = transfer.send(this.sock, this.#rest, 0, 0);
      if (count < 0) return count;
      this.sent += count;
      this.#rest = count < this.#rest.length ? this.#rest.subarray(count) : undefined;
    }
    return this.sent;
  }

  #later(): Suspend {
    const aborter = new AbortController();
    const read = this.#read(aborter.signal).catch((error) => raise_of_file(this.fd, error, this.sent));
    return new Suspend(read, () => aborter.abort());
  }

  async #read(signal: AbortSignal): Promise<void> {
    const length = Math.min(CHUNK_SIZE, this.wanted - this.sent);
    const position = this.#regular ? this.begin + this.sent : null;
    if (position === null) await this.#readable(signal);
    try {
      // In the pool, because another reader of the file may have been faster: then the read waits.
      const { bytesRead } = await read(this.fd, this.#buffer, 0, length, position);
      this.#ended = bytesRead === 0;
      this.#rest = bytesRead === 0 ? undefined : this.#buffer.subarray(0, bytesRead);
    } catch (error) {
      // Another reader was faster, and the file is non-blocking: send() reads again.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }

  /** Waits until there is something to read, if the file has readiness. */
  async #readable(signal: AbortSignal): Promise<void> {
    if (addon.adopt(this.fd) < 0) return;
    const generation = cells[GENERATION] as number;
    addon.disown(this.fd);
    try {
      await ready(this.fd, generation, READ, signal);
    } catch (error) {
      if (!(error instanceof OSError && error.code === 'EPERM')) throw error;
    }
  }
}
