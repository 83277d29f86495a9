// pump and pump_both: bytes from a socket or pipe to another one, by splice(2), without a way through JavaScript.
//
// A pump is one call in the queue of reads of `from`, or of writes of `to` if `from` is a pipe. While it waits for the other end it is
// suspended: a socket `to` has a call for each piece in its queue of writes, and a pipe is waited for by readiness alone.
import { constants } from 'node:os';
import {
  check_pump_options,
  check_shutdown,
  type PipeEnd,
  type PumpEnd,
  type PumpOptions,
  pump_end,
  Transit,
} from '../calls/moving/pump.js';
import type { SocketBase } from '../calls/socket_base.js';
import { READ, ready, WRITE } from '../calls/waiting/readiness.js';
import { Suspend, yield_turn } from '../calls/waiting/suspend.js';
import * as c from '../constants.js';
import { begin_at } from '../errors/stack.js';
import { shown } from '../util/validate.js';
import { signal_of, timeout_ms_of, WAIT_OPTIONS, type WaitOptions } from '../util/wait_options.js';
import { error_of, FunctionCall } from './call.js';
import { perform, type Queue } from './queue.js';
import { Socket } from './socket.js';

const { EAGAIN, ECANCELED } = constants.errno;
/** The bytes that are moved before the rest of the program has its turn. */
const PIECE_SIZE = 2 ** 20;

/** The options of pump(). */
export interface AsyncPumpOptions extends PumpOptions, WaitOptions {}

/** What pump_both() had done in one direction before it failed. */
export interface PumpedDirection {
  /** The bytes that have reached the other socket. */
  readonly bytes_sent: number;
  /** The bytes that were received and have not reached it. */
  readonly partial: Buffer;
}

const PUMP_OPTIONS = ['limit', 'half_close', ...WAIT_OPTIONS] as const;

/**
 * pump(from, to, { limit, half_close, signal, timeout }) -> how many bytes were moved from one socket or pipe to another, inside of the
 * kernel, until the end of `from`. One of the two must be a socket. It is one read of `from`, so other reads wait; other writes to a socket
 * `to` go between its pieces. Closes nothing. See splice(2).
 *
 * @param from a connected stream, or the end of a pipe: a descriptor, a FileHandle, an object with `fileno()`
 * @param to the same, to move the bytes to
 * @param options `limit`, the bytes after which it ends; `half_close`: true to shut the sending side of `to` down at the end of `from`; an
 *   AbortSignal; a time-out in seconds for all of it, by default that of the socket
 * @returns the number of bytes
 * @throws TimeoutError; the signal's reason; OSError of either end, such as BrokenPipeError if nobody reads `to`. All have the number of
 *   bytes that have reached `to` as `bytes_sent`, and the bytes that were taken from `from` and have not as `partial`
 * @example
 * const [a, b] = socketpair();
 * const moving = pump(sock, a, { limit: 5 });
 * await peer.sendall('hello');
 * console.log(await moving, (await b.recv(1024)).toString()); // 5 hello
 */
export async function pump(
  from: Socket<number> | PipeEnd,
  to: Socket<number> | PipeEnd,
  options: AsyncPumpOptions = {},
): Promise<number> {
  const limit = check_pump_options(options, PUMP_OPTIONS);
  const source = pump_end(from, 'from', true);
  const target = pump_end(to, 'to', true);
  const pumping = new Pumping(new Transit(source, target, limit), options);
  return pumping.run();
}

/**
 * pump_both(a, b, { signal, timeout }) -> [bytes moved from a to b, from b to a]: two pumps, until both sockets have ended. The end of one
 * shuts the sending side of the other down. An error ends both directions. Closes nothing. See splice(2).
 *
 * @param a a connected stream
 * @param b another one
 * @param options an AbortSignal; a time-out in seconds for all of it, by default that of each socket
 * @returns the number of bytes of each direction
 * @throws as pump(), the first error of the two; it has the `bytes_sent` and the `partial` of both as `directions`, in the same order
 * @example
 * const [client, inside] = socketpair();
 * const relaying = pump_both(inside, sock);
 * await client.sendall('hello');
 * client.close();
 * console.log((await peer.recv(1024)).toString()); // hello
 * peer.close();
 * console.log(await relaying); // [ 5, 0 ]
 */
export async function pump_both(
  a: Socket<number>,
  b: Socket<number>,
  options: WaitOptions = {},
): Promise<[number, number]> {
  check_pump_options<AsyncPumpOptions>(options, WAIT_OPTIONS);
  for (const [name, end] of [
    ['a', a],
    ['b', b],
  ] as const) {
    if (!(end instanceof Socket))
      throw new TypeError(`${name} must be a socket of promises, not ${shown(end)}`);
  }
  const given = signal_of(options);
  const [end_a, end_b] = [pump_end(a, 'from', true), pump_end(b, 'to', true)];
  const stop = new AbortController();
  const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
  const both = [
    [end_a, end_b],
    [end_b, end_a],
  ].map(([from, to]) => {
    const transit = new Transit(from as PumpEnd, to as PumpEnd, Number.POSITIVE_INFINITY);
    return new Pumping(transit, { ...options, signal, half_close: true });
  });
  let failed: unknown;
  await Promise.all(
    both.map((one) =>
      one.run().catch((error: unknown) => {
        if (stop.signal.aborted) return;
        failed = error;
        stop.abort();
      }),
    ),
  );
  const directions = both.map(({ transit }) => transit.progress());
  if (stop.signal.aborted) {
    if (failed instanceof Error && Object.isExtensible(failed)) Object.assign(failed, { directions });
    throw failed;
  }
  return directions.map(({ bytes_sent }) => bytes_sent) as [number, number];
}

/** One direction: the call of a pump, and what it waits for beside its own queue. */
class Pumping {
  readonly #sock: SocketBase & { readonly _poller: Socket['_poller'] };
  readonly #queue: Queue;
  #piece_end = PIECE_SIZE;

  constructor(
    readonly transit: Transit,
    readonly options: AsyncPumpOptions,
  ) {
    const { from, to } = transit;
    const sock = from.sock ?? to.sock;
    if (!(sock instanceof Socket)) throw new TypeError('from or to must be a socket: both are pipes');
    const limit_ms = timeout_ms_of(options, sock._timeout_ms);
    if (limit_ms === 0) throw new RangeError('pump: non-blocking sockets are not supported');
    this.#sock = sock;
    this.#queue = from.sock === undefined ? sock._poller.writes : sock._poller.reads;
  }

  async run(): Promise<number> {
    const { transit } = this;
    const { timeout, half_close } = this.options;
    const { sock } = transit.to;
    const call = this.#call(this.#sock, () => this.#attempt());
    const stop = new AbortController();
    const given = signal_of(this.options);
    const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
    // While it waits for `from` no call waits in a queue of `to`, whose close would end it.
    const watch = (target: Socket) => {
      const canceled = this.#call(target);
      const end = () => stop.abort(begin_at(error_of(canceled, -ECANCELED), end));
      return target._poller.on_release(end);
    };
    const forget = sock instanceof Socket ? watch(sock) : undefined;
    try {
      await perform(this.#queue, call, timeout === undefined ? { signal } : { signal, timeout });
    } finally {
      forget?.();
      transit.progress();
      transit.close();
    }
    if (half_close && transit.ended && sock instanceof Socket)
      await sock.shutdown(c.SHUT_WR, { timeout: null }).catch(check_shutdown);
    return transit.moved;
  }

  #call(sock: SocketBase, attempt: () => number = () => 0): FunctionCall<number> {
    return new FunctionCall(sock, 'pump', attempt, undefined, () => this.transit.progress());
  }

  /** Moves as much as it can. Returns 0 at the end, or -EAGAIN to wait for the socket of the queue. @throws Suspend */
  #attempt(): number {
    const { transit } = this;
    while (!transit.is_done) {
      const end = transit.held === 0 ? transit.from : transit.to;
      const result = transit.held === 0 ? transit.fill(0) : this.#drain();
      if (result === -EAGAIN) {
        if (end === transit.from ? end.sock !== undefined : transit.from.sock === undefined) return result;
        throw end === transit.from ? this.#readiness(end, READ) : this.#later();
      }
      if (result < 0) transit.raise(result, end);
      if (transit.held === 0 && transit.moved >= this.#piece_end) {
        this.#piece_end = transit.moved + PIECE_SIZE;
        if (!transit.is_done) throw yield_turn();
      }
    }
    return 0;
  }

  /** Drains at once, unless writes of others are before it. */
  #drain(): number {
    const { sock } = this.transit.to;
    const is_behind =
      sock instanceof Socket && sock._poller.writes !== this.#queue && sock._poller.writes.is_busy;
    return is_behind ? -EAGAIN : this.transit.drain(0);
  }

  /** Waits until the pipe has been drained, in the queue of `to`. */
  #later(): Suspend {
    const { transit } = this;
    const { to } = transit;
    if (!(to.sock instanceof Socket)) return this.#readiness(to, WRITE);
    const aborter = new AbortController();
    const drain = () => {
      while (transit.held > 0) {
        const result = transit.drain(0);
        if (result < 0) return result;
      }
      return 0;
    };
    const drained = perform(to.sock._poller.writes, this.#call(to.sock, drain), {
      signal: aborter.signal,
      timeout: null,
    });
    return new Suspend(drained, () => aborter.abort());
  }

  #readiness({ fd, generation }: PumpEnd, direction: number): Suspend {
    const aborter = new AbortController();
    return new Suspend(ready(fd, generation, direction, aborter.signal), () => aborter.abort());
  }
}
