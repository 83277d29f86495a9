// The calls of a TLS connection that send: the program's sendall, and that of what node:tls has encrypted.
import { constants } from 'node:os';
import { sendmsg } from '../../calls/message.js';
import type { SocketBase } from '../../calls/socket_base.js';
import * as transfer from '../../calls/transfer.js';
import { type Data, data } from '../../util/validate.js';
import type { Call, Progress } from '../call.js';
import type { Channel } from './channel.js';

const { EAGAIN, EBADF } = constants.errno;

/** A sendall over TLS: it is done when the kernel has the last encrypted byte. */
export class TlsSendallCall implements Call<void> {
  readonly syscall = 'sendall';
  #sent = 0;
  #text: Uint8Array | undefined;

  constructor(
    readonly sock: SocketBase,
    readonly channel: Channel,
    readonly bytes: Data,
  ) {}

  attempt(): number | undefined {
    if (this.sock._fd < 0) return -EBADF;
    // Checked anew in each attempt: its memory may be gone.
    const view = this.#text ?? data(this.bytes, 'data');
    if (typeof this.bytes === 'string') this.#text = view;
    if (this.#sent < view.length) {
      const count = this.channel.write(view.subarray(this.#sent));
      if (count < 0) return count;
      this.#sent += count;
      return -EAGAIN;
    }
    const result = this.channel.flushed();
    return result < 0 ? result : undefined;
  }

  check(): void {
    transfer.check_send(this.bytes, 0);
  }

  progress(): Progress {
    return { bytes_sent: this.#sent };
  }
}

/** Sends encrypted pieces, one after the other, as few messages as the kernel takes. */
export class PiecesCall implements Call<void> {
  readonly syscall = 'sendmsg';
  #pieces: readonly Buffer[];

  constructor(
    readonly sock: SocketBase,
    pieces: readonly Buffer[],
  ) {
    this.#pieces = pieces;
  }

  attempt(): number | undefined {
    while (this.#pieces.length > 0) {
      const [first] = this.#pieces;
      const count =
        this.#pieces.length === 1 && first !== undefined
          ? transfer.send(this.sock, first, 0, 0)
          : sendmsg(this.sock, this.#pieces, null, 0, null, as_it_is, 0);
      if (count < 0) return count;
      this.#pieces = behind(this.#pieces, count);
    }
    return undefined;
  }

  check(): void {}
}

/** Returns what is left of the pieces behind the first `count` bytes. */
function behind(pieces: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count;
  for (const [i, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(i + 1)];
    left -= piece.length;
  }
  return [];
}

/** There is no address to resolve. */
function as_it_is(host: string): string {
  return host;
}
