// Payload: bytes that no protocol here understands, namely data, or the rest of a malformed packet.
import { type BytesLike, data as to_data } from '../../util/validate.js';
import { type FieldNames, field_names } from '../bytes/fields.js';
import type { Output } from '../bytes/output.js';
import type { PayloadDraft } from '../layer_types.js';
import type { Protocol } from '../registry.js';

const FIELDS: FieldNames<Exclude<keyof PayloadDraft, 'layer'>> = field_names('data');

/**
 * payload(data): data behind the last header. As Raw in scapy.
 *
 * @param data bytes; a string stands for its UTF-8 bytes
 * @returns the layer, to build
 * @throws TypeError for anything else
 * @example
 * console.log(build(payload('hello')).toString()); // hello
 */
export function payload(data: BytesLike | string): PayloadDraft {
  return { layer: 'payload', data: to_data(data, 'payload.data') };
}

/**
 * payload(data): data behind the last header. As Raw in scapy.
 *
 * @param data bytes; a string stands for its UTF-8 bytes
 * @returns the layer, to build
 * @throws TypeError for anything else
 * @example
 * console.log(build(payload('hello')).toString()); // hello
 */
export const payload_protocol: Protocol = {
  name: 'payload',
  fields: FIELDS,
  ends: () => [],
  parse: () => undefined,
  build(layer: PayloadDraft, output: Output) {
    output.prepend_bytes(to_data(layer.data, 'payload.data'));
  },
};
