/** packet_ring on loopback: packets, blocks, what is given back and closed in which order, and wrong use. */
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { compile_filter, type PacketBlock, packet_ring, parse } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { beforeEach, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { HEADERS, Loopback, missing_for_ring, text_of } from './loopback.js';

const missing = missing_for_ring();
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

/** Returns the mappings of sockets in this process: the names of the sockets. */
function mappings(): string[] {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/socket:\[\d+\]/g)].map(([name]) => name);
}

/** Returns the next block. */
function block_of({ ring }: Loopback): PacketBlock {
  for (const block of ring.blocks({ timeout: 10 })) return block;
  throw new Error('the ring is closed');
}

describe('packets', () => {
  test('have what the kernel knows of them, and stay as they are', () => {
    using loopback = new Loopback();
    const before = BigInt(Date.now()) * 1_000_000n;
    loopback.send('first', 'second', '3');
    const packets = [];
    for (const packet of loopback.ring.packets({ timeout: 10 })) if (packets.push(packet) === 3) break;
    for (let i = 0; i < 2000; i++) loopback.send('x'.repeat(1000));
    expect(packets.map(text_of)).toEqual(['first', 'second', '3']);
    const [first] = packets;
    expect(first).toMatchObject({
      length: HEADERS + 5,
      linktype: loopback.ring.linktype,
      direction: 'inbound',
      packet_type: socket.PACKET_HOST,
      interface_index: socket.if_nametoindex('lo'),
      vlan: undefined,
    });
    expect(first!.time_ns - before).toBeGreaterThan(-1_000_000_000n);
    expect(first!.time_ns - before).toBeLessThan(60_000_000_000n);
    expect(parse(first!.data, first!).get('udp')).toMatchObject({ dst_port: loopback.port });
  });

  test('come by for await, in their order, also if several are asked for at once', async () => {
    using loopback = new Loopback();
    const iterator = loopback.ring[Symbol.asyncIterator]();
    const asked = [1, 2, 3].map(() => iterator.next());
    loopback.send('a', 'b');
    await sleep(20);
    loopback.send('c');
    const results = await Promise.all(asked);
    expect(results.map(({ value }) => value && text_of(value))).toEqual(['a', 'b', 'c']);
  });

  test('an iteration goes on where the last one was left, packet by packet and block by block', async () => {
    using loopback = new Loopback({ retire_ms: 50 });
    loopback.send('1', '2', '3', '4', '5');
    const seen: string[] = [];
    for (const packet of loopback.ring.packets({ timeout: 10 })) {
      seen.push(text_of(packet));
      break;
    }
    for await (const packet of loopback.ring.packets({ timeout: 10 })) {
      seen.push(text_of(packet));
      break;
    }
    while (seen.length < 5) {
      using block = block_of(loopback);
      seen.push(...block.packets.map(text_of));
    }
    expect(seen).toEqual(['1', '2', '3', '4', '5']);
  });

  test('snaplen cuts the data, not the length; filters are expressions or programs', () => {
    const all = new Loopback();
    const { port } = all;
    using _all = all;
    const program = compile_filter(`udp dst port ${port}`, { live: true });
    using cut = packet_ring('lo', { block_size: 65_536, blocks: 2, snaplen: 50, filter: program });
    all.send('x'.repeat(100));
    for (const packet of cut.packets({ timeout: 10 })) {
      expect([packet.data.length, packet.length]).toEqual([50, HEADERS + 100]);
      break;
    }
    for (const packet of all.ring.packets({ timeout: 10 })) {
      expect(packet.data.length).toBe(HEADERS + 100);
      break;
    }
  });

  test('of all interfaces begin with a header of LINUX_SLL2', () => {
    using loopback = new Loopback();
    using ring = packet_ring(null, {
      block_size: 65_536,
      blocks: 2,
      filter: `udp dst port ${loopback.port}`,
    });
    loopback.send('cooked');
    for (const packet of ring.packets({ timeout: 10 })) {
      const parsed = parse(packet.data, packet);
      expect(parsed.layers.map(({ layer }) => layer)).toEqual(['linux_sll2', 'ipv4', 'udp', 'payload']);
      expect(parsed.get('linux_sll2')).toMatchObject({
        interface_index: socket.if_nametoindex('lo'),
        arphrd_type: socket.ARPHRD_LOOPBACK,
        protocol: socket.ETH_P_IP,
      });
      break;
    }
  });

  test('the kernel counts, also what has no room, and goes on when there is some', async () => {
    using loopback = new Loopback({ blocks: 2 });
    for (let i = 0; i < 300; i++) loopback.send('x'.repeat(1000));
    const full = loopback.ring.statistics();
    expect(full.packets).toBe(300);
    expect(full.drops).toBeGreaterThan(0);
    expect(full.freezes).toBeGreaterThan(0);
    let count = 0;
    await expect(async () => {
      for await (const _ of loopback.ring.packets({ timeout: 0.2 })) count++;
    }).rejects.toThrow(socket.TimeoutError);
    expect(count).toBe(full.packets - full.drops);
    loopback.send('again');
    for (const packet of loopback.ring.packets({ timeout: 10 })) {
      expect(text_of(packet)).toBe('again');
      break;
    }
    expect(loopback.ring.statistics().packets).toBe(301);
  });
});

describe('blocks', () => {
  test('have views, which are empty once the block is released; twice does nothing', () => {
    using loopback = new Loopback();
    loopback.send('one');
    const block = block_of(loopback);
    const { packets } = block;
    const [first] = packets;
    const whole = new Uint8Array(first!.data.buffer);
    expect(text_of(first!)).toBe('one');
    expect(block).toHaveLength(packets.length);
    block.release();
    block.release();
    expect([first!.data.length, whole.length, block.length, block.released]).toEqual([0, 0, 0, true]);
    expect(() => block.packets).toThrow(/^the block was released/);
    expect(() => [...block]).toThrow(/^the block was released/);
  });

  test('a block that is held keeps its bytes, while others come and go', () => {
    using loopback = new Loopback();
    loopback.send('held');
    const held = block_of(loopback);
    for (let i = 0; i < 8; i++) {
      loopback.send(`other ${i}`);
      try {
        block_of(loopback).release();
      } catch (error) {
        // The ring is at the held block again.
        expect(i).toBeGreaterThanOrEqual(3);
        expect(error).toMatchObject({
          message: expect.stringMatching(/^the next block of the ring is held/),
        });
        break;
      }
    }
    expect(held.packets.map(text_of)).toEqual(['held']);
    held.release();
  });

  test('while all are held, asking for more is an error, and not for ever', async () => {
    using loopback = new Loopback({ blocks: 2 });
    const held = ['a', 'b'].map((text) => {
      loopback.send(text);
      return block_of(loopback);
    });
    loopback.send('c');
    expect(() => block_of(loopback)).toThrow(/is held: release/);
    await expect(loopback.ring[Symbol.asyncIterator]().next()).rejects.toThrow(/is held: release/);
    held[0]?.release();
    held[1]?.release();
    loopback.send('d');
    expect(block_of(loopback).packets.map(text_of).at(-1)).toMatch(/^[cd]$/);
  });

  test('memory that was moved to another ArrayBuffer keeps its bytes', () => {
    using loopback = new Loopback({ blocks: 2 });
    loopback.send('moved');
    const block = block_of(loopback);
    const [packet] = block.packets;
    const { buffer, byteOffset, length } = packet!.data;
    if (!('transfer' in buffer)) return block.release();
    const moved = Buffer.from(
      (buffer as unknown as { transfer(): ArrayBuffer }).transfer(),
      byteOffset,
      length,
    );
    block.release();
    for (let i = 0; i < 500; i++) loopback.send('y'.repeat(500));
    expect(moved.subarray(HEADERS).toString()).toBe('moved');
    loopback.ring.close();
    expect(moved.subarray(HEADERS).toString()).toBe('moved');
  });

  test('cannot be cloned or transferred to another thread', () => {
    using loopback = new Loopback();
    loopback.send('mine');
    using block = block_of(loopback);
    const { buffer } = block.packets[0]!.data;
    expect(() => structuredClone(loopback.ring)).toThrow(/could not be cloned/);
    expect(() => structuredClone(block)).toThrow(/could not be cloned/);
    // An error since Node.js 21; before, the clone is a copy.
    try {
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    } catch (error) {
      expect(error).toMatchObject({ name: 'DataCloneError' });
    }
    expect(text_of(block.packets[0]!)).toBe('mine');
  });
});

describe('the end', () => {
  test('close releases blocks and unmaps the memory; iterations that wait end', async () => {
    const loopback = new Loopback();
    // Memory that other tests moved is unmapped some time.
    const name = readlinkSync(`/proc/self/fd/${loopback.ring.fileno()}`);
    expect(mappings()).toContain(name);
    loopback.send('one', 'two');
    const block = block_of(loopback);
    const { data } = block.packets[0]!;
    const waiting = loopback.ring.packets({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    const results = (async () => {
      for (;;) {
        const result = await waiting.next();
        if (result.done) return result;
      }
    })();
    await sleep(20);
    loopback.ring.close();
    loopback.ring.close();
    expect(await results).toEqual({ done: true, value: undefined });
    expect([data.length, block.length, loopback.ring.fileno(), loopback.ring.closed]).toEqual([
      0,
      0,
      -1,
      true,
    ]);
    block.release();
    expect(mappings()).not.toContain(name);
    await expect(waiting.next()).resolves.toEqual({ done: true, value: undefined });
    for (const call of ['packets', 'blocks', 'statistics'] as const)
      expect(() => loopback.ring[call]()).toThrow(/^\[EBADF\] packet_ring/);
    loopback.sock.close();
  });

  test('time-outs and signals end a wait; the ring can be read on', async () => {
    using loopback = new Loopback();
    const { ring } = loopback;
    const timed_out = /^packet_ring on lo timed out after 0\.01 s$/;
    expect(() => ring.packets({ timeout: 0.01 })[Symbol.iterator]().next()).toThrow(timed_out);
    await expect(ring.packets({ timeout: 0.01 })[Symbol.asyncIterator]().next()).rejects.toThrow(timed_out);
    await expect(ring.blocks({ timeout: 0 })[Symbol.asyncIterator]().next()).rejects.toThrow(/timed out/);
    expect(() => ring.blocks({ timeout: 0 })[Symbol.iterator]().next()).toThrow(/timed out/);
    const controller = new AbortController();
    const waiting = ring.packets({ signal: controller.signal })[Symbol.asyncIterator]().next();
    setTimeout(() => controller.abort(new Error('enough')), 10);
    await expect(waiting).rejects.toThrow('enough');
    loopback.send('later');
    const { value } = await ring[Symbol.asyncIterator]().next();
    expect(value && text_of(value)).toBe('later');
  });
});

describe('wrong use', () => {
  test.each<[string, RegExp, (typeof TypeError)[]?]>([
    ['{ "block_size": 100000 }', /^block_size must be a power of two, such as 131072, not 100000/],
    ['{ "block_size": 4096 }', /^block_size must be between 65536 and 268435456, not 4096/],
    ['{ "block_size": "1M" }', /^block_size must be an integer/],
    ['{ "blocks": 1 }', /^blocks must be between 2 and 4096/],
    ['{ "blocks": 3000 }', /^blocks must be at most 2047 of 1048576 bytes, not 3000/],
    ['{ "retire_ms": 0 }', /^retire_ms must be between 1 and/],
    ['{ "snaplen": 0 }', /^snaplen must be between 1 and/],
    ['{ "promiscuous": 1 }', /^promiscuous must be a boolean/],
    ['{ "direction": "both" }', /^direction must be one of 'in', 'out', 'inout', not "both"/],
    ['{ "filter": "tcp prot 80" }', /prot/],
    ['{ "filter": 5 }', /^filter must be an expression, or a program/],
    ['{ "filter": [[6, 0, 0]] }', /^filter\[0\] must have 4 elements/],
    ['{ "fanout": 5 }', /^fanout must be an object with group and mode/],
    ['{ "fanout": {} }', /^fanout.group must be an integer/],
    ['{ "fanout": { "group": 1, "mode": "fair" } }', /^fanout.mode must be one of 'hash', /],
    ['{ "fanout": { "group": 1, "mode": "filter" } }', /^fanout.program must be given/],
    ['{ "fanout": { "group": 1, "program": [] } }', /^fanout.program is for mode 'filter'/],
    [
      '{ "fanout": { "group": 1, "mode": "rollover", "rollover": true } }',
      /^fanout.rollover is for the other modes: 'rollover' is one itself$/,
    ],
    ['{ "size": 5 }', /^unknown option "size"; known: block_size/],
  ])('%s', (options, message) => {
    expect(() => packet_ring('lo', JSON.parse(options))).toThrow(message);
  });

  test('no such interface, no name, promiscuous on all', () => {
    expect(() => packet_ring('no-such0')).toThrow(/^\[ENODEV\]/);
    expect(() => packet_ring('')).toThrow(/^interface must be the name of an interface, or null/);
    expect(() => packet_ring(undefined as never)).toThrow(/^interface must be the name/);
    expect(() => packet_ring(null, { promiscuous: true })).toThrow(/^promiscuous needs an interface/);
  });

  test('a group that exists with another mode, flag or interface says so', () => {
    const small = { block_size: 65_536, blocks: 2 };
    const group = process.pid & 0xffff;
    const ring = packet_ring('lo', { ...small, fanout: { group } });
    const refused =
      /^\[EINVAL\] setsockopt\(.*PACKET_FANOUT.*the group has another mode, other flags or another int/;
    try {
      for (const fanout of [
        { group, mode: 'cpu' },
        { group, rollover: true },
      ] as const)
        expect(() => packet_ring('lo', { ...small, fanout })).toThrow(refused);
      expect(() => packet_ring(null, { ...small, fanout: { group } })).toThrow(refused);
    } finally {
      ring.close();
    }
  });

  test('a failure leaves no descriptor and no memory', () => {
    const before = mappings();
    const descriptors = open_descriptors();
    for (let i = 0; i < 20; i++)
      expect(() =>
        packet_ring('lo', { fanout: { group: 1, mode: 'filter', program: [[0xffff, 0, 0, 0]] as never } }),
      ).toThrow(/./);
    expect(before).toEqual(expect.arrayContaining(mappings()));
    expect(open_descriptors()).toBe(descriptors);
  });
});
