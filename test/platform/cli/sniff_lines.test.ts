// bsd-sockets sniff: the lines of a capture file beside those of tcpdump, for packets of all layers with many values, and for all
// options that change a line.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LINKTYPE_ETHERNET, write_capture } from 'bsd-sockets/packet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { program } from '../../unit/cli/run.js';
import { LINKTYPES, type LinePacket, line_packets } from './line_packets.js';
import { has } from './topology.js';

const missing = has('tcpdump') ? undefined : 'needs tcpdump';
const COUNT = 400;
const SEED = Number(process.env.LINES_SEED ?? 11);
const env = { ...process.env, TZ: 'Asia/Kolkata' };
const ROOM = 1 << 28;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sniff-lines-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

/** The options for Ethernet; those for the other link types are every third. */
const OPTIONS = [
  '',
  '-t',
  '-t -v',
  '-t -vv',
  '-t -vvv -e',
  '-t -e',
  '-t -q',
  '-t -qe',
  '-t -qq',
  '-t -S',
  '-t -K -v',
  '-t -A',
  '-t -AA',
  '-t -x',
  '-t -xx',
  '-t -X',
  '-t -XX -v',
  '-tt',
  '-ttt',
  '-tttt',
  '-ttttt',
  '--nano',
].map((each) => each.split(' ').filter(Boolean));

function written(name: string, linktype: number, packets: readonly LinePacket[]): string {
  const path = join(folder, name);
  const file = write_capture(path, { linktype });
  for (const packet of packets) file.write(packet);
  file.close();
  return path;
}

/** Returns the text of each packet: with -#, its first line begins with a number. */
const by_packet = (text: string) => text.split(/^(?= {0,4}\d+ {2})/m);

function theirs(path: string, options: readonly string[], expression: readonly string[] = []): string[] {
  const args = ['-nn', '-#', ...options, '-r', path, ...expression];
  return by_packet(
    execFileSync('tcpdump', args, {
      encoding: 'latin1',
      maxBuffer: ROOM,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

function ours(path: string, options: readonly string[], expression: readonly string[] = []): string[] {
  const args = [program, 'sniff', '-nn', '-#', ...options, '-r', path, ...expression];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'latin1',
    maxBuffer: ROOM,
    env,
  });
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(/^reading from file [^\n]*\n$/),
  });
  return by_packet(stdout);
}

/** What tcpdump tells otherwise, and why: the table of docs/command.md. */
const DIFFERENCES: readonly RegExp[] = [
  // A hop-by-hop or destination header that goes beyond the packet: with -x, tcpdump shows the link-layer header as well.
  / \[\|(dstopt|hbhopt)\]\n/,
];

describe.each(LINKTYPES)('packets of link type %i', (linktype) => {
  const options_here = linktype === LINKTYPE_ETHERNET ? OPTIONS : OPTIONS.filter((_, i) => i % 3 === 1);
  test.each(options_here.map((options) => [options.join(' '), options] as const))(
    'as tcpdump tells them: %s',
    (_, options) => {
      const path = written(`${linktype}.pcap`, linktype, line_packets(linktype, COUNT, SEED, 'whole'));
      const [right, mine] = [theirs(path, options), ours(path, options)];
      expect(right).toHaveLength(COUNT);
      expect(mine).toHaveLength(COUNT);
      const known = (text: string) => DIFFERENCES.some((each) => each.test(text));
      const differ = right.flatMap((text, i) => (text === mine[i] || known(text) ? [] : [[text, mine[i]]]));
      expect(differ).toEqual([]);
    },
  );

  // A header that breaks off is told as far as tcpdump tells it, but for a few words at its end; a damaged packet may be of a protocol
  // that only tcpdump knows.
  test.each(['cut', 'damaged'] as const)('%s: nearly all as tcpdump tells them, and none ends it', (kind) => {
    const path = written(`${linktype}-${kind}.pcap`, linktype, line_packets(linktype, 4 * COUNT, SEED, kind));
    for (const options of [['-t'], ['-t', '-vv', '-e']]) {
      const [right, mine] = [theirs(path, options), ours(path, options)];
      expect(mine).toHaveLength(4 * COUNT);
      const differ = right.filter((text, i) => text !== mine[i]);
      expect(differ.length, differ.slice(0, 5).join('')).toBeLessThan(COUNT / 5);
    }
  });

  test.each(['ip', 'ip6 and tcp', 'not arp', 'icmp or udp'])(
    'an expression selects as with tcpdump: %s',
    (expression) => {
      const path = written(`${linktype}.pcap`, linktype, line_packets(linktype, COUNT, SEED, 'whole'));
      const words = expression.split(' ');
      expect(ours(path, ['-t'], words)).toEqual(theirs(path, ['-t'], words));
    },
  );
});
