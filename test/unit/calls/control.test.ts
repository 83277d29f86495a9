// Sizes of control messages.
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';

describe('sizes of control messages', () => {
  const word = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;
  const padded = (length: number) => Math.ceil(length / word) * word;

  test.each([0, 1, 4, 8, 9, 1000])('of %i bytes', (length) => {
    const header = padded(word + 8);
    expect(socket.CMSG_LEN(length)).toBe(header + length);
    expect(socket.CMSG_SPACE(length)).toBe(header + padded(length));
  });

  test('end where a C int does', () => {
    const header = socket.CMSG_LEN(0);
    expect(socket.CMSG_LEN(2 ** 31 - 1 - header)).toBe(2 ** 31 - 1);
    expect(() => socket.CMSG_LEN(2 ** 31 - header)).toThrow(RangeError);
    expect(socket.CMSG_SPACE(2 ** 31 - 1 - header - word)).toBeLessThan(2 ** 31);
    expect(() => socket.CMSG_SPACE(2 ** 31 - 1)).toThrow(RangeError);
    for (const call of [socket.CMSG_LEN, socket.CMSG_SPACE]) {
      expect(() => call(-1)).toThrow(RangeError);
      expect(() => call(2n ** 70n)).toThrow(RangeError);
      expect(() => call(1.5)).toThrow(TypeError);
      expect(() => Reflect.apply(call, undefined, ['1'])).toThrow(TypeError);
    }
  });
});
