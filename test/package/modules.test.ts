// The JavaScript of dist/, in a folder of node_modules that knows nothing of the checkout: names, both kinds of ES modules, source maps.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { normal_path, root, run, runOrThrow, temporaryFolder } from './tarball.js';

const FACES = ['socket', 'promises', 'selectors', 'structs', 'packet', 'socketserver'];
const folder = temporaryFolder();
const installed = join(folder, 'node_modules', 'bsd-sockets');
const node = process.execPath;

beforeAll(() => {
  mkdirSync(join(installed, 'build', 'Release'), { recursive: true });
  for (const name of ['dist', 'lib', 'package.json', join('build', 'Release', 'bsd_sockets.node')])
    cpSync(join(root, name), join(installed, name), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

test('the modules have the names that the types have, no more and no fewer', () => {
  writeFileSync(
    join(folder, 'names.mjs'),
    `for (const face of ${JSON.stringify(FACES)}) {
       const names = Object.keys(await import('bsd-sockets/' + face)).map((name) => name + ': true');
       console.log(\`import * as \${face} from 'bsd-sockets/\${face}';\`);
       console.log(\`export const \${face}_names: Record<keyof typeof \${face}, true> = { \${names.join(', ')} };\`);
     }`,
  );
  const { stdout: program } = runOrThrow(folder, normal_path, node, 'names.mjs');
  writeFileSync(join(folder, 'names.mts'), program);
  const typeRoots = [join(root, 'node_modules', '@types')];
  const compilerOptions = { module: 'nodenext', strict: true, noEmit: true, types: ['node'], typeRoots };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['names.mts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, stdout } = run(folder, normal_path, node, tsc, '-p', '.');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
});

test.each(FACES)('%s has the same names and values by require and in both ES modules', (face) => {
  writeFileSync(
    join(folder, 'wrappers.mjs'),
    `import { createRequire } from 'node:module';
     const place = ${JSON.stringify(join(installed, 'dist', face))};
     const [here, there] = [await import(place + '/node.mjs'), await import(place + '/index.mjs')];
     const required = createRequire(import.meta.url)('bsd-sockets/${face}');
     const names = Object.keys(here);
     console.log(names.length > 10, Object.keys(there).join() === names.join(), Object.keys(required).sort().join() === names.join());
     console.log(names.every((name) => here[name] === there[name] && here[name] === required[name]));`,
  );
  expect(run(folder, normal_path, node, 'wrappers.mjs')).toEqual({
    code: 0,
    stdout: 'true true true\ntrue\n',
    stderr: '',
  });
});

test('--enable-source-maps shows the sources in stacks', () => {
  const program = "require('bsd-sockets/socket').socket(1).bind('/no/such/folder');";
  const { stderr } = run(folder, normal_path, node, '--enable-source-maps', '-e', program);
  expect(stderr).toMatch(/\/lib\/socket\/socket\.ts:\d+:\d+\)/);
  expect(stderr).toMatch(/\/lib\/calls\/socket_base\.ts:\d+:\d+\)/);
});

test('the comments are left to the types', () => {
  const text = readFileSync(join(installed, 'dist', 'trunk.js'), 'utf8');
  expect(text).toContain('// lib/calls/transfer.ts');
  expect(text).not.toContain('/**');
  expect(readFileSync(join(installed, 'dist', 'constants.js'), 'utf8').length).toBeLessThan(60_000);
});

test('selectors load no table of all constants', () => {
  const program = `
    const path = require('node:path');
    const { select } = require('bsd-sockets/selectors');
    select([], [], [], 0);
    const place = path.join(${JSON.stringify(installed)}, 'dist');
    console.log(Object.keys(require.cache).filter((file) => file.startsWith(place)).map((file) => path.relative(place, file)).sort().join(' '));`;
  expect(run(folder, normal_path, node, '-e', program)).toEqual({
    code: 0,
    stdout:
      'errors.js native/addon.js native/headers.js native/load.js native/tables.js selectors/index.js util.js waiting.js\n',
    stderr: '',
  });
});

test('a message shows names also if the process can open no more files', () => {
  const program = `
    const { socket, AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_PEERCRED } = require('bsd-sockets/socket');
    const [first, messages] = [socket(AF_INET, SOCK_DGRAM), []];
    const fails = (call) => { try { call(); return false; } catch ({ message }) { return messages.push(message); } };
    const others = [];
    while (!fails(() => others.push(socket(AF_INET, SOCK_DGRAM))));
    fails(() => first.setsockopt(SOL_SOCKET, SO_PEERCRED, 1));
    for (const each of [first, ...others]) each.close();
    console.log(others.length > 0, messages.join('\\n'));`;
  const { code, stdout, stderr } = run(
    folder,
    normal_path,
    'sh',
    '-c',
    'ulimit -n 64; exec "$0" -e "$1"',
    node,
    program,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^true \[EMFILE\] socket\(AF_INET, SOCK_DGRAM, 0\): .*\n\[ENOPROTOOPT\] setsockopt\(fd \d+, SOL_SOCKET, SO_PEERCRED\):/,
  );
});
