/**
 * The files of socket.makefile() on real sockets: the lifetime of the descriptor, valid and invalid arguments, and failures of a
 * receive, a send or a flush. test/conformance/makefile compares reading and writing with CPython, and
 * makefile.properties.test.ts checks their properties.
 */
import { afterEach, describe, expect, test } from 'vitest';
import * as socket from '../../../lib/socket/index.js';
import { garbage_collector, slowness } from '../../machine.js';
import { MemorySocket, makefile } from './makefile_socket.js';

const open: Disposable[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

function pair(): [socket.socket, socket.socket] {
  const both = socket.socketpair();
  for (const one of both) one.settimeout(10);
  open.push(...both);
  return both;
}

/** Returns a pair of sockets, with data that has arrived at the first. */
function arrived(data: string | Uint8Array): [socket.socket, socket.socket] {
  const [here, there] = pair();
  there.sendall(data);
  return [here, there];
}

/** Returns the error that a call throws. */
function error_of(call: () => unknown): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

test('each mode has its class, at run time and for the compiler', () => {
  const [sock] = pair();
  const text: socket.TextIOWrapper = sock.makefile();
  const reader: socket.BufferedReader = sock.makefile('rb');
  const writer: socket.BufferedWriter = sock.makefile('wb', 100);
  const both: socket.BufferedRWPair = sock.makefile('rwb');
  const raw: socket.SocketIO = sock.makefile('rb', 0);
  expect(text).toBeInstanceOf(socket.TextIOWrapper);
  expect(reader).toBeInstanceOf(socket.BufferedReader);
  expect(writer).toBeInstanceOf(socket.BufferedWriter);
  expect(both).toBeInstanceOf(socket.BufferedRWPair);
  expect(raw).toBeInstanceOf(socket.SocketIO);
  expect(text.buffer).toBeInstanceOf(socket.BufferedReader);
  expect(reader.raw).toBeInstanceOf(socket.SocketIO);
  expect([text.fileno(), reader.name, raw.name]).toEqual(Array(3).fill(sock.fileno()));
  expect([text.mode, reader.mode, raw.mode]).toEqual(['r', 'rb', 'rb']);
  for (const file of [text, reader, writer, both, raw]) file.close();
  expect([text.name, reader.name, raw.name]).toEqual([-1, -1, -1]);
});

test('a file reads lines and a file writes lines', () => {
  const [here, there] = pair();
  using out = here.makefile('w', null, { newline: '\r\n' });
  using back = there.makefile('r', null, { newline: '' });
  out.writelines(['grüße\n', 'bye\n']);
  out.flush();
  expect([back.readline(), back.readline()]).toEqual(['grüße\r\n', 'bye\r\n']);
});

test('iteration may be left and taken up again', () => {
  const [here, there] = arrived('one\ntwo\nthree\n');
  there.shutdown(socket.SHUT_WR);
  using file = here.makefile();
  for (const line of file) {
    if (line === 'one\n') break;
  }
  expect(file.readline()).toBe('two\n');
  expect([...file]).toEqual(['three\n']);
});

describe('the descriptor', () => {
  test('stays until the socket and all its files are closed', () => {
    const [sock] = pair();
    const files = [sock.makefile('rb'), sock.makefile('w'), sock.makefile('rwb', 0), sock.makefile('rw')];
    const fd = sock.fileno();
    sock.close();
    for (const file of files) {
      expect(sock.fileno()).toBe(fd);
      file.close();
      file.close();
    }
    expect(sock.fileno()).toBe(-1);
  });

  test('stays with the socket when the files are closed first', () => {
    const [sock] = pair();
    {
      using file = sock.makefile('rw');
      expect(file.closed).toBe(false);
    }
    expect(sock.fileno()).toBeGreaterThanOrEqual(0);
    sock.close();
    expect(sock.fileno()).toBe(-1);
  });

  test('a closed socket is still read and written through its files', () => {
    const [here, there] = arrived('question\n');
    using file = here.makefile('rw');
    here.close();
    expect(file.readline()).toBe('question\n');
    file.write('answer');
    file.close();
    expect(there.recv(100).toString()).toBe('answer');
    expect(there.recv(100)).toHaveLength(0);
  });

  test('arguments that are refused keep nothing open', () => {
    const [sock] = pair();
    const no_such: unknown = 'no-such-encoding';
    expect(() => sock.makefile('r', null, { encoding: no_such as string })).toThrow(/no-such-encoding/);
    expect(() => sock.makefile('rx')).toThrow(RangeError);
    expect(() => sock.makefile('r', 0)).toThrow('unbuffered streams must be binary');
    sock.close();
    expect(sock.fileno()).toBe(-1);
  });

  test('a file that was dropped does not keep it for ever', async (ctx) => {
    const collect = garbage_collector(ctx);
    const [sock] = pair();
    (() => {
      for (let i = 0; i < 10; i++) sock.makefile('rb').peek.name;
    })();
    sock.close();
    for (let round = 0; round < 200 && sock.fileno() >= 0; round++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(sock.fileno()).toBe(-1);
  });

  test('a detached file hands on what keeps it', () => {
    const [here] = arrived('line\nrest');
    const text = here.makefile();
    const reader = text.detach();
    here.close();
    expect(() => text.read()).toThrow('underlying buffer has been detached');
    expect(() => text.close()).toThrow('underlying buffer has been detached');
    expect(reader.readline().toString()).toBe('line\n');
    const raw = reader.detach();
    expect(() => reader.read(1)).toThrow('raw stream has been detached');
    expect(here.fileno()).toBeGreaterThanOrEqual(0);
    raw.close();
    expect(here.fileno()).toBe(-1);
  });
});

describe('data', () => {
  const bytes = Buffer.from('0123456789abcdef');
  const memory = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 16);
  const shared = new SharedArrayBuffer(16);
  Buffer.from(shared).set(bytes);

  test.for([
    ['a Buffer', bytes, bytes],
    ['an ArrayBuffer', memory, bytes],
    ['a SharedArrayBuffer', shared, bytes],
    ['a view of some of it', new Uint8Array(memory, 4, 4), bytes.subarray(4, 8)],
    ['a view of it as numbers', new Uint32Array(memory, 8, 1), bytes.subarray(8, 12)],
    ['a DataView', new DataView(memory, 15), bytes.subarray(15)],
    ['a view of shared memory', new Uint8Array(shared, 2, 3), bytes.subarray(2, 5)],
    ['nothing', new Uint8Array(0), Buffer.of()],
  ] as const)('%s is written', ([, value, expected]) => {
    for (const buffering of [0, 4, null]) {
      const [here, there] = pair();
      using file = here.makefile('wb', buffering);
      expect(file.write(value)).toBe(expected.length);
      file.close();
      here.close();
      expect(there.recv(100)).toEqual(Buffer.from(expected));
    }
  });

  test('any writable memory is read into', () => {
    for (const buffering of [0, 2, null]) {
      const [here] = arrived('0123456789abcdef');
      using file = here.makefile('rb', buffering);
      const target = new ArrayBuffer(8);
      const both = new SharedArrayBuffer(4);
      expect(file.readinto(new Uint16Array(target, 2, 2))).toBe(4);
      expect(file.readinto(new DataView(target, 7))).toBe(1);
      expect(file.readinto(both)).toBe(4);
      expect(Buffer.from(target)).toEqual(Buffer.from([0, 0, 0x30, 0x31, 0x32, 0x33, 0, 0x34]));
      expect(Buffer.from(both).toString()).toBe('5678');
    }
  });

  test('what was read is memory of its own', () => {
    const [here, there] = arrived('one\ntwo\n');
    using file = here.makefile('rb');
    const results = [file.readline(), file.peek(), file.read(2), file.read1(1), file.readline()];
    const before = results.map(String);
    there.sendall('XXXXXXXXXXXX\n');
    file.readline();
    expect(results.map(String)).toEqual(before);
    expect(before).toEqual(['one\n', 'two\n', 'tw', 'o', '\n']);
  });

  test('what is no data is refused, and names what was expected', () => {
    const [sock] = pair();
    using binary = sock.makefile('rwb');
    using text = sock.makefile('rw');
    using raw = sock.makefile('rwb', 0);
    const gone = new Uint8Array(8);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    for (const value of ['text', 5, null, undefined, [1], {}, gone] as unknown[]) {
      expect(() => binary.write(value as Uint8Array)).toThrow(TypeError);
      expect(() => raw.write(value as Uint8Array)).toThrow(TypeError);
      expect(() => binary.readinto(value as Uint8Array)).toThrow(TypeError);
      expect(() => raw.readinto(value as Uint8Array)).toThrow(TypeError);
    }
    for (const value of [Buffer.of(1), 5, null, undefined, ['a'], new String('a')] as unknown[]) {
      expect(() => text.write(value as string)).toThrow(TypeError);
    }
    expect(() => binary.write('text' as unknown as Uint8Array)).toThrow(/without 'b'/);
    expect(() => text.write(Buffer.of(1) as unknown as string)).toThrow(/with 'b'/);
    for (const size of [1.5, '1', {}, Number.NaN, true] as unknown[]) {
      for (const file of [binary, text, raw]) {
        expect(() => file.read(size as number)).toThrow(TypeError);
        expect(() => file.readline(size as number)).toThrow(TypeError);
        expect(() => file.readlines(size as number)).toThrow(TypeError);
      }
      // An object there is the options.
      if (typeof size !== 'object') expect(() => sock.makefile('rb', size as number)).toThrow(TypeError);
    }
    expect(() => binary.read(2 ** 60)).toThrow(RangeError);
    expect(() => sock.makefile('rb', 2n ** 70n)).toThrow(RangeError);
    expect(() => sock.makefile(5 as unknown as string)).toThrow(TypeError);
    expect(binary.read(0)).toHaveLength(0);
  });

  test('a bigint is a size', () => {
    const [here] = arrived('0123456789');
    using file = here.makefile('rb', 4n);
    expect(file.read(3n)?.toString()).toBe('012');
  });

  test('memory that shrinks while it is read into is refused', () => {
    const target = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 8 }]);
    const sock = new MemorySocket('0123456789');
    const receive = sock.recv_into.bind(sock);
    sock.recv_into = (buffer) => {
      const count = receive(buffer.subarray(0, 2));
      Reflect.apply(Reflect.get(target, 'resize'), target, [2]);
      return count;
    };
    const file = makefile(sock, 'rb', 1);
    expect(() => file.readinto(target)).toThrow(/^buffer was detached, or its buffer was resized below it/);
  });
});

describe('failures', () => {
  test('a time-out ends reading, but loses nothing', () => {
    const [here, there] = arrived('half a li');
    here.settimeout(0.05);
    using file = here.makefile('rb');
    expect(() => file.readline()).toThrow(socket.TimeoutError);
    there.sendall('ne\n');
    const error = error_of(() => file.readline());
    expect(error).toBeInstanceOf(socket.OSError);
    expect(error.message).toBe('cannot read from timed out object');
    expect(file.read(9)?.toString()).toBe('half a li');
    here.settimeout(10);
    using second = here.makefile('rb');
    expect(second.readline().toString()).toBe('ne\n');
  });

  test('without blocking, null, what is there, or an error that says what was taken', () => {
    const [here, there] = pair();
    here.setblocking(false);
    using raw = here.makefile('rb', 0);
    using reader = here.makefile('rb');
    expect([raw.read(), raw.read(5), raw.readinto(Buffer.alloc(5))]).toEqual([null, null, null]);
    expect([reader.read(), reader.read(5), reader.readinto(Buffer.alloc(5))]).toEqual([null, null, null]);
    expect([reader.read1(), reader.peek(), reader.readline()].map(String)).toEqual(['', '', '']);
    expect(() => raw.readline()).toThrow(socket.OSError);
    using text = here.makefile();
    expect(() => text.read()).toThrow(socket.BlockingIOError);
    there.sendall('ab');
    expect(reader.read(5)?.toString()).toBe('ab');
    const writer = here.makefile('wb', 1000);
    const error = error_of(() => {
      for (;;) writer.write(Buffer.alloc(700));
    });
    expect(error).toBeInstanceOf(socket.BlockingIOError);
    expect(error).toMatchObject({ errno: 11, code: 'EAGAIN' });
    expect(error.characters_written).toBeLessThan(700);
    here.close();
    expect(() => writer.close()).toThrow(socket.BlockingIOError);
    expect(writer.closed).toBe(true);
  });

  test('a flush that fails is reported by close(), which closes all the same', () => {
    for (const mode of ['wb', 'w', 'rwb', 'rw'] as const) {
      const [here, there] = pair();
      const file = here.makefile(mode);
      if (file instanceof socket.TextIOWrapper) file.write('lost');
      else file.write(Buffer.from('lost'));
      there.close();
      here.close();
      expect(() => file.close()).toThrow(socket.BrokenPipeError);
      expect(file.closed).toBe(true);
      expect(here.fileno()).toBe(-1);
      file.close();
    }
  });

  test('use after close', () => {
    const [sock] = pair();
    const text = sock.makefile('rw');
    const binary = sock.makefile('rwb');
    const raw = sock.makefile('rwb', 0);
    for (const file of [text, binary, raw]) file.close();
    const calls = [
      () => text.read(),
      () => text.readline(),
      () => text.write('a'),
      () => text.flush(),
      () => [...text],
      () => binary.read(),
      () => binary.write(Buffer.of(1)),
      () => binary.readline(),
      () => raw.read(1),
      () => raw.write(Buffer.of(1)),
      () => raw.fileno(),
      () => [...raw],
    ];
    for (const call of calls) expect(call).toThrow(/closed file/);
    for (const call of calls) expect(call).toThrow(RangeError);
  });

  test('what a file cannot do is an UnsupportedOperation, which is an OSError', () => {
    const [sock] = pair();
    using reader = sock.makefile('rb');
    using writer = sock.makefile('w');
    for (const call of [
      () => reader.write(Buffer.of(1)),
      () => writer.read(),
      () => reader.seek(0),
      () => writer.tell(),
    ]) {
      expect(call).toThrow(socket.UnsupportedOperation);
      expect(call).toThrow(socket.OSError);
    }
    expect(error_of(() => writer.readline()).name).toBe('UnsupportedOperation');
  });

  test('a read inside a read of the same file is refused', () => {
    const sock = new MemorySocket('one\ntwo\n');
    const file = makefile(sock, 'rb');
    const receive = sock.recv_into.bind(sock);
    sock.recv_into = (buffer) => {
      expect(() => file.readline()).toThrow(/reentrant/);
      return receive(buffer);
    };
    expect(file.readline().toString()).toBe('one\n');
    expect(file.readline().toString()).toBe('two\n');
  });

  test('what an overridden method returns is not trusted', () => {
    for (const count of [-1, 9000, Number.NaN]) {
      const sock = new MemorySocket('text');
      sock.recv_into = () => count;
      sock.send = () => count;
      const calls = ['readline', 'read', 'peek'] as const;
      for (const name of calls) expect(() => makefile(sock, 'rb', 8)[name]()).toThrow(/returned/);
      expect(() => makefile(sock, 'rb', 8).read(20)).toThrow(/returned/);
      expect(() => makefile(sock, 'rb', 8).readinto(Buffer.alloc(20))).toThrow(/returned/);
      expect(() => makefile(sock, 'r').read(1)).toThrow(/returned/);
      const writer = makefile(sock, 'wb', 8);
      writer.write(Buffer.of(1));
      expect(() => writer.flush()).toThrow(/returned/);
      expect(() => writer.write(Buffer.alloc(20))).toThrow(/returned/);
    }
  });
});

describe('encodings', () => {
  test('errors say what, where and why', () => {
    const [here] = arrived(Buffer.from([0x61, 0xe9, 0x0a]));
    using file = here.makefile();
    const error = error_of(() => file.readline());
    expect(error).toBeInstanceOf(socket.UnicodeDecodeError);
    expect(error).toBeInstanceOf(socket.UnicodeError);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      name: 'UnicodeDecodeError',
      message: "'utf-8' codec can't decode byte 0xe9 in position 1: invalid continuation byte",
      encoding: 'utf-8',
      object: Buffer.from([0x61, 0xe9, 0x0a]),
      start: 1,
      end: 2,
      reason: 'invalid continuation byte',
    });
    using out = here.makefile('w', null, { encoding: 'ascii' });
    expect(error_of(() => out.write('😀 a€é'))).toMatchObject({
      name: 'UnicodeEncodeError',
      message: "'ascii' codec can't encode character '\\U0001f600' in position 0: ordinal not in range(128)",
      object: '😀 a€é',
      start: 0,
      end: 1,
    });
    expect(error_of(() => out.write('😀€')).message).toMatch('characters in position 0-1');
  });

  test('names that do not exist are told', () => {
    const [sock] = pair();
    for (const encoding of ['klingon', '', 'utf-9', 'constructor', '__proto__', 'toString']) {
      expect(() => sock.makefile('r', null, { encoding })).toThrow(socket.LookupError);
      expect(() => sock.makefile('r', null, { encoding })).toThrow(`unknown encoding: ${encoding}`);
    }
    expect(() => sock.makefile('r', null, { errors: 'shrug' })).toThrow(/'shrug'/);
    expect(() => sock.makefile('r', null, { errors: 'constructor' })).toThrow(socket.LookupError);
  });

  test.for([
    ['gbk', '中文 text', 'd6d0cec42074657874'],
    ['gb18030', '中😀\u0080', 'd6d09439fc3681308130'],
    ['big5', '中文', 'a4a4a4e5'],
    ['shift_jis', 'ﾃ日本', 'c393fa967b'],
    ['euc_jp', '日本ﾃ', 'c6fccbdc8ec3'],
    ['euc_kr', '한국', 'c7d1b1b9'],
  ] as const)('%s', ([encoding, text, hex], ctx) => {
    let out: socket.TextIOWrapper;
    const sock = new MemorySocket(Buffer.from(hex, 'hex'));
    try {
      out = makefile(sock, 'w', null, { encoding });
    } catch {
      return ctx.skip('this Node has no full ICU');
    }
    out.write(text);
    out.close();
    expect(sock.received().toString('hex')).toBe(hex);
    sock.receives = Array(40).fill(1);
    expect(makefile(sock, 'r', null, { encoding }).read(100)).toBe(text);
    expect(() => makefile(sock, 'w', null, { encoding }).write('\udc80')).toThrow(socket.UnicodeEncodeError);
    const escaped = new MemorySocket(Buffer.from([0x61, 0xff, 0x62]));
    const lossy = makefile(escaped, 'r', null, { encoding, errors: 'backslashreplace' });
    expect(lossy.read()).toBe('a\\xffb');
  });
});

test('a line of many megabytes takes time in proportion', () => {
  const megabytes = 24;
  const sock = new MemorySocket();
  let left = megabytes << 20;
  sock.recv_into = (buffer) => {
    const count = Math.min(buffer.length, left, 1460);
    buffer.fill(0x61, 0, count);
    left -= count;
    return count;
  };
  const begin = performance.now();
  expect(makefile(sock, 'rb').readline()).toHaveLength(megabytes << 20);
  left = megabytes << 20;
  expect(makefile(sock).readline()).toHaveLength(megabytes << 20);
  left = megabytes << 20;
  expect(makefile(sock).read()).toHaveLength(megabytes << 20);
  left = megabytes << 20;
  expect(makefile(sock, 'rb').read(1 << 28)).toHaveLength(megabytes << 20);
  expect(performance.now() - begin).toBeLessThan(15_000 * slowness);
});
