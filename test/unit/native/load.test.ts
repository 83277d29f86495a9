// Binaries that are not there or do not load: each reason has its own words, in three lines.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

const binary = readFileSync(
  process.env.BSD_SOCKETS_BINARY ?? join(root, 'build', 'Release', 'bsd_sockets.node'),
);

/** Imports the package with a binary that is made of ours. @returns the message of the error */
function message(change: (bytes: Buffer) => Buffer, ...options: string[]): { file: string; lines: string[] } {
  const file = join(folder, 'changed.node');
  writeFileSync(file, change(Buffer.from(binary)));
  return { file, lines: message_of(join(root, 'dist'), { BSD_SOCKETS_BINARY: file }, ...options) };
}

function message_of(dist: string, env: NodeJS.ProcessEnv, ...options: string[]): string[] {
  const program = `import(${JSON.stringify(pathToFileURL(join(dist, 'socket', 'index.js')).href)})
    .then(() => console.log('loaded'), (error) => console.log(error.message))`;
  const { stdout } = spawnSync(process.execPath, [...options, '-e', program], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return stdout.trimEnd().split('\n');
}

test('the same bytes load', () => {
  expect(message((bytes) => bytes).lines).toEqual(['loaded']);
});

test('a binary of other sources', () => {
  const { file, lines } = message((bytes) => {
    const at = bytes.indexOf('bsd_sockets build ');
    bytes.write('0000', at + 18);
    return bytes;
  });
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe(
    `bsd-sockets: ${file} and the JavaScript of the package come from different sources.`,
  );
  expect(lines[2]).toContain('`npm run build`');
});

test.each([
  ['for another processor', (bytes: Buffer) => bytes.fill(bytes.readUInt8(18) ^ 1, 18, 19)],
  ['no binary of Linux', () => Buffer.from('MZ, as Windows has it')],
  [
    'for another C library',
    (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll('libc.so.6', 'libc.so.9'), 'latin1'),
  ],
])('a binary that is %s', (what, change) => {
  const { file, lines } = message(change);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(new RegExp(`^bsd-sockets: ${file} does not load here: .*${what}`));
  expect(lines[2]).toContain('npm rebuild bsd-sockets');
});

test.each([
  ['a file that is not there', join(folder, 'missing.node'), 'there is no such file'],
  ['a folder', folder, 'it cannot be read'],
])('%s', (_what, file, reason) => {
  const lines = message_of(join(root, 'dist'), { BSD_SOCKETS_BINARY: file });
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe(`bsd-sockets: ${file} does not load here: ${reason}.`);
  expect(lines[2]).toContain('BSD_SOCKETS_BINARY');
});

test('a process that may not load native code', (context) => {
  const flag = ['--permission', '--experimental-permission'].find((one) =>
    process.allowedNodeEnvironmentFlags.has(one),
  );
  if (flag === undefined || Number(process.versions.node.split('.')[0]) < 22) {
    return context.skip('this Node has no permission for native code');
  }
  const { lines } = message((bytes) => bytes, flag, '--allow-fs-read=*');
  expect(lines[0]).toContain('--permission forbids native code');
  expect(lines[2]).toContain('--allow-addons');
});

test('no binary: the places, and what to do for a package and for a bundle', () => {
  const empty = join(folder, 'package');
  mkdirSync(empty);
  cpSync(join(root, 'dist'), join(empty, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(empty, 'node_modules'));
  const env = { BSD_SOCKETS_BINARY: '' };
  const bundle = message_of(join(empty, 'dist'), env);
  expect(bundle).toHaveLength(3);
  expect(bundle[0]).toMatch(/^bsd-sockets: no binary for linux-\w+, (glibc|musl) \(Node /);
  expect(bundle[1]).toContain(join(empty, 'prebuilds', `linux-${process.arch}`));
  expect(bundle[2]).toContain('beside the bundle');
  // A folder of bundles, such as that of Next.js, says of which kind its files are.
  writeFileSync(join(empty, 'package.json'), '{ "type": "module" }');
  expect(message_of(join(empty, 'dist'), env)[2]).toContain('beside the bundle');
  writeFileSync(join(empty, 'package.json'), '{ "name": "bsd-sockets", "type": "module" }');
  expect(message_of(join(empty, 'dist'), env)[2]).toContain('npm rebuild bsd-sockets');
});

test('another system: which modules need Linux', () => {
  const lines = message_of(
    join(root, 'dist'),
    { BSD_SOCKETS_BINARY: '' },
    '--import',
    `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'platform', { value: 'darwin' })")}`,
  );
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/socket, promises, .* need Linux, and this is darwin-/);
});
