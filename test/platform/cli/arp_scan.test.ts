// bsd-sockets arp-scan beside the programs arp-scan and arping.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { has, missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const NOBODY = 65_534;
let net: Topology;
let mac: string;

beforeAll(() => {
  if (missing !== undefined) return;
  net = new Topology();
  for (const host of [7, 9, 200])
    net.in(net.router, 'ip', 'addr', 'add', `10.77.1.${host}/24`, 'dev', 'left0');
  mac = net.in(net.router, 'cat', '/sys/class/net/left0/address').trim();
});
afterAll(() => net?.remove());
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const ours = (args: readonly string[], uid?: number) =>
  run(['arp-scan', ...args], { behind: net.behind(net.near, uid) });
const HOSTS = ['10.77.1.1', '10.77.1.200', '10.77.1.7', '10.77.1.9'];

/** Returns "address mac" of each line, sorted. */
const pairs = (text: string) =>
  [...text.matchAll(/^(10\.\S+)\s+([0-9a-f:]{17})/gm)]
    .map(([, address, owner]) => `${address} ${owner}`)
    .sort();

describe('arp-scan', () => {
  test('the network of the interface, as arp-scan sees it', async () => {
    const { code, stdout, stderr } = await ours([]);
    expect(code).toBe(0);
    expect(pairs(stdout)).toEqual(HOSTS.map((host) => `${host} ${mac}`));
    expect(stderr).toMatch(/^256 addresses on near0: 4 answered; \d+ requests in [\d.]+ s\n$/);
    if (!has('arp-scan')) return;
    // arp-scan repeats a request if the answer is late, and would list both answers.
    const theirs = net.try_in(net.near, 'arp-scan', '-q', '--ignoredups', '-I', 'near0', '10.77.1.0/24');
    expect(pairs(stdout)).toEqual(pairs(theirs.stdout));
  });

  test('the ends of a prefix are hosts where the network is larger, as in arp-scan', async () => {
    net.in(net.router, 'ip', 'addr', 'add', '10.77.1.127/24', 'dev', 'left0');
    try {
      const { stdout } = await ours(['-i', 'near0', '10.77.1.0/25']);
      expect(pairs(stdout)).toContain(`10.77.1.127 ${mac}`);
      if (!has('arp-scan')) return;
      const theirs = net.try_in(net.near, 'arp-scan', '-q', '--ignoredups', '-I', 'near0', '10.77.1.0/25');
      expect(pairs(stdout)).toEqual(pairs(theirs.stdout));
    } finally {
      net.in(net.router, 'ip', 'addr', 'del', '10.77.1.127/24', 'dev', 'left0');
    }
  });

  test('one address, as arping sees it', async () => {
    const mine = await ours(['-i', 'near0', '--json', '10.77.1.7']);
    const lines = mine.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { type: 'answer', address: '10.77.1.7', mac, duplicate: false, milliseconds: expect.any(Number) },
      { type: 'statistics', interface: 'near0', addresses: 1, answered: 1, duplicates: 0 },
    ]);
    if (!has('arping')) return;
    const theirs = net.try_in(net.near, 'arping', '-c', '1', '-I', 'near0', '10.77.1.7');
    expect(theirs.stdout.toLowerCase()).toContain(mac);
  });

  test('from an interface without an address', async () => {
    net.in(net.near, 'ip', 'addr', 'del', '10.77.1.2/24', 'dev', 'near0');
    try {
      const { code, stdout } = await ours(['-i', 'near0', '10.77.1.0/29']);
      expect(code).toBe(0);
      expect(pairs(stdout)).toEqual([`10.77.1.1 ${mac}`, `10.77.1.7 ${mac}`]);
      const undecided = await ours(['-i', 'near0']);
      expect(undecided).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('has no IPv4 address: which network?'),
      });
    } finally {
      net.in(net.near, 'ip', 'addr', 'add', '10.77.1.2/24', 'dev', 'near0');
    }
  });

  test('an address with two owners', async () => {
    const answer = `import * as s from 'bsd-sockets/socket';
      import { arp, build, ethernet, parse } from 'bsd-sockets/packet';
      const sock = s.socket(s.AF_PACKET, s.SOCK_RAW, 0);
      sock.bind(['left0', s.ETH_P_ARP]);
      console.error('ready');
      for (;;) {
        const asked = parse(sock.recv(100)).get('arp');
        if (asked?.operation !== 1 || asked.target_ip !== '10.77.1.9') continue;
        const [src, dst] = ['02:00:00:00:00:99', asked.sender_mac];
        sock.send(build(ethernet({ src, dst }), arp({ operation: 2, sender_mac: src, sender_ip: '10.77.1.9', target_mac: dst, target_ip: asked.sender_ip })));
      }`;
    const { spawn } = await import('node:child_process');
    const [file = '', ...rest] = [
      ...net.behind(net.router),
      process.execPath,
      '--input-type=module',
      '-e',
      answer,
    ];
    const liar = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise((resolve) => liar.stderr.once('data', resolve));
    const { code, stdout, stderr } = await ours(['10.77.1.8/30']);
    liar.kill();
    expect(code).toBe(0);
    expect(pairs(stdout)).toEqual([`10.77.1.9 02:00:00:00:00:99`, `10.77.1.9 ${mac}`].sort());
    expect(stdout).toContain('(DUP!)');
    expect(stderr).toContain('1 answered, 1 with more than one owner;');
  });

  test('nobody is there', async () => {
    const { code, stdout } = await ours(['-W', '0.2', '10.77.1.64/28']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('Ctrl-C ends it with the statistics', async () => {
    const running = new Running(['arp-scan', '-r', '10'], { behind: net.behind(net.near) });
    await running.prints(/10\.77\.1\.1 /);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended();
    expect(code).toBe(130);
    expect(stderr).toMatch(/^256 addresses on near0: \d+ answered; \d+ requests/);
  });

  test.each([
    [['-i', 'lo'], 2, /lo is not an Ethernet interface/],
    [['-i', 'no-such-device'], 2, /there is no interface "no-such-device", only lo, /],
    [['fd77::/120'], 2, /ARP is for IPv4 only/],
    [['10.0.0.0/99'], 2, /not a network/],
    [['-r', '-1'], 2, /option -r takes a number from 0 to 10000000, not "-1"/],
    [['-W', '0'], 2, /option -W takes a number from 0.001 to 3600, not "0"/],
    [['-R', '1.5'], 2, /option -R takes a whole number from 0 to 100, not "1.5"/],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await ours(args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });

  test('without the capability it says what to do', async () => {
    const outcome = await ours([], NOBODY);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^bsd-sockets arp-scan: Operation not permitted .*CAP_NET_RAW/);
  });
});
