// Programs that are one executable file, or run in Electron: the binary lies beside the executable, or is named by BSD_SOCKETS_BINARY.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { libc, normal_path, root, run, runOrThrow } from '../tarball.js';
import { expect_output, folder_of_tests, installed, PAIR, pair, project, row, tools } from './harness.js';

const folder = folder_of_tests();
const node = process.execPath;
const binary = join(root, 'build/Release/bsd_sockets.node');
let user: string;
beforeAll(() => {
  user = installed(folder);
});

describe('a single executable of Node.js', () => {
  row('finds prebuilds/ beside itself, and takes BSD_SOCKETS_BINARY', {}, (ctx) => {
    const modules = tools(ctx, 'esbuild@0.28');
    const postject = join(tools(ctx, 'postject@1.0.0-alpha.6'), 'postject/dist/cli.js');
    const made = project(user, { 'main.cjs': pair.cjs });
    const options = [
      '--bundle',
      '--platform=node',
      '--format=cjs',
      '--outfile=bundle.cjs',
      '--log-level=error',
    ];
    runOrThrow(made, normal_path, join(modules, 'esbuild/bin/esbuild'), 'main.cjs', ...options);
    const config = { main: 'bundle.cjs', output: 'program.blob', disableExperimentalSEAWarning: true };
    writeFileSync(join(made, 'sea.json'), JSON.stringify(config));
    runOrThrow(made, normal_path, node, '--experimental-sea-config', 'sea.json');
    const place = project(folder, {});
    const program = join(place, 'program');
    cpSync(node, program);
    const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
    runOrThrow(
      made,
      normal_path,
      node,
      postject,
      program,
      'NODE_SEA_BLOB',
      'program.blob',
      '--sentinel-fuse',
      fuse,
    );

    const env = ['env', `BSD_SOCKETS_BINARY=${binary}`] as const;
    expect_output(run('/', normal_path, ...env, program), PAIR);
    const prebuilt = join(place, 'prebuilds', `linux-${process.arch}`);
    mkdirSync(prebuilt, { recursive: true });
    cpSync(binary, join(prebuilt, `bsd-sockets.${libc}.node`));
    expect_output(run('/', normal_path, program), PAIR);
  });
});

row('@yao-pkg/pkg', {}, (ctx) => {
  const pkg = join(tools(ctx, '@yao-pkg/pkg@6'), '@yao-pkg/pkg/lib-es5/bin.js');
  const place = project(user, {
    'package.json': JSON.stringify({ name: 'program', version: '1.0.0', bin: 'main.cjs' }),
    'main.cjs': pair.cjs,
  });
  const { code, stdout, stderr } = run(
    place,
    normal_path,
    node,
    pkg,
    '.',
    '--targets',
    'node22',
    '--output',
    'program',
  );
  if (
    !existsSync(join(place, 'program')) &&
    /fetch|ENOTFOUND|ECONNREFUSED|network|download/i.test(stdout + stderr)
  )
    ctx.skip('pkg takes Node.js from GitHub, which is out of reach');
  expect(code, `${stdout}${stderr}`).toBe(0);
  const env = ['env', `BSD_SOCKETS_BINARY=${binary}`] as const;
  expect_output(run('/', normal_path, ...env, join(place, 'program')), PAIR);
});

row('Electron, as Node.js', {}, (ctx) => {
  const electron = join(tools(ctx, 'electron@45'), 'electron');
  const program = join(electron, 'dist', 'electron');
  if (!existsSync(program)) run(electron, normal_path, node, 'install.js');
  if (!existsSync(program))
    ctx.skip('the package electron takes its program from GitHub, which is out of reach');
  const place = project(user, { 'main.cjs': pair.cjs, 'main.mjs': pair.esm });
  for (const name of ['main.cjs', 'main.mjs'])
    expect_output(run(place, normal_path, 'env', 'ELECTRON_RUN_AS_NODE=1', program, name), PAIR);
});
