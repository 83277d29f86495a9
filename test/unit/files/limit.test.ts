// The `limit` of makefile(): the longest line. Each row is a kind of file, and each test a promise of LimitOverrunError.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const MODES = [
  ['text', 'r', null],
  ['text in mode rw', 'rw', null],
  ['bytes', 'rb', null],
  ['bytes in mode rwb', 'rwb', null],
  ['bytes in a small buffer', 'rb', 3],
  ['bytes without a buffer', 'rb', 0],
] as const;
const KINDS = ['blocking', 'promises'] as const;
const rows = KINDS.flatMap((kind) => MODES.map(([name, ...mode]) => [kind, name, ...mode] as const));

/** The part of all files that reads lines. */
interface Lines {
  readline(size?: number): unknown;
  readlines(): unknown;
  next(): unknown;
  read(size?: number): unknown;
}

/** Both kinds have the same makefile(), of which TypeScript sees only one at a time. */
function make_file(
  sock: socket.socket<1> | promises.socket<1>,
  mode: string,
  buffering: number | null,
  options: socket.MakefileOptions,
): Lines {
  if (sock instanceof socket.socket) return sock.makefile(mode, buffering, options) as Lines;
  return sock.makefile(mode, buffering, options) as Lines;
}

describe.each(rows)('%s: %s', (kind, _name, mode, buffering) => {
  let writer: socket.socket<1>;
  let reader: socket.socket<1> | promises.socket<1>;
  beforeEach(() => {
    const [one, other] = socket.socketpair();
    writer = one;
    writer.settimeout(5);
    other.settimeout(5);
    reader = kind === 'blocking' ? other : promises.from_socket(other);
  });
  afterEach(() => {
    reader.close();
    writer.close();
  });
  const open = (limit: number) => make_file(reader, mode, buffering, { limit });
  const error_of = async (call: () => unknown) => {
    try {
      await call();
    } catch (error) {
      return error;
    }
    throw new Error('no error');
  };

  test('a line of the limit is read, a longer one is an error that loses nothing', async () => {
    const file = open(6);
    writer.sendall('12345\n123456\nnext\n');
    expect(String(await file.readline())).toBe('12345\n');
    for (let i = 0; i < 2; i++) {
      const error = await error_of(() => file.readline());
      expect(error).toBeInstanceOf(socket.LimitOverrunError);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({
        name: 'LimitOverrunError',
        message: expect.stringMatching(/^the line has more than the limit of 6 (bytes|characters): /),
        consumed: expect.any(Number),
      });
      expect((error as socket.LimitOverrunError).consumed).toBeGreaterThan(6);
    }
    expect(String(await file.readline(4))).toBe('1234');
    expect(String(await file.readline())).toBe('56\n');
    expect(String(await file.readline())).toBe('next\n');
  });

  test('a line without an end is an error as soon as it is too long; its parts can be read', async () => {
    const file = open(10);
    writer.sendall('x'.repeat(11));
    expect(await error_of(() => file.readline())).toBeInstanceOf(socket.LimitOverrunError);
    expect(await error_of(() => file.readlines())).toBeInstanceOf(socket.LimitOverrunError);
    expect(await error_of(() => file.next())).toBeInstanceOf(socket.LimitOverrunError);
    expect(String(await file.readline(5))).toBe('xxxxx');
    expect(String(await file.read(6))).toBe('xxxxxx');
  });

  test('a size of the call goes before the limit; the last line needs no line end', async () => {
    const file = open(2);
    writer.sendall('a longer line\nxy');
    writer.close();
    expect(String(await file.readline(100))).toBe('a longer line\n');
    expect(String(await file.readline())).toBe('xy');
    expect(String(await file.readline())).toBe('');
  });

  test('a long line in many receives, and lines without a limit', async () => {
    const file = open(20_000);
    const plain = 'y'.repeat(19_999);
    writer.sendall(`${plain}\n${plain}yz\nend\n`);
    expect(String(await file.readline())).toBe(`${plain}\n`);
    expect(await error_of(() => file.readline())).toMatchObject({ name: 'LimitOverrunError' });
    expect(String(await file.read(plain.length))).toBe(plain);
    expect(String(await file.readline())).toBe('yz\n');
    expect(String(await file.readline())).toBe('end\n');
  });

  test('misuse', () => {
    const make = (limit: unknown) => make_file(reader, mode, buffering, { limit } as never);
    for (const limit of [0, -1, 2n ** 70n])
      expect(() => make(limit)).toThrow(/^limit must be between 1 and /);
    for (const limit of ['1', 1.5, {}]) expect(() => make(limit)).toThrow(/^limit must be an integer, not /);
    for (const limit of [null, undefined, 1n]) expect(() => make(limit)).not.toThrow();
  });
});

test('text counts characters, after the translation of line ends', async () => {
  for (const newline of [null, '', '\r\n']) {
    const [a, b] = socket.socketpair();
    a.sendall('😀é\r\n😀éx\r\n');
    a.close();
    const file = b.makefile('r', { limit: newline === null ? 3 : 4, newline });
    expect(file.readline()).toBe(newline === null ? '😀é\n' : '😀é\r\n');
    expect(() => file.readline()).toThrow(socket.LimitOverrunError);
    expect(file.readline(3)).toBe('😀éx');
    expect(file.read()).toBe(newline === null ? '\n' : '\r\n');
    file.close();
    b.close();
  }
});

test('an iteration ends with the error, and goes on after it', () => {
  const [a, b] = socket.socketpair();
  a.sendall('one\ntoo long\ntwo\n');
  a.close();
  const file = b.makefile({ limit: 4 });
  const lines: string[] = [];
  const iterate = () => {
    for (const line of file) lines.push(line);
  };
  expect(iterate).toThrow(socket.LimitOverrunError);
  while (!file.readline(4).endsWith('\n'));
  iterate();
  expect(lines).toEqual(['one\n', 'two\n']);
  file.close();
  b.close();
});

test('a file without a buffer keeps what a failed readline() had received', () => {
  const [a, b] = socket.socketpair();
  b.settimeout(0);
  const file = b.makefile('rb', 0);
  a.sendall('half');
  expect(() => file.readline()).toThrow(socket.OSError);
  expect(String(file.read(2))).toBe('ha');
  a.sendall(' whole\n');
  expect(String(file.readline())).toBe('lf whole\n');
  file.close();
  a.close();
  b.close();
});
