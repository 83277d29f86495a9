// The end of one SSH connection without a network: its first reason, and a host that takes no answer.

import type { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FleetFailure } from '../../dist/failure.js';
import { Link } from '../../dist/ssh/link.js';
import { ssh2 } from '../../dist/ssh/ssh2.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function made() {
  const taken: (() => void)[] = [];
  const stream = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      taken.push(done);
    },
  });
  const client = new ssh2.Client();
  const link = new Link(client, stream, (error, is_ready) =>
    error.message === 'passes' ? undefined : new FleetFailure('protocol', `${error.message} ${is_ready}`),
  );
  return { taken, stream, client, events: client as EventEmitter, link };
}

describe('a link', () => {
  it('is lost by its first error, which ends its stream', async () => {
    const { stream, events, link } = made();
    events.emit('error', new Error('passes'));
    expect([link.lost(), stream.destroyed]).toEqual([undefined, false]);
    events.emit('ready');
    await link.ready;
    events.emit('error', new Error('first'));
    events.emit('error', new Error('second'));
    events.emit('close');
    expect(link.lost()).toMatchObject({ failure: 'protocol', message: 'first true' });
    expect(await link.gone).toBe(link.lost());
    expect(stream.destroyed).toBe(true);
  });

  it.each(['end', 'close'])('fails before it is ready at %s', async (event) => {
    const { stream, events, link } = made();
    events.emit(event);
    await expect(link.ready).rejects.toMatchObject({
      failure: 'cut-off',
      message: 'the host closed the connection before it was ready',
    });
    expect(stream.destroyed).toBe(true);
  });

  it('is not lost if it is closed here', async () => {
    const { events, link } = made();
    events.emit('ready');
    link.close();
    events.emit('close');
    expect(link.lost()).toBeUndefined();
  });

  it('reads no more of a host that takes no answer, until it does', async () => {
    const { stream, link, taken } = made();
    stream.pause();
    link.watch();
    expect(stream.isPaused()).toBe(true);
    let read = 0;
    stream.on('data', (data: Buffer) => {
      read += data.length;
    });
    stream.resume();
    for (let count = 0; count < 5; count++) stream.write(Buffer.alloc(1 << 20));
    stream.push('question');
    await turn();
    expect([read, stream.isPaused()]).toEqual([8, true]);
    stream.push('another');
    await turn();
    expect(read).toBe(8);
    for (let done = taken.shift(); done; done = taken.shift()) {
      done();
      await turn();
    }
    await turn();
    expect([read, stream.isPaused()]).toEqual([15, false]);
  });
});
