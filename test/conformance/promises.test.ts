// The promises beside asyncio's sock_* calls: the same scenario in python3 and here, results compared.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promises from 'bsd-sockets/promises';
import { describe, expect, test } from 'vitest';

const PYTHON = `
import asyncio, json, socket, sys
async def main(loop):
    def pair(kind=socket.SOCK_STREAM):
        a, b = socket.socketpair(socket.AF_UNIX, kind)
        a.setblocking(False); b.setblocking(False)
        return a, b
    async def failure(awaitable):
        try:
            await awaitable
        except BaseException as error:
            return [type(error).__name__, getattr(error, 'errno', None)]
        return None
BODY
loop = asyncio.new_event_loop()
print(json.dumps(loop.run_until_complete(main(loop))))
`;

const missing = spawnSync('python3', ['--version']).status !== 0 ? 'needs python3' : undefined;

/** What the body of an async function of Python gives, as JSON. */
function python(body: string): unknown {
  const indented = body
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON.replace('BODY', () => indented)], {
    encoding: 'utf8',
    timeout: 15_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return [(error as Error).name, (error as { errno?: number }).errno ?? null];
  }
  return null;
}

const scenarios: Record<string, [body: string, here: () => Promise<unknown>]> = {
  'a receive that waits': [
    `a, b = pair()
waiting = asyncio.ensure_future(loop.sock_recv(a, 10))
await asyncio.sleep(0.01)
await loop.sock_sendall(b, b'data')
first = (await waiting).decode()
b.close()
return [first, len(await loop.sock_recv(a, 10))]`,
    async () => {
      const [a, b] = promises.socketpair();
      const waiting = a.recv(10);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await b.sendall('data');
      const first = String(await waiting);
      b.close();
      const rest = (await a.recv(10)).length;
      a.close();
      return [first, rest];
    },
  ],
  recv_into: [
    `a, b = pair()
await loop.sock_sendall(b, b'abcdef')
buffer = bytearray(4)
count = await loop.sock_recv_into(a, buffer)
return [count, buffer.decode()]`,
    async () => {
      const [a, b] = promises.socketpair();
      await b.sendall('abcdef');
      const buffer = Buffer.alloc(4);
      const count = await a.recv_into(buffer);
      a.close();
      b.close();
      return [count, String(buffer)];
    },
  ],
  'connect, accept, and a large sendall': [
    `server = socket.create_server(('127.0.0.1', 0)); server.setblocking(False)
client = socket.socket(); client.setblocking(False)
await loop.sock_connect(client, server.getsockname())
conn, address = await loop.sock_accept(server)
sending = asyncio.ensure_future(loop.sock_sendall(client, b'x' * 3000000))
total = 0
while total < 3000000:
    total += len(await loop.sock_recv(conn, 65536))
await sending
return [address == client.getsockname(), total, conn.gettimeout()]`,
    async () => {
      const server = await promises.create_server(['127.0.0.1', 0]);
      const client = new promises.socket();
      await client.connect(server.getsockname());
      const [conn, address] = await server.accept();
      const sending = client.sendall('x'.repeat(3_000_000));
      let total = 0;
      while (total < 3_000_000) total += (await conn.recv(65536)).length;
      await sending;
      const same = String(address) === String(client.getsockname());
      for (const sock of [server, client, conn]) sock.close();
      // The time-out of asyncio's sockets is 0, because it waits in their place; here null says that a call may wait.
      return [same, total, conn.gettimeout() === null ? 0 : conn.gettimeout()];
    },
  ],
  'a connection that is refused, and one from a closed socket': [
    `client = socket.socket(); client.setblocking(False)
refused = await failure(loop.sock_connect(client, ('127.0.0.1', 1)))
client.close()
return [refused, (await failure(loop.sock_recv(client, 1)))[1]]`,
    async () => {
      const client = new promises.socket();
      const refused = await failure(client.connect(['127.0.0.1', 1]));
      client.close();
      return [refused, ((await failure(client.recv(1))) as unknown[])[1]];
    },
  ],
  'errors of calls on sockets that are not connected, and a broken pipe': [
    `tcp = socket.socket(); tcp.setblocking(False)
a, b = pair()
b.close()
return [await failure(loop.sock_recv(tcp, 1)), await failure(loop.sock_sendall(tcp, b'x')),
        await failure(loop.sock_accept(tcp)), await failure(loop.sock_sendall(a, b'x'))]`,
    async () => {
      const tcp = new promises.socket();
      const [a, b] = promises.socketpair();
      b.close();
      const all = [
        await failure(tcp.recv(1)),
        await failure(tcp.sendall('x')),
        await failure(tcp.accept()),
        await failure(a.sendall('x')),
      ];
      tcp.close();
      a.close();
      return all;
    },
  ],
  'a cancelled receive has consumed nothing': [
    `a, b = pair()
waiting = asyncio.ensure_future(loop.sock_recv(a, 10))
await asyncio.sleep(0.01)
waiting.cancel()
await failure(waiting)
await loop.sock_sendall(b, b'kept')
return (await loop.sock_recv(a, 10)).decode()`,
    async () => {
      const [a, b] = promises.socketpair();
      const aborter = new AbortController();
      const waiting = failure(a.recv(10, { signal: aborter.signal }));
      await new Promise((resolve) => setTimeout(resolve, 10));
      aborter.abort();
      await waiting;
      await b.sendall('kept');
      const kept = String(await a.recv(10));
      a.close();
      b.close();
      return kept;
    },
  ],
  datagrams: [
    `a, b = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for sock in (a, b):
    sock.setblocking(False); sock.bind(('127.0.0.1', 0))
waiting = asyncio.ensure_future(loop.sock_recvfrom(a, 100))
await asyncio.sleep(0.01)
sent = await loop.sock_sendto(b, b'first', a.getsockname())
data, address = await waiting
await loop.sock_sendto(b, b'', a.getsockname())
await loop.sock_sendto(b, b'longer than the memory', a.getsockname())
empty = await loop.sock_recvfrom(a, 100)
memory = bytearray(6)
count, sender = await loop.sock_recvfrom_into(a, memory)
await loop.sock_sendto(b, b'ab', a.getsockname())
fewer = (await loop.sock_recvfrom_into(a, memory, 4))[0]
too_long = await failure(loop.sock_sendto(b, bytes(70000), a.getsockname()))
nowhere = await failure(loop.sock_sendto(b, b'x', ('127.0.0.1', 0)))
return [sent, data.decode(), address == b.getsockname(), len(empty[0]), count, sender == b.getsockname(),
        memory.decode(), fewer, too_long, nowhere]`,
    async () => {
      const [a, b] = [0, 1].map(() => promises.socket(promises.AF_INET, promises.SOCK_DGRAM)) as [
        promises.socket<2>,
        promises.socket<2>,
      ];
      for (const sock of [a, b]) await sock.bind(['127.0.0.1', 0]);
      const own = String(b.getsockname());
      const same = (address: unknown) => String(address) === own;
      const waiting = a.recvfrom(100);
      await new Promise((resolve) => setTimeout(resolve, 10));
      const sent = await b.sendto('first', a.getsockname());
      const [data, address] = await waiting;
      await b.sendto('', a.getsockname());
      await b.sendto('longer than the memory', a.getsockname());
      const empty = await a.recvfrom(100);
      const memory = Buffer.alloc(6);
      const [count, sender] = await a.recvfrom_into(memory);
      await b.sendto('ab', a.getsockname());
      const [fewer] = await a.recvfrom_into(memory, 4);
      const too_long = await failure(b.sendto(Buffer.alloc(70_000), a.getsockname()));
      const nowhere = await failure(b.sendto('x', ['127.0.0.1', 0]));
      a.close();
      b.close();
      const before = [sent, String(data), same(address), empty[0].length, count, same(sender)];
      return [...before, String(memory), fewer, too_long, nowhere];
    },
  ],
  sendfile: [
    `import tempfile
a, b = pair()
with tempfile.TemporaryFile() as file:
    file.write(b'0123456789' * 100000); file.flush(); file.seek(0)
    async def receive(n):
        parts = []
        while n > 0:
            parts.append(await loop.sock_recv(b, n)); n -= len(parts[-1])
        return b''.join(parts)
    whole = asyncio.ensure_future(receive(1000000))
    sent = await loop.sock_sendfile(a, file)
    first = [sent, await whole == b'0123456789' * 100000, file.tell()]
    part = await loop.sock_sendfile(a, file, 5, 10)
    second = [part, (await receive(10)).decode(), file.tell()]
    beyond = await loop.sock_sendfile(a, file, 999998, 10)
    third = [beyond, (await receive(2)).decode()]
    datagrams, _ = pair(socket.SOCK_DGRAM)
    wrong = [(await failure(loop.sock_sendfile(datagrams, file)))[0], (await failure(loop.sock_sendfile(a, file, -1)))[0]]
return [first, second, third, wrong]`,
    async () => {
      const [a, b] = promises.socketpair();
      const path = join(tmpdir(), `bsd-sockets-sendfile-${process.pid}`);
      writeFileSync(path, '0123456789'.repeat(100_000));
      const fd = openSync(path, 'r');
      rmSync(path);
      // Python's file has a position, which sendfile moves.
      let position = 0;
      const file = {
        fileno: () => fd,
        seek(offset: number) {
          position = offset;
        },
      };
      const whole = b.recv_exactly(1_000_000);
      const sent = await a.sendfile(file);
      const first = [sent, String(await whole) === '0123456789'.repeat(100_000), position];
      const part = await a.sendfile(file, 5, 10);
      const second = [part, String(await b.recv_exactly(10)), position];
      const beyond = await a.sendfile(file, 999_998, 10);
      const third = [beyond, String(await b.recv_exactly(2))];
      const [datagrams, peer] = promises.socketpair(promises.AF_UNIX, promises.SOCK_DGRAM);
      const name = async (call: Promise<unknown>) =>
        ((await failure(call)) as unknown[])[0] === 'RangeError' ? 'ValueError' : 'another';
      const wrong = [await name(datagrams.sendfile(file)), await name(a.sendfile(file, -1))];
      for (const sock of [a, b, datagrams, peer]) sock.close();
      closeSync(fd);
      return [first, second, third, wrong];
    },
  ],
  names: [
    `rows = await loop.getaddrinfo('127.0.0.1', 80, type=socket.SOCK_STREAM)
missing = await failure(loop.getaddrinfo('no.such.host.invalid', 80))
return [rows, missing[0], await loop.getnameinfo(('127.0.0.1', 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)]`,
    async () => [
      await promises.getaddrinfo('127.0.0.1', 80, 0, promises.SOCK_STREAM),
      ((await failure(promises.getaddrinfo('no.such.host.invalid', 80))) as unknown[])[0],
      await promises.getnameinfo(['127.0.0.1', 80], promises.NI_NUMERICHOST | promises.NI_NUMERICSERV),
    ],
  ],
};

describe('asyncio and the promises', () => {
  for (const [title, [body, here]] of Object.entries(scenarios)) {
    test(title, async (context) => {
      if (missing !== undefined) context.skip(missing);
      expect(await here()).toEqual(python(body));
    });
  }
});
