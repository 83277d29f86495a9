// What the protocols of ports share: messages that are decoded as a whole, such as DNS and DHCP.
//
// A message is built from its values in one canonical form. One that came in another form (names compressed otherwise, fields of text with
// bytes behind their end) has its bytes in `raw` as well, so that building gives these. Bytes that are no such message at all are a
// payload, and no problem: anybody may use any port.
import { bytes } from '../../util/validate.js';
import type { AnyDraft, Layer, LayerName } from '../layer_types.js';
import type { Protocol } from '../registry.js';
import { read_cut } from './cut.js';
import type { Ends, Names } from './fields.js';
import { Input, type Parser } from './input.js';
import type { Output } from './output.js';

/** The field that every message has. */
export interface Raw {
  /** the bytes of a message that would be built otherwise from the other fields; leave them out to change a field */
  raw: Buffer | undefined;
}

interface Format {
  readonly name: LayerName;
  readonly fields: Names;
  /** bytes of the fields of fixed sizes at the begin; fewer are no message */
  readonly header: number;
  /** where these end; behind the last one stand the fields of `lists` */
  readonly ends: Ends;
  /** the other fields */
  readonly lists: readonly string[];
  /**
   * Decodes a message of at least `header` bytes at `input.at`, and moves behind all that it could decode. What is malformed is a problem.
   *
   * @returns the values; undefined if the bytes are no message at all
   */
  decode(input: Input): object | undefined;
  /** @throws TypeError, RangeError naming the field */
  encode(values: AnyDraft): Uint8Array;
}

/** Returns the protocol of messages that fill a datagram. */
export function message_protocol(format: Format): Protocol {
  const { name, fields, header, ends, lists } = format;
  const all: Ends = [...ends, [Number.POSITIVE_INFINITY, ...lists]];
  const protocol: Protocol = {
    name,
    fields,
    ends(layer) {
      if ('cut' in layer || !('raw' in layer) || !(layer.raw instanceof Uint8Array)) return all;
      // Of a header that breaks off, padded with zeros: the fields count up to the one that would be built otherwise.
      const { raw } = layer;
      const built = format.encode(layer);
      return all.filter(([end]) => Buffer.compare(built.subarray(0, end), raw.subarray(0, end)) === 0);
    },
    parse(input: Input): Parser | undefined {
      if (input.at + header <= input.end) push(input, format, {});
      else if (input.is_cut(header)) read_cut(input, protocol, header);
      return undefined;
    },
    build(layer, output: Output) {
      output.prepend_bytes(encoded(layer, format));
    },
  };
  return protocol;
}

/** Decodes a message, and pushes its layer. @returns whether there is one */
export function push(input: Input, format: Format, prefix: object): boolean {
  const start = input.at;
  const problems = input.problems.length;
  const values = format.decode(input);
  if (values === undefined) {
    input.problems.length = problems;
    input.at = start;
    return false;
  }
  const there = input.slice(start, input.at);
  // The type of the layer is that of the format.
  const layer = { layer: format.name, ...prefix, ...values } as unknown as Layer & {
    raw?: Buffer;
    cut?: Buffer;
  };
  if (Buffer.compare(format.encode(layer), there) !== 0) Object.assign(layer, { raw: there });
  // A message that breaks off: what could not be decoded any more.
  const is_cut = input.problems.length === problems && (input.partial || input.end < input.wire_end);
  if (input.at < input.end && is_cut) Object.assign(layer, { cut: input.take(input.end - input.at) });
  input.layers.push(layer);
  return true;
}

/** Returns the bytes of a message to build. @throws TypeError, RangeError naming the field */
export function encoded(layer: AnyDraft, { name, lists, ends, decode, encode }: Format): Uint8Array {
  if (!('raw' in layer) || layer.raw === undefined || layer.raw === null) return encode(layer);
  const raw = bytes(layer.raw, `${name}.raw`);
  const names = [...ends.flatMap(([, ...fields]) => fields), ...lists];
  if (!Object.entries(layer).some(([key, value]) => names.includes(key) && value !== undefined)) return raw;
  const data = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const input = new Input(data, view, 0, data.length, data.length, [], 0);
  input.partial = true;
  const values = decode(input);
  // The values of the bytes have the names of the layer's fields.
  const same = values !== undefined && { layer: name, ...values };
  if (!same || Buffer.compare(encode(same as unknown as AnyDraft), encode(layer)) !== 0)
    throw new RangeError(`${name}: raw and the other fields disagree; leave one of them out`);
  return raw;
}
