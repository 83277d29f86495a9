// The packed file in package managers other than npm, and in their runtimes. Each installs it in a new folder, with a binary and without; those
// that run scripts compile then, with the others the import says what to do.
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, inject, type TestContext } from 'vitest';
import { normal_path, type Outcome, run } from '../tarball.js';
import {
  bun,
  deno,
  expect_output,
  folder_of_tests,
  node_24,
  PAIR,
  pair,
  project,
  row,
  SERVED,
  served,
  tools,
} from './harness.js';

const folder = folder_of_tests();
const node = process.execPath;

type Command = [string, ...string[]];

interface Manager {
  name: string;
  /** How it installs what package.json names. */
  install(ctx: TestContext): Command;
  /** How a program is run; by Node.js if it is left out. */
  run?(ctx: TestContext): Command;
  /** What its folder holds besides. @param address how the manager names the file that it installs */
  files?(address: string): Record<string, string>;
  /** Whether it runs the script of a dependency, and so compiles where there is no binary. */
  compiles: boolean;
}

const managers: Manager[] = [
  {
    name: 'pnpm 10',
    install: (ctx) => [
      node,
      join(tools(ctx, 'pnpm@10'), 'pnpm/bin/pnpm.cjs'),
      'install',
      '--store-dir=store',
    ],
    compiles: false,
  },
  {
    name: 'pnpm 12',
    install: (ctx) => [
      node_24(ctx),
      join(tools(ctx, 'pnpm@12'), 'pnpm/bin/pnpm.mjs'),
      'install',
      '--store-dir=store',
    ],
    // It fails if the script of a dependency is neither allowed nor forbidden. The name alone allows one of the registry.
    files: (address) => ({ 'pnpm-workspace.yaml': `allowBuilds:\n  bsd-sockets@${address}: true\n` }),
    compiles: true,
  },
  {
    name: 'yarn 1',
    install: (ctx) => [
      node,
      join(tools(ctx, 'yarn@1'), 'yarn/bin/yarn.js'),
      'install',
      '--cache-folder=cache',
    ],
    compiles: true,
  },
  {
    name: 'yarn 4 with PnP',
    install: (ctx) => [
      node,
      join(tools(ctx, '@yarnpkg/cli-dist@4'), '@yarnpkg/cli-dist/bin/yarn.js'),
      'install',
    ],
    run: (ctx) => [node, join(tools(ctx, '@yarnpkg/cli-dist@4'), '@yarnpkg/cli-dist/bin/yarn.js'), 'node'],
    files: () => ({
      '.yarnrc.yml':
        'nodeLinker: pnp\nenableGlobalCache: false\nenableTelemetry: false\nenableImmutableInstalls: false\nenableScripts: true\n',
      'yarn.lock': '',
    }),
    compiles: true,
  },
  {
    name: 'bun',
    install: (ctx) => [bun(ctx), 'install', '--cache-dir=cache'],
    run: (ctx) => [bun(ctx)],
    compiles: false,
  },
];

/** Installs a file as the dependency. @returns the folder of the user */
function add(ctx: TestContext, manager: Manager, file: string): string {
  const user = project(folder, {
    'package.json': JSON.stringify({
      name: 'user',
      version: '1.0.0',
      private: true,
      dependencies: { 'bsd-sockets': `file:${file}` },
    }),
    'import.mjs': pair.esm,
    'require.cjs': pair.cjs,
    'serve.mjs': served.esm,
    ...manager.files?.(`file:${relative(join(folder, 'user'), file)}`),
  });
  const { code, stdout, stderr } = run(user, normal_path, ...manager.install(ctx));
  expect(code, `${stdout}${stderr}`).toBe(0);
  return user;
}

const runs = (ctx: TestContext, manager: Manager, user: string, name: string): Outcome =>
  run(user, normal_path, ...(manager.run?.(ctx) ?? ([node] satisfies Command)), name);

function expect_it_works(ctx: TestContext, manager: Manager, user: string): void {
  expect_output(runs(ctx, manager, user, 'import.mjs'), PAIR);
  expect_output(runs(ctx, manager, user, 'require.cjs'), PAIR);
  expect_output(runs(ctx, manager, user, 'serve.mjs'), SERVED);
}

describe.each(managers)('$name', (manager) => {
  row('with a binary', {}, (ctx) => {
    expect_it_works(ctx, manager, add(ctx, manager, inject('packed').file));
  });

  row(manager.compiles ? 'without a binary: compiles' : 'without a binary: says what to do', {}, (ctx) => {
    const user = add(ctx, manager, inject('bare').file);
    if (manager.compiles) return expect_it_works(ctx, manager, user);
    const { code, stderr } = runs(ctx, manager, user, 'import.mjs');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /no binary for linux-.*\n.*Looked for .*\n.*`npm rebuild bsd-sockets --foreground-scripts` compiles/,
    );
  });
});

describe('Deno', () => {
  row('with a binary, from the node_modules that npm made', {}, (ctx) => {
    const program = deno(ctx);
    const user = project(folder, { 'import.mjs': pair.esm, 'serve.mjs': served.esm });
    const dependencies = { 'bsd-sockets': `file:${inject('packed').file}` };
    writeFileSync(join(user, 'package.json'), JSON.stringify({ private: true, dependencies }));
    const { code, stderr } = run(
      user,
      normal_path,
      'npm',
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--prefer-offline',
    );
    expect(code, stderr).toBe(0);
    const permissions = [
      '--no-prompt',
      '--allow-ffi',
      '--allow-read',
      '--allow-env',
      '--allow-sys',
      '--allow-run',
    ];
    expect_output(run(user, normal_path, program, 'run', '-q', ...permissions, 'import.mjs'), PAIR);
    expect_output(run(user, normal_path, program, 'run', '-q', ...permissions, 'serve.mjs'), SERVED);
  });
});

row('each file was packed once', { quick: true }, () => {
  const names = [inject('packed').file, inject('bare').file];
  expect(names.map((name) => [basename(name), existsSync(name)])).toEqual([
    [expect.stringMatching(/^bsd-sockets-.*\.tgz$/), true],
    [expect.stringMatching(/^bsd-sockets-.*\.tgz$/), true],
  ]);
});
