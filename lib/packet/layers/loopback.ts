// The loopback header of captures on BSD systems: an address family, in the byte order of that machine (LINKTYPE_NULL) or in
// network byte order (LINKTYPE_LOOP).
import { integer } from '../../util/validate.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input, Parser } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, protocol_of_name } from '../registry.js';

/** The header of a loopback capture of BSD (LINKTYPE_NULL, LINKTYPE_LOOP), as parsed. */
export interface Loopback {
  /** The name of the layer. */
  readonly layer: 'loopback';
  /** the number of the address family on the system of the capture: 2 is IPv4; 24, 28 and 30 are IPv6 */
  family: number;
  /** the byte order of family */
  byte_order: 'little' | 'big';
}
/** The fields of a loopback header to build: what is left out is worked out, or has a default. */
export type LoopbackFields = Fields<Loopback>;
/** A loopback header to build. */
export type LoopbackDraft = { readonly layer: 'loopback' } & LoopbackFields;

const HEADER = 4;
const FIELDS: FieldNames<keyof LoopbackFields> = field_names('family byte_order');
const AF_INET = 2;
/** Numbers of AF_INET6 on Linux; NetBSD and OpenBSD; FreeBSD; Darwin. */
const AF_INET6 = [10, 24, 28, 30];

/**
 * Makes the loopback header of a capture.
 *
 * @param fields byte_order is 'little' unless given; family is worked out: Darwin's 30 for IPv6
 * @throws TypeError for a field that the header does not have
 */
export const loopback: (fields?: LoopbackFields) => LoopbackDraft = maker('loopback', FIELDS);

function parse(input: Input, network_order: boolean): Parser | undefined {
  if (!input.has('loopback', HEADER)) return undefined;
  const { view, at } = input;
  // No family is beyond 16 bits: a larger number is in the other byte order.
  const little = !network_order && view.getUint32(at, true) <= 0xffff;
  const family = view.getUint32(at, little);
  input.layers.push({ layer: 'loopback', family, byte_order: little ? 'little' : 'big' });
  input.at += HEADER;
  if (family === AF_INET) return protocol_of_name('ipv4');
  return AF_INET6.includes(family) ? protocol_of_name('ipv6') : undefined;
}

const ENDS: Ends = [[HEADER, 'family', 'byte_order']];

/** The parser of LINKTYPE_LOOP: the family is always in network byte order. */
export const loop: Parser = { parse: (input) => parse(input, true) };

export const loopback_protocol: Protocol = {
  name: 'loopback',
  fields: FIELDS,
  ends: () => ENDS,

  parse: (input) => parse(input, false),

  build(layer: LoopbackDraft, output: Output) {
    const at = output.prepend(HEADER);
    const family = layer.family ?? (output.next?.layer === 'ipv6' ? 30 : AF_INET);
    const { byte_order = 'little' } = layer;
    if (byte_order !== 'little' && byte_order !== 'big') {
      throw new RangeError(
        `loopback.byte_order must be 'little' or 'big', not ${JSON.stringify(byte_order)}`,
      );
    }
    output.view.setUint32(at, integer(family, 'loopback.family', 0, 0xffffffff), byte_order === 'little');
  },
};
