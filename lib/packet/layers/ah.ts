// The authentication header, RFC 4302: a layer in IPv4, an extension header in IPv6. Nothing is authenticated here.
import { bytes } from '../../util/validate.js';
import { type FieldNames, type Fields, field_names, known } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { type Output, units } from '../bytes/output.js';
import { ip_protocol_for, type Protocol, protocol_of_ip } from '../registry.js';

export interface Ah {
  readonly layer: 'ah';
  next_header: number;
  /** of the header, in bytes */
  length: number;
  reserved: number;
  spi: number;
  seq: number;
  /** the integrity check value */
  icv: Buffer;
}
export type AhFields = Fields<Ah, { icv: Uint8Array }>;
export type AhDraft = { readonly layer: 'ah' } & AhFields;

declare module '../layer_types.js' {
  interface Layers {
    ah: Ah;
  }
  interface Drafts {
    ah: AhDraft;
  }
}

const HEADER = 12;
const FIELDS: FieldNames<keyof AhFields> = field_names(
  'next_header',
  'length',
  'reserved',
  'spi',
  'seq',
  'icv',
);

/**
 * An authentication header for IPv4; in IPv6 it is one of `ipv6.extensions`.
 *
 * @param fields numbers are 0 unless given, icv is empty; next_header and length are worked out
 * @throws TypeError for a field that it does not have
 */
export function ah(fields: AhFields = {}): AhDraft {
  return { layer: 'ah', ...known(fields, 'ah', FIELDS) };
}

export const ah_protocol: Protocol = {
  name: 'ah',
  fields: FIELDS,

  parse(input: Input) {
    if (!input.has('ah', HEADER)) return undefined;
    const { view, at } = input;
    const next_header = view.getUint8(at);
    const length = (view.getUint8(at + 1) + 2) * 4;
    if (length < HEADER) input.problem('ah', at + 1, `length is ${length}, less than the header`);
    const whole = length >= HEADER && input.has('ah', length);
    const end = Math.min(at + Math.max(length, HEADER), input.end);
    input.layers.push({
      layer: 'ah',
      next_header,
      length,
      reserved: view.getUint16(at + 2),
      spi: view.getUint32(at + 4),
      seq: view.getUint32(at + 8),
      icv: input.slice(at + HEADER, end),
    });
    input.at = end;
    return whole ? protocol_of_ip(next_header) : undefined;
  },

  build(layer: AhDraft, output: Output) {
    const icv = bytes(layer.icv ?? new Uint8Array(0), 'ah.icv');
    const pad = -icv.length & 3;
    output.prepend_zeros(pad);
    output.prepend_bytes(icv);
    const at = output.prepend(HEADER);
    const length = units(layer.length ?? HEADER + icv.length + pad, 'ah.length', 4, 257);
    output.u8(at, layer.next_header ?? ip_protocol_for(output.next), 'ah.next_header');
    output.u8(at + 1, length - 2, 'ah.length');
    output.u16(at + 2, layer.reserved ?? 0, 'ah.reserved');
    output.u32(at + 4, layer.spi ?? 0, 'ah.spi');
    output.u32(at + 8, layer.seq ?? 0, 'ah.seq');
  },
};
