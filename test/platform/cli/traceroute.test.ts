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
  '-n 10.77.2.2 200',
  '-n fd77:2::2 10',
  '-I -n 10.77.2.2 200',
  '-T -n 10.77.2.2 200',
  '-n -i near0 10.77.2.2',
  '-n -F 10.77.2.2 2000',
  '-n -F fd77:2::2 2000',
  '-n -F 10.77.2.2 1000',
  '-n --mtu 10.77.2.2',
  '-n -U 10.77.2.2',
  '-n -UL 10.77.2.2',
  '-n -t 16 10.77.2.2',
  '-n -P 253 10.77.2.2',
  '-n -M raw 10.77.2.2',
  '-n -M icmp 10.77.2.2',
  '-n -M tcpconn 10.77.2.2',
  '-n -z 0.05 10.77.2.2',
  '-n -z 20 -q 1 10.77.2.2',
  '-n --sport=4000 10.77.2.2',
  '-n -s 10.77.1.2 10.77.2.2',
  '-n --fwmark=3 10.77.2.2',
  '-n -r 10.77.1.1',
  '-n -e 10.77.2.2',
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

  test('a link with a smaller MTU: -F shows where it is, --mtu finds it', async () => {
    const set_mtu = (mtu: string) => {
      net.in(net.router, 'ip', 'link', 'set', 'right0', 'mtu', mtu);
      net.in(net.far, 'ip', 'link', 'set', 'far0', 'mtu', mtu);
      net.in(net.near, 'ip', 'route', 'flush', 'cache');
    };
    set_mtu('1400');
    try {
      for (const [line, shown] of [
        ['-n -F 10.77.2.2 1500', / 2 {2}10\.77\.1\.1 {2}T ms !F-1400/],
        ['-n -F fd77:2::2 1500', / 2 {2}fd77:1::1 {2}T ms !F-1400/],
        [
          '-n --mtu 10.77.2.2',
          / 1 {2}10\.77\.1\.1 {2}T ms F=1500 {2}T ms {2}T ms\n 2 {2}10\.77\.2\.2 {2}T ms F=1400/,
        ],
        ['-n --mtu fd77:2::2', /F=1500 [\s\S]*F=1400/],
        ['-n -I --mtu 10.77.2.2', /F=1500 [\s\S]*F=1400/],
      ] as const) {
        const args = line.split(' ');
        const mine = await ours(args);
        expect(mine).toMatchObject({ code: 0, stderr: '' });
        expect(timeless(mine.stdout)).toMatch(shown);
        const output = theirs(args);
        if (output !== undefined) expect(timeless(mine.stdout)).toBe(timeless(output));
      }
    } finally {
      set_mtu('1500');
    }
  });

  test.each(['-I', '-M default'])('-e %s: the labels that a router adds', async (method) => {
    const args = [...method.split(' '), '-n', '-e', '-q', '1', '-f', '2', '-m', '2', '10.77.2.107'];
    await with_responder(net, async () => {
      const mine = await ours(args);
      const shown = timeless(mine.stdout);
      expect(shown).toMatch(
        / 2 {2}10\.77\.2\.2 <MPLS:L=24,E=0,S=0,T=1\/L=31,E=2,S=1,T=7;9\/3:00112233,44556677> /,
      );
      const output = theirs(args);
      if (output !== undefined) expect(shown).toBe(timeless(output));
      // Without -e they are not shown, in JSON they are.
      expect((await ours(args.filter((arg) => arg !== '-e'))).stdout).not.toContain('MPLS');
      expect((await ours(['--json', ...args])).stdout).toContain('"labels":[{"label":24,');
    });
  });

  test('-w: a silent hop is waited for as long as the others took, not for the longest wait', async () => {
    // The kernel of the router answers no probe whose time to live ends there.
    net.in(
      net.router,
      'nft',
      'add chain ip t out { type filter hook output priority 0; }; add rule ip t out icmp type time-exceeded drop',
    );
    try {
      const { code, stdout } = await ours(['-n', '-w', '3000', '10.77.2.2']);
      expect(code).toBe(0);
      expect(timeless(stdout)).toMatch(/ 1 {2}\* \* \*\n 2 {2}10\.77\.2\.2 {2}T ms/);
    } finally {
      net.in(net.router, 'nft', 'delete', 'chain', 'ip', 't', 'out');
    }
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
      const mine = await ours([...method, '-n', '-q', '1', '-p', '7007', '10.77.2.2']);
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
    [
      ['-M', 'foo', '127.0.0.1'],
      2,
      /option -M takes one of default, udp, udplite, tcp, tcpconn, dccp, icmp, raw, not "foo"/,
    ],
    [['-M', 'tcp', '-I', '127.0.0.1'], 2, /exclude each other/],
    [
      ['-P', 'nope', '127.0.0.1'],
      2,
      /option -P takes a number from 0 to 255 or a name such as udp, not "nope"/,
    ],
    [['-w', '1,2,3,4', '127.0.0.1'], 2, /option -w takes MAX,HERE,NEAR, not "1,2,3,4"/],
    [['-w', 'x', '127.0.0.1'], 2, /option -w takes a number from 0.001 to 3600, not "x"/],
    [['-i', 'nope', '127.0.0.1'], 2, /there is no interface "nope"/],
    [['127.0.0.1', '70000'], 2, /the packet length takes a whole number from 0 to 65000, not "70000"/],
    [['127.0.0.1', '60', '70'], 2, /what is "70"\?/],
    [['-q', '0', '127.0.0.1'], 2, /option -q takes a whole number from 1 to 10/],
    [['-s', '10.99.99.99', '-n', '10.77.2.2'], 2, /Cannot assign requested address/],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await ours(args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.trimEnd().split('\n').length).toBeLessThan(3);
  });
});
