// What every socket of promises has: its life, its place in the queues (queue.ts), and how it comes to an address: bind,
// connect, shutdown. What it receives and sends is receiving.ts and sending.ts, the class as users know it socket.ts.
import { constants } from 'node:os';
import type { Address } from '../calls/address.js';
import { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError, TimeoutError } from '../errors/index.js';
import { addon, cells, VALUE } from '../native/addon.js';
import type { WaitOptions } from '../util/wait_options.js';
import type { About, Attempt } from './operation.js';
import { Poller } from './queue.js';

const { EAGAIN, EINPROGRESS, ENOTCONN } = constants.errno;
/** What a call moves before the rest of the program has its turn. */
export const TURN_SIZE = 4 * 2 ** 20;

/** Whether an argument behind others is flags, and not the options already. */
export function is_flags(value: unknown): value is number {
  return typeof value !== 'object' || value === null;
}

export class EventSocket<out F extends number = number> extends SocketBase<F> {
  /** Made by the constructor of the base. */
  declare private _poller: Poller | undefined;

  override get _event_driven(): boolean {
    return true;
  }

  override get _watcher(): Poller {
    this._poller ??= new Poller(this._fd, this._generation);
    return this._poller;
  }

  /** A read in its turn. @internal */
  _read<T>(syscall: string, attempt: Attempt<T>, options?: WaitOptions, about?: () => About): Promise<T> {
    return this._watcher.read(this, syscall, attempt, options, about);
  }

  /** A write in its turn. @internal */
  _write<T>(syscall: string, attempt: Attempt<T>, options?: WaitOptions, about?: () => About): Promise<T> {
    return this._watcher.write(this, syscall, attempt, options, about);
  }

  /** Rejects what waits with ECANCELED, and frees the descriptor. @internal */
  override _close(): void {
    if (this._fd >= 0) this._poller?.release();
    super._close();
  }

  /** detach() -> the descriptor, which now belongs to the caller, and does not block; what waits rejects (ECANCELED). */
  override detach(): number {
    if (this._fd >= 0) this._poller?.release();
    return super.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      this.close();
      resolve();
    });
  }

  /** ref(). What is awaited on this socket keeps the process alive, as at the start. */
  ref(): this {
    this._watcher.reference(true);
    return this;
  }

  /** unref(). What is awaited on this socket no longer keeps the process alive. */
  unref(): this {
    this._watcher.reference(false);
    return this;
  }

  /** bind(address, { signal, timeout }). See bind(2). @throws OSError; gaierror for a host name; TypeError, RangeError */
  bind(address: Address<F>, options?: WaitOptions): Promise<void> {
    return this._write(
      'bind',
      (resolve) => this._bind(address, resolve),
      options,
      () => ({ address }),
    );
  }

  /**
   * connect(address, { signal, timeout }). Reads wait for it, too. Cut short, the socket is only to be closed. See
   * connect(2).
   *
   * @throws OSError; TimeoutError; gaierror for a host name; TypeError, RangeError
   */
  connect(address: Address<F>, options?: WaitOptions): Promise<void> {
    let under_way = false;
    const attempt: Attempt<void> = (resolve) => {
      if (under_way) return this.#connected();
      const result = transfer.connect(this, address, resolve, 0);
      under_way = result === -EINPROGRESS;
      // A full backlog, which only AF_UNIX waits for.
      if (result === -EAGAIN && this.family !== c.AF_UNIX) this._raise(result, 'connect', address);
      return result < 0 ? result : undefined;
    };
    return this._watcher.connect(this, attempt, options, () => ({ address }));
  }

  #connected(): number | undefined {
    const result = addon.getsockopt_int(this._fd, this._generation, c.SOL_SOCKET, c.SO_ERROR);
    if (result < 0) return result;
    const error = cells[VALUE] as number;
    if (error !== 0) return -error;
    // Woken too early: by an edge from before the connect.
    const peer = addon.getpeername(this._fd, this._generation);
    return peer === -ENOTCONN ? -EINPROGRESS : undefined;
  }

  /**
   * connect_ex(address, { signal, timeout }) -> 0, or the errno instead of an OSError; EAGAIN for an expired time-out.
   *
   * @throws gaierror for a host name; TypeError, RangeError; the signal's reason
   */
  async connect_ex(address: Address<F>, options?: WaitOptions): Promise<number> {
    try {
      await this.connect(address, options);
      return 0;
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      if (error instanceof TimeoutError && error.errno === undefined) return EAGAIN;
      if (error.errno === undefined || error.errno < 0) throw error;
      return error.errno;
    }
  }

  /** shutdown(how, { signal, timeout }), behind the writes. SHUT_RD, SHUT_WR or SHUT_RDWR. See shutdown(2). @throws OSError */
  shutdown(how: number, options?: WaitOptions): Promise<void> {
    return this._write('shutdown', () => this._shutdown(how), options);
  }
}
