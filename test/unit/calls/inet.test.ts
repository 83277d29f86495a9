// Internet addresses between text and bytes; byte order.
import { endianness } from 'node:os';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const { AF_INET, AF_INET6, AF_UNIX } = socket;

describe('IPv4 addresses as bytes', () => {
  test.each([
    ['1.2.3.4', '01020304'],
    ['127.1', '7f000001'],
    ['1.2.3', '01020003'],
    ['0x7f.1', '7f000001'],
    ['255.255.255.255', 'ffffffff'],
  ])('inet_aton(%j)', (text, hex) => {
    expect(socket.inet_aton(text).toString('hex')).toBe(hex);
  });

  test.each(['', '256.1.1.1', 'x', '::1', ' 1.2.3.4'])('inet_aton(%j) is no address', (text) => {
    expect(() => socket.inet_aton(text)).toThrow(socket.OSError);
    expect(() => socket.inet_aton(text)).toThrow('illegal IP address string passed to inet_aton');
  });

  test('inet_ntoa takes four bytes of any kind', () => {
    expect(socket.inet_ntoa(Buffer.from([1, 2, 3, 4]))).toBe('1.2.3.4');
    expect(socket.inet_ntoa(new ArrayBuffer(4))).toBe('0.0.0.0');
    expect(socket.inet_ntoa(new DataView(Uint8Array.of(9, 1, 2, 3, 4).buffer, 1))).toBe('1.2.3.4');
    for (const length of [0, 3, 5]) {
      expect(() => socket.inet_ntoa(new Uint8Array(length))).toThrow('packed IP wrong length for inet_ntoa');
    }
  });

  test('go round', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(socket.inet_aton(socket.inet_ntoa(bytes))).toEqual(Buffer.from(bytes));
        expect(socket.inet_pton(AF_INET, socket.inet_ntop(AF_INET, bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('each result has memory of its own', () => {
    const first = socket.inet_aton('1.2.3.4');
    socket.inet_aton('5.6.7.8');
    expect(first).toEqual(Buffer.from([1, 2, 3, 4]));
  });
});

describe('inet_pton and inet_ntop', () => {
  test('go round for IPv6', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(socket.inet_pton(AF_INET6, socket.inet_ntop(AF_INET6, bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    expect(socket.inet_ntop(AF_INET6, Buffer.from('00000000000000000000ffff01020304', 'hex'))).toBe(
      '::ffff:1.2.3.4',
    );
    expect(socket.inet_pton(AF_INET6, '::').length).toBe(16);
  });

  test.each([
    [AF_INET, '127.1'],
    [AF_INET, ''],
    [AF_INET, '::1'],
    [AF_INET6, '1.2.3.4'],
    [AF_INET6, '::1%lo'],
    [AF_INET6, 'x'.repeat(100_000)],
  ])('inet_pton(%i, %j) is no address', (family, text) => {
    expect(() => socket.inet_pton(family, text)).toThrow(socket.OSError);
  });

  test('other families and lengths are refused', () => {
    expect(() => socket.inet_pton(AF_UNIX, 'x')).toThrow(expect.objectContaining({ code: 'EAFNOSUPPORT' }));
    expect(() => socket.inet_ntop(AF_UNIX, Buffer.alloc(4))).toThrow(RangeError);
    expect(() => socket.inet_ntop(AF_INET, Buffer.alloc(16))).toThrow(RangeError);
    expect(() => socket.inet_ntop(AF_INET6, Buffer.alloc(4))).toThrow(RangeError);
    expect(() => socket.inet_ntop(AF_INET6, Buffer.alloc(0))).toThrow(RangeError);
  });

  test.each([
    { call: socket.inet_aton, args: [5], error: TypeError },
    { call: socket.inet_aton, args: [Buffer.from('1.2.3.4')], error: TypeError },
    { call: socket.inet_aton, args: ['1.2.3.4\0'], error: RangeError },
    { call: socket.inet_ntoa, args: ['abcd'], error: TypeError },
    { call: socket.inet_ntoa, args: [[1, 2, 3, 4]], error: TypeError },
    { call: socket.inet_pton, args: ['2', '1.2.3.4'], error: TypeError },
    { call: socket.inet_pton, args: [AF_INET, Buffer.from('1.2.3.4')], error: TypeError },
    { call: socket.inet_pton, args: [AF_INET, '1.2.3.4\0'], error: RangeError },
    { call: socket.inet_ntop, args: [AF_INET, 'abcd'], error: TypeError },
    { call: socket.inet_ntop, args: [2 ** 31, Buffer.alloc(4)], error: RangeError },
  ])('$call.name refuses $args', ({ call, args, error }) => {
    expect(() => Reflect.apply(call, undefined, args)).toThrow(error);
  });

  test('a detached buffer is refused', () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(() => socket.inet_ntoa(bytes)).toThrow(TypeError);
    expect(() => socket.inet_ntop(AF_INET, bytes)).toThrow(TypeError);
  });
});

describe('byte order', () => {
  test('is turned, and turned back', () => {
    const little = endianness() === 'LE';
    expect(socket.htons(0x1234)).toBe(little ? 0x3412 : 0x1234);
    expect(socket.htonl(0x12345678)).toBe(little ? 0x78563412 : 0x12345678);
    expect(socket.htonl(0xff)).toBe(little ? 0xff000000 : 0xff);
    expect(socket.htons(1n)).toBe(little ? 256 : 1);
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffff }), (x) => socket.ntohs(socket.htons(x)) === x));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (x) => socket.ntohl(socket.htonl(x)) === x),
    );
  });

  test.each([
    { call: socket.htons, bits: 16 },
    { call: socket.ntohs, bits: 16 },
    { call: socket.htonl, bits: 32 },
    { call: socket.ntohl, bits: 32 },
  ])('$call.name refuses what has more than $bits bits, or is none', ({ call, bits }) => {
    expect(() => call(2 ** bits)).toThrow(RangeError);
    expect(() => call(2n ** 70n)).toThrow(RangeError);
    expect(() => call(-1)).toThrow(RangeError);
    expect(() => call(1.5)).toThrow(TypeError);
    for (const wrong of ['1', null, undefined]) {
      expect(() => Reflect.apply(call, undefined, [wrong])).toThrow(TypeError);
    }
  });
});
