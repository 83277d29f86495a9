// Bun and Deno: each scenario of fixtures/runtime.mjs in a process of its own.
//
// The runtimes come from the npm registry into node_modules/.cache, at the versions that README.md names; where that fails
// their tests are skipped. They are no devDependencies: of their packages for other platforms npm would want to know all.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normal_path, root, run, temporaryFolder } from './tarball.js';

interface Runtime {
  name: string;
  version: string;
  /** The package of the registry that holds the program, by process.arch, and where it holds it. */
  packages: Record<string, string>;
  program: string;
  options: string[];
  /** Those with no more rights than it takes to use the package. */
  permissions?: string[];
  /** What does not work there: the scenario, and what it says. README.md tells of them. */
  known: Record<string, RegExp>;
}

const runtimes: Runtime[] = [
  {
    name: 'Bun',
    version: '1.4.5',
    packages: { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' },
    program: 'bin/bun',
    options: [],
    known: { 'node:http on a listener': /it listens on its port/ },
  },
  {
    name: 'Deno',
    version: '2.9.6',
    packages: { x64: '@deno/linux-x64-glibc', arm64: '@deno/linux-arm64-glibc' },
    program: 'deno',
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

/** The program of a runtime, or why there is none. */
function get({ name, version, packages, program }: Runtime): { path: string } | { reason: string } {
  const from = packages[process.arch];
  if (from === undefined) return { reason: `${name} is not known for ${process.arch}` };
  const cache = join(root, 'node_modules', '.cache', 'runtimes', `${name}-${version}`);
  const path = join(cache, 'node_modules', from, program);
  if (!existsSync(path)) {
    mkdirSync(cache, { recursive: true });
    const options = [
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--force',
    ];
    const command = ['install', '--prefix', cache, ...options, `${from}@${version}`];
    const { status, stderr } = spawnSync('npm', command, { encoding: 'utf8', timeout: 180_000 });
    if (status !== 0) return { reason: `npm cannot install ${from}@${version}: ${stderr.slice(0, 200)}` };
  }
  const started = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (started.status === 0) return { path };
  return { reason: `${name} does not start here: ${started.error?.message ?? started.signal}` };
}

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
  let got: { path: string } | { reason: string };
  beforeAll(() => {
    got = get(runtime);
  });

  for (const name of names) {
    it(name, (ctx) => {
      if ('reason' in got) return ctx.skip(got.reason);
      const result = scenario(got.path, runtime.options, name);
      const known = runtime.known[name];
      if (known === undefined) expect(result).toEqual(passed);
      else expect(result.stderr).toMatch(known);
    });
  }

  it('works with the permissions that README.md names', (ctx) => {
    if ('reason' in got) return ctx.skip(got.reason);
    for (const name of ['errors', 'promises: fifty connections']) {
      expect(scenario(got.path, runtime.permissions ?? runtime.options, name)).toEqual(passed);
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
