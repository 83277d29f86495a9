// Structured clones (structuredClone, postMessage, workerData): an object of a class of this library is refused, or its clone has all that
// the object had. None arrives as an empty object.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import * as faces from 'bsd-sockets';
import { afterAll, describe, expect, test } from 'vitest';

const { packet, promises, selectors, socket, socketserver } = faces;

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});
function keep<T extends { close(): unknown }>(one: T): T {
  ends.push(() => one.close());
  return one;
}

const LOCAL: [string, number] = ['127.0.0.1', 0];
const path = (name: string) => join(tmpdir(), `clones-${process.pid}-${name}`);
const [sock] = socket.socketpair().map(keep) as [faces.socket.socket<1>];
const [async_sock, other] = promises.socketpair().map(keep) as faces.promises.socket<1>[];
if (async_sock === undefined || other === undefined) throw new Error();
const selector = keep(new selectors.DefaultSelector());
selector.register(sock, selectors.EVENT_READ);

class Stream extends socketserver.StreamRequestHandler {}
class AsyncStream extends socketserver.AsyncStreamRequestHandler {}
const stream_handler = new Stream(sock as never, LOCAL, {} as never);
stream_handler.setup();

/** Makes a server of each class. */
function servers(): [string, object][] {
  return Object.entries(socketserver)
    .filter(([name]) => /(TCP|UDP|UnixStream|UnixDatagram)Server$/.test(name))
    .map(([name, Server]) => {
      const file = path(name);
      const Handler = name.startsWith('Async') ? AsyncStream : Stream;
      const Class = Server as new (address: unknown, handler: unknown) => { server_close(): Promise<void> };
      const server = new Class(name.includes('Unix') ? file : LOCAL, Handler);
      ends.push(async () => {
        await server.server_close();
        rmSync(file, { force: true });
      });
      return [name, server];
    });
}

const { AsyncBytesIO, AsyncSocketWriter, BytesIO } = socketserver;
const capture_path = path('capture');
ends.push(() => rmSync(capture_path));

/** Objects by the names of their classes, and those of classes that are not exported. */
const REFUSED: Readonly<Record<string, object>> = {
  socket: sock,
  'socket of promises': async_sock,
  MessageBatch: new socket.MessageBatch(2, 10),
  BorrowedSocket: socket.borrow(new (await import('node:net')).Socket()),
  SocketIO: sock.makefile('rb', 0),
  BufferedReader: sock.makefile('rb'),
  BufferedWriter: sock.makefile('wb'),
  BufferedRWPair: sock.makefile('rwb'),
  TextIOWrapper: sock.makefile(),
  TextFile: async_sock.makefile(),
  BufferedFile: async_sock.makefile('rb'),
  'SocketIO of promises': async_sock.makefile('rb', 0),
  iteration: async_sock[Symbol.asyncIterator](),
  'lines of a file': async_sock.makefile()[Symbol.asyncIterator](),
  stream: other.to_stream(),
  DefaultSelector: selector,
  EpollSelector: keep(new selectors.EpollSelector()),
  PollSelector: keep(new selectors.PollSelector()),
  SelectSelector: keep(new selectors.SelectSelector()),
  'map of a selector': selector.get_map() ?? {},
  'key with a socket': selector.get_key(sock),
  epoll: keep(new selectors.epoll()),
  poll: new selectors.poll(),
  Capture: packet.read_capture(new Uint8Array()),
  CaptureFile: keep(packet.write_capture(capture_path)),
  CaptureStream: packet.write_capture(new PassThrough()),
  StreamRequestHandler: stream_handler,
  BaseRequestHandler: new socketserver.BaseRequestHandler(sock as never, LOCAL, {} as never),
  DatagramRequestHandler: new socketserver.DatagramRequestHandler(
    [Buffer.from('x'), sock] as never,
    LOCAL,
    {} as never,
  ),
  AsyncBaseRequestHandler: new socketserver.AsyncBaseRequestHandler(async_sock as never, LOCAL, {} as never),
  AsyncStreamRequestHandler: new AsyncStream(async_sock as never, LOCAL, {} as never),
  AsyncDatagramRequestHandler: new socketserver.AsyncDatagramRequestHandler(
    [Buffer.from('x'), async_sock] as never,
    LOCAL,
    {} as never,
  ),
  'wfile of a stream': stream_handler.wfile,
  BytesIO: new BytesIO(Buffer.from('x')),
  AsyncBytesIO: new AsyncBytesIO(Buffer.from('x')),
  AsyncSocketWriter: new AsyncSocketWriter(async_sock as never),
  BaseServer: new socketserver.BaseServer(LOCAL, Stream as never),
  ...Object.fromEntries(servers()),
};

/** Classes whose objects are data alone, abstract ones, and those that need a certificate or another process: they have the same field. */
const OTHERS = new Set([
  ...['Packet', 'SelectorKey', 'BaseSelector', 'SocketType'],
  ...['SSLServerContext', 'SSLSocket', 'HandoverOffer', 'Predecessor'],
]);

describe('of an object with a descriptor, or with state that is not its own', () => {
  test.each(Object.entries(REFUSED))('%s: DataCloneError', (_, one) => {
    for (const value of [one, { nested: [one] }]) {
      expect(() => structuredClone(value)).toThrow(
        expect.objectContaining({
          name: 'DataCloneError',
          message: expect.stringMatching(/could not be cloned/),
        }),
      );
    }
    // What refuses the clone does not show.
    if (!(one instanceof socketserver.BaseRequestHandler))
      expect(inspect(one)).not.toContain('stays in its thread');
  });

  test('no exported class is forgotten', () => {
    // A callable class is a proxy, whose source says nothing.
    const is_class = (value: unknown) =>
      typeof value === 'function' &&
      (/^class\b/.test(String(value)) || Object.getOwnPropertyNames(value.prototype ?? {}).length > 1);
    const classes = Object.values(faces).flatMap((face) =>
      Object.entries(face).filter(([, value]) => is_class(value) && !(value.prototype instanceof Error)),
    );
    const names = new Set(classes.map(([name]) => name));
    expect(names.size).toBeGreaterThan(40);
    expect([...names].filter((name) => !(name in REFUSED) && !OTHERS.has(name))).toEqual([]);
  });
});

test('a packet and a key without a socket are cloned with all their fields', () => {
  const built = packet.build(packet.ipv4({ dst: '127.0.0.1' }), packet.udp({ dst_port: 7 }));
  const parsed = packet.parse(built, { linktype: packet.LINKTYPE_RAW });
  expect({ ...structuredClone(parsed) }).toEqual(expect.objectContaining({ layers: parsed.layers }));
  const key = new selectors.SelectorKey(0, 0, selectors.EVENT_READ, { own: 1 });
  expect(structuredClone(key)).toEqual({ fileobj: 0, fd: 0, events: 1, data: { own: 1 } });
});
