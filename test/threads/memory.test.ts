// Memory that a signal's listener takes away, or resizes, while the main thread is blocked in a call with it, or before the call has reached the
// kernel. The call fails, and what it was to receive stays in the kernel; it is never an end of the stream, nor a wrong count.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

/** When the signal comes: while the call waits in the kernel, or before it has begun. */
const MOMENTS = ['while', 'before'];

type Outcome = [outcome: unknown, left: string];

const SIZE = 64;
const DATA = 'data'.repeat(SIZE / 4);
const MINE = 'a'.repeat(SIZE);
let outcomes: Record<string, Outcome>;

beforeAll(() => {
  const path = fileURLToPath(new URL('./fixtures/memory.mjs', import.meta.url));
  outcomes = JSON.parse(execFileSync(process.execPath, [path], { encoding: 'utf8', timeout: 60_000 }));
}, 70_000);

const gone = (call: string) =>
  `TypeError: ${call}: its memory was detached, or resized below it, while the call waited`;
const file_gone = (name: string) =>
  `TypeError: ${name} was detached, or its buffer was resized below it, before the call ended`;

describe.each(MOMENTS)('a signal %s', (moment) => {
  describe.each([
    ['recv_into', gone('recv_into'), SIZE],
    ['recvfrom_into', gone('recvfrom_into'), SIZE],
    ['recvmsg_into', gone('recvmsg_into'), SIZE],
    ['SocketIO.readinto', gone('recv_into'), SIZE],
    ['BufferedReader.readinto', gone('recv_into'), SIZE],
    ['BufferedReader.readinto1', file_gone('buffer'), SIZE],
  ])('%s', (name, error, count) => {
    test.each(['detach', 'shrink'])(
      'memory that a listener changes (%s) is an error, and the data stays',
      (change) => {
        expect(outcomes[`${name} ${change} ${moment}`]).toEqual([error, DATA]);
      },
    );
    test('memory that grows is used as it was', () => {
      expect(outcomes[`${name} grow ${moment}`]).toEqual([count, '']);
    });
  });

  describe.each([
    ['send', gone('send'), SIZE, MINE],
    ['sendall', gone('sendall'), undefined, MINE],
    ['sendto', gone('sendto'), SIZE, MINE],
    ['sendmsg', gone('sendmsg'), SIZE + 1, `x${MINE}`],
    ['sendmmsg', gone('sendmmsg'), 2, `${MINE}x`],
    ['BufferedWriter.write', gone('send'), SIZE, MINE],
  ])('%s', (name, error, count, sent) => {
    test.each(['detach', 'shrink'])(
      'memory that a listener changes (%s) is an error, and nothing is sent',
      (change) => {
        expect(outcomes[`${name} ${change} ${moment}`]).toEqual([error, '']);
      },
    );
    test('memory that grows is sent as it was', () => {
      expect(outcomes[`${name} grow ${moment}`]).toEqual([count ?? null, sent]);
    });
  });
});

test('sendall tells how much it had sent', () => {
  expect(outcomes['sendall part']).toEqual(['TypeError', true]);
});

test('recvmmsg_into: the data of the batch', () => {
  expect(outcomes['recvmmsg_into detach']).toEqual([gone('recvmmsg_into'), 'data']);
});
