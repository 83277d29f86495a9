// The numbers of sends with MSG_ZEROCOPY, without a kernel: which memory is pinned, and until which completion.
import { describe, expect, it } from 'vitest';
import { completion_of, Pins } from '../../../lib/calls/waiting/zerocopy.js';

const LAST = 2 ** 32 - 1;
const some = () => Buffer.alloc(10);

/** Pins with these sends. */
function pinned(first: number, ...memory: Uint8Array[]): Pins {
  const pins = new Pins(first);
  for (const one of memory) pins.add([one]);
  return pins;
}

describe('Pins', () => {
  it('hold the memory of each send until its number is completed, in any order', () => {
    const [a, b, c] = [some(), some(), some()];
    const pins = pinned(0, a, b, c);
    pins.settle([1, 1]);
    expect([a, b, c].map((view) => pins.reads(view))).toEqual([true, false, true]);
    pins.settle([0, 2]);
    expect([a, b, c].map((view) => pins.reads(view))).toEqual([false, false, false]);
  });

  it('count modulo 2^32, also within one range', () => {
    const views = [some(), some(), some(), some()] as const;
    const pins = pinned(LAST - 1, ...views);
    pins.settle([LAST, 0]);
    expect(views.map((view) => pins.reads(view))).toEqual([true, false, false, true]);
    pins.settle([LAST - 1, LAST - 1]);
    pins.settle([1, 1]);
    expect(views.some((view) => pins.reads(view))).toBe(false);
    pins.add([views[0]]);
    pins.settle([2, 2]);
    expect(pins.reads(views[0])).toBe(false);
  });

  it('tell memory by its place, and a send of two buffers by each of them', () => {
    const memory = new ArrayBuffer(100);
    const pins = pinned(0, new Uint8Array(memory, 10, 20));
    pins.add([new Uint8Array(memory, 50, 10), new Uint8Array(memory, 70, 10)]);
    const places = [
      [0, 10],
      [0, 11],
      [29, 1],
      [30, 20],
      [59, 1],
      [60, 10],
      [75, 1],
    ] as const;
    expect(places.map(([at, length]) => pins.reads(new Uint8Array(memory, at, length)))).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(pins.reads(new Uint8Array(100))).toBe(false);
  });

  it('that were detached wait for nothing', () => {
    const memory = new ArrayBuffer(10);
    const view = new Uint8Array(memory);
    const pins = pinned(0, view);
    structuredClone(memory, { transfer: [memory] });
    expect(pins.reads(view)).toBe(false);
  });

  it('wait no longer after the completion of a send that was not made here, and count on behind it', () => {
    const [mine, next] = [some(), some()];
    const pins = pinned(0, mine);
    pins.settle([5, 5]);
    expect(pins.reads(mine)).toBe(false);
    pins.add([next]);
    pins.settle([0, 0]);
    expect(pins.reads(next)).toBe(true);
    pins.settle([6, 6]);
    expect(pins.reads(next)).toBe(false);
  });

  it('take a range of 2^32 numbers at once', () => {
    const mine = some();
    const pins = pinned(7, mine);
    pins.settle([8, 7]);
    expect(pins.reads(mine)).toBe(false);
  });

  it('wake each waiter once, and one that waits again the next time', () => {
    const pins = pinned(0, some(), some());
    let woken = 0;
    const waiter = { wake: () => void woken++ };
    pins.waiting.add(waiter);
    pins.settle([0, 0]);
    pins.settle([1, 1]);
    expect(woken).toBe(1);
    pins.waiting.add(waiter);
    pins.settle([1, 1]);
    expect(woken).toBe(2);
  });
});

describe('completion_of', () => {
  const error = (origin: number, length = 32) => {
    const bytes = Buffer.alloc(length);
    bytes[4] = origin;
    new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 2).set([LAST, 1]);
    return bytes;
  };

  it('reads the range, of IPv4 and IPv6, behind other control messages', () => {
    expect(completion_of([[0, 11, error(5)]])).toEqual([LAST, 1]);
    expect(
      completion_of([
        [1, 29, Buffer.alloc(16)],
        [41, 25, error(5)],
      ]),
    ).toEqual([LAST, 1]);
  });

  it('finds none in other errors, other messages, and in a message that was cut off', () => {
    expect(completion_of([])).toBeUndefined();
    expect(completion_of([[0, 11, error(2)]])).toBeUndefined();
    expect(completion_of([[1, 11, error(5)]])).toBeUndefined();
    expect(completion_of([[0, 25, error(5)]])).toBeUndefined();
    expect(completion_of([[0, 11, error(5).subarray(0, 15)]])).toBeUndefined();
  });
});
