// The error queue of a socket, as the commands read it.
import { expect, test } from 'vitest';
import { ErrorQueue, enable_error_queue } from '../../../lib/cli/network/error_queue.js';
import { PacketNumbers } from '../../../lib/cli/network/kernel_time.js';
import * as socket from '../../../lib/promises/index.js';

/** A socket whose packets are stamped, and its error queue. */
async function make() {
  const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  await sock.bind(['127.0.0.1', 0]);
  enable_error_queue(sock);
  return { sock, numbers: new PacketNumbers<number>(sock), queue: new ErrorQueue(sock) };
}

test('reads that begin at the same time take their turns, and lose nothing', async () => {
  const { sock, numbers, queue } = await make();
  const COUNT = 80;
  for (let i = 0; i < COUNT; i++) {
    await sock.sendto('', sock.getsockname());
    numbers.sent(i);
  }
  const stamped: (number | undefined)[] = [];
  const read = () => queue.read((count) => stamped.push(numbers.take(count)));
  for (let tries = 0; tries < 100 && numbers.waits; tries++) {
    expect(await Promise.all([read(), read(), read()])).toEqual([[], [], []]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(stamped).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  sock.close();
});

test('a read that fails does not hold up the next one', async () => {
  const { sock, numbers, queue } = await make();
  await sock.sendto('', sock.getsockname());
  numbers.sent(7);
  const failing = async () => {
    for (let tries = 0; tries < 100; tries++) {
      await queue.read(() => {
        throw new Error('on purpose');
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await expect(failing()).rejects.toThrow('on purpose');
  expect(await queue.read()).toEqual([]);
  sock.close();
});
