// The boundary: native/calls.h, the exports of the binary and the types of lib/native/addon.ts list the same functions.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { addon } from '../../../dist/native/addon.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('every function of the addon is listed, exported and typed', () => {
  const listed = [...read('native/calls.h').matchAll(/X\((\w+), \w+\)/g)].map((match) => match[1]);
  const body = /export interface Addon \{\n(.*?)\n\}/s.exec(read('lib/native/addon.ts'))?.[1] ?? '';
  const typed = [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]);
  expect(listed.length).toBeGreaterThan(50);
  expect(new Set(listed).size).toBe(listed.length);
  expect(typed.sort()).toEqual([...listed].sort());
  expect(Object.keys(addon).sort()).toEqual([...listed].sort());
});

test('a call with arguments of the wrong kind is refused, not obeyed', () => {
  const call = (name: keyof typeof addon, ...values: unknown[]) =>
    (addon[name] as (...values: unknown[]) => unknown)(...values);
  expect(call('socket', 'x', {}, null)).toBe(-22);
  expect(call('bind', null, null, null)).toBe(-22);
  expect(call('getsockopt', 0, 0, 0, 0, 'no bytes')).toBe(-22);
  expect(call('poll', new Uint8Array(7), 0)).toBe(-22);
  expect(call('close', -1, 0)).toBe(-9);
});
