// What stands between a checkout and the registry: binaries that are missing or wrong, and no public address.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copySources, normal_path, root, run, temporaryFolder } from './tarball.js';

const folder = temporaryFolder();
let copy: string;
const place = `prebuilds/linux-${process.arch}`;

beforeAll(() => {
  copy = copySources(folder);
  rmSync(join(copy, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(join(copy, place), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const check = () => run(copy, normal_path, 'node', 'scripts/prebuilds.mjs', '--check');

test('binaries that are missing are named, all of them', () => {
  const { code, stderr } = check();
  expect(code).toBe(1);
  for (const target of [
    'linux-x64/bsd-sockets.glibc',
    'linux-x64/bsd-sockets.musl',
    'linux-arm64/bsd-sockets.glibc',
    'linux-arm64/bsd-sockets.musl',
  ]) {
    expect(stderr).toContain(`prebuilds/${target}.node is missing: npm run prebuilds`);
  }
});

test('a binary of this machine, which needs more than a published one may, is refused for each reason', () => {
  const compiled = join(root, 'build', 'Release', 'bsd_sockets.node');
  cpSync(compiled, join(copy, place, 'bsd-sockets.glibc.node'));
  cpSync(compiled, join(copy, place, 'bsd-sockets.musl.node'));
  const { stderr } = check();
  for (const fault of [
    'glibc.node needs libstdc++',
    'glibc.node is not stripped',
    'musl.node is for another C library',
  ]) {
    expect(stderr).toContain(fault);
  }
  expect(stderr).not.toContain('glibc.node is compiled from other sources');
});

test('a binary of other sources or of another processor is refused', () => {
  const name = join(copy, place, 'bsd-sockets.glibc.node');
  const bytes = readFileSync(name);
  bytes.write('0000', bytes.indexOf('bsd_sockets build ') + 18);
  bytes.writeUInt16LE(243, 18);
  writeFileSync(name, bytes);
  const { stderr } = check();
  expect(stderr).toContain('glibc.node is compiled from other sources');
  expect(stderr).toContain('glibc.node is for another processor');
});

test('an unknown target', () => {
  const { code, stderr } = run(copy, normal_path, 'node', 'scripts/prebuilds.mjs', 'linux-vax.glibc');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^prebuilds: no target linux-vax.glibc: known are linux-x64.glibc, /m);
});

test('publishing refuses without a public address, which stands in package.json alone', () => {
  const { code, stderr } = run(copy, normal_path, 'node', 'scripts/publishable.mjs');
  expect(code).toBe(1);
  expect(stderr).toContain('package.json has no repository');
});
