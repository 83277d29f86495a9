// is_main() where programs are started otherwise than by `node program.mjs`: by a wrapper, by pm2, by `--import`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'main-'));
const write = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
/** Runs node with arguments in the folder; returns what it prints. */
function node(args: string[], env: Record<string, string> = {}): string {
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return stdout + stderr;
}

// Serves one request by a thread, which has to find the handler in this module.
const SERVER = `
import { create_connection } from 'bsd-sockets/promises';
import { is_main, StreamRequestHandler, ThreadingTCPServer } from 'bsd-sockets/socketserver';
export class Hello extends StreamRequestHandler {
  handle() { this.wfile.write(Buffer.from('served')); }
}
if (is_main(import.meta)) {
  const server = new ThreadingTCPServer(['127.0.0.1', 0], Hello);
  const serving = server.serve_forever();
  const client = await create_connection(server.server_address);
  console.log(String(await client.recv(100)));
  client.close();
  await server.server_close();
  await serving;
}`;
const COMMON = `
const { is_main } = require('bsd-sockets/socketserver');
console.log(is_main(module));`;

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules/settings'), { recursive: true });
  symlinkSync(fileURLToPath(new URL('../../..', import.meta.url)), join(folder, 'node_modules/bsd-sockets'));
  writeFileSync(join(folder, 'node_modules/settings/index.js'), '');
  write('server.mjs', SERVER);
  write('tool.js', COMMON);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that does nothing but import others', () => {
  test.each([
    ['a bare import', '#!/usr/bin/env node\nimport "../server.mjs";\n'],
    ['import()', "import('../server.mjs')"],
    ['await import()', "// Starts the server.\nawait import('../server.mjs');"],
    ['a package before', "/* settings\n first */ import 'settings';\nimport '../server.mjs'; // the program"],
    ['a chain', "import './next.mjs'"],
  ])('%s: is_main is true in the file, and workers find its handlers', (_name, text) => {
    write('bin/next.mjs', "import '../server.mjs'");
    write('bin/start.mjs', text);
    expect(node(['bin/start.mjs'])).toBe('served\n');
  });

  test('require()', () => {
    write('bin/start.cjs', "#!/usr/bin/env node\n'use strict';\nrequire('../tool')\n");
    expect(node(['bin/start.cjs'])).toBe('true\n');
  });

  test('a circle ends', () => {
    write('one.mjs', "import './two.mjs'");
    write('two.mjs', "import './one.mjs'");
    write(
      'circle.mjs',
      "import './one.mjs'; import { is_main } from 'bsd-sockets/socketserver'; console.log(is_main(import.meta));",
    );
    expect(node(['circle.mjs'])).toBe('true\n');
    write('one.cjs', "require('./two.cjs')");
    write('two.cjs', "require('./one.cjs')");
    expect(node(['one.cjs'])).toBe('');
  });
});

describe('a program that imports a module for itself', () => {
  test.each([
    ['names', "import { Hello } from './server.mjs'; console.log(typeof Hello);", 'function\n'],
    ['a bare import beside code', "import './server.mjs'; console.log('mine');", 'mine\n'],
    ['a missing file', "import './missing.mjs'", /ERR_MODULE_NOT_FOUND/],
    ['more than a wrapper is long', `import './server.mjs';\n//${'-'.repeat(5000)}\n`, ''],
  ])('%s: there is_main is false', (_name, text, output) => {
    write('program.mjs', text);
    const printed = node(['program.mjs']);
    if (typeof output === 'string') expect(printed).toBe(output);
    else expect(printed).toMatch(output);
  });
});

// webpack gives a module of CommonJS an object without a file, and one of ES modules the URL of the source beside the name of the bundle.
describe('a bundle of webpack', () => {
  const asks = (module: string) => `console.log(is_main(${module}));`;
  const required = "const { is_main } = require('bsd-sockets/socketserver');";
  const imported = "import { is_main } from 'bsd-sockets/socketserver';";
  const module = '{ id: 290, loaded: false, exports: {}, paths: [], children: [] }';
  const meta = "{ filename: import.meta.filename, url: 'file:///sources/main.mjs', webpack: 5 }";

  test.each([
    ['CommonJS', 'bundle.cjs', required + asks(module)],
    ['CommonJS that is evaluated, as for development', 'bundle.cjs', `${required}eval("${asks(module)}");`],
    ['an ES module', 'bundle.mjs', imported + asks(meta)],
  ])('%s: is_main is true if it is the program', (_name, file, text) => {
    write(file, text);
    expect(node([file])).toBe('true\n');
    write('other.mjs', `await import('./${file}'); console.log('other');`);
    expect(node(['other.mjs'])).toBe('false\nother\n');
  });
});

describe('started by others', () => {
  test('node --import', () => {
    write('hook.mjs', 'globalThis.hooked = true;');
    expect(node(['--import', './hook.mjs', 'server.mjs'])).toBe('served\n');
  });

  // As pm2 does it: its own file is the program that Node is started with, and an environment variable names the user's.
  describe('pm2', () => {
    beforeAll(() => {
      const start = "import(require('node:url').pathToFileURL(process.env.pm_exec_path));";
      for (const name of ['ProcessContainerFork', 'ProcessContainer']) write(`pm2/lib/${name}.js`, start);
    });

    test.each(['ProcessContainerFork', 'ProcessContainer'])('%s.js', (name) => {
      expect(node([`pm2/lib/${name}.js`], { pm_exec_path: join(folder, 'server.mjs') })).toBe('served\n');
    });

    test('a program that such a program starts is itself', () => {
      const env = { pm_exec_path: join(folder, 'server.mjs') };
      expect(node(['tool.js'], env)).toBe('true\n');
      write('program.mjs', "import { Hello } from './server.mjs'; console.log(typeof Hello);");
      expect(node(['program.mjs'], env)).toBe('function\n');
    });
  });
});
