// pump and pump_both of promises: bytes between sockets and pipes inside of the kernel, their counts, and what is left when one is cut short.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as promises from 'bsd-sockets/promises';
import * as blocking from 'bsd-sockets/socket';
import { afterEach, describe, expect, it } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { slowness } from '../../machine.js';

const { pump, pump_both, SHUT_WR } = promises;
const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const one of cleanup.splice(0).reverse()) one();
});

function pair(): [promises.socket, promises.socket] {
  const [a, b] = promises.socketpair();
  cleanup.push(
    () => a.close(),
    () => b.close(),
  );
  return [a, b];
}

async function tcp_pair(): Promise<[promises.socket, promises.socket]> {
  const server = await promises.create_server(['127.0.0.1', 0]);
  const a = await promises.create_connection(server.getsockname());
  const [b] = await server.accept();
  server.close();
  cleanup.push(
    () => a.close(),
    () => b.close(),
  );
  return [a, b];
}

/** Returns the descriptors of both ends of a FIFO. */
function fifo(): { reader: number; writer: number } {
  const folder = mkdtempSync(join(tmpdir(), 'pump-'));
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  rmSync(folder, { recursive: true });
  return { reader, writer };
}

const numbers = (size: number) => Buffer.from(Uint32Array.from({ length: size / 4 }, (_, i) => i).buffer);

async function read_all(sock: promises.socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of sock as promises.ConnectedSocket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('pump', () => {
  it.each([
    ['AF_UNIX', pair],
    ['TCP', tcp_pair],
  ])('moves all bytes in their order over %s, and shuts down if told to', async (_name, make) => {
    const [client, from] = await make();
    const [to, server] = await make();
    const data = numbers(4_000_000);
    const moving = pump(from, to, { half_close: true });
    const reading = read_all(server);
    await client.sendall(data);
    await client.shutdown(SHUT_WR);
    expect(await moving).toBe(data.length);
    expect((await reading).equals(data)).toBe(true);
    await server.sendall('the other direction is open');
    expect(String(await to.recv(100))).toBe('the other direction is open');
  });

  it('leaves the socket open without half_close, and ends at the limit', async () => {
    const [client, from] = pair();
    const [to, server] = pair();
    await client.sendall('hello, world');
    expect(await pump(from, to, { limit: 0 })).toBe(0);
    expect(await pump(from, to, { limit: 5, half_close: true })).toBe(5);
    expect(String(await server.recv(100))).toBe('hello');
    expect(String(await from.recv(100))).toBe(', world');
    client.close();
    expect(await pump(from, to)).toBe(0);
    await to.sendall('open');
    expect(String(await server.recv(100))).toBe('open');
  });

  it('moves from a pipe and to a pipe, whose ends are waited for', async () => {
    const [client, from] = pair();
    const { reader, writer } = fifo();
    const data = numbers(400_000);
    const to_pipe = pump(from, writer).finally(() => closeSync(writer));
    const [to, server] = pair();
    const from_pipe = pump({ fileno: () => reader }, to, { half_close: true });
    const reading = read_all(server);
    await client.sendall(data);
    client.close();
    expect(await to_pipe).toBe(data.length);
    expect(await from_pipe).toBe(data.length);
    expect((await reading).equals(data)).toBe(true);
    closeSync(reader);
  });

  it('is one read of `from`; writes to `to` keep their order with its pieces', async () => {
    const [client, from] = pair();
    const [to, server] = pair();
    const first = to.sendall('before ');
    const moving = pump(from, to, { limit: 5 });
    const second = from.recv(100);
    await client.sendall('hello');
    await Promise.all([first, moving]);
    await client.sendall('for recv');
    expect(String(await second)).toBe('for recv');
    expect(String(await server.recv(100))).toBe('before hello');
  });

  it('echoes: both ends may be one socket', async () => {
    const [client, conn] = await tcp_pair();
    const echoing = pump(conn, conn, { half_close: true });
    const data = numbers(1_000_000);
    const reading = read_all(client);
    await client.sendall(data);
    await client.shutdown(SHUT_WR);
    expect((await reading).equals(data)).toBe(true);
    expect(await echoing).toBe(data.length);
  });

  it('loses nothing when it is aborted: what was read is what has arrived and `partial`', async () => {
    const [client, from] = pair();
    const [to, server] = pair();
    const data = numbers(2_000_000);
    const controller = new AbortController();
    const sending = client.sendall(data).catch(() => {});
    const moving = pump(from, to, { signal: controller.signal });
    // Nobody receives: it fills the socket, and waits. Wherever the abort finds the bytes, none may be missing.
    await delay(20);
    controller.abort();
    const error = (await moving.catch((reason: unknown) => reason)) as promises.OSError;
    expect(error.name).toBe('AbortError');
    const { bytes_sent = -1, partial = Buffer.of() } = error;
    const arrived = await server.recv_exactly(bytes_sent);
    const rest = from.recv_exactly(data.length - bytes_sent - partial.length);
    expect(Buffer.concat([arrived, partial, await rest]).equals(data)).toBe(true);
    await sending;
  });

  it('ends at its time-out, and gives what it holds', async () => {
    const [, from] = pair();
    const [to] = pair();
    const error = await pump(from, to, { timeout: 0.01 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(promises.TimeoutError);
    expect(error).toMatchObject({ bytes_sent: 0, partial: Buffer.of(), message: /after 0.01 s/ });
  });

  it('gives the error of the end that fails, with the bytes that found no taker', async () => {
    const [client, from] = pair();
    const [to, server] = pair();
    server.close();
    await client.sendall('hello');
    await expect(pump(from, to)).rejects.toMatchObject({
      code: 'EPIPE',
      bytes_sent: 0,
      partial: Buffer.from('hello'),
    });
    const { reader, writer } = fifo();
    closeSync(reader);
    await client.sendall('again');
    await expect(pump(from, writer)).rejects.toMatchObject({ code: 'EPIPE', partial: Buffer.from('again') });
    closeSync(writer);
    const [reset, conn] = await tcp_pair();
    reset.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer));
    const moving = pump(conn, to);
    reset.close();
    await expect(moving).rejects.toBeInstanceOf(promises.ConnectionResetError);
  });

  it.each(['from', 'to'] as const)('ends when %s is closed meanwhile', async (which) => {
    const [client, from] = pair();
    const [to] = pair();
    const moving = pump(from, to);
    const sending = client.sendall(numbers(2_000_000)).catch(() => {});
    await delay(20);
    (which === 'from' ? from : to).close();
    await expect(moving).rejects.toMatchObject({ code: 'ECANCELED', partial: expect.any(Buffer) });
    client.close();
    await sending;
  });

  it('ends when `to` is closed while it waits for `from`', async () => {
    const [, from] = pair();
    const [to] = pair();
    const moving = pump(from, to);
    to.close();
    await expect(moving).rejects.toMatchObject({ code: 'ECANCELED', bytes_sent: 0 });
    const [, again] = pair();
    const other = pump(from, again);
    again.detach();
    await expect(other).rejects.toMatchObject({ code: 'ECANCELED' });
  });

  it('keeps no descriptor, however it ends', async () => {
    const [client, from] = pair();
    const [to, server] = pair();
    const before = open_descriptors();
    for (let i = 0; i < 50; i++) {
      await client.sendall('x');
      await pump(from, to, { limit: 1 });
      await expect(pump(from, to, { timeout: 0.0001 })).rejects.toThrow(promises.TimeoutError);
      await expect(pump(from, to, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    }
    expect(open_descriptors()).toBe(before);
    expect((await server.recv(100)).length).toBe(50);
  });

  it('lets the rest of the program have its turns', async () => {
    const [client, from] = pair();
    const { reader, writer } = fifo();
    const moving = pump(from, writer);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const sending = client.sendall(numbers(8_000_000));
    const memory = Buffer.alloc(65536);
    let moved = 0;
    while (moved < 8_000_000) {
      try {
        moved += readSync(reader, memory);
      } catch {
        await delay(1);
      }
    }
    await sending;
    client.close();
    expect(await moving).toBe(8_000_000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    closeSync(reader);
    closeSync(writer);
  });

  it('refuses what it cannot move', async () => {
    const [a] = pair();
    const [udp] = promises.socketpair(promises.AF_UNIX, promises.SOCK_DGRAM);
    const [blocks, other] = blocking.socketpair();
    const closed = promises.socket();
    closed.close();
    cleanup.push(
      () => udp.close(),
      () => blocks.close(),
      () => other.close(),
    );
    const file = openSync('/proc/self/exe', 'r');
    const { reader, writer } = fifo();
    const wrong: [unknown, unknown, unknown, string | RegExp][] = [
      [file, a, {}, /^from is a file, not a socket or pipe: sendfile\(\) sends files$/],
      [a, { fd: file }, {}, /^to is a file/],
      [udp, a, {}, /^pump: only sockets of type SOCK_STREAM are supported, and from is <socket/],
      [a, blocks, {}, 'to is a blocking socket: use pump() of bsd-sockets/socket'],
      [closed, a, {}, /EBADF/],
      [a, 9999, {}, /EBADF.*fd 9999/],
      [a, -1, {}, /EBADF/],
      [a, a.fileno(), {}, /^to is the descriptor of a socket: pass the socket/],
      [openSync('/dev/null', 'r'), a, {}, /^from must be a socket or a pipe: descriptor \d+ is neither$/],
      [reader, writer, {}, 'from or to must be a socket: both are pipes'],
      [{ encrypted: true, fd: 3 }, a, {}, /^from is a TLS socket/],
      ['x', a, {}, /^from must be a socket, or a pipe .* not "x"$/],
      [a, undefined, {}, /^to must be a socket, or a pipe .* not undefined$/],
      [a, a, { limit: -1 }, /limit/],
      [a, a, { limit: 'x' }, /limit/],
      [a, a, { half_close: 1 }, 'half_close must be true or false, not 1'],
      [a, a, { idle: 1 }, 'unknown option "idle"; known: limit, half_close, signal, timeout'],
      [a, a, { signal: 1 }, /signal/],
      [a, a, { timeout: 0 }, 'pump: non-blocking sockets are not supported'],
      [a, a, null, /^options must be an object with limit, half_close, signal or timeout, not null$/],
    ];
    for (const [from, to, options, message] of wrong) {
      await expect(pump(from as never, to as never, options as never)).rejects.toThrow(message);
    }
    for (const fd of [file, reader, writer]) closeSync(fd);
  });
});

describe('pump_both', () => {
  it('moves both directions until both have ended, and tells both counts', async () => {
    const [client, a] = await tcp_pair();
    const [b, server] = await tcp_pair();
    const both = pump_both(a, b);
    const there = numbers(400_000);
    const serving = (async () => {
      const request = await read_all(server);
      await server.sendall(`got ${request.length}`);
      await server.shutdown(SHUT_WR);
      return request;
    })();
    await client.sendall(there);
    await client.shutdown(SHUT_WR);
    expect(String(await read_all(client))).toBe('got 400000');
    expect((await serving).equals(there)).toBe(true);
    expect(await both).toEqual([400_000, 10]);
  });

  it('ends both directions with the first error, which has the progress of both', async () => {
    const [client, a] = pair();
    const [b, server] = pair();
    const controller = new AbortController();
    const both = pump_both(a, b, { signal: controller.signal });
    await client.sendall('hello');
    await server.sendall('hi');
    expect(String(await server.recv(10))).toBe('hello');
    expect(String(await client.recv(10))).toBe('hi');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(both).rejects.toBe(reason);
    expect(reason).toMatchObject({
      directions: [
        { bytes_sent: 5, partial: Buffer.of() },
        { bytes_sent: 2, partial: Buffer.of() },
      ],
    });
    await expect(pump_both(a, b, { timeout: 0.01 })).rejects.toBeInstanceOf(promises.TimeoutError);
  });

  it('refuses wrong arguments', async () => {
    const [a, b] = pair();
    await expect(pump_both(a, 1 as never)).rejects.toThrow('b must be a socket of promises, not 1');
    await expect(pump_both(a, b, { limit: 1 } as never)).rejects.toThrow('unknown option "limit"');
    await expect(pump_both(a, b, { timeout: 0 })).rejects.toThrow('non-blocking sockets are not supported');
  });
});

describe('pump of blocking sockets', () => {
  it('moves all, tells what is left, and refuses', () => {
    const [client, from] = blocking.socketpair();
    const [to, server] = blocking.socketpair();
    const { reader, writer } = fifo();
    for (const one of [client, from, to, server]) cleanup.push(() => one.close());
    client.sendall('hello, world');
    expect(blocking.pump(from, to, { limit: 5 })).toBe(5);
    expect(String(server.recv(100))).toBe('hello');
    expect(blocking.pump(from, writer, { limit: 7 })).toBe(7);
    expect(blocking.pump(reader, to, { limit: 7 })).toBe(7);
    expect(String(server.recv(100))).toBe(', world');
    expect(() => blocking.pump(from, to, { timeout: 0.01 })).toThrow(
      expect.objectContaining({ name: 'TimeoutError', bytes_sent: 0, partial: Buffer.of() }),
    );
    const sized = Buffer.alloc(65536);
    writeSync(writer, sized);
    client.sendall('no room');
    expect(() => blocking.pump(from, writer, { timeout: 0.01 })).toThrow(
      expect.objectContaining({ name: 'TimeoutError', partial: Buffer.from('no room') }),
    );
    client.close();
    expect(blocking.pump(from, to, { half_close: true })).toBe(0);
    expect(server.recv(10).length).toBe(0);
    expect(() => blocking.pump(reader, writer)).toThrow('both are pipes');
    expect(() => blocking.pump(from, to, { signal: undefined, idle: 1 } as never)).toThrow('unknown option');
    to.setblocking(false);
    expect(() => blocking.pump(reader, to)).toThrow('non-blocking sockets are not supported');
    closeSync(reader);
    closeSync(writer);
  });

  it('is ended by terminate() of its worker', () => {
    const program = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const { socketpair, pump } = require('bsd-sockets/socket');
        const [a, b] = socketpair();
        const [, c] = socketpair();
        require('node:worker_threads').parentPort.postMessage('ready');
        pump(a, c);\`, { eval: true });
      worker.on('message', () => setTimeout(() => worker.terminate().then(() => console.log('ended')), 50));`;
    const { stdout } = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      timeout: 20_000 * slowness,
    });
    expect(stdout).toBe('ended\n');
  });
});
