/** write_block: the blocks of a ring as pcap and pcapng, byte for byte what `write` makes of their packets; and targets that fail. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LINKTYPE_RAW, type PacketBlock, read_capture, write_capture } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { HEADERS, Loopback, missing_for_ring, text_of } from './loopback.js';

const missing = missing_for_ring();
const folder = mkdtempSync(join(tmpdir(), 'write-block-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

/** Calls a function with blocks until their packets are as many. */
function with_blocks({ ring }: Loopback, packets: number, handle: (block: PacketBlock) => void): void {
  let seen = 0;
  for (const block of ring.blocks({ timeout: 10 })) {
    using _block = block;
    seen += block.length;
    handle(block);
    if (seen >= packets) return;
  }
}

const TEXTS = Array.from({ length: 200 }, (_, i) => 'x'.repeat(i * 7));

describe.each([
  ['pcap', 'nano'],
  ['pcap', 'micro'],
  ['pcapng', 'nano'],
  ['pcapng', 'micro'],
] as const)('%s, %s', (format, precision) => {
  test('the bytes are those of write', () => {
    using loopback = new Loopback({ blocks: 16 });
    loopback.send(...TEXTS);
    const paths = [join(folder, 'blocks'), join(folder, 'packets')] as const;
    const options = { format, precision, linktype: loopback.ring.linktype, snaplen: 1000 };
    using by_blocks = write_capture(paths[0], options);
    using by_packets = write_capture(paths[1], options);
    with_blocks(loopback, TEXTS.length, (block) => {
      by_blocks.write_block(block);
      for (const { data, time_ns, length, direction } of block)
        by_packets.write({ data, time_ns, length, ...(format === 'pcapng' && { direction }) });
    });
    expect(by_blocks.size).toBe(by_packets.size);
    for (const file of [by_blocks, by_packets]) file.close();
    const [blocks, packets] = paths.map((path) => readFileSync(path));
    expect(blocks?.equals(packets as Buffer)).toBe(true);
    expect([...read_capture(paths[0])].map(({ length }) => length)).toEqual(
      TEXTS.map(({ length }) => length + 42),
    );
  });
});

describe.each(['pcap', 'pcapng'] as const)('a full block of a MiB, %s', (format) => {
  // Packets are copied up to 512 bytes and written from the ring above: more of both than one writev takes.
  const SIZES = [1400, 0, 470, 471, 3, 1200, 1, 900, 2, 1000].map((size) => 'x'.repeat(size));
  const FULL = Array.from({ length: 200 }, () => SIZES).flat();

  test('the bytes are those of write, to a file and to a pipe that is read slowly', () => {
    using loopback = new Loopback({ block_size: 2 ** 20, blocks: 2, retire_ms: 10_000 });
    loopback.send(...FULL);
    const { linktype } = loopback.ring;
    const paths = ['full', 'full-packets', 'fifo'].map((name) => join(folder, `${name}-${format}`));
    const [path, other, fifo] = paths as [string, string, string];
    const copied = spawnSync('sh', [
      '-c',
      `mkfifo ${fifo}; (dd if=${fifo} of=${fifo}.part bs=3000; mv ${fifo}.part ${fifo}.copy) >/dev/null 2>&1 &`,
    ]);
    expect(copied.status).toBe(0);
    using by_blocks = write_capture(path, { format, linktype });
    using by_packets = write_capture(other, { format, linktype });
    using to_fifo = write_capture(fifo, { format, linktype });
    with_blocks(loopback, 1, (block) => {
      expect(block.length).toBeGreaterThan(1024);
      by_blocks.write_block(block);
      to_fifo.write_block(block);
      for (const { data, time_ns, length, direction } of block)
        by_packets.write({ data, time_ns, length, ...(format === 'pcapng' && { direction }) });
    });
    for (const file of [by_blocks, by_packets, to_fifo]) file.close();
    expect(by_blocks.size).toBe(by_packets.size);
    expect(to_fifo.size).toBe(by_packets.size);
    const packets = readFileSync(other);
    expect(readFileSync(path).equals(packets)).toBe(true);
    spawnSync('sh', ['-c', `for i in $(seq 400); do [ -e ${fifo}.copy ] && break; sleep 0.05; done`]);
    expect(readFileSync(`${fifo}.copy`).equals(packets)).toBe(true);
  });
});

describe('blocks and packets by turns', () => {
  test('keep their order, also for another interface', () => {
    using loopback = new Loopback();
    const path = join(folder, 'order.pcapng');
    const { linktype } = loopback.ring;
    using file = write_capture(path, { interfaces: [{ linktype: LINKTYPE_RAW }, { name: 'lo', linktype }] });
    file.write({ data: Buffer.from('before'), time_ns: 1n });
    loopback.send('block');
    with_blocks(loopback, 1, (block) => file.write_block(block, { interface: 1 }));
    file.write({ data: Buffer.from('behind'), time_ns: 2n });
    file.close();
    const packets = [...read_capture(path)];
    expect(packets.map((packet) => packet.interface)).toEqual([0, 1, 0]);
    expect(packets.map(({ direction }) => direction)).toEqual([undefined, 'inbound', undefined]);
    expect(text_of(packets[1]!)).toBe('block');
  });
});

describe('targets that fail', () => {
  const LARGE = Array.from({ length: 70 }, () => 'x'.repeat(1400));

  /** Writes blocks of 100 KB to a descriptor. @returns the errors, with what is left told by flush() */
  function write_large(fd: number): unknown[] {
    using loopback = new Loopback({ block_size: 2 ** 20 });
    const file = write_capture(fd, { linktype: loopback.ring.linktype });
    loopback.send(...LARGE);
    const errors: unknown[] = [];
    const attempt = (call: () => void) => {
      try {
        call();
      } catch (error) {
        errors.push((error as NodeJS.ErrnoException).code);
      }
    };
    with_blocks(loopback, LARGE.length, (block) => attempt(() => file.write_block(block)));
    attempt(() => file.flush());
    attempt(() => file.close());
    return errors;
  }

  test('a full disk: ENOSPC, and flush tries the rest again', () => {
    const fd = openSync('/dev/full', 'w');
    expect(new Set(write_large(fd))).toEqual(new Set(['ENOSPC']));
    socket.close(fd);
  });

  test('a pipe without a reader: EPIPE, and no signal', () => {
    const [reader, writer] = socket.socketpair();
    reader.close();
    expect(new Set(write_large(writer.detach()))).toEqual(new Set(['EPIPE']));
  });

  test('a file that may not grow: what fits is written, EFBIG, and flush writes the rest where it may', () => {
    const path = join(folder, 'limited.pcap');
    const script = `
      const { packet_ring, write_capture } = await import('bsd-sockets/packet');
      const socket = await import('bsd-sockets/socket');
      const { spawnSync } = await import('node:child_process');
      const limit = (bytes) => spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited']);
      const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
      sock.bind(['127.0.0.1', 0]);
      const [, port] = sock.getsockname();
      const ring = packet_ring('lo', { block_size: 2 ** 20, blocks: 2, retire_ms: 200, filter: 'udp dst port ' + port });
      for (let i = 0; i < 200; i++) sock.sendto('x'.repeat(1400), ['127.0.0.1', port]);
      process.on('SIGXFSZ', () => {});
      const file = write_capture(${JSON.stringify(path)}, { linktype: ring.linktype });
      let count = 0;
      const codes = [];
      const { status } = limit(100_000);
      for (const block of ring.blocks({ timeout: 10 })) {
        try { file.write_block(block); } catch ({ code }) { codes.push(code); limit('unlimited'); }
        count += block.length;
        block.release();
        if (count === 200) break;
      }
      file.close();
      console.log(JSON.stringify({ status, codes, size: file.size }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    });
    if (stdout === '') throw new Error(stderr);
    const size = 24 + 200 * (16 + HEADERS + 1400);
    expect(JSON.parse(stdout)).toEqual({ status: 0, codes: ['EFBIG'], size });
    expect([...read_capture(path)].map(({ data }) => data.length)).toEqual(
      Array.from({ length: 200 }, () => HEADERS + 1400),
    );
  });

  test('the listener of a signal closes the ring while a block is written: an error, and no foreign bytes', () => {
    const script = `
      const { packet_ring, write_capture } = await import('bsd-sockets/packet');
      const socket = await import('bsd-sockets/socket');
      const { spawn } = await import('node:child_process');
      const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
      sock.bind(['127.0.0.1', 0]);
      const [, port] = sock.getsockname();
      const ring = packet_ring('lo', { block_size: 2 ** 20, blocks: 2, retire_ms: 200, filter: 'udp dst port ' + port });
      for (let i = 0; i < 600; i++) sock.sendto('x'.repeat(1400), ['127.0.0.1', port]);
      const [writer, reader] = socket.socketpair();
      const file = write_capture(writer.fileno(), { linktype: ring.linktype });
      process.on('SIGUSR2', () => ring.close());
      spawn('sh', ['-c', 'sleep 0.3; kill -USR2 ' + process.pid]);
      try {
        for (const block of ring.blocks({ timeout: 10 })) file.write_block(block);
        console.log('all of it');
      } catch ({ message }) {
        console.log(message);
      }
      console.log(ring.closed);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      timeout: 60_000,
    });
    if (stdout === '') throw new Error(stderr);
    expect(stdout).toMatch(/^the block was released, .*\ntrue\n$/);
  });

  test('a slow reader gets all of it, in parts', () => {
    using loopback = new Loopback({ block_size: 2 ** 20 });
    loopback.send(...LARGE);
    const path = join(folder, 'slow.pcap');
    const fifo = spawnSync('sh', [
      '-c',
      `mkfifo ${path}; (sleep 0.2; cat ${path} >${path}.copy) >/dev/null 2>&1 &`,
    ]);
    expect(fifo.status).toBe(0);
    using file = write_capture(path, { linktype: loopback.ring.linktype });
    with_blocks(loopback, LARGE.length, (block) => file.write_block(block));
    file.close();
    const size = 24 + LARGE.length * (16 + 42 + 1400);
    expect(file.size).toBe(size);
    spawnSync('sh', [
      '-c',
      `for i in $(seq 100); do [ $(stat -c %s ${path}.copy) = ${size} ] && break; sleep 0.05; done`,
    ]);
    expect(readFileSync(`${path}.copy`)).toHaveLength(size);
  });
});

test('wrong use', () => {
  using loopback = new Loopback();
  loopback.send('one');
  const path = join(folder, 'wrong.pcap');
  using file = write_capture(path, { linktype: LINKTYPE_RAW });
  using right = write_capture(path, { linktype: loopback.ring.linktype });
  with_blocks(loopback, 1, (block) => {
    expect(() => file.write_block(block)).toThrow(/^the block has linktype 1, and its interface has 101/);
    expect(() => right.write_block(block, { interface: 1 })).toThrow(
      /^interface is 1, and the capture has 1/,
    );
    expect(() => right.write_block(block, { name: 1 } as never)).toThrow(/^unknown option "name"/);
    expect(() => right.write_block({} as never)).toThrow(/^block must be a block of packet_ring, not/);
    expect(() => right.write_block(undefined as never)).toThrow(/^block must be a block of packet_ring/);
    block.release();
    expect(() => right.write_block(block)).toThrow(/^the block was released/);
    right.close();
    expect(() => right.write_block(block)).toThrow(/^the capture is closed/);
  });
});
