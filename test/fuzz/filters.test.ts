// compile_filter takes any text: it gives a program, or a FilterError that points into the text. The kernel takes each program, and running it
// never fails.
import * as packet from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { expression } from '../conformance/filters/generate.js';
import { LINK_TYPES, type LinkType } from '../conformance/filters/samples.js';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);
const bounded = { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 };
const timeout = 20_000 + 3000 * SECONDS;

const [sock, peer] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
afterAll(() => {
  sock.close();
  peer.close();
});

const WORDS =
  `src dst host net mask port portrange proto protochain gateway less greater byte broadcast multicast and or not len inbound
  outbound ifindex vlan mpls pppoed pppoes geneve llc ether link ip ip6 arp rarp tcp udp sctp icmp icmp6 decnet stp iso isis l1 ah radio type
  subtype dir mgt data beacon tods ra ta addr1 addr4 wlan
  on vpi ( ) [ ] + - * / % & | ^ << >> = == != < > <= >= ! && || : 0 1 2 4 10 80 0xff 08 4294967295 4294967296 10.0.0.1 10.1 300.1 ::1
  2001:db8::/32 /8 02:00:00:00:00:01 1:2:3: foo 80-90 tcpflags tcp-syn \\\\tcp \\ $ é 10.123 icmptype`.split(
    /\s+/,
  );
const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((each) => each.join(' '));
const names = Object.keys(LINK_TYPES) as LinkType[];
const well_formed = fc.constantFrom(...names).chain((name) => expression(name));
/** A well-formed expression of which a part is missing or another. */
const damaged = fc
  .tuple(
    well_formed,
    fc.nat(),
    fc.nat(12),
    fc.oneof(fc.constantFrom('', ...WORDS), fc.string({ maxLength: 3 })),
  )
  .map(([text, at, length, other]) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + other + text.slice(from + length);
  });
const options = fc.record({
  linktype: fc.constantFrom(...Object.values(LINK_TYPES)),
  live: fc.boolean(),
  snaplen: fc.constantFrom(1, 64, 262_144),
});

function check(text: string, given: packet.CompileFilterOptions, bytes: Uint8Array): boolean {
  let program: packet.FilterProgram;
  try {
    program = packet.compile_filter(text, given);
  } catch (error) {
    if (!(error instanceof packet.FilterError)) throw error;
    expect(error.expression).toBe(text);
    expect(error.column).toBeGreaterThanOrEqual(1);
    expect(error.column).toBeLessThanOrEqual(text.length + 1);
    return false;
  }
  expect(program.at(-1)?.[0]).toBe(0x06);
  sock.attach_filter(program);
  if (given.live !== true) packet.matches(program, bytes);
  return true;
}

describe('compile_filter', { timeout }, () => {
  test.each([
    ['arbitrary text', fc.string({ unit: 'grapheme', maxLength: 40 })],
    ['words in any order', words],
    ['damaged expressions', damaged],
  ])('%s', (_, texts) => {
    fc.assert(
      fc.property(texts, options, fc.uint8Array({ maxLength: 90 }), (text, given, bytes) => {
        check(text, given, bytes);
      }),
      bounded,
    );
  });

  test('the kernel takes the program of each expression', () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...names).chain((name) => fc.tuple(fc.constant(name), expression(name, 4))),
        fc.boolean(),
        ([name, text], live) => {
          if (check(text, { linktype: LINK_TYPES[name], live }, Buffer.alloc(0))) taken++;
        },
      ),
      bounded,
    );
    expect(taken).toBeGreaterThan(10);
  });
});
