// Messages in UDP and TCP beside tshark: what we build, tshark decodes to the same fields.
import { build, dns, ipv4, type Layer, type LayerName, LINKTYPE_RAW, parse } from 'bsd-sockets/packet';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { services } from '../fuzz/services.js';
import { dissect, has_tshark, pcap } from './tshark.js';

beforeEach((context) => context.skip(!has_tshark(), 'needs tshark'));

type Values = readonly unknown[];
/** Our values of a field of tshark, in their order; undefined: nothing to compare. */
type Rows = Readonly<Record<string, (layer: never) => Values>>;
const all = <One extends object>(items: readonly One[], ...names: string[]): Values =>
  items.flatMap((item) =>
    names.flatMap((name) => (Object.hasOwn(item, name) ? [Reflect.get(item, name)] : [])),
  );
type Dns = Extract<Layer, { layer: 'dns' }>;
const records = ({ answers, authorities, additionals }: Dns) => [...answers, ...authorities, ...additionals];
const of_type = (layer: Dns, type: string, name: string): Values =>
  all(
    records(layer).filter((record) => record.type === type),
    name,
  );
type Dhcp = Extract<Layer, { layer: 'dhcp' }>;
const option = ({ options }: Dhcp, name: string, field: string): Values =>
  all(
    options.filter((one) => one.name === name),
    field,
  ).flat();

type Dhcpv6 = Extract<Layer, { layer: 'dhcpv6' }>;
type Message6 = Pick<Dhcpv6, 'type' | 'transaction_id' | 'options'>;
/** A message, and those that relays hold. */
const messages = (message: Message6): readonly Message6[] => [
  message,
  ...message.options.flatMap((each) => (each.name === 'relay_message' ? messages(each.message) : [])),
];
/** The options of all messages, those in others behind these. */
const options6 = (message: { readonly options: Dhcpv6['options'] }): Dhcpv6['options'] =>
  message.options.flatMap((each) => [
    each,
    ...('options' in each ? options6(each) : []),
    ...(each.name === 'relay_message' ? options6(each.message) : []),
  ]);
const named6 = (layer: Dhcpv6, name: string, field: string): Values =>
  all(
    options6(layer).filter((each) => each.name === name),
    field,
  );

const FIELDS: Readonly<Partial<Record<LayerName, Rows>>> = {
  dns: {
    'dns.id': ({ id }: Dns) => [id],
    'dns.flags': ({ flags, opcode, rcode }: Dns) => [flags | (opcode << 11) | rcode],
    'dns.count.queries': ({ question_count }: Dns) => [question_count],
    'dns.count.answers': ({ answer_count }: Dns) => [answer_count],
    'dns.count.auth_rr': ({ authority_count }: Dns) => [authority_count],
    'dns.count.add_rr': ({ additional_count }: Dns) => [additional_count],
    'dns.qry.type': ({ questions }: Dns) => questions.map(({ type }) => dns.type_number(type)),
    // tshark has the types of an NSEC record here, too.
    'dns.resp.type': (layer: Dns) =>
      records(layer).flatMap((record) =>
        [record.type, ...(record.type === 'NSEC' ? record.types : [])].map(dns.type_number),
      ),
    'dns.resp.ttl': (layer: Dns) => all(records(layer), 'ttl'),
    'dns.a': (layer: Dns) => of_type(layer, 'A', 'address'),
    'dns.mx.preference': (layer: Dns) => of_type(layer, 'MX', 'preference'),
    'dns.srv.port': (layer: Dns) => of_type(layer, 'SRV', 'port'),
    'dns.soa.serial_number': (layer: Dns) => of_type(layer, 'SOA', 'serial'),
    'dns.caa.flags': (layer: Dns) => of_type(layer, 'CAA', 'flags'),
    'dns.ds.key_id': (layer: Dns) => of_type(layer, 'DS', 'key_tag'),
    'dns.aaaa': (layer: Dns) => of_type(layer, 'AAAA', 'address'),
    'dns.srv.priority': (layer: Dns) => of_type(layer, 'SRV', 'priority'),
    'dns.srv.weight': (layer: Dns) => of_type(layer, 'SRV', 'weight'),
    'dns.soa.refresh_interval': (layer: Dns) => of_type(layer, 'SOA', 'refresh'),
    'dns.soa.minimum_ttl': (layer: Dns) => of_type(layer, 'SOA', 'minimum'),
    'dns.dnskey.flags': (layer: Dns) => of_type(layer, 'DNSKEY', 'flags'),
    'dns.dnskey.algorithm': (layer: Dns) => of_type(layer, 'DNSKEY', 'algorithm'),
    'dns.rrsig.labels': (layer: Dns) => of_type(layer, 'RRSIG', 'labels'),
    'dns.rrsig.key_tag': (layer: Dns) => of_type(layer, 'RRSIG', 'key_tag'),
    'dns.sshfp.algorithm': (layer: Dns) => of_type(layer, 'SSHFP', 'algorithm'),
    'dns.tlsa.selector': (layer: Dns) => of_type(layer, 'TLSA', 'selector'),
    'dns.svcb.svcpriority': (layer: Dns) => [
      ...of_type(layer, 'SVCB', 'priority'),
      ...of_type(layer, 'HTTPS', 'priority'),
    ],
    'dns.rr.udp_payload_size': (layer: Dns) => of_type(layer, 'OPT', 'udp_payload_size'),
  },
  dhcp: {
    'dhcp.type': ({ op }: Dhcp) => [op],
    'dhcp.hops': ({ hops }: Dhcp) => [hops],
    'dhcp.id': ({ xid }: Dhcp) => [xid],
    'dhcp.secs': ({ secs }: Dhcp) => [secs],
    'dhcp.flags': ({ flags }: Dhcp) => [flags],
    'dhcp.ip.client': ({ ciaddr }: Dhcp) => [ciaddr],
    'dhcp.ip.your': ({ yiaddr }: Dhcp) => [yiaddr],
    'dhcp.ip.server': ({ siaddr }: Dhcp) => [siaddr],
    'dhcp.ip.relay': ({ giaddr }: Dhcp) => [giaddr],
    'dhcp.hw.mac_addr': ({ chaddr }: Dhcp) => [chaddr],
    'dhcp.option.router': (layer: Dhcp) => option(layer, 'router', 'addresses'),
    'dhcp.option.subnet_mask': (layer: Dhcp) => option(layer, 'subnet_mask', 'address'),
    'dhcp.option.ip_address_lease_time': (layer: Dhcp) => option(layer, 'lease_time', 'seconds'),
    'dhcp.option.dhcp': (layer: Dhcp) => option(layer, 'message_type', 'value'),
  },
  ntp: {
    'ntp.flags.li': ({ leap }: { leap: number }) => [leap],
    'ntp.flags.vn': ({ version }: { version: number }) => [version],
    'ntp.flags.mode': ({ mode }: { mode: number }) => [mode],
    'ntp.stratum': ({ stratum }: { stratum: number }) => [stratum],
    // tshark shows it without its sign.
    'ntp.precision': ({ precision }: { precision: number }) => [precision & 0xff],
    'ntp.refid': ({ reference_id }: { reference_id: string }) => [
      reference_id
        .split('.')
        .map((byte) => Number(byte).toString(16).padStart(2, '0'))
        .join(':'),
    ],
  },
  ntp_control: {
    'ntp.ctrl.flags2.opcode': ({ opcode }: { opcode: number }) => [opcode],
    'ntp.ctrl.flags2.r': ({ flags }: { flags: number }) => [flags >> 7],
    'ntp.ctrl.flags2.error': ({ flags }: { flags: number }) => [(flags >> 6) & 1],
    'ntp.ctrl.flags2.more': ({ flags }: { flags: number }) => [(flags >> 5) & 1],
    'ntp.ctrl.sequence': ({ sequence }: { sequence: number }) => [sequence],
  },
  vxlan: { 'vxlan.vni': ({ vni }: { vni: number }) => [vni] },
  geneve: {
    'geneve.vni': ({ vni }: { vni: number }) => [vni],
    'geneve.option.class': ({ options }: { options: readonly { class: number }[] }) => all(options, 'class'),
  },
  dhcpv6: {
    'dhcpv6.msgtype': (layer: Dhcpv6) => messages(layer).map(({ type }) => type),
    'dhcpv6.xid': (layer: Dhcpv6) => messages(layer).flatMap(({ transaction_id }) => transaction_id ?? []),
    'dhcpv6.option.type': (layer: Dhcpv6) => options6(layer).map(({ type }) => type),
    'dhcpv6.dns_server': (layer: Dhcpv6) => named6(layer, 'dns_servers', 'addresses').flat(),
    'dhcpv6.elapsed_time': (layer: Dhcpv6) =>
      named6(layer, 'elapsed_time', 'value').map((value) => Number(value) * 10),
    'dhcpv6.status_code': (layer: Dhcpv6) => named6(layer, 'status_code', 'code'),
    'dhcpv6.iaid.t1': (layer: Dhcpv6) => named6(layer, 'ia_na', 't1'),
    'dhcpv6.iaaddr.ip': (layer: Dhcpv6) => named6(layer, 'ia_address', 'address'),
    'dhcpv6.iaaddr.valid_lifetime': (layer: Dhcpv6) => named6(layer, 'ia_address', 'valid_lifetime'),
    'dhcpv6.hopcount': ({ hop_count }: { hop_count: number | undefined }) =>
      hop_count === undefined ? [] : [hop_count],
    'dhcpv6.linkaddr': ({ link_address }: { link_address: string | undefined }) =>
      link_address === undefined ? [] : [link_address],
  },
};
const as_text = (value: unknown): string => (typeof value === 'string' ? value : String(Number(value)));
const same = (text: string, value: unknown): boolean =>
  typeof value === 'number' ? Number(text) === value : text === as_text(value);

test('tshark decodes our messages to the same fields', { timeout: 120_000 }, () => {
  const built = fc
    .sample(services, { seed: 20_26, numRuns: 500 })
    .filter((layers) => layers.every((layer) => layer.layer !== 'dns' || layer.opcode !== dns.UPDATE))
    // An update has other names for its parts in tshark.
    .map((layers, i) => {
      // Each segment belongs to a connection of its own, so that tshark takes none for a repetition.
      const own = layers.map((layer) => (layer.layer === 'tcp' ? { ...layer, src_port: 20_000 + i } : layer));
      return build(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }), ...own);
    });
  const dissections = dissect(pcap(LINKTYPE_RAW, built), []);
  const failures: string[] = [];
  let compared = 0;
  for (const [i, bytes] of built.entries()) {
    const shown = new Map<string, string[]>();
    for (const { fields } of dissections[i]?.protocols ?? [])
      for (const [name, values] of fields) shown.set(name, [...(shown.get(name) ?? []), ...values]);
    const layers = parse(bytes, { linktype: LINKTYPE_RAW }).layers;
    for (const name of new Set(layers.map(({ layer }) => layer)))
      for (const [field, read] of Object.entries(FIELDS[name] ?? {})) {
        const ours = layers.filter(({ layer }) => layer === name).flatMap((layer) => read(layer as never));
        const theirs = shown.get(field) ?? [];
        if (theirs.length === 0 && ours.length === 0) continue;
        const equal = theirs.length === ours.length && theirs.every((text, at) => same(text, ours[at]));
        if (!equal) failures.push(`${field}: [${theirs}], not [${ours}]; ${bytes.toString('hex')}`);
        compared += ours.length;
      }
  }
  expect(failures).toEqual([]);
  expect(compared).toBeGreaterThan(3000);
});
