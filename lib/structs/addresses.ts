// The codecs of address fields: in_addr and in6_addr as text, sockaddr_storage as the address arrays of sockets.

import * as c from '../constants.js';
import { type Bytes, bytes as checked_bytes, shown } from '../util/validate.js';
import { host_bytes, host_text, interface_number, ip_address, ip_sockaddr } from './native.js';
import { type Codec, LITTLE_ENDIAN, type StructAddress, view_of } from './struct.js';

function host_codec(family: number, kind: string, size: number): Codec<string> {
  return {
    read: (bytes, [offset]) => host_text(family, bytes.subarray(offset, offset + size)),
    write(bytes, [offset], value, name) {
      if (typeof value !== 'string')
        throw new TypeError(`${name} must be the text of an ${kind} address, not ${shown(value)}`);
      const host = host_bytes(family, value, size);
      if (host === undefined) throw new RangeError(`${name} must be an ${kind} address, not ${shown(value)}`);
      bytes.set(host, offset);
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
  return ip_address(family, bytes.subarray(0, size));
}

/** Returns the bytes of a sockaddr: none for no address. @throws TypeError, RangeError */
export function encode_sockaddr(value: unknown, name: string): Bytes {
  if (value === null || value === undefined) return new Uint8Array(0);
  if (!Array.isArray(value)) return checked_bytes(value, name);
  const family = String(value[0]).includes(':') ? c.AF_INET6 : c.AF_INET;
  const address = ip_sockaddr(family, value, name, (host) => with_scope(host, name));
  if (address === undefined) throw not_numeric(value[0], name);
  return address;
}

function not_numeric(host: unknown, name: string): RangeError {
  return new RangeError(`${name}: host must be a numeric address, not ${shown(host)}`);
}

/** Returns the host with the number of its scope: fe80::1%2 for fe80::1%eth0. */
function with_scope(host: string, name: string): string {
  const [address, scope] = host.split('%');
  if (scope === undefined || scope === '') throw not_numeric(host, name);
  return `${address}%${/^\d+$/.test(scope) ? scope : interface_number(scope)}`;
}
