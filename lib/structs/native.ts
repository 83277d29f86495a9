// What the addon does for address fields. dist/ has this file for itself and loads it at the first call: it exports functions only.
import { decode, encode } from '../calls/address.js';
import { if_nametoindex } from '../calls/interfaces.js';
import * as c from '../constants.js';
import { ADDRESS_LENGTH, addon, address_in, address_out, cells, scratch } from '../native/addon.js';
import type { Bytes } from '../util/validate.js';
import type { StructAddress } from './struct.js';

/** Returns the text of the bytes of an address. */
export function host_text(family: number, bytes: Bytes): string {
  return addon.inet_ntop(family, bytes) as string;
}

/** Returns the bytes of the text of an address; undefined if it is none. */
export function host_bytes(family: number, text: string, size: number): Bytes | undefined {
  return text.includes('\0') || addon.inet_pton(family, text) !== size
    ? undefined
    : scratch.subarray(0, size);
}

/** Returns the address in the bytes of a sockaddr_in or sockaddr_in6. */
export function ip_address(family: number, bytes: Bytes): StructAddress {
  address_out.set(bytes);
  cells[ADDRESS_LENGTH] = bytes.length;
  return family === c.AF_INET ? decode(c.AF_INET, 0) : decode(c.AF_INET6, 0);
}

/** Returns the bytes of a sockaddr; undefined if the host is not numeric. @throws TypeError, RangeError */
export function ip_sockaddr(
  family: typeof c.AF_INET | typeof c.AF_INET6,
  value: readonly unknown[],
  name: string,
  resolve: (host: string) => string,
): Bytes | undefined {
  const length = encode(family, 0, value, name, resolve);
  return length < 0 ? undefined : address_in.slice(0, length);
}

/** Returns the number of an interface. @throws OSError */
export function interface_number(name: string): number {
  return if_nametoindex(name);
}
