// The address of every family goes round: what the encoder wrote, given to the decoder as if the kernel had, is what went in.
// It needs no kernel that has the family; that those understand the bytes is tested in test/platform/families.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../lib/calls/address.js';
import { ADDRESS_LENGTH, address_in, address_out, cells } from '../../../lib/native/addon.js';
import * as socket from '../../../lib/socket/index.js';

const no_names = (host: string): never => {
  throw new Error(`resolved ${host}`);
};

function encoded(family: number, proto: number, address: unknown): Buffer {
  const length = encode(family, proto, address, 'test', no_names);
  return Buffer.from(address_in.subarray(0, length));
}

function decoded(family: number, proto: number, sockaddr: Uint8Array): unknown {
  address_out.fill(0);
  address_out.set(sockaddr);
  cells[ADDRESS_LENGTH] = sockaddr.length;
  return decode(family, proto);
}

const uint = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint16 = fc.integer({ min: 0, max: 65535 });
const byte = fc.integer({ min: 0, max: 255 });
const bytes = (constraints: fc.IntArrayConstraints) =>
  fc.uint8Array(constraints).map((array) => Buffer.from(array));
const interface_name = fc.constantFrom(...socket.if_nameindex().map(([, name]) => name));
const any_interface = fc.oneof(interface_name, fc.constant(''));
const name = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bdaddr = bytes({ minLength: 6, maxLength: 6 }).map((octets) =>
  [...octets].map((octet) => octet.toString(16).toUpperCase().padStart(2, '0')).join(':'),
);
const word = (max: number) => fc.stringMatching(new RegExp(`^[a-z0-9()-]{0,${max}}$`));
// The first byte of a path is not zero; bytes of an abstract name are any.
const path = fc
  .stringMatching(/^[^\0]+$/)
  .map((text) => Buffer.from(text).toString())
  .filter((text) => Buffer.byteLength(text) < 108);
const abstract = bytes({ maxLength: 107 }).map((rest) => Buffer.concat([Buffer.of(0), rest]));

const families: [what: string, family: number, proto: number, address: fc.Arbitrary<unknown>][] = [
  ['AF_INET', socket.AF_INET, 0, fc.tuple(fc.ipV4(), uint16)],
  ['AF_UNIX', socket.AF_UNIX, 0, path],
  ['AF_UNIX, abstract', socket.AF_UNIX, 0, abstract],
  ['AF_NETLINK', socket.AF_NETLINK, 0, fc.tuple(uint, uint)],
  ['AF_PACKET', socket.AF_PACKET, 0, fc.tuple(interface_name, uint16, byte, uint16, bytes({ maxLength: 8 }))],
  ['AF_VSOCK', socket.AF_VSOCK, 0, fc.tuple(uint, uint)],
  ['CAN_RAW', socket.AF_CAN, socket.CAN_RAW, fc.tuple(any_interface)],
  ['CAN_BCM', socket.AF_CAN, socket.CAN_BCM, fc.tuple(any_interface)],
  ['CAN_ISOTP', socket.AF_CAN, socket.CAN_ISOTP, fc.tuple(any_interface, uint, uint)],
  [
    'TIPC_ADDR_NAMESEQ',
    socket.AF_TIPC,
    0,
    fc.tuple(fc.constant(socket.TIPC_ADDR_NAMESEQ), uint, uint, uint, byte),
  ],
  [
    'TIPC_ADDR_NAME',
    socket.AF_TIPC,
    0,
    fc.tuple(uint, uint, byte).map(([type, instance, scope]) => [2, type, instance, instance, scope]),
  ],
  [
    'TIPC_ADDR_ID',
    socket.AF_TIPC,
    0,
    fc.tuple(uint, uint, byte).map(([node, ref, scope]) => [socket.TIPC_ADDR_ID, node, ref, 0, scope]),
  ],
  ['AF_ALG', socket.AF_ALG, 0, fc.tuple(word(13), word(63), uint, uint)],
  ['AF_QIPCRTR', socket.AF_QIPCRTR, 0, fc.tuple(uint, uint)],
  ['L2CAP', socket.AF_BLUETOOTH, socket.BTPROTO_L2CAP, fc.tuple(bdaddr, uint16)],
  [
    'L2CAP, low energy',
    socket.AF_BLUETOOTH,
    socket.BTPROTO_L2CAP,
    fc.tuple(bdaddr, uint16, uint16, fc.integer({ min: 1, max: 255 })),
  ],
  ['RFCOMM', socket.AF_BLUETOOTH, socket.BTPROTO_RFCOMM, fc.tuple(bdaddr, byte)],
  ['HCI', socket.AF_BLUETOOTH, socket.BTPROTO_HCI, uint16],
  ['SCO', socket.AF_BLUETOOTH, socket.BTPROTO_SCO, bdaddr],
];

describe('an address goes round:', () => {
  test.each(families)('%s', (_what, family, proto, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (address) => {
        expect(decoded(family, proto, encoded(family, proto, address))).toEqual(address);
      }),
    );
  });

  test('AF_INET6, whose text has one form', () => {
    const flowinfo = fc.integer({ min: 0, max: 0xfffff });
    fc.assert(
      fc.property(fc.ipV6(), uint16, flowinfo, uint, (host, port, flow, scope) => {
        const canonical = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host));
        const sockaddr = encoded(socket.AF_INET6, 0, [host, port, flow, scope]);
        expect(decoded(socket.AF_INET6, 0, sockaddr)).toEqual([canonical, port, flow, scope]);
      }),
    );
  });

  test('CAN_J1939, whose name is a number where that is exact', () => {
    fc.assert(
      fc.property(any_interface, name, uint, byte, (interface_, number, pgn, addr) => {
        const sockaddr = encoded(socket.AF_CAN, socket.CAN_J1939, [interface_, number, pgn, addr]);
        const exact = number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number;
        expect(decoded(socket.AF_CAN, socket.CAN_J1939, sockaddr)).toEqual([interface_, exact, pgn, addr]);
      }),
    );
  });

  test('AF_RDS, which is AF_INET to the kernel', () => {
    const sockaddr = encoded(socket.AF_RDS, 0, ['127.0.0.1', 80]);
    expect(decoded(socket.AF_RDS, 0, sockaddr)).toEqual(['127.0.0.1', 80]);
  });

  test('a family without a form of its own, by its sockaddr', () => {
    fc.assert(
      fc.property(bytes({ maxLength: 126 }), (rest) => {
        // 200: no family has this number.
        const sockaddr = Buffer.concat([new Uint8Array(Uint16Array.of(200).buffer), rest]);
        expect(encoded(200, 0, sockaddr)).toEqual(sockaddr);
        expect(decoded(200, 0, sockaddr)).toEqual(sockaddr);
      }),
    );
  });
});

test('whatever the kernel writes, of whatever length, is decoded to something', () => {
  const known = families.map(([, family]) => family);
  const protos = families.map(([, , proto]) => proto);
  fc.assert(
    fc.property(
      fc.constantFrom(socket.AF_INET6, ...known),
      fc.constantFrom(99, ...protos),
      bytes({ maxLength: 126 }),
      (family, proto, rest) => {
        const sockaddr = Buffer.concat([new Uint8Array(Uint16Array.of(family).buffer), rest]);
        expect(decoded(family, proto, sockaddr)).toBeDefined();
      },
    ),
    { numRuns: 2000 },
  );
  address_out.fill(0);
  cells[ADDRESS_LENGTH] = 0;
  expect(decode(socket.AF_INET, 0)).toBeNull();
});

describe('what is left out has a default:', () => {
  test.each([
    ['AF_INET6', socket.AF_INET6, 0, ['::1', 80], ['::1', 80, 0, 0]],
    ['AF_INET6', socket.AF_INET6, 0, ['::1', 80, 5], ['::1', 80, 5, 0]],
    ['AF_PACKET', socket.AF_PACKET, 0, ['lo', 0x0800], ['lo', 0x0800, 0, 0, Buffer.alloc(0)]],
    ['AF_TIPC', socket.AF_TIPC, 0, [1, 2, 3, 4], [1, 2, 3, 4, socket.TIPC_CLUSTER_SCOPE]],
    ['AF_ALG', socket.AF_ALG, 0, ['hash', 'sha256'], ['hash', 'sha256', 0, 0]],
    ['HCI', socket.AF_BLUETOOTH, socket.BTPROTO_HCI, [3], 3],
    ['AF_UNIX', socket.AF_UNIX, 0, '', ''],
  ])('%s', (_what, family, proto, address, full) => {
    expect(decoded(family, proto, encoded(family, proto, address))).toEqual(full);
  });
});

describe('misuse', () => {
  const missing = { code: 'ENODEV' };
  test.each([
    ['AF_PACKET', socket.AF_PACKET, 0, ['no-such-if', 3]],
    ['AF_PACKET', socket.AF_PACKET, 0, ['', 3]],
    ['AF_CAN', socket.AF_CAN, socket.CAN_RAW, ['no-such-if']],
  ])('%s: an interface that is not there is ENODEV', (_what, family, proto, address) => {
    expect(() => encoded(family, proto, address)).toThrow(expect.objectContaining(missing));
  });

  test.each([
    ['AF_INET', socket.AF_INET, 0, ['127.0.0.1', 65536], RangeError],
    ['AF_INET', socket.AF_INET, 0, '127.0.0.1', TypeError],
    ['AF_INET', socket.AF_INET, 0, ['127.0.0.1'], TypeError],
    ['AF_INET', socket.AF_INET, 0, ['127.0.0.1', 80, 0], TypeError],
    ['AF_INET6', socket.AF_INET6, 0, ['::1', 80, 2 ** 20], RangeError],
    ['AF_INET6', socket.AF_INET6, 0, ['::1', 80, 0, -1], RangeError],
    ['AF_UNIX', socket.AF_UNIX, 0, 'x'.repeat(108), RangeError],
    ['AF_UNIX', socket.AF_UNIX, 0, `\0${'x'.repeat(108)}`, RangeError],
    ['AF_UNIX', socket.AF_UNIX, 0, 'a\0b', RangeError],
    ['AF_UNIX', socket.AF_UNIX, 0, 5, TypeError],
    ['AF_NETLINK', socket.AF_NETLINK, 0, [0], TypeError],
    ['AF_NETLINK', socket.AF_NETLINK, 0, [0, 2 ** 32], RangeError],
    ['AF_PACKET', socket.AF_PACKET, 0, ['lo', 65536], RangeError],
    ['AF_PACKET', socket.AF_PACKET, 0, ['lo', 0, 0, 0, Buffer.alloc(9)], RangeError],
    ['AF_PACKET', socket.AF_PACKET, 0, [5, 0], TypeError],
    ['AF_VSOCK', socket.AF_VSOCK, 0, ['1', 2], TypeError],
    ['AF_CAN', socket.AF_CAN, socket.CAN_RAW, 'lo', TypeError],
    ['CAN_ISOTP', socket.AF_CAN, socket.CAN_ISOTP, ['lo'], TypeError],
    ['CAN_J1939', socket.AF_CAN, socket.CAN_J1939, ['lo', 2n ** 64n, 0, 0], RangeError],
    ['CAN_J1939', socket.AF_CAN, socket.CAN_J1939, ['lo', 0n, 0, 256], RangeError],
    ['AF_TIPC', socket.AF_TIPC, 0, [9, 1, 2, 3], RangeError],
    ['AF_ALG', socket.AF_ALG, 0, ['x'.repeat(14), 'y'], RangeError],
    ['AF_ALG', socket.AF_ALG, 0, ['x', 'y'.repeat(64)], RangeError],
    ['AF_QIPCRTR', socket.AF_QIPCRTR, 0, [1, 2, 3], TypeError],
    ['L2CAP', socket.AF_BLUETOOTH, socket.BTPROTO_L2CAP, ['1:2:3:4:5', 1], RangeError],
    ['RFCOMM', socket.AF_BLUETOOTH, socket.BTPROTO_RFCOMM, ['1:2:3:4:5:6', 256], RangeError],
    ['HCI', socket.AF_BLUETOOTH, socket.BTPROTO_HCI, ['hci0'], TypeError],
    ['SCO', socket.AF_BLUETOOTH, socket.BTPROTO_SCO, '1:2:3:4:5:6:7', RangeError],
    ['raw', 200, 0, Buffer.alloc(129), RangeError],
    ['raw', 200, 0, Buffer.alloc(1), RangeError],
    ['raw', 200, 0, ['x'], TypeError],
  ])('%s %i %i: %o is refused', (_what, family, proto, address, error) => {
    expect(() => encoded(family, proto, address)).toThrow(error);
  });

  test('a protocol of Bluetooth or CAN that has no form', () => {
    const unsupported = expect.objectContaining({ code: 'EPROTONOSUPPORT' });
    expect(() => encoded(socket.AF_BLUETOOTH, 99, ['1:2:3:4:5:6', 1])).toThrow(unsupported);
    expect(() => encoded(socket.AF_CAN, 99, ['lo'])).toThrow(unsupported);
  });
});
