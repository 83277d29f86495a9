// The key of a client: the leading bits of its address as four words. IPv4 addresses have the form in which IPv6 maps them, so that a
// client of a dual-stack socket is the same client. Clients without an IP address, as those of AF_UNIX, are one client.
import { inet_pton } from '../../calls/inet.js';
import { AF_INET, AF_INET6 } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import type { AddressPrefix } from './options.js';

/** Four 32-bit words. */
export type ClientKey = readonly [number, number, number, number];

/** The key of clients without an IP address: no address begins with these bits. */
const NO_ADDRESS: ClientKey = [-1, -1, -1, -1];
/** The third word of an IPv4 address within IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffff;

/** Returns a word with its first `bits` bits, which may be fewer than 1 or more than 32. */
function first_bits(word: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? word : word & (-1 << (32 - bits));
}

/** Returns the key of the client with this address. */
export function client_key(address: unknown, { ipv4, ipv6 }: Required<AddressPrefix>): ClientKey {
  const host: unknown = Array.isArray(address) ? address[0] : undefined;
  if (typeof host !== 'string') return NO_ADDRESS;
  const packed = pack(host);
  if (packed === undefined) return NO_ADDRESS;
  const word = (at: number) => packed.readInt32BE(at);
  if (packed.length === 4) return [0, 0, MAPPED, first_bits(word(0), ipv4)];
  if (word(0) === 0 && word(4) === 0 && word(8) === MAPPED) return [0, 0, MAPPED, first_bits(word(12), ipv4)];
  return [
    first_bits(word(0), ipv6),
    first_bits(word(4), ipv6 - 32),
    first_bits(word(8), ipv6 - 64),
    first_bits(word(12), ipv6 - 96),
  ];
}

function pack(host: string): Buffer | undefined {
  try {
    return host.includes(':') ? inet_pton(AF_INET6, host.replace(/%.*/, '')) : inet_pton(AF_INET, host);
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    return undefined;
  }
}
