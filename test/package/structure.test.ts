// The plan of lib/ that CONTRIBUTING.md describes: the linter keeps the direction of imports, and these tests keep the linter.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The most files beside its subfolders that a folder of lib/ has. */
const FOLDER_LIMIT = 16;
/** The most lines of a file of lib/; the generated constants have more. */
const LINE_LIMIT = 450;

const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);

test('no folder of lib/ has too many files', () => {
  const counts = new Map<string, number>();
  for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  expect(counts.size).toBeGreaterThan(12);
  expect([...counts].filter(([, count]) => count > FOLDER_LIMIT)).toEqual([]);
});

test('no file of lib/ is too long', () => {
  const lengths = sources.map((path): [string, number] => [
    path,
    readFileSync(join(root, 'lib', path), 'utf8').split('\n').length - 1,
  ]);
  const long = lengths.filter(([, length]) => length > LINE_LIMIT).map(([path]) => path);
  expect(long).toEqual(['constants.ts']);
});

test('file names are snake_case', () => {
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const names = [...sources, ...tests].map((path) => path.split('/').at(-1) ?? '');
  expect(names.filter((name) => /\.(ts|mjs)$/.test(name) && !/^[a-z0-9_.]+$/.test(name))).toEqual([]);
});

describe('the linter', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'structure-'));
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Lints files of a lib/ of their own. Returns the names of the rules that they break. */
  function lint(files: Record<string, string>): string[] {
    rmSync(join(folder, 'lib'), { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'lib', path)), { recursive: true });
      writeFileSync(join(folder, 'lib', path), text);
    }
    const biome = join(root, 'node_modules', '.bin', 'biome');
    const { stdout, status } = spawnSync(biome, ['lint', '--vcs-enabled=false', '--reporter=github', 'lib'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const rules = [...stdout.matchAll(/title=lint\/\w+\/(\w+)/g)].map(([, rule]) => rule ?? '').sort();
    expect(status).toBe(rules.length > 0 ? 1 : 0);
    return rules;
  }

  const exporting = 'export const it = 1;\n';

  test.each([
    ['a module, the index of another', 'promises/a.ts', '../socket/index.js'],
    ['a module, the trunk', 'socketserver/pool/a.ts', '../../calls/waiting/poll.js'],
    ['a module, its own files', 'packet/layers/a.ts', '../bytes/input.js'],
    ['the trunk, a folder below', 'files/a.ts', '../calls/transfer.js'],
  ])('allows %s', (_what, importer, imported) => {
    const target = join(dirname(importer), imported.replace('.js', '.ts'));
    expect(lint({ [importer]: `export { it } from '${imported}';\n`, [target]: exporting })).toEqual([]);
  });

  test.each([
    ["a module, another's file", 'promises/a.ts', '../socket/socket.js'],
    ['a module, a deeper file of another', 'cli/commands/a.ts', '../../packet/layers/udp.js'],
    ['the trunk, a module', 'calls/a.ts', '../socket/index.js'],
    ['the trunk, a module, from a subfolder', 'calls/waiting/a.ts', '../../promises/index.js'],
    ['the trunk, a folder above', 'util/a.ts', '../errors/raise.js'],
    ['the lowest folder, the next', 'native/a.ts', '../util/validate.js'],
  ])('refuses %s', (_what, importer, imported) => {
    const target = join(dirname(importer), imported.replace('.js', '.ts'));
    expect(lint({ [importer]: `export { it } from '${imported}';\n`, [target]: exporting })).toEqual([
      'noRestrictedImports',
    ]);
  });

  test('refuses import cycles, of types as well', () => {
    const a = "import type { B } from './b.js';\nexport interface A {\n  b: B;\n}\n";
    const b = "import type { c } from './c.js';\nexport type B = typeof c;\n";
    const c = "import type { A } from './a.js';\nexport const c: A | 1 = 1;\n";
    expect(lint({ 'util/a.ts': a, 'util/b.ts': b, 'util/c.ts': c })).toEqual(Array(3).fill('noImportCycles'));
  });
});
