// What a socket of promises sends: send and its kin, behind the writes that wait.
import type { Address } from '../calls/address.js';
import type { Message } from '../calls/batch.js';
import * as batch from '../calls/batch.js';
import type { ControlMessage } from '../calls/control.js';
import * as message from '../calls/message.js';
import type { SendfileSource } from '../calls/sendfile.js';
import * as transfer from '../calls/transfer.js';
import { yield_turn } from '../calls/waiting/suspend.js';
import { type Data, data, integer } from '../util/validate.js';
import {
  promised,
  type Rest1,
  type Rest2,
  type Rest3,
  take_options,
  type WaitOptions,
} from '../util/wait_options.js';
import { is_flags, TURN_SIZE } from './base.js';
import type { Attempt } from './operation.js';
import { ReceivingSocket } from './receiving.js';
import { sendfile } from './sendfile.js';

export class SendingSocket<out F extends number = number> extends ReceivingSocket<F> {
  /** send(data, flags = 0, { signal, timeout }) -> how many bytes the kernel took. See send(2). */
  send(bytes: Data, ...rest: Rest1<number>): Promise<number>;
  send(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.send(bytes, 0, flags as WaitOptions);
    const attempt = () => transfer.send(this, data(bytes, 'data'), integer(flags ?? 0, 'flags'), 0);
    return this._write('send', attempt, options);
  }

  /**
   * sendall(data, flags = 0, { signal, timeout }). Sends all of it, under one deadline. The memory is read until it is done.
   *
   * @throws OSError, TimeoutError, with `bytes_sent`
   */
  sendall(bytes: Data, ...rest: Rest1<number>): Promise<void>;
  sendall(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<void> {
    if (!is_flags(flags)) return this.sendall(bytes, 0, flags as WaitOptions);
    let sent = 0;
    let text: Uint8Array | undefined;
    const attempt = (): number | undefined => {
      // Looked at anew in each attempt: its memory may be gone.
      const view = text ?? data(bytes, 'data');
      if (typeof bytes === 'string') text = view;
      for (let turn = 0; ; ) {
        const rest = sent === 0 ? view : view.subarray(sent);
        const count = transfer.send(this, rest, integer(flags ?? 0, 'flags'), 0);
        if (count < 0) return count;
        sent += count;
        turn += count;
        if (sent >= view.length) return undefined;
        if (turn >= TURN_SIZE) throw yield_turn();
      }
    };
    return this._write('sendall', attempt as Attempt<void>, options, () => ({ bytes_sent: sent }));
  }

  /**
   * sendfile(file, offset = 0, count = null, { signal, timeout }) -> how many bytes were sent, by sendfile(2).
   *
   * @param file a descriptor, a FileHandle, or what has `fileno()`; with `seek()`, its position moves behind what was sent
   * @param offset where in the file to begin
   * @param count how many bytes, or null for all to the end
   * @throws OSError, TimeoutError, with `bytes_sent`; RangeError on a socket that is no stream or never waits
   */
  sendfile(file: SendfileSource, ...rest: Rest2<number, number>): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 2);
      const [offset, count] = rest as [number?, number?];
      return sendfile(this, file, offset ?? 0, count, options);
    });
  }

  /** sendto(data, address) or sendto(data, flags, address), { signal, timeout } -> how many bytes went out. See sendto(2). */
  sendto(bytes: Data, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, flags: number, address: Address<F>, options?: WaitOptions): Promise<number>;
  sendto(bytes: Data, ...rest: unknown[]): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 2);
      const has_flags = rest.length > 1 && rest[1] !== undefined;
      const flags = has_flags ? rest[0] : 0;
      const to = has_flags ? rest[1] : rest[0];
      return this._write(
        'sendto',
        (resolve) => transfer.sendto(this, data(bytes, 'data'), integer(flags, 'flags'), to, resolve, 0),
        options,
        () => ({ address: to }),
      );
    });
  }

  /**
   * sendmsg(buffers, ancdata = [], flags = 0, address = null, { signal, timeout }) -> how many bytes went out. See
   * sendmsg(2), cmsg(3).
   *
   * @param buffers bytes or strings, sent one after the other as one message; at most 1,024
   * @param ancdata control messages `[cmsg_level, cmsg_type, cmsg_data]`
   */
  sendmsg(
    buffers: readonly Data[],
    ...rest: Rest3<readonly ControlMessage[], number, Address<F>>
  ): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 3);
      const [ancdata, flags, address] = rest;
      return this._write(
        'sendmsg',
        (resolve) => message.sendmsg(this, buffers, ancdata, flags, address, resolve, 0),
        options,
        () => ({ bytes_sent: 0 }),
      );
    });
  }

  /**
   * sendmsg_afalg(msg, { op, iv, assoclen, flags = 0 }, { signal, timeout }) -> how many bytes went out. For AF_ALG sockets.
   *
   * @param msg buffers; none or null only sets the operation
   */
  sendmsg_afalg(
    msg: readonly Data[] | null | undefined,
    operation: message.AlgOptions,
    options?: WaitOptions,
  ): Promise<number> {
    return this._write('sendmsg_afalg', () => message.sendmsg_afalg(this, msg, operation, 0), options);
  }

  /**
   * sendmmsg(messages, flags = 0, { signal, timeout }) -> how many messages went out, which may be fewer: at most 1,024 go
   * at once. See sendmmsg(2).
   *
   * @param messages sendmsg's arguments, `[buffers, ancdata?, flags?, address?]` each
   */
  sendmmsg(messages: readonly Message<F>[], ...rest: Rest1<number>): Promise<number> {
    return promised(() => {
      const options = take_options(rest, 1);
      const [flags] = rest;
      return this._write('sendmmsg', (resolve) => batch.sendmmsg(this, messages, flags, resolve, 0), options);
    });
  }
}
