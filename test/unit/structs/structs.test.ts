// The layouts of structs, compared with a C program that the test compiles; their round trips and their misuse.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as socket from 'bsd-sockets/socket';
import * as structs from 'bsd-sockets/structs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { little_endian, long_bits, slowness } from '../../machine.js';

const IPV4_FIELDS = new Set(['multiaddr', 'interface', 'address', 'sourceaddr', 'spec_dst', 'addr']);

/** The structs in C: the prefix of the fields' names, then the names without it. */
const IN_C: Record<string, [prefix: string, ...fields: string[]]> = {
  linger: ['l_', 'onoff', 'linger'],
  timeval: ['tv_', 'sec', 'usec'],
  timespec: ['tv_', 'sec', 'nsec'],
  ucred: ['', 'pid', 'uid', 'gid'],
  ip_mreq: ['imr_', 'multiaddr', 'interface'],
  ip_mreqn: ['imr_', 'multiaddr', 'address', 'ifindex'],
  ip_mreq_source: ['imr_', 'multiaddr', 'interface', 'sourceaddr'],
  ipv6_mreq: ['ipv6mr_', 'multiaddr', 'interface'],
  group_req: ['gr_', 'interface', 'group'],
  group_source_req: ['gsr_', 'interface', 'group', 'source'],
  in_pktinfo: ['ipi_', 'ifindex', 'spec_dst', 'addr'],
  in6_pktinfo: ['ipi6_', 'addr', 'ifindex'],
  ifreq: [
    'ifr_',
    ...[
      'name',
      'addr',
      'dstaddr',
      'broadaddr',
      'netmask',
      'hwaddr',
      'flags',
      'ifindex',
      'metric',
      'mtu',
      'qlen',
    ],
    'newname',
  ],
  tcp_md5sig: ['tcpm_', 'addr', 'flags', 'prefixlen', 'keylen', 'ifindex', 'key'],
  sock_extended_err: ['ee_', 'errno', 'origin', 'type', 'code', 'info', 'data'],
  scm_timestamping: ['', 'ts'],
  tcp_info: ['tcpi_', 'state', 'options', 'rto', 'rtt', 'total_retrans', 'pacing_rate', 'min_rtt', 'snd_wnd'],
  sock_filter: ['', 'code', 'jt', 'jf', 'k'],
  packet_mreq: ['mr_', 'ifindex', 'type', 'alen', 'address'],
  tpacket_stats: ['tp_', 'packets', 'drops'],
  tpacket_stats_v3: ['tp_', 'packets', 'drops', 'freeze_q_cnt'],
  tpacket_auxdata: ['tp_', 'status', 'len', 'snaplen', 'mac', 'net', 'vlan_tci', 'vlan_tpid'],
  can_frame: ['', 'can_id', 'len', 'len8_dlc', 'data'],
  canfd_frame: ['', 'can_id', 'len', 'flags', 'data'],
  ifinfomsg: ['ifi_', 'family', 'type', 'index', 'flags', 'change'],
  ifaddrmsg: ['ifa_', 'family', 'prefixlen', 'flags', 'scope', 'index'],
  rtmsg: ['rtm_', 'family', 'dst_len', 'src_len', 'tos', 'table', 'protocol', 'scope', 'type', 'flags'],
  ndmsg: ['ndm_', 'family', 'ifindex', 'state', 'flags', 'type'],
};

interface Plain {
  size: number;
  encode(value: Record<string, unknown>): Buffer;
  decode(bytes: Uint8Array): Record<string, unknown>;
}
const plain = (name: string) => (structs as unknown as Record<string, Plain>)[name]!;

/** Returns a value that makes every byte of the field differ from 0. */
function full_value(name: string, field: string, size: number): unknown {
  if (field.endsWith('name')) return 'x'.repeat(size - 1);
  if (field === 'hwaddr') return { family: 0xffff, data: Buffer.alloc(14, 0xff) };
  if (name === 'ifreq' && size === 16) return Buffer.alloc(16, 0xff);
  if (name === 'tcp_md5sig' && size > 4) return Buffer.alloc(size, 0xff);
  if (field === 'ts') return Array(3).fill({ sec: -1, nsec: -1 });
  if (field === 'group' || field === 'source') return Buffer.alloc(128, 0xff);
  if ((field === 'address' && name === 'packet_mreq') || (field === 'data' && name.startsWith('can')))
    return Buffer.alloc(size, 0xff);
  if (size === 16) return 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  if (IPV4_FIELDS.has(field) && (name.startsWith('ip_') || name === 'in_pktinfo')) return '255.255.255.255';
  const signed =
    /^(linger|timeval|timespec)$/.test(name) ||
    field === 'pid' ||
    (field === 'index' && name === 'ifinfomsg') ||
    (['ifindex', 'metric', 'mtu', 'qlen'].includes(field) && (name === 'ifreq' || name === 'tcp_md5sig'));
  if (signed || (field === 'ifindex' && name !== 'in6_pktinfo')) return -1;
  return size === 8 ? 2n ** 64n - 1n : 2 ** (size * 8) - 1;
}

describe('layouts', () => {
  it("are the compiler's", { timeout: 60_000 * slowness }, (ctx) => {
    const rows = Object.entries(IN_C).flatMap(([name, [prefix, ...fields]]) => [
      `printf("${name} - 0 %zu\\n", sizeof(struct ${name}));`,
      ...fields.map(
        (field) =>
          `printf("${name} ${field} %zu %zu\\n", offsetof(struct ${name}, ${prefix}${field}), sizeof(((struct ${name} *)0)->${prefix}${field}));`,
      ),
    ]);
    const headers = [
      'stddef.h',
      'stdio.h',
      'time.h',
      'sys/time.h',
      'sys/socket.h',
      'netinet/in.h',
      'net/if.h',
      ...['can', 'errqueue', 'filter', 'if_addr', 'if_packet', 'neighbour', 'rtnetlink', 'tcp'].map(
        (header) => `linux/${header}.h`,
      ),
    ];
    const source = [
      '#define _GNU_SOURCE',
      ...headers.map((header) => `#include <${header}>`),
      `int main(void) { printf("%zu\\n", 8 * sizeof(long)); ${rows.join('\n')} return 0; }`,
    ].join('\n');
    const folder = mkdtempSync(join(tmpdir(), 'structs-'));
    try {
      writeFileSync(join(folder, 'layout.c'), source);
      // On 32 bits the compiler may have a time_t of 64, and the addon another one.
      const times = plain('timeval').size > 8 ? [] : ['-U_TIME_BITS', '-U_FILE_OFFSET_BITS'];
      const args = [...times, 'layout.c', '-o', 'layout'];
      const compiled = spawnSync('cc', args, { cwd: folder, encoding: 'utf8' });
      if (compiled.error) ctx.skip('cc is not installed');
      expect(compiled.stderr).toBe('');
      const { stdout } = spawnSync(join(folder, 'layout'), { encoding: 'utf8' });
      const [bits, ...lines] = stdout.trimEnd().split('\n');
      if (Number(bits) !== long_bits) ctx.skip('cc compiles for another processor than that of this program');
      expect(lines.length).toBeGreaterThan(90);
      for (const line of lines) {
        const [name, field, offset, size] = line.split(' ') as [string, string, string, string];
        if (field === '-') {
          // The kernel's tcp_info is newer than the headers.
          if (name === 'tcp_info') expect(plain(name).size).toBeGreaterThanOrEqual(Number(size));
          else expect(plain(name).size, name).toBe(Number(size));
          continue;
        }
        const bytes = plain(name).encode({ [field]: full_value(name, field, Number(size)) });
        if (name === 'packet_mreq' && field === 'address') bytes.writeUInt16LE(0, 6);
        if (name.startsWith('can') && field === 'data') bytes[4] = 0;
        if (name === 'tcp_md5sig' && field === 'key') bytes.writeUInt16LE(0, 130);
        const expected = Buffer.alloc(bytes.length);
        if (field.endsWith('name')) expected.fill('x', Number(offset), Number(offset) + Number(size) - 1);
        else expected.fill(0xff, Number(offset), Number(offset) + Number(size));
        expect(bytes, line).toEqual(expected);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of bit fields', () => {
    const bits = { snd_wscale: 0xa, rcv_wscale: 0x5, delivery_rate_app_limited: 1, fastopen_client_fail: 2 };
    const bytes = structs.tcp_info.encode(bits);
    // The order of bit fields follows that of bytes.
    expect([bytes[6], bytes[7]]).toEqual(little_endian ? [0x5a, 0b101] : [0xa5, 0xc0]);
    expect(structs.tcp_info.decode(bytes)).toMatchObject(bits);
  });

  it('name every field: all of a struct comes back from zeros', () => {
    for (const [name, [, ...fields]] of Object.entries(IN_C)) {
      if (name === 'tcp_info') continue;
      const { size } = plain(name);
      expect(Object.keys(plain(name).decode(Buffer.alloc(size))).sort(), name).toEqual(fields.sort());
    }
    expect(Object.keys(structs.tcp_info.decode(Buffer.alloc(280))).length).toBeGreaterThanOrEqual(70);
  });
});

const u8 = fc.nat(255);
const u16 = fc.nat(65535);
const u32 = fc.nat(2 ** 32 - 1);
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const as_number = (value: bigint) =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
const long_limit = 2n ** BigInt(long_bits - 1);
const long = fc.bigInt({ min: -long_limit, max: long_limit - 1n }).map(as_number);
const ipv4 = fc.ipV4();
// The texts come from the C library: decoding returns the same form.
const ipv6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => socket.inet_ntop(socket.AF_INET6, bytes));
const address = fc.oneof(fc.tuple(ipv4, u16), fc.tuple(ipv6, u16, fc.nat(0xfffff), u32), fc.constant(null));
const timespec = fc.record({ sec: long, nsec: long });

const VALUES: Record<string, fc.Arbitrary<object>> = {
  linger: fc.record({ onoff: i32, linger: i32 }),
  timeval: fc.record({ sec: long, usec: long }),
  timespec,
  ucred: fc.record({ pid: i32, uid: u32, gid: u32 }),
  ip_mreq: fc.record({ multiaddr: ipv4, interface: ipv4 }),
  ip_mreqn: fc.record({ multiaddr: ipv4, address: ipv4, ifindex: i32 }),
  ip_mreq_source: fc.record({ multiaddr: ipv4, interface: ipv4, sourceaddr: ipv4 }),
  ipv6_mreq: fc.record({ multiaddr: ipv6, interface: u32 }),
  group_req: fc.record({ interface: u32, group: address }),
  group_source_req: fc.record({ interface: u32, group: address, source: address }),
  in_pktinfo: fc.record({ ifindex: i32, spec_dst: ipv4, addr: ipv4 }),
  in6_pktinfo: fc.record({ addr: ipv6, ifindex: u32 }),
  sock_extended_err: fc.record({
    errno: u32,
    origin: u8,
    type: u8,
    code: u8,
    info: u32,
    data: u32,
    offender: address.filter((value) => value !== null),
  }),
  tcp_md5sig: fc
    .record({ addr: address, flags: u8, prefixlen: u8, ifindex: i32, key: fc.uint8Array({ maxLength: 80 }) })
    .map(({ key, ...rest }) => ({ ...rest, keylen: key.length, key: Buffer.from(key) })),
  scm_timestamping: fc.record({ ts: fc.array(timespec, { minLength: 3, maxLength: 3 }) }),
  sock_filter: fc.record({ code: u16, jt: u8, jf: u8, k: u32 }),
  packet_mreq: fc
    .uint8Array({ maxLength: 8 })
    .map((bytes) => ({ ifindex: 2, type: 1, alen: bytes.length, address: Buffer.from(bytes) })),
  tpacket_stats: fc.record({ packets: u32, drops: u32 }),
  tpacket_stats_v3: fc.record({ packets: u32, drops: u32, freeze_q_cnt: u32 }),
  tpacket_auxdata: fc.record({
    status: u32,
    len: u32,
    snaplen: u32,
    mac: u16,
    net: u16,
    vlan_tci: u16,
    vlan_tpid: u16,
  }),
  can_frame: fc
    .tuple(u32, fc.uint8Array({ maxLength: 8 }))
    .map(([can_id, bytes]) => ({ can_id, len: bytes.length, len8_dlc: 0, data: Buffer.from(bytes) })),
  canfd_frame: fc
    .tuple(u32, u8, fc.uint8Array({ maxLength: 64 }))
    .map(([can_id, flags, bytes]) => ({ can_id, len: bytes.length, flags, data: Buffer.from(bytes) })),
  ifinfomsg: fc.record({ family: u8, type: u16, index: i32, flags: u32, change: u32 }),
  ifaddrmsg: fc.record({ family: u8, prefixlen: u8, flags: u8, scope: u8, index: u32 }),
  ndmsg: fc.record({ family: u8, ifindex: i32, state: u16, flags: u8, type: u8 }),
};

describe('round trips', () => {
  it.each(Object.keys(VALUES))('%s', (name) => {
    fc.assert(
      fc.property(VALUES[name]!, (value) => {
        const bytes = plain(name).encode(value as Record<string, unknown>);
        expect(bytes.length).toBeGreaterThanOrEqual(plain(name).size);
        expect(plain(name).decode(bytes)).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('ifreq: the name and each member', () => {
    const name = fc.stringMatching(/^[a-z0-9@.-]{1,15}$/);
    const inet = fc.tuple(ipv4, u16);
    const hwaddr = fc.record({
      family: u16,
      data: fc.uint8Array({ minLength: 14, maxLength: 14 }).map((bytes) => Buffer.from(bytes)),
    });
    const member = fc.oneof(
      ...['addr', 'dstaddr', 'broadaddr', 'netmask'].map((key) => fc.record({ [key]: inet })),
      ...['ifindex', 'metric', 'mtu', 'qlen'].map((key) => fc.record({ [key]: i32 })),
      fc.record({ hwaddr }),
      fc.record({ flags: u16 }),
      fc.record({ newname: name }),
    );
    fc.assert(
      fc.property(name, member, (text, value) => {
        const bytes = structs.ifreq.encode({ name: text, ...value });
        expect(bytes).toHaveLength(structs.ifreq.size);
        expect(structs.ifreq.decode(bytes)).toMatchObject({ name: text, ...value });
      }),
    );
  });

  it('tcp_info: what it decodes, whatever the bytes, encodes to them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 280, maxLength: 280 }), (bytes) => {
        // Clears the bits that belong to no field.
        bytes[7]! &= little_endian ? 0b00000111 : 0b11100000;
        expect(structs.tcp_info.encode(structs.tcp_info.decode(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('every struct takes bytes of any length and content', () => {
    const names = [...Object.keys(IN_C), 'nlmsghdr'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 300 }), (name, bytes) => {
        expect(plain(name).decode(bytes)).toBeTypeOf('object');
      }),
      { numRuns: 1000 },
    );
  });

  it('shorter bytes give the fields that are there', () => {
    expect(structs.tcp_info.decode(Buffer.alloc(104))).not.toHaveProperty('pacing_rate');
    expect(structs.tcp_info.decode(Buffer.alloc(104)).total_retrans).toBe(0);
    expect(structs.tcp_info.decode(Buffer.alloc(0))).toEqual({});
    expect(structs.ucred.decode(structs.ucred.encode({ pid: 1, uid: 2 }).subarray(0, 7))).toEqual({ pid: 1 });
    expect(structs.can_frame.decode(Buffer.alloc(15))).toEqual({ can_id: 0, len: 0, len8_dlc: 0 });
    expect(structs.linger.decode(Buffer.alloc(100, 1))).toEqual({ onoff: 0x1010101, linger: 0x1010101 });
  });

  it('views that begin elsewhere', () => {
    const memory = new Uint8Array(30);
    memory.set(structs.ucred.encode({ pid: 7, uid: 8, gid: 9 }), 3);
    expect(structs.ucred.decode(memory.subarray(3))).toEqual({ pid: 7, uid: 8, gid: 9 });
    expect(structs.ucred.decode(new DataView(memory.buffer, 3, 12))).toEqual({ pid: 7, uid: 8, gid: 9 });
  });

  it("tell the machine's byte order as python3 does", (ctx) => {
    const format = `${little_endian ? '<' : '>'}iiQHBBI`;
    const program = `import struct; print(struct.pack('${format}', -1, 5, 2**63, 40, 1, 2, 7).hex(), end='')`;
    const python = spawnSync('python3', ['-c', program], { encoding: 'utf8' });
    if (python.error) ctx.skip('python3 is not installed');
    const filter = structs.sock_filter.encode({ code: 40, jt: 1, jf: 2, k: 7 });
    const head = structs.linger.encode({ onoff: -1, linger: 5 });
    const rate = structs.tcp_info.encode({ pacing_rate: 2n ** 63n }).subarray(104, 112);
    expect(Buffer.concat([head, rate, filter]).toString('hex')).toBe(python.stdout);
  });
});

describe('control messages', () => {
  const { encode_control, decode_control } = structs;
  const error = VALUES.sock_extended_err!;
  const values: { readonly [K in keyof structs.ControlValues]: fc.Arbitrary<unknown> } = {
    SCM_RIGHTS: fc.array(i32, { maxLength: 5 }),
    SCM_CREDENTIALS: VALUES.ucred!,
    SCM_SECURITY: fc.string().map((text) => text.replaceAll('\0', '')),
    SCM_PIDFD: i32,
    SCM_TIMESTAMP: VALUES.timeval!,
    SCM_TIMESTAMPNS: timespec,
    SCM_TIMESTAMPING: VALUES.scm_timestamping!,
    SO_RXQ_OVFL: u32,
    SO_MARK: u32,
    SO_PRIORITY: u32,
    IP_PKTINFO: VALUES.in_pktinfo!,
    IP_TTL: i32,
    IP_TOS: i32,
    IP_RECVERR: error,
    IP_ORIGDSTADDR: fc.tuple(ipv4, u16),
    IP_RECVFRAGSIZE: i32,
    IPV6_PKTINFO: VALUES.in6_pktinfo!,
    IPV6_HOPLIMIT: i32,
    IPV6_TCLASS: i32,
    IPV6_RECVERR: fc.oneof(
      error,
      error.map((value) => ({ ...value, offender: null })),
    ),
    IPV6_ORIGDSTADDR: fc.tuple(ipv6, u16, fc.nat(0xfffff), u32),
    IPV6_RECVFRAGSIZE: i32,
    UDP_GRO: i32,
    TCP_INQ: i32,
    PACKET_AUXDATA: VALUES.tpacket_auxdata!,
    PACKET_TX_TIMESTAMP: error,
  };
  const known = fc.oneof(
    ...Object.entries(values).map(([type, value]) => fc.record({ type: fc.constant(type), value })),
  );
  const unknown = fc.record({
    type: fc.integer({ min: 200, max: 2 ** 31 - 1 }),
    level: i32,
    value: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  });

  it('what is encoded is what is decoded', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(known, unknown), { maxLength: 4 }), (messages) => {
        const ancdata = encode_control(messages as structs.EncodableControl[]);
        const decoded = decode_control(ancdata);
        expect(decoded).toMatchObject(messages);
        expect(encode_control(decoded)).toEqual(ancdata);
      }),
      { numRuns: 2000 },
    );
  });

  it('integers may be bigints, fields may be left out, bytes may be text', () => {
    const ancdata = encode_control([
      { type: 'IP_TTL', value: 5n },
      { type: 'IP_PKTINFO', value: { ifindex: 1n } },
      { type: 'SCM_RIGHTS', value: [1, 2n] },
      { type: 77, level: 78, value: 'text' },
      { type: 'IPV6_HOPLIMIT', level: socket.SOL_IPV6, value: -1 },
    ]);
    expect(decode_control(ancdata).map(({ value }) => value)).toEqual([
      5,
      { ifindex: 1, spec_dst: '0.0.0.0', addr: '0.0.0.0' },
      [1, 2],
      Buffer.from('text'),
      -1,
    ]);
    expect(encode_control([])).toEqual([]);
  });

  it('misuse names the message, or the struct and its field', () => {
    const refuse = (message: unknown, expected: RegExp) =>
      expect(() => encode_control([{ type: 'IP_TTL', value: 1 }, message as never])).toThrow(expected);
    refuse({ type: 'IP_TTL', value: '5' }, /^messages\[1\].value must be an integer, not "5"/);
    refuse({ type: 'IP_TTL', value: 2 ** 31 }, /^messages\[1\].value must be between/);
    refuse({ type: 'SO_MARK', value: -1 }, /^messages\[1\].value must be between 0 and 4294967295/);
    refuse({ type: 'IP_TTL' }, /^messages\[1\].value must be an integer, not undefined/);
    refuse(
      { type: 'IP_TTL', level: 1, value: 5 },
      /^messages\[1\].level must be 0 for IP_TTL, or left out, not 1/,
    );
    refuse({ type: 'IP_NONE', value: 5 }, /^messages\[1\].type is no known control message: "IP_NONE"/);
    refuse({ type: 'toString', value: 5 }, /is no known control message/);
    refuse(
      { type: 'IP_PKTINFO', value: { spec_dst: 'localhost' } },
      /^in_pktinfo.spec_dst must be an IPv4 address/,
    );
    refuse({ type: 'IP_PKTINFO', value: { ipi_addr: '' } }, /^in_pktinfo has no field "ipi_addr"/);
    refuse({ type: 'SCM_RIGHTS', value: 3 }, /^messages\[1\].value must be an array/);
    refuse({ type: 'SCM_RIGHTS', value: [1, 'x'] }, /^messages\[1\].value\[1\] must be an integer/);
    refuse({ type: 'SCM_SECURITY', value: 5 }, /^messages\[1\].value must be a string or bytes/);
    refuse(
      { type: 'IP_ORIGDSTADDR', value: ['localhost', 1] },
      /^messages\[1\].value: host must be a numeric/,
    );
    refuse({ type: 1, value: Buffer.alloc(1) }, /^messages\[1\].level must be an integer, not undefined/);
    refuse({ type: 1.5, level: 1, value: Buffer.alloc(1) }, /^messages\[1\].type must be an integer/);
    refuse({ type: 1, level: 1, value: 5 }, /^messages\[1\].value must be a string or bytes/);
    for (const message of [null, undefined, 5, 'IP_TTL', [0, 2, Buffer.alloc(4)]])
      refuse(message, /^messages\[1\] must be an object with type and value/);
    expect(() => encode_control('IP_TTL' as never)).toThrow(/^messages must be an array/);
  });
});

describe('netlink', () => {
  const { nlmsghdr, nlattr } = structs;
  const attribute: fc.Arbitrary<object> = fc.letrec((tie) => ({
    attribute: fc.record({
      type: fc.nat(0x3fff),
      data: fc.oneof(
        { maxDepth: 3 },
        fc.uint8Array({ maxLength: 9 }),
        fc.array(tie('attribute'), { maxLength: 3 }),
      ),
    }),
  })).attribute as fc.Arbitrary<object>;

  /** Decodes the attributes to the form that the test encodes. */
  const read = (bytes: Uint8Array): object[] =>
    nlattr
      .decode_all(bytes)
      .map(({ type, nested, data }) => ({ type, data: nested ? read(data) : new Uint8Array(data) }));

  it('attributes go round, nested ones too', () => {
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 5 }), (values) => {
        expect(read(nlattr.encode_all(values as structs.nlattr_like[]))).toEqual(values);
      }),
    );
  });

  it('one attribute, and what there is of one cut short', () => {
    const bytes = nlattr.encode({ type: 5, net_byteorder: true, data: 'eth0' });
    const decoded = { len: 8, type: 5, nested: false, net_byteorder: true, data: Buffer.from('eth0') };
    expect(nlattr.decode(Buffer.concat([bytes, bytes]))).toEqual(decoded);
    expect(nlattr.decode(bytes.subarray(0, 6))).toEqual({ ...decoded, data: Buffer.from('et') });
    expect(nlattr.decode(new Uint8Array(0)).data).toHaveLength(0);
    // @ts-expect-error text is no bytes
    expect(() => nlattr.decode('eth0')).toThrow(/^bytes must be bytes/);
  });

  it('a message has a header, data, attributes', () => {
    const bytes = nlmsghdr.encode({
      type: socket.RTM_NEWLINK,
      flags: socket.NLM_F_REQUEST,
      seq: 7,
      data: structs.ifinfomsg.encode({ index: 3 }),
      attributes: [{ type: socket.IFLA_IFNAME, data: 'eth0\0' }],
    });
    expect(bytes.length).toBe(16 + 16 + 12);
    const { data, ...header } = nlmsghdr.decode(bytes);
    expect(header).toEqual({ len: 44, type: 16, flags: 1, seq: 7, pid: 0 });
    expect(structs.ifinfomsg.decode(data).index).toBe(3);
    expect(nlattr.decode_all(data.subarray(16))).toEqual([
      { len: 9, type: 3, nested: false, net_byteorder: false, data: Buffer.from('eth0\0') },
    ]);
  });

  it('several messages; one that is cut ends them', () => {
    const one = nlmsghdr.encode({ type: 1, data: Buffer.from('abc') });
    expect(one.length).toBe(20);
    expect(nlmsghdr.decode(one).len).toBe(19);
    const messages = nlmsghdr.decode_all(Buffer.concat([one, one, one.subarray(0, 18)]));
    expect(messages.map(({ data }) => String(data))).toEqual(['abc', 'abc']);
    expect(String(nlmsghdr.decode(one.subarray(0, 18)).data)).toBe('ab');
    expect(nlmsghdr.decode_all(Buffer.alloc(40))).toEqual([]);
  });

  it('never fails on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        nlmsghdr.decode_all(bytes).flatMap(({ data }) => nlattr.decode_all(data));
        nlattr.decode_all(bytes);
      }),
    );
  });

  it('misuse', () => {
    expect(() => nlattr.encode({ type: 0x4000 })).toThrow(RangeError);
    expect(() => nlattr.encode({ type: 1, data: [{ type: -1 }] })).toThrow(/nlattr\.data\[0\]\.type/);
    expect(() => nlattr.encode({ type: 1, data: Buffer.alloc(65533) })).toThrow(/nlattr\.len/);
    // @ts-expect-error it has no such field
    expect(() => nlattr.encode({ type: 1, payload: '' })).toThrow(TypeError);
    // @ts-expect-error not an array
    expect(() => nlattr.encode_all({})).toThrow(TypeError);
    expect(() => nlmsghdr.encode({ type: 65536 })).toThrow(/nlmsghdr\.type/);
    // @ts-expect-error no object
    expect(() => nlmsghdr.encode(null)).toThrow(TypeError);
    // @ts-expect-error no bytes
    expect(() => nlmsghdr.decode('abc')).toThrow(TypeError);
  });
});

describe('misuse', () => {
  it('names struct and field', () => {
    expect(() => structs.linger.encode({ onoff: 2 ** 31 })).toThrow(/^linger\.onoff must be between/);
    expect(() => structs.linger.encode({ onoff: 1.5 })).toThrow(TypeError);
    expect(() => structs.ucred.encode({ uid: -1 })).toThrow(RangeError);
    expect(() => structs.sock_filter.encode({ jt: 256 })).toThrow(/^sock_filter\.jt/);
    expect(() => structs.tcp_info.encode({ snd_wscale: 16 })).toThrow(/between 0 and 15/);
    expect(() => structs.timespec.encode({ sec: 2n ** 63n })).toThrow(/^timespec\.sec/);
    expect(() => structs.timespec.encode({ sec: 2 ** 60 })).toThrow(
      long_bits === 64 ? /bigint/ : /^timespec\.sec/,
    );
    expect(() => structs.timespec.encode({ sec: Number.NaN })).toThrow(TypeError);
    // @ts-expect-error a string is no number
    expect(() => structs.linger.encode({ onoff: '1' })).toThrow(TypeError);
    // @ts-expect-error C's name has a prefix, which is left out here
    expect(() => structs.linger.encode({ l_onoff: 1 })).toThrow(/its fields are onoff, linger/);
    for (const value of [null, undefined, 1, 'x', [], Buffer.alloc(8)]) {
      // @ts-expect-error no object with fields
      expect(() => structs.linger.encode(value)).toThrow(TypeError);
      // @ts-expect-error no object with fields
      expect(() => structs.can_frame.encode(value)).toThrow(TypeError);
      // @ts-expect-error no object with fields
      expect(() => structs.sock_extended_err.encode(value)).toThrow(TypeError);
    }
  });

  it('ifreq: one member, and names that fit', () => {
    const { ifreq } = structs;
    expect(() => ifreq.encode({ name: 'lo', mtu: 1, flags: 2 })).toThrow(
      /^ifreq has room for one of flags, mtu: they share their memory/,
    );
    expect(() => ifreq.encode({ name: 'x'.repeat(16) })).toThrow(
      /^ifreq.name must have at most 15 bytes, not 16/,
    );
    expect(() => ifreq.encode({ name: 'é'.repeat(8) })).toThrow(RangeError);
    expect(() => ifreq.encode({ name: 'a\0b' })).toThrow(/^ifreq.name must not contain a zero byte/);
    expect(() => ifreq.encode({ addr: ['::1', 0] })).toThrow(
      /^ifreq.addr must have at most 16 bytes, not 28/,
    );
    expect(() => ifreq.encode({ flags: -1 })).toThrow(/^ifreq.flags must be between 0 and 65535/);
    expect(() => ifreq.encode({ hwaddr: { data: Buffer.alloc(15) } })).toThrow(/at most 14 bytes/);
    // @ts-expect-error text is no hardware address
    expect(() => ifreq.encode({ hwaddr: 'aa:bb' })).toThrow(
      /^ifreq.hwaddr must be an object with its fields/,
    );
    // @ts-expect-error a number is no name
    expect(() => ifreq.encode({ name: 1 })).toThrow(/^ifreq.name must be a string/);
    // @ts-expect-error no object with fields
    expect(() => ifreq.encode(null)).toThrow(TypeError);
    expect(ifreq.decode(Buffer.alloc(10, 'x')).name).toBeUndefined();
    expect(ifreq.decode(Buffer.alloc(40, 'x')).name).toBe('x'.repeat(16));
  });

  it('tcp_md5sig: a key that fits', () => {
    expect(() => structs.tcp_md5sig.encode({ key: Buffer.alloc(81) })).toThrow(
      /^tcp_md5sig.key must have at most 80/,
    );
    // @ts-expect-error text is no key
    expect(() => structs.tcp_md5sig.encode({ key: 'secret' })).toThrow(/^tcp_md5sig.key must be bytes/);
    expect(() => structs.tcp_md5sig.encode({ addr: ['localhost', 0] })).toThrow(/^tcp_md5sig.addr/);
    expect(structs.tcp_md5sig.encode({ key: Buffer.from('abc') })[little_endian ? 130 : 131]).toBe(3);
  });

  it('addresses are numeric', () => {
    for (const multiaddr of ['localhost', '', '127.1', '1.2.3.4\0', '::1', '1.2.3.256'])
      expect(() => structs.ip_mreq.encode({ multiaddr }), multiaddr).toThrow(RangeError);
    expect(() => structs.ipv6_mreq.encode({ multiaddr: '1.2.3.4' })).toThrow(RangeError);
    // @ts-expect-error a number is no address
    expect(() => structs.ip_mreq.encode({ multiaddr: 1 })).toThrow(TypeError);
    expect(() => structs.group_req.encode({ group: ['localhost', 0] })).toThrow(/group_req\.group/);
    expect(() => structs.group_req.encode({ group: ['fe80::1%', 0] })).toThrow(RangeError);
    expect(() => structs.group_req.encode({ group: ['fe80::1%no-such', 0] })).toThrow(/if_nametoindex/);
    expect(() => structs.group_req.encode({ group: ['1.2.3.4', 65536] })).toThrow(RangeError);
    expect(() => structs.group_req.encode({ group: Buffer.alloc(129) })).toThrow(RangeError);
    // @ts-expect-error two elements at least
    expect(() => structs.group_req.encode({ group: ['1.2.3.4'] })).toThrow(TypeError);
  });

  it('an address with a scope, and bytes of another family', () => {
    const bytes = structs.group_req.encode({ group: ['fe80::1%lo', 5] });
    const lo = socket.if_nametoindex('lo');
    expect(structs.group_req.decode(bytes).group).toEqual(['fe80::1', 5, 0, lo]);
    const unix = Buffer.alloc(128);
    unix[0] = socket.AF_UNIX;
    expect(structs.group_req.decode(structs.group_req.encode({ group: unix })).group).toEqual(unix);
  });

  it('bytes', () => {
    for (const value of [null, 'abc', 5, [1]]) {
      // @ts-expect-error no bytes
      expect(() => structs.linger.decode(value)).toThrow(TypeError);
    }
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(() => structs.linger.decode(detached)).toThrow(/detached/);
    expect(() => structs.can_frame.encode({ data: Buffer.alloc(9) })).toThrow(/can_frame\.data/);
    expect(() => structs.packet_mreq.encode({ address: new Uint8Array(9) })).toThrow(RangeError);
    // @ts-expect-error text is no hardware address
    expect(() => structs.packet_mreq.encode({ address: 'aa:bb' })).toThrow(TypeError);
    // @ts-expect-error three of them
    expect(() => structs.scm_timestamping.encode({ ts: 1 })).toThrow(TypeError);
    expect(() => structs.scm_timestamping.encode({ ts: Array(4).fill({}) })).toThrow(TypeError);
  });

  it('a struct cannot be changed', () => {
    expect(Object.isFrozen(structs.linger)).toBe(true);
    expect(Object.isFrozen(structs.can_frame)).toBe(true);
    expect(structs.linger.name).toBe('linger');
  });
});
