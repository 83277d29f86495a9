// What files, sockets, selectors and servers are from outside: their text, their clones, and which sockets files take.
import net from 'node:net';
import { inspect } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import {
  AsyncBaseRequestHandler,
  AsyncTCPServer,
  BaseRequestHandler,
  BytesIO,
  TCPServer,
} from 'bsd-sockets/socketserver';
import { afterEach, describe, expect, test } from 'vitest';

const opened: { close(): unknown }[] = [];
const keep = <T extends { close(): unknown }>(one: T): T => {
  opened.push(one);
  return one;
};
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function pairs() {
  const [a] = socket.socketpair().map(keep) as [socket.socket<1>, socket.socket<1>];
  const [b] = promises.socketpair().map(keep) as [promises.socket<1>, promises.socket<1>];
  return { a, b };
}

test('a file prints as one line with its class, descriptor and mode, open, closed and detached', async () => {
  const { a, b } = pairs();
  const fd = a.fileno();
  const files = [
    [a.makefile(), `<TextIOWrapper fd=${fd}, mode=r, encoding=UTF-8>`],
    [a.makefile('rw', { encoding: 'latin1' }), `<TextIOWrapper fd=${fd}, mode=rw, encoding=latin1>`],
    [a.makefile('rb'), `<BufferedReader fd=${fd}, mode=rb>`],
    [a.makefile('wb'), `<BufferedWriter fd=${fd}, mode=wb>`],
    [a.makefile('rwb'), `<BufferedRWPair fd=${fd}, mode=rwb>`],
    [a.makefile('rb', 0), `<SocketIO fd=${fd}, mode=rb>`],
    [b.makefile('w'), `<TextFile fd=${b.fileno()}, mode=w, encoding=UTF-8>`],
    [b.makefile('rwb'), `<BufferedFile fd=${b.fileno()}, mode=rwb>`],
    [b.makefile('rb', 0), `<SocketIO fd=${b.fileno()}, mode=rb>`],
  ] as const;
  for (const [file, text] of files) {
    expect([inspect(file), String(file), inspect({ file })]).toEqual([text, text, `{ file: ${text} }`]);
    await file.close();
    expect(inspect(file)).toBe(text.replace(/fd=\d+,/, '[closed]'));
  }
  const text = a.makefile('r');
  const buffer = text.detach();
  expect([inspect(text), inspect(buffer)]).toEqual([
    '<TextIOWrapper [detached]>',
    `<BufferedReader fd=${fd}, mode=rb>`,
  ]);
  expect(inspect(new BytesIO(Buffer.from('x')))).toBe('<BytesIO>');
  class Mine extends socket.SocketIO {}
  expect(inspect(new Mine(a, 'rw'))).toBe(`<Mine fd=${fd}, mode=rwb>`);
});

test('a socket prints as one line, with its family, addresses and state', () => {
  const server = keep(socket.create_server(['127.0.0.1', 0]));
  const [, port] = server.getsockname() as [string, number];
  const about = `fd=${server.fileno()}, family=AF_INET, type=SOCK_STREAM, proto=6`;
  const text = `<socket ${about}, laddr=["127.0.0.1",${port}]>`;
  expect([inspect(server), String(server)]).toEqual([
    text.replace('proto=6', 'proto=0'),
    text.replace('proto=6', 'proto=0'),
  ]);
  const { b } = pairs();
  expect(inspect(b)).toBe(`<socket fd=${b.fileno()}, family=AF_UNIX, type=SOCK_STREAM, proto=0>`);
  b.close();
  expect(inspect(b)).toBe('<socket [closed] family=AF_UNIX>');
});

test('a server and a selector print as one line, sub-classes and closed ones too', async () => {
  const sock = keep(socket.create_server(['127.0.0.1', 0]));
  const selector = keep(new selectors.EpollSelector());
  selector.register(sock, selectors.EVENT_READ);
  expect(inspect({ selector })).toBe('{ selector: <EpollSelector file objects=1> }');
  selector.close();
  expect(inspect(selector)).toBe('<EpollSelector [closed]>');
  expect(inspect(new selectors.poll())).toBe('<poll>');
  const epoll = keep(new selectors.epoll());
  expect(inspect(epoll)).toBe(`<epoll fd=${epoll.fileno()}>`);
  epoll.close();
  expect(inspect(epoll)).toBe('<epoll [closed]>');
  class Mine extends AsyncTCPServer {}
  for (const server of [
    new TCPServer(['127.0.0.1', 0], BaseRequestHandler),
    new Mine(['127.0.0.1', 0], AsyncBaseRequestHandler),
  ]) {
    const [host, port] = server.server_address;
    const text = `<${server.constructor.name} server_address=[ '${host}', ${port} ]>`;
    expect(inspect(server)).toBe(text);
    await server.server_close();
    expect(inspect(server)).toBe(text);
  }
});

describe('a structured clone is refused, and names share()', () => {
  const message = /could not be cloned/;
  const made = () => {
    const { a, b } = pairs();
    return {
      socket: a,
      'socket of promises': b,
      'text file': a.makefile(),
      'binary file': a.makefile('rwb'),
      'file without a buffer': a.makefile('rb', 0),
      'file of promises': b.makefile(),
      'borrowed handle': socket.borrow(new net.Socket()),
      selector: keep(new selectors.DefaultSelector()),
      'selector of poll': keep(new selectors.PollSelector()),
      poll: new selectors.poll(),
      epoll: keep(new selectors.epoll()),
      server: new TCPServer(['127.0.0.1', 0], BaseRequestHandler),
      'server on the event loop': new AsyncTCPServer(['127.0.0.1', 0], AsyncBaseRequestHandler),
    };
  };

  test('structuredClone, postMessage, workerData; alone, nested, closed', async () => {
    const { port1, port2 } = new MessageChannel();
    const all = made();
    for (const [kind, one] of Object.entries(all)) {
      for (const value of [one, { nested: [one] }]) {
        for (const clone of [
          () => structuredClone(value),
          () => port1.postMessage(value),
          () => new Worker('', { eval: true, workerData: value }),
        ]) {
          let error: unknown;
          try {
            clone();
          } catch (reason) {
            error = reason;
          }
          expect(error, kind).toMatchObject({ name: 'DataCloneError', message });
          expect(String(error), kind).toMatch(/share\(\) and fromshare\(\)/);
        }
      }
    }
    port1.close();
    port2.close();
    all.socket.close();
    expect(() => structuredClone(all.socket)).toThrow(message);
    await all.server.server_close();
    await all['server on the event loop'].server_close();
  });

  test('what JSON and copies of the fields take is unchanged', () => {
    const { a } = pairs();
    expect(Object.keys({ ...a })).toContain('_fd');
    expect(() => JSON.stringify(a)).not.toThrow();
    expect(structuredClone({ fd: a.fileno() })).toEqual({ fd: a.fileno() });
  });
});

describe('files take the sockets of their kind', () => {
  test('blocking files refuse sockets of promises and what is no socket', () => {
    const { a, b } = pairs();
    for (const wrong of [b, 5, null, undefined, {}, 'text', a.fileno()]) {
      expect(() => new socket.SocketIO(wrong as never, 'r')).toThrow(/^sock must be a blocking socket, not /);
    }
    expect(b._files).toBe(0);
    expect(new socket.SocketIO(a, 'rw').readable()).toBe(true);
    // A sub-class whose recv_into is asynchronous is found at the first read.
    class Late extends socket.socket<1> {
      override recv_into(): never {
        return Promise.resolve(1) as never;
      }
    }
    const late = keep(new Late(socket.AF_UNIX));
    for (const [mode, buffering] of [
      ['rb', 0],
      ['rb', null],
      ['r', null],
    ] as const) {
      expect(() => late.makefile(mode, buffering).readline()).toThrow(/^recv_into\(\) returned .*Promise/);
    }
    expect(() => late.makefile('rb', 0).read(3)).toThrow(/^recv_into\(\) returned .*Promise/);
  });

  test('files of promises are made by makefile() alone', () => {
    const { a, b } = pairs();
    for (const wrong of [a, b, undefined, 5]) {
      const message = /^a file of promises is made by makefile\(\) of a socket of promises, not of /;
      expect(() => new promises.SocketIO(wrong as never)).toThrow(message);
      expect(() => new promises.BufferedFile(wrong as never, 10)).toThrow(message);
      expect(() => new promises.TextFile(wrong as never, 10, {})).toThrow(message);
    }
  });

  test('buffered and text files refuse what is no file', () => {
    const { a, b } = pairs();
    for (const wrong of [a, b, undefined, null, 5, {}]) {
      expect(() => new socket.BufferedReader(wrong as never)).toThrow(/^raw must be a SocketIO, not /);
      expect(() => new socket.BufferedWriter(wrong as never)).toThrow(/^raw must be a SocketIO, not /);
      expect(() => new socket.TextIOWrapper(wrong as never)).toThrow(/^buffer must be a buffered file, not /);
    }
  });

  test('servers, selectors and functions say which kind they take', () => {
    const { a, b } = pairs();
    expect(() => new TCPServer(b as never, BaseRequestHandler)).toThrow(
      /blocks and takes no socket of promises/,
    );
    expect(() => socket.send_fds(b as never, ['x'], [0])).toThrow(/^sock must be a socket, not /);
    expect(() => promises.from_socket(b as never)).toThrow(/^sock must be a blocking socket, not /);
    expect(() => promises.from_socket(promises.from_socket(a) as never)).toThrow(TypeError);
    // The descriptor of either kind can be waited for.
    const selector = keep(new selectors.DefaultSelector());
    selector.register(b, selectors.EVENT_READ);
    expect(selector.select(0)).toEqual([]);
  });
});
