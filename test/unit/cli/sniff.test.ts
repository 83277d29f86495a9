// bsd-sockets sniff -r: capture files and pipes, without privilege.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnyDraft,
  build,
  ethernet,
  icmp,
  ipv4,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  payload,
  read_capture,
  udp,
  write_capture,
} from 'bsd-sockets/packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { with_time } from '../../../lib/cli/terminal/file_times.js';
import { Sequences } from '../../../lib/cli/terminal/lines/index.js';
import { program, Running, run } from './run.js';

const NOBODY = 65_534;
const as_root = process.getuid?.() === 0;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sniff-read-'));
  execFileSync('chmod', ['755', folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const frame = (layers: readonly AnyDraft[]) =>
  build(
    ethernet({ dst: '02:00:00:00:00:02', src: '02:00:00:00:00:01' }),
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }),
    ...layers,
  );
const PING = frame([icmp.echo({ id: 7, seq: 1 })]);
const DATAGRAM = frame([udp({ src_port: 9, dst_port: 40_000 }), payload('hello')]);
const PING_LINE = 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 8\n';
const DATAGRAM_LINE = 'IP 10.0.0.1.9 > 10.0.0.2.40000: UDP, length 5\n';
const TIME = 1_700_000_000_123_456_789n;

function capture(name: string, count = 1): string {
  const path = join(folder, name);
  const file = write_capture(path, { linktype: LINKTYPE_ETHERNET });
  for (let i = 0; i < count; i++) {
    file.write({ data: PING, time_ns: TIME });
    file.write({ data: DATAGRAM, time_ns: TIME + 1_500_000n });
  }
  file.close();
  return path;
}

describe('sniff -r', () => {
  test('filters without tcpdump, or any other program', async () => {
    const options = { env: { PATH: '/no/such/folder' } };
    expect(await run(['sniff', '-t', '-r', capture('user.pcap'), 'udp'], options)).toMatchObject({
      code: 0,
      stdout: DATAGRAM_LINE,
    });
  });

  test.each(['two.pcap', 'two.pcapng'])('prints the packets of %s', async (name) => {
    const outcome = await run(['sniff', '-tn', '-r', capture(name)]);
    expect(outcome).toMatchObject({ code: 0, stdout: PING_LINE + DATAGRAM_LINE });
    expect(outcome.stderr).toMatch(
      /^reading from file \S+, link-type EN10MB \(Ethernet\), snapshot length 262144\n$/,
    );
  });

  test('- is standard input', async () => {
    const input = readFileSync(capture('input.pcap'));
    expect(await run(['sniff', '-t', '-r', '-', 'udp'], { input })).toMatchObject({
      code: 0,
      stdout: DATAGRAM_LINE,
    });
  });

  test('needs no privilege', async () => {
    if (!as_root) return;
    const outcome = await run(['sniff', '-t', '-r', capture('user.pcap')], { uid: NOBODY });
    expect(outcome).toMatchObject({ code: 0, stdout: PING_LINE + DATAGRAM_LINE });
  });

  test.each([
    [['-c', '1'], PING_LINE],
    [['udp', 'port', '40000'], DATAGRAM_LINE],
    [['-f', 'icmp'], PING_LINE],
    [['--count'], '2 packets\n'],
    [['--count', 'udp'], '1 packet\n'],
    [['-#', '-c', '1'], `    1  ${PING_LINE}`],
    [['-N', '-l', '-nn', '-s', '0', '-U', '--immediate-mode', 'icmp'], PING_LINE],
    [['tcp', 'and', 'arp'], undefined],
  ])('%j', async (args, stdout) => {
    const outcome = await run(['sniff', '-t', '-r', capture('options.pcap'), ...args]);
    if (stdout !== undefined) expect(outcome).toMatchObject({ code: 0, stdout });
    else
      expect(outcome).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/the filter is wrong: no packet/),
      });
  });

  test('-F: an expression, or a program', async () => {
    const [path, expression, program_file] = [
      capture('f.pcap'),
      join(folder, 'expression'),
      join(folder, 'program'),
    ];
    writeFileSync(expression, 'udp\n');
    // ldh [12]; jeq #0x800; ldb [23]; jeq #1; ret 262144; ret 0
    writeFileSync(program_file, '6\n40 0 0 12\n21 0 3 2048\n48 0 0 23\n21 0 1 1\n6 0 0 262144\n6 0 0 0\n');
    expect((await run(['sniff', '-t', '-r', path, '-F', expression])).stdout).toBe(DATAGRAM_LINE);
    expect((await run(['sniff', '-t', '-r', path, '-F', program_file])).stdout).toBe(PING_LINE);
  });

  test('-w filters a file into another one', async () => {
    const to = join(folder, 'filtered.pcapng');
    expect(await run(['sniff', '-r', capture('from.pcap'), '-w', to, 'icmp'])).toMatchObject({
      code: 0,
      stdout: '',
    });
    const packets = [...read_capture(to)];
    expect(packets.map(({ data, time_ns }) => [data.toString('hex'), time_ns])).toEqual([
      [PING.toString('hex'), TIME],
    ]);
  });

  test('-w - of one is -r - of another', () => {
    const script = `"${process.execPath}" "${program}" sniff -r ${capture('pipe.pcap')} -w - icmp 2>/dev/null | "${process.execPath}" "${program}" sniff -t -r - 2>/dev/null`;
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe(PING_LINE);
  });

  test('--print prints beside -w', async () => {
    const to = join(folder, 'printed.pcap');
    expect((await run(['sniff', '-t', '-r', capture('p.pcap'), '-w', to, '--print', 'udp'])).stdout).toBe(
      DATAGRAM_LINE,
    );
    expect([...read_capture(to)]).toHaveLength(1);
  });

  test('--json has the interface and direction of pcapng', async () => {
    const path = join(folder, 'named.pcapng');
    const file = write_capture(path, { interfaces: [{ linktype: LINKTYPE_ETHERNET, name: 'eth7' }] });
    file.write({ data: PING, time_ns: TIME, direction: 'outbound' });
    file.close();
    const [line = ''] = (await run(['sniff', '--json', '-r', path])).stdout.split('\n');
    expect(JSON.parse(line)).toMatchObject({
      interface: 'eth7',
      direction: 'out',
      length: PING.length,
      summary: PING_LINE.trim(),
    });
  });

  test('a file of several link types: printed, written as pcapng, refused as pcap', async () => {
    const path = join(folder, 'mixed.pcapng');
    const file = write_capture(path, {
      interfaces: [{ linktype: LINKTYPE_ETHERNET }, { linktype: LINKTYPE_RAW }],
    });
    file.write({ data: PING, time_ns: TIME, interface: 0 });
    file.write({ data: PING.subarray(14), time_ns: TIME, interface: 1 });
    file.close();
    expect((await run(['sniff', '-t', '-r', path, 'icmp'])).stdout).toBe(PING_LINE + PING_LINE);
    const to = join(folder, 'mixed-copy.pcapng');
    expect(await run(['sniff', '-r', path, '-w', to])).toMatchObject({ code: 0 });
    expect([...read_capture(to)].map(({ linktype }) => linktype)).toEqual([LINKTYPE_ETHERNET, LINKTYPE_RAW]);
    const refused = await run(['sniff', '-r', path, '-w', join(folder, 'mixed.pcap')]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/link types 1 and 101: pcap holds one/),
    });
  });

  test.each([
    [
      'cut in a packet',
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 3),
      PING_LINE,
      /: byte 82: cut short\n$/,
    ],
    [
      'cut in the header of a packet',
      (bytes: Buffer) => bytes.subarray(0, 30),
      '',
      /: byte 24: cut short\n$/,
    ],
    [
      'cut in its first bytes',
      (bytes: Buffer) => bytes.subarray(0, 3),
      '',
      /cut short in its first bytes\n$/,
    ],
    ['empty', () => Buffer.alloc(0), '', /: an empty file\n$/],
    ['no capture', () => Buffer.from('#!/bin/sh\necho hello\n'), '', /neither pcap nor pcapng\n$/],
    [
      'of an impossible length',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(8, 0x7f)]),
      '',
      /a packet of \d+ bytes: at most/,
    ],
  ])(
    'a file that is %s: what is whole is printed, then a line, exit code 1',
    async (_, change, stdout, message) => {
      const path = join(folder, 'broken.pcap');
      writeFileSync(path, change(readFileSync(capture('whole.pcap'))));
      const outcome = await run(['sniff', '-t', '-r', path]);
      expect(outcome).toMatchObject({ code: 1, stdout });
      expect(outcome.stderr).toMatch(message);
      expect(outcome.stderr).not.toContain('    at ');
      // The same of tcpdump, if it is there.
      const theirs = spawnSync('tcpdump', ['-nt', '-r', path]);
      if (theirs.error === undefined)
        expect({ status: theirs.status, stdout: String(theirs.stdout) }).toEqual({ status: 1, stdout });
    },
  );

  test('a capture without packets is none that is wrong', async () => {
    const path = join(folder, 'none.pcap');
    write_capture(path).close();
    expect(await run(['sniff', '-r', path])).toMatchObject({ code: 0, stdout: '' });
  });

  test('a pipe that never ends is ended by Ctrl-C', async () => {
    const running = new Running(['sniff', '-t', '-r', '-'], { input: 'open' });
    running.child.stdin?.write(readFileSync(capture('endless.pcap')));
    await running.prints(/UDP, length 5/);
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 0, signal: null, stdout: PING_LINE + DATAGRAM_LINE });
  });

  test('a FIFO whose writer stays silent is ended by Ctrl-C', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const running = new Running(['sniff', '-t', '-r', fifo, '-w', join(folder, 'of-fifo.pcap'), '--print']);
    const { open } = await import('node:fs/promises');
    const writer = await open(fifo, 'w');
    await writer.write(readFileSync(capture('of.pcap')));
    await running.prints(/UDP, length 5/);
    running.child.kill('SIGTERM');
    expect(await running.ended()).toMatchObject({ code: 0, signal: null });
    await writer.close();
    expect([...read_capture(join(folder, 'of-fifo.pcap'))]).toHaveLength(2);
  });

  test('a large file takes no more memory than a small one', () => {
    const path = capture('large.pcap', 150_000);
    expect(statSync(path).size).toBeGreaterThan(15_000_000);
    const script = `const { execFileSync } = require('node:child_process'); process.argv.splice(1, 1);
      process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n')); require(${JSON.stringify(program)});`;
    const peak = (file: string) => {
      const { stderr } = spawnSync(
        process.execPath,
        ['-e', script, '--', 'x', 'sniff', '-r', file, '-w', '/dev/null'],
        { encoding: 'utf8' },
      );
      return Number(/peak (\d+)/.exec(stderr)?.[1]);
    };
    const small = peak(capture('small.pcap'));
    expect(small).toBeGreaterThan(0);
    // In KiB. The garbage of 300,000 packets is collected in between.
    expect(peak(path) - small).toBeLessThan(64 * 1024);
  });

  test('-C and -W: files of a size, numbered, of which the last ones are kept', async () => {
    const path = capture('many.pcap', 20_000);
    const part = join(folder, 'part.pcap');
    expect(await run(['sniff', '-r', path, '-w', part, '-C', '1'])).toMatchObject({ code: 0 });
    const parts = readdirSync(folder).filter((name) => /^part\.pcap\d*$/.test(name));
    expect(parts.sort()).toEqual(['part.pcap', 'part.pcap1', 'part.pcap2']);
    for (const name of ['part.pcap', 'part.pcap1']) {
      const { size } = statSync(join(folder, name));
      expect(size).toBeGreaterThan(1_000_000);
      expect(size).toBeLessThan(1_000_100);
    }
    expect(parts.flatMap((name) => [...read_capture(join(folder, name))])).toHaveLength(40_000);
    const ring = join(folder, 'ring.pcap');
    expect(await run(['sniff', '-r', path, '-w', ring, '-C', '1', '-W', '2'])).toMatchObject({ code: 0 });
    expect(readdirSync(folder).filter((name) => name.startsWith('ring'))).toEqual([
      'ring.pcap0',
      'ring.pcap1',
    ]);
    // The third one took the place of the first.
    expect(statSync(`${ring}0`).size).toBe(statSync(`${part}2`).size);
  });

  test.each([
    [['-r', 'x', '-i', 'lo'], /-r and -i exclude each other/],
    [['-r', 'x', '-Q', 'in'], /-r and -Q exclude each other/],
    [['-r', 'x', '-B', '64'], /-r and -B exclude each other/],
    [['-r', 'x', '-p'], /-r and -p exclude each other/],
    [['--count'], /--count needs -r/],
    [['--count', '-r', 'x', '-w', 'y'], /--count and -w exclude each other/],
    [['-C', '1'], /-C needs -w/],
    [['-G', '1'], /-G needs -w/],
    [['-W', '1'], /-W needs -w/],
    [['-W', '1', '-w', 'x'], /-W needs -C or -G/],
    [['-C', '1', '-w', '-'], /-C and -G need a file/],
    [['-C', '0', '-w', 'x'], /option -C takes a whole number from 1/],
    [['--print'], /--print needs -w/],
    [['--json', '-X', '-r', 'x'], /--json and -X exclude each other/],
    [['-tttttt', '-r', 'x'], /-t is given at most five times/],
    [['-v=1', '-r', 'x'], /option -v|unknown option|takes no value/],
    [['-r', '/no/such/file'], /no such file or directory/],
    [['-r', '/'], /\/ is a directory/],
    [['-r', 'x', 'host', 'x', 'und'], /no such file|the filter is wrong/],
  ])('%j is refused', async (args, message) => {
    const outcome = await run(['sniff', ...args]);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  test('-D lists the interfaces as tcpdump does', async () => {
    const { code, stdout } = await run(['sniff', '-D']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.lo \[Up, Running, Loopback\]$/m);
    expect(stdout).toMatch(/^\d+\.any \(Pseudo-device that captures on all interfaces\) \[Up, Running\]$/m);
    const theirs = spawnSync('tcpdump', ['-D'], { encoding: 'utf8' });
    if (theirs.status !== 0) return;
    // Behind those that are up, tcpdump has sources that are no interfaces as well.
    const up = (text: string) => text.split('\n').filter((line) => line.includes('[Up'));
    expect(up(stdout)).toEqual(up(theirs.stdout));
  });
});

describe('names of files by the time', () => {
  const FORMATS =
    '%Y-%m-%d_%H.%M.%S %y %j %e %I %p %a %A %b %B %C %D %F %T %R %u %w %U %W %V %G %g %s %% %h %k %l %r %z %c %x %X %P %Q';
  test.each([
    new Date(2026, 0, 1, 0, 0, 0),
    new Date(2024, 11, 30, 13, 5, 9),
    new Date(2023, 0, 1, 12, 59, 59),
    new Date(2021, 0, 3, 23, 0, 1),
    new Date(2020, 1, 29, 11, 30, 30),
    new Date(2027, 11, 31, 23, 59, 59),
  ])('%s', (date) => {
    const script = 'import time, sys; print(time.strftime(sys.argv[2], time.localtime(int(sys.argv[1]))))';
    const right = execFileSync('python3', ['-c', script, String(date.getTime() / 1000), FORMATS], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    expect(with_time(FORMATS, date)).toBe(right.slice(0, -1));
  });
});

test('no more than 65,536 connections are remembered', () => {
  const sequences = new Sequences();
  const ends = (i: number) =>
    [
      { host: `10.${i >>> 8}.${i & 255}.1`, port: 5 },
      { host: '10.0.0.1', port: 9 },
    ] as const;
  for (let i = 0; i < 65_537; i++) sequences.relative(...ends(i), false, 100, 200);
  expect(sequences.relative(...ends(65_536), false, 101, 201).seq).toBe(1);
  // The first one is forgotten, so its numbers are absolute again.
  expect(sequences.relative(...ends(0), false, 101, 201).seq).toBe(101);
});
