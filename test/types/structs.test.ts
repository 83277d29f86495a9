// The types of structs: exactly the fields of C, and a discriminated union of control messages.
import dgram from 'node:dgram';
import type net from 'node:net';
import * as socket from 'bsd-sockets/socket';
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

test('encode_control takes what decode_control gives, and each type has its value', () => {
  expectTypeOf(structs.encode_control([{ type: 'IP_TTL', value: 5 }])).toExtend<
    readonly socket.ControlMessage[]
  >();
  structs.encode_control(structs.decode_control([]));
  structs.encode_control([
    { type: 'IP_TTL', value: 5n },
    { type: 'IP_PKTINFO', value: { ifindex: 1 } },
    { type: 'SCM_RIGHTS', value: [1, 2] as const },
    { type: 'IP_ORIGDSTADDR', value: ['127.0.0.1', 5] },
    { type: 77, level: 1, value: 'bytes' },
  ]);
  const wrong = [
    // @ts-expect-error a number
    () => structs.encode_control([{ type: 'IP_TTL', value: '5' }]),
    // @ts-expect-error the value of another type
    () => structs.encode_control([{ type: 'IP_TTL', value: { ifindex: 1 } }]),
    // @ts-expect-error no such field
    () => structs.encode_control([{ type: 'IP_PKTINFO', value: { index: 1 } }]),
    // @ts-expect-error an array
    () => structs.encode_control([{ type: 'SCM_RIGHTS', value: 3 }]),
    // @ts-expect-error no such message
    () => structs.encode_control([{ type: 'IP_NONE', value: 1 }]),
    // @ts-expect-error an unknown one has a level
    () => structs.encode_control([{ type: 77, value: Buffer.alloc(1) }]),
    // @ts-expect-error an unknown one has bytes
    () => structs.encode_control([{ type: 77, level: 1, value: 5 }]),
  ];
  void wrong;
});

test('ifreq and tcp_md5sig', () => {
  const fields = structs.ifreq.decode(Buffer.alloc(40));
  expectTypeOf(fields.name).toEqualTypeOf<string>();
  expectTypeOf(fields.addr).toEqualTypeOf<structs.StructAddress>();
  expectTypeOf(fields.hwaddr.data).toEqualTypeOf<Buffer>();
  expectTypeOf(structs.tcp_md5sig.decode(Buffer.alloc(216)).key).toEqualTypeOf<Buffer>();
  // @ts-expect-error C's name has a prefix, which is left out here
  void (() => structs.ifreq.encode({ ifr_name: 'lo' }));
});

test('ioctl, attach_filter, borrow', () => {
  const use = (sock: socket.socket) => {
    expectTypeOf(sock.ioctl(socket.FIONREAD)).toEqualTypeOf<number>();
    expectTypeOf(sock.ioctl(socket.FIONREAD, null)).toEqualTypeOf<number>();
    expectTypeOf(sock.ioctl(socket.FIONREAD, 0)).toEqualTypeOf<number>();
    expectTypeOf(
      sock.ioctl(socket.SIOCGIFADDR, structs.ifreq.encode({ name: 'lo' })),
    ).toEqualTypeOf<Buffer>();
    sock.attach_filter([[6, 0, 0, 1]], { option: socket.SO_ATTACH_REUSEPORT_CBPF });
    const rows = [[6, 0, 0, 1]];
    sock.attach_filter(rows);
    // @ts-expect-error rows are arrays of numbers
    sock.attach_filter([6, 0, 0, 1]);
    sock.detach_filter({ option: null });
    // @ts-expect-error no name
    sock.attach_filter([[6, 0, 0, 1]], { option: 'SO_ATTACH_FILTER' });
    // @ts-expect-error no object
    sock.ioctl(socket.FIONREAD, {});
  };
  const lend = (handle: net.Socket | net.Server | dgram.Socket) => {
    const borrowed = socket.borrow(handle);
    expectTypeOf(borrowed).toEqualTypeOf<socket.BorrowedSocket>();
    expectTypeOf(borrowed.family).toEqualTypeOf<1 | 2 | 10>();
    expectTypeOf(borrowed.getsockopt(1, 2)).toEqualTypeOf<number>();
    const name = borrowed.getsockname();
    expectTypeOf(name).toEqualTypeOf<socket.ReturnedAddress<1 | 2 | 10>>();
    if (Array.isArray(name)) expectTypeOf(name[1]).toEqualTypeOf<number>();
    else expectTypeOf(name).toEqualTypeOf<string | Buffer>();
    if (handle instanceof dgram.Socket) {
      expectTypeOf(socket.borrow(handle).family).toEqualTypeOf<2 | 10>();
      expectTypeOf(socket.borrow(handle).getsockname()[1]).toEqualTypeOf<number>();
    }
    // @ts-expect-error it belongs to its owner
    borrowed.close();
    // @ts-expect-error a number is no handle
    socket.borrow(3);
  };
  void use;
  void lend;
});
