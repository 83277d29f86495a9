// bsd-sockets ping beside iputils' ping, through a router.
import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { program, Running, run } from '../../unit/cli/run.js';
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
  run(['ping', ...args], { behind: net.behind(net.near, uid) });

/** Returns the text without times, which differ from run to run. */
function timeless(text: string): string {
  return text
    .replaceAll(/time=[\d.]+ ms/g, 'time=T ms')
    .replaceAll(/time \d+ms/g, 'time T')
    .replaceAll(/= [\d./]+ ms(, pipe \d+)?/g, '= T ms')
    .replaceAll(/ewma [\d./]+ ms/g, 'ewma T ms')
    .replaceAll(/^\[[\d.]+\]/gm, '[T]')
    .replaceAll(/\d+ absolute/g, 'N absolute')
    .replaceAll(/^(TS: )?\t([\d.]+\t)?\d+$/gm, '$1\tN')
    .replaceAll(/^ai->.*\n/gm, '');
}

describe('ping', () => {
  test.each([
    ['192.0.2.1', 'Network is unreachable'],
    ['2001:db8::1', 'Cannot assign requested address'],
  ])('no way to %s: it cannot begin, as iputils', async (host, why) => {
    // A new namespace has no routes.
    const outcome = await run(['ping', '-c1', host], { behind: ['unshare', '-n'] });
    const stderr = `bsd-sockets ping: connect: ${why}\n`;
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr });
    if (!has('ping')) return;
    const theirs = spawnSync('unshare', ['-n', 'ping', '-c1', host], { encoding: 'utf8' });
    expect({ code: theirs.status, stdout: theirs.stdout }).toEqual({ code: outcome.code, stdout: '' });
  });

  test.each([
    ['-c3 -i0.1 10.77.2.2', 0],
    ['-c2 -i0.1 fd77:2::2', 0],
    ['-c2 -i0.1 -s 1000 10.77.2.2', 0],
    ['-c1 -s16 127.0.0.1', 0],
    ['-c3 -i0.1 -q 10.77.2.2', 0],
    ['-c2 -i0.1 -n -I near0 10.77.2.2', 0],
    ['-c2 -i0.1 -n -I 10.77.1.2 10.77.2.2', 0],
    ['-c2 -i0.1 -t1 10.77.2.2', 1],
    ['-c2 -i0.1 -t1 fd77:2::2', 1],
    ['-c1 10.77.3.1', 1],
    ['-c1 10.77.4.1', 1],
    ['-c1 fd77:3::1', 1],
    ['-c2 -i0.1 -W1 10.77.5.1', 1],
    ['-c5 -i0.2 -w1 10.77.5.1', 1],
    ['-c1 -p ff0a 10.77.2.2', 0],
    ['-c2 -i0.1 -a 10.77.2.2', 0],
    ['-c3 -i0.1 -O -W1 10.77.5.1', 1],
    ['-c3 -i0.1 -O -D -W1 10.77.5.1', 1],
    ['-c2 -i0.1 -D 10.77.2.2', 0],
    ['-c2 -i0.1 -R 10.77.2.2', 0],
    ['-c1 -R fd77:2::2', 0],
    ['-c2 -i0.1 -T tsonly 10.77.2.2', 0],
    ['-c2 -i0.1 -T tsandaddr 10.77.2.2', 0],
    ['-c1 -T tsprespec 10.77.1.1 10.77.2.2', 0],
    ['-c2 -i0.1 -M do -s 2000 10.77.2.2', 1],
    ['-c2 -i0.1 -M do -s 2000 fd77:2::2', 1],
    ['-c2 -i0.1 -M dont -s 2000 10.77.2.2', 0],
    ['-c2 -i0.1 -M want -s 2000 10.77.2.2', 0],
    ['-c5 -i0.2 -l 3 10.77.2.2', 0],
    ['-c2 -i0.1 -Q 0x10 10.77.2.2', 0],
    ['-c1 -m 5 10.77.2.2', 0],
    ['-c1 -v -e 77 10.77.2.2', 0],
    ['-c1 -v -e 77 10.77.3.1', 1],
    ['-c3 -A 10.77.2.2', 0],
    ['-c3 -i0 10.77.2.2', 0],
    ['-c9 -f -q 10.77.2.2', 0],
    ['-c1 -U 10.77.2.2', 0],
    ['-c1 -L -S 10000 10.77.2.2', 0],
  ])('%s says what iputils says', async (line, code) => {
    const args = line.split(' ');
    const theirs = has('ping') ? net.try_in(net.near, 'ping', ...args) : undefined;
    const mine = await ours(args);
    expect(mine.code).toBe(code);
    if (theirs === undefined) return;
    expect(theirs.code).toBe(code);
    expect(timeless(mine.stdout)).toBe(timeless(theirs.stdout));
    // iputils' -v also tells of its sockets; -M do has sent a first packet before the loop begins.
    if (!args.includes('-v'))
      expect(new Set(mine.stderr.split('\n'))).toEqual(new Set(theirs.stderr.split('\n')));
  });

  test('-f: a dot for each request, taken back by its answer', async () => {
    const { code, stdout } = await ours(['-f', '-c', '20', '10.77.2.2']);
    expect(code).toBe(0);
    const [, dots = ''] = stdout.split('\n');
    expect(dots.replaceAll('\b \b', '')).toMatch(/^\.{20,}$/);
    expect(dots.split('\b \b').length - 1).toBe(20);
    expect(stdout).toMatch(
      /\n--- .*\n\d+ packets transmitted, 20 received, .*\nrtt .*, ipg\/ewma [\d.]+\/[\d.]+ ms\n$/,
    );
    const lost = await ours(['-f', '-w1', '10.77.5.1']);
    expect(lost.code).toBe(1);
    const sent = Number(/(\d+) packets transmitted/.exec(lost.stdout)?.[1]);
    expect(lost.stdout.split('\n')[1]).toBe('.'.repeat(sent));
    expect((await ours(['-f', '-c1', '10.77.3.1'])).stdout).toContain('\n.\bE\n');
  });

  test('-b: a broadcast address only with it', async () => {
    const refused = await ours(['-c1', '10.77.1.255']);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('-b allows it') });
    const allowed = await ours(['-b', '-c1', '-w1', '10.77.1.255']);
    expect(allowed.stderr).toBe('WARNING: pinging broadcast address\n');
    if (has('ping'))
      expect(timeless(allowed.stdout)).toBe(
        timeless(net.try_in(net.near, 'ping', '-b', '-c1', '-w1', '10.77.1.255').stdout),
      );
  });

  test('-m, -Q and -M are in the packets', async () => {
    net.in(
      net.near,
      'nft',
      `add table ip m; add chain ip m out { type filter hook output priority 0; };
      add rule ip m out meta mark 5 ip dscp 4 ip frag-off & 0x4000 != 0 icmp type echo-request counter;`,
    );
    try {
      await ours(['-c2', '-i0.1', '-m', '5', '-Q', '0x10', '-M', 'do', '10.77.2.2']);
      expect(net.in(net.near, 'nft', 'list', 'table', 'ip', 'm')).toContain('counter packets 2 ');
    } finally {
      net.in(net.near, 'nft', 'delete', 'table', 'ip', 'm');
    }
  });

  test('-p: the data of the request', async () => {
    const { stdout } = await with_responder(net, () => ours(['-c1', '-p', 'a5', '10.77.2.100']));
    expect(stdout).toMatch(/^PATTERN: 0xa5\n[\s\S]*wrong data byte #20 should be 0xa5 but was 0x5a\n/);
  });

  test('SIGQUIT prints the counts so far, and it goes on', async () => {
    const running = new Running(['ping', '-i', '0.1', '10.77.2.2'], { behind: net.behind(net.near) });
    await running.prints(/icmp_seq=2/);
    running.child.kill('SIGQUIT');
    await running.prints(
      /\r\d+\/\d+ packets, \d+% loss, min\/avg\/ewma\/max = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms\n/,
    );
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 0 });
  });

  test.each([
    ['a wrong byte', '100', /wrong data byte #20 should be 0x14 but was 0xeb\n#16\t10 11 12 13 eb /],
    ['half of the data', '101', /^36 bytes from 10\.77\.2\.101: icmp_seq=1 ttl=63 \(truncated\)$/m],
    ['another host', '102', / bytes from 10\.77\.2\.2: .* ms \(DIFFERENT ADDRESS!\)$/m],
    [
      'a redirect before the reply',
      '103',
      /Redirect Host\(New nexthop: 10\.77\.2\.77\)\n[\s\S]* 0% packet loss/,
    ],
    ['a quench before the reply', '104', /Source Quench\n[\s\S]* 1 received, 0% packet loss/],
    ['a parameter problem', '105', /Parameter problem: pointer = 20\n[\s\S]*\+1 errors, 100% packet loss/],
  ])('%s (10.77.2.%s) is told', async (_, host, shown) => {
    const args = ['-c1', '-W2', `10.77.2.${host}`];
    await with_responder(net, async () => {
      const mine = await ours(args);
      expect(mine.stdout).toMatch(shown);
      if (!has('ping')) return;
      const theirs = net.try_in(net.near, 'ping', ...args);
      expect(mine.code).toBe(theirs.code);
      // iputils puts a colon and the time of sending here and there.
      const plain = (text: string) =>
        timeless(text)
          .replaceAll(/: icmp_seq/g, ' icmp_seq')
          .replaceAll('\n\n', '\n');
      expect(plain(mine.stdout)).toBe(plain(theirs.stdout));
    });
  });

  test('--json tells what is wrong with a reply', async () => {
    const first = async (host: string) =>
      JSON.parse(
        (await ours(['-c1', '--json', `10.77.2.${host}`])).stdout.split('\n')[0] as string,
      ) as object;
    await with_responder(net, async () => {
      expect(await first('100')).toMatchObject({ wrong_byte: { index: 20, expected: 0x14, got: 0xeb } });
      expect(await first('101')).toMatchObject({ type: 'reply', truncated: true });
      expect(await first('102')).toMatchObject({ from: '10.77.2.2', different_address: true });
      expect(await first('103')).toMatchObject({ type: 'notice', icmp_type: 5 });
    });
  });

  test('-c with -w goes on until so many answers came', async () => {
    const { code, stdout } = await ours(['-c1', '-w2', '-i0.2', '10.77.5.1']);
    expect(code).toBe(1);
    expect(Number(/(\d+) packets transmitted/.exec(stdout)?.[1])).toBeGreaterThan(1);
    // A host that comes up after a while.
    net.in(net.far, 'ip', 'addr', 'add', '10.77.2.50/24', 'dev', 'far0');
    net.in(net.router, 'ip', 'route', 'add', 'blackhole', '10.77.2.50/32');
    const waiting = new Running(['ping', '-c1', '-w60', '-i0.2', '10.77.2.50'], {
      behind: net.behind(net.near),
    });
    await waiting.prints(/PING/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    net.in(net.router, 'ip', 'route', 'del', 'blackhole', '10.77.2.50/32');
    expect(await waiting.ended()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 1 received') });
  });

  test('-i 0: as fast as it goes', async () => {
    const { code, stdout } = await ours(['-q', '-c', '20', '-i', '0', '10.77.2.2']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('20 received') });
  });

  test("the first time is the kernel's", async () => {
    for (let i = 0; i < 4; i++) {
      const { stdout } = await ours(['-c1', '--json', '10.77.2.2']);
      expect(JSON.parse(stdout.split('\n')[0] as string)).toMatchObject({ type: 'reply', clock: 'kernel' });
    }
  });

  test('large packets over IPv6, and no limits', async () => {
    expect(await ours(['-c1', '-s', '65527', '-W0', '-w0', '::1'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('65535 bytes from'),
    });
  });

  test('a link-local address without an interface: the only one', async () => {
    const mine = await ours(['-c1', net.link_local]);
    expect(mine).toMatchObject({ code: 0, stdout: expect.stringContaining(`${net.link_local}%near0`) });
    const router = await run(['ping', '-c1', 'fe80::1'], { behind: net.behind(net.router) });
    expect(router).toMatchObject({ code: 2, stdout: '' });
    expect(router.stderr).toMatch(/fe80::1 is a link-local address, on which link\? fe80::1%(left|right)0\n/);
  });

  test('a broadcast address needs -b', async () => {
    for (const host of ['10.77.1.255', '255.255.255.255']) {
      const refused = await ours(['-c1', host]);
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('-b allows it') });
    }
    const allowed = await ours(['-c1', '-w1', '-b', '10.77.1.255']);
    expect(allowed.stderr).toBe('WARNING: pinging broadcast address\n');
  });

  test('link-local addresses keep their interface', async () => {
    for (const host of [net.link_local, 'ff02::1']) {
      const args = ['-c1', `${host}%near0`];
      const mine = await ours(args);
      expect(mine).toMatchObject({ code: 0, stderr: '' });
      expect(mine.stdout).toMatch(/ bytes from fe80::\S+%near0: icmp_seq=1/);
      if (host !== 'ff02::1' && has('ping')) {
        expect(timeless(mine.stdout)).toBe(timeless(net.try_in(net.near, 'ping', ...args).stdout));
      }
    }
    expect(await ours(['-c1', 'fe80::1%nope'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('duplicates are counted', async () => {
    // Two hosts answer a multicast request.
    const { code, stdout } = await ours(['-c4', '-i0.2', '--json', 'ff02::1%near0']);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const duplicates = lines.filter(({ duplicate }) => duplicate === true);
    expect(duplicates.length).toBeGreaterThan(0);
    expect(lines.at(-1)).toMatchObject({ type: 'statistics', received: 4, duplicates: duplicates.length });
  });

  test('names, where there are some', async () => {
    const { code, stdout } = await ours(['-c1', '-4', 'localhost']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^PING localhost \(127\.0\.0\.1\) 56\(84\) bytes of data\.\n64 bytes from \S+ \(127\.0\.0\.1\): icmp_seq=1/,
    );
  });

  test('--json', async () => {
    const { code, stdout } = await ours(['-c2', '-i0.1', '--json', '10.77.2.2']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(0);
    expect(lines).toMatchObject([
      { type: 'reply', seq: 1, from: '10.77.2.2', bytes: 64, ttl: 63, duplicate: false },
      { type: 'reply', seq: 2 },
      { type: 'statistics', sent: 2, received: 2, errors: 0, duplicates: 0, loss_percent: 0 },
    ]);
    expect(lines[0]?.milliseconds).toBeGreaterThan(0);
    const failed = await ours(['-c1', '-t1', '--json', '10.77.2.2']);
    expect(JSON.parse(failed.stdout.split('\n')[0] as string)).toMatchObject({
      type: 'error',
      from: '10.77.1.1',
      icmp_type: 11,
      icmp_code: 0,
      message: 'Time to live exceeded',
    });
  });

  test('Ctrl-C ends it with the statistics', async () => {
    const running = new Running(['ping', '-i', '0.1', '10.77.2.2'], { behind: net.behind(net.near) });
    await running.prints(/icmp_seq=3/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /\n--- 10\.77\.2\.2 ping statistics ---\n\d+ packets transmitted, \d+ received, .*\nrtt min/,
    );
  });

  test('Ctrl-C before any answer is a failure', async () => {
    const running = new Running(['ping', '10.77.5.1'], { behind: net.behind(net.near) });
    await running.prints(/PING/);
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(' 100% packet loss'),
    });
  });

  describe('as another user', () => {
    test.each(['10.77.2.2', 'fd77:2::2'])(
      '%s by a datagram socket where the kernel allows it',
      async (host) => {
        net.permit_ping(true);
        const asked = ['-c2', '-i0.1', host];
        const mine = await ours(asked, NOBODY);
        expect(mine).toMatchObject({ code: 0, stderr: '' });
        expect(timeless(mine.stdout)).toBe(timeless((await ours(asked)).stdout));
      },
    );

    test.each([['-t1', '10.77.2.2'], ['-t1', 'fd77:2::2'], ['10.77.3.1'], ['fd77:3::1']])(
      'errors come, too: %j %j',
      async (...args) => {
        net.permit_ping(true);
        const asked = ['-c2', '-i0.1', ...args.filter((arg) => arg !== undefined)];
        const mine = await ours(asked, NOBODY);
        expect(mine).toMatchObject({ code: 1, stderr: '' });
        expect(mine.stdout).toContain('From ');
        expect(timeless(mine.stdout)).toBe(timeless((await ours(asked)).stdout));
      },
    );

    test.each([
      ['-f', /only root may send more often than each 2 ms: -i 0\.002/],
      ['-i0.001', /only root may send more often/],
      ['-l4', /only root may send more than 3 requests before any answer/],
    ])('%s is refused', async (option, message) => {
      net.permit_ping(true);
      const refused = await ours([option, '-c1', '10.77.2.2'], NOBODY);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toMatch(message);
    });

    test('a redirect names the new next hop, and -R shows the route', async () => {
      net.permit_ping(true);
      const { stdout } = await with_responder(net, () => ours(['-c1', '-W2', '10.77.2.103'], NOBODY));
      expect(stdout).toMatch(/Redirect Host\(New nexthop: 10\.77\.2\.77\)\n[\s\S]* 0% packet loss/);
      const routed = ['-c2', '-i0.1', '-R', '10.77.2.2'];
      expect(timeless((await ours(routed, NOBODY)).stdout)).toBe(timeless((await ours(routed)).stdout));
    });

    test('where the kernel does not allow it, it says what to do', async () => {
      net.permit_ping(false);
      const { code, stdout, stderr } = await ours(['-c1', '10.77.2.2'], NOBODY);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /^bsd-sockets ping: Operation not permitted .*CAP_NET_RAW.*ping_group_range.*\n$/,
      );
    });
  });

  test('on a terminal, a histogram', () => {
    const shell = `"${process.execPath}" "${program}" ping -c 20 -i 0.01 -q 10.77.2.2`;
    const [file = '', ...args] = [...net.behind(net.near), 'script', '-qec', shell, '/dev/null'];
    const output = execFileSync(file, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // The rest is for the binary under test, and its sanitizer.
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm' },
    });
    const bars = output.split('\n').filter((line) => /^\s+(≥ )?[\d.]+ ms /.test(line));
    const counts = bars.map((line) => Number(/(\d+)\s*$/.exec(line)?.[1]));
    // The last answers may come too late: ping waits for them as long as iputils, twice the longest time or the interval.
    const received = Number(/(\d+) received/.exec(output)?.[1]);
    expect(received).toBeGreaterThan(1);
    expect(counts.reduce((a, b) => a + b)).toBe(received);
    expect(output).toContain('█');
  });

  test.each([
    [['no-such-host.invalid'], 2, /^bsd-sockets ping: no-such-host\.invalid: /],
    [[], 2, /an argument is missing/],
    [['-4', 'fd77:2::2'], 2, /fd77:2::2: Address family for hostname not supported/],
    [['-c', '0', '127.0.0.1'], 2, /option -c takes a whole number from 1 to/],
    [['-I', '10.99.99.99', '127.0.0.1'], 2, /Cannot assign requested address/],
    [['-s', '70000', '127.0.0.1'], 2, /option -s takes a whole number from 0 to 65527/],
    [['-s', '65508', '127.0.0.1'], 2, /option -s takes at most 65507 for 127\.0\.0\.1/],
    [['-p', 'xyz', '127.0.0.1'], 2, /option -p takes pairs of hexadecimal digits, such as ff00, not "xyz"/],
    [['-p', '00'.repeat(17), '127.0.0.1'], 2, /option -p takes at most 16 bytes/],
    [['-Q', '300', '127.0.0.1'], 2, /option -Q takes a number from 0 to 255, or 0x0 to 0xff, not "300"/],
    [['-M', 'maybe', '127.0.0.1'], 2, /option -M takes one of do, dont, want, probe, not "maybe"/],
    [['-T', 'x', '127.0.0.1'], 2, /option -T takes one of tsonly, tsandaddr, tsprespec/],
    [['-T', 'tsprespec', '127.0.0.1'], 2, /-T tsprespec takes one to 4 addresses of routers before the host/],
    [['-T', 'tsprespec', '::1', '127.0.0.1'], 2, /-T tsprespec takes IPv4 addresses of routers, not "::1"/],
    [['-R', '-T', 'tsonly', '127.0.0.1'], 2, /-R and -T exclude each other/],
    [['127.0.0.1', '127.0.0.2'], 2, /what is "127\.0\.0\.2"\? It is one argument too many/],
    [['--live', '--json', '127.0.0.1'], 2, /--live and --json exclude each other/],
    [['-e', '65536', '127.0.0.1'], 2, /option -e takes a number from 0 to 65535/],
    [['-I', 'nope', '127.0.0.1'], 2, /there is no interface "nope", only lo, /],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await ours(args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });
});
