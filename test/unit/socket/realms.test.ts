// Memory of another realm (node:vm; jest gives each test file one): views and buffers of it are bytes like all others.
import vm from 'node:vm';
import * as packet from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import * as structs from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const realm = vm.createContext();
const foreign = <T>(code: string): T => vm.runInContext(code, realm) as T;

const KINDS = [
  'Uint8Array',
  'Uint16Array',
  'Float64Array',
  'DataView',
  'ArrayBuffer',
  'SharedArrayBuffer',
] as const;
type Kind = (typeof KINDS)[number];

/** Returns memory of the other realm with these bytes, whose number a multiple of 8. */
function memory(kind: Kind, bytes: Uint8Array = Buffer.from('12345678')): ArrayBufferView {
  const buffer = kind === 'SharedArrayBuffer' ? kind : 'ArrayBuffer';
  const made = foreign<ArrayBuffer>(`new ${buffer}(${bytes.length})`);
  new Uint8Array(made).set(bytes);
  Reflect.set(realm, 'made', made);
  return kind === buffer ? (made as unknown as ArrayBufferView) : foreign(`new ${kind}(made)`);
}

let a: socket.socket<number>;
let b: socket.socket<number>;
beforeEach(() => {
  [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
});
afterEach(() => {
  a.close();
  b.close();
});

describe.each(KINDS)('a foreign %s', (kind) => {
  test('is sent, and received into, by every blocking call', () => {
    const sends: ((data: ArrayBufferView) => unknown)[] = [
      (data) => a.send(data),
      (data) => a.sendall(data),
      (data) => a.sendmsg([data]),
      (data) => a.sendmmsg([[[data]]]),
      (data) => a.makefile('wb', 0).write(data),
    ];
    for (const send of sends) {
      send(memory(kind));
      expect(String(b.recv(100))).toBe('12345678');
    }
    const receives: ((target: ArrayBufferView) => unknown)[] = [
      (target) => a.recv_into(target),
      (target) => a.recvfrom_into(target),
      (target) => a.recvmsg_into([target]),
      (target) => a.makefile('rb', 0).readinto(target),
    ];
    for (const receive of receives) {
      const target = memory(kind);
      b.send('abcdefgh');
      receive(target);
      const read = ArrayBuffer.isView(target) ? Buffer.from(target.buffer) : Buffer.from(target);
      expect(read.toString()).toBe('abcdefgh');
    }
  });

  test('is a control message, an option and what share() gave', () => {
    const credentials = structs.ucred.encode({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    const padded = Buffer.concat([credentials, Buffer.alloc(16 - credentials.length)]);
    expect(structs.ucred.decode(memory(kind, padded))).toMatchObject({ pid: process.pid });
    const limit = structs.timeval.encode({ sec: 1, usec: 0 });
    a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, memory(kind, limit));
    expect(a.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit.length)).toEqual(limit);
    const shared = a.share();
    expect(shared.length % 8).toBe(0);
    socket.fromshare(memory(kind, shared)).close();
  });

  test('is sent and received by promises', async () => {
    const [x, y] = promises.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    await x.send(memory(kind));
    await x.sendmsg([memory(kind)]);
    for (let i = 0; i < 2; i++) expect(String(await y.recv(100))).toBe('12345678');
    const target = memory(kind);
    await x.send('abcdefgh');
    expect(await y.recv_into(target)).toBe(8);
    x.close();
    y.close();
  });

  test('is a packet', () => {
    const ip = packet.ipv4({ dst: '127.0.0.1', src: '127.0.0.1' });
    const built = packet.build(ip, packet.udp({ dst_port: 9 }), packet.payload('1234'));
    expect(built.length % 8).toBe(0);
    const parsed = packet.parse(memory(kind, built), { linktype: packet.LINKTYPE_RAW });
    expect(parsed.layers.map(({ layer }) => layer)).toEqual(['ipv4', 'udp', 'payload']);
    expect(packet.hexdump(memory(kind))).toContain('31 32');
    const empty = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
    expect([...packet.read_capture(memory(kind, empty))]).toEqual([]);
  });
});

test('hosts and paths may be foreign bytes', () => {
  const host = memory('Uint8Array', Buffer.from('127.0.0.1'));
  using sock = socket.socket();
  sock.bind([host as never, 0]);
  expect(sock.getsockname()[0]).toBe('127.0.0.1');
  using server = socket.socket(socket.AF_UNIX);
  const name = Buffer.from(`\0bsd-sockets-${process.pid}-realm`);
  server.bind(memory('Uint8Array', name) as never);
  expect(server.getsockname()).toEqual(name);
});

describe('what is wrong is told as for values of this realm', () => {
  test.each([
    [
      '({})',
      /^data must be a string or bytes \(a Buffer, another view, or an ArrayBuffer\), not an object of Object$/,
    ],
    ['[1, 2]', /^data must be a string or bytes .* not an object of Array$/],
    ['new Date(0)', /^data must be a string or bytes .* not an object of Date$/],
    ['null', /^data must be a string or bytes .* not null$/],
  ])('%s', (code, message) => {
    const value = foreign<Buffer>(code);
    expect(() => a.send(value)).toThrow(message);
    expect(() => a.send(value)).toThrow(TypeError);
  });

  test.each(['Uint8Array', 'DataView', 'ArrayBuffer'] as const)('a detached %s', (kind) => {
    const value = memory(kind);
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    expect(() => a.send(value)).toThrow(/^data is detached, or its buffer was resized below it$/);
    expect(() => a.recv_into(value)).toThrow(/^buffer is detached, or its buffer was resized below it$/);
  });
});
