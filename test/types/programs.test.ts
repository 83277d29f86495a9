// The programs of README.md, docs/ and examples/, and the examples in comments, as a user of TypeScript has them: pasted into a project with strict settings that
// checks the package's own types as well, by the newest TypeScript and by the oldest that docs/typescript.md names.
//
// TYPESCRIPT_VERSIONS="5.6 5.9" adds others; npm run test:typescript has all. They come from the registry into node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examples } from '../package/examples.js';
import { programs } from '../package/pages.js';
import { root } from '../package/tarball.js';

const OLDEST = '5.5';
const INSTALLED = 'installed';
const versions = [
  ...new Set([INSTALLED, OLDEST, ...(process.env.TYPESCRIPT_VERSIONS ?? '').split(' ')]),
].filter((version) => version !== '');

/** Imports each module of the package, and nothing that an old library of JavaScript lacks. */
const CONSUMER = ['', '/socket', '/promises', '/selectors', '/structs', '/packet', '/socketserver']
  .map((name, i) => `import * as module${i} from 'bsd-sockets${name}';\nvoid module${i};\n`)
  .join('');
/** What must not compile, with a message that is short. */
const WRONG = "import { create_server } from 'bsd-sockets/socket';\ncreate_server('path');\n";
const ERROR =
  "wrong.ts(2,15): error TS2345: Argument of type 'string' is not assignable to parameter of type 'InetAddress'.\n";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'bsd-sockets'));
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
  writeFileSync(join(folder, 'wrong.ts'), WRONG);
  for (const { name, source } of programs) writeFileSync(join(folder, file_of(name)), source);
  for (const { name, source } of examples) writeFileSync(join(folder, file_of(name)), source);
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns the file of a program: docs_socket_17.ts for docs/socket.md:17, lib_socket_send_ts_20.ts for lib/socket/send.ts:20. */
function file_of(name: string): string {
  return `${name.replace('.md:', '_').replaceAll(/[/.:]/g, '_')}.ts`;
}

/** Returns the compiler of a version; undefined if the registry is out of reach. */
function compiler_of(version: string): string | undefined {
  const installed = join(root, 'node_modules/typescript/bin/tsc');
  if (version === INSTALLED) return installed;
  const script = `(await import('./scripts/registry.mjs')).from_registry('typescript', '${version}')`;
  spawnSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root });
  const cached = join(root, `node_modules/.cache/typescript-${version}/node_modules/typescript/bin/tsc`);
  return existsSync(cached) ? cached : undefined;
}

/** Returns what the compiler prints. */
function check(compiler: string, options: object, include: readonly string[]): string {
  const compilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    types: ['node'],
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, include }));
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', config], {
    cwd: folder,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

describe.for(versions)('TypeScript %s', { timeout: 300_000 }, (version) => {
  test('takes the programs, the examples as JavaScript that is checked, and refuses what is wrong', ({
    skip,
  }) => {
    const compiler = compiler_of(version) ?? skip(`needs typescript@${version} from the registry`);
    expect(programs.length).toBeGreaterThan(40);
    expect(examples.length).toBeGreaterThan(380);
    expect(check(compiler, { allowJs: true, checkJs: true }, ['*.ts', 'examples'])).toBe(ERROR);
  });

  // The oldest takes half a minute for it: npm run test:typescript has all.
  if (version !== INSTALLED && process.env.TYPESCRIPT_VERSIONS === undefined) return;
  test('takes the declarations of the package with the library of ES2020', ({ skip }) => {
    const compiler = compiler_of(version) ?? skip(`needs typescript@${version} from the registry`);
    expect(check(compiler, { target: 'es2020' }, ['consumer.ts'])).toBe('');
  });
});
