// MSG_ZEROCOPY: the memory of sends that the kernel still reads. It numbers the sends of a socket that has SO_ZEROCOPY, and reports
// ranges of numbers in the error queue: see Documentation/networking/msg_zerocopy.rst. A send pins its memory by its number, and each
// receive from the error queue, which message.ts and batch/receive.ts make, settles the numbers that it finds.
//
// The numbers are the socket's, not the descriptor's: duplicates in this environment share the Pins, by SO_COOKIE.
import { endianness } from 'node:os';
import * as c from '../../constants.js';
import { addon, cells, VALUE } from '../../native/addon.js';
import type { Bytes } from '../../util/validate.js';
import type { ReturnedAddress } from '../address.js';
import type { ReceivedControlMessage } from '../control.js';

/**
 * How long memory stays pinned that no completion can be read for, in milliseconds. The kernel gives up a closed connection whose
 * peer is silent in less (tcp_orphan_retries).
 */
const LINGER_MS = 120_000;
const LITTLE_ENDIAN = endianness() === 'LE';
// struct sock_extended_err: offsets in bytes.
const ORIGIN_AT = 4;
const INFO_AT = 8;
const DATA_AT = 12;
const ERROR_SIZE = 16;

/** What zero-copy sends need of a socket. */
export interface Sender {
  readonly _fd: number;
  readonly _generation: number;
  readonly family: number;
  _zerocopy: Pins | undefined;
}

/** A range of numbers, both ends included. */
export type Range = readonly [first: number, last: number];

/** The sends of one socket, by the number that the kernel gives each: from 0, modulo 2^32. */
export class Pins {
  /** The sockets of this environment that have these pins. */
  holders = 0;
  /** Called once when a completion has come. */
  readonly waiting = new Set<{ wake(): void }>();
  /** Other messages of the error queue that were read while a call waited for its completion; recvmsg returns them. */
  readonly others: [Buffer, ReceivedControlMessage[], number, ReturnedAddress][] = [];
  readonly #pending = new Map<number, readonly Bytes[]>();

  constructor(private next = 0) {}

  add(memory: readonly Bytes[]): void {
    this.#pending.set(this.next, memory);
    this.next = (this.next + 1) >>> 0;
  }

  settle([first, last]: Range): void {
    const rest = (last - first) >>> 0;
    // A range may be far longer than what is pinned here: other threads and processes send, too.
    if (rest < this.#pending.size) for (let i = 0; i <= rest; i++) this.#pending.delete((first + i) >>> 0);
    else
      for (const number of this.#pending.keys())
        if ((number - first) >>> 0 <= rest) this.#pending.delete(number);
    // A number that no send here had: another thread or process sends on this socket, too, and the numbers tell nothing. No
    // call waits for them any longer.
    const ahead = (last - this.next) >>> 0;
    if (ahead < 2 ** 31) {
      this.next = (last + 1) >>> 0;
      this.keep_a_while();
    }
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const waiter of woken) waiter.wake();
  }

  /** Returns true if the kernel may still read from these bytes. */
  reads(view: Bytes): boolean {
    const end = view.byteOffset + view.length;
    for (const memory of this.#pending.values()) {
      for (const { buffer, byteOffset, length } of memory)
        if (buffer === view.buffer && byteOffset < end && view.byteOffset < byteOffset + length) return true;
    }
    return false;
  }

  /** Keeps the memory a while longer, and waits for no completion. */
  keep_a_while(): void {
    if (this.#pending.size === 0) return;
    const kept = [...this.#pending.values()];
    this.#pending.clear();
    setTimeout(() => kept.splice(0), LINGER_MS).unref();
  }
}

const by_cookie = new Map<bigint, Pins>();

// A socket that was collected is closed. The kernel may still send from the memory, and reports no completion any more.
const collected = new FinalizationRegistry<[cookie: bigint, pins: Pins]>(([cookie, pins]) => {
  if (--pins.holders > 0) return;
  by_cookie.delete(cookie);
  pins.keep_a_while();
});

function pins_of(s: Sender): Pins {
  const memory = new BigUint64Array(1);
  addon.getsockopt(s._fd, s._generation, c.SOL_SOCKET, c.SO_COOKIE, new Uint8Array(memory.buffer));
  const [cookie = 0n] = memory;
  const pins = by_cookie.get(cookie) ?? new Pins();
  by_cookie.set(cookie, pins);
  pins.holders++;
  collected.register(s, [cookie, pins]);
  return pins;
}

/** Pins the memory of a send with MSG_ZEROCOPY that went out. Without SO_ZEROCOPY, and of no bytes, the kernel has made a copy. */
export function pin(s: Sender, memory: readonly Bytes[]): void {
  // Other families report elsewhere (RDS), or several numbers for one send (VSOCK).
  if (s.family !== c.AF_INET && s.family !== c.AF_INET6) return;
  if (addon.getsockopt_int(s._fd, s._generation, c.SOL_SOCKET, c.SO_ZEROCOPY) < 0 || cells[VALUE] === 0)
    return;
  if (memory.every(({ length }) => length === 0)) return;
  s._zerocopy ??= pins_of(s);
  s._zerocopy.add(memory);
}

/** Returns the numbers that a message of the error queue completes; undefined if it is another one. */
export function completion_of(ancdata: readonly ReceivedControlMessage[]): Range | undefined {
  for (const [level, type, { buffer, byteOffset, length }] of ancdata) {
    const is_error =
      (level === c.IPPROTO_IP && type === c.IP_RECVERR) ||
      (level === c.IPPROTO_IPV6 && type === c.IPV6_RECVERR);
    if (!is_error || length < ERROR_SIZE) continue;
    const error = new DataView(buffer, byteOffset, length);
    if (error.getUint8(ORIGIN_AT) === c.SO_EE_ORIGIN_ZEROCOPY)
      return [error.getUint32(INFO_AT, LITTLE_ENDIAN), error.getUint32(DATA_AT, LITTLE_ENDIAN)];
  }
  return undefined;
}

/** Settles the sends that a message of the error queue completes. */
export function settle(s: Sender, ancdata: readonly ReceivedControlMessage[]): void {
  const range = completion_of(ancdata);
  if (range === undefined) return;
  s._zerocopy ??= pins_of(s);
  s._zerocopy.settle(range);
}
