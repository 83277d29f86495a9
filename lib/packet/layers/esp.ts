// The encapsulating security payload, RFC 4303: the part of its header that is not encrypted. Nothing is decrypted here.
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { Protocol } from '../registry.js';

/** The header of an encapsulating security payload, RFC 4303, as parsed; the encrypted data are a payload behind it. */
export interface Esp {
  /** The name of the layer. */
  readonly layer: 'esp';
  /** The security parameters index, 32 bits. */
  spi: number;
  /** The sequence number, 32 bits. */
  seq: number;
}
/** The fields of an ESP header to build: what is left out is worked out, or has a default. */
export type EspFields = Fields<Esp>;
/** An ESP header to build. */
export type EspDraft = { readonly layer: 'esp' } & EspFields;

const HEADER = 8;
const FIELDS: FieldNames<keyof EspFields> = field_names('spi seq');
const ENDS: Ends = [
  [4, 'spi'],
  [HEADER, 'seq'],
];

/**
 * Makes an ESP header; the encrypted data are a payload behind it.
 *
 * @param fields numbers are 0 unless given
 * @throws TypeError for a field that ESP does not have
 */
export const esp: (fields?: EspFields) => EspDraft = maker('esp', FIELDS);

export const esp_protocol: Protocol = {
  name: 'esp',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('esp', HEADER)) return read_cut(input, esp_protocol, HEADER);
    const { view, at } = input;
    input.layers.push({ layer: 'esp', spi: view.getUint32(at), seq: view.getUint32(at + 4) });
    input.at += HEADER;
    return undefined;
  },

  build(layer: EspDraft, output: Output) {
    const at = output.prepend(HEADER);
    output.u32(at, layer.spi ?? 0, 'esp.spi');
    output.u32(at + 4, layer.seq ?? 0, 'esp.seq');
  },
};
