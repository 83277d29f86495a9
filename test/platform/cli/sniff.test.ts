// bsd-sockets sniff: its lines and capture files beside those of tcpdump.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  build,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  payload,
  read_capture,
  tcp,
  udp,
  vlan,
} from 'bsd-sockets/packet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { has, missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology() ?? (has('tcpdump') ? undefined : 'needs tcpdump');
const NOBODY = 65_534;
let net: Topology;
let folder: string;

beforeAll(() => {
  if (missing !== undefined) return;
  net = new Topology();
  folder = mkdtempSync(join(tmpdir(), 'sniff-'));
});
afterAll(() => {
  net?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

async function sniffing(args: readonly string[], name = net.near): Promise<Running> {
  const running = new Running(['sniff', ...args], { behind: net.behind(name) });
  await running.prints(/listening on/);
  return running;
}

const tcpdump = (...args: string[]) =>
  execFileSync('tcpdump', ['-nn', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const WORDS = 'arp or udp or icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply';

describe('sniff', () => {
  test('prints what tcpdump prints of the file that it writes', async () => {
    const file = join(folder, 'words.pcap');
    const args = ['-i', 'near0', '-c', '7', '-f', WORDS];
    const running = await Promise.all([sniffing(args), sniffing([...args, '-w', file])]);
    net.in(net.near, 'ip', 'neigh', 'flush', 'dev', 'near0');
    net.in(net.near, 'ping', '-c', '2', '-i', '0.2', '10.77.2.2');
    net.in(net.near, 'bash', '-c', 'echo hello > /dev/udp/10.77.2.2/7777');
    const [printed, written] = await Promise.all(running.map((each) => each.ended()));
    expect(written).toMatchObject({ code: 0, stdout: '' });
    expect(written?.stderr).toMatch(
      /\n7 packets captured\n\d+ packets received by filter\n0 packets dropped by kernel\n$/,
    );
    const lines = printed?.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{6} /, ''));
    expect(lines).toEqual(tcpdump('-t', '-r', file).trimEnd().split('\n'));
    expect(lines?.filter((line) => line.startsWith('ARP'))).toHaveLength(2);
  });

  test('times and bytes are those that tcpdump captures beside it', async () => {
    const ours = join(folder, 'ours.pcap');
    const theirs = join(folder, 'theirs.pcap');
    const other = new Running(['sniff', '-i', 'near0', '-c', '4', '-f', 'icmp', '-w', ours], {
      behind: net.behind(net.near),
    });
    const log = join(folder, 'tcpdump.log');
    const shell = `tcpdump -i near0 -c 4 --time-stamp-precision=nano -w ${theirs} icmp 2> ${log} &
      until grep -q listening ${log}; do sleep 0.1; done
      ping -q -c 2 -i 0.2 10.77.2.2
      wait`;
    await other.prints(/listening/);
    net.in(net.near, 'sh', '-c', shell);
    expect((await other.ended()).code).toBe(0);
    const [mine, yours] = [ours, theirs].map((path) =>
      [...read_capture(path)].map(({ data, time_ns, length }) => ({ data, time_ns, length })),
    );
    expect(mine).toHaveLength(4);
    expect(mine).toEqual(yours);
  });

  test('on all interfaces, with names and directions', async () => {
    const file = join(folder, 'any.pcap');
    const running = await Promise.all([
      sniffing(['-c', '2', '-f', 'icmp']),
      sniffing(['-c', '2', '-f', 'icmp', '-w', file]),
    ]);
    net.in(net.near, 'ping', '-c', '1', '10.77.2.2');
    const [printed, written] = await Promise.all(running.map((each) => each.ended()));
    expect(written?.code).toBe(0);
    expect(printed?.stdout).toMatch(
      /^\S+ near0 Out IP 10\.77\.1\.2 > .* echo request.*\n\S+ near0 In {2}IP 10\.77\.2\.2 > .* echo reply/,
    );
    expect(tcpdump('-t', '-r', file)).toMatch(
      /Out {1,2}IP 10\.77\.1\.2 > .* echo request.*\n.* In {2,3}IP 10\.77\.2\.2 > .* echo reply/,
    );
  });

  test('on all interfaces, the packets of one that is gone meanwhile are shown', async () => {
    const running = await sniffing(['-c', '3', 'arp or udp port 7777']);
    running.child.kill('SIGSTOP');
    const shell = `ip link add v0 type veth peer name v1 && ip addr add 10.44.0.1/24 dev v0 &&
      ip link set v0 up && ip link set v1 up && ping -c1 -w1 10.44.0.9; ip link del v0
      for i in 1 2 3; do echo hello > /dev/udp/10.77.2.2/7777; done`;
    net.try_in(net.near, 'bash', '-c', shell);
    running.child.kill('SIGCONT');
    const { code, stdout } = await running.ended();
    expect(code).toBe(0);
    expect(stdout).toMatch(/ARP, Request who-has 10\.44\.0\.9/);
  });

  test('a link that goes down for a moment', async () => {
    const running = await sniffing(['-i', 'far0', '-c', '1', 'udp port 7777'], net.far);
    net.in(net.far, 'ip', 'link', 'set', 'far0', 'down');
    await new Promise((resolve) => setTimeout(resolve, 300));
    net.in(net.far, 'ip', 'link', 'set', 'far0', 'up');
    net.in(net.far, 'ip', 'route', 'replace', 'default', 'via', '10.77.2.1');
    net.in(
      net.far,
      'bash',
      '-c',
      'for i in $(seq 20); do echo hello > /dev/udp/10.77.2.1/7777; sleep 0.1; done',
    );
    expect(await running.ended()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('UDP, length 6'),
    });
  });

  test('an interface that goes away ends it, with what it has', async () => {
    net.in(net.near, 'ip', 'link', 'add', 'gone0', 'type', 'veth', 'peer', 'name', 'gone1');
    net.in(net.near, 'ip', 'link', 'set', 'gone0', 'up');
    const running = await sniffing(['-i', 'gone0']);
    net.in(net.near, 'ip', 'link', 'del', 'gone0');
    const { code, stderr } = await running.ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /\d+ packets? captured\n[\s\S]*dropped by kernel\nbsd-sockets sniff: the interface gone0 is gone\n$/,
    );
  });

  test('lengths do not count the extension headers of IPv6', async () => {
    const file = join(folder, 'extensions.pcap');
    const running = await Promise.all([
      sniffing(['-i', 'left0', '-c', '2', 'ether src 02:00:00:00:00:07'], net.router),
      sniffing(['-i', 'left0', '-c', '2', '-w', file, 'ether src 02:00:00:00:00:07'], net.router),
    ]);
    const head = ethernet({ dst: '02:00:00:00:00:01', src: '02:00:00:00:00:07' });
    const ip = (name: 'hop_by_hop' | 'destination_options') =>
      ipv6({ src: 'fd77:1::2', dst: 'fd77:2::2', extensions: [{ name }] });
    const frames = [
      build(head, ip('destination_options'), tcp({ src_port: 7, dst_port: 80, flags: 2, seq: 5 })),
      build(head, ip('hop_by_hop'), icmpv6.echo({ id: 7, seq: 1 }), payload('abc')),
    ];
    const script = `import * as s from 'bsd-sockets/socket';
      const sock = s.socket(s.AF_PACKET, s.SOCK_RAW, 0);
      sock.bind(['near0', 0]);
      for (const hex of ${JSON.stringify(frames.map((each) => each.toString('hex')))}) sock.send(Buffer.from(hex, 'hex'));`;
    net.in(net.near, process.execPath, '--input-type=module', '-e', script);
    const [printed] = await Promise.all(running.map((each) => each.ended()));
    const lines = printed?.stdout.replaceAll(/^\S+ /gm, '');
    expect(lines).toBe(tcpdump('-t', '-r', file));
    expect(lines).toMatch(/seq 5, win \d+, length 0\n.*, length 11\n$/);
  });

  test('SIGHUP keeps the capture', async () => {
    const file = join(folder, 'hangup.pcap');
    const running = await sniffing(['-i', 'near0', '-w', file, '-s', '0', 'icmp']);
    net.in(net.near, 'ping', '-c', '2', '-i', '0.2', '10.77.2.2');
    running.child.kill('SIGHUP');
    expect(await running.ended()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('\n4 packets captured'),
    });
    expect([...read_capture(file)]).toHaveLength(4);
  });

  test('puts the VLAN tag back', async () => {
    const frame = build(
      ethernet({ dst: 'ff:ff:ff:ff:ff:ff', src: '02:00:00:00:00:07' }),
      vlan({ id: 77, priority: 3 }),
      ipv4({ src: '10.88.0.1', dst: '10.88.0.255' }),
      udp({ src_port: 7, dst_port: 7 }),
      payload('tagged'),
    );
    const file = join(folder, 'vlan.pcap');
    const one = await sniffing(
      ['-i', 'left0', '-c', '1', '-w', file, 'vlan', '77', 'and', 'udp'],
      net.router,
    );
    const all = await sniffing(['-c', '1', 'vlan 77 and not arp'], net.router);
    const script = `import * as s from 'bsd-sockets/socket';
      const sock = s.socket(s.AF_PACKET, s.SOCK_RAW, 0);
      sock.bind(['near0', 0]);
      sock.send(Buffer.from('${frame.toString('hex')}', 'hex'));`;
    net.in(net.near, process.execPath, '--input-type=module', '-e', script);
    expect(await one.ended()).toMatchObject({ code: 0 });
    const [packet] = [...read_capture(file)];
    expect(packet?.data.toString('hex')).toBe(frame.toString('hex'));
    expect(packet?.length).toBe(frame.length);
    expect(tcpdump('-e', '-r', file)).toContain('vlan 77, p 3, ethertype IPv4');
    expect((await all.ended()).stdout).toMatch(
      / left0 B {3}ethertype IPv4, IP 10\.88\.0\.1\.7 > 10\.88\.0\.255\.7: UDP, length 6\n$/,
    );
  });

  test('--json, --layers and -x', async () => {
    const filter = ['-c', '1', '-i', 'near0', '-f', 'icmp'];
    const running = await Promise.all([
      sniffing([...filter, '--json']),
      sniffing([...filter, '--layers', '-x']),
    ]);
    net.in(net.near, 'ping', '-c', '1', '10.77.2.2');
    const [json, text] = await Promise.all(running.map((each) => each.ended()));
    const packet = JSON.parse(json?.stdout ?? '') as { layers: object[] };
    expect(packet).toMatchObject({
      interface: 'near0',
      direction: 'out',
      length: 98,
      captured: 98,
      problems: [],
    });
    expect(packet.layers).toMatchObject([
      { layer: 'ethernet' },
      { layer: 'ipv4', dst: '10.77.2.2' },
      { layer: 'icmp' },
      { layer: 'payload', data: expect.stringMatching(/^[0-9a-f]{112}$/) },
    ]);
    expect(text?.stdout).toMatch(
      /^\S+ IP 10.*\n\t0x0000: {2}4500 [0-9a-f ]+\n[\s\S]*ethernet\n[\s\S]*ipv4\n[\s\S]*icmp echo\n/,
    );
  });

  test('-F: a program by tcpdump -ddd', async () => {
    const file = join(folder, 'program');
    writeFileSync(file, tcpdump('-y', 'EN10MB', '-ddd', 'icmp[icmptype] = icmp-echoreply'));
    const running = await sniffing(['-c', '1', '-i', 'near0', '-F', file]);
    net.in(net.near, 'ping', '-c', '1', '10.77.2.2');
    expect((await running.ended()).stdout).toMatch(/^\S+ IP 10\.77\.2\.2 > 10\.77\.1\.2: ICMP echo reply/);
  });

  test('Ctrl-C tells what was dropped', async () => {
    const running = await sniffing(
      ['-i', 'lo', '-B', '4', '-f', 'udp', '-w', join(folder, 'flood.pcap')],
      net.far,
    );
    running.child.kill('SIGSTOP');
    // The packets are far more than the buffer, of which the kernel makes 128 KiB, and sniff does not read meanwhile.
    net.in(net.far, 'bash', '-c', 'for i in $(seq 2000); do echo flood > /dev/udp/127.0.0.1/9; done');
    running.child.kill('SIGCONT');
    await running.prints(/listening/);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended();
    expect(code).toBe(0);
    const [, captured, received, dropped] =
      /\n(\d+) packets captured\n(\d+) packets received by filter\n(\d+) packets dropped by kernel\n$/.exec(
        stderr,
      ) ?? [];
    expect(Number(dropped)).toBeGreaterThan(0);
    // Loopback shows each packet as it leaves and as it arrives, and the second one counts.
    expect(Number(received)).toBe(2000);
    expect(Number(captured) + Number(dropped)).toBe(2000);
  });

  test.each([
    [['-i', 'no-such-device'], 2, /there is no interface "no-such-device", only lo, /],
    [['-f', 'this is no filter'], 2, /the filter is wrong: /],
    [['-F', '/etc/services'], 2, /the filter is wrong: /],
    [['-F', '/no/such/file'], 2, /no such file/],
    [['-f', 'ip', '-F', '/x'], 2, /exclude each other/],
    [['-f', 'ip', 'icmp'], 2, /an expression and -f exclude each other/],
    [['-i', 'lo', 'tcp', 'and', 'arp'], 2, /the filter is wrong: no packet of lo fulfils it/],
    [['host', 'no-such-host.invalid'], 2, /no-such-host.invalid: /],
    [['-s', '300000'], 2, /option -s takes a whole number from 0 to 262144/],
    [['-i', '99'], 2, /there is no interface "99"/],
    [['-Q', 'up'], 2, /option -Q takes in, out or inout, not "up"/],
    [['-w', '/no/such/folder/x.pcap', '-i', 'lo'], 2, /No such file or directory \(open \/no\/such/],
    [['-w', '/', '-i', 'lo'], 2, /Is a directory \(open \/\)/],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await run(['sniff', ...args], { behind: net.behind(net.near) });
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });

  test('a wrong filter is shown with a caret', async () => {
    const outcome = await run(['sniff', '-i', 'lo', 'tcp', 'port', '80', 'und', 'udp']);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain('(column 13)\n  tcp port 80 und udp\n              ^\n');
  });

  test('without the capability it says what to do', async () => {
    const outcome = await run(['sniff'], { uid: NOBODY });
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^bsd-sockets sniff: Operation not permitted .*CAP_NET_RAW.*setcap/);
  });
});
