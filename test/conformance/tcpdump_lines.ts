// The lines of packets as tcpdump writes them, and ours of the same packets.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hexadecimal } from '../../lib/cli/terminal/lines/dump.js';
import { packet_text, Sequences } from '../../lib/cli/terminal/lines/index.js';
import { parse } from '../../lib/packet/index.js';
import { pcap } from '../platform/tshark.js';

/** Why there is nothing to compare with; undefined if there is. */
export function tcpdump_missing(): string | undefined {
  const { stdout, stderr } = spawnSync('tcpdump', ['--version'], { encoding: 'utf8' });
  return /tcpdump version 4\.99/.test(stdout + stderr) ? undefined : 'needs tcpdump 4.99';
}

/**
 * @param options of tcpdump: -v, -vv, -e, -q, -x
 * @param lengths bytes of the packets on the wire, if the capture has less of them
 */
export function lines_of(
  linktype: number,
  packets: readonly Buffer[],
  options: readonly string[] = [],
  lengths: readonly number[] = packets.map(({ length }) => length),
): { ours: string[]; theirs: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-lines-'));
  try {
    const path = join(folder, 'packets.pcap');
    writeFileSync(path, pcap(linktype, packets, lengths));
    const args = ['-nt', '-#', ...options, '-r', path];
    const { stdout } = spawnSync('tcpdump', args, { encoding: 'latin1', maxBuffer: 1 << 26 });
    const times = (letter: string) => options.join('').split(letter).length - 1;
    const style = {
      verbose: times('v'),
      quiet: times('q'),
      link: times('e') > 0,
      unchecked: false,
      dumps: times('q') + times('x') === 0,
      sequences: new Sequences(),
    };
    const ours = packets.map((data, i) => {
      const length = lengths[i] ?? data.length;
      const captured = { data, length, linktype };
      const { text, link_header } = packet_text(parse(data, { linktype, length }), captured, style);
      const bytes = data.subarray(times('x') > 1 ? 0 : link_header);
      return `${text}${times('x') > 0 ? hexadecimal(bytes, '\n\t') : ''}\n`;
    });
    // -# begins the first line of each packet with a number.
    return { ours, theirs: stdout.split(/^ {0,4}\d+ {2}/m).slice(1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
