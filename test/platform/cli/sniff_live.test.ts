// bsd-sockets sniff: what only a live capture has. Files that follow one another by time, packets written at once, directions,
// signals, interfaces by number.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { read_capture } from 'bsd-sockets/packet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const PCAP_HEADER = 24;
let net: Topology;
let folder: string;

beforeAll(() => {
  if (missing !== undefined) return;
  net = new Topology();
  folder = mkdtempSync(join(tmpdir(), 'sniff-live-'));
});
afterAll(() => {
  net?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

async function sniffing(...args: string[]): Promise<Running> {
  const running = new Running(['sniff', ...args], { behind: net.behind(net.near) });
  await running.prints(/listening on/);
  return running;
}

/** Sends datagrams from `near`, one each `interval` seconds. */
const send = (count: number, interval = 0) =>
  net.in(
    net.near,
    'bash',
    '-c',
    `for i in $(seq ${count}); do echo hello > /dev/udp/10.77.2.2/7777; sleep ${interval}; done`,
  );

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

describe('sniff, live', () => {
  test('-G: a file each second, named by the time', async () => {
    const pattern = join(folder, 'by-time-%Y%m%d-%H%M%S.pcap');
    const running = await sniffing('-i', 'near0', '-G', '1', '-w', pattern, '-c', '6', 'udp port 7777');
    send(6, 0.6);
    expect(await running.ended()).toMatchObject({ code: 0 });
    const names = readdirSync(folder).filter((name) => name.startsWith('by-time'));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(name).toMatch(/^by-time-\d{8}-\d{6}\.pcap$/);
    const packets = names.sort().flatMap((name) => [...read_capture(join(folder, name))]);
    expect(packets).toHaveLength(6);
    const times = packets.map(({ time_ns = 0n }) => time_ns);
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
  });

  test('-G 1 -W 1 ends by time, even if no packet comes', async () => {
    const file = join(folder, 'one-second.pcap');
    const running = await sniffing('-i', 'near0', '-G', '1', '-W', '1', '-w', file, 'udp port 1');
    const { code, stderr } = await running.ended();
    expect(code).toBe(0);
    expect(stderr).toMatch(/\nMaximum file limit reached: 1\n0 packets captured\n/);
    expect(statSync(file).size).toBe(PCAP_HEADER);
  });

  test('-C: files of a size', async () => {
    const file = join(folder, 'by-size.pcap');
    const running = await sniffing('-i', 'near0', '-C', '1', '-W', '3', '-w', file, 'icmp');
    // Each request and each answer has 60,000 bytes in fragments.
    net.in(net.near, 'ping', '-q', '-c', '12', '-i', '0.01', '-s', '60000', '10.77.1.1');
    await until(() => existsSync(`${file}1`));
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({ code: 0 });
    expect(statSync(`${file}0`).size).toBeGreaterThan(1_000_000);
    expect([...read_capture(`${file}1`)].length).toBeGreaterThan(0);
  });

  test('-U: each packet is in the file at once', async () => {
    const file = join(folder, 'at-once.pcap');
    const running = await sniffing('-i', 'near0', '-U', '-w', file, 'udp port 7777');
    send(1);
    await until(() => statSync(file).size > PCAP_HEADER);
    expect([...read_capture(file)]).toHaveLength(1);
    running.child.kill('SIGINT');
    expect(await running.ended()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('\n1 packet captured\n'),
    });
  });

  test('SIGUSR2 writes what is in memory, SIGUSR1 tells the numbers', async () => {
    const file = join(folder, 'flushed.pcap');
    const running = await sniffing('-i', 'near0', '-v', '-w', file, 'udp port 7777');
    send(2);
    // With -v and -w, the count is told each second.
    await running.prints(/Got 2\r/);
    expect(existsSync(file) && statSync(file).size).toBeLessThanOrEqual(PCAP_HEADER);
    running.child.kill('SIGUSR2');
    await until(() => statSync(file).size > PCAP_HEADER);
    running.child.kill('SIGUSR1');
    await running.prints(/2 packets captured, 2 packets received by filter, 0 packets dropped by kernel\n/);
    running.child.kill('SIGINT');
    const { stderr } = await running.ended();
    expect(stderr).toMatch(
      /\n2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n$/,
    );
  });

  test.each([
    ['in', 'reply'],
    ['out', 'request'],
    ['OUT', 'request'],
  ])('-Q %s', async (direction, kind) => {
    const running = await sniffing(
      '-i',
      'near0',
      '-t',
      '-Q',
      direction,
      '-c',
      '2',
      'icmp and net 10.77.0.0/16',
    );
    net.in(net.near, 'ping', '-c', '2', '-i', '0.2', '10.77.2.2');
    const lines = (await running.ended()).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain(`echo ${kind}`);
  });

  test('a packet of loopback is told once', async () => {
    for (const args of [['-i', 'lo'], []]) {
      const running = await sniffing('-t', ...args, '-c', '4', 'icmp');
      net.in(net.near, 'ping', '-c', '2', '-i', '0.2', '127.0.0.1');
      const { stdout } = await running.ended();
      expect(stdout.match(/request/g)).toHaveLength(2);
      expect(stdout.match(/reply/g)).toHaveLength(2);
    }
  });

  test('-i takes the number of -D', async () => {
    const list = (await run(['sniff', '-D'], { behind: net.behind(net.near) })).stdout;
    const number = /^(\d+)\.near0 /m.exec(list)?.[1] ?? '';
    const running = await sniffing('-i', number, '-c', '1', '-t', 'udp port 7777');
    expect(running.stderr).toMatch(/listening on near0, link-type EN10MB/);
    send(1);
    expect((await running.ended()).stdout).toMatch(
      /^IP 10\.77\.1\.2\.\d+ > 10\.77\.2\.2\.7777: UDP, length 6\n$/,
    );
  });

  test.each([['20'], ['60'], ['100']])(
    '-s %s keeps so many bytes, and the length on the wire',
    async (snaplen) => {
      const file = join(folder, `snap-${snaplen}.pcap`);
      const running = await sniffing('-i', 'near0', '-s', snaplen, '-c', '1', '-w', file, 'icmp');
      net.in(net.near, 'ping', '-c', '1', '-s', '500', '10.77.1.1');
      expect(await running.ended()).toMatchObject({ code: 0 });
      const [packet] = [...read_capture(file)];
      expect([packet?.data.length, packet?.length]).toEqual([Number(snaplen), 542]);
    },
  );

  test('a broken pipe ends it quietly', async () => {
    const script = `"${process.execPath}" "$0" sniff -l -i near0 udp port 7777 2>/dev/null | head -n 1`;
    const { fileURLToPath } = await import('node:url');
    const program = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
    const sender = new Running(['sniff', '-i', 'near0', '-c', '1', 'udp port 7777'], {
      behind: net.behind(net.near),
    });
    const piped = net.try_in.bind(net);
    await sender.prints(/listening/);
    const shell = `(for i in $(seq 100); do echo hello > /dev/udp/10.77.2.2/7777; sleep 0.1; done) & ${script.replace('"$0"', `"${program}"`)}; kill %1 2>/dev/null; true`;
    const { code, stdout } = piped(net.near, 'bash', '-c', shell);
    expect(code).toBe(0);
    expect(stdout).toMatch(/UDP, length 6\n$/);
    await sender.ended();
  });
});
