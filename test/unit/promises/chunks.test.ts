// recv_chunk and chunks: memory that is given back on purpose, and never shows the bytes of others.
import * as promises from 'bsd-sockets/promises';
import * as blocking from 'bsd-sockets/socket';
import { afterEach, beforeEach, expect, it } from 'vitest';

let a: promises.socket<1>;
let b: promises.socket<1>;
beforeEach(() => {
  [a, b] = promises.socketpair();
});
afterEach(() => {
  a.close();
  b.close();
});

it('receives into memory that was given back, whose old views are empty for ever', async () => {
  await a.sendall('first');
  const first = await b.recv_chunk(4321);
  const { data } = first;
  const part = data.subarray(1, 3);
  const other = new Uint8Array(data.buffer);
  expect(String(data)).toBe('first');
  first.release();
  await a.sendall('other');
  const second = await b.recv_chunk(4321);
  expect(String(second.data)).toBe('other');
  for (const view of [data, part, other, first.data]) expect(view.length).toBe(0);
  expect(String(data)).toBe('');
  first.release();
  first[Symbol.dispose]();
  expect(String(second.data)).toBe('other');
  await a.sendall('third');
  const third = await b.recv_chunk(4321);
  expect([String(second.data), String(third.data)]).toEqual(['other', 'third']);
  await expect(a.sendall(first.data)).rejects.toThrow(/^data is detached/);
  second.release();
  third.release();
});

it('is no trouble if the program has transferred the memory, or keeps it', async () => {
  await a.sendall('taken');
  const chunk = await b.recv_chunk(100);
  const taken = structuredClone(chunk.data.buffer, { transfer: [chunk.data.buffer as ArrayBuffer] });
  expect(chunk.data.length).toBe(0);
  chunk.release();
  await a.sendall('next');
  const next = await b.recv_chunk(100);
  expect(String(next.data)).toBe('next');
  expect(Buffer.from(taken).toString('latin1', 0, 5)).toBe('taken');
});

it('iterates until the end of a stream, and over datagrams until close()', async () => {
  const sent = Buffer.from(Uint32Array.from({ length: 100_000 }, (_, i) => i).buffer);
  const sending = a.sendall(sent).then(() => a.close());
  const hash: Buffer[] = [];
  for await (const chunk of b.chunks({ size: 1000 })) {
    expect(chunk.data.length).toBeLessThanOrEqual(1000);
    hash.push(Buffer.from(chunk.data));
    chunk.release();
  }
  await sending;
  expect(Buffer.concat(hash).equals(sent)).toBe(true);

  const [from, to] = promises.socketpair(promises.AF_UNIX, promises.SOCK_DGRAM);
  for (const text of ['one', '', 'two']) await from.send(text);
  const seen: string[] = [];
  for await (const chunk of to.chunks()) {
    seen.push(String(chunk.data));
    chunk.release();
    if (seen.length === 3) setImmediate(() => to.close());
  }
  expect(seen).toEqual(['one', '', 'two']);
  from.close();
});

it.each([
  ['127.0.0.1', promises.AF_INET],
  ['::1', promises.AF_INET6],
])('has the sender of a datagram, also when it is released: %s', async (host, family) => {
  const make = () => {
    const sock = new promises.socket(family, promises.SOCK_DGRAM);
    sock.bind([host, 0]);
    return sock;
  };
  const senders = [make(), make()];
  const receiver = make();
  for (const [i, sender] of senders.entries()) await sender.sendto(`datagram ${i}`, receiver.getsockname());
  const seen: unknown[] = [];
  for await (const chunk of receiver.chunks({ size: 8 })) {
    const text = String(chunk.data);
    chunk.release();
    seen.push([text, chunk.address]);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(senders.map((sender) => ['datagram', sender.getsockname()]));
  for (const sock of [...senders, receiver]) sock.close();
});

it('has no sender where there is none', async () => {
  await a.sendall('bytes');
  expect((await b.recv_chunk(5)).address).toBeNull();
  const [from, to] = promises.socketpair(promises.AF_UNIX, promises.SOCK_DGRAM);
  await from.send('x');
  await from.send('y');
  const [, sender] = await to.recvfrom(1);
  expect((await to.recv_chunk(1)).address).toEqual(sender);
  from.close();
  to.close();
});

it('waits in the order of reads, and ends by signal, time-out and close', async () => {
  const first = b.recv_chunk(5);
  const second = b.recv(100);
  await a.sendall('helloworld');
  expect(String((await first).data)).toBe('hello');
  expect(String(await second)).toBe('world');
  await expect(b.recv_chunk(5, { timeout: 0.01 })).rejects.toThrow(promises.TimeoutError);
  await expect(b.recv_chunk(5, { signal: AbortSignal.timeout(5) })).rejects.toThrow(/timeout|timed out/);
  const waiting = b.recv_chunk(5);
  b.close();
  await expect(waiting).rejects.toMatchObject({ code: 'ECANCELED', syscall: 'recv_chunk' });
});

it('refuses wrong arguments', async () => {
  for (const size of [0, -1, 1.5, 2 ** 31, 'x', undefined, null]) {
    await expect(b.recv_chunk(size as never)).rejects.toThrow(/size/);
  }
  expect(() => b.chunks({ size: 0 })).toThrow(/size/);
  expect(() => b.chunks({ sizes: 1 } as never)).toThrow(
    'unknown option "sizes"; known: size, signal, timeout',
  );
  await expect(b.recv_chunk(5, { signal: 1 } as never)).rejects.toThrow(/signal/);
});

it('blocks in a blocking socket', () => {
  const [from, to] = blocking.socketpair();
  from.sendall('hello');
  const chunk = to.recv_chunk(65536);
  expect(String(chunk.data)).toBe('hello');
  chunk.release();
  expect(chunk.data.length).toBe(0);
  to.settimeout(0.01);
  expect(() => to.recv_chunk(10)).toThrow(blocking.TimeoutError);
  expect(() => to.recv_chunk(0)).toThrow(/size/);
  from.close();
  expect(to.recv_chunk(10).data.length).toBe(0);
  to.close();
  const udp = new blocking.socket(blocking.AF_INET, blocking.SOCK_DGRAM);
  udp.bind(['127.0.0.1', 0]);
  udp.sendto('ping', udp.getsockname());
  expect(udp.recv_chunk(10).address).toEqual(udp.getsockname());
  udp.close();
});
