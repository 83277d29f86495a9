// What the kernel logs by NFLOG, captured by tcpdump in a network namespace of the test, as tshark sees it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, LINKTYPE_NFLOG, parse, read_capture } from 'bsd-sockets/packet';
import { beforeEach, expect, test } from 'vitest';
import { dissect, has_tshark } from './tshark.js';

const PROGRAMS = ['tshark', 'nft', 'tcpdump', 'ip', 'ping', 'unshare'];
const PACKETS = 3;
/** Three packets: a datagram that is dropped, with a prefix, and a request of each version of ping. tcpdump says when it listens. */
const SCRIPT = `
ip link set lo up
nft -f - <<'EOF' || exit 77
table inet t {
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport 9 meta mark set 7 log prefix "dropped: " group 5 drop
    icmp type echo-request log prefix "four" group 5
    icmpv6 type echo-request log group 5
  }
}
EOF
tcpdump -i nflog:5 -U -Z root -w "$1" -c ${PACKETS} 2>"$2" &
for i in $(seq 200); do grep -q 'listening on' "$2" && break; sleep 0.1; done
"$3" -e 'require("dgram").createSocket("udp4").send("hello", 9, "127.0.0.1", function () { this.close() })'
ping -c 1 -W 1 127.0.0.1 >/dev/null
ping -6 -c 1 -W 1 ::1 >/dev/null
wait
`;

beforeEach((context) => {
  const missing = PROGRAMS.filter((program) => spawnSync('which', [program]).status !== 0);
  context.skip(missing.length > 0 || !has_tshark(), `needs ${missing.join(', ') || 'tshark'}`);
  context.skip(spawnSync('unshare', ['-n', 'true']).status !== 0, 'needs network namespaces: root');
});

test('packets of the kernel have the fields that tshark shows, and go round', {
  timeout: 90_000,
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-nflog-'));
  try {
    const [file, log] = [join(folder, 'nflog.pcap'), join(folder, 'log')];
    const args = ['30', 'unshare', '-n', 'sh', '-c', SCRIPT, 'sh', file, log, process.execPath];
    const { status, stderr } = spawnSync('timeout', args, { encoding: 'utf8' });
    if (status === 77) context.skip(`needs nf_tables with log: ${stderr}`);
    expect([status, readFileSync(log, 'utf8')]).toEqual([
      0,
      expect.stringContaining(`${PACKETS} packets captured`),
    ]);
    const dissections = dissect(readFileSync(file));
    const parsed = [...read_capture(file)].map((packet) => {
      expect(packet.linktype).toBe(LINKTYPE_NFLOG);
      const each = parse(packet.data, packet);
      expect(each.problems).toEqual([]);
      expect(Buffer.concat([build(...each.layers), each.trailer])).toEqual(packet.data);
      return each;
    });
    expect(parsed.map(({ layers }) => layers.slice(0, 3).map(({ layer }) => layer))).toEqual([
      ['nflog', 'ipv4', 'udp'],
      ['nflog', 'ipv4', 'icmp'],
      ['nflog', 'ipv6', 'icmpv6'],
    ]);
    for (const [i, each] of parsed.entries()) {
      const fields = dissections[i]?.protocols.find(({ name }) => name === 'nflog')?.fields;
      const shown = (name: string) => fields?.get(`nflog.${name}`)?.map(Number);
      const { family, version, resource_id, tlvs = [] } = each.get('nflog') ?? {};
      expect([[family], [version], [resource_id]]).toEqual([
        shown('family'),
        shown('version'),
        shown('res_id'),
      ]);
      expect([...tlvs.map(({ type }) => type), 9]).toEqual(shown('tlv_type'));
      const values = (of: string, value: string) =>
        tlvs.flatMap((tlv) =>
          tlv.name === of ? [Object.entries(tlv).find(([name]) => name === value)?.[1]] : [],
        );
      expect(values('prefix', 'text')).toEqual(fields?.get('nflog.prefix') ?? []);
      for (const [of, value, name] of [
        ['packet_header', 'hardware_protocol', 'protocol'],
        ['packet_header', 'hook', 'hook'],
        ['output_interface', 'index', 'ifindex_outdev'],
        ['user_id', 'id', 'uid'],
        ['group_id', 'id', 'gid'],
      ] as const)
        expect([name, values(of, value)]).toEqual([name, shown(name)]);
    }
    const [dropped] = parsed.map((each) => each.get('nflog')?.tlvs);
    expect(dropped).toContainEqual(expect.objectContaining({ name: 'mark', mark: 7 }));
    expect(dropped).toContainEqual(expect.objectContaining({ name: 'packet_header', hook: 3 }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
