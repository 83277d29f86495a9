// What a wake-up receives for the reads that wait: each byte reaches one read of its own socket, whatever runs meanwhile.

import * as promises from 'bsd-sockets/promises';
import { afterEach, expect, test } from 'vitest';

type Pair = [promises.socket, promises.socket];

const open: promises.socket[] = [];
afterEach(() => {
  for (const sock of open.splice(0)) sock.close();
});

function pairs(count: number, type: number = promises.SOCK_STREAM): Pair[] {
  return Array.from({ length: count }, () => {
    const pair = promises.socketpair(promises.AF_UNIX, type);
    open.push(...pair);
    return pair;
  });
}

/** A turn of the event loop: reads begin to wait, or a wake-up has come. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Runs `action` within the wake-up, when the first of its results is told. */
async function in_wake_up<T>(action: () => void, wake_up: () => Promise<T>): Promise<T> {
  let ran = false;
  // Resolving a promise with a Buffer asks for its `then`.
  Object.defineProperty(Buffer.prototype, 'then', {
    configurable: true,
    get() {
      if (!ran) {
        ran = true;
        action();
      }
      return undefined;
    },
  });
  try {
    return await wake_up();
  } finally {
    Reflect.deleteProperty(Buffer.prototype, 'then');
    expect(ran).toBe(true);
  }
}

test('reads of many sockets in one wake-up, more than the slab has room for: each has its own bytes, for ever', async () => {
  const all = pairs(150);
  const kept: [Buffer, Buffer][] = [];
  for (const length of [64, 1, 700, 4096, 4097, 20_000, 64]) {
    const reads = all.map(([reader]) => reader.recv(65536));
    await turn();
    const sent = all.map((_, i) => Buffer.alloc(length, `${length}:${i};`));
    await Promise.all(all.map(([, writer], i) => writer.sendall(sent[i] as Buffer)));
    const got = await Promise.all(reads);
    kept.push(...got.map((bytes, i): [Buffer, Buffer] => [bytes, sent[i] as Buffer]));
  }
  for (const [got, sent] of kept) {
    expect(Buffer.compare(got, sent)).toBe(0);
    expect(got).toBeInstanceOf(Buffer);
  }
});

test('reads complete in call order, and a peek takes nothing', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const reads = [
    reader.recv(2),
    reader.recv(3, promises.MSG_PEEK),
    reader.recv(1),
    reader.recv_exactly(4),
    reader.recv(9),
  ];
  await turn();
  await writer.sendall('abcdefgh');
  expect((await Promise.all(reads)).map(String)).toEqual(['ab', 'cde', 'c', 'defg', 'h']);
});

test('the end of a stream, and a reset: the next read has it', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const ended = [reader.recv(5), reader.recv(5)];
  await turn();
  await writer.sendall('last');
  writer.close();
  expect((await Promise.all(ended)).map(String)).toEqual(['last', '']);

  const server = await promises.create_server(['127.0.0.1', 0]);
  const client = await promises.create_connection(server.getsockname());
  const [conn] = await server.accept();
  open.push(server, client, conn);
  const reset = conn.recv(5);
  await turn();
  client.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, Buffer.from(new Int32Array([1, 0]).buffer));
  client.close();
  await expect(reset).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'recv' });
});

test('datagrams: one for each read, cut to its size, empty ones too', async () => {
  const [[reader, writer]] = pairs(1, promises.SOCK_DGRAM) as [Pair];
  const reads = [reader.recv(3), reader.recv(9), reader.recv(9)];
  await turn();
  for (const datagram of ['first', '', 'third']) await writer.send(datagram);
  expect((await Promise.all(reads)).map(String)).toEqual(['fir', '', 'third']);
});

test('what was aborted, or expired, before the wake-up has consumed nothing', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const aborter = new AbortController();
  const aborted = reader.recv(5, { signal: aborter.signal });
  await turn();
  aborter.abort(new Error('no more'));
  await writer.sendall('12345');
  await expect(aborted).rejects.toThrow('no more');
  await turn();
  expect(String(await reader.recv(9))).toBe('12345');

  const expired = reader.recv(5, { timeout: 0.001 });
  await expect(expired).rejects.toBeInstanceOf(promises.TimeoutError);
  const behind = reader.recv(2);
  await turn();
  await writer.sendall('6789');
  expect([String(await behind), String(await reader.recv(9))]).toEqual(['67', '89']);
});

test.each([
  ['aborts', (_sock, aborter) => aborter.abort()],
  ['closes', (sock) => sock.close()],
  ['detaches', (sock) => open.push(promises.socket(null, null, null, sock.detach()))],
  ['makes a stream of', (sock) => sock.to_stream().destroy()],
] satisfies [string, (sock: promises.socket, aborter: AbortController) => void][])(
  'code that runs within the wake-up and %s the sockets of the others takes no byte of their reads',
  async (_name, act) => {
    const all = pairs(4);
    const aborter = new AbortController();
    const reads = all.map(([reader]) => reader.recv(9, { signal: aborter.signal }));
    await turn();
    const got = await in_wake_up(
      () => {
        for (const [reader] of all.slice(1)) act(reader, aborter);
      },
      async () => {
        for (const [i, [, writer]] of all.entries()) await writer.send(`for ${i}`);
        return Promise.all(reads);
      },
    );
    expect(got.map(String)).toEqual(['for 0', 'for 1', 'for 2', 'for 3']);
  },
);

test('a read that follows within the wake-up has the bytes behind', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const first = reader.recv(2);
  await turn();
  let second: Promise<Buffer> | undefined;
  const got = await in_wake_up(
    () => {
      second = reader.recv(9);
    },
    async () => {
      await writer.sendall('abcd');
      return first;
    },
  );
  expect([String(got), String(await second)]).toEqual(['ab', 'cd']);
});

test('two sockets on one number: a byte goes to one read', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const alone = reader.recv(1);
  await turn();
  const second = promises.socket(reader.family, reader.type, reader.proto, reader.fileno());
  const beside = second.recv(1);
  await turn();
  await writer.sendall('ab');
  expect((await Promise.all([alone, beside])).map(String).sort()).toEqual(['a', 'b']);
  second.detach();
});

test('a duplicate has taken the data: the other read waits on, and gets the next', async () => {
  const [[reader, writer]] = pairs(1) as [Pair];
  const duplicate = reader.dup();
  open.push(duplicate);
  const got: string[] = [];
  const reads = [reader, duplicate].map(async (sock) => {
    got.push(String(await sock.recv(9)));
  });
  await turn();
  await writer.sendall('first');
  await turn();
  expect(got).toEqual(['first']);
  await writer.sendall('second');
  await Promise.all(reads);
  expect(got).toEqual(['first', 'second']);
});

test('memory that a program transfers takes nothing from others, before or after', async () => {
  const [[reader, writer], [other_reader, other_writer]] = pairs(2) as [Pair, Pair];
  const receive = async (from: promises.socket, to: promises.socket, text: string) => {
    const read = to.recv(100);
    await turn();
    await from.sendall(text);
    return read;
  };
  const mine = await receive(writer, reader, 'mine');
  const other = await receive(other_writer, other_reader, 'other');
  try {
    structuredClone(mine, { transfer: [mine.buffer as ArrayBuffer] });
  } catch (error) {
    expect(error).toMatchObject({ name: 'DataCloneError' });
  }
  expect(String(other)).toBe('other');
  expect(String(await receive(writer, reader, 'again'))).toBe('again');
});
