// Network interfaces by number and by name.
import { networkInterfaces } from 'node:os';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';

describe('interfaces', () => {
  test('are the same by number and by name', () => {
    const rows = socket.if_nameindex();
    const names = rows.map(([, name]) => name);
    for (const name of Object.keys(networkInterfaces())) expect(names).toContain(name);
    for (const [index, name] of rows) {
      expect(socket.if_nametoindex(name)).toBe(index);
      expect(socket.if_nametoindex(Buffer.from(name))).toBe(index);
      expect(socket.if_indextoname(index)).toBe(name);
    }
  });

  test.each([['no-such-if'], [''], ['x'.repeat(300)]])('%j is not there', (name) => {
    expect(() => socket.if_nametoindex(name)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  });

  test('a longer name does not stand for what it begins with', () => {
    const [, name] = socket.if_nameindex()[0] ?? [0, 'lo'];
    expect(() => socket.if_nametoindex(name.padEnd(16, '\u00a0'))).toThrow(socket.OSError);
  });

  test.each([[0], [2 ** 31], [2 ** 32 - 1]])('%i is not there', (index) => {
    expect(() => socket.if_indextoname(index)).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  });

  test.each([
    { call: socket.if_nametoindex, args: [5], error: TypeError },
    { call: socket.if_nametoindex, args: [null], error: TypeError },
    { call: socket.if_nametoindex, args: ['lo\0'], error: RangeError },
    { call: socket.if_indextoname, args: ['1'], error: TypeError },
    { call: socket.if_indextoname, args: [1.5], error: TypeError },
    { call: socket.if_indextoname, args: [-1], error: RangeError },
    { call: socket.if_indextoname, args: [2 ** 32], error: RangeError },
  ])('$call.name refuses $args', ({ call, args, error }) => {
    expect(() => Reflect.apply(call, undefined, args)).toThrow(error);
  });
});
