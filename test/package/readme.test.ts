// The programs in README.md and docs/ run, and print what stands below them: each ```js block that is followed by a
// ```text block is a whole program.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = /^```js\n(.*?)^```\n\n```text\n(.*?)^```$/gms;

interface Program {
  readonly name: string;
  readonly source: string;
  readonly output: string;
}

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const programs: Program[] = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(PROGRAM)].map((match) => ({
    name: `${page}:${text.slice(0, match.index).split('\n').length}`,
    source: match[1] as string,
    output: match[2] as string,
  }));
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'readme-'));
  symlinkSync(root, join(folder, 'bsd-sockets'));
  symlinkSync(folder, join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('there are programs', () => {
  expect(programs.length).toBeGreaterThan(2);
});

test.for(programs)('$name', ({ source, output }, { skip }) => {
  if (/SOCK_RAW|send_receive/.test(source) && process.getuid?.() !== 0) skip('raw sockets need root');
  const file = join(folder, 'program.mjs');
  // Node.js before 24 has Symbol.dispose, but not the statement.
  writeFileSync(file, source.replaceAll(/^(\s*)using /gm, '$1const '));
  const result = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  expect(result.stderr).toBe('');
  expect(result.stdout).toBe(output);
  expect(result.status).toBe(0);
});
