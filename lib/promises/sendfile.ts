// sendfile that does not block the loop: sendfile(2) in pieces, waiting for the socket by readiness. A file that the kernel
// does not send (a pipe, one of /proc) is read and sent: by readiness if the file has any, else in the pool of `fs`.
import {
  type AsyncSendfileSource,
  check_file,
  check_sendfile,
  is_not_sent,
  move_position,
  raise_of_file,
  read_bytes,
  type SendfileArguments,
  seek_begin,
} from '../calls/moving/sendfile.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { is_on_disk, read_later } from '../calls/waiting/file.js';
import { next_turn } from '../calls/waiting/readiness.js';
import { Suspend, yield_turn } from '../calls/waiting/suspend.js';
import { addon } from '../native/addon.js';
import type { Bytes } from '../util/validate.js';
import { check_options, timeout_ms_of, type WaitOptions } from '../util/wait_options.js';
import { FunctionCall } from './call.js';
import { perform, type Queue } from './queue.js';

// The bytes that are moved before the rest of the program has its turn: reading them may wait for the disk.
const PIECE_SIZE = 2 ** 20;
const CHUNK_SIZE = 64 * 1024;

/** Where the bytes of a file go that sendfile(2) does not send. */
export interface Output {
  /** Sends without waiting. Returns the number of bytes, or a negative number. */
  send(bytes: Bytes): number;
  /** Returns 0 once all is sent, or a negative number. */
  flushed(): number;
}

/**
 * See Socket.sendfile.
 *
 * @param output where all bytes go, in place of sendfile(2)
 * @throws TypeError, RangeError
 */
export function sendfile(
  sock: SocketBase,
  writes: Queue,
  file: AsyncSendfileSource,
  offset: unknown,
  count: unknown,
  options: WaitOptions | undefined,
  output?: Output,
): Promise<number> {
  const limit_ms = timeout_ms_of(options === undefined ? {} : check_options(options), sock._timeout_ms);
  const checked = check_sendfile(sock, file, offset, count, limit_ms === 0 ? 0 : null);
  const { fd, begin, wanted } = checked;
  let sent = 0;
  let by_hand: ByHand | undefined;
  const attempt = (): number => {
    if (by_hand === undefined && output === undefined && fd >= 0) {
      const piece = Math.min(wanted - sent, PIECE_SIZE);
      const result = addon.sendfile(sock._fd, sock._generation, fd, begin + sent, piece, 0);
      if (sent > 0 || !is_not_sent(result)) {
        check_file(sock, fd, result, sent);
        if (result < 0) return result;
        sent += result;
        if (result === 0 || sent === wanted) return sent;
        throw yield_turn();
      }
    }
    by_hand ??= new ByHand(
      checked,
      output ?? { send: (bytes) => transfer.send(sock, bytes, 0, 0), flushed: () => 0 },
    );
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
  readonly #has_positions: boolean;
  #rest: Bytes | undefined;
  #began = false;
  #ended = false;

  constructor(
    readonly file: SendfileArguments,
    readonly output: Output,
  ) {
    this.#has_positions = file.reader === undefined && is_on_disk(file.fd);
  }

  /** Returns the number of all bytes sent, or a negative number. @throws Suspend while it reads */
  send(): number {
    while (!this.#ended && this.sent < this.file.wanted) {
      if (this.#rest === undefined) throw this.#later();
      const count = this.output.send(this.#rest);
      if (count < 0) return count;
      this.sent += count;
      this.#rest = count < this.#rest.length ? this.#rest.subarray(count) : undefined;
    }
    return Math.min(this.output.flushed(), 0) || this.sent;
  }

  #later(): Suspend {
    const aborter = new AbortController();
    return new Suspend(this.#read(aborter.signal), () => aborter.abort());
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { fd, reader, begin, wanted } = this.file;
    const length = Math.min(CHUNK_SIZE, wanted - this.sent);
    let bytes: Bytes;
    if (reader !== undefined) {
      await next_turn();
      if (!this.#began) await seek_begin(this.file);
      this.#began = true;
      bytes = read_bytes(await reader.read(length));
    } else {
      const position = this.#has_positions ? begin + this.sent : -1;
      const count = await read_later(fd, this.#buffer.subarray(0, length), position, signal);
      if (count < 0) raise_of_file(fd, count, this.sent);
      bytes = this.#buffer.subarray(0, count);
    }
    this.#ended = bytes.length === 0;
    this.#rest = this.#ended ? undefined : bytes;
  }
}
