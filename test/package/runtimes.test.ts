// Bun and Deno: each scenario of fixtures/runtime.mjs in a process of its own.
//
// The runtimes come from the registry, at the versions that README.md names; where that fails their tests are skipped. They are no
// devDependencies: of their packages for other platforms npm would want to know all.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUN, DENO, program_of, type Runtime } from './registry.js';
import { normal_path, root, run, temporaryFolder } from './tarball.js';

interface Expectation extends Runtime {
  options: string[];
  /** Those with no more rights than it takes to use the package. */
  permissions?: string[];
  /** What does not work there: the scenario, and what it says. README.md tells of them. */
  known: Record<string, RegExp>;
}

const runtimes: Expectation[] = [
  { ...BUN, options: [], known: { 'node:http on a listener': /it listens on its port/ } },
  {
    ...DENO,
    // The scenarios look into /proc.
    options: ['run', '--allow-all'],
    permissions: ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-env', '--allow-sys'],
    known: {
      'a blocked worker is terminated, and its sockets are closed': /sockets instead of/,
      from_node: /handle has no descriptor/,
      borrow: /EBADF/,
    },
  },
];

const fixture = join(root, 'test', 'package', 'fixtures', 'runtime.mjs');
const names: string[] = JSON.parse(run(root, normal_path, process.execPath, fixture).stdout);
const folder = temporaryFolder();

beforeAll(() => {
  writeFileSync(
    join(folder, 'package.json'),
    '{ "type": "module", "dependencies": { "bsd-sockets": "*" } }\n',
  );
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'bsd-sockets'));
  cpSync(fixture, join(folder, 'runtime.mjs'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function scenario(program: string, options: string[], name: string) {
  const { status, signal, stdout, stderr } = spawnSync(program, [...options, 'runtime.mjs', name], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 50_000,
    env: { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
  });
  return { status, signal, stdout, stderr };
}

const passed = { status: 0, signal: null, stdout: 'ok\n', stderr: '' };

describe.each(runtimes)('$name $version', (runtime) => {
  for (const name of names) {
    it(name, (ctx) => {
      const result = scenario(program_of(ctx, runtime), runtime.options, name);
      const known = runtime.known[name];
      if (known === undefined) expect(result).toEqual(passed);
      else expect(result.stderr).toMatch(known);
    });
  }

  it('works with the permissions that README.md names', (ctx) => {
    const program = program_of(ctx, runtime);
    for (const name of ['errors', 'promises: fifty connections']) {
      expect(scenario(program, runtime.permissions ?? runtime.options, name)).toEqual(passed);
    }
  });
});

it('README.md names these versions', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  for (const { name, version } of runtimes) expect(text).toContain(`${name} ${version}`);
});

it('the scenarios hold in Node.js, too', () => {
  // Each is a matter of seconds; what Node.js does is tested elsewhere.
  for (const name of ['errors', 'promises: fifty connections', 'to_node', 'from_node', 'borrow']) {
    expect(scenario(process.execPath, [], name)).toEqual(passed);
  }
});
