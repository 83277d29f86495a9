// The parts of the virtual machines of `npm run test:foreign` that need no machine: what the emulator is told, the first file system, and
// the processes that stand for others. `npm run test:foreign -- arm64-kernel` is the whole.
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const kernel = new URL('../../scripts/foreign/kernel/', import.meta.url);

async function load<T>(name: string): Promise<T> {
  return (await import(new URL(name, kernel).href)) as T;
}

interface Machines {
  boards: Record<string, { processor: string; console: string }>;
  arguments_of(board: unknown, places: Record<string, string>): string[];
  modules_of(board: unknown): string[];
}
const { boards, arguments_of, modules_of } = await load<Machines>('machines.mjs');

interface Initramfs {
  archive(entries: { name: string; mode: number; data?: Buffer | string }[]): Buffer;
  load_order(names: string[], dependencies: string, builtin: string): string[];
}
const { archive, load_order } = await load<Initramfs>('initramfs.mjs');

interface Frames {
  frame(id: number, kind: number, content?: Buffer | object): Buffer;
  frame_reader(): (chunk: Buffer) => { id: number; kind: number; data: Buffer }[];
  json(data: Buffer): unknown;
}
const { frame, frame_reader, json } = await load<Frames>('frames.mjs');

const places = { kernel: '/k', initramfs: '/i', system: '/s', project: '/p,q', folder: '/f' };

describe('the arguments of the emulator', () => {
  it.for(Object.keys(boards))('%s: a board, three shares of which one is written, and no network', (name) => {
    const args = arguments_of(boards[name], places);
    const text = args.join(' ');
    expect(text).toContain('-nic none');
    expect(text).toContain(`console=${boards[name]!.console} `);
    const shares = args.filter((arg) => arg.startsWith('local,'));
    expect(shares.map((arg) => /path=(.*),security/.exec(arg)?.[1])).toEqual(['/s', '/p,,q', '/f']);
    expect(shares.map((arg) => arg.endsWith(',readonly=on'))).toEqual([true, true, false]);
    expect(args.filter((arg) => /^(?:unix|tcp|udp|user)/.test(arg))).toEqual([]);
  });

  it('a device is on the bus of its board', () => {
    const devices = (name: string) =>
      arguments_of(boards[name], places)
        .filter((arg) => /^virtio-/.test(arg))
        .join(' ');
    expect(devices('s390x-kernel')).toMatch(/^(?:virtio-(?:9p|serial|rng)-ccw\S* ?)+$/);
    expect(devices('arm64-kernel')).toMatch(/^(?:virtio-(?:9p|serial|rng)-device\S* ?)+$/);
    expect(modules_of(boards['arm64-kernel'])).toContain('virtio_mmio');
    expect(modules_of(boards['s390x-kernel'])).not.toContain('virtio_mmio');
  });
});

describe('the first file system', () => {
  const entries = [
    { name: 'folder', mode: 0o040755 },
    { name: 'folder/program', mode: 0o100755, data: '#!/bin/sh\n' },
    { name: 'folder/empty', mode: 0o100644 },
    { name: 'folder/bytes', mode: 0o100644, data: Buffer.from([0, 1, 2, 255]) },
  ];

  /** Reads an archive as cpio(5) has it. */
  function unpack(bytes: Buffer): { name: string; mode: number; data: Buffer }[] {
    const files = [];
    for (let at = 0; at < bytes.length; ) {
      expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
      const field = (i: number) =>
        Number.parseInt(bytes.toString('latin1', at + 6 + 8 * i, at + 14 + 8 * i), 16);
      const [mode, size, length] = [field(1), field(6), field(11)];
      const name = bytes.toString('latin1', at + 110, at + 110 + length - 1);
      const start = (at + 110 + length + 3) & ~3;
      files.push({ name, mode, data: bytes.subarray(start, start + size) });
      at = (start + size + 3) & ~3;
    }
    return files;
  }

  it('is an archive of all entries in their order, and ends with the name that ends it', () => {
    const files = unpack(archive(entries));
    expect(files.pop()).toMatchObject({ name: 'TRAILER!!!', data: Buffer.alloc(0) });
    expect(files).toEqual(entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data ?? '') })));
  });

  it('is unpacked by cpio', (ctx) => {
    if (spawnSync('cpio', ['--version']).error) ctx.skip('needs cpio');
    const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-cpio-'));
    try {
      const { status } = spawnSync('cpio', ['-i', '--quiet'], { cwd: folder, input: archive(entries) });
      expect(status).toBe(0);
      expect(spawnSync('sh', ['folder/program'], { cwd: folder }).status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has each module once, behind those on which it depends', () => {
    const dependencies = [
      'kernel/net/9p/9pnet.ko.xz: kernel/fs/netfs/netfs.ko.xz',
      'kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz',
      'kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz',
      'kernel/fs/netfs/netfs.ko.xz:',
      'kernel/drivers/char/hw_random/virtio-rng.ko:',
      '',
    ].join('\n');
    const builtin = 'kernel/drivers/virtio/virtio_mmio.ko\n';
    expect(load_order(['virtio_mmio', '9pnet_virtio', '9p', 'virtio_rng'], dependencies, builtin)).toEqual([
      'kernel/fs/netfs/netfs.ko.xz',
      'kernel/net/9p/9pnet.ko.xz',
      'kernel/net/9p/9pnet_virtio.ko.xz',
      'kernel/fs/9p/9p.ko.xz',
      'kernel/drivers/char/hw_random/virtio-rng.ko',
    ]);
    expect(() => load_order(['overlay'], dependencies, builtin)).toThrow('the kernel has no module overlay');
  });
});

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    const sent = [
      { id: 1, kind: 3, data: Buffer.alloc(3000, 'x') },
      { id: 4_000_000_000, kind: 1, data: Buffer.alloc(0) },
      { id: 2, kind: 5, data: Buffer.from('{"code":0,"signal":null}') },
    ];
    const bytes = Buffer.concat(sent.map(({ id, kind, data }) => frame(id, kind, data)));
    for (const size of [1, 2, 8, 9, 10, 2999, 3008, 3009, 3018, bytes.length]) {
      const read = frame_reader();
      const come = [];
      for (let at = 0; at < bytes.length; at += size) come.push(...read(bytes.subarray(at, at + size)));
      expect(come, `${size} bytes each`).toEqual(sent);
    }
  });

  it('carry objects as JSON', () => {
    const [come] = frame_reader()(frame(7, 4, { args: ['ü'] }));
    expect(json(come!.data)).toEqual({ args: ['ü'] });
  });
});

describe('a process that stands for one of the guest', () => {
  // The guest's end runs in this process, at the other end of a Unix socket in place of the serial port.
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-relay-'));
  const sockets: Socket[] = [];
  const listener = createServer((socket) => sockets.push(socket));
  const program = join(folder, 'program.cjs');
  let link: { ready: Promise<unknown>; close(): void };

  beforeAll(async () => {
    const { serve_relays, write_stand_in } = await load<{
      serve_relays(port: Duplex, path: string): Promise<typeof link>;
      write_stand_in(path: string): void;
    }>('link.mjs');
    write_stand_in(join(folder, 'node'));
    const { start_processes } = await load<{
      start_processes(input: Duplex, output: Duplex, node: string): void;
    }>('guest/processes.mjs');
    await once(listener.listen(join(folder, 'port')), 'listening');
    const port = connect(join(folder, 'port'));
    sockets.push(port);
    await once(listener, 'connection');
    link = await serve_relays(port, join(folder, 'link'));
    const guest = sockets.find((socket) => socket !== port)!;
    start_processes(guest, guest, process.execPath);
    writeFileSync(
      program,
      `process.on('message', (message) => {
        if (message === 'abort') process.abort();
        if (message === 'exit') process.exit(7);
        process.send({ message, argv: process.argv.slice(2), value: process.env.VALUE, pid: process.pid });
      });
      console.log('out'); console.error('err');
      process.send('up');`,
    );
  });
  afterAll(() => {
    link.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
    rmSync(folder, { recursive: true });
  });

  /** As vitest forks its processes. */
  function start() {
    const child = fork(program, ['a', 'b c'], {
      execPath: join(folder, 'node'),
      env: { ...process.env, FOREIGN_LINK: join(folder, 'link'), VALUE: 'ü' },
      serialization: 'advanced',
      stdio: 'pipe',
    });
    let output = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (data) => {
        output += data;
      });
    return { child, output: () => output };
  }
  const alive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  /** Answers of the process, as they come. */
  const answers = (child: ChildProcess) => on(child, 'message')[Symbol.asyncIterator]();
  const next = async (iterator: AsyncIterator<unknown[]>) => (await iterator.next()).value?.[0];

  it('has its arguments, environment, output and IPC channel, and ends as it ended', async () => {
    const { child, output } = start();
    const come = answers(child);
    expect(await next(come)).toBe('up');
    // Of the advanced serialization: JSON has no Map.
    const message = new Map([['bytes', Buffer.alloc(300_000, 7)]]);
    child.send(message);
    const answer = await next(come);
    expect(answer).toMatchObject({ message, argv: ['a', 'b c'], value: 'ü' });
    expect(answer.pid).not.toBe(child.pid);
    child.send('exit');
    expect(await once(child, 'close')).toEqual([7, null]);
    expect(output().split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  it('ends by the signal that ended the process', async () => {
    const { child } = start();
    await next(answers(child));
    child.send('abort');
    expect(await once(child, 'exit')).toEqual([null, 'SIGABRT']);
  });

  it('takes the process with it if it is ended', async () => {
    const { child } = start();
    const come = answers(child);
    await next(come);
    child.send('who');
    const { pid } = await next(come);
    expect(alive(pid)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(() => expect(alive(pid)).toBe(false), 15_000);
  });

  it('ends with exit code 1 if the machine is gone', async () => {
    const { child } = start();
    await next(answers(child));
    link.close();
    expect(await once(child, 'exit')).toEqual([1, null]);
  });
});
