// What tshark makes of packets: its fields by name, in the order of its protocols, and its complaints.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One protocol in a packet: the values that tshark shows for each of its fields. */
export interface Shown {
  readonly name: string;
  readonly fields: ReadonlyMap<string, readonly string[]>;
}
export interface Dissection {
  readonly protocols: readonly Shown[];
  /** messages of its expert information that are warnings or errors */
  readonly complaints: readonly string[];
}

const WARNING = 0x600000;
const PREFERENCES = [
  ...[
    'ip.check_checksum:TRUE',
    'tcp.check_checksum:TRUE',
    'udp.check_checksum:TRUE',
    'udplite.check_checksum:TRUE',
    'sctp.checksum:CRC 32c',
  ],
  ...[
    'tcp.analyze_sequence_numbers:FALSE',
    'tcp.relative_sequence_numbers:FALSE',
    'ip.defragment:FALSE',
    'ipv6.defragment:FALSE',
  ],
];
/** What stands on ports and behind known options is not ours: data stay data. */
const DISABLED = ['hip', 'shim6', 'mipv6', 'echo', 'discard', 'dns', 'udpencap', 'icmp-multipart-legacy'];

export const has_tshark = (): boolean => spawnSync('tshark', ['--version']).status === 0;

/** A capture file, as simple as they come. */
export function pcap(
  linktype: number,
  packets: readonly Uint8Array[],
  lengths: readonly number[] = packets.map(({ length }) => length),
): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(linktype, 20);
  const records = packets.flatMap((packet, second) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(second, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(lengths[second] ?? packet.length, 12);
    return [record, packet];
  });
  return Buffer.concat([header, ...records]);
}

/** Writes a file for the time of a call. */
function with_file<T>(data: Uint8Array, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-tshark-'));
  try {
    const path = join(folder, 'packets.pcap');
    writeFileSync(path, data);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The packets of a capture file as tshark sees them.
 *
 * @param without protocols that it is not to look for
 */
export function dissect(file: Uint8Array, without: readonly string[] = DISABLED): Dissection[] {
  const preferences = PREFERENCES.flatMap((preference) => ['-o', preference]);
  const disabled = without.flatMap((protocol) => ['--disable-protocol', protocol]);
  const pdml = with_file(file, (path) =>
    execFileSync('tshark', ['-n', '-r', path, '-T', 'pdml', ...preferences, ...disabled], {
      encoding: 'utf8',
      maxBuffer: 1 << 29,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  return pdml.split('<packet>').slice(1).map(read_packet);
}

function read_packet(xml: string): Dissection {
  const protocols: { name: string; fields: Map<string, string[]> }[] = [];
  const complaints: string[] = [];
  const open: { name: string; fields: Map<string, string[]> }[] = [];
  let message = '';
  for (const [tag, kind, name = ''] of xml.matchAll(/<(\/?proto|field)(?: name="([^"]*)")?[^>]*>/g)) {
    const show = /show="([^"]*)"/.exec(tag)?.[1] ?? '';
    if (kind === 'proto') {
      const protocol = { name, fields: new Map<string, string[]>() };
      protocols.push(protocol);
      open.push(protocol);
    } else if (kind === '/proto') open.pop();
    else if (name === '_ws.expert.message') message = show;
    else if (name === '_ws.expert.severity' && Number(show) >= WARNING) complaints.push(message);
    else {
      const fields = open.at(-1)?.fields;
      fields?.set(name, [...(fields.get(name) ?? []), show]);
    }
  }
  return { protocols, complaints };
}
