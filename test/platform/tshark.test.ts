/**
 * Packets as others see them: what we build, tshark decodes without a complaint, to the same fields; what the kernel, ping and scapy
 * sent, we parse to the same fields as tshark.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build, type Draft, type Layer, parse, payload } from 'bsd-sockets/packet';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { packets } from '../fuzz/packets.js';
import { type Dissection, dissect, has_tshark, pcap, type Shown } from './tshark.js';

beforeEach((context) => context.skip(!has_tshark(), 'needs tshark'));

/** Our name of a layer (and of an extension header) as tshark's protocol, and our fields as its fields. */
const NAMES: Readonly<Record<string, string>> = {
  ethernet: 'eth',
  ipv4: 'ip',
  linux_sll: 'sll',
  linux_sll2: 'sll',
  loopback: 'null',
};
const number = (text: string): number => Number(text);
const same = (text: string): string => text;
/** tshark writes all of ::/96 with a dotted end; RFC 5952 only what is known to embed IPv4. */
const ipv6 = (text: string): string =>
  text.replace(/^::(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const groups = [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)];
    return `::${groups.map((group) => group.toString(16)).join(':')}`;
  });
const truth = (text: string): boolean => text === '1' || text === 'True';
type Reading = readonly [field: string, read: (text: string) => unknown];
const FIELDS: Readonly<Record<string, Readonly<Record<string, Reading>>>> = {
  ethernet: { dst: ['eth.dst', same], src: ['eth.src', same], ethertype: ['eth.type', number] },
  vlan: {
    id: ['vlan.id', number],
    priority: ['vlan.priority', number],
    dei: ['vlan.dei', number],
    ethertype: ['vlan.etype', number],
  },
  ieee8021ad: {
    id: ['ieee8021ad.id', number],
    priority: ['ieee8021ad.priority', number],
    dei: ['ieee8021ad.dei', number],
  },
  arp: {
    hardware_type: ['arp.hw.type', number],
    protocol_type: ['arp.proto.type', number],
    hardware_length: ['arp.hw.size', number],
    protocol_length: ['arp.proto.size', number],
    operation: ['arp.opcode', number],
    sender_mac: ['arp.src.hw_mac', same],
    sender_ip: ['arp.src.proto_ipv4', same],
    target_mac: ['arp.dst.hw_mac', same],
    target_ip: ['arp.dst.proto_ipv4', same],
  },
  ipv4: {
    version: ['ip.version', number],
    header_length: ['ip.hdr_len', number],
    tos: ['ip.dsfield', number],
    total_length: ['ip.len', number],
    id: ['ip.id', number],
    flags: ['ip.flags', number],
    fragment_offset: ['ip.frag_offset', (text) => Number(text) * 8],
    ttl: ['ip.ttl', number],
    protocol: ['ip.proto', number],
    checksum: ['ip.checksum', number],
    src: ['ip.src', same],
    dst: ['ip.dst', same],
  },
  ipv6: {
    version: ['ipv6.version', number],
    traffic_class: ['ipv6.tclass', number],
    flow_label: ['ipv6.flow', number],
    payload_length: ['ipv6.plen', number],
    next_header: ['ipv6.nxt', number],
    hop_limit: ['ipv6.hlim', number],
    src: ['ipv6.src', ipv6],
    dst: ['ipv6.dst', ipv6],
  },
  ah: { next_header: ['ah.next_header', number], spi: ['ah.spi', number], seq: ['ah.sequence', number] },
  gre: {
    flags: ['gre.flags_and_version', number],
    protocol: ['gre.proto', number],
    key: ['gre.key', number],
    seq: ['gre.sequence_number', number],
  },
  udp: {
    src_port: ['udp.srcport', number],
    dst_port: ['udp.dstport', number],
    length: ['udp.length', number],
    checksum: ['udp.checksum', number],
  },
  udplite: {
    src_port: ['udp.srcport', number],
    dst_port: ['udp.dstport', number],
    coverage: ['udp.checksum_coverage', number],
    checksum: ['udp.checksum', number],
  },
  tcp: {
    src_port: ['tcp.srcport', number],
    dst_port: ['tcp.dstport', number],
    seq: ['tcp.seq', number],
    ack: ['tcp.ack', number],
    data_offset: ['tcp.hdr_len', number],
    flags: ['tcp.flags', number],
    window: ['tcp.window_size_value', number],
    checksum: ['tcp.checksum', number],
    urgent: ['tcp.urgent_pointer', number],
  },
  icmp: {
    type: ['icmp.type', number],
    code: ['icmp.code', number],
    checksum: ['icmp.checksum', number],
    id: ['icmp.ident', number],
    seq: ['icmp.seq', number],
    gateway: ['icmp.redir_gw', same],
    next_hop_mtu: ['icmp.mtu', number],
    originate: ['icmp.originate_timestamp', number],
  },
  icmpv6: {
    type: ['icmpv6.type', number],
    code: ['icmpv6.code', number],
    checksum: ['icmpv6.checksum', number],
    mtu: ['icmpv6.mtu', number],
    id: ['icmpv6.echo.identifier', number],
    seq: ['icmpv6.echo.sequence_number', number],
    reachable_time: ['icmpv6.nd.ra.reachable_time', number],
    retrans_timer: ['icmpv6.nd.ra.retrans_timer', number],
  },
  igmp: {
    type: ['igmp.type', number],
    checksum: ['igmp.checksum', number],
    group: ['igmp.maddr', same],
    count: ['igmp.num_grp_recs', number],
  },
  mpls: {
    label: ['mpls.label', number],
    traffic_class: ['mpls.exp', number],
    bottom: ['mpls.bottom', truth],
    ttl: ['mpls.ttl', number],
  },
  esp: { spi: ['esp.spi', number], seq: ['esp.sequence', number] },
  linux_sll: {
    packet_type: ['sll.pkttype', number],
    arphrd_type: ['sll.hatype', number],
    protocol: ['sll.etype', number],
  },
  linux_sll2: {
    packet_type: ['sll.pkttype', number],
    arphrd_type: ['sll.hatype', number],
    interface_index: ['sll.ifindex', number],
  },
  loopback: { family: ['null.family', number] },
};
type Entry = { readonly address?: string; readonly time: number };
const entries_of = (option: { readonly entries: readonly Entry[] }): readonly Entry[] => option.entries;
/** Options and extension headers of these names: all values of a kind in a layer, in their order; where tshark has them apart, a part. */
const OPTIONS: Readonly<
  Record<string, Readonly<Record<string, readonly [...Reading, part?: (option: never) => unknown]>>>
> = {
  timestamp: {
    overflow: ['ip.opt.overflow', number],
    flag: ['ip.opt.flag', number],
    addresses: [
      'ip.opt.time_stamp_addr',
      same,
      (option) => entries_of(option).flatMap(({ address }) => address ?? []),
    ],
    times: ['ip.opt.time_stamp', number, (option) => entries_of(option).map(({ time }) => time)],
  },
  'prefix_information route_information': {
    prefix_length: ['icmpv6.opt.prefix.length', number],
    prefix: ['icmpv6.opt.prefix', ipv6],
  },
  route_information: {
    flags: ['icmpv6.opt.route_info.flag', number],
    lifetime: ['icmpv6.opt.route_lifetime', number],
  },
  rdnss: { lifetime: ['icmpv6.opt.rdnss.lifetime', number], addresses: ['icmpv6.opt.rdnss', ipv6] },
  dnssl: { lifetime: ['icmpv6.opt.dnssl.lifetime', number], domains: ['icmpv6.opt.dnssl', same] },
  mss: { mss: ['tcp.options.mss_val', number] },
  window_scale: { shift: ['tcp.options.wscale.shift', number] },
  timestamps: {
    value: ['tcp.options.timestamp.tsval', number],
    echo: ['tcp.options.timestamp.tsecr', number],
  },
  fragment: {
    id: ['ipv6.fraghdr.ident', number],
    fragment_offset: ['ipv6.fraghdr.offset', (text) => Number(text) * 8],
    more_fragments: ['ipv6.fraghdr.more', truth],
  },
  home_address: { address: ['ipv6.opt.mipv6.home_address', ipv6] },
};

/** Layers in the order in which tshark tells them: quoted ones and authentication headers behind those that hold them. */
function flat(layers: readonly Layer[]): { name: string; layer: object }[] {
  return layers.flatMap((layer, i) => {
    if (layer.layer === 'payload') return [];
    const is_service_tag = layer.layer === 'vlan' && layers[i + 1]?.layer === 'vlan';
    const inside: { name: string; layer: object }[] = [];
    if ('quoted' in layer) inside.push(...flat(layer.quoted));
    if (layer.layer === 'ipv6')
      for (const extension of layer.extensions)
        if (extension.name === 'ah') inside.push({ name: 'ah', layer: extension });
    return [{ name: is_service_tag ? 'ieee8021ad' : layer.layer, layer }, ...inside];
  });
}

/** Compares the layers of a packet with what tshark shows, field by field. Returns how many fields were compared. */
function compare(layers: readonly Layer[], { protocols }: Dissection): number {
  let compared = 0;
  const ours = flat(layers);
  const theirs = protocols.filter(
    ({ name }) => Object.hasOwn(FIELDS, name) || Object.values(NAMES).includes(name),
  );
  expect(theirs.map(({ name }) => name)).toEqual(ours.map(({ name }) => NAMES[name] ?? name));
  for (const [i, { name, layer }] of ours.entries()) {
    const shown = theirs[i];
    if (shown === undefined) throw new Error(`no ${name}`);
    for (const [field, [their_field, read]] of Object.entries(FIELDS[name] ?? {})) {
      const value: unknown = Object.entries(layer).find(([key]) => key === field)?.[1];
      const text = shown.fields.get(their_field)?.[0];
      if (value === undefined || text === undefined) continue;
      expect(read(text), `${name}.${field}`).toEqual(value);
      compared++;
    }
    compared += compare_options(layer, shown);
  }
  return compared;
}

function compare_options(layer: object, shown: Shown): number {
  let compared = 0;
  const headers = 'extensions' in layer && Array.isArray(layer.extensions) ? layer.extensions : [];
  const options = [layer, ...headers].flatMap((holder) =>
    'options' in holder && Array.isArray(holder.options) ? holder.options : [],
  );
  for (const [names, values] of Object.entries(OPTIONS)) {
    const ours = [...headers, ...options].filter(({ name }) => names.split(' ').includes(name));
    for (const [field, [their_field, read, part]] of Object.entries(values)) {
      const texts = shown.fields.get(their_field);
      if (texts === undefined) continue;
      const expected = ours.flatMap((item) => part?.(item as never) ?? item[field]);
      expect(texts.map(read), `${names}.${field}`).toEqual(expected);
      compared += texts.length;
    }
  }
  return compared;
}

/** What tshark rightly objects to: well-formed, but not allowed there. */
function is_allowed(layers: readonly Draft[]): boolean {
  // tshark_link.test.ts compares the others.
  if (!layers.every(({ layer }) => layer === 'payload' || Object.hasOwn(FIELDS, layer))) return false;
  // tshark tells the second of three tags together with the first.
  if (layers.filter(({ layer }) => layer === 'vlan').length > 2) return false;
  return layers.every((layer) => {
    if ('quoted' in layer && Array.isArray(layer.quoted) && !is_allowed(layer.quoted)) return false;
    // Of these, only the name is ours: what is behind is no message of the protocol.
    if (
      layer.layer === 'icmpv6' &&
      /^(rpl_control|node_information|router_renumbering)/.test(layer.name ?? '')
    )
      return false;
    if (layer.layer === 'ipv4')
      return (
        layer.options?.every(({ name = '' }) => ['router_alert', 'nop', 'timestamp'].includes(name)) ?? true
      );
    if (layer.layer !== 'ipv6') return true;
    const with_home = (layer.extensions ?? []).filter(
      (extension) => 'options' in extension && extension.options?.some(({ name }) => name === 'home_address'),
    );
    if (with_home.length > 1 || with_home.some(({ name }) => name !== 'destination_options')) return false;
    return (layer.extensions ?? []).every((extension, i) => {
      if (extension.name === 'hop_by_hop' && i > 0) return false;
      if (extension.name === 'routing')
        return (
          extension.routing_type === 0 && (extension.segments_left ?? 0) <= (extension.addresses?.length ?? 0)
        );
      const known = 'options' in extension ? (extension.options ?? []) : [];
      return (
        extension.name !== undefined &&
        known.filter(({ name }) => name === 'home_address').length < 2 &&
        known.every(({ name }) => name !== undefined)
      );
    });
  });
}
/** The same on ports that no protocol has and with data that nobody takes for another protocol. */
function undisguised(layers: readonly Draft[]): Draft[] {
  return layers.map((layer) => {
    if (layer.layer === 'payload') return payload('x'.repeat(Buffer.from(layer.data as Uint8Array).length));
    if (layer.layer === 'udp' || layer.layer === 'tcp' || layer.layer === 'udplite')
      return { ...layer, src_port: 61_001, dst_port: 61_002 };
    if (!('quoted' in layer) || !Array.isArray(layer.quoted)) return layer;
    return { ...layer, quoted: undisguised(layer.quoted) };
  });
}

/** Complaints about values that are arbitrary here, not about the form. */
const ARBITRARY =
  /^(Source MAC must not be a group|Connection reset|The non-SYN packet|D-SACK|Window scale shift exceeds|(Router Alert|Home Address) must use a|Multicast addresses must not)/;

describe('what we build', () => {
  test('tshark decodes without a complaint, to the same fields', { timeout: 120_000 }, () => {
    const sample = fc
      .sample(packets, { seed: 20_26, numRuns: 800 })
      .filter(({ layers }) => is_allowed(layers));
    const failures: string[] = [];
    let compared = 0;
    for (const linktype of new Set(sample.map((packet) => packet.linktype))) {
      const built = sample
        .filter((packet) => packet.linktype === linktype)
        .map(({ layers }) => build(...undisguised(layers)));
      const dissections = dissect(pcap(linktype, built));
      expect(dissections).toHaveLength(built.length);
      for (const [i, bytes] of built.entries()) {
        const dissection = dissections[i] ?? { protocols: [], complaints: ['no packet'] };
        const hint = `linktype ${linktype}: ${bytes.toString('hex')}`;
        for (const complaint of dissection.complaints)
          if (!ARBITRARY.test(complaint)) failures.push(`${complaint}; ${hint}`);
        try {
          compared += compare(parse(bytes, { linktype }).layers, dissection);
        } catch (error) {
          failures.push(`${error}; ${hint}`);
        }
      }
    }
    expect(failures).toEqual([]);
    expect(compared).toBeGreaterThan(5000);
  });
});

/** The packets of a capture file in the byte order of this machine. */
function packets_of(file: Buffer): { linktype: number; packets: { data: Buffer; length: number }[] } {
  const linktype = file.readUInt32LE(20) & 0xffff;
  const packets: { data: Buffer; length: number }[] = [];
  for (let at = 24; at < file.length; ) {
    const size = file.readUInt32LE(at + 8);
    packets.push({ data: file.subarray(at + 16, at + 16 + size), length: file.readUInt32LE(at + 12) });
    at += 16 + size;
  }
  return { linktype, packets };
}

/** Holds a capture that others wrote against tshark; returns the names of all layers, in the order in which they came. */
function hold_against_tshark(file: Buffer): string[] {
  const { linktype, packets: captured } = packets_of(file);
  const dissections = dissect(file);
  expect(dissections).toHaveLength(captured.length);
  return captured.flatMap(({ data, length }, i) => {
    const parsed = parse(data, { linktype, length });
    const dissection = dissections[i];
    if (dissection === undefined) throw new Error('no packet');
    const hint = data.toString('hex');
    expect(parsed.problems, hint).toEqual([]);
    try {
      expect(compare(parsed.layers, dissection)).toBeGreaterThan(0);
    } catch (error) {
      if (error instanceof Error) error.message += `\n${hint}`;
      throw error;
    }
    if (!parsed.truncated) expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(data);
    return parsed.layers.map((layer) => ('name' in layer ? `${layer.layer} ${layer.name}` : layer.layer));
  });
}

describe('what others wrote', { timeout: 60_000 }, () => {
  const run = (program: string, args: string[]) =>
    spawnSync(program, args, { maxBuffer: 1 << 26, timeout: 50_000 });
  const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

  test('scapy', (ctx) => {
    const python = ['/usr/bin/python3', 'python3'].find(
      (path) => run(path, ['-c', 'import scapy.all']).status === 0,
    );
    if (python === undefined) return ctx.skip('needs python3-scapy');
    for (const linktype of ['1', '101']) {
      const { status, stdout, stderr } = run(python, [fixture('packets.py'), linktype]);
      expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
      const layers = new Set(hold_against_tshark(stdout));
      for (const name of [
        'ipv4',
        'ipv6',
        'tcp',
        'udp',
        'icmp echo',
        'icmp time_exceeded',
        'icmpv6 packet_too_big',
        'gre',
        'payload',
      ]) {
        expect(layers).toContain(name);
      }
    }
  });

  test.for(['ethernet', 'any'])('the kernel and ping, captured by tcpdump: %s', (kind, ctx) => {
    const missing = ['tcpdump', 'ping', 'unshare', 'nsenter', 'ip'].filter(
      (program) => run('which', [program]).status !== 0,
    );
    if (missing.length > 0) return ctx.skip(`needs ${missing.join(', ')}`);
    if (run('unshare', ['-mn', 'true']).status !== 0) return ctx.skip('needs network namespaces: root');
    const { status, stdout, stderr } = run('unshare', ['-mn', 'sh', fixture('traffic.sh'), kind]);
    if (status === 77) return ctx.skip(`needs veth pairs: ${stderr}`);
    expect(status, String(stderr)).toBe(0);
    const layers = new Set(hold_against_tshark(stdout));
    for (const name of [
      ...[
        'arp',
        'ipv4',
        'ipv6',
        'tcp',
        'udp',
        'icmp echo',
        'icmp echo_reply',
        'icmp destination_unreachable',
        'icmpv6 echo',
      ],
      ...['icmpv6 neighbor_solicitation', 'icmpv6 neighbor_advertisement', 'icmpv6 destination_unreachable'],
    ]) {
      expect(layers).toContain(name);
    }
  });
});
