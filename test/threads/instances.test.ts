// Two instances of the package in one process: each works, also at the same time.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = process.env.BSD_SOCKETS_BINARY ?? join(root, 'build/Release/bsd_sockets.node');

const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-instances-'));
for (const number of ['1', '2']) {
  cpSync(join(root, 'dist'), join(folder, number), { recursive: true });
  cpSync(binary, join(folder, `${number}.node`));
}
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['copies', 'of two copies of the package, one binary', 'shared'],
  ['loads', 'of a binary that was loaded twice', 'shared'],
  ['realms', 'evaluated twice, as jest does', 'shared'],
  // Each copy of the binary has offers of its own: fromshare() says that there is none.
  ['binaries', 'of two copies of the binary', 'ENOENT'],
])('%s: instances %s', (how, _description, shared) => {
  const fixture = fileURLToPath(new URL('./fixtures/instances.mjs', import.meta.url));
  const options = ['--no-warnings'];
  const { stdout, stderr } = spawnSync(process.execPath, [...options, fixture, how, folder], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, BSD_SOCKETS_BINARY: join(folder, '1.node') },
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([true, ['early', 'late'], 1, 'x', 'listener', 'moved', shared, 1]);
});
