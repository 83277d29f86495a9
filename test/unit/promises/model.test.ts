// Promises against a model: random calls, aborts, time-outs and closes on a stream, and what must hold of them; and many
// connections one after the other. Many at once: test/threads/promises_load.test.ts.

import * as promises from 'bsd-sockets/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
// The first wait of an environment makes the descriptor that all waits share.
const [first, second] = promises.socketpair();
await first.recv(1, { timeout: 0.001 }).catch(() => {});
first.close();
second.close();
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Step =
  | {
      readonly kind: 'send' | 'recv' | 'recv_exactly';
      readonly size: number;
      readonly end: 'none' | 'abort' | 'expire';
    }
  | { readonly kind: 'turn' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('send' as const, 'recv' as const, 'recv_exactly' as const),
      size: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 400_000 })),
      end: fc.constantFrom('none' as const, 'none' as const, 'abort' as const, 'expire' as const),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'turn' }) },
);

/** Byte number n of the stream. */
function bytes_from(offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) buffer[i] = ((offset + i) * 31) & 0xff;
  return buffer;
}

test('whatever is aborted, expires or is closed, no byte is lost, doubled or out of order', async () => {
  const before = open_descriptors();
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 30 }),
    fc.boolean(),
    async (steps, close_early) => {
      const [a, b] = promises.socketpair();
      const sent: Buffer[] = [];
      const got: Buffer[] = [];
      const order: number[] = [];
      const pending: Promise<unknown>[] = [];
      let offset = 0;
      for (const [index, { ...one }] of steps.entries()) {
        if (one.kind === 'turn') {
          await turn();
          continue;
        }
        const aborter = new AbortController();
        const options = one.end === 'expire' ? { timeout: 0.001 } : { signal: aborter.signal };
        if (one.end === 'abort') setImmediate(() => aborter.abort());
        if (one.kind === 'send') {
          const data = bytes_from(offset, one.size);
          offset += one.size;
          const done = (count: number) => sent.push(data.subarray(0, count));
          const call = a.sendall(data, options).then(
            () => done(data.length),
            (error) => done(error.bytes_sent ?? 0),
          );
          pending.push(call);
          // What was cut short leaves a gap in the numbers, so the next begins when it is known.
          if (one.end !== 'none') await Promise.race([call, turn()]);
          continue;
        }
        const read = one.kind === 'recv' ? b.recv(one.size, options) : b.recv_exactly(one.size, options);
        pending.push(
          read.then(
            (data) => {
              got.push(data);
              order.push(index);
            },
            (error) => error.partial !== undefined && got.push(error.partial),
          ),
        );
      }
      if (close_early) {
        a.close();
        b.close();
      } else {
        const rest = (async () => {
          for await (const chunk of b) got.push(chunk);
        })();
        await a.shutdown(promises.SHUT_WR);
        await rest;
        a.close();
        b.close();
      }
      await Promise.all(pending);
      expect(order).toEqual([...order].sort((x, y) => x - y));
      const [all_sent, all_got] = [Buffer.concat(sent), Buffer.concat(got)];
      if (close_early) expect(all_sent.subarray(0, all_got.length).equals(all_got)).toBe(true);
      else expect(all_got.equals(all_sent)).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: 500 });
  await turn();
  expect(unhandled).toEqual([]);
  expect(open_descriptors()).toBe(before);
}, 30_000);

test('10,000 connections made and closed', async () => {
  const before = open_descriptors();
  const server = await promises.create_server(['127.0.0.1', 0]);
  const name = Buffer.from(`\0promises-model-${process.pid}`);
  const local = new promises.socket(promises.AF_UNIX);
  await local.bind(name);
  local.listen();
  for (let i = 0; i < 5_000; i++) {
    for (const kind of [server, local]) {
      const accepted = kind.accept();
      const sock = kind === server ? new promises.socket() : new promises.socket<number>(promises.AF_UNIX);
      await sock.connect(kind === server ? server.getsockname() : name);
      const [conn] = await accepted;
      // No port is kept busy by a connection that ended.
      if (kind === server)
        sock.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
      sock.close();
      conn.close();
    }
  }
  server.close();
  local.close();
  expect(open_descriptors()).toBe(before);
}, 60_000);
