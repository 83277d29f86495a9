// DNS: messages of RFC 1035, compression that is unusual or endless, EDNS, multicast DNS, TCP; and what is wrong in a message to build.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

const { build, dns, ipv4, parse, payload, show, streams, tcp, udp } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const RAW = { linktype: packet.LINKTYPE_RAW };
/** Parses the bytes of a message in UDP, and expects that they are built again. */
function parse_message(data: Uint8Array, port = 53): packet.Packet {
  const bytes = build(ipv4(), udp({ dst_port: port }), payload(data));
  const parsed = parse(bytes, RAW);
  expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(bytes);
  return parsed;
}
const message_bytes = (fields: packet.DnsFields): Buffer => build(dns(fields));
const header = (questions: number, answers = 0): string =>
  `0007 8180 000${questions} 000${answers} 0000 0000`;

describe('a message', () => {
  test('of which the bytes are those of RFC 1035: names are compressed', () => {
    const bytes = message_bytes({
      id: 7,
      flags: dns.QR | dns.RD | dns.RA,
      questions: [{ name: 'F.ISI.ARPA' }],
      answers: [
        { name: 'FOO.F.ISI.ARPA', type: 'NS', ttl: 60, target: 'ARPA' },
        { name: '.', type: 'A', address: '192.0.2.1' },
      ],
    });
    expect(bytes).toEqual(
      hex(`${header(1, 2)} 01460349534904415250 4100 0001 0001
        03464f4fc00c 0002 0001 0000003c 0002 c012  00 0001 0001 00000000 0004 c0000201`),
    );
    const layer = parse_message(bytes).get('dns');
    expect(layer).toMatchObject({
      id: 7,
      question_count: 1,
      answer_count: 2,
      questions: [{ name: 'F.ISI.ARPA', type: 'A', class: 'IN', unicast: false }],
      answers: [
        { name: 'FOO.F.ISI.ARPA', type: 'NS', target: 'ARPA' },
        { name: '.', address: '192.0.2.1' },
      ],
    });
    expect(layer?.raw).toBeUndefined();
    expect(parse_message(bytes).problems).toEqual([]);
  });

  test('without compression keeps its bytes in raw', () => {
    const bytes = hex(`${header(1, 1)} 0161 00 0001 0001  0161 00 0001 0001 00000000 0004 c0000201`);
    const layer = parse_message(bytes).get('dns');
    if (layer === undefined) throw new Error('no dns');
    expect(layer.raw).toEqual(bytes);
    expect(layer.answers).toMatchObject([{ name: 'a', type: 'A', address: '192.0.2.1' }]);
    expect(() => build({ ...layer, id: 8 })).toThrow(
      new RangeError('dns: raw and the other fields disagree; leave one of them out'),
    );
    expect(build({ ...layer, id: 8, raw: undefined })).toHaveLength(bytes.length - 1);
    expect(build(dns({ raw: bytes }))).toEqual(bytes);
  });

  test.each<[string, string, string]>([
    ['that points to itself', 'c00c', 'a pointer at 12 to 12, which is not before the name'],
    ['that points forward', 'c00e 00', 'a pointer at 12 to 14, which is not before the name'],
    ['with a label of a reserved kind', '80', 'a label of the reserved kind 0x80'],
  ])('whose second name is one %s', (_title, name, message) => {
    const at = 12 + 7;
    const shifted = name.replace(/c0(..)/, (_, low) => `c0${(Number.parseInt(low, 16) + 7).toString(16)}`);
    const parsed = parse_message(hex(`${header(2)} 0161 00 0001 0001 ${shifted} 0001 0001`));
    expect(parsed.get('dns')?.questions).toMatchObject([{ name: 'a' }]);
    expect(parsed.problems).toMatchObject([{ layer: 'dns', offset: 28 + at }]);
    expect(parsed.problems[0]?.message).toBe(
      `questions[1]: ${message.replaceAll(/\b1[24]\b/g, (number) => String(Number(number) + 7))}`,
    );
    // As the first name, it is no DNS at all.
    const none = parse_message(hex(`${header(1)} ${name} 0001 0001`));
    expect(none.layers.map(({ layer }) => layer)).toEqual(['ipv4', 'udp', 'payload']);
    expect(none.problems).toEqual([]);
  });

  test('that points in circles, in the data of a record', () => {
    const parsed = parse_message(hex(`${header(1, 1)} 0161 00 0001 0001  c00c 0005 0001 00000000 0002 c01f`));
    expect(parsed.problems).toMatchObject([
      {
        message:
          'answers[0]: the data of CNAME cannot be read: a pointer at 31 to 31, which is not before the name',
      },
    ]);
    expect(parsed.get('dns')?.answers).toMatchObject([{ name: 'a', type: 'TYPE5', data: hex('c01f') }]);
  });

  test('with a name of more than 255 bytes', () => {
    const label = `3f${'61'.repeat(63)}`;
    const long = parse_message(hex(`${header(2)} 0161 00 0001 0001 ${label.repeat(4)} 00 0001 0001`));
    expect(long.problems).toMatchObject([{ message: 'questions[1]: more than 255 bytes' }]);
  });

  test.each([
    [127, []],
    [128, [{ message: 'answers[1]: more than 127 pointers' }]],
  ])('with a chain of %i pointers', (count, problems) => {
    // The first name is at 12; the data of the first answer, at 31, are pointers of which each points to the one before it.
    const chain = Buffer.alloc(2 * (count - 1));
    for (let i = 0; i < count - 1; i++) chain.writeUInt16BE(0xc000 + (i === 0 ? 12 : 29 + 2 * i), 2 * i);
    const first = hex(`${header(1, 2)} 0161 00 0001 0001 c00c ff00 0001 00000000 0000`);
    first.writeUInt16BE(chain.length, first.length - 2);
    const second = hex('0000 0001 0001 00000000 0004 c0000201');
    second.writeUInt16BE(0xc000 + 31 + chain.length - 2);
    const parsed = parse_message(Buffer.concat([first, chain, second]));
    expect(parsed.problems).toMatchObject(problems);
    expect(parsed.problems).toHaveLength(problems.length);
    expect(parsed.get('dns')?.answers).toHaveLength(2 - problems.length);
  });

  test('that announces more than there is keeps what is there', () => {
    const parsed = parse_message(hex(`${header(1, 3)} 0161 00 0001 0001`));
    expect(parsed.get('dns')).toMatchObject({ answer_count: 3, answers: [], questions: [{}] });
    expect(parsed.problems).toMatchObject([{ message: 'answers[0]: it breaks off' }]);
  });

  test('that is none is a payload', () => {
    for (const data of ['', 'short', 'x'.repeat(40), Buffer.alloc(40)]) {
      const parsed = parse_message(Buffer.from(data));
      expect(parsed.problems).toEqual([]);
      expect(parsed.get('dns')).toBeUndefined();
    }
    expect(parse_message(Buffer.alloc(12)).get('dns')).toMatchObject({ questions: [] });
  });
});

test('records of every kind, as text', () => {
  const answers: packet.DnsRecordFields[] = [
    { name: 'e.x', type: 'HTTPS', target: '.', params: [{ name: 'alpn', protocols: ['h2'] }] },
    { name: 'e.x', type: 'TXT', strings: ['é', Buffer.from([0xff])] },
    { name: 'e.x', type: 'NSEC', next_name: 'f.x', types: ['A', 'CAA'] },
    { name: 'e.x', type: 'TYPE65280', data: hex('0102') },
    { name: 'é\\.\\007', type: 'PTR', class: 'CH', target: 'x\\255' },
  ];
  const parsed = parse_message(message_bytes({ flags: dns.QR, answers }), 5353);
  expect(parsed.problems).toEqual([]);
  expect(parsed.get('dns')?.answers).toMatchObject(answers);
  const text = show(parsed);
  for (const line of [
    'e.x (HTTPS)',
    '          protocols  h2',
    'types        A, CAA',
    'e.x (TYPE65280)',
    '01 02',
  ])
    expect(text).toContain(line);
});

test('multicast DNS: the top bit of the class', () => {
  const bytes = message_bytes({
    questions: [{ name: 'h.local', unicast: true }],
    answers: [{ name: 'h.local', type: 'A', cache_flush: true, address: '192.0.2.1' }],
  });
  expect(bytes.readUInt16BE(12 + 9 + 2)).toBe(0x8001);
  expect(parse_message(bytes, 5353).get('dns')).toMatchObject({
    questions: [{ class: 'IN', unicast: true }],
    answers: [{ class: 'IN', cache_flush: true }],
  });
});

describe('in TCP', () => {
  const query = dns({ questions: [{ name: 'example.com' }] });
  const segment = build(ipv4(), tcp({ seq: 1 }), query, query);

  test('messages stand behind their lengths', () => {
    expect(segment.subarray(40, 44)).toEqual(hex('001d 0000'));
    const parsed = parse(segment, RAW);
    expect(parsed.problems).toEqual([]);
    expect(parsed.layers.map(({ layer }) => layer)).toEqual(['ipv4', 'tcp', 'dns', 'dns']);
    expect(parsed.get('dns')?.length).toBe(29);
    expect(build(...parsed.layers)).toEqual(segment);
  });

  test('a message that goes on in the next segment is cut, and the rest is data of the stream', () => {
    const first = build(ipv4(), tcp({ seq: 1, dst_port: 53 }), payload(segment.subarray(40, 60)));
    const parsed = parse(first, RAW);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('dns')).toMatchObject({ length: 29, questions: [], cut: segment.subarray(54, 60) });
    const second = build(ipv4(), tcp({ seq: 21, dst_port: 53 }), payload(segment.subarray(60)));
    const parts = [...streams([first, second].map((data) => ({ data, ...RAW })))];
    expect(Buffer.concat(parts.map(({ data }) => data))).toEqual(segment.subarray(40));
  });
});

describe('misuse', () => {
  test.each<[packet.DnsFields, string]>([
    [{ id: 65_536 }, 'dns.id must be between 0 and 65535, not 65536'],
    [{ flags: 0x7000 }, 'dns.flags must be within 0x87f0 (opcode and rcode are fields), not 0x7000'],
    [{ rcode: 16 }, 'dns.rcode must be between 0 and 15, not 16'],
    [{ questions: 'x' as never }, 'dns.questions must be an array, not "x"'],
    [
      { questions: [5 as never] },
      `dns.questions[0] must be an object such as { name: 'example.com', type: 'A' }, not 5`,
    ],
    [
      { questions: [{ name: 'a..b' }] },
      'dns.questions[0].name must have labels of 1 to 63 bytes, not "" in "a..b"',
    ],
    [
      { questions: [{ name: 'a\\300' }] },
      'dns.questions[0].name must have escapes up to \\255, not "\\\\300"',
    ],
    [
      { questions: [{ name: `${'abcdefg.'.repeat(32)}x` }] },
      'dns.questions[0].name must have at most 255 bytes, not 259',
    ],
    [
      { questions: [{ type: 'AAA' as never }] },
      'dns.questions[0].type must be a type such as A or AAAA, or TYPE0 to TYPE65535, not "AAA"',
    ],
    [
      { questions: [{ class: 'CLASS32768' }] },
      'dns.questions[0].class must be a class such as IN, or CLASS0 to CLASS32767, not "CLASS32768"',
    ],
    [
      { questions: [{ nam: 'x' } as never] },
      'dns.questions[0] has no field nam; it has name, type, class, unicast',
    ],
    [
      { answers: [{ type: 'A', address: '::1' }] },
      'dns.answers[0].address must be an IPv4 address, not "::1"',
    ],
    [
      { answers: [{ type: 'A', addr: '' } as never] },
      'dns.answers[0] has no field addr; it has name, type, class, cache_flush, ttl, address',
    ],
    [
      { answers: [{ type: 'MX', exchange: 5 as never }] },
      'dns.answers[0].exchange must be a domain name, not 5',
    ],
    [
      { answers: [{ type: 'TXT', strings: ['x'.repeat(256)] }] },
      'dns.answers[0].strings[0] must have at most 255 bytes, not 256',
    ],
    [
      { additionals: [{ type: 'OPT', options: [{ name: 'cookie', client: hex('01') }] }] },
      'dns.additionals[0].options[0].client must have 8 bytes, not 1',
    ],
    [{ raw: 5 as never }, 'dns.raw must be bytes (a Buffer, another view, or an ArrayBuffer), not 5'],
  ])('%o', (fields, message) => {
    expect(() => build(dns(fields))).toThrow(message);
  });
});
