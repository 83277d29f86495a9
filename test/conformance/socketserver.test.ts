// socketserver beside Python's: each server class with each handler class, the hooks in the order they were called, and
// the attributes and bases of the classes. The scenarios are fixtures/serving.mjs and .py.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { socketserver } from 'bsd-sockets';
import { describe, expect, test } from 'vitest';
import { differences_of } from './differences.js';
import { pythons } from './python.js';

const CLASSES = Object.entries(socketserver)
  .filter(([name, value]) => typeof value === 'function' && /(Server|Handler)$/.test(name))
  .map(([name]) => name);
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

function outcome(program: string, file: string): Record<string, unknown> {
  const { stdout, stderr } = spawnSync(program, [fixture(file), CLASSES.join(',')], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const ours = outcome(process.execPath, 'serving.mjs');
const python = pythons().find(({ version }) => version === '3.13') ?? pythons()[0];
const theirs = python === undefined ? {} : outcome(python.path, 'serving.py');

describe(`beside Python ${python?.version}`, () => {
  test('there is something to compare', ({ skip }) => {
    if (python === undefined) skip('needs python3');
    expect(Object.keys(theirs).length).toBeGreaterThan(20);
  });

  // Mix-ins are functions here, so Python's ThreadingMixIn is no class among the bases.
  const names = Object.keys(theirs).filter((name) => !/^bases (Threading|Forking)/.test(name));
  const differences = differences_of('socketserver');
  test.each(names)('%s', (name) => {
    const { here = theirs[name], python = theirs[name] } = differences[name] ?? {};
    expect([ours[name], theirs[name]]).toEqual([here, python]);
  });
  test('every row of differences.ts has a scenario', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(differences)));
  });

  // Python has no servers on an event loop: they do what those do that handle requests in turn.
  const async_names = Object.keys(ours).filter((name) => /^(attributes )?Async/.test(name));
  test.each(async_names)('%s', (name) => {
    const like = name.replaceAll('Async', '');
    const own = /^attributes.*Server$/.test(name) ? { block_on_close: true } : {};
    expect(ours[name]).toEqual({ ...(theirs[like] as object), ...own });
  });
});
