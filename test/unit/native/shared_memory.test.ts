// Memory that processes share: one descriptor, mapped by each.
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { addon } from '../../../dist/native/addon.js';

const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
});

function make(size: number): number {
  const fd = addon.shared_memory(size);
  expect(fd).toBeGreaterThan(2);
  opened.push(fd);
  return fd;
}

function map(fd: number): Int32Array {
  const memory = addon.map_memory(fd);
  if (typeof memory === 'number') throw new Error(`map_memory gave ${memory}`);
  return new Int32Array(memory);
}

test('all who map it see the same, also when its descriptor is closed', () => {
  const fd = addon.shared_memory(64);
  const [one, other] = [map(fd), map(fd)];
  closeSync(fd);
  expect(one).toHaveLength(16);
  expect([...one]).toEqual(Array(16).fill(0));
  Atomics.store(one, 3, 7);
  expect(Atomics.add(other, 3, 1)).toBe(7);
  expect(one[3]).toBe(8);
});

test('another process writes into it', () => {
  const fd = make(8);
  const words = map(fd);
  const program = `
    import { addon } from ${JSON.stringify(fileURLToPath(new URL('../../../dist/native/addon.js', import.meta.url)))};
    const words = new Int32Array(addon.map_memory(3));
    for (let i = 0; i < 1000; i++) Atomics.add(words, 1, 1);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect([...words]).toEqual([0, 1000]);
});

test('nobody can take it away under who has mapped it', () => {
  const fd = make(4096);
  const words = map(fd);
  expect(() => ftruncateSync(fd, 0)).toThrow('EPERM');
  words[1023] = 1;
  expect(words[1023]).toBe(1);
});

test('what is no such memory is not mapped', () => {
  const file = openSync('/dev/null', 'r');
  opened.push(file);
  expect(addon.map_memory(file)).toBe(-22);
  expect(addon.map_memory(-1)).toBe(-9);
  expect(addon.map_memory('x' as never)).toBe(-22);
  expect(addon.shared_memory(0)).toBe(-22);
  expect(addon.shared_memory(null as never)).toBe(-22);
});

test('misuse of ignore_signals', () => {
  expect(addon.ignore_signals(new Uint8Array(3), [15])).toBe(-22);
  expect(addon.ignore_signals(new Uint8Array(new ArrayBuffer(8), 1, 4), [15])).toBe(-22);
  expect(addon.ignore_signals(new Uint8Array(4), [0])).toBe(-22);
  expect(addon.ignore_signals(new Uint8Array(4), [32])).toBe(-22);
  expect(addon.ignore_signals(new Uint8Array(4), ['TERM' as never])).toBe(-22);
  expect(addon.ignore_signals(new Uint8Array(4), 15 as never)).toBe(-22);
});
