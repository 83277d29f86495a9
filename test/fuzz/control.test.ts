// decode_control() takes any control messages: of any number, with any bytes, cut anywhere; encode_control() takes its result.
import * as socket from 'bsd-sockets/socket';
import { type DecodedControl, decode_control, encode_control } from 'bsd-sockets/structs';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);
const { SOL_SOCKET, SOL_IP, SOL_TCP, SOL_UDP, IPPROTO_IPV6, SOL_PACKET } = socket;

const message = fc.tuple(
  fc.constantFrom(SOL_SOCKET, SOL_IP, SOL_TCP, SOL_UDP, IPPROTO_IPV6, SOL_PACKET, 4711),
  fc.nat(100),
  fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
);

/** Returns whether the value has an address whose flowinfo is beyond the 20 bits that an address may have. */
function has_wide_flowinfo({ value }: DecodedControl): boolean {
  const address = typeof value === 'object' && value !== null && 'offender' in value ? value.offender : value;
  return Array.isArray(address) && typeof address[0] === 'string' && Number(address[2]) > 0xfffff;
}

test(
  'decode_control never fails on bytes',
  () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), (ancdata) => {
        const decoded = decode_control(ancdata);
        expect(decoded.map(({ level }) => level)).toEqual(ancdata.map(([level]) => level));
        for (const { value } of decoded) expect(value).toBeDefined();
        if (!decoded.some(has_wide_flowinfo))
          expect(decode_control(encode_control(decoded))).toEqual(decoded);
      }),
      { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 },
    );
  },
  20_000 + 3000 * SECONDS,
);
