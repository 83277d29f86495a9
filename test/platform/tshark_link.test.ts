// Packets of the protocols near the link, as tshark sees them: field by field, and without a complaint about their form.
import { build, type Layers, LINKTYPE_NETLINK, parse } from 'bsd-sockets/packet';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { link_packets } from '../fuzz/link_packets.js';
import { dissect, has_tshark, pcap, type Shown } from './tshark.js';

beforeEach((context) => context.skip(!has_tshark(), 'needs tshark'));

type Values = readonly unknown[];
/** For each layer: tshark's protocol, and the values of its fields, of which it may show several. */
type Rows = {
  readonly [Name in keyof Layers]?: readonly [
    protocol: string | RegExp,
    values: (layer: Layers[Name]) => Readonly<Record<string, Values>>,
  ];
};

const colons = (data: Uint8Array): string =>
  Buffer.from(data)
    .toString('hex')
    .replaceAll(/(..)(?!$)/g, '$1:');
/** The values of one field, in the items of a list that have it. */
const each = (list: readonly object[], names: string, field: string): Values =>
  list.flatMap((item) =>
    'name' in item && names.split(' ').includes(String(item.name))
      ? Object.entries(item)
          .filter(([key]) => key === field)
          .map(([, value]) => value)
      : [],
  );
const control = ({ code, id, length }: { code: number; id: number; length: number }) => ({
  'ppp.code': [code],
  'ppp.identifier': [id],
  'ppp.length': [length],
});
const present = (value: unknown): Values => (value === undefined ? [] : [value]);

const ROWS: Rows = {
  llc: [
    'llc',
    ({ dsap, ssap, control }) => ({ 'llc.dsap': [dsap], 'llc.ssap': [ssap], 'llc.control': [control] }),
  ],
  stp: [
    'stp',
    (layer) => ({
      'stp.protocol': [layer.protocol_id],
      'stp.version': [layer.version],
      'stp.type': [layer.type],
      'stp.flags': present(layer.flags),
      'stp.root.prio': present(layer.root_priority).map((priority) => Number(priority) & 0xf000),
      'stp.root.ext': present(layer.root_priority).map((priority) => Number(priority) & 0xfff),
      'stp.root.hw': present(layer.root_mac),
      'stp.root.cost': present(layer.root_path_cost),
      'stp.bridge.hw': present(layer.bridge_mac),
      'stp.port': present(layer.port),
      'stp.msg_age': present(layer.message_age),
      'stp.max_age': present(layer.max_age),
      'stp.hello': present(layer.hello_time),
      'stp.forward': present(layer.forward_delay),
      'stp.version_1_length': present(layer.version1_length),
      'mstp.version_3_length': present(layer.version3_length),
      'mstp.config_name': present(layer.mst?.region),
      'mstp.config_revision_level': present(layer.mst?.revision),
      'mstp.config_digest': present(layer.mst?.digest).map((digest) => colons(digest as Buffer)),
      'mstp.cist_bridge.hw': present(layer.mst?.bridge_mac),
      'mstp.msti.root.hw': layer.mst?.instances.map((instance) => instance.regional_root_mac) ?? [],
      'mstp.msti.root_cost': layer.mst?.instances.map((instance) => instance.internal_path_cost) ?? [],
      'mstp.msti.remaining_hops': layer.mst?.instances.map((instance) => instance.remaining_hops) ?? [],
    }),
  ],
  cdp: [
    'cdp',
    ({ version, ttl, checksum, tlvs }) => ({
      'cdp.version': [version],
      'cdp.ttl': [ttl],
      'cdp.checksum': [checksum],
      // 1: correct.
      'cdp.checksum.status': [1],
      'cdp.tlv.type': tlvs.map(({ type }) => type),
      'cdp.deviceid': each(tlvs, 'device_id', 'text'),
      'cdp.capabilities': each(tlvs, 'capabilities', 'capabilities'),
      'cdp.native_vlan': each(tlvs, 'native_vlan', 'vlan'),
    }),
  ],
  lldp: [
    'lldp',
    ({ tlvs }) => ({
      'lldp.tlv.type': tlvs.map(({ type }) => type),
      'lldp.tlv.len': tlvs.map(({ data }) => data.length),
      'lldp.chassis.subtype': each(tlvs, 'chassis_id', 'subtype'),
      'lldp.port.subtype': each(tlvs, 'port_id', 'subtype'),
      'lldp.time_to_live': each(tlvs, 'ttl', 'ttl'),
      'lldp.tlv.system.name': each(tlvs, 'system_name', 'text'),
      'lldp.tlv.system.desc': each(tlvs, 'system_description', 'text'),
      'lldp.port.desc': each(tlvs, 'port_description', 'text'),
      'lldp.tlv.system_cap': each(tlvs, 'capabilities', 'capabilities'),
      'lldp.tlv.enable_system_cap': each(tlvs, 'capabilities', 'enabled'),
      'lldp.mgn.interface.number': each(tlvs, 'management_address', 'interface_number'),
      'lldp.ieee.802_1.port_vlan.id': each(tlvs, 'port_vlan_id', 'vlan'),
      'lldp.ieee.802_1.vlan.id': each(tlvs, 'vlan_name', 'vlan'),
      'lldp.ieee.802_3.pmd_mau_type': each(tlvs, 'mac_phy', 'mau_type'),
      'lldp.ieee.802_3.max_frame_size': each(tlvs, 'maximum_frame_size', 'size'),
      'lldp.ieee.802_3.aggregated_port_id': each(tlvs, 'link_aggregation', 'port'),
    }),
  ],
  pppoed: [
    'pppoed',
    ({ version, type, code, session_id, length, tags }) => ({
      'pppoe.version': [version],
      'pppoe.type': [type],
      'pppoe.code': [code],
      'pppoe.session_id': [session_id],
      'pppoe.payload_length': [length],
      'pppoed.tags.service_name': each(tags, 'service_name', 'text').filter((text) => text !== ''),
      'pppoed.tags.ac_name': each(tags, 'access_concentrator', 'text').filter((text) => text !== ''),
    }),
  ],
  pppoes: [
    'pppoes',
    ({ code, session_id, length }) => ({
      'pppoe.code': [code],
      'pppoe.session_id': [session_id],
      'pppoe.payload_length': [length],
    }),
  ],
  ppp: [
    'ppp',
    ({ address, control: number, protocol }) => ({
      'ppp.address': present(address),
      'ppp.control': present(number),
      'ppp.protocol': [protocol],
    }),
  ],
  lcp: [
    'lcp',
    (layer) => ({
      ...control(layer),
      'lcp.opt.type': layer.options?.map(({ type }) => type) ?? [],
      'lcp.opt.mru': each(layer.options ?? [], 'mru', 'mru'),
      'lcp.opt.magic_number': each(layer.options ?? [], 'magic_number', 'magic_number'),
      'lcp.opt.asyncmap': each(layer.options ?? [], 'async_map', 'map'),
      'lcp.magic_number': present(layer.magic_number),
    }),
  ],
  ipcp: [
    'ipcp',
    (layer) => ({
      ...control(layer),
      'ipcp.opt.type': layer.options?.map(({ type }) => type) ?? [],
      'ipcp.opt.ip_address': each(layer.options ?? [], 'address', 'address'),
      'ipcp.opt.pri_dns_address': each(layer.options ?? [], 'primary_dns', 'address'),
    }),
  ],
  ipv6cp: [
    'ipv6cp',
    (layer) => ({
      ...control(layer),
      'ipv6cp.interface_identifier': each(layer.options ?? [], 'interface_id', 'interface_id'),
    }),
  ],
  pap: [
    'pap',
    ({ code, id, length, peer_id, password, message }) => ({
      'pap.code': [code],
      'pap.identifier': [id],
      'pap.length': [length],
      'pap.peer_id': present(peer_id || undefined),
      'pap.password': present(password || undefined),
      'pap.message': present(message || undefined),
    }),
  ],
  chap: [
    'chap',
    ({ code, id, length, value, sender, message }) => ({
      'chap.code': [code],
      'chap.identifier': [id],
      'chap.length': [length],
      'chap.value': present(value?.length ? colons(value) : undefined),
      'chap.name': present(sender || undefined),
      'chap.message': present(message || undefined),
    }),
  ],
  sctp: [
    'sctp',
    ({ src_port, dst_port, verification_tag, checksum, chunks }) => ({
      'sctp.srcport': [src_port],
      'sctp.dstport': [dst_port],
      'sctp.verification_tag': [verification_tag],
      'sctp.checksum': [checksum],
      // 1: correct.
      'sctp.checksum.status': [1],
      'sctp.chunk_type': chunks.map(({ type }) => type),
      'sctp.chunk_flags': chunks.map(({ flags }) => flags),
      'sctp.chunk_length': chunks.map(({ data }) => data.length + 4),
      'sctp.data_sid': each(chunks, 'data', 'stream'),
      'sctp.data_ssn': each(chunks, 'data', 'stream_seq'),
      'sctp.sack_a_rwnd': each(chunks, 'sack', 'window'),
      'sctp.shutdown_cumulative_tsn_ack': each(chunks, 'shutdown', 'cumulative_tsn'),
      'sctp.parameter_type': chunks.flatMap((chunk) =>
        'parameters' in chunk ? chunk.parameters.map(({ type }) => type) : [],
      ),
      'sctp.parameter_ipv4_address': chunks.flatMap((chunk) =>
        'parameters' in chunk ? each(chunk.parameters, 'ipv4_address', 'address') : [],
      ),
      'sctp.cause_code': chunks.flatMap((chunk) =>
        'causes' in chunk ? chunk.causes.map(({ type }) => type) : [],
      ),
    }),
  ],
  vrrp: [
    'vrrp',
    (layer) => ({
      'vrrp.version': [layer.version],
      'vrrp.type': [layer.type],
      'vrrp.virt_rtr_id': [layer.router_id],
      'vrrp.prio': [layer.priority],
      'vrrp.addr_count': [layer.count],
      'vrrp.auth_type': present(layer.auth_type),
      'vrrp.adver_int': layer.version === 2 ? [layer.interval] : [],
      'vrrp.short_adver_int': layer.version === 3 ? [layer.interval] : [],
      'vrrp.checksum.status': [1],
      'vrrp.ip_addr': layer.addresses,
    }),
  ],
  nflog: [
    'nflog',
    ({ family, version, resource_id, tlvs }) => ({
      'nflog.family': [family],
      'nflog.version': [version],
      'nflog.res_id': [resource_id],
      'nflog.tlv_type': [...tlvs.map(({ type }) => type), 9],
      'nflog.prefix': each(tlvs, 'prefix', 'text'),
      'nflog.protocol': each(tlvs, 'packet_header', 'hardware_protocol'),
      'nflog.hook': each(tlvs, 'packet_header', 'hook'),
      'nflog.ifindex_indev': each(tlvs, 'input_interface', 'index'),
      // tshark has it with a sign.
      'nflog.uid': each(tlvs, 'user_id', 'id').map((id) => Number(id) | 0),
    }),
  ],
  netlink: [
    'netlink',
    ({ arphrd_type, family }) => ({ 'netlink.hatype': [arphrd_type], 'netlink.family': [family] }),
  ],
  can: [
    /^can(fd)?$/,
    ({ id, flags, length }) => ({ 'can.id': [id], 'can.flags.xtd': [flags >> 2], 'can.len': [length] }),
  ],
  radiotap: [
    'radiotap',
    (layer) => ({
      'radiotap.version': [layer.version],
      'radiotap.length': [layer.length],
      'radiotap.mactime': present(layer.tsft?.toString()),
      'radiotap.flags': present(layer.flags),
      'radiotap.channel.freq': present(layer.channel_frequency),
      'radiotap.channel.flags': present(layer.channel_flags),
      'radiotap.dbm_antsignal': present(layer.signal),
      'radiotap.antenna': present(layer.antenna),
    }),
  ],
  wlan: [
    'wlan',
    (layer) => ({
      'wlan.fc.type': [layer.type],
      'wlan.fc.subtype': [layer.subtype],
      'wlan.fc.version': [layer.version],
      'wlan.flags': [layer.flags],
      'wlan.duration': [layer.duration],
      'wlan.ra': [layer.address1],
      'wlan.ta': present(layer.address2),
      'wlan.seq': present(layer.sequence_control).map((number) => Number(number) >> 4),
      'wlan.frag': present(layer.sequence_control).map((number) => Number(number) & 15),
      'wlan.qos': present(layer.qos),
    }),
  ],
};
/** Of management frames tshark has a protocol of its own for what is behind the header. */
const MANAGEMENT: NonNullable<Rows['wlan']> = [
  'wlan.mgt',
  (layer) => ({
    'wlan.fixed.timestamp': present(layer.timestamp?.toString()),
    'wlan.fixed.beacon': present(layer.beacon_interval),
    'wlan.fixed.capabilities': present(layer.capabilities),
    'wlan.fixed.listen_ival': present(layer.listen_interval),
    'wlan.fixed.auth.alg': present(layer.algorithm),
    'wlan.fixed.auth_seq': present(layer.transaction),
    'wlan.fixed.status_code': present(layer.status),
    'wlan.fixed.reason_code': present(layer.reason),
    'wlan.tag.number': layer.elements?.map(({ type }) => type) ?? [],
    'wlan.ssid': each(layer.elements ?? [], 'ssid', 'text')
      .slice(0, 1)
      .filter((text) => text !== '')
      .map((text) => colons(Buffer.from(String(text)))),
    'wlan.ds.current_channel': each(layer.elements ?? [], 'ds_parameters', 'channel'),
  }),
];

const same = (text: string, value: unknown): boolean =>
  typeof value === 'number' ? Number(text) === value : text === String(value);

/** Returns the parts of a protocol as one. */
function merged([first, ...others]: readonly Shown[]): Shown | undefined {
  if (first === undefined) return undefined;
  const fields = new Map(first.fields);
  for (const { fields: more } of others)
    for (const [name, values] of more) fields.set(name, [...(fields.get(name) ?? []), ...values]);
  return { name: first.name, fields };
}

/** Returns the differences between a layer and what tshark shows of it, and the number of values compared. */
function differences(
  shown: Shown,
  values: Readonly<Record<string, Values>>,
): { lines: string[]; compared: number } {
  let compared = 0;
  const lines = Object.entries(values).flatMap(([field, all]) => {
    const ours = all.filter((value) => value !== '');
    // tshark shows some of the texts that are empty.
    const theirs = (shown.fields.get(field) ?? []).filter((text) => text !== '');
    compared += ours.length;
    const is_same = theirs.length === ours.length && ours.every((value, i) => same(theirs[i] ?? '', value));
    return is_same ? [] : [`${field}: ${ours.join(', ')}; tshark: ${theirs.join(', ')}`];
  });
  return { lines, compared };
}

/** What tshark says of values that are arbitrary here, or of how good a message is. */
const ARBITRARY =
  /^(TLV has been deprecated|No preamble length|.*gap block|.*gap-ack|Source MAC must not|.*(Wrong|Invalid|not allowed|must|should|Zero|reserved|unknown|Reserved|expected|Unexpected))/i;

test('what we build, tshark decodes to the same fields', { timeout: 120_000 }, () => {
  const sample = fc.sample(link_packets, { seed: 20_26, numRuns: 900 });
  const failures = new Set<string>();
  const seen = new Map<string, number>();
  for (const linktype of new Set(sample.map((each_packet) => each_packet.linktype))) {
    const built = sample.filter((one) => one.linktype === linktype).map(({ layers }) => build(...layers));
    const dissections = dissect(pcap(linktype, built));
    for (const [i, bytes] of built.entries()) {
      const { protocols = [], complaints = [] } = dissections[i] ?? {};
      for (const complaint of linktype === LINKTYPE_NETLINK ? [] : complaints)
        if (!ARBITRARY.test(complaint)) failures.add(`${complaint}: ${bytes.toString('hex')}`);
      const left = [...protocols];
      for (const layer of parse(bytes, { linktype }).layers) {
        const rows = [
          ROWS[layer.layer],
          layer.layer === 'wlan' && layer.elements !== undefined ? MANAGEMENT : undefined,
        ];
        for (const row of rows) {
          if (row === undefined) continue;
          const [name, values] = row;
          const at = left.findIndex((one) =>
            typeof name === 'string' ? one.name === name : name.test(one.name),
          );
          // tshark tells chunks behind data as another protocol.
          const shown = merged(at < 0 ? [] : left.splice(at, layer.layer === 'sctp' ? left.length : 1));
          if (shown === undefined) failures.add(`no ${name}: linktype ${linktype} ${bytes.toString('hex')}`);
          // The row is that of the layer's name.
          const { lines, compared } =
            shown === undefined ? { lines: [], compared: 0 } : differences(shown, values(layer as never));
          for (const line of lines) failures.add(`${line}: ${bytes.toString('hex')}`);
          seen.set(layer.layer, (seen.get(layer.layer) ?? 0) + compared);
        }
      }
    }
  }
  const first = new Map([...failures].map((text) => [text.split(':')[0], text]));
  expect([...first.values()]).toEqual([]);
  for (const name of Object.keys(ROWS))
    expect([name, seen.get(name) ?? 0]).toEqual([name, expect.toSatisfy((count) => count > 10)]);
});
