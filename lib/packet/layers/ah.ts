// The authentication header, RFC 4302: a layer in IPv4, an extension header in IPv6. Nothing is authenticated here.
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, joined, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import * as authentication from '../options/authentication.js';
import { ip_protocol_for, type Protocol, protocol_of_ip } from '../registry.js';

/** An authentication header, RFC 4302, as parsed. */
export interface Ah extends authentication.Values {
  /** The name of the layer. */
  readonly layer: 'ah';
  /** The protocol of the layer carried, IPPROTO_*. */
  next_header: number;
  /** of the header, in bytes */
  length: number;
}
/** The fields of an authentication header to build: what is left out is worked out, or has a default. */
export type AhFields = Fields<Ah, { icv: Uint8Array }>;
/** An authentication header to build. */
export type AhDraft = { readonly layer: 'ah' } & AhFields;

const FIELDS: FieldNames<keyof AhFields> = joined(field_names('next_header length'), authentication.NAMES);

/**
 * Makes an authentication header for IPv4; in IPv6 it is one of `ipv6.extensions`.
 *
 * @param fields numbers are 0 unless given, icv is empty; next_header and length are worked out
 * @throws TypeError for a field that AH does not have
 */
export const ah: (fields?: AhFields) => AhDraft = maker('ah', FIELDS);

const ENDS: Ends = [
  [1, 'next_header'],
  [2, 'length'],
  [4, 'reserved'],
  [8, 'spi'],
  [12, 'seq'],
];

export const ah_protocol: Protocol = {
  name: 'ah',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('ah', authentication.HEADER)) return read_cut(input, ah_protocol, authentication.HEADER);
    const { view, at } = input;
    const next_header = view.getUint8(at);
    const length = authentication.length_of(view, at);
    if (length < authentication.HEADER)
      input.problem('ah', at + 1, `length is ${length}, less than the header`);
    const whole = length >= authentication.HEADER && input.has('ah', length);
    const end = Math.min(at + Math.max(length, authentication.HEADER), input.end);
    input.layers.push({
      layer: 'ah',
      next_header,
      length,
      ...authentication.decode(input, at, end),
    });
    input.at = end;
    return whole ? protocol_of_ip(next_header) : undefined;
  },

  build(layer: AhDraft, output: Output) {
    const data = authentication.encode(layer, 'ah');
    const pad = layer.length === undefined ? -(2 + data.length) & 3 : 0;
    output.prepend_zeros(pad);
    output.prepend_bytes(data);
    const at = output.prepend(2);
    output.u8(at, layer.next_header ?? ip_protocol_for(output.next), 'ah.next_header');
    output.u8(
      at + 1,
      authentication.length_byte(layer.length ?? 2 + data.length + pad, 'ah.length'),
      'ah.length',
    );
  },
};
