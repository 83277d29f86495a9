// One scenario on each other processor and C library that is here already, for which nothing is compiled; and two on other versions of
// Node.js. The whole is `npm run test:foreign` and `npm run test:nodes`, which keep what they get in node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fetch_packages } from '../package/registry.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scripts = join(root, 'scripts', 'foreign');
const passed = { status: 0, stdout: 'ok\n', stderr: '' };
/** The exit code of smoke.mjs if a processor has not been prepared. */
const NOT_PREPARED = 3;

function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

async function load<T>(name: string): Promise<T> {
  return (await import(new URL(`../../scripts/foreign/${name}`, import.meta.url).href)) as T;
}

interface Targets {
  targets: string[];
  processors: Record<string, unknown>;
  binfmt_of(name: string, interpreter: string): string;
}
const { targets, processors, binfmt_of } = await load<Targets>('targets.mjs');

const { boards } = await load<{ boards: Record<string, unknown> }>('kernel/machines.mjs');
const known = [...targets, ...Object.keys(boards)];

interface Expected {
  expectations: { reason: string; on: string[]; tests: string[] }[];
}
const { expectations } = await load<Expected>('expected.mjs');

describe('other processors, and another C library', () => {
  it.for(targets)('%s sets and reads options', (name, ctx) => {
    const result = run(process.execPath, join(scripts, 'smoke.mjs'), name, 'options');
    if (result.status === NOT_PREPARED) ctx.skip(result.stdout.trim());
    expect(result).toEqual(passed);
  });

  it('the kernel is told their programs by the head of an ELF file', () => {
    const [, name, type, offset, magic, mask, interpreter] = binfmt_of('s390x', '/tmp/x').split(':');
    expect([name, type, offset, interpreter]).toEqual(['s390x', 'M', '', '/tmp/x']);
    const bytes = (text = '') => Buffer.from(text.replaceAll('\\x', ''), 'hex');
    expect(bytes(magic).toString('hex')).toBe(`7f454c46020201${'00'.repeat(9)}00020016`);
    expect(bytes(mask).toString('hex')).toBe(`${'ff'.repeat(7)}00${'ff'.repeat(8)}fffeffff`);
    // A program of the machine that runs this is one of them only on the same processor.
    const own = readFileSync(process.execPath).subarray(0, 20);
    for (const each of Object.keys(processors)) {
      const [, , , , wanted, cares] = binfmt_of(each, '').split(':').map(bytes);
      const fits = own.every((byte, i) => ((byte ^ (wanted?.[i] ?? 0)) & (cares?.[i] ?? 0)) === 0);
      expect(fits, each).toBe(each === process.arch || (each === 'armv7l' && process.arch === 'arm'));
    }
  });

  it('a target that is not known is told, with those that are', () => {
    const { status, stdout, stderr } = run(process.execPath, join(root, 'scripts', 'foreign.mjs'), 'vax');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(`foreign: no target vax: known are ${known.join(', ')}\n`);
    expect(known).toEqual(expect.arrayContaining(['arm64', 's390x', 'musl', 'arm64-kernel']));
  });

  it('each test that is expected to fail there is one of the suite, with a reason, and stands there once', () => {
    const names = expectations.flatMap(({ tests, on }) => tests.map((test) => `${on} ${test}`));
    expect(new Set(names).size).toBe(names.length);
    for (const { reason, on, tests } of expectations) {
      expect(reason.length).toBeGreaterThan(20);
      for (const target of on) expect(known).toContain(target);
      for (const test of tests) {
        const [file = '', ...titles] = test.split(' > ');
        expect(existsSync(join(root, file)), file).toBe(true);
        const text = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
        // A title of test.each is put together: its beginning or its end stands in the file.
        const words = titles.at(-1)?.split(' ') ?? [];
        const parts = [words.slice(0, 4), words.slice(-3)].map((some) => some.join(' '));
        expect(
          parts.filter((part) => text.includes(part)),
          test,
        ).not.toEqual([]);
      }
    }
  });
});

describe('other versions of Node.js', () => {
  const name = `node-linux-${process.arch}`;
  const program = join(root, 'test', 'package', 'fixtures', 'runtime.mjs');

  // The oldest and the newest; npm run test:nodes has those between, and all tests.
  it.for(['20.19.0', '26'])('%s runs two scenarios with the same binary', (version, ctx) => {
    const node = join(fetch_packages(ctx, `${name}@${version}`), name, 'bin', 'node');
    expect(run(node, program, 'errors')).toEqual(passed);
    expect(run(node, program, 'promises: fifty connections')).toEqual(passed);
  });
});
