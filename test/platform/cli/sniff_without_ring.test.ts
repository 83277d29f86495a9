// bsd-sockets sniff where the kernel allows no ring, or has little memory for one: a smaller ring, or a plain socket, and the same file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, read_capture } from 'bsd-sockets/packet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology();
const root = fileURLToPath(new URL('../../..', import.meta.url));
const MIB = 2 ** 20;
const NOBODY = 65_534;
let net: Topology;
let folder: string;

beforeAll(() => {
  if (missing !== undefined) return;
  net = new Topology();
  folder = mkdtempSync(join(root, 'test/.sniff-'));
  // Rings of more than LIMIT bytes fail with ERROR, as the kernel would refuse them.
  writeFileSync(
    join(folder, 'refuse.mjs'),
    `import { OSError, PACKET_RX_RING, SOL_PACKET, socket } from 'bsd-sockets/promises';
    let base = socket.prototype;
    while (!Object.hasOwn(base, 'setsockopt')) base = Object.getPrototypeOf(base);
    const { setsockopt } = base;
    const { LIMIT, ERROR } = process.env;
    base.setsockopt = function (level, option, value) {
      if (level === SOL_PACKET && option === PACKET_RX_RING) {
        const [block_size, blocks] = value;
        console.error('ring of', block_size * blocks, 'in', blocks);
        if (block_size * blocks > Number(LIMIT)) throw new OSError(Number(ERROR), 'refused');
      }
      return setsockopt.call(this, level, option, value);
    };`,
  );
});
afterAll(() => {
  net?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

const ENOMEM = 12;
const ENOPROTOOPT = 92;

describe('sniff', () => {
  test.each([
    ['all of it', 32 * MIB, ENOMEM, ['33554432 in 8']],
    ['8 MiB', 8 * MIB, ENOMEM, ['33554432 in 8', '8388608 in 4']],
    ['2 MiB', 2 * MIB, ENOMEM, ['33554432 in 8', '8388608 in 4', '2097152 in 4']],
    ['none', 0, ENOMEM, ['33554432 in 8', '8388608 in 4', '2097152 in 4']],
    ['no such option', 0, ENOPROTOOPT, ['33554432 in 8']],
  ])('memory for a ring: %s', async (name, limit, error, rings) => {
    for (const format of ['pcap', 'pcapng']) {
      const file = join(folder, `${name.replaceAll(' ', '-')}.${format}`);
      const running = new Running(['sniff', '-i', 'near0', '-c', '3', '-w', file, 'udp port 7777'], {
        behind: net.behind(net.near),
        env: {
          NODE_OPTIONS: `--import=${join(folder, 'refuse.mjs')}`,
          LIMIT: String(limit),
          ERROR: String(error),
        },
      });
      await running.prints(/listening on near0/);
      net.in(net.near, 'bash', '-c', 'for i in 1 2 3; do echo hello$i > /dev/udp/10.77.2.2/7777; done');
      const { code, stderr } = await running.ended();
      expect(code).toBe(0);
      expect(stderr.match(/^ring of .*$/gm)).toEqual(rings.map((ring) => `ring of ${ring}`));
      expect(stderr).toContain(
        '3 packets captured\n3 packets received by filter\n0 packets dropped by kernel\n',
      );
      const packets = [...read_capture(file)];
      const texts = packets.map(({ data, ...options }) =>
        parse(data, options).get('payload')?.data.toString(),
      );
      expect(texts).toEqual(['hello1\n', 'hello2\n', 'hello3\n']);
      expect(packets.map(({ direction }) => direction)).toEqual(
        Array(3).fill(format === 'pcapng' ? 'outbound' : undefined),
      );
    }
  });

  test('without CAP_NET_RAW it says what is missing', async () => {
    const { code, stderr } = await run(['sniff', '-i', 'lo', '-c', '1'], { uid: NOBODY });
    expect(code).toBe(2);
    expect(stderr).toMatch(/CAP_NET_RAW/);
  });
});
