// An extended echo to Linux itself, in a network namespace where it answers: by name, index and address, over IPv4 and IPv6.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';

const FIXTURE = fileURLToPath(new URL('fixtures/probe.mjs', import.meta.url));
const SWITCH = '/proc/sys/net/ipv4/icmp_echo_enable_probe';
const SCRIPT = `[ -e ${SWITCH} ] || exit 77; ip link set lo up; echo 1 >${SWITCH}; exec "$1" "$2"`;

let missing: string | undefined;
let replies: Readonly<Record<string, unknown>> = {};

beforeAll(() => {
  if (spawnSync('unshare', ['-n', 'true']).status !== 0) missing = 'needs network namespaces: root';
  else if (spawnSync('which', ['ip']).status !== 0) missing = 'needs ip';
  if (missing !== undefined) return;
  const args = ['-n', 'sh', '-c', SCRIPT, 'sh', process.execPath, FIXTURE];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 50_000 });
  if (status === 77) missing = 'needs Linux 5.13, which answers extended echoes';
  else if (status !== 0) throw new Error(stderr);
  else replies = JSON.parse(stdout);
}, 60_000);
beforeEach((context) => context.skip(missing !== undefined, missing));

const found = {
  code: 0,
  state: 0,
  active: true,
  ipv4: true,
  ipv6: true,
  checksum_ok: true,
  extensions_ok: true,
};

test.each(['icmp', 'icmpv6'])('%s: the interface is found by name, index and address', (layer) => {
  for (const way of ['name', 'index', 'ipv4', 'ipv6'])
    expect(replies[`${layer} ${way}`]).toMatchObject(found);
});

test.each(['icmp', 'icmpv6'])('%s: the code says why there is no answer', (layer) => {
  const none = { active: false, ipv4: false, ipv6: false };
  expect(replies[`${layer} unknown index`]).toMatchObject({ code: 2, ...none });
  expect(replies[`${layer} unknown name`]).toMatchObject({ code: 2, ...none });
  expect(replies[`${layer} another type`]).toMatchObject({ code: 1, ...none });
});
