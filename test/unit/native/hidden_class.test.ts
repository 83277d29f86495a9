/**
 * All sockets of one class have one hidden class in V8, however they were made: else no inline cache works on them.
 */
import { setFlagsFromString } from 'node:v8';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';
import { is_node } from '../../machine.js';

class Mine extends socket.socket {}

test('sockets share their hidden class', (ctx) => {
  if (!is_node) ctx.skip('needs V8');
  setFlagsFromString('--allow-natives-syntax');
  const same: unknown = new Function('a', 'b', 'return %HaveSameMap(a, b)');
  const made = [new socket.socket(), socket.socket(), new socket.socket()];
  const mine = [new Mine(), new Mine()];
  const [left, right] = socket.socketpair();
  try {
    if (typeof same !== 'function') throw new TypeError('no function');
    const alike = (a: unknown, b: unknown): unknown => same(a, b);
    expect([alike(made[0], made[1]), alike(made[1], made[2]), alike(mine[0], mine[1])]).toEqual([
      true,
      true,
      true,
    ]);
    expect(alike(left, right)).toBe(true);
  } finally {
    for (const sock of [...made, ...mine, left, right]) sock.close();
  }
});
