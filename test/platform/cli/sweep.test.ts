// bsd-sockets sweep beside fping, through a router.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Returns the text without times, which differ from run to run. */
const timeless = (text: string) =>
  text
    .replaceAll(/^\[[\d.]+\]/gm, '[T]')
    .replaceAll(/[\d.]+ ms/g, 'T ms')
    .replaceAll(/\([\d.]+ avg/g, '(T avg')
    .replaceAll(/max = [\d./]+/g, 'max = T')
    .replaceAll(/[\d.]+ sec/g, 'T sec')
    .replaceAll(/ : ([\d.]+ ?)+$/gm, ' : T');

const ALIVE = ['10.77.2.1', '10.77.2.2', '10.77.2.20', '10.77.2.33', '10.77.2.99'];

describe('sweep', () => {
  // Lines of several targets come in the order of the answers, which a busy machine changes, so they are sorted.
  test.each([
    ['10.77.2.2 10.77.2.20', 0],
    ['-r1 -t100 10.77.2.2 10.77.5.1 10.77.3.1', 1],
    ['-r0 -t100 -a 10.77.2.2 10.77.5.1', 1],
    ['-r0 -t100 -u 10.77.2.2 10.77.5.1', 1],
    ['-e 10.77.2.2', 0],
    ['-a -e 10.77.2.2 10.77.2.33', 0],
    ['-c2 -p300 10.77.2.2 10.77.5.1', 1],
    ['-C2 -p300 10.77.2.2 10.77.5.1 10.77.2.33', 1],
    ['-q -c2 -p200 10.77.2.2 10.77.5.1', 1],
    ['-q -C2 -p200 10.77.2.2 10.77.5.1', 1],
    ['-s -r1 -t200 10.77.2.2 10.77.5.1', 1],
    ['-s -c2 -p300 10.77.2.2 10.77.5.1', 1],
    ['-d 127.0.0.1 10.77.2.2', 0],
    ['-n 127.0.0.1', 0],
    ['-A localhost', 0],
    ['-c1 10.77.3.1', 1],
    ['-c1 10.77.4.1', 1],
    ['-c1 -D 10.77.2.2', 0],
    ['-c1 -o -p300 10.77.2.2 10.77.5.1', 1],
    ['-q 10.77.2.2', 0],
    ['-x1 -r0 10.77.2.2 10.77.5.1', 0],
    ['-x2 -r0 -t100 10.77.2.2 10.77.5.1', 1],
    ['-b 2000 10.77.2.2', 0],
    ['-M -b 2000 10.77.2.2', 1],
    ['-r0 -H1 10.77.2.2', 1],
    ['-c1 fd77:2::2 10.77.2.2', 0],
    ['-4 fd77:2::2', 2],
    ['-r0 10.77.2.2 no-such-host.invalid', 2],
  ])('%s says what fping says', async (line, code) => {
    const args = line.split(' ');
    const mine = await ours(args);
    expect(mine.code).toBe(code);
    if (!has('fping')) return;
    const theirs = net.try_in(net.near, 'fping', ...args);
    expect(theirs.code).toBe(code);
    const plain = ({ stdout, stderr }: { stdout: string; stderr: string }) => [
      sorted(timeless(stdout)),
      sorted(timeless(stderr)),
    ];
    if (code === 2) expect(sorted(mine.stdout)).toEqual(sorted(theirs.stdout));
    else expect(plain(mine)).toEqual(plain(theirs));
  });

  // The clock of the program is 150 ms slow, so a time that it took is 150 ms too long.
  test.each(['-C3 -p50', '-i0 -C2 -p100'])("the times are the kernel's: %s", async (options) => {
    const slow = 'const now = performance.now.bind(performance); performance.now = () => now() - 150;';
    const { stdout, code } = await run(['sweep', ...options.split(' '), '10.77.2.2', '10.77.2.20'], {
      behind: net.behind(net.near),
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(slow)}` },
    });
    expect(code).toBe(0);
    const times = [...stdout.matchAll(/([\d.]+) ms \(/g)].map(([, ms]) => Number(ms));
    expect(times.length).toBeGreaterThanOrEqual(4);
    for (const ms of times) expect(ms).toBeLessThan(100);
  });

  test('-l goes on until Ctrl-C, with a summary', async () => {
    const running = new Running(['sweep', '-l', '-p', '100', '10.77.2.2', '10.77.5.1'], {
      behind: net.behind(net.near),
    });
    await running.prints(/10\.77\.5\.1 : \[2\], timed out/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^10\.77\.2\.2 : \[0\], 64 bytes, [\d.]+ ms \([\d.]+ avg, 0% loss\)$/m);
    expect(timeless(stderr)).toMatch(
      /^\n10\.77\.2\.2 : xmt\/rcv\/%loss = (\d+)\/\1\/0%, min\/avg\/max = T\n10\.77\.5\.1 : xmt\/rcv\/%loss = \d+\/0\/100%\n$/,
    );
  });

  test('-Q: a summary at intervals', async () => {
    const running = new Running(['sweep', '-l', '-Q', '0.3', '-p', '100', '10.77.2.2'], {
      behind: net.behind(net.near),
    });
    const summary = /\[\d\d:\d\d:\d\d\]\n10\.77\.2\.2 : xmt\/rcv\/%loss = \d+\/\d+\/\d+%/;
    await running.prints(new RegExp(`${summary.source}[\\s\\S]*${summary.source}`));
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 0, stdout: '' });
  });

  test('targets of a file, of standard input, and of both forms of -g', async () => {
    const text = '10.77.2.2\n# nobody\n\n  10.77.2.33 the printer\n';
    const expected = ['10.77.2.2 is alive', '10.77.2.33 is alive'];
    const near = net.behind(net.near);
    const dir = mkdtempSync(join(tmpdir(), 'bsdc-sweep-'));
    writeFileSync(join(dir, 'hosts'), text);
    try {
      for (const args of [['-f', join(dir, 'hosts')], ['-f', '-'], []]) {
        const { code, stdout } = await run(['sweep', ...args], { behind: near, input: text });
        expect({ code, lines: sorted(stdout) }).toEqual({ code: 0, lines: expected });
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
    for (const operands of [['10.77.2.1', '10.77.2.2'], ['10.77.2.0/30']]) {
      expect(addresses((await ours(['-g', ...operands])).stdout)).toEqual(['10.77.2.1', '10.77.2.2']);
    }
  });

  test.each([
    ['10.77.2.1-2', ['10.77.2.1', '10.77.2.2']],
    ['10.77.2.1-10.77.2.2', ['10.77.2.1', '10.77.2.2']],
    ['10.77.2.0/255.255.255.252', ['10.77.2.1', '10.77.2.2']],
    ['10.77.2.0:255.255.255.252', ['10.77.2.1', '10.77.2.2']],
    ['10.77.2.2 10.77.2.0/30 10.77.2.33', ['10.77.2.1', '10.77.2.2', '10.77.2.33']],
    ['fd77:2::/126 10.77.2.2', ['10.77.2.2', 'fd77:2::1', 'fd77:2::2']],
    ['-6 fd77:2::1 ::1', ['::1', 'fd77:2::1']],
    ['-4 10.77.2.1 localhost', ['10.77.2.1', 'localhost']],
  ])('%s', async (line, expected) => {
    const { code, stdout } = await ours(['-t', '300', ...line.split(' ')]);
    expect({ code, found: addresses(stdout) }).toEqual({ code: 0, found: expected });
  });

  test('of a network those that answer, in a line what was done; -u: the others', async () => {
    const mine = await ours(['-r1', '10.77.2.0/24']);
    expect(mine.code).toBe(0);
    expect(addresses(mine.stdout)).toEqual([...ALIVE].sort());
    expect(mine.stderr).toMatch(
      /^254 addresses: 5 answered, \d+ unreachable, \d+ silent; \d+ requests in [\d.]+ s\n$/,
    );
    const silent = await ours(['-u', '-r0', '-t100', '10.77.5.0/30']);
    expect(silent).toMatchObject({ code: 1, stdout: '10.77.5.1\n10.77.5.2\n' });
    if (!has('fping')) return;
    const theirs = net.try_in(net.near, 'fping', '-a', '-q', '-r', '1', '-i', '1', '-g', '10.77.2.0/24');
    expect(addresses(mine.stdout)).toEqual(sorted(theirs.stdout));
  });

  test('a host that comes up between two requests is alive', async () => {
    net.in(net.far, 'ip', 'addr', 'add', '10.77.2.60/24', 'dev', 'far0');
    net.in(net.router, 'ip', 'route', 'add', 'unreachable', '10.77.2.60/32');
    const waiting = new Running(['sweep', '-r', '100', '-B', '1', '-t', '300', '10.77.2.60'], {
      behind: net.behind(net.near),
    });
    await waiting.prints(/ICMP Host Unreachable from 10\.77\.1\.1 for ICMP Echo sent to 10\.77\.2\.60/);
    net.in(net.router, 'ip', 'route', 'del', 'unreachable', '10.77.2.60/32');
    expect(await waiting.ended()).toMatchObject({ code: 0, stdout: '10.77.2.60 is alive\n' });
    net.in(net.far, 'ip', 'addr', 'del', '10.77.2.60/24', 'dev', 'far0');
  });

  test.each(['0', '10', '0.2'])('-i %s: 500 addresses, all of them', async (interval) => {
    const count = interval === '10' ? 50 : 500;
    const last = `127.0.${Math.floor(count / 256)}.${count % 256}`;
    const { code, stdout, stderr } = await ours(['-i', interval, `127.0.0.1-${last}`]);
    expect(code, stderr).toBe(0);
    expect(new Set(addresses(stdout)).size).toBe(count);
  });

  test('an interval is kept', async () => {
    const { stdout } = await ours(['-i', '10', '--json', '127.0.0.1-127.0.0.50']);
    const { seconds } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as { seconds: number };
    expect(seconds).toBeGreaterThan(0.4);
  });

  test('IPv6, --json', async () => {
    const { code, stdout } = await ours(['--json', '-r1', 'fd77:2::/125']);
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

  test('-u tells why a router refused, once for an address of a network', async () => {
    const { code, stdout, stderr } = await ours(['-u', '10.77.4.0/30']);
    expect(code).toBe(1);
    expect(sorted(stdout)).toEqual(['10.77.4.1', '10.77.4.2']);
    const told = (host: number) =>
      `ICMP Unreachable (Communication Administratively Prohibited) from 10.77.1.1 for ICMP Echo sent to 10.77.4.${host}`;
    expect(sorted(stderr)).toEqual([
      expect.stringMatching(/^2 addresses: 0 answered, 2 unreachable, 0 silent; 2 requests/),
      told(1),
      told(2),
    ]);
  });

  test('nobody is there', async () => {
    const { code, stdout, stderr } = await ours(['-t', '100', '-r', '2', '10.77.5.0/28']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^14 addresses: 0 answered, 0 unreachable, 14 silent; 42 requests/);
  });

  test.each([
    ['sweep', ['-i0', '-r0', '-q', '10.77.1.3-10.77.1.250']],
    ['arp-scan', ['-I', 'near0', '-i', '1u', '-r', '1', '-t', '10', '10.77.1.3-10.77.1.250']],
  ])('%s: a full queue of the interface loses no request', async (command, args) => {
    // The queue holds a few frames, and lets 200 kbit a second through.
    net.in(net.near, ...'tc qdisc add dev near0 root tbf rate 200kbit burst 1600 limit 1600'.split(' '));
    // Requests to hosts that are not there leave at once: their neighbours are known.
    const neighbours = Array.from(
      { length: 248 },
      (_, i) => `neigh replace 10.77.1.${i + 3} lladdr 02:00:00:00:00:01 dev near0\n`,
    ).join('');
    execFileSync('ip', ['-n', net.near, '-batch', '-'], { input: neighbours });
    const packets = () =>
      Number(
        /Sent \d+ bytes (\d+) pkt \(dropped (\d+)/.exec(
          net.in(net.near, 'tc', '-s', 'qdisc', 'show', 'dev', 'near0'),
        )?.[1],
      );
    try {
      const before = packets();
      const { stderr } = await run([command, ...args], { behind: net.behind(net.near) });
      expect(stderr).not.toMatch(/No buffer space|error/);
      await expect.poll(packets, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 248);
    } finally {
      net.in(net.near, 'tc', 'qdisc', 'del', 'dev', 'near0', 'root');
      net.in(net.near, 'ip', 'neigh', 'flush', 'dev', 'near0');
    }
  });

  test('as another user, by a datagram socket where the kernel allows it', async () => {
    net.permit_ping(true);
    const allowed = await ours(['-r1', '10.77.2.0/25'], NOBODY);
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
    const running = new Running(['sweep', '-i', '20', '127.0.0.0/16'], { behind: net.behind(net.near) });
    await running.prints(/127\.0\.0\.10 /);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended();
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /^65534 addresses: \d+ answered, 0 unreachable, \d+ silent; \d+ requests in [\d.]+ s\n$/,
    );
  });

  test('a progress bar on a terminal only', async () => {
    const args = ['sweep', '-i', '2', '-q', '127.0.0.1-127.0.0.250'];
    expect((await run(args, { behind: net.behind(net.near) })).stderr).not.toContain('\r');
    const shell = `"${process.execPath}" "${program}" ${args.join(' ')}`;
    const [file = '', ...rest] = [...net.behind(net.near), 'script', '-qec', shell, '/dev/null'];
    const output = execFileSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(output).toMatch(/\r█+░+ +\d+ % {2}\d+ answered/);
  });

  test('a redirect or a source quench before the reply is no answer', async () => {
    const { code, stdout } = await with_responder(net, () => ours(['10.77.2.103-10.77.2.104']));
    expect({ code, lines: sorted(stdout) }).toEqual({
      code: 0,
      lines: ['10.77.2.103 is alive', '10.77.2.104 is alive'],
    });
  });

  test('a second reply is told in the words of fping', async () => {
    await with_responder(net, async () => {
      const args = ['-c2', '-p200', '10.77.2.106'];
      const mine = await ours(args);
      expect(mine.stderr).toMatch(/^10\.77\.2\.106 : duplicate for \[0\], 64 bytes, [\d.]+ ms$/m);
      expect(mine).toMatchObject({ code: 0, stderr: expect.stringContaining('= 2/2/0%') });
    });
  });

  test.each([
    [['10.0.0.0/4'], /has more than 1048576 addresses/],
    [['10.0.0.0/12', '11.0.0.0/24'], /the targets have more than 1048576 addresses/],
    [['10.0.0.0/33'], /not a network: "10\.0\.0\.0\/33"/],
    [['10.0.0.0/x'], /not a network/],
    [['10.0.0.0/255.0.255.0'], /not a network/],
    [['localhost/24'], /not an address: "localhost"/],
    [['10.0.0.1-5-9'], /not a range/],
    [['10.0.0.1-999'], /not an address: "10\.0\.0\.999"/],
    [['10.0.0.9-10.0.0.1'], /ends before it begins/],
    [['10.0.0.9-1'], /ends before it begins/],
    [['10.0.0.9-::1'], /of one family/],
    [['-4', 'fd00::/120'], /fd00::\/120 is of the other family/],
    [['-i', '-1', '127.0.0.1'], /option -i takes a number from 0 to 3600000/],
    [['-t', '0', '127.0.0.1'], /option -t takes a number from 1 to 3600000/],
    [['-r', '101', '127.0.0.1'], /option -r takes a whole number from 0 to 100/],
    [['-O', '300', '127.0.0.1'], /option -O takes a number from 0 to 255, or 0x0 to 0xff, not "300"/],
    [['-a', '-u', '127.0.0.1'], /-a and -u exclude each other/],
    [['-c1', '-l', '127.0.0.1'], /-c, -C and -l exclude each other/],
    [['--live', '--json', '127.0.0.1'], /--live and --json exclude each other/],
    [
      ['-g', '10.0.0.1', '10.0.0.2', '10.0.0.3'],
      /option -g takes a network, or the first and the last address/,
    ],
    [['-f', '/no/such', '127.0.0.1'], /targets come from -f or from the arguments/],
    [['-f', '/no/such'], /no such file/],
    [['-S', '10.99.99.99', '127.0.0.1'], /Cannot assign requested address/],
    [[], /an argument is missing, and standard input has no target/],
  ])('%j fails with a line', async (args, message) => {
    const outcome = await ours(args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });
});
