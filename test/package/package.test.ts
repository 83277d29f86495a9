// The tarball is what is tested here, not the tree: packed with and without a prebuilt binary, installed where there is
// a compiler and where there is none, imported, required, compiled against.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  copySources,
  install,
  normal_path,
  pack,
  pathWithoutCompiler,
  root,
  run,
  runOrThrow,
  type Tarball,
  temporaryFolder,
} from './tarball.js';

const folder = temporaryFolder();
const no_compiler = pathWithoutCompiler(folder);
const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
let without_prebuild: Tarball;
let with_prebuild: Tarball;
/** A folder with the prebuilt package installed, for tests that only look at it. */
let installed: string;

beforeAll(() => {
  const sources = copySources(folder);
  rmSync(join(sources, 'prebuilds'), { recursive: true, force: true });
  runOrThrow(sources, normal_path, 'npm', 'run', 'build:ts');
  without_prebuild = pack(sources, join(folder, 'source-only'));
  // The compiled binary stands for the prebuilt one, which takes minutes to compile.
  const prebuilt = join(sources, 'prebuilds', `linux-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  const compiled = join(root, 'build', 'Release', 'bsd_sockets.node');
  runOrThrow(prebuilt, normal_path, 'strip', '-o', `bsd-sockets.${libc}.node`, compiled);
  with_prebuild = pack(sources, join(folder, 'prebuilt'));
  installed = install(folder, with_prebuild.file, no_compiler, '--ignore-scripts').folder;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that uses the module for real, given the line that gets hold of `socket`. */
const program = (get_socket: string) => `
  ${get_socket}
  const [a, b] = socket.socketpair();
  a.sendall('over a real socket');
  console.log(b.recv(100).toString());
  a.close();
  b.close();
`;

const programs = {
  'import.mjs': program("import * as socket from 'bsd-sockets/socket';"),
  'named.mjs': program("import { socket } from 'bsd-sockets';"),
  'require.cjs': program("const socket = require('bsd-sockets/socket');"),
  'worker.mjs': `
    import { Worker } from 'node:worker_threads';
    new Worker(new URL('./import.mjs', import.meta.url));
  `,
};

/** Imports and requires every module that package.json exports, and prints how many. */
const all_exports = `
  import { createRequire } from 'node:module';
  const require = createRequire(import.meta.url);
  const { exports } = require('bsd-sockets/package.json');
  const names = Object.keys(exports).filter((name) => !name.endsWith('.json'));
  for (const name of names) {
    const specifier = 'bsd-sockets' + name.slice(1);
    const imported = await import(specifier);
    const required = require(specifier);
    const list = Object.keys(required).sort();
    if (list.length === 0) throw new Error(specifier + ' exports nothing');
    if (JSON.stringify(list) !== JSON.stringify(Object.keys(imported).sort())) throw new Error(specifier + ': other names');
    // The namespaces of the root are objects of their own in each form.
    const twice = list.filter((name) => required[name] !== imported[name] && !names.includes('./' + name));
    if (twice.length > 0) throw new Error(specifier + ' exists twice: ' + twice);
  }
  console.log(names.length);
`;

function prebuildsOf(user: string): string {
  return join(user, 'node_modules', 'bsd-sockets', 'prebuilds', `linux-${process.arch}`);
}

/** Runs every program in a folder that has the package installed, with no compiler on PATH. */
function expectItWorks(user: string): void {
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(user, name), text);
    const { code, stdout, stderr } = run(user, no_compiler, 'node', name);
    expect({ name, code, stdout }, stderr).toEqual({ name, code: 0, stdout: 'over a real socket\n' });
  }
}

describe('the tarball', () => {
  it('holds what a user needs', () => {
    expect(with_prebuild.contents).toEqual(
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
    expect(with_prebuild.contents).toContain(`prebuilds/linux-${process.arch}/bsd-sockets.${libc}.node`);
  });

  it('holds nothing else', () => {
    const known =
      /^(dist|lib|native|prebuilds|docs|examples)\/|^(LICENSE|(README|CHANGELOG|CONTRIBUTING)\.md|binding\.gyp|package\.json|scripts\/install\.mjs)$/;
    expect(with_prebuild.contents.filter((path) => !known.test(path))).toEqual([]);
    expect(with_prebuild.contents.filter((path) => /\.test\.|\/build\/|\.o$/.test(path))).toEqual([]);
  });
});

describe('installed', () => {
  it('with a prebuilt binary: needs no compiler', () => {
    const user = install(folder, with_prebuild.file, no_compiler);
    expect(user.code, user.stderr).toBe(0);
    expect(existsSync(join(user.folder, 'node_modules', 'bsd-sockets', 'build'))).toBe(false);
    expectItWorks(user.folder);
    writeFileSync(join(user.folder, 'exports.mjs'), all_exports);
    const { stdout, stderr } = run(user.folder, no_compiler, 'node', 'exports.mjs');
    expect(Number(stdout), stderr).toBeGreaterThan(1);
  });

  it('with a prebuilt binary and install scripts blocked: works', () => {
    const user = install(folder, with_prebuild.file, no_compiler, '--ignore-scripts');
    expect(user.code, user.stderr).toBe(0);
    expectItWorks(user.folder);
  });

  it('without a prebuilt binary: compiles', () => {
    const user = install(folder, without_prebuild.file, normal_path);
    expect(user.code, user.stderr).toBe(0);
    expect(existsSync(join(user.folder, 'node_modules', 'bsd-sockets', 'build', 'Release'))).toBe(true);
    expectItWorks(user.folder);
  });

  it.each([
    ['without a compiler', []],
    ['with scripts blocked', ['--ignore-scripts']],
  ])(
    'without a prebuilt binary and %s: the import says what was looked for and what to do',
    (_what, options) => {
      const user = install(folder, without_prebuild.file, no_compiler, ...options);
      expect(user.code, user.stderr).toBe(0);
      for (const name of ['import.mjs', 'require.cjs'] as const) {
        writeFileSync(join(user.folder, name), programs[name]);
        const { code, stderr } = run(user.folder, no_compiler, 'node', name);
        expect(code).toBe(1);
        expect(stderr).toContain(`linux-${process.arch}`);
        expect(stderr).toContain('prebuilds');
        expect(stderr).toMatch(/npm rebuild bsd-sockets/);
      }
    },
  );

  it('with a binary that does not load: the import names the file and what to do', () => {
    const user = install(folder, with_prebuild.file, no_compiler, '--ignore-scripts');
    const prebuilds = prebuildsOf(user.folder);
    const [name = ''] = readdirSync(prebuilds);
    writeFileSync(join(prebuilds, name), 'not an ELF file');
    writeFileSync(join(user.folder, 'import.mjs'), programs['import.mjs']);
    const { code, stderr } = run(user.folder, no_compiler, 'node', 'import.mjs');
    expect(code).toBe(1);
    expect(stderr).toContain(`${join(prebuilds, name)} does not load here`);
    expect(stderr).toMatch(/npm rebuild bsd-sockets/);
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
  const consumer = `
    import * as socket from 'bsd-sockets/socket';
    import { socket as same } from 'bsd-sockets';

    const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    sock.bind(['127.0.0.1', 0]);
    const data: Buffer = sock.recv(10);
    const name: [string, number] = sock.getsockname();
    export const all: unknown[] = [data, name, same.AF_INET6];

    // @ts-expect-error: the address of AF_INET is not a path
    sock.bind('/tmp/path');
    // @ts-expect-error: no such thing
    socket.no_such_thing();
  `;

  it.each([
    ['node16', 'node16', 'consumer.mts'],
    ['node16', 'node16', 'consumer.ts'],
    ['nodenext', 'nodenext', 'consumer.mts'],
    ['nodenext', 'nodenext', 'consumer.cts'],
    ['esnext', 'bundler', 'consumer.ts'],
    ['preserve', 'bundler', 'consumer.ts'],
    ['node16', 'node16', 'consumer.cts'],
  ])('compile in a program with module %s, moduleResolution %s, in %s', (module, moduleResolution, name) => {
    // A .ts file is an ES module or CommonJS as package.json says.
    writeFileSync(join(installed, 'package.json'), '{ "private": true, "type": "module" }');
    writeFileSync(join(installed, name), consumer);
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      // Our own declarations are checked too.
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    };
    writeFileSync(join(installed, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, stdout } = run(installed, normal_path, process.execPath, tsc, '-p', '.');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('have nothing that arethetypeswrong objects to', () => {
    const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const { code, stdout } = run(
      folder,
      normal_path,
      process.execPath,
      attw,
      '--no-color',
      with_prebuild.file,
    );
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
