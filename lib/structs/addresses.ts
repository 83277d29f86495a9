// The codecs of address fields: in_addr and in6_addr as text, sockaddr_storage as the address arrays of sockets.

import { decode, encode } from '../calls/address.js';
import { if_nametoindex } from '../calls/interfaces.js';
import * as c from '../constants.js';
import { ADDRESS_LENGTH, addon, address_in, address_out, cells, scratch } from '../native/addon.js';
import { type Bytes, bytes as checked_bytes, shown } from '../util/validate.js';
import { type Codec, LITTLE_ENDIAN, type StructAddress, view_of } from './struct.js';

function host_codec(family: number, kind: string, size: number): Codec<string> {
  return {
    read: (bytes, [offset]) => addon.inet_ntop(family, bytes.subarray(offset, offset + size)) as string,
    write(bytes, [offset], value, name) {
      if (typeof value !== 'string')
        throw new TypeError(`${name} must be the text of an ${kind} address, not ${shown(value)}`);
      if (value.includes('\0') || addon.inet_pton(family, value) !== size)
        throw new RangeError(`${name} must be an ${kind} address, not ${shown(value)}`);
      bytes.set(scratch.subarray(0, size), offset);
    },
  };
}

/** struct in_addr: '192.0.2.1'. */
export const in_addr = host_codec(c.AF_INET, 'IPv4', 4);
/** struct in6_addr: '2001:db8::1'. */
export const in6_addr = host_codec(c.AF_INET6, 'IPv6', 16);

/** struct sockaddr_storage. */
export const sockaddr: Codec<StructAddress> = {
  read: (bytes, [offset, size]) => read_sockaddr(bytes.subarray(offset, offset + size)),
  write(bytes, [offset, size], value, name) {
    const address = encode_sockaddr(value, name);
    if (address.length > size)
      throw new RangeError(`${name} must have at most ${size} bytes, not ${address.length}`);
    bytes.set(address, offset);
  },
};

const FAMILY_SIZE = 2;

/** Returns the address in the bytes of a sockaddr. */
export function read_sockaddr(bytes: Bytes): StructAddress {
  if (bytes.length < FAMILY_SIZE) return null;
  const family = view_of(bytes).getUint16(0, LITTLE_ENDIAN);
  if (family === c.AF_UNSPEC) return null;
  const size = family === c.AF_INET ? 16 : 28;
  if ((family !== c.AF_INET && family !== c.AF_INET6) || bytes.length < size) return Buffer.from(bytes);
  address_out.set(bytes.subarray(0, size));
  cells[ADDRESS_LENGTH] = size;
  return family === c.AF_INET ? decode(c.AF_INET, 0) : decode(c.AF_INET6, 0);
}

/** Returns the bytes of a sockaddr: none for no address. @throws TypeError, RangeError */
export function encode_sockaddr(value: unknown, name: string): Bytes {
  if (value === null || value === undefined) return new Uint8Array(0);
  if (!Array.isArray(value)) return checked_bytes(value, name);
  const family = String(value[0]).includes(':') ? c.AF_INET6 : c.AF_INET;
  const length = encode(family, 0, value, name, (host) => with_scope(host, name));
  if (length < 0) throw not_numeric(value[0], name);
  return address_in.slice(0, length);
}

function not_numeric(host: unknown, name: string): RangeError {
  return new RangeError(`${name}: host must be a numeric address, not ${shown(host)}`);
}

/** Returns the host with the number of its scope: fe80::1%2 for fe80::1%eth0. */
function with_scope(host: string, name: string): string {
  const [address, scope] = host.split('%');
  if (scope === undefined || scope === '') throw not_numeric(host, name);
  return `${address}%${/^\d+$/.test(scope) ? scope : if_nametoindex(scope)}`;
}
