// The files and streams of sockets of promises: makefile(), sendfile() and to_stream().
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as promises from 'bsd-sockets/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

const rejected = (code: string) => expect.objectContaining({ code });
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let a: promises.socket<1>;
let b: promises.socket<1>;
beforeEach(() => {
  [a, b] = promises.socketpair();
});
afterEach(() => {
  a.close();
  b.close();
});

describe('makefile', () => {
  test('lines of text', async () => {
    const file = a.makefile();
    expect(file).toBeInstanceOf(promises.TextFile);
    const lines: string[] = [];
    const loop = (async () => {
      for await (const line of file) lines.push(line);
    })();
    await b.sendall('one\r\ntwo\nhälf');
    await later(5);
    expect(lines).toEqual(['one\n', 'two\n']);
    await b.sendall(' more');
    b.close();
    await loop;
    expect(lines).toEqual(['one\n', 'two\n', 'hälf more']);
    expect(file.newlines).toEqual(['\n', '\r\n']);
  });

  test('writing is collected until flush or close', async () => {
    const file = a.makefile('rw', null, { encoding: 'latin-1', newline: '\r\n' });
    expect(await file.write('hé\n')).toBe(3);
    await expect(b.recv(10, { timeout: 0 })).rejects.toThrow(rejected('EAGAIN'));
    await file.flush();
    expect(await b.recv(10)).toEqual(Buffer.from('h\xe9\r\n', 'latin1'));
    await file.writelines(['x', 'y']);
    a.close();
    expect(a.fileno()).toBeGreaterThanOrEqual(0);
    await file.close();
    await file.close();
    expect(a.fileno()).toBe(-1);
    expect(String(await b.recv(10))).toBe('xy');
    expect((await b.recv(10)).length).toBe(0);
    await expect(file.write('x')).rejects.toThrow(RangeError);
    await expect(file.read()).rejects.toThrow(RangeError);
  });

  test('bytes', async () => {
    const file = a.makefile('rwb');
    expect(file).toBeInstanceOf(promises.BufferedFile);
    const calls = [file.read(3), file.readline(), file.read1(100), file.readinto(Buffer.alloc(2))];
    await b.sendall('abcline\nrest');
    await later(5);
    await b.sendall('12');
    expect(await Promise.all(calls)).toEqual([
      Buffer.from('abc'),
      Buffer.from('line\n'),
      Buffer.from('rest'),
      2,
    ]);
    await b.sendall('peeked');
    expect(String(await file.peek())).toBe('peeked');
    const big = Buffer.alloc(3_000_000, 'x');
    const written = [
      file.write('head' as unknown as Buffer).catch((error) => error.name),
      file.write(big),
      file.flush(),
    ];
    expect((await b.recv_exactly(big.length)).equals(big)).toBe(true);
    expect(await Promise.all(written)).toEqual(['TypeError', big.length, undefined]);
    b.close();
    expect(String(await file.read())).toBe('peeked');
    expect((await file.read(5))?.length).toBe(0);
  });

  test('without a buffer', async () => {
    const file = a.makefile('rwb', 0);
    expect(file).toBeInstanceOf(promises.SocketIO);
    expect(await file.write(Buffer.from('out'))).toBe(3);
    expect(String(await b.recv(10))).toBe('out');
    await b.sendall('line\nmore');
    expect(String(await file.readline())).toBe('line\n');
    expect(String(await file.read(2))).toBe('mo');
    b.close();
    expect(String(await file.readall())).toBe('re');
  });

  test('keeps what it read when a call is aborted or expires', async () => {
    for (const file of [a.makefile(), a.makefile('rb'), a.makefile('rb', 0)]) {
      await b.sendall('half ');
      await expect(file.readline({ timeout: 0.02 })).rejects.toThrow(rejected('ETIMEDOUT'));
      const aborter = new AbortController();
      const waiting = file.readline({ signal: aborter.signal });
      const behind = file.readline({ signal: aborter.signal });
      await later(2);
      aborter.abort('reason');
      await expect(waiting).rejects.toBe('reason');
      await expect(behind).rejects.toBe('reason');
      await b.sendall('a line\n');
      expect(String(await file.readline({ timeout: 5 }))).toBe('half a line\n');
      await file.close();
    }
  });

  test('misuse', async () => {
    // @ts-expect-error a mode is text
    expect(() => a.makefile(5)).toThrow(TypeError);
    expect(() => a.makefile('x')).toThrow(RangeError);
    expect(() => a.makefile('r', 0)).toThrow(RangeError);
    expect(() => a.makefile('r', null, { encoding: 'no-such' })).toThrow(promises.LookupError);
    const [reader, writer] = [a.makefile('r'), a.makefile('wb')];
    await expect(reader.write('x')).rejects.toBeInstanceOf(promises.UnsupportedOperation);
    await expect(writer.read()).rejects.toBeInstanceOf(promises.UnsupportedOperation);
    // @ts-expect-error text into a binary file
    await expect(writer.write('x')).rejects.toThrow(TypeError);
    await expect(reader.read(1.5)).rejects.toThrow(TypeError);
    // @ts-expect-error options
    await expect(reader.read(1, 'x')).rejects.toThrow(TypeError);
    expect(a._files).toBe(2);
    await reader.close();
    await writer.close();
    expect(a._files).toBe(0);
  });
});

describe('sendfile', () => {
  let folder: string;
  let path: string;
  const content = Buffer.alloc(5_000_000, 'a line of the file\n');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'promises-'));
    path = join(folder, 'file');
    writeFileSync(path, content);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('sends a file while the loop turns', async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const file = openSync(path, 'r');
    const sent = a.sendfile(file, { timeout: 30 });
    const behind = a.sendall('behind');
    const received = await b.recv_exactly(content.length);
    expect(await sent).toBe(content.length);
    await behind;
    expect(received.equals(content)).toBe(true);
    expect(String(await b.recv(10))).toBe('behind');
    closeSync(file);
    clearInterval(turning);
    expect(turns).toBeGreaterThanOrEqual(0);
  });

  test('from an offset, a count, of a FileHandle and of what has seek()', async () => {
    const handle = await open(path);
    expect(await a.sendfile(handle, 2, 4)).toBe(4);
    expect(String(await b.recv(10))).toBe('line');
    const moved: number[] = [];
    const file = { fileno: () => handle.fd, seek: (offset: number) => moved.push(offset) };
    expect(await a.sendfile(file, 7, 3)).toBe(3);
    expect(moved).toEqual([10]);
    await handle.close();
  });

  test('what the kernel does not send is read and sent', async () => {
    const proc = openSync('/proc/self/status', 'r');
    await a.sendfile(proc);
    expect(String(await b.recv(100_000))).toMatch(/^Name:/);
    closeSync(proc);
    const [x, y] = promises.socketpair();
    const sent = a.sendfile(y.fileno());
    await later(20);
    await x.sendall('through a socket');
    await x.shutdown(promises.SHUT_WR);
    expect(await sent).toBe(16);
    expect(String(await b.recv(100))).toBe('through a socket');
    x.close();
    y.close();
  });

  test('a FIFO is waited for without the pool of fs, until the signal', async () => {
    const fifo = join(folder, 'fifo');
    spawnSync('mkfifo', [fifo]);
    const fd = openSync(fifo, 'r+');
    const aborter = new AbortController();
    const pairs = Array.from({ length: 6 }, () => promises.socketpair());
    const pending = pairs.map(([one]) => one.sendfile(fd, { signal: aborter.signal }));
    // Six reads that wait in the pool would stop this one.
    await readFile(path);
    aborter.abort(new Error('enough'));
    for (const one of pending) await expect(one).rejects.toThrow('enough');
    for (const one of pairs.flat()) one.close();
    const sent = a.sendfile(fd, 0, 4);
    writeSync(fd, 'late');
    expect(await sent).toBe(4);
    expect(String(await b.recv(10))).toBe('late');
    closeSync(fd);
  });

  test('a file with read() alone, which may be asynchronous; a file of makefile()', async () => {
    const moved: number[] = [];
    const parts = ['one ', 'two ', ''];
    const file = {
      read: async (size: number) => Buffer.from(parts.shift() ?? '').subarray(0, size),
      seek: (offset: number) => moved.push(offset),
    };
    expect(await a.sendfile(file, 3)).toBe(8);
    expect(moved).toEqual([3, 11]);
    expect(String(await b.recv_exactly(8))).toBe('one two ');
    const [x, y] = promises.socketpair();
    await y.sendall('head\nrest');
    y.close();
    const source = x.makefile('rb');
    await source.readline();
    expect(await a.sendfile(source)).toBe(4);
    expect(String(await b.recv(10))).toBe('rest');
    x.close();
    const wrong = { read: async () => 'text' } as never;
    await expect(a.sendfile(wrong)).rejects.toThrow(/^the result of file\.read\(\) must be bytes/);
    const failing = { read: () => Promise.reject(new Error('from read()')) };
    await expect(a.sendfile(failing)).rejects.toThrow('from read()');
  });

  test('a time-out tells bytes_sent; misuse', async () => {
    const file = openSync(path, 'r');
    const error = await a.sendfile(file, { timeout: 0.05 }).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ETIMEDOUT', bytes_sent: expect.any(Number) });
    expect(error.bytes_sent).toBeGreaterThan(0);
    await expect(a.sendfile(file, { timeout: 0 })).rejects.toThrow(RangeError);
    await expect(a.sendfile(file, -1)).rejects.toThrow(RangeError);
    await expect(a.sendfile(file, 0, 0)).rejects.toThrow(RangeError);
    // @ts-expect-error no file
    await expect(a.sendfile('file')).rejects.toThrow(TypeError);
    closeSync(file);
    await expect(a.sendfile(99_999, { timeout: 1 })).rejects.toThrow(
      '[EBADF] sendfile(file fd 99999): Bad file descriptor; the file is closed, or not open for reading',
    );
    const directory = openSync(folder, 'r');
    await expect(a.sendfile(directory)).rejects.toThrow(
      expect.objectContaining({
        name: 'IsADirectoryError',
        message: `[EISDIR] sendfile(file fd ${directory}): Is a directory`,
        bytes_sent: 0,
      }),
    );
    closeSync(directory);
    const written = openSync(path, 'a');
    await expect(a.sendfile(written)).rejects.toThrow(`[EBADF] sendfile(file fd ${written}): `);
    closeSync(written);
    const handle = await open(path);
    await handle.close();
    await expect(a.sendfile(handle)).rejects.toThrow(new RangeError('file is closed: its descriptor is -1'));
    const ended = new promises.socket();
    ended.close();
    await expect(ended.sendfile(0)).rejects.toThrow(/^\[EBADF\] sendfile\(closed socket\): /);
    const udp = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await expect(udp.sendfile(0)).rejects.toThrow(RangeError);
    udp.close();
  });
});

describe('to_stream', () => {
  test('a pipeline through an echo', async () => {
    const before = open_descriptors();
    const [x, y] = promises.socketpair();
    const echo = y.to_stream({ allowHalfOpen: true });
    const stream = x.to_stream();
    expect([x.fileno(), y.fileno()]).toEqual([-1, -1]);
    const echoing = pipeline(echo, echo);
    const source = readFileSync(process.execPath).subarray(0, 3_000_000);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    for (let i = 0; i < source.length; i += 100_000) stream.write(source.subarray(i, i + 100_000));
    stream.end();
    await new Promise((resolve, reject) => {
      stream.on('close', resolve);
      stream.on('error', reject);
    });
    await echoing;
    expect(Buffer.concat(chunks).equals(source)).toBe(true);
    expect(open_descriptors()).toBeLessThanOrEqual(before);
  });

  test('back-pressure: nothing is read ahead of the reader, and write() says when to stop', async () => {
    const stream = b.to_stream({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 16 * 1024 });
    let sent = 0;
    const sending = (async () => {
      for (; sent < 8_000_000; sent += 50_000) await a.sendall(Buffer.alloc(50_000));
    })();
    stream.read(0);
    await later(100);
    expect(stream.readableLength).toBeLessThanOrEqual(192 * 1024);
    expect(sent).toBeLessThan(8_000_000);
    let received = 0;
    for await (const chunk of stream) {
      received += chunk.length;
      if (received === 8_000_000) break;
    }
    await sending;
    expect(stream.destroyed).toBe(true);
    expect((await a.recv(1)).length).toBe(0);

    const [x, y] = promises.socketpair();
    const writer = x.to_stream();
    let accepted = true;
    let written = 0;
    for (; accepted && written < 16_000_000; written += 16_000) accepted = writer.write(Buffer.alloc(16_000));
    expect(accepted).toBe(false);
    const drained = new Promise((resolve) => writer.once('drain', resolve));
    for (let read = 0; read < written; ) read += (await y.recv(65536)).length;
    await drained;
    writer.destroy();
    y.close();
  });

  test('the end of the other side ends this one; an error destroys it', async () => {
    const stream = a.to_stream();
    stream.resume();
    const closed = new Promise((resolve) => stream.on('close', resolve));
    await b.shutdown(promises.SHUT_WR);
    await closed;
    expect((await b.recv(1)).length).toBe(0);

    const [x, y] = promises.socketpair();
    const broken = x.to_stream();
    const error = new Promise((resolve) => broken.on('error', resolve));
    y.close();
    broken.write('x');
    expect(await error).toMatchObject({ code: 'EPIPE' });
    const aborter = new AbortController();
    const [p, q] = promises.socketpair();
    const aborted = p.to_stream({ signal: aborter.signal });
    const reason = new Promise((resolve) => aborted.on('error', resolve));
    aborter.abort();
    expect(await reason).toMatchObject({ name: 'AbortError' });
    expect((await q.recv(1)).length).toBe(0);
    q.close();
  });

  test('misuse', () => {
    const udp = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    expect(() => udp.to_stream()).toThrow(RangeError);
    udp.close();
    const closed = new promises.socket();
    closed.close();
    expect(() => closed.to_stream()).toThrow(rejected('EBADF'));
  });
});
