// PROXY headers as bytes: by the examples of HAProxy's doc/proxy-protocol.txt, what is wrong, and what goes round.
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { ProxyHeaderReader } from '../../../lib/calls/proxy/reader.js';
import { crc32c } from '../../../lib/util/crc32c.js';

const { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC, SOCK_DGRAM, SOCK_STREAM } = socket;
const { decode_proxy_header: decode, encode_proxy_header: encode, ProxyHeaderError } = socket;
const SIGNATURE = '0d0a0d0a000d0a515549540a';

function decoded(bytes: Uint8Array | string) {
  const found = decode(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  if (found === null) throw new Error('the header is not complete');
  return found[0];
}

test('crc32c: the values of RFC 3720, B.4', () => {
  expect(crc32c(Buffer.alloc(32)).toString(16)).toBe('8a9136aa');
  expect(crc32c(Buffer.alloc(32, 0xff)).toString(16)).toBe('62a8ab43');
  expect(crc32c(Buffer.from('123456789')).toString(16)).toBe('e3069283');
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283);
});

describe('version 1', () => {
  test('the examples of the specification', () => {
    expect(
      decode(Buffer.from('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n')),
    ).toEqual([
      {
        version: 1,
        command: 'PROXY',
        family: AF_INET,
        type: SOCK_STREAM,
        source: ['192.168.0.1', 56324],
        destination: ['192.168.0.11', 443],
        tlvs: [],
      },
      47,
    ]);
    expect(decoded(`PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n`).source).toEqual([
      '255.255.255.255',
      65535,
    ]);
    const long = `${'ffff:'.repeat(7)}ffff`;
    const widest = decoded(`PROXY TCP6 ${long} ${long} 65535 65535\r\n`);
    expect(widest).toMatchObject({ family: AF_INET6, source: [long, 65535] });
    expect(decoded('PROXY UNKNOWN\r\n')).toMatchObject({
      family: AF_UNSPEC,
      source: null,
      destination: null,
    });
    expect(decoded(`PROXY UNKNOWN ${long} ${long} 65535 65535\r\n`).source).toBeNull();
  });

  test.each([
    'GET / HTTP/1.1\r\n',
    'PROXY \r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n',
    'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n',
    'PROXY TCP4 0300.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    'proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
  ])('no header: %j', (line) => {
    expect(() => decoded(line)).toThrow(ProxyHeaderError);
  });

  test('a line that goes on is no header; each beginning of one is not complete', () => {
    const line = 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n';
    for (let length = 0; length < line.length; length++)
      expect(decode(Buffer.from(line.slice(0, length)))).toBeNull();
    expect(decode(Buffer.from(`PROXY UNKNOWN ${'x'.repeat(80)}`))).toBeNull();
    expect(() => decode(Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`))).toThrow('at most 107 bytes');
  });
});

describe('version 2', () => {
  const ssl = {
    client: 7,
    verified: true,
    tlvs: [
      { name: 'ssl_version', value: 'TLSv1.3' },
      { name: 'ssl_cn', value: 'me' },
    ],
  } as const;
  const INITS: [string, socket.ProxyHeaderInit][] = [
    ['IPv4', { source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] }],
    ['IPv6 over UDP', { source: ['2001:db8::1', 0], destination: ['::', 65535], type: SOCK_DGRAM }],
    ['AF_UNIX', { source: '/run/a', destination: Buffer.from('\0abstract') }],
    ['a path of 108 bytes', { source: 'x'.repeat(108), destination: '' }],
    ['nothing known', {}],
    [
      'TLVs',
      {
        tlvs: [
          { name: 'alpn', value: 'h2' },
          { type: 0xe0, value: Buffer.from([0, 255]) },
          { name: 'noop', value: '' },
        ],
      },
    ],
    ['TLS', { source: ['192.0.2.1', 1], destination: ['192.0.2.9', 2], tlvs: [{ name: 'ssl', ssl }] }],
    [
      'a checksum',
      {
        source: ['::1', 1],
        destination: ['::1', 2],
        tlvs: [{ name: 'authority', value: 'a.example' }],
        crc32c: true,
      },
    ],
  ];

  test.each(INITS)('%s goes round', (_name, init) => {
    const bytes = encode({ ...init, version: 2 });
    const [header, length] = decode(Buffer.concat([bytes, Buffer.from('rest')])) ?? [];
    expect(length).toBe(bytes.length);
    expect(header).toMatchObject({ version: 2, command: 'PROXY' });
    expect(header?.source ?? undefined).toEqual(init.source ?? undefined);
    expect(header?.destination ?? undefined).toEqual(init.destination ?? undefined);
    expect(header?.type).toBe(init.source === undefined ? 0 : (init.type ?? SOCK_STREAM));
    const given = [...(init.tlvs ?? [])].length + (init.crc32c ? 1 : 0);
    expect(header?.tlvs).toHaveLength(given);
    for (let cut = 0; cut < bytes.length; cut++) expect(decode(bytes.subarray(0, cut))).toBeNull();
  });

  test('the bytes are those of the specification', () => {
    const bytes = encode({ version: 2, source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] });
    expect(bytes.toString('hex')).toBe(`${SIGNATURE}2111000cc0000201c000020913880050`);
    expect(encode({ version: 2, local: true }).toString('hex')).toBe(`${SIGNATURE}20000000`);
    expect(encode({ version: 2, source: '/a', destination: '/b' })).toHaveLength(16 + 216);
  });

  test('TLVs have names, and that of TLS its fields', () => {
    const [tls, own] = decoded(
      encode({
        version: 2,
        tlvs: [
          { name: 'ssl', ssl },
          { type: 0xe1, value: 'own' },
        ],
      }),
    ).tlvs;
    expect(tls?.ssl).toMatchObject({ client: 7, verified: true });
    expect(tls?.ssl?.tlvs.map(({ name, value }) => [name, String(value)])).toEqual([
      ['ssl_version', 'TLSv1.3'],
      ['ssl_cn', 'me'],
    ]);
    expect(own).toMatchObject({ type: 0xe1, name: 'unknown', value: Buffer.from('own') });
    const without = encode({ version: 2, tlvs: [{ name: 'ssl', ssl: { client: 1, verified: false } }] });
    expect(decoded(without).tlvs[0]?.ssl).toEqual({ client: 1, verified: false, tlvs: [] });
  });

  test('what a LOCAL header carries is ignored', () => {
    const local = decoded(Buffer.from(`${SIGNATURE}2011000cc0000201c000020913880050`, 'hex'));
    expect(local).toEqual({
      version: 2,
      command: 'LOCAL',
      family: AF_UNSPEC,
      type: 0,
      source: null,
      destination: null,
      tlvs: [],
    });
  });

  test.each([
    ['the signature', '0d0a0d0a000d0a515549540b'],
    ['version 3', `${SIGNATURE}31`],
    ['command 2', `${SIGNATURE}2211000cc0000201c000020913880050`],
    ['family 4', `${SIGNATURE}21410000`],
    ['protocol 3', `${SIGNATURE}2113000cc0000201c000020913880050`],
    ['a protocol without a family', `${SIGNATURE}21010000`],
    ['no room for the addresses', `${SIGNATURE}2111000bc0000201c0000209138800`],
    ['a TLV that is cut', `${SIGNATURE}210000020400`],
    ['a TLV that is too long', `${SIGNATURE}21000004040002ff`.padEnd(40, '0')],
    ['a TLV of TLS that is cut', `${SIGNATURE}2100000720000401000000`],
    ['a wrong checksum', `${SIGNATURE}2100000703000412345678`],
    ['a checksum of 3 bytes', `${SIGNATURE}21000006030003123456`],
  ])('is wrong: %s', (_name, hex) => {
    expect(() => decoded(Buffer.from(hex, 'hex'))).toThrow(ProxyHeaderError);
  });

  test('one changed bit is seen by the checksum, or is no header', () => {
    const bytes = encode({
      version: 2,
      source: ['192.0.2.1', 5000],
      destination: ['192.0.2.9', 80],
      crc32c: true,
    });
    let differ = 0;
    for (let bit = 8 * 16; bit < 8 * bytes.length; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        // The type of the checksum itself may have changed: then there is none.
        if (decoded(changed).tlvs.every(({ name }) => name !== 'crc32c')) differ++;
        else expect.unreachable(`bit ${bit} was not seen`);
      } catch (error) {
        expect(error).toBeInstanceOf(ProxyHeaderError);
      }
    }
    expect(differ).toBe(8);
  });
});

describe('misuse', () => {
  const both = { source: ['192.0.2.1', 1], destination: ['192.0.2.2', 2] } as const;
  test.each<[string, unknown, string]>([
    ['no object', 'PROXY', 'options must be an object'],
    ['an unknown field', { sauce: 1 }, 'unknown option "sauce"'],
    ['a version', { ...both, version: 3 }, 'version must be between 1 and 2'],
    ['one address', { source: ['192.0.2.1', 1] }, 'source and destination belong together'],
    ['two families', { ...both, source: ['::1', 1] }, 'must be of one address family'],
    [
      'a host name',
      { ...both, source: ['localhost', 1] },
      'source: host must be a numeric address, not "localhost"',
    ],
    [
      'a port',
      { ...both, destination: ['192.0.2.1', 65536] },
      'destination: port must be between 0 and 65535',
    ],
    ['no port', { ...both, source: ['192.0.2.1'] }, 'source must have 2 to 4 elements [host, port]'],
    [
      'a long path',
      { version: 2, source: 'x'.repeat(109), destination: '' },
      'source: path must have at most 108 bytes',
    ],
    ['a type', { ...both, type: 3 }, 'type must be SOCK_STREAM or SOCK_DGRAM, not 3'],
    ['local with a source', { ...both, local: true }, 'a local header has no source'],
    ['UDP in version 1', { ...both, type: SOCK_DGRAM }, 'SOCK_DGRAM needs version 2'],
    ['AF_UNIX in version 1', { source: '/a', destination: '/b' }, 'an AF_UNIX address needs version 2'],
    ['local in version 1', { local: true }, 'local needs version 2'],
    ['TLVs in version 1', { ...both, tlvs: [] }, 'tlvs needs version 2'],
    ['no TLVs', { version: 2, tlvs: 7 }, 'tlvs must be an array or another iterable, not 7'],
    ['a TLV without a type', { version: 2, tlvs: [{ value: '' }] }, 'tlvs[0] must have either name or type'],
    ['a TLV without a value', { version: 2, tlvs: [{ type: 1 }] }, 'tlvs[0] must have either value or ssl'],
    [
      'an unknown name',
      { version: 2, tlvs: [{ name: 'al', value: '' }] },
      'tlvs[0].name must be one of alpn, ',
    ],
    [
      'ssl of another type',
      { version: 2, tlvs: [{ type: 1, ssl: { client: 0, verified: false } }] },
      "for the type 'ssl' only",
    ],
    [
      'a checksum by hand',
      { version: 2, tlvs: [{ name: 'crc32c', value: '' }] },
      'made by the option crc32c',
    ],
    [
      'a long value',
      { version: 2, tlvs: [{ type: 1, value: Buffer.alloc(65536) }] },
      'at most 65535 bytes, not 65536',
    ],
    [
      'long values',
      { version: 2, tlvs: [{ type: 1, value: Buffer.alloc(65535) }] },
      'at most 65535 bytes behind its head',
    ],
  ])('%s', (_name, init, message) => {
    expect(() => encode(init as socket.ProxyHeaderInit)).toThrow(message);
  });

  test('bytes that are none', () => {
    expect(() => decode('PROXY UNKNOWN\r\n' as never)).toThrow('bytes must be bytes');
  });
});

test('the reader takes no byte behind the header, however it comes', () => {
  const inits: socket.ProxyHeaderInit[] = [
    { source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] },
    { version: 2, source: '/a', destination: '/b', tlvs: [{ type: 1, value: 'x'.repeat(3000) }] },
  ];
  for (const init of inits) {
    const header = encode(init);
    const stream = Buffer.concat([header, Buffer.from('\r\nbehind')]);
    for (const size of [1, 2, 7, 16, 512, 4096]) {
      const reader = new ProxyHeaderReader();
      let at = 0;
      while (reader.header === undefined) {
        const taken = reader.take(stream.subarray(at, at + size));
        expect(taken).toBeGreaterThan(0);
        at += taken;
      }
      expect(at).toBe(header.length);
    }
  }
});

test('arbitrary bytes are a header, or no header, or not complete', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const whole = encode({
    version: 2,
    source: '/a',
    destination: '/b',
    tlvs: [
      { name: 'alpn', value: 'h2' },
      { name: 'ssl', ssl: { client: 1, verified: false } },
    ],
  });
  const line = encode({ source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] });
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(i % 2 ? whole : line).subarray(0, random(300));
    for (let changes = random(4); changes > 0 && bytes.length > 0; changes--)
      bytes[random(bytes.length)] = random(256);
    try {
      const found = decode(bytes);
      if (found !== null) expect(found[1]).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      expect(error).toBeInstanceOf(ProxyHeaderError);
    }
  }
});

test('AF_UNIX is a family of both ends', () => {
  const { family, source } = decoded(encode({ version: 2, source: '/run/a', destination: '/run/b' }));
  expect([family, source]).toEqual([AF_UNIX, '/run/a']);
});
