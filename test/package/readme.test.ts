// The programs in README.md and docs/ run, and print what stands below them. Those in TypeScript are compiled first.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Program, programs } from './pages.js';
import { root } from './tarball.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'readme-'));
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'bsd-sockets'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('there are programs', () => {
  for (const language of ['js', 'ts']) {
    expect(programs.filter((program) => program.language === language).length).toBeGreaterThan(2);
  }
});

/** Returns what Node.js runs: before 24 it has Symbol.dispose, but not the statement, and 20 no TypeScript. */
function javascript({ language, source }: Program): string {
  const file = join(folder, `program.${language === 'ts' ? 'mts' : 'mjs'}`);
  const output = join(folder, 'program.mjs');
  if (language === 'js') writeFileSync(output, source.replaceAll(/^(\s*)using /gm, '$1const '));
  else {
    writeFileSync(file, source);
    const options = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--noCheck'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compiled = spawnSync(process.execPath, [tsc, ...options, file], { cwd: folder, encoding: 'utf8' });
    expect(compiled.stdout).toBe('');
  }
  return output;
}

test.for(programs)('$name', (program, { skip }) => {
  if (/SOCK_RAW|send_receive|packet_ring/.test(program.source) && process.getuid?.() !== 0)
    skip('raw sockets need root');
  const file = javascript(program);
  const result = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  expect(result.stderr).toBe('');
  expect(result.stdout).toBe(program.output);
  expect(result.status).toBe(0);
});
