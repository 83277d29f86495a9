// The declarations of the package have no `any`, said or inferred: Biome's parser reads them as they are published. An optional field may be
// undefined as well: with exactOptionalPropertyTypes `{ timeout: settings.timeout }` does not compile otherwise.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../package/tarball.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'declarations-'));
  cpSync(join(root, 'dist'), folder, {
    recursive: true,
    filter: (path) => extname(path) === '' || path.endsWith('.d.ts'),
  });
  const rules = { preset: 'none', suspicious: { noExplicitAny: 'error' } };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ linter: { rules } }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const lint = () =>
  spawnSync(join(root, 'node_modules/.bin/biome'), ['lint', '--max-diagnostics=none', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });

test('no declaration has any', () => {
  const { status, stdout, stderr } = lint();
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^Checked (\d{3,}) files/m);
  expect(status).toBe(0);
});

test('one that has is found', () => {
  writeFileSync(join(folder, 'wrong.d.ts'), 'export declare const wrong: readonly any[];\n');
  const { status, stderr } = lint();
  rmSync(join(folder, 'wrong.d.ts'));
  expect(stderr).toMatch(/wrong\.d\.ts.*noExplicitAny/);
  expect(status).toBe(1);
});

/** Returns the optional fields, and elements of tuples, that may be left out and may not be undefined. */
const never_undefined = (text: string): string[] =>
  [...text.matchAll(/^ +(?:(?:readonly|static|declare) )*\w+\?: (.*[^{])$/gm)]
    .map(([field]) => field.trim())
    .filter((field) => !/(?:\bundefined|: unknown)[),;]*$/.test(field));

test('each optional field and element may be undefined', () => {
  const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.d.ts') && !name.startsWith('cli/'),
  );
  expect(files.length).toBeGreaterThan(100);
  const wrong = files.flatMap((name) =>
    never_undefined(readFileSync(join(root, 'dist', name), 'utf8')).map((field) => `${name}: ${field}`),
  );
  expect(wrong).toEqual([]);
});

test('one that may not is found', () => {
  const fields = ['timeout?: number;', 'flags?: number', 'c?: number | undefined;', 'd?: unknown;'];
  expect(never_undefined(fields.map((field) => `    ${field}\n`).join(''))).toEqual(fields.slice(0, 2));
});
