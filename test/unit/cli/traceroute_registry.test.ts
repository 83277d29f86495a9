// traceroute -A beside traceroute(8): what both say of a registry that a server here plays.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { origins_of } from '../../../lib/cli/traceroute/registry.js';
import { Running, run } from './run.js';

const ROUTE = 'route: 127.0.0.0/16\norigin: AS64500\n';

/** Answers by what the query gives. */
const ANSWERS: readonly [what: string, answer: string, address?: string][] = [
  ['a route', 'descr: x\nroute:      127.0.0.0/8\ndescr: y\norigin:     AS64500\n\n'],
  ['the longest prefix, whichever comes first', `${ROUTE}route: 127.0.0.0/8\norigin: AS1\n`],
  ['the longest prefix behind a shorter one', `route: 127.0.0.0/8\norigin: AS1\n${ROUTE}`],
  ['several origins, each once', `${ROUTE}${ROUTE}route: 127.0.0.0/16\norigin: AS7\n${ROUTE}`],
  ['a route without an origin', `route: 127.0.0.0/16\n\n${ROUTE}`],
  ['an origin without a route', 'origin: AS9\n'],
  ['no prefix', 'route: 127.0.0.0\norigin: AS9\n'],
  ['comments and carriage returns', 'route: 127.0.0.0/16 # x\r\norigin: AS1 # y\r\n'],
  ['no spaces', 'route:127.0.0.0/16\norigin:AS1\n'],
  ['indented lines, and other cases', ' route: 127.0.0.0/16\n origin: AS1\nROUTE: ::/0\nOrigin: AS2\n'],
  ['no entries', '%  No entries found\n'],
  ['nothing', ''],
  ['route6', 'route6: ::/16\norigin: AS1\n', '::1'],
];

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

const asked: string[] = [];

/** Starts a registry. @returns the environment that names it */
async function registry(answer: (conn: Socket) => void): Promise<{ RA_SERVER: string; RA_SERVICE: string }> {
  asked.length = 0;
  server = createServer((conn) => {
    conn.on('error', () => {});
    conn.setEncoding('latin1').once('data', (query: string) => {
      asked.push(query);
      answer(conn);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  return { RA_SERVER: '127.0.0.1', RA_SERVICE: String(port) };
}

const hop = (text: string) => /^ 1 .*/m.exec(text)?.[0].replaceAll(/[\d.]+ ms/g, 'T ms');

describe('traceroute -A', () => {
  test.each(ANSWERS)('%s: as traceroute(8)', async (_, answer, address = '127.0.0.1') => {
    const env = await registry((conn) => conn.end(answer));
    const mine = await run(['traceroute', '-A', '-n', '-q', '2', address], { env });
    expect(mine).toMatchObject({ code: 0, stderr: '' });
    const systems = origins_of(answer).join('/') || '*';
    expect(hop(mine.stdout)).toBe(` 1  ${address} [${systems}]  T ms  T ms`);
    // One query of an address, however many probes it answers.
    expect(asked).toEqual([`${address}\r\n`]);
    const theirs = await promisify(execFile)('traceroute', ['-A', '-n', '-q', '2', address], {
      env: { ...process.env, ...env },
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (theirs !== undefined) expect(hop(mine.stdout)).toBe(hop(theirs.stdout));
  });

  test('--json has the systems, -e comes behind them', async () => {
    const env = await registry((conn) => conn.end(ROUTE));
    const { stdout } = await run(['traceroute', '-A', '-e', '-q', '1', '--json', '127.0.0.1'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ hop: 1, probes: [{ from: '127.0.0.1', systems: 'AS64500' }] });
  });

  test('control characters of a registry are printed escaped', async () => {
    const env = await registry((conn) => conn.end('route: 127.0.0.0/8\norigin: AS\x1b[31m1\n'));
    const { stdout } = await run(['traceroute', '-A', '-n', '-q', '1', '127.0.0.1'], { env });
    expect(hop(stdout)).toBe(' 1  127.0.0.1 [AS\\u001b[31m1]  T ms');
  });

  test.each<[string, (conn: Socket) => void]>([
    ['resets', (conn) => void conn.resetAndDestroy()],
    [
      'never ends its answer',
      (conn) => {
        const writes = setInterval(() => conn.write('x'.repeat(200_000)), 1);
        conn.on('close', () => clearInterval(writes));
      },
    ],
  ])('a registry that %s has !!', async (_, answer) => {
    const env = await registry(answer);
    const { code, stdout } = await run(['traceroute', '-A', '-n', '-q', '1', '127.0.0.1'], { env });
    expect([code, hop(stdout)]).toEqual([0, ' 1  127.0.0.1 [!!]  T ms']);
  });

  test('no registry there has !!, no such host is an error', async () => {
    const { RA_SERVICE } = await registry(() => {});
    server?.close();
    const env = { RA_SERVER: '127.0.0.1', RA_SERVICE };
    expect(hop((await run(['traceroute', '-A', '-n', '-q', '1', '127.0.0.1'], { env })).stdout)).toBe(
      ' 1  127.0.0.1 [!!]  T ms',
    );
    for (const [other, message] of [
      [{ RA_SERVER: 'no-such-host.invalid' }, /^bsd-sockets traceroute: no-such-host\.invalid\/nicname: /],
      [{ RA_SERVER: '127.0.0.1', RA_SERVICE: 'no-such-service' }, /127\.0\.0\.1\/no-such-service: /],
    ] as const) {
      const done = await run(['traceroute', '-A', '127.0.0.1'], { env: other });
      expect(done).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    }
  });

  test('a silent registry holds up nobody who presses Ctrl-C', async () => {
    const env = await registry(() => {});
    const running = new Running(['traceroute', '-A', '-n', '127.0.0.1'], { env });
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 130, stderr: '' });
  });
});
