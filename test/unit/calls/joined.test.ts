// Datagrams that the kernel joins for a program that has set UDP_GRO (native/joined.h): recvmmsg gives them apart. Over loopback those are joined
// that sendmmsg sends as a run.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { has_runs, read_int } from '../../machine.js';

const { AF_INET, AF_INET6, CMSG_SPACE, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, SOCK_DGRAM, SOL_SOCKET } =
  socket;
type Family = typeof AF_INET | typeof AF_INET6;
type Udp = socket.socket<Family>;
const CONTROL = CMSG_SPACE(4);

/** A bound socket that has room for what a test sends. */
function open(family: Family, join: boolean): Udp {
  const sock: Udp = new socket.socket<Family>(family, SOCK_DGRAM);
  sock.bind([family === AF_INET ? '127.0.0.1' : '::1', 0]);
  sock.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 1 << 20);
  if (family === AF_INET) sock.setsockopt(IPPROTO_IP, socket.IP_RECVTOS, 1);
  else sock.setsockopt(IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1);
  if (join) sock.setsockopt(IPPROTO_UDP, socket.UDP_GRO, 1);
  sock.settimeout(20);
  return sock;
}

let missing: string | undefined = has_runs ? undefined : 'the emulator does not pass the size of segments on';
try {
  using sock = open(AF_INET, true);
  if (sock.getsockopt(IPPROTO_UDP, socket.UDP_GRO) !== 1) missing = 'the kernel does not tell UDP_GRO';
} catch {
  missing = 'needs UDP_GRO';
}
let missing6: string | undefined;
try {
  open(AF_INET6, true).close();
} catch {
  missing6 = 'needs IPv6';
}
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

/** Datagrams of these sizes; each begins with its number. */
function send(from: Udp, to: Udp, sizes: readonly number[], ancdata: socket.ControlMessage[] = []): void {
  const address = to.getsockname();
  const rows = sizes.map((size, index): socket.Message<Family> => {
    const bytes = Buffer.alloc(size);
    if (size >= 2) bytes.writeUInt16BE(index);
    return [[bytes], ancdata, 0, address];
  });
  for (let sent = 0; sent < rows.length; ) sent += from.sendmmsg(rows.slice(sent));
}

type Message = readonly [Buffer, socket.ReceivedControlMessage[], number, unknown];
const text = ([data, ancdata, flags, from]: Message): string =>
  `${data.length} ${data.subarray(0, 2).toString('hex')} ${ancdata.map(([level, type, bytes]) => `${level}/${type}=${bytes.toString('hex')}`)} ${flags} ${from}`;

/** What a batch has, as recvmmsg gives it. */
const messages_of = (batch: socket.MessageBatch): Message[] =>
  Array.from({ length: batch.count }, (_, i) => [
    Buffer.from(batch.data(i)),
    batch.ancdata(i),
    batch.flags(i),
    batch.address(i),
  ]);

const run = fc.record({
  size: fc.oneof(fc.constantFrom(1, 8, 100, 1000), fc.integer({ min: 0, max: 1500 })),
  count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(63, 64, 65)),
  last: fc.integer({ min: 0, max: 8 }),
  tos: fc.constantFrom(0, 32),
});

describe.each<[string, Family]>([
  ['IPv4', AF_INET],
  ['IPv6', AF_INET6],
])('%s: the messages of a socket that joins are those of one that does not', (_name, family) => {
  test.for([
    ['recvmmsg', 128],
    ['recvmmsg', 1024],
    ['recvmmsg_into', 130],
    ['recvmmsg_into', 600],
  ] as const)('%s of %i', ([call, vlen], ctx) => {
    ctx.skip(family === AF_INET6 && missing6 !== undefined, missing6);
    const batch = new socket.MessageBatch(vlen, 1400, CONTROL);
    const property = fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (runs) => {
      using from = open(family, false);
      using joining = open(family, true);
      using plain = open(family, false);
      let room = 120_000;
      let count = 0;
      for (const { size, count: wanted, last, tos } of runs) {
        const sizes = [...Array.from({ length: wanted }, () => size), Math.min(size, last)].filter((one) => {
          room -= one + 1000;
          return room > 0;
        });
        const level = family === AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
        const type = family === AF_INET ? socket.IP_TOS : socket.IPV6_TCLASS;
        const ancdata: socket.ControlMessage[] =
          tos === 0 ? [] : [[level, type, Buffer.from(Int32Array.of(tos).buffer)]];
        for (const to of [joining, plain]) send(from, to, sizes, ancdata);
        count += sizes.length;
      }
      const wanted = Array.from({ length: count }, () => text(plain.recvmsg(1400, CONTROL)));
      const got: string[] = [];
      while (got.length < count) {
        if (call === 'recvmmsg') got.push(...joining.recvmmsg(vlen, 1400, CONTROL).map(text));
        else {
          joining.recvmmsg_into(batch);
          got.push(...messages_of(batch).map(text));
        }
      }
      expect(got).toEqual(wanted);
      joining.settimeout(0);
      expect(() => joining.recv(1)).toThrow(socket.BlockingIOError);
    });
    fc.assert(property, { numRuns: 25 });
  });
});

test('come in one call, also of promises', async () => {
  using from = open(AF_INET, false);
  using blocking = open(AF_INET, true);
  send(from, blocking, [10, 10, 10]);
  expect(blocking.recvmmsg(128, 100)).toHaveLength(3);
  await using sock = promises.socket(AF_INET, SOCK_DGRAM);
  await sock.bind(['127.0.0.1', 0]);
  sock.setsockopt(IPPROTO_UDP, socket.UDP_GRO, 1);
  const batch = new promises.MessageBatch<typeof AF_INET>(128, 100);
  const waiting = sock.recvmmsg_into(batch);
  from.sendmmsg([0, 1, 2].map((): socket.Message<Family> => [['0123456789'], [], 0, sock.getsockname()]));
  expect(await waiting).toBe(3);
  expect(batch.address(2)).toEqual(from.getsockname());
});

test('recvmsg and recv give them joined, as the program has asked', () => {
  using from = open(AF_INET, false);
  using to = open(AF_INET, true);
  for (let i = 0; i < 3; i++) send(from, to, [10, 10, 5]);
  const [data, ancdata] = to.recvmsg(100, 2 * CONTROL);
  const size = ancdata.find(([level, type]) => level === IPPROTO_UDP && type === socket.UDP_GRO)?.[2];
  expect([data.length, read_int(size ?? Buffer.alloc(4))]).toEqual([25, 10]);
  expect(to.recv(100)).toHaveLength(25);
  expect(to.recvmmsg(128, 100, 0, socket.MSG_PEEK).map(([one]) => one.length)).toContain(25);
  expect(to.recvmmsg(128, 100)).toHaveLength(3);
});

test('are for those alone who have asked: no call of the library sets the option', async () => {
  using from = open(AF_INET, false);
  await using sock = promises.socket(AF_INET, SOCK_DGRAM);
  await sock.bind(['127.0.0.1', 0]);
  const run_to = () =>
    from.sendmmsg(
      [0, 1, 2, 3].map((): socket.Message<Family> => [['0123456789'], [], 0, sock.getsockname()]),
    );
  run_to();
  for await (const [data] of sock) {
    expect(data).toHaveLength(10);
    break;
  }
  expect(await sock.recvmmsg(1, 100)).toHaveLength(1);
  expect(await sock.recvmmsg_into(new promises.MessageBatch(1, 100))).toBe(1);
  await using duplicate = sock.dup();
  expect(await duplicate.recv(100)).toHaveLength(10);
  expect(duplicate.getsockopt(IPPROTO_UDP, socket.UDP_GRO)).toBe(0);
});

test('more than a batch has room for: the last message has the rest, joined', () => {
  using from = open(AF_INET, false);
  using to = open(AF_INET, true);
  send(from, to, [10, 10, 10, 10, 5]);
  send(from, to, [20, 20]);
  const messages = to.recvmmsg(3, 100, 2 * CONTROL);
  expect(messages.map(([data]) => data.length)).toEqual([10, 10, 25]);
  const sizes = messages.map(([, ancdata]) =>
    ancdata.filter(([level]) => level === IPPROTO_UDP).map(([, , bytes]) => read_int(bytes)),
  );
  expect(sizes).toEqual([[], [], [10]]);
  expect(to.recvmmsg(3, 100).map(([data]) => data.length)).toEqual([20, 20]);
});

test('are cut to bufsize, each by itself', () => {
  using from = open(AF_INET, false);
  using to = open(AF_INET, true);
  send(from, to, [10, 10, 3]);
  send(from, to, [10, 10, 3]);
  const lengths = (flags: number) => {
    const batch = new socket.MessageBatch(128, 4);
    to.recvmmsg_into(batch, flags);
    return [0, 1, 2].map((i) => [batch.length(i), batch.data(i).length, batch.flags(i) & socket.MSG_TRUNC]);
  };
  const { MSG_TRUNC } = socket;
  expect(lengths(0)).toEqual([
    [4, 4, MSG_TRUNC],
    [4, 4, MSG_TRUNC],
    [3, 3, 0],
  ]);
  expect(lengths(MSG_TRUNC)).toEqual([
    [10, 4, MSG_TRUNC],
    [10, 4, MSG_TRUNC],
    [3, 3, 0],
  ]);
});

test('control messages without room are told: MSG_CTRUNC', () => {
  using from = open(AF_INET, false);
  using plain = open(AF_INET, false);
  using to = open(AF_INET, true);
  for (const one of [plain, to]) send(from, one, [10, 10]);
  const [, , flags] = plain.recvmsg(100, 1);
  expect(to.recvmmsg(128, 100, 1).map(([, ancdata, own]) => [ancdata.length, own])).toEqual([
    [0, flags],
    [0, flags],
  ]);
});
