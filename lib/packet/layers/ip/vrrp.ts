// VRRP, RFC 3768 (version 2) and RFC 9568 (version 3): routers that share addresses.
import { array, bytes, integer } from '../../../util/validate.js';
import { is_ipv6, read_ipv4, read_ipv6 } from '../../bytes/address.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { header, only } from '../../define/header.js';
import { type Before, field, type OwnField, read_bits, write_bits } from '../../define/own_fields.js';
import type { AnyDraft } from '../../layer_types.js';
import type { Protocol } from '../../registry.js';

/** A message of VRRP, version 2 (RFC 3768) or 3 (RFC 9568). */
export interface Vrrp {
  /** The name of the layer. */
  readonly layer: 'vrrp';
  /** the version: 2 or 3 */
  version: number;
  /** 1: advertisement */
  type: number;
  /** the number of the virtual router */
  router_id: number;
  /** 255 of the owner of the addresses, 0 of a router that leaves */
  priority: number;
  /** of the addresses */
  count: number;
  /** of version 2: 0 none */
  auth_type: number | undefined;
  /** of version 3: 0 from all senders */
  reserved: number | undefined;
  /** between advertisements: in seconds; in version 3 in hundredths of a second */
  interval: number;
  /** the checksum of the message; of version 3 with the IP addresses */
  checksum: number;
  /** whether the checksum is right; undefined if bytes are missing */
  checksum_ok: boolean | undefined;
  /** IPv4 or IPv6 addresses, as the packet around them */
  addresses: readonly string[];
  /** of version 2: the bytes behind the addresses, 8 as a rule */
  auth_data: Buffer | undefined;
}
/** The fields of a VRRP message to build: what is left out is worked out, or has a default. */
export type VrrpFields = Fields<Vrrp, { auth_data: Uint8Array }>;
/** A VRRP message to build. */
export type VrrpDraft = { readonly layer: 'vrrp' } & VrrpFields;

const FIELDS: FieldNames<keyof VrrpFields> = field_names(
  'version type router_id priority count auth_type reserved interval checksum checksum_ok addresses auth_data',
);
const NUMBER = 112;
const CHECKSUM = 6;

/**
 * Makes an advertisement; it stands behind `ipv4` or `ipv6`.
 *
 * @param fields unless given, version 3 with the priority 100 each second, of no addresses; count and checksum are worked out
 * @throws TypeError for a field that VRRP does not have
 */
export const vrrp: (fields?: VrrpFields) => VrrpDraft = maker('vrrp', FIELDS);

const is_old = ({ version }: Before): boolean => Number(version) < 3;
const is_new = (before: Before): boolean => !is_old(before);
/** Of 8 bits in version 2, of 12 in version 3. */
const interval: OwnField<number> = {
  bits: (before) => (is_old(before) ? 8 : 12),
  is_whole: false,
  standard: () => 0,
  read: read_bits,
  write: (view, bit, bits, value, name) =>
    write_bits(view, bit, bits, integer(value, name, 0, 2 ** bits - 1)),
};

const is_in_ipv6 = (layers: readonly AnyDraft[], index: number): boolean => layers[index]?.layer === 'ipv6';

function read_addresses(input: Input, count: number): string[] {
  const is_v6 = is_in_ipv6(input.layers, input.layers.length - 1);
  const [size, read] = is_v6 ? ([16, read_ipv6] as const) : ([4, read_ipv4] as const);
  const addresses: string[] = [];
  while (addresses.length < count && input.has('vrrp', size)) {
    addresses.push(read(input.view, input.at));
    input.at += size;
  }
  return addresses;
}

function prepend_addresses(addresses: readonly string[], output: Output): void {
  const is_v6 = is_in_ipv6(output.layers, output.index - 1) || addresses.some(is_ipv6);
  const size = is_v6 ? 16 : 4;
  const at = output.prepend(array(addresses, 'vrrp.addresses').length * size);
  for (const [i, address] of addresses.entries()) {
    const [place, name] = [at + i * size, `vrrp.addresses[${i}]`];
    if (is_v6) output.ipv6(place, address, name);
    else output.ipv4(place, address, name);
  }
}

export const vrrp_protocol: Protocol = header<Vrrp, VrrpDraft>(
  'vrrp',
  FIELDS,
  {
    version: field.uint(4, 3),
    type: field.uint(4, 1),
    router_id: field.uint(8),
    priority: field.uint(8, 100),
    count: field.uint(8),
    auth_type: only(is_old, field.uint(8)),
    reserved: only(is_new, field.uint(4)),
    interval,
    checksum: field.uint(16),
  },
  {
    read({ version, count }, input, start) {
      const addresses = read_addresses(input, count);
      const checksum_ok = version < 3 ? input.verify(start, 0) : input.verify_transport(start, NUMBER);
      const auth_data = version < 3 ? input.take(input.end - input.at) : undefined;
      return { checksum_ok, addresses, auth_data };
    },
    write({ version = 3, addresses = [], auth_data }, output) {
      const is_version2 = version < 3;
      if (!is_version2 && auth_data !== undefined)
        throw new RangeError('vrrp.auth_data is of version 2, leave it out');
      if (is_version2) output.prepend_bytes(bytes(auth_data ?? new Uint8Array(8), 'vrrp.auth_data'));
      prepend_addresses(addresses, output);
      return { interval: is_version2 ? 1 : 100, count: integer(addresses.length, 'vrrp.count', 0, 0xff) };
    },
    finish({ version = 3, checksum }, output, at) {
      if (version < 3) output.checksum(at + CHECKSUM, checksum, 'vrrp.checksum', at, output.end);
      else output.transport_checksum(at + CHECKSUM, checksum, 'vrrp.checksum', NUMBER);
    },
  },
);
