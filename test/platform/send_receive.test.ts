/** send_receive between two network namespaces: every kind of answer, none, retries, and what ends it. One program sends it all. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

interface Result {
  answers: (string[] | null)[];
  unanswered: number;
  fields: Record<string, unknown>[];
  seconds: number[];
  took: number;
  problems: unknown[];
  checksums: boolean;
}
let results: Record<string, Result & Record<string, unknown>> = {};
let missing: string | undefined;

// A router there, so that packets can live too short for the way.
const SCRIPT = `
. "$1"
add_addresses
there sh -c '
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
  echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
  echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
  echo 10000 >/proc/sys/net/ipv4/icmp_msgs_per_sec
  ip route add 192.0.2.0/24 via 10.0.0.77
  ip route add fd01::/64 via fd00::77'
ip route add 192.0.2.0/24 via 10.0.0.2
ip route add fd01::/64 via fd00::2
"$2" "$3" $peer $(there cat /sys/class/net/there/address 2>/dev/null || there ip -br link show there | awk '{ print $3 }')
`;

beforeAll(() => {
  const absent = ['unshare', 'nsenter', 'ip', 'python3', 'tcpdump'].filter((program) => !has(program));
  if (absent.length > 0) missing = `needs ${absent.join(', ')}`;
  else if (spawnSync('unshare', ['-mn', 'true']).status !== 0) missing = 'needs network namespaces: root';
  if (missing !== undefined) return;
  const args = [
    '-mn',
    'sh',
    '-c',
    SCRIPT,
    'sh',
    fixture('veth.sh'),
    process.execPath,
    fixture('exchange.mjs'),
  ];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  if (status === 77) missing = `needs veth pairs: ${stderr}`;
  else if (status !== 0) throw new Error(stderr);
  else results = JSON.parse(stdout);
}, 70_000);

beforeEach((context) => context.skip(missing !== undefined, missing));

describe('answers', () => {
  test('of echo and timestamp, from an address that the kernel chooses', () => {
    expect(results.echo).toMatchObject({
      answers: [
        ['ipv4', 'icmp echo_reply', 'payload'],
        ['ipv4', 'icmp echo_reply'],
        ['ipv6', 'icmpv6 echo_reply', 'payload'],
        ['ipv4', 'icmp timestamp_reply'],
      ],
      problems: [],
      checksums: true,
    });
    for (const seconds of results.echo?.seconds ?? []) expect(seconds).toBeLessThan(2);
  });

  test('of ports, open and closed', () => {
    expect(results.ports?.answers).toEqual([
      ['ipv4', 'tcp'],
      ['ipv6', 'tcp'],
      ['ipv4', 'tcp'],
      ['ipv4', 'udp', 'payload'],
      ['ipv4', 'icmp destination_unreachable'],
      ['ipv6', 'icmpv6 destination_unreachable'],
    ]);
    const flags = results.ports?.fields.map((fields) => fields.flags).filter((value) => value !== undefined);
    expect(flags?.sort()).toEqual([0x12, 0x12, 0x14]);
  });

  test('by errors that quote the packet', () => {
    expect(results.route?.answers).toEqual([
      ...Array.from({ length: 4 }, () => ['ipv4', 'icmp time_exceeded']),
      ...Array.from({ length: 2 }, () => ['ipv6', 'icmpv6 time_exceeded']),
    ]);
  });

  test('of frames: ARP, neighbours; and none to what is wrong on purpose', () => {
    expect(results.frames?.answers).toEqual([
      ['ethernet', 'arp'],
      ['ethernet', 'ipv6', 'icmpv6 neighbor_advertisement'],
      ['ethernet', 'ipv4', 'icmp echo_reply'],
      ['ethernet', 'ipv4', 'icmp echo_reply'],
      null,
      null,
    ]);
    expect(results.frames?.fields[0]).toMatchObject({
      operation: 2,
      sender_ip: '10.0.0.2',
      target_ip: '10.0.0.1',
    });
  });

  test('of a thousand at once', () => {
    expect(results.many).toMatchObject({ unanswered: 0, fields: 1000 });
  });
});

describe('time', () => {
  test('what is not answered is tried again', () => {
    expect(results.retries).toMatchObject({ answers: [null], unanswered: 1 });
    expect(results.retries?.took).toBeGreaterThanOrEqual(0.6);
  });

  test('an interval between packets', () => {
    expect(results.interval?.unanswered).toBe(0);
    expect(results.interval?.took).toBeGreaterThanOrEqual(0.2);
  });

  test('a signal ends it', () => {
    expect(results).toMatchObject({ abort: 'TimeoutError', aborted: 'mine' });
  });
});

test('errors of the kernel, and nothing to do', () => {
  expect(results).toMatchObject({
    no_interface: 'ENODEV',
    too_long: 'EMSGSIZE',
    none: { answered: [], unanswered: [] },
  });
});

test('attach_filter takes what tcpdump -ddd prints', () => {
  expect(results.filter).toEqual({ names: ['ethernet', 'ipv4', 'icmp echo_reply'], id: 9, more: false });
});
