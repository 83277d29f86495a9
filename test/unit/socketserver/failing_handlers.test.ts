// Handlers that workers cannot import, while the main thread is blocked in a call of a client: the mistake is told on standard error, and
// the connection of the client ends. And servers whose threads or processes Node's permission model forbids.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const dist = new URL('../../../dist/', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'failing-handlers-'));

afterAll(() => rmSync(folder, { recursive: true }));

const IMPORT = `
  import * as ss from '${dist}socketserver/index.mjs';
  import * as socket from '${dist}socket/index.mjs';
`;
const HANDLER = 'class Mine extends ss.BaseRequestHandler { handle() {} }';

/** A client on the main thread that is blocked until its connection ends. */
const client = (server: string, address: string) => `
  const server = new ss.${server}(${address}, Mine);
  server.serve_forever();
  const c = socket.socket(server.socket.family);
  c.settimeout(20);
  c.connect(server.server_address);
  try {
    console.log(c.recv(10).length);
  } catch (error) {
    console.log(error.code);
  }
  process.exit();`;
const guarded = (text: string) => `if (ss.is_main(import.meta)) {${text}}`;

let count = 0;

function run(text: string, ...options: string[]) {
  const file = join(folder, `program${count++}.mjs`);
  writeFileSync(file, `${IMPORT}\n${text}`);
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, file], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout, stderr, status };
}

const INET = "['127.0.0.1', 0]";

describe.each(['Threading', 'Forking'])('%s', { timeout: 120_000 }, (kind) => {
  const server = `${kind}TCPServer`;
  test.each<[string, string, RegExp]>([
    [
      'no export',
      `${HANDLER} ${guarded(client(server, INET))}`,
      /Error: Mine is not exported by file:.*: export it/,
    ],
    [
      'no main guard',
      `export ${HANDLER} ${client(server, INET)}`,
      /put what starts the server under `if \(is_main/,
    ],
    [
      'a throw at the top level',
      `export ${HANDLER} ${guarded(client(server, INET))} throw new RangeError('my mistake');`,
      /Error: Mine: its module file:.* cannot be imported: RangeError: my mistake\n {4}at file:/,
    ],
    [
      'process.exit() at the top level',
      `export ${HANDLER} ${guarded(client(server, INET))} process.exit();`,
      /Error: Mine: its worker ended \(exit code 0\) before file:.* was imported/,
    ],
    [
      'a path',
      `${HANDLER} ${guarded(client(`${kind}UnixStreamServer`, `'${join(folder, kind)}'`))}`,
      /Error: Mine is not exported by/,
    ],
  ])('%s', (_name, text, expected) => {
    const { stdout, stderr, status } = run(text);
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/^Exception in the workers of \w+Server:\n/m);
    // Nothing of the library's inside.
    expect(stderr).not.toContain('#on_report');
    expect([stdout, status]).toEqual([expect.stringMatching(/^(0|ECONNRESET)\n$/), 0]);
  });

  test('a main thread that is not blocked is told by the rejection alone, once', () => {
    const program = `
      const server = new ss.${server}(${INET}, Mine);
      await server.serve_forever().catch((error) => { console.log(error.message); });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const c = socket.create_connection(server.server_address, 20);
      try { console.log(c.recv(10).length); } catch (error) { console.log(error.code); }
      await server.server_close();`;
    const { stdout, stderr, status } = run(`${HANDLER} ${guarded(program)}`);
    expect(stdout).toMatch(/^Mine is not exported by .*\n(0|ECONNRESET)\n$/);
    expect([stderr, status]).toEqual(['', 0]);
  });

  test('the permission model: the server names the flag', (ctx) => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const program = `export ${HANDLER} ${guarded(`
      try { new ss.${server}(${INET}, Mine); } catch (error) { console.log(String(error)); }`)}`;
    const { stdout, stderr } = run(program, flag, '--allow-fs-read=*', '--allow-addons', '--no-warnings');
    if (/bad option/.test(stderr)) ctx.skip('this Node has no --allow-addons');
    expect(stdout).toBe(
      kind === 'Threading'
        ? 'PermissionError: ThreadingTCPServer: node --permission forbids its threads; add --allow-worker\n'
        : 'PermissionError: ForkingTCPServer: node --permission forbids its processes; add --allow-worker and --allow-child-process\n',
    );
  });
});
