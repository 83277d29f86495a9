// The types of structs: exactly the fields of C, and a discriminated union of control messages.
import * as structs from 'bsd-sockets/structs';
import { expectTypeOf, test } from 'vitest';

test('structs give their fields', () => {
  expectTypeOf(structs.linger.decode(Buffer.alloc(8))).toEqualTypeOf<{ onoff: number; linger: number }>();
  expectTypeOf(structs.linger.encode({ onoff: 1n })).toEqualTypeOf<Buffer>();
  expectTypeOf(structs.timespec.decode(Buffer.alloc(16)).sec).toEqualTypeOf<number | bigint>();
  expectTypeOf(structs.in_pktinfo.decode(Buffer.alloc(12)).addr).toEqualTypeOf<string>();
  expectTypeOf(structs.can_frame.decode(Buffer.alloc(16)).data).toEqualTypeOf<Buffer>();
  expectTypeOf(structs.ucred.size).toEqualTypeOf<number>();
  // The name of a struct is a type, too.
  expectTypeOf(structs.ucred.decode(Buffer.alloc(12))).toEqualTypeOf<structs.ucred>();
});

test('what a kernel may lack may be undefined', () => {
  const info = structs.tcp_info.decode(Buffer.alloc(104));
  expectTypeOf(info.rtt).toEqualTypeOf<number>();
  expectTypeOf(info.rcv_wnd).toEqualTypeOf<number | undefined>();
  expectTypeOf(info.bytes_acked).toEqualTypeOf<number | bigint | undefined>();
});

test('addresses are those of sockets', () => {
  const { group } = structs.group_req.decode(Buffer.alloc(136));
  expectTypeOf(group).toEqualTypeOf<
    | [host: string, port: number]
    | [host: string, port: number, flowinfo: number, scope_id: number]
    | Buffer
    | null
  >();
  structs.group_req.encode({ group: ['ff02::1', 0] });
  structs.sock_extended_err.encode({ offender: ['127.0.0.1', 0] });
  const wrong = [
    // @ts-expect-error an address is an array
    () => structs.group_req.encode({ group: 'ff02::1' }),
    // @ts-expect-error an address in C's in_addr is text
    () => structs.ip_mreq.encode({ multiaddr: ['239.0.0.1', 0] }),
    // @ts-expect-error there is no such field
    () => structs.linger.encode({ l_onoff: 1 }),
    // @ts-expect-error bytes
    () => structs.linger.decode('xxxxxxxx'),
  ];
  void wrong;
});

test('the type of a control message tells its value', () => {
  for (const message of structs.decode_control([])) {
    expectTypeOf(message.level).toEqualTypeOf<number>();
    if (message.type === 'IP_PKTINFO') expectTypeOf(message.value).toEqualTypeOf<structs.in_pktinfo>();
    else if (message.type === 'SCM_RIGHTS') expectTypeOf(message.value).toEqualTypeOf<number[]>();
    else if (message.type === 'IP_RECVERR') {
      expectTypeOf(message.value.offender).toEqualTypeOf<structs.StructAddress | undefined>();
    } else if (typeof message.type === 'number') expectTypeOf(message.value).toEqualTypeOf<Buffer>();
  }
});
