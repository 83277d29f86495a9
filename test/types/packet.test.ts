// What must and what must not compile of bsd-sockets/packet: `layer` and `name` tell types apart. The checks are the compiler's.
import * as packet from 'bsd-sockets/packet';
import type * as socket from 'bsd-sockets/socket';
import { expect, expectTypeOf, test } from 'vitest';
import { type FieldNames, field_names, joined, known } from '../../lib/packet/bytes/fields.js';

test('get() gives the layer of that name', () => {
  const parsed = packet.parse(packet.build(packet.ipv4(), packet.udp()), { linktype: packet.LINKTYPE_RAW });
  expectTypeOf(parsed.get('ipv4')?.ttl).toEqualTypeOf<number | undefined>();
  expectTypeOf(parsed.get('payload')?.data).toEqualTypeOf<Buffer | undefined>();
  expectTypeOf(parsed.get('udp')?.checksum_ok).toEqualTypeOf<boolean | undefined>();
  // @ts-expect-error no such layer
  expect(parsed.get('ipv5')).toBeUndefined();
  // @ts-expect-error no such field of this layer
  expect(parsed.get('udp')?.ttl).toBeUndefined();
});

test('the types of parsed layers and of layers to build have the same names', () => {
  expectTypeOf<packet.Draft['layer']>().toEqualTypeOf<packet.LayerName>();
});

test('messages and options are told apart by their name', () => {
  const parsed = packet.parse(packet.build(packet.ipv4(), packet.icmp.echo({ id: 7 })), {
    linktype: packet.LINKTYPE_RAW,
  });
  const message = parsed.get('icmp');
  if (message?.name !== 'echo') throw new Error('no echo');
  expectTypeOf(message.type).toEqualTypeOf<8>();
  expect(message.id).toBe(7);
  for (const option of parsed.get('ipv4')?.options ?? []) {
    if (option.name === 'record_route') expectTypeOf(option.addresses).toEqualTypeOf<readonly string[]>();
  }
  for (const layer of parsed.layers)
    if (layer.layer === 'tcp') expectTypeOf(layer.flags).toEqualTypeOf<number>();
});

test('what was parsed can be built; what is given has to fit', () => {
  const parsed = packet.parse(packet.build(packet.ethernet(), packet.arp()));
  expect(packet.build(...parsed.layers)).toHaveLength(42);
  // @ts-expect-error a TTL is a number
  expect(() => packet.build(packet.ipv4({ ttl: '3' }))).toThrow(TypeError);
  // @ts-expect-error mss has a number, not a shift
  expect(() => packet.build(packet.tcp({ options: [{ name: 'mss', shift: 3 }] }))).toThrow(TypeError);
});

test('a list of fields has each name of its type and no other', () => {
  const udp: FieldNames<keyof packet.UdpFields> = field_names(
    'src_port',
    'dst_port',
    'length',
    'checksum',
    'checksum_ok',
  );
  // @ts-expect-error dst is missing
  const fewer: FieldNames<keyof packet.EthernetFields> = field_names('src', 'ethertype');
  // @ts-expect-error ttl is no field of it
  const more: FieldNames<keyof packet.EthernetFields> = field_names('dst', 'src', 'ethertype', 'ttl');
  // @ts-expect-error two lists together lack ethertype
  const joint: FieldNames<keyof packet.EthernetFields> = joined(field_names('dst'), field_names('src'));
  expect([udp, fewer, more, joint].map(({ length }) => length)).toEqual([5, 2, 4, 2]);
  // @ts-expect-error an array of strings is no such list
  expect(known({}, 'udp', ['src_port'])).toEqual({});
});

test('send_receive keeps the layers of each packet', () => {
  const { icmp, ipv4, payload, send_receive, tcp } = packet;
  const use = async () => {
    const one = await send_receive([[ipv4({ dst: '127.0.0.1' }), icmp.echo({ id: 1 })]]);
    for (const [sent, received, seconds] of one.answered) {
      expectTypeOf(sent[0].ttl).toEqualTypeOf<number | undefined>();
      expectTypeOf(sent[1].seq).toEqualTypeOf<number | undefined>();
      expectTypeOf(received.get('icmp')).toEqualTypeOf<packet.Layers['icmp'] | undefined>();
      expectTypeOf(seconds).toBeNumber();
      // @ts-expect-error the packet has two layers
      void sent[2];
      // @ts-expect-error no such field of this layer
      void sent[0].seq;
    }
    const sweep = await send_receive(
      ['192.0.2.1', '192.0.2.2'].map((dst) => [ipv4({ dst, ttl: 9 }), icmp.echo({ id: 1 })]),
    );
    for (const [sent] of sweep.answered) expectTypeOf(sent[0].dst).toEqualTypeOf<string>();
    for (const [header] of sweep.unanswered) expectTypeOf(header.dst).toEqualTypeOf<string>();
    const many = await send_receive([1, 2].map((port) => [ipv4(), tcp({ dst_port: port })]));
    for (const [, segment] of many.unanswered)
      expectTypeOf(segment.dst_port).toEqualTypeOf<number | undefined>();
    const [parsed] = (await send_receive([packet.parse(Buffer.alloc(1))])).unanswered;
    expectTypeOf(parsed).toEqualTypeOf<packet.Packet | undefined>();
    const wrong = [
      // @ts-expect-error an array of packets, each an array
      send_receive([ipv4(), payload('x')]),
      // @ts-expect-error no layer
      send_receive([['x']]),
    ];
    void wrong;
  };
  expectTypeOf(use).toBeFunction();
});

test('the destination of an IP header is a string if it was given', () => {
  const { ipv4, ipv6 } = packet;
  expectTypeOf(ipv4({ dst: '192.0.2.1' }).dst).toEqualTypeOf<string>();
  expectTypeOf(ipv6({ dst: '::1', hop_limit: 1 }).dst).toEqualTypeOf<string>();
  expectTypeOf(ipv4({ dst: '192.0.2.1' }).ttl).toEqualTypeOf<number | undefined>();
  expectTypeOf(ipv4().dst).toEqualTypeOf<string | undefined>();
  expectTypeOf(ipv4({ ttl: 1 }).dst).toEqualTypeOf<string | undefined>();
  const of_a_variable = (fields: packet.Ipv4Fields) => ipv4(fields);
  expectTypeOf(of_a_variable({}).dst).toEqualTypeOf<string | undefined>();
  expectTypeOf(ipv4({ dst: '192.0.2.1' })).toExtend<packet.Ipv4Draft>();
  // @ts-expect-error no such field, also beside a destination
  expect(() => ipv4({ dst: '192.0.2.1', dest: '192.0.2.2' })).toThrow('ipv4 has no field dest');
  // @ts-expect-error no such field
  expect(() => ipv6({ dest: '::1' })).toThrow('ipv6 has no field dest');
});

test('send_receive takes layers of define_layer, and options that are undefined', () => {
  const own = packet.define_layer({
    name: 'own_of_types',
    fields: { id: packet.field.uint(16) },
    bound_to: packet.udp.port(40111),
  });
  const use = async (timeout: number | undefined) => {
    const { answered } = await packet.send_receive(
      [[packet.ipv4(), packet.udp({ dst_port: 40111 }), own({ id: undefined })]],
      {
        timeout,
      },
    );
    for (const [sent, received] of answered) {
      expectTypeOf(sent[1].dst_port).toEqualTypeOf<number | undefined>();
      expectTypeOf(own.get(received)?.id).toEqualTypeOf<number | undefined>();
    }
    const probes = [[packet.ipv4(), own({ id: 1 })]];
    await packet.send_receive(probes);
  };
  expectTypeOf(use).toBeFunction();
});

test('a filter program is for attach_filter and matches, and cannot be changed', () => {
  const program = packet.compile_filter('ip', {
    linktype: packet.LINKTYPE_RAW,
    live: false,
    resolve: () => '192.0.2.1',
  });
  expectTypeOf(program).toEqualTypeOf<readonly socket.FilterRow[]>();
  expectTypeOf<socket.socket['attach_filter']>().toBeCallableWith(program);
  expectTypeOf(packet.matches(program, Buffer.alloc(20))).toEqualTypeOf<boolean>();
  // @ts-expect-error a program is frozen
  expect(() => program.push([6, 0, 0, 0])).toThrow(TypeError);
  // @ts-expect-error an expression is text
  expect(() => packet.compile_filter(80)).toThrow(TypeError);
  // @ts-expect-error no such option
  expect(() => packet.compile_filter('ip', { link: 1 })).toThrow(TypeError);
  // @ts-expect-error names are looked up at once
  expect(() => packet.compile_filter('host a', { resolve: async () => '192.0.2.1' })).toThrow(TypeError);
});
