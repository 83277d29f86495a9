// Every byte of thousands of connections, which send and receive in every way at once: none is lost, comes twice or reaches another
// connection, and no result is overwritten by a later receive.
import { readFileSync } from 'node:fs';
import * as promises from 'bsd-sockets/promises';
import { expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 120_000 });

const ROUNDS = Number(process.env.LIFETIME_ROUNDS ?? 5);
const CONNECTIONS = 2000;
/** Bytes of each connection. */
const LENGTH = 300 * ROUNDS;
const ABORTED = new Error('aborted');

function descriptor_limit(): number {
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Returns a function of pseudo-random integers below its argument (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** The bytes that a connection carries: those of no other one. */
function bytes_of(connection: number): Buffer {
  const roll = dice(connection);
  return Buffer.from(Array.from({ length: LENGTH }, () => roll(256)));
}

/** Bytes of one send or receive: mostly few, now and then more than a part of the slab, or than half of the scratch memory. */
function size_of(roll: (below: number) => number): number {
  return 1 + roll([16, 200, 200, 5000, 40_000][roll(5)] as number);
}

async function send_all(sock: promises.socket, bytes: Buffer, roll: (below: number) => number) {
  for (let at = 0; at < bytes.length; ) {
    if (roll(4) === 0) await new Promise(setImmediate);
    const part = bytes.subarray(at, at + size_of(roll));
    if (roll(2) === 0) at += await sock.send(part);
    else {
      await sock.sendall(part);
      at += part.length;
    }
  }
  sock.close();
}

/** Receives until the end of the stream. Returns the results as they came. */
async function receive_all(sock: promises.socket, roll: (below: number) => number): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for (let ended = false; !ended; ) {
    const size = size_of(roll);
    const take = (part: Buffer) => {
      if (part.length === 0) ended = true;
      else parts.push(part);
    };
    switch (roll(6)) {
      case 0: {
        const into = Buffer.alloc(size);
        take(into.subarray(0, await sock.recv_into(into)));
        break;
      }
      case 1:
        // Several wait: the wake-up receives for the first.
        for (const part of await Promise.all([sock.recv(size), sock.recv(3), sock.recv(size)])) take(part);
        break;
      case 2: {
        const aborter = new AbortController();
        const waiting = sock.recv(size, { signal: aborter.signal });
        if (roll(2) === 0) setImmediate(() => aborter.abort(ABORTED));
        else queueMicrotask(() => aborter.abort(ABORTED));
        try {
          take(await waiting);
        } catch (error) {
          if (error !== ABORTED) throw error;
        }
        break;
      }
      case 3:
        try {
          take(await sock.recv(size, { timeout: 0.001 }));
        } catch (error) {
          if (!(error instanceof promises.TimeoutError)) throw error;
        }
        break;
      case 4: {
        const peeked = sock.recv(2, promises.MSG_PEEK);
        const part = await sock.recv(2);
        const seen = (await peeked).subarray(0, part.length);
        if (!seen.equals(part.subarray(0, seen.length))) throw new Error('a peek saw other bytes');
        take(part);
        break;
      }
      default:
        take(await sock.recv(size));
    }
  }
  return parts;
}

async function tcp_pair(listener: promises.socket): Promise<[promises.socket, promises.socket]> {
  const [client, [conn]] = await Promise.all([
    promises.create_connection(listener.getsockname() as [string, number]),
    listener.accept(),
  ]);
  return [conn, client];
}

test(`${CONNECTIONS} connections: each byte reaches its reader once, and stays`, async (context) => {
  const wanted = 2 * CONNECTIONS + 100;
  context.skip(descriptor_limit() < wanted, `needs ${wanted} descriptors (ulimit -n)`);
  const listener = await promises.create_server(['127.0.0.1', 0]);
  const pairs: [promises.socket, promises.socket][] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    pairs.push(i % 2 === 0 ? promises.socketpair() : await tcp_pair(listener));
  }
  listener.close();
  const results = await Promise.all(
    pairs.map(async ([reader, writer], i) => {
      const sent = send_all(writer, bytes_of(i), dice(~i));
      const parts = await receive_all(reader, dice(i << 8));
      await sent;
      reader.close();
      return parts;
    }),
  );
  // Only now: what was received since has not touched what was kept.
  const wrong = results.flatMap((parts, i) => (Buffer.concat(parts).equals(bytes_of(i)) ? [] : [i]));
  expect(wrong).toEqual([]);
  const memory = new Map<ArrayBufferLike, [number, number][]>();
  for (const part of results.flat()) {
    const places = memory.get(part.buffer) ?? [];
    memory.set(part.buffer, places);
    places.push([part.byteOffset, part.byteOffset + part.length]);
  }
  const overlapping = [...memory.values()].filter((places) => {
    places.sort(([a], [b]) => a - b);
    return places.some(([, end], i) => end > (places[i + 1]?.[0] ?? Number.POSITIVE_INFINITY));
  });
  expect(overlapping).toEqual([]);
});
