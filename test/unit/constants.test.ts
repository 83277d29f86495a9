// The constants: the one list, what is generated of it, its values against the C headers, the enum-like objects.
// test/conformance/names.test.ts compares them with Python's.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, expectTypeOf, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = readFileSync(`${root}lib/constants.ts`, 'utf8');
const generator = (option: string) =>
  spawnSync(process.execPath, [`${root}scripts/constants.mjs`, option], { encoding: 'utf8' });

describe('the list', () => {
  test('the generated files are what it says', () => {
    const { status, stderr } = generator('--check');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('its values agree with the C headers of this machine', (ctx) => {
    if (spawnSync('cc', ['--version']).error) ctx.skip('there is no C compiler');
    const { status, stdout, stderr } = generator('--verify');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const [, agreeing] = /^(\d+) values agree/.exec(stdout) ?? [];
    expect(Number(agreeing)).toBeGreaterThan(1000);
  });

  test('every name is described, with its manual page', () => {
    const exported = [...source.matchAll(/^(.*)\nexport const (\w+)/gm)];
    expect(exported.length).toBeGreaterThan(1600);
    const undescribed = exported.filter(
      ([, above]) => !/^(\/\*\* .+ (See .+\.|`) \*\/| \*\/|\/\*\* .+ \*\/)$/.test(above ?? ''),
    );
    expect(undescribed.map(([, , name]) => name)).toEqual([]);
  });

  test('no name is longer or other than a C name, and every value is a number or a string', () => {
    const names = [...source.matchAll(/^export const ([A-Z]\w*)/gm)].map(([, name]) => name ?? '');
    const ours: Record<string, unknown> = { ...socket };
    for (const name of names) {
      if (['AddressFamily', 'SocketKind', 'MsgFlag', 'AddressInfo'].includes(name)) continue;
      expect(name).toMatch(/^[A-Z][A-Za-z0-9_]*$/);
      if (ours[name] !== undefined) expect(['number', 'string'], name).toContain(typeof ours[name]);
    }
  });
});

describe('values', () => {
  test('those that differ between machines come from the headers', () => {
    expect(socket.EAGAIN).toBe(constants.errno.EAGAIN);
    expect(socket.EWOULDBLOCK).toBe(constants.errno.EWOULDBLOCK);
    expect(socket.EBADF).toBe(constants.errno.EBADF);
    using sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
    expect(sock.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN)).toBe(socket.AF_INET);
    expect(sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)).toBe(socket.SOCK_STREAM);
  });

  test('numbers above 2^31 are positive, as in Python', () => {
    expect([socket.INADDR_BROADCAST, socket.VMADDR_CID_ANY]).toEqual([4294967295, 4294967295]);
    expect([socket.CAN_EFF_FLAG, socket.EPOLLET]).toEqual([0x80000000, 0x80000000]);
    expect([socket.TIPC_WAIT_FOREVER, socket.EAI_NONAME]).toEqual([-1, -2]);
  });

  // What CPython 3.13's socketmodule.c has, but only in builds that found the headers.
  test.each(
    Object.entries({
      AF_BLUETOOTH: 31,
      BDADDR_ANY: '00:00:00:00:00:00',
      BDADDR_LOCAL: '00:00:00:FF:FF:FF',
      BTPROTO_HCI: 1,
      BTPROTO_L2CAP: 0,
      BTPROTO_RFCOMM: 3,
      BTPROTO_SCO: 2,
      CAN_RAW_ERR_FILTER: 2,
      HCI_DATA_DIR: 1,
      HCI_FILTER: 2,
      HCI_TIME_STAMP: 3,
      IPPROTO_MPTCP: 262,
      RDS_CANCEL_SENT_TO: 1,
      RDS_CMSG_RDMA_ARGS: 1,
      RDS_CMSG_RDMA_DEST: 2,
      RDS_CMSG_RDMA_MAP: 3,
      RDS_CMSG_RDMA_STATUS: 4,
      RDS_CMSG_RDMA_UPDATE: 5,
      RDS_CONG_MONITOR: 6,
      RDS_FREE_MR: 3,
      RDS_GET_MR: 2,
      RDS_GET_MR_FOR_DEST: 7,
      RDS_RDMA_DONTWAIT: 16,
      RDS_RDMA_FENCE: 2,
      RDS_RDMA_INVALIDATE: 4,
      RDS_RDMA_NOTIFY_ME: 32,
      RDS_RDMA_READWRITE: 1,
      RDS_RDMA_SILENT: 64,
      RDS_RDMA_USE_ONCE: 8,
      RDS_RECVERR: 5,
      SOL_ATALK: 258,
      SOL_AX25: 257,
      SOL_HCI: 0,
      SOL_IPX: 256,
      SOL_NETROM: 259,
      SOL_ROSE: 260,
      SO_ORIGINAL_DST: 80,
      VMADDR_CID_LOCAL: 1,
    }),
  )('%s is %s', (name, value) => {
    expect({ ...socket }).toHaveProperty(name, value);
  });
});

describe('the enum-like objects', () => {
  test('give names by number and numbers by name', () => {
    expect(socket.AddressFamily[2]).toBe('AF_INET');
    expect(socket.AddressFamily.AF_INET).toBe(2);
    expect(socket.SocketKind[socket.SOCK_DGRAM]).toBe('SOCK_DGRAM');
    expect(socket.MsgFlag[0x40]).toBe('MSG_DONTWAIT');
    expect(socket.AddressInfo.AI_PASSIVE).toBe(1);
  });

  test('of several names, give the one that is meant', () => {
    expect(socket.AddressFamily[1]).toBe('AF_UNIX');
    expect(socket.AddressFamily[16]).toBe('AF_NETLINK');
    expect(socket.MsgFlag[4]).toBe('MSG_DONTROUTE');
    expect(socket.MsgFlag[0x8000]).toBe('MSG_MORE');
    expect([socket.AddressFamily.AF_LOCAL, socket.AddressFamily.AF_ROUTE]).toEqual([1, 16]);
  });

  test('know no other number, and cannot be changed', () => {
    expect(socket.AddressFamily[9999]).toBeUndefined();
    expect(() => Object.assign(socket.AddressFamily, { 2: 'AF_OTHER' })).toThrow(TypeError);
  });
});

test('TypeScript knows a fixed number, and widens it in a variable', () => {
  expectTypeOf<typeof socket.AF_INET>().toEqualTypeOf<2>();
  expectTypeOf(socket.SO_REUSEADDR).toEqualTypeOf<number>();
  expectTypeOf(socket.NI_IDN).toEqualTypeOf<number | undefined>();
  let flags = socket.MSG_PEEK;
  flags |= socket.MSG_DONTWAIT;
  expect(flags).toBe(0x42);
});
