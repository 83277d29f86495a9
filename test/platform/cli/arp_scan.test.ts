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

/** Returns an output with the time, the speed and the version masked. */
const masked = (text: string) =>
  text
    .replace(/arp-scan \d\S+/g, 'arp-scan VERSION')
    .replace(/ \(\S+\)\n/, ' (BY)\n')
    .replace(/in \S+ seconds \(\S+ hosts/, 'in S seconds (N hosts')
    .replace(/^\d+ packets received by filter/m, 'N packets received by filter')
    .replaceAll(/RTT=[\d.]+/g, 'RTT=T');

const VENDORS = '/usr/share/arp-scan/ieee-oui.txt';
/** With the same list of vendors as the program arp-scan. */
const beside = (line: string) => (has('arp-scan') ? ['-O', VENDORS, ...line.split(' ')] : line.split(' '));

describe('arp-scan', () => {
  test('the network of the interface', async () => {
    const { code, stdout, stderr } = await ours([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(pairs(stdout)).toEqual(HOSTS.map((host) => `${host} ${mac}`));
    expect(stdout).toMatch(
      /^Interface: near0, type: EN10MB, MAC: \S+, IPv4: 10\.77\.1\.2\nStarting arp-scan /,
    );
    expect(stdout).toMatch(
      /\nEnding arp-scan \S+ 256 hosts scanned in [\d.]+ seconds \(.*\)\. 4 responded\n$/,
    );
  });

  describe('line by line as the program arp-scan', () => {
    // -g: on a busy machine an answer may come after the second request, and then there are two.
    test.for([
      '-g -I near0 -l',
      '-g -I near0 10.77.1.1',
      '-x -g 10.77.1.1 10.77.1.7-10.77.1.9',
      '-x -g -q 10.77.1.0/28',
      '-x -D -g 10.77.1.7',
      '-x -g 10.77.1.0:255.255.255.240',
      '-x -g -M 2 10.77.1.0/28',
      '-x -g -r 1 -t 1000 -B 1M 10.77.1.0/28',
      '-x -g -i 500u -R 10.77.1.9',
      '-x -g -N -u 00-11-22-33-44-55 10.77.1.9',
      '-x -g -s 10.77.1.200 -S 02:00:00:00:00:01 10.77.1.9',
      '-x -g -T MAC 10.77.1.9',
      `-x -g -F \${ip;-16}|\${mac;20}|\${Vendor}\\t\\$\\\\ 10.77.1.9`,
      `-x -D -F \${ip}\${dup}\${rtt;0} 10.77.1.64`,
    ])('%s', async (line, ctx) => {
      if (!has('arp-scan')) ctx.skip('needs arp-scan');
      const args = line.replace('MAC ', `${mac} `).split(' ');
      const mine = await ours(['-O', VENDORS, ...args]);
      const theirs = net.try_in(net.near, 'arp-scan', ...args);
      const lines = (text: string) => masked(text).split('\n').sort();
      expect(lines(mine.stdout)).toEqual(lines(theirs.stdout));
      // Nobody answers: our commands all have the exit code 1.
      expect(mine.code).toBe(mine.stdout === '' ? 1 : theirs.code);
    });
  });

  describe('vendors, as the program arp-scan has them', () => {
    test.for([
      ['00:00:0c:11:22:33', 'Cisco Systems, Inc'],
      ['00:50:c2:00:11:22', undefined],
      ['00:1b:c5:00:01:22', undefined],
      ['00:55:da:01:01:22', undefined],
      ['52:54:00:11:22:33', 'QEMU'],
      ['00:00:5e:00:01:07', 'VRRP (last octet is VRID)'],
      ['02:00:00:00:00:01', '(Unknown: locally administered)'],
      ['58:54:00:11:22:33', '(Unknown)'],
    ])('%s', async ([address, name], ctx) => {
      if (!has('arp-scan')) ctx.skip('needs arp-scan');
      net.in(net.router, 'ip', 'link', 'set', 'left0', 'address', address as string);
      try {
        const args = ['-x', '-g', '10.77.1.9'];
        const { stdout } = await ours(['-O', VENDORS, ...args]);
        expect(stdout).toBe(net.try_in(net.near, 'arp-scan', ...args).stdout);
        expect(stdout).toContain(`10.77.1.9\t${address}\t${name ?? ''}`);
      } finally {
        net.in(net.router, 'ip', 'link', 'set', 'left0', 'address', mac);
      }
    });
  });

  test('odd answers: repeated, of another sender, with bytes behind, with a VLAN tag', async () => {
    const answer = `import * as s from 'bsd-sockets/socket';
      import { arp, build, ethernet, parse, payload, vlan } from 'bsd-sockets/packet';
      const sock = s.socket(s.AF_PACKET, s.SOCK_RAW, 0);
      sock.bind(['left0', s.ETH_P_ALL]);
      console.error('ready');
      for (;;) {
        const asked = parse(sock.recv(200)).get('arp');
        if (asked?.operation !== 1) continue;
        const [src, dst] = ['02:00:00:00:00:99', asked.sender_mac];
        const reply = arp({ operation: 2, sender_mac: src, sender_ip: asked.target_ip, target_mac: dst, target_ip: asked.sender_ip });
        const send = (...layers) => sock.send(build(...layers));
        const other = ethernet({ src: '02:00:00:00:00:98', dst });
        const own = ethernet({ src, dst });
        const ways = {
          50() { send(own, reply); send(own, reply); send(other, reply); },
          51() { send(other, reply); },
          52() { send(own, reply, payload(Buffer.from('000041420000', 'hex'))); },
          53() { send(own, vlan({ id: 77 }), reply); },
        };
        ways[asked.target_ip.split('.')[3]]?.();
      }`;
    const { spawn } = await import('node:child_process');
    const [file = '', ...rest] = [
      ...net.behind(net.router),
      process.execPath,
      '--input-type=module',
      '-e',
      answer,
    ];
    const odd = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise((resolve) => odd.stderr.once('data', resolve));
    try {
      const lines = [
        '-x -r 1 -t 1500 10.77.1.50 10.77.1.64',
        '-x -g 10.77.1.51-10.77.1.52',
        '-x -g -Q 77 10.77.1.53',
        '-x -q -g 10.77.1.51',
      ];
      for (const line of lines) {
        const { stdout } = await ours(beside(line));
        expect(stdout).toContain('\t02:00:00:00:00:99');
        if (!has('arp-scan')) continue;
        expect(stdout, line).toBe(net.try_in(net.near, 'arp-scan', ...line.split(' ')).stdout);
      }
      const { stdout } = await ours([
        '-x',
        '-g',
        '-F',
        `\${mac}|\${hdrmac}|\${padding}|\${dup}`,
        '10.77.1.52',
      ]);
      expect(stdout).toMatch(/^02:00:00:00:00:99\|\|0+41420+\|\n/);
      // An answer from a VLAN that was not asked for does not count.
      expect(await ours(['-x', '-Q', '78', '10.77.1.53'])).toMatchObject({ code: 1, stdout: '' });
    } finally {
      odd.kill();
    }
  });

  test('targets of a file and of standard input, names, the last number of a range', async () => {
    const list = `# hosts\n10.77.1.1\n\n  10.77.1.7-9   # all of them\nlocalhost\n10.77.1.1\n`;
    const { writeFileSync, unlinkSync } = await import('node:fs');
    const path = `/tmp/bsd-sockets-arp-${process.pid}`;
    writeFileSync(path, list);
    const behind = net.behind(net.near);
    const runs = [
      await ours(['-I', 'near0', '-x', '-f', path]),
      await run(['arp-scan', '-I', 'near0', '-x', '-f', '-'], { behind, input: list }),
      await ours(['-x', '10.77.1.1', '10.77.1.7-9']),
    ];
    unlinkSync(path);
    for (const { code, stdout } of runs) {
      expect(code).toBe(0);
      expect(pairs(stdout)).toEqual(['10.77.1.1', '10.77.1.7', '10.77.1.9'].map((host) => `${host} ${mac}`));
    }
    const unknown = await ours(['-x', 'no-such-host.invalid', '10.77.1.1']);
    expect(unknown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^10\.77\.1\.1\t.*\n$/) });
    expect(unknown.stderr).toMatch(/^WARNING: no-such-host\.invalid: .* - target ignored\n$/);
  });

  test('-M: the exit code says whether enough answered', async () => {
    expect(await ours(['-x', '-M', '4', '10.77.1.0/24'])).toMatchObject({ code: 0 });
    expect(await ours(['-x', '-M', '5', '10.77.1.0/28'])).toMatchObject({ code: 1 });
  });

  test('-R: all targets, in another order', async () => {
    const { stdout } = await ours(['-x', '-R', '-i', '0', '10.77.1.0/24']);
    expect(pairs(stdout)).toEqual(HOSTS.map((host) => `${host} ${mac}`));
  });

  test('the ends of a prefix are hosts where the network is larger', async () => {
    net.in(net.router, 'ip', 'addr', 'add', '10.77.1.127/24', 'dev', 'left0');
    try {
      expect(pairs((await ours(['-x', '10.77.1.0/25'])).stdout)).toContain(`10.77.1.127 ${mac}`);
    } finally {
      net.in(net.router, 'ip', 'addr', 'del', '10.77.1.127/24', 'dev', 'left0');
    }
  });

  test('one address, as arping sees it', async () => {
    const mine = await ours(['-I', 'near0', '--json', '10.77.1.7']);
    const lines = mine.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines[0]).toMatchObject({
      type: 'answer',
      address: '10.77.1.7',
      mac,
      vendor: expect.any(String),
      duplicate: false,
      milliseconds: expect.any(Number),
    });
    expect(lines.at(-1)).toMatchObject({
      type: 'statistics',
      interface: 'near0',
      addresses: 1,
      answered: 1,
      duplicates: 0,
      dropped: 0,
    });
    if (!has('arping')) return;
    const theirs = net.try_in(net.near, 'arping', '-c', '1', '-I', 'near0', '10.77.1.7');
    expect(theirs.stdout.toLowerCase()).toContain(mac);
  });

  test('from an interface without an address', async () => {
    net.in(net.near, 'ip', 'addr', 'del', '10.77.1.2/24', 'dev', 'near0');
    try {
      const { code, stdout } = await ours(['-I', 'near0', '10.77.1.0/29']);
      expect(code).toBe(0);
      expect(pairs(stdout)).toEqual([`10.77.1.1 ${mac}`, `10.77.1.7 ${mac}`]);
      const undecided = await ours(['-I', 'near0']);
      expect(undecided).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('has no IPv4 address: which network?'),
      });
    } finally {
      net.in(net.near, 'ip', 'addr', 'add', '10.77.1.2/24', 'dev', 'near0');
    }
  });

  test('nobody is there', async () => {
    const { code, stdout } = await ours(['-x', '-t', '200', '10.77.1.64/28']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('Ctrl-C ends it with the statistics', async () => {
    const running = new Running(['arp-scan', '-i', '100'], { behind: net.behind(net.near) });
    await running.prints(/10\.77\.1\.1\t/);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended();
    expect(code).toBe(130);
    expect(stdout).toMatch(/\nEnding arp-scan .* 256 hosts scanned in .* \d+ responded\n$/);
  });

  test.each([
    [['-I', 'lo'], 2, /lo is not an Ethernet interface/],
    [['-I', 'no-such-device'], 2, /there is no interface "no-such-device", only lo, /],
    [
      ['-i', 'near0'],
      2,
      /option -i takes milliseconds, or microseconds as 500u, not "near0"; the interface is -I/,
    ],
    [['fd77::/120'], 2, /ARP is for IPv4 only/],
    [['10.0.0.0/99'], 2, /not a network/],
    [['10.0.0.0:255.0.255.0'], 2, /not a (mask of a )?network: /],
    [['10.0.0.9-7'], 2, /ends before it begins/],
    [['-N', 'localhost'], 2, /"localhost" is a name, which -N refuses/],
    [['no-such-host.invalid'], 2, /No hosts to process\./],
    [['-l', '10.77.1.1'], 2, /You can not specify targets with the --localnet option/],
    [['-f', '/no/such/file'], 2, /no such file or directory, stat '\/no\/such\/file'/],
    [['-f', '/'], 2, /^bsd-sockets arp-scan: \/ is a directory\n$/],
    [['-O', '/'], 2, /\/ is a directory/],
    [['-O', '/no/such/file'], 2, /no such file or directory/],
    [['-B', '0'], 2, /option -B takes bits a second, as 256000, 256K or 1M, not "0"/],
    [['-i', '1', '-B', '1K'], 2, /You cannot specify both --bandwidth and --interval/],
    [['-Q', '4096'], 2, /option -Q takes a whole number from 0 to 4095, not "4096"/],
    [['-s', '1.2.3'], 2, /option -s takes an IPv4 address or "dest", not "1\.2\.3"/],
    [['-u', '1:2'], 2, /option -u takes an address such as 02:00:00:00:00:01, not "1:2"/],
    [['-F', `\${nope}`], 2, /--format has no field "nope", only ip, /],
    [['-F', `\${ip;x}`], 2, /--format takes \$\{ip;WIDTH\}, not "ip;x"/],
    [['-F', `\${ip`], 2, /--format lacks a closing brace/],
    [['-t', '0'], 2, /option -t takes a whole number from 1 to 3600000, not "0"/],
    [['-r', '1.5'], 2, /option -r takes a whole number from 1 to 100, not "1.5"/],
    [['10.0.0.0/8'], 2, /more than 1048576 addresses/],
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
