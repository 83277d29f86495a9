// Name lookups that hang: what ends them, what they do not hold up, what they leave behind. The programs run in mount and
// network namespaces of their own, where resolv.conf names a port that nobody answers on.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Ended, ended, start_by } from './programs.js';

// Longer than programs.ts gives a program.
vi.setConfig({ testTimeout: 60_000 });

const SERVER = '127.0.0.1';
const LOOKUPS = ['getaddrinfo', 'getnameinfo', 'gethostbyaddr', 'connect by name'];

let folder = '';
let command: string[] | undefined;

/** The command in whose namespaces lookups hang; undefined where this user may not make them. */
function find_command(): string[] | undefined {
  const resolv_conf = join(folder, 'resolv.conf');
  writeFileSync(resolv_conf, `nameserver ${SERVER}\noptions timeout:30 attempts:5\n`);
  const nsswitch_conf = join(folder, 'nsswitch.conf');
  writeFileSync(nsswitch_conf, 'hosts: files dns\n');
  const prepare =
    `ip link set lo up && mount --bind ${resolv_conf} /etc/resolv.conf && ` +
    `if [ -e /etc/nsswitch.conf ]; then mount --bind ${nsswitch_conf} /etc/nsswitch.conf; fi && exec "$@"`;
  return ['-mn', '-rmn']
    .map((namespaces) => ['unshare', namespaces, 'sh', '-c', prepare, 'sh'])
    .find(([program = '', ...args]) => spawnSync(program, [...args, 'true']).status === 0);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-lookups-'));
  command = find_command();
  process.env.SILENT_NAME_SERVER = SERVER;
});

afterAll(() => rmSync(folder, { recursive: true }));

beforeEach((context) => {
  context.skip(command === undefined, 'needs mount and network namespaces: root, or user namespaces');
});

function run(fixture: string, args: string[], when_blocked?: (child: ChildProcess) => void): Promise<Ended> {
  return ended(start_by(command ?? [], fixture, ...args), when_blocked);
}

const interrupt = (child: ChildProcess): void => {
  child.kill('SIGINT');
};

describe('a worker in a hanging', () => {
  test.each(LOOKUPS)('%s is terminated, and none of its code runs any more', async (call) => {
    const result = await run('terminate.mjs', [call, '10']);
    expect(result).toMatchObject({ code: 0, errors: '' });
    expect(JSON.parse(result.output).ran).toEqual([]);
  });
});

describe('a process with a worker in every hanging lookup', () => {
  test.each([
    ['exit', 7],
    ['end', 0],
    ['throw', 1],
    ['listener-exit', 41],
  ])('%s: ends with %i', async (event, code) => {
    expect(await run('process.mjs', [event])).toMatchObject({ code, signal: null, output: 'blocking\n' });
  });
});

describe('the main thread in a hanging', () => {
  test.each(LOOKUPS)('%s dies by SIGINT without a listener', async (call) => {
    const result = await run('process.mjs', ['main', call], interrupt);
    expect(result).toMatchObject({ code: null, signal: 'SIGINT', output: 'blocking\n' });
  });

  test.each(LOOKUPS)('%s throws what the listener throws', async (call) => {
    const result = await run('process.mjs', ['main-throw', call], interrupt);
    expect(result).toMatchObject({ code: 0, output: 'blocking\nthrew: from the listener\n', errors: '' });
  });
});

test.each([
  ['deadline', 'the time-out of create_connection covers the lookup', ['TimeoutError']],
  [
    'others',
    '16 hanging lookups hold up neither numeric hosts nor /etc/hosts',
    ['127.0.0.1', '::1', '127.0.0.1'],
  ],
  [
    'promises',
    '16 that hang delay neither the next lookup nor sockets nor fs, and end by an abort',
    ['127.0.0.1', '127.0.0.1', 'a socket', true, 'TimeoutError', 1],
  ],
  [
    'bounded',
    '3,000 that hang take no more threads and descriptors than the limit, and leave the queue when they time out',
    [true, ['TimeoutError'], true, '127.0.0.1', 'TimeoutError'],
  ],
  ['queued', '1,000 at once are all answered', ['127.0.0.1']],
  ['nested', 'a listener makes lookups during one', ['127.0.0.1', '127.0.0.1', 'InterruptedError']],
  ['refused', "errors have Python's classes", ['gaierror', 'herror', 'silent.test']],
  ['leak', 'finished lookups leave no descriptor and no thread', [0, 0]],
])('%s: %s', async (what, _description, lines) => {
  const result = await run('lookups.mjs', [what]);
  expect(result).toMatchObject({ code: 0, errors: '' });
  expect(JSON.parse(result.output)).toEqual(lines);
});
