// Commands whose system calls fail in the middle: they end, with what they have and one line, and never hang.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../../unit/cli/run.js';
import { missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const root = fileURLToPath(new URL('../../..', import.meta.url));
let net: Topology;

beforeAll(() => {
  if (missing === undefined) net = new Topology();
});
afterAll(() => net?.remove());
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const PINGED =
  /icmp_seq=1 [\s\S]*--- 10\.77\.2\.2 ping statistics ---\n\d packets transmitted, [12] received, /;
/** The arguments, the call that fails, from which one on, and what is printed before. */
const CASES: readonly [line: string, call: string, first: number, printed: RegExp][] = [
  ['ping -i0.1 10.77.2.2', 'recvmsg', 3, PINGED],
  ['ping -i0.1 10.77.2.2', 'sendto', 3, PINGED],
  ['traceroute -n -I -N1 10.77.2.2', 'recvmsg', 2, /^traceroute to 10\.77\.2\.2/],
  ['traceroute -n -I -N1 10.77.2.2', 'sendto', 2, /^traceroute to 10\.77\.2\.2/],
  ['sweep -i5 10.77.2.1-10.77.2.9', 'recvmmsg_into', 2, /^(10\.77\.2\.\d is alive\n)*$/],
  ['sweep -c9 -p50 10.77.2.2', 'sendmmsg', 3, /^10\.77\.2\.2 : \[0\], 64 bytes/],
  ['arp-scan -g -I near0 -i 5 10.77.1.1-10.77.1.9', 'recvmmsg_into', 2, /^Interface: near0, /],
];

test.each(CASES)('%s: %s fails, and it ends', async (line, call, first, printed) => {
  const dir = mkdtempSync(join(root, 'test/.failing-'));
  const preload = join(dir, 'fail.mjs');
  // The call fails as if the system refused it; not on the error queue, nor on sockets of another protocol than ICMP and ARP.
  writeFileSync(
    preload,
    `import { socket, AF_PACKET, MSG_ERRQUEUE } from 'bsd-sockets/promises';
    const call = socket.prototype.${call};
    let count = 0;
    socket.prototype.${call} = function (...args) {
      if (this.proto !== 1 && this.family !== AF_PACKET) return call.apply(this, args);
      if (args.includes(MSG_ERRQUEUE) || ++count < ${first}) return call.apply(this, args);
      return Promise.reject(Object.assign(new Error('EIO: broken'), { code: 'EIO', syscall: '${call}' }));
    };`,
  );
  try {
    const [command = ''] = line.split(' ');
    const { code, stdout, stderr } = await run(line.split(' '), {
      behind: net.behind(net.near),
      env: { NODE_OPTIONS: `--import=${preload}` },
    });
    expect({ code, stderr: stderr.split('\n').slice(-2) }).toEqual({
      code: 1,
      stderr: [`bsd-sockets ${command}: EIO: broken`, ''],
    });
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toMatch(printed);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
