// The errors of ICMP and ICMPv6: the packet that they quote, and the extension objects behind it, RFC 4884 (extensions.ts has these).
import { type BytesLike, bytes } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, joined } from '../../bytes/fields.js';
import { type Input, parse_layers } from '../../bytes/input.js';
import { type Output, units } from '../../bytes/output.js';
import type { Draft, Layer } from '../../layer_types.js';
import { protocol_of_name } from '../../registry.js';
import { write_layers } from '../../write_layers.js';
import {
  are_extensions,
  EXTENSIONS_FIELDS,
  type ExtensionForms,
  type Extensions,
  has_version,
  type IcmpLayer,
  no_extensions,
  read_extensions,
  write_extensions,
} from './extensions.js';

/** The quoted packet of an error. */
export interface Quoting {
  /** the layers of the packet that caused the error; the quotation may be short */
  quoted: readonly Layer[];
}

/** The fields of an error that may have extensions. */
export interface Extended extends Quoting, Extensions {
  /**
   * of the quoted packet with its padding, in bytes; 0 if there are no extensions. Some routers write a number of bytes where the field
   * counts units of 4 (ICMPv6: 8): this is then 4 times the length.
   */
  length: number;
}

/** The fields of errors to build: the quotation is layers, or the bytes of a packet. */
export interface ErrorForms extends ExtensionForms {
  quoted: readonly Draft[] | BytesLike;
}
export type QuotingFields = Fields<Quoting, ErrorForms>;
export type ExtendedFields = Fields<Extended, ErrorForms>;

export const QUOTING_FIELDS: FieldNames<keyof QuotingFields> = field_names('quoted');
export const EXTENDED_FIELDS: FieldNames<keyof ExtendedFields> = joined(
  field_names('quoted length'),
  EXTENSIONS_FIELDS,
);

const IP = { icmp: 'ipv4', icmpv6: 'ipv6' } as const;
/** The unit of the length of the quoted packet, in bytes, and the place of the length in the last four bytes of the header. */
const LENGTH = { icmp: { unit: 4, place: 2 ** 16 }, icmpv6: { unit: 8, place: 2 ** 24 } } as const;

/** Bytes of the quoted packet, padded, in front of extensions: at least these. */
const LEAST_QUOTED = 128;

/** Returns the layers of the quoted packet, from `input.at` to the end, and moves there. */
export function read_quoted(input: Input, layer: IcmpLayer): Quoting {
  const quoted = quotation(input, input.at, input.end, () => true, layer);
  input.at = input.end;
  return { quoted };
}

/**
 * Returns the layers of the quoted packet, and the extensions if there are any, and moves to the end.
 *
 * @param rest the last four bytes of the header as a number
 */
export function read_extended(input: Input, rest: number, layer: IcmpLayer): Extended {
  const start = input.at;
  const length = (Math.floor(rest / LENGTH[layer].place) & 255) * LENGTH[layer].unit;
  const end = extensions_start(input, start, length, layer);
  const has_extensions = end !== undefined && has_version(input, end);
  if (end !== undefined && !has_extensions) input.problem(layer, end, 'extensions of another version than 2');
  if (length !== 0 && !has_extensions && start + length > input.wire_end && !input.partial) {
    input.problem(layer, start - 4, `length ${length} goes beyond the end`);
  }
  if (!has_extensions) {
    return { ...read_quoted(input, layer), length, ...no_extensions() };
  }
  input.at = input.end;
  // Building takes a quotation of as many bytes as the field says for one whose length counts bytes.
  const count = length / LENGTH[layer].unit;
  const keep_padding = (size: number): boolean =>
    count >= LEAST_QUOTED && (end === start + count || size === count);
  return {
    quoted: quotation(input, start, end, keep_padding, layer),
    length,
    ...read_extensions(input, end, layer),
  };
}

/**
 * Returns the offset of the extensions: at the length. Routers older than the RFC leave the length 0 and quote 128 bytes; others write a
 * number of bytes instead of units. There, extensions are believed only if they are whole.
 */
function extensions_start(input: Input, start: number, length: number, layer: IcmpLayer): number | undefined {
  if (length !== 0 && start + length + 4 <= input.end) return start + length;
  if (length !== 0 && start + length <= input.wire_end) return undefined;
  const end = start + (length === 0 ? LEAST_QUOTED : length / LENGTH[layer].unit);
  return end >= start + LEAST_QUOTED && are_extensions(input, end) ? end : undefined;
}

function quotation(
  input: Input,
  start: number,
  end: number,
  keep_padding: (size: number) => boolean,
  layer: IcmpLayer,
): Layer[] {
  const inner = input.quotation(start, end);
  parse_layers(inner, start < end ? protocol_of_name(IP[layer]) : undefined);
  // Padding of zeros follows a short packet. Other bytes, and those behind a packet whose length is unknown, stay a layer.
  const rest = input.slice(inner.end, end);
  if (rest.length > 0 && (keep_padding(inner.end - start) || rest.some((byte) => byte !== 0))) {
    inner.layers.push({ layer: 'payload', data: rest });
  }
  return inner.layers;
}

/** Prepends a quoted packet. @returns 0: it sets no bits of the header */
export function write_quoted({ quoted = [] }: QuotingFields, output: Output, layer: IcmpLayer): number {
  output.prepend_bytes(quoted_bytes(quoted, output, `${layer}.quoted`));
  return 0;
}

/** Prepends a quoted packet and its extensions. @returns the length field in the last four bytes of the header */
export function write_extended(fields: ExtendedFields, output: Output, layer: IcmpLayer): number {
  const has_extensions = write_extensions(fields, output, layer);
  const { unit, place } = LENGTH[layer];
  const quoted = quoted_bytes(fields.quoted ?? [], output, `${layer}.quoted`);
  const least = has_extensions ? Math.max(LEAST_QUOTED, Math.ceil(quoted.length / unit) * unit) : 0;
  const length = units(fields.length ?? least, `${layer}.length`, unit, 255);
  // A length that counts bytes is that of the quotation, padding included.
  if (has_extensions && (quoted.length !== length || length < LEAST_QUOTED)) {
    output.prepend_zeros(Math.max(0, (length * unit || LEAST_QUOTED) - quoted.length));
  }
  output.prepend_bytes(quoted);
  return length * place;
}

function quoted_bytes(quoted: ErrorForms['quoted'], output: Output, name: string): Uint8Array {
  return is_layers(quoted) ? output.apart(() => write_layers(output, quoted, name)) : bytes(quoted, name);
}

function is_layers(quoted: readonly Draft[] | BytesLike): quoted is readonly Draft[] {
  return Array.isArray(quoted);
}
