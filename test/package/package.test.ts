// The tarball is what is tested here, not the tree: what it holds, the command in it, and what linters of packages say. How it is
// installed and used is in matrix/.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { install, libc, normal_path, pathWithoutCompiler, root, run, temporaryFolder } from './tarball.js';

const folder = temporaryFolder();
const no_compiler = pathWithoutCompiler(folder);
const packed = inject('packed');
/** A folder with the package installed. */
let installed: string;

beforeAll(() => {
  installed = install(folder, packed.file, no_compiler, '--ignore-scripts').folder;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what a user needs', () => {
    expect(packed.contents).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'binding.gyp',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/socket/index.js',
        'dist/socket/index.mjs',
        'dist/socket/index.d.ts',
        'dist/socket/index.d.mts',
        'native/addon.cc',
        'package.json',
      ]),
    );
    expect(packed.contents).toContain(`prebuilds/linux-${process.arch}/bsd-sockets.${libc}.node`);
  });

  it('holds nothing else', () => {
    const known =
      /^(dist|lib|native|prebuilds|docs|examples)\/|^(LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY|CODE_OF_CONDUCT)\.md|binding\.gyp|package\.json|scripts\/install\.mjs)$/;
    expect(packed.contents.filter((path) => !known.test(path))).toEqual([]);
    expect(packed.contents.filter((path) => /\.test\.|\/build\/|\.o$/.test(path))).toEqual([]);
  });
});

describe('the command', () => {
  it('runs as npx runs it', () => {
    const npx = (...args: string[]) =>
      run(installed, no_compiler, 'npm', 'exec', '--offline', '--', 'bsd-sockets', ...args);
    const doctor = npx('doctor', '--json');
    expect(doctor.code, doctor.stderr).toBe(0);
    const { binary } = JSON.parse(doctor.stdout) as { binary: string };
    expect(binary).toContain(join('node_modules', 'bsd-sockets', 'prebuilds'));
    const wrong = npx('pnig');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean ping?') });
  });

  it('pings', (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
    const command = join(installed, 'node_modules', '.bin', 'bsd-sockets');
    const { code, stdout } = run(installed, no_compiler, command, 'ping', '-c', '1', '127.0.0.1');
    expect(stdout).toContain('64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=');
    expect(code).toBe(0);
  });
});

describe('the types', () => {
  it('have nothing that arethetypeswrong objects to', () => {
    const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const { code, stdout } = run(folder, normal_path, process.execPath, attw, '--no-color', packed.file);
    expect(code, stdout).toBe(0);
  });
});

it('publint has nothing to say about the package', () => {
  const publint = join(root, 'node_modules', 'publint', 'src', 'cli.js');
  const target = join(installed, 'node_modules', 'bsd-sockets');
  const options = ['--strict', '--pack', 'false'];
  const { code, stdout } = run(folder, normal_path, process.execPath, publint, target, ...options);
  expect(code, stdout).toBe(0);
});
