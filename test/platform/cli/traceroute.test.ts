// bsd-sockets traceroute beside traceroute(8), through a router.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { with_responder } from './responder.js';
import { has, missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const NOBODY = 65_534;
let net: Topology;

beforeAll(() => {
  if (missing === undefined) net = new Topology();
});
afterAll(() => net?.remove());
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const ours = (args: readonly string[], uid?: number) =>
  run(['traceroute', ...args], { behind: net.behind(net.near, uid) });

/** Runs traceroute(8). Without -w, it waits for three times the first answer's time only, too short on a busy machine. */
function theirs(args: readonly string[]): string | undefined {
  const wait = args.includes('-w') ? [] : ['-w', '5,0,0'];
  return has('traceroute') ? net.try_in(net.near, 'traceroute', ...wait, ...args).stdout : undefined;
}

const timeless = (text: string) => text.replaceAll(/[\d.]+ ms/g, 'T ms');

const WAYS = [
  '10.77.2.2',
  '-n 10.77.2.2',
  '-n fd77:2::2',
  '-n -q 1 10.77.2.2',
  '-n -f 2 10.77.2.2',
  '-I -n 10.77.2.2',
  '-I -n fd77:2::2',
  '-T -n 10.77.2.2',
  '-T -n -p 7 fd77:2::2',
  '-n -p 40000 10.77.2.2',
  '-n 127.0.0.1',
];

describe('traceroute', () => {
  test.each(WAYS)('%s says what traceroute says', async (line) => {
    const args = line.split(' ');
    const mine = await ours(args);
    expect(mine).toMatchObject({ code: 0, stderr: '' });
    const output = theirs(args);
    if (output !== undefined) expect(timeless(mine.stdout)).toBe(timeless(output));
  });

  test.each([
    ['-n 10.77.4.1', / !X {2}T ms !X {2}T ms !X\n$/],
    ['-n -m 3 -w 0.3 10.77.5.1', / 1 {2}\* \* \*\n 2 {2}\* \* \*\n 3 {2}\* \* \*\n$/],
    ['-n -m 1 10.77.2.2', / 1 {2}10\.77\.1\.1 {2}T ms {2}T ms {2}T ms\n$/],
    ['-T -n 10.77.4.1', / !X {2}T ms !X {2}T ms !X\n$/],
    ['-n fd77:3::1', / 1 {2}fd77:1::1 {2}T ms !N {2}T ms !N {2}T ms !N\n$/],
  ])('%s does not reach it, which is no failure', async (line, shown) => {
    const args = line.split(' ');
    const mine = await ours(args);
    expect(mine).toMatchObject({ code: 0, stderr: '' });
    expect(timeless(mine.stdout)).toMatch(shown);
    const output = theirs(args);
    if (output !== undefined) expect(timeless(mine.stdout)).toBe(timeless(output));
  });

  test('-I: a redirect is no answer, the reply after it is', async () => {
    const { code, stdout } = await with_responder(net, () => ours(['-I', '-n', '-q', '1', '10.77.2.103']));
    expect(code).toBe(0);
    expect(timeless(stdout)).toMatch(/ 1 {2}10\.77\.1\.1 {2}T ms\n 2 {2}10\.77\.2\.103 {2}T ms\n$/);
  });

  test('an open port is an answer, by UDP and by TCP', async () => {
    for (const [kind, ...method] of [
      ['-u', '-U'],
      ['', '-T'],
    ]) {
      const server = new Running(
        ['serve', '-p', '7007', '--host', '10.77.2.2', 'echo', ...(kind ? [kind] : [])],
        {
          behind: net.behind(net.far),
          input: 'open',
        },
      );
      await server.prints(/serves echo/);
      const mine = await ours([...method, '-n', '-q', '1', '-p', kind ? '7006' : '7007', '10.77.2.2']);
      expect(mine).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\n 2 {2}10\.77\.2\.2 {2}[\d.]+ ms\n$/),
      });
      server.child.kill('SIGTERM');
      await server.ended();
    }
  });

  test.each(['-U', '-T'])('%s works for any user', async (method) => {
    net.permit_ping(false);
    for (const host of ['10.77.2.2', 'fd77:2::2']) {
      const mine = await ours([method, '-n', host], NOBODY);
      expect(mine).toMatchObject({ code: 0, stderr: '' });
      expect(timeless(mine.stdout)).toBe(timeless((await ours([method, '-n', host])).stdout));
    }
  });

  test('-I for any user, where the kernel allows it', async () => {
    net.permit_ping(true);
    for (const host of ['10.77.2.2', 'fd77:2::2']) {
      const mine = await ours(['-I', '-n', host], NOBODY);
      expect(mine).toMatchObject({ code: 0, stderr: '' });
      expect(timeless(mine.stdout)).toBe(timeless((await ours(['-I', '-n', host])).stdout));
    }
    net.permit_ping(false);
    const refused = await ours(['-I', '10.77.2.2'], NOBODY);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^bsd-sockets traceroute: Operation not permitted .*CAP_NET_RAW.*ping_group_range.*\n$/,
    );
  });

  test('--json', async () => {
    const { code, stdout } = await ours(['--json', '-q', '2', '10.77.2.2']);
    expect(code).toBe(0);
    const hops = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const milliseconds = expect.any(Number);
    expect(hops).toEqual([
      {
        hop: 1,
        probes: Array(2).fill({
          from: '10.77.1.1',
          reached: false,
          milliseconds,
          message: 'Time to live exceeded',
        }),
      },
      {
        hop: 2,
        probes: Array(2).fill({
          from: '10.77.2.2',
          reached: true,
          milliseconds,
          message: 'Destination Port Unreachable',
        }),
      },
    ]);
  });

  test('Ctrl-C ends it', async () => {
    const running = new Running(['traceroute', '-n', '10.77.5.1'], { behind: net.behind(net.near) });
    await running.prints(/traceroute to/);
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 130, stderr: '' });
  });

  test.each([
    [['no-such-host.invalid'], 2, /no-such-host\.invalid: /],
    [['-I', '-T', '127.0.0.1'], 2, /exclude each other/],
    [['-f', '9', '-m', '3', '127.0.0.1'], 2, /the first hop, 9, is beyond the last, 3/],
    [['-q', '0', '127.0.0.1'], 2, /option -q takes a whole number from 1 to 10/],
    [['-s', '10.99.99.99', '-n', '10.77.2.2'], 2, /Cannot assign requested address/],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await ours(args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.trimEnd().split('\n').length).toBeLessThan(3);
  });
});
