// ping whose system calls fail in the middle: it ends, with what it has.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

describe('ping', () => {
  test.each(['recvmsg', 'sendto'])('a failing %s ends it, with what it has', async (call) => {
    const dir = mkdtempSync(join(root, 'test/.ping-'));
    const preload = join(dir, 'fail.mjs');
    // The third call fails as if the system refused it.
    writeFileSync(
      preload,
      `import { socket, OSError } from 'bsd-sockets/promises';
      const call = socket.prototype.${call};
      let count = 0;
      socket.prototype.${call} = function (...args) {
        if (this.proto !== 1) return call.apply(this, args);
        if (args[2] === 0x2000 || ++count < 3) return call.apply(this, args);
        return Promise.reject(Object.assign(new Error('EIO: broken'), { code: 'EIO', syscall: '${call}' }));
      };`,
    );
    try {
      const { code, stdout, stderr } = await run(['ping', '-i0.1', '10.77.2.2'], {
        behind: net.behind(net.near),
        env: { NODE_OPTIONS: `--import=${preload}` },
      });
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'bsd-sockets ping: EIO: broken\n' });
      expect(stdout).toMatch(
        /icmp_seq=1 [\s\S]*--- 10\.77\.2\.2 ping statistics ---\n\d packets transmitted, [12] received, /,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
