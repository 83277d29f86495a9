// Runs of datagrams that sendmmsg sends as one message, which the kernel cuts (native/segments.h): nobody may notice.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { has_runs, read_int } from '../../machine.js';

const { AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, SOCK_DGRAM, SOL_SOCKET } = socket;
type Family = typeof AF_INET | typeof AF_INET6;
type Udp = socket.socket<Family>;
type Row = socket.Message<Family>;

const int = (value: number) => Buffer.from(Int32Array.of(value).buffer);
const short = (value: number) => Buffer.from(Uint16Array.of(value).buffer);
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const LOOPBACK: Record<number, string> = { [AF_INET]: '127.0.0.1', [AF_INET6]: '::1' };
const has_ipv6 = (() => {
  try {
    open(AF_INET6).close();
    return true;
  } catch {
    return false;
  }
})();

/** A bound socket that never has to drop what a test sends, and whose receives do not wait. */
function open(family: Family): Udp {
  const sock: Udp = new socket.socket<Family>(family, SOCK_DGRAM);
  sock.bind([LOOPBACK[family] ?? '', 0]);
  sock.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 1 << 20);
  sock.settimeout(0);
  return sock;
}

/** Receives this many messages, however long they take, and those that are there beyond. */
function messages_of(sock: Udp, count: number): socket.ReceivedMessage<Family, typeof SOCK_DGRAM>[] {
  const messages: socket.ReceivedMessage<Family, typeof SOCK_DGRAM>[] = [];
  for (;;) {
    sock.settimeout(messages.length < count ? 20 : 0);
    try {
      messages.push(sock.recvmsg(65536, 200));
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' });
      return messages;
    }
  }
}

/** What has come, as text: sizes, beginnings, control messages, flags, senders. */
function arrived(sock: Udp, count: number): string[] {
  return messages_of(sock, count).map(([data, ancdata, flags, from]) => {
    const control = ancdata.map(([level, type, bytes]) => `${level}/${type}=${bytes.toString('hex')}`);
    return `${data.length} ${data.subarray(0, 4).toString('hex')} ${control} ${flags} ${from}`;
  });
}

/** Sends all by sendmmsg, however many go at once. @returns the results of the calls */
function send_all(sock: Udp, rows: readonly Row[]): number[] {
  const counts: number[] = [];
  for (let sent = 0; sent < rows.length; ) {
    const count = sock.sendmmsg(rows.slice(sent));
    expect(count).toBeGreaterThan(0);
    counts.push(count);
    sent += count;
  }
  return counts;
}

/** The sizes of the messages as the kernel carried them: a receiver that asks for joined ones gets them as they came. */
function carried(to: Udp, count: number, send: () => void): string[] {
  to.setsockopt(IPPROTO_UDP, socket.UDP_GRO, 1);
  send();
  const sizes = messages_of(to, count).map(([data, ancdata]) => {
    const [segment] = ancdata.map(([, , bytes]) => read_int(bytes));
    return segment === undefined ? `${data.length}` : `${data.length} by ${segment}`;
  });
  to.setsockopt(IPPROTO_UDP, socket.UDP_GRO, 0);
  return sizes;
}

beforeEach((ctx) => ctx.skip(!has_runs, 'the emulator does not pass the size of segments on'));

let serial = 0;
/** A datagram of this size whose beginning is its own. */
function row(to: Udp | null, size: number, ancdata: socket.ControlMessage[] = [], flags = 0): Row {
  const bytes = Buffer.alloc(size);
  serial++;
  if (size >= 4) bytes.writeUInt32BE(serial);
  // In parts, as a message may be.
  const parts = size % 3 === 1 ? [bytes.subarray(0, 1), bytes.subarray(1)] : [bytes];
  return [parts, ancdata, flags, to === null ? null : to.getsockname()];
}

const is_cut = (() => {
  if (!has_runs) return false;
  try {
    using to = open(AF_INET);
    using from = open(AF_INET);
    return (
      carried(to, 1, () =>
        send_all(
          from,
          [10, 10].map((n) => row(to, n)),
        ),
      )[0] === '20 by 10'
    );
  } catch {
    return false;
  }
})();

const kinds = fc.record({
  size: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(8, 8, 8, 9, 40, 512) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 2000 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, 30_000, 65_000) },
  ),
  repeat: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(63, 64, 65, 90)),
  to: fc.integer({ min: 0, max: 1 }),
  tos: fc.constantFrom(0, 0, 0, 8, 32),
  flags: fc.constantFrom(0, 0, 0, socket.MSG_DONTWAIT, socket.MSG_CONFIRM),
});

describe.each<[string, Family]>([
  ['IPv4', AF_INET],
  ['IPv6', AF_INET6],
])('%s: what arrives is what arrives of single sends', (_name, family) => {
  test.for([false, true])('connected: %s', (connected, ctx) => {
    ctx.skip(family === AF_INET6 && !has_ipv6, 'needs IPv6');
    const tos_of = (tos: number): socket.ControlMessage[] => {
      if (tos === 0) return [];
      if (family === AF_INET) return [[IPPROTO_IP, socket.IP_TOS, int(tos)]];
      return [[IPPROTO_IPV6, socket.IPV6_TCLASS, int(tos)]];
    };
    const property = fc.property(fc.array(kinds, { minLength: 1, maxLength: 8 }), (runs) => {
      using from = open(family);
      using first = open(family);
      using second = open(family);
      const receivers = [first, second];
      for (const sock of receivers) {
        if (family === AF_INET) sock.setsockopt(IPPROTO_IP, socket.IP_RECVTOS, 1);
        else sock.setsockopt(IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1);
      }
      if (connected) from.connect(first.getsockname());
      let room = 150_000;
      const rows = runs.flatMap(({ size, repeat, to, tos, flags }) =>
        Array.from({ length: repeat }, () => {
          room -= size + 1000;
          return room < 0 ? [] : [row(connected ? null : (receivers[to] ?? null), size, tos_of(tos), flags)];
        }).flat(),
      );
      for (const [buffers, ancdata, flags, address] of rows) from.sendmsg(buffers, ancdata, flags, address);
      const due = receivers.map(
        (sock) =>
          rows.filter(([, , , to]) => String(to ?? first.getsockname()) === String(sock.getsockname()))
            .length,
      );
      const wanted = receivers.map((sock, index) => arrived(sock, due[index] ?? 0));
      const counts = send_all(from, rows);
      // Over loopback nothing keeps a call from sending all.
      expect(counts).toHaveLength(rows.length === 0 ? 0 : 1);
      expect(receivers.map((sock, index) => arrived(sock, due[index] ?? 0))).toEqual(wanted);
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe.runIf(is_cut)('runs', () => {
  const sizes = (count: number, size: number) => Array.from({ length: count }, () => size);
  const cases: [string, number[], string[]][] = [
    ['of equal sizes', sizes(10, 100), ['1000 by 100']],
    ['with a shorter last one', [100, 100, 30], ['230 by 100']],
    ['end behind a shorter one', [100, 100, 30, 30, 100], ['230 by 100', '30', '100']],
    ['end at a longer one', [100, 200, 200], ['100', '400 by 200']],
    ['of 64 at most', sizes(65, 10), ['640 by 10', '10']],
    ['of less than 64 KiB', sizes(50, 1400), ['64400 by 1400', '5600 by 1400']],
    ['do not begin or end with an empty one', [0, 0, 10, 0, 10, 10], ['0', '0', '10', '0', '20 by 10']],
  ];
  test.each(cases)('%s', (_name, all, wanted) => {
    using to = open(AF_INET);
    using from = open(AF_INET);
    expect(
      carried(to, wanted.length, () =>
        send_all(
          from,
          all.map((size) => row(to, size)),
        ),
      ),
    ).toEqual(wanted);
    from.connect(to.getsockname());
    expect(
      carried(to, wanted.length, () =>
        send_all(
          from,
          all.map((size) => row(null, size)),
        ),
      ),
    ).toEqual(wanted);
  });

  test('of promises', async () => {
    using to = open(AF_INET);
    await using from = promises.socket(AF_INET, SOCK_DGRAM);
    const rows = sizes(5, 100).map((size) => row(to, size));
    to.setsockopt(IPPROTO_UDP, socket.UDP_GRO, 1);
    expect(await from.sendmmsg(rows as promises.Message<typeof AF_INET>[])).toBe(5);
    to.settimeout(20);
    expect(to.recv(65536)).toHaveLength(500);
  });

  test('have one address and the same control messages', () => {
    using to = open(AF_INET);
    using other = open(AF_INET);
    using from = open(AF_INET);
    const tos = (value: number): socket.ControlMessage[] => [[IPPROTO_IP, socket.IP_TOS, int(value)]];
    const rows = [
      ...[row(to, 10, tos(8)), row(to, 10, tos(8)), row(to, 10, tos(16))],
      ...[row(to, 10), row(other, 10), row(other, 10), row(to, 10)],
    ];
    expect(carried(to, 4, () => send_all(from, rows))).toEqual(['20 by 10', '10', '10', '10']);
    expect(arrived(other, 2)).toHaveLength(2);
  });

  const plain: [string, (from: Udp) => void, ((to: Udp) => Row)?][] = [
    ['a size of the program', (from) => from.setsockopt(IPPROTO_UDP, socket.UDP_SEGMENT, 65000)],
    ['time stamps of sends', (from) => from.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPING, 2 | 16)],
    [
      'a size in a control message',
      () => {},
      (to) => row(to, 10, [[IPPROTO_UDP, socket.UDP_SEGMENT, short(1000)]]),
    ],
  ];
  test.each(plain)('are none with %s', (_name, set, make = (to) => row(to, 10)) => {
    using to = open(AF_INET);
    using from = open(AF_INET);
    set(from);
    expect(carried(to, 3, () => send_all(from, [make(to), make(to), make(to)]))).toEqual(['10', '10', '10']);
  });

  test('are none of a corked socket, nor of MSG_MORE', () => {
    using to = open(AF_INET);
    using from = open(AF_INET);
    from.connect(to.getsockname());
    from.setsockopt(IPPROTO_UDP, socket.UDP_CORK, 1);
    const corked = carried(to, 1, () => {
      send_all(from, [row(null, 10), row(null, 10), row(null, 10)]);
      from.setsockopt(IPPROTO_UDP, socket.UDP_CORK, 0);
    });
    expect(corked).toEqual(['30']);
    const more = [row(null, 10, [], socket.MSG_MORE), row(null, 10, [], socket.MSG_MORE), row(null, 10)];
    expect(carried(to, 1, () => send_all(from, more))).toEqual(['30']);
  });

  test('without checksums are refused by the kernel, and go one by one', () => {
    using to = open(AF_INET);
    using from = open(AF_INET);
    from.setsockopt(SOL_SOCKET, socket.SO_NO_CHECK, 1);
    const rows = Array.from({ length: 3 }, () => row(to, 10));
    expect(carried(to, 3, () => expect(send_all(from, rows)).toEqual([3]))).toEqual(['10', '10', '10']);
    // For good.
    from.setsockopt(SOL_SOCKET, socket.SO_NO_CHECK, 0);
    expect(carried(to, 3, () => expect(send_all(from, rows)).toEqual([3]))).toEqual(['10', '10', '10']);
  });

  test('of another socket are not affected by that', () => {
    using to = open(AF_INET);
    using from = open(AF_INET);
    expect(carried(to, 1, () => send_all(from, [row(to, 10), row(to, 10)]))).toEqual(['20 by 10']);
  });
});

test('an error of ICMP comes once, and the next messages go out', () => {
  using from = open(AF_INET);
  const gone = open(AF_INET);
  const address = gone.getsockname();
  gone.close();
  from.connect(address);
  const rows = Array.from({ length: 4 }, () => row(null, 10));
  expect(from.sendmmsg(rows)).toBeGreaterThan(0);
  expect(() => from.sendmmsg(rows)).toThrow(code('ECONNREFUSED'));
  expect(from.sendmmsg(rows)).toBeGreaterThan(0);
});

test('errors are those of single sends', () => {
  using from = new socket.socket(AF_INET, SOCK_DGRAM);
  using to = open(AF_INET);
  const rows = (size: number, address: boolean): socket.Message<typeof AF_INET>[] =>
    Array.from({ length: 3 }, () => [[Buffer.alloc(size)], [], 0, address ? ['127.0.0.1', 9] : null]);
  expect(() => from.sendmmsg(rows(10, false))).toThrow(code('EDESTADDRREQ'));
  expect(() => from.sendmmsg(rows(65_508, true))).toThrow(code('EMSGSIZE'));
  expect(() =>
    from.sendmmsg([
      [['x'], [], 0, ['255.255.255.255', 9]],
      [['x'], [], 0, ['255.255.255.255', 9]],
    ]),
  ).toThrow(/EACCES|ENETUNREACH/);
  // A batch ends before the first message that fails.
  const ends = [...[1, 2].map(() => row(to, 10)), row(to, 65_508), row(to, 10)];
  expect(from.sendmmsg(ends as socket.Message<typeof AF_INET>[])).toBe(2);
  expect(arrived(to, 2)).toHaveLength(2);
});
