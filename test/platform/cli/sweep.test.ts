// bsd-sockets sweep beside fping, through a router.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { program, Running, run } from '../../unit/cli/run.js';
import { with_responder } from './responder.js';
import { has, missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const NOBODY = 65_534;
let net: Topology;

beforeAll(() => {
  if (missing !== undefined) return;
  net = new Topology();
  for (const host of [20, 33, 99]) net.in(net.far, 'ip', 'addr', 'add', `10.77.2.${host}/24`, 'dev', 'far0');
});
afterAll(() => net?.remove());
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const ours = (args: readonly string[], uid?: number) =>
  run(['sweep', ...args], { behind: net.behind(net.near, uid) });
const sorted = (lines: string) => lines.trim().split('\n').sort();
const addresses = (lines: string) => sorted(lines.replaceAll(/ .*$/gm, ''));

const ALIVE = ['10.77.2.1', '10.77.2.2', '10.77.2.20', '10.77.2.33', '10.77.2.99'];

describe('sweep', () => {
  test('finds the addresses that fping finds', async () => {
    const mine = await ours(['10.77.2.0/24']);
    expect(mine.code).toBe(0);
    expect(addresses(mine.stdout)).toEqual([...ALIVE].sort());
    expect(mine.stderr).toMatch(
      /^254 addresses: 5 answered, \d+ unreachable, \d+ silent; \d+ requests in [\d.]+ s\n$/,
    );
    if (!has('fping')) return;
    const theirs = net.try_in(net.near, 'fping', '-a', '-q', '-r', '1', '-i', '1', '-g', '10.77.2.0/24');
    expect(addresses(mine.stdout)).toEqual(sorted(theirs.stdout));
  });

  test.each(['0', '100', '5000'])('--rate %s: 500 addresses, all of them', async (rate) => {
    const count = rate === '100' ? 50 : 500;
    const last = `127.0.${Math.floor(count / 256)}.${count % 256}`;
    const { code, stdout } = await ours(['--rate', rate, `127.0.0.1-${last}`]);
    expect(code).toBe(0);
    expect(new Set(addresses(stdout)).size).toBe(count);
  });

  test('a rate is kept', async () => {
    const { stdout } = await ours(['--rate', '100', '--json', '127.0.0.1-127.0.0.50']);
    const { seconds } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as { seconds: number };
    expect(seconds).toBeGreaterThan(0.4);
  });

  test('IPv6, --json', async () => {
    const { code, stdout } = await ours(['--json', '-W', '0.5', 'fd77:2::/125']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(0);
    expect(
      lines
        .filter(({ type }) => type === 'answer')
        .map(({ address }) => address)
        .sort(),
    ).toEqual(['fd77:2::1', 'fd77:2::2']);
    expect(lines.at(-1)).toMatchObject({ type: 'statistics', addresses: 8, answered: 2 });
  });

  test('-v tells who cannot be reached', async () => {
    const { code, stdout, stderr } = await ours(['-v', '10.77.4.0/30']);
    expect(code).toBe(1);
    expect(sorted(stdout)).toEqual([1, 2].map((host) => `10.77.4.${host}  Packet filtered (says 10.77.1.1)`));
    expect(stderr).toMatch(/^2 addresses: 0 answered, 2 unreachable, 0 silent; 2 requests/);
  });

  test('nobody is there', async () => {
    const { code, stdout, stderr } = await ours(['-W', '0.2', '-R', '2', '10.77.5.0/28']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^14 addresses: 0 answered, 0 unreachable, 14 silent; 42 requests/);
  });

  test('as another user, by a datagram socket where the kernel allows it', async () => {
    net.permit_ping(true);
    const allowed = await ours(['-W', '0.5', '10.77.2.0/25'], NOBODY);
    expect(allowed.code).toBe(0);
    expect(addresses(allowed.stdout)).toEqual([...ALIVE].sort());
    net.permit_ping(false);
    const refused = await ours(['10.77.2.0/24'], NOBODY);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^bsd-sockets sweep: Operation not permitted .*CAP_NET_RAW.*ping_group_range/,
    );
  });

  test('Ctrl-C ends it with the statistics', async () => {
    const running = new Running(['sweep', '-r', '50', '127.0.0.0/16'], { behind: net.behind(net.near) });
    await running.prints(/127\.0\.0\.10 /);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended();
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /^65534 addresses: \d+ answered, 0 unreachable, \d+ silent; \d+ requests in [\d.]+ s\n$/,
    );
  });

  test('a progress bar on a terminal only', async () => {
    const args = ['sweep', '-r', '500', '-q', '127.0.0.1-127.0.0.250'];
    expect((await run(args, { behind: net.behind(net.near) })).stderr).not.toContain('\r');
    const shell = `"${process.execPath}" "${program}" ${args.join(' ')}`;
    const [file = '', ...rest] = [...net.behind(net.near), 'script', '-qec', shell, '/dev/null'];
    const output = execFileSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(output).toMatch(/\r█+░+ +\d+ % {2}\d+ answered/);
  });

  test('a redirect or a source quench before the reply is no answer', async () => {
    const { code, stdout } = await with_responder(net, () => ours(['-v', '10.77.2.103-10.77.2.104']));
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n').sort();
    expect(lines).toEqual([
      expect.stringMatching(/^10\.77\.2\.103 {2}[\d.]+ ms$/),
      expect.stringMatching(/^10\.77\.2\.104 {2}[\d.]+ ms$/),
    ]);
  });

  test.each([
    [['10.0.0.0/4'], /has more than 1048576 addresses/],
    [['10.0.0.0/33'], /not a network: "10\.0\.0\.0\/33"/],
    [['10.0.0.0/x'], /not a network/],
    [['localhost'], /not an address: "localhost"/],
    [['10.0.0.9-10.0.0.1'], /ends before it begins/],
    [['10.0.0.9-::1'], /of one family/],
    [['-r', '-1', '127.0.0.1'], /option -r takes a number from 0 to 10000000/],
    [['-W', '0', '127.0.0.1'], /option -W takes a number from 0.001 to 3600/],
    [['-R', '101', '127.0.0.1'], /option -R takes a whole number from 0 to 100/],
    [[], /an argument is missing/],
  ])('%j fails with a line', async (args, message) => {
    const outcome = await ours(args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });
});
