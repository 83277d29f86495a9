// Extended echo and other messages of ICMP and ICMPv6, as tshark sees them: field by field, and without a complaint about their form.
import { build, type IcmpExtension, type Layer, LINKTYPE_RAW, parse } from 'bsd-sockets/packet';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { icmp_packets } from '../fuzz/packets.js';
import { dissect, has_tshark, pcap, type Shown } from './tshark.js';

beforeEach((context) => context.skip(!has_tshark(), 'needs tshark'));

type Message = Extract<Layer, { layer: 'icmp' | 'icmpv6' }>;
type Values = Readonly<Record<string, readonly unknown[]>>;
type Fields<Name> = (message: Extract<Message, { name: Name }>) => Values;

const FAMILIES = { 1: 'icmp.int_ident.ipv4', 2: 'icmp.int_ident.ipv6' } as const;
const MAC = 'icmp.int_ident.address';

/** The objects behind a message. */
function objects({ extensions }: { readonly extensions: readonly IcmpExtension[] }): Values {
  const named = <Name extends IcmpExtension['name']>(name: Name) =>
    extensions.filter((each): each is Extract<IcmpExtension, { name: Name }> => each.name === name);
  const addresses = named('interface_address');
  const of = (field: string) =>
    addresses.flatMap(({ family, address }) =>
      (family === 1 || family === 2 ? FAMILIES[family] : MAC) === field ? [address] : [],
    );
  return {
    'icmp.ext.class': extensions.map((each) => each.class),
    'icmp.ext.ctype': extensions.map(({ type }) => type),
    'icmp.int_ident.name': named('interface_name').map((each) => each.interface_name),
    'icmp.int_ident.index': named('interface_index').map((each) => each.interface_index),
    'icmp.int_ident.afi': addresses.map(({ family }) => family),
    [FAMILIES[1]]: of(FAMILIES[1]),
    [FAMILIES[2]]: of(FAMILIES[2]),
    [MAC]: of(MAC),
  };
}

/** The checksum of objects, where there are some: tshark reads none behind a reply. */
const with_objects = (
  message: Parameters<typeof objects>[0] & { extensions_checksum: number | undefined },
) =>
  message.extensions_checksum === undefined
    ? {}
    : { 'icmp.ext.checksum': [message.extensions_checksum], ...objects(message) };

/** For each message: the values of tshark's fields. */
const FIELDS: { readonly [Name in Message['name']]?: Fields<Name> } = {
  extended_echo: (message) => ({
    [message.layer === 'icmp' ? 'icmp.ident' : 'icmpv6.echo.identifier']: [message.id],
    [`${message.layer}.ext.echo.seq`]: [message.seq],
    [`${message.layer}.ext.echo.req.res`]: [message.reserved >>> 1],
    [`${message.layer}.ext.echo.req.local`]: [message.local],
    ...with_objects(message),
  }),
  extended_echo_reply: (message) => ({
    [message.layer === 'icmp' ? 'icmp.ident' : 'icmpv6.echo.identifier']: [message.id],
    [`${message.layer}.code`]: [message.code],
    [`${message.layer}.ext.echo.seq`]: [message.seq],
    [`${message.layer}.ext.echo.rsp.state`]: [message.state],
    [`${message.layer}.ext.echo.rsp.active`]: [message.active],
    [`${message.layer}.ext.echo.rsp.ipv4`]: [message.ipv4],
    [`${message.layer}.ext.echo.rsp.ipv6`]: [message.ipv6],
  }),
  router_renumbering: (message) => ({
    'icmpv6.rr.sequence_number': [message.seq],
    'icmpv6.rr.segment_number': [message.segment],
    'icmpv6.rr.flag': [message.flags],
    'icmpv6.rr.maxdelay': [message.maximum_delay],
  }),
  node_information_query: (message) => ({
    'icmpv6.ni.qtype': [message.qtype],
    'icmpv6.ni.flag': [message.flags],
    'icmpv6.ni.nonce': [message.nonce.readBigUInt64BE()],
  }),
};

/** Reads tshark's text as a value of the same kind. Behind an address of the link layer, it shows all bytes that are left. */
function read(text: string, like: unknown): unknown {
  if (typeof like === 'boolean') return text === '1' || text === 'True';
  if (typeof like === 'bigint') return BigInt(text);
  if (typeof like === 'number') return Number(text);
  return typeof like === 'string' && /^(..:)+..$/.test(like) ? text.slice(0, like.length) : text;
}

function compare(message: Message, shown: Shown): number {
  // The table has the function of each name.
  const fields = FIELDS[message.name] as ((message: Message) => Values) | undefined;
  let compared = 0;
  for (const [name, values] of Object.entries(fields?.(message) ?? {})) {
    const texts = shown.fields.get(name) ?? [];
    expect(
      texts.map((text, i) => read(text, values[i])),
      name,
    ).toEqual(values);
    compared += values.length;
  }
  return compared;
}

test('tshark decodes them to the same fields', { timeout: 60_000 }, () => {
  const sample = fc
    .sample(icmp_packets, { seed: 18, numRuns: 4000 })
    .filter((layers) => layers.some((layer) => 'name' in layer && Object.hasOwn(FIELDS, layer.name ?? '')))
    .filter(([outer]) => outer !== undefined && !('extensions' in outer && outer.extensions?.length))
    .map((layers) => build(...layers));
  const dissections = dissect(pcap(LINKTYPE_RAW, sample));
  expect(dissections).toHaveLength(sample.length);
  let compared = 0;
  const names = new Set<string>();
  for (const [i, bytes] of sample.entries()) {
    const { layers, problems } = parse(bytes, { linktype: LINKTYPE_RAW });
    expect(problems).toEqual([]);
    const message = layers.find((layer) => layer.layer === 'icmp' || layer.layer === 'icmpv6');
    const shown = dissections[i]?.protocols.find(({ name }) => name === message?.layer);
    if (message === undefined || shown === undefined)
      throw new Error(`no message in ${bytes.toString('hex')}`);
    try {
      compared += compare(message, shown);
    } catch (error) {
      if (error instanceof Error) error.message += `\n${bytes.toString('hex')}`;
      throw error;
    }
    names.add(message.name);
  }
  expect([...names].sort()).toEqual(Object.keys(FIELDS).sort());
  expect(compared).toBeGreaterThan(2000);
});
