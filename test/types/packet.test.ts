// What must and what must not compile of bsd-sockets/packet: `layer` and `name` tell types apart. The checks are the compiler's.
import * as packet from 'bsd-sockets/packet';
import { expect, expectTypeOf, test } from 'vitest';

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
