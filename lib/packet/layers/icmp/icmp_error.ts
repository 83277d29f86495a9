// The errors of ICMP and ICMPv6: the packet that they quote, and the extension objects behind it, RFC 4884; MPLS labels are RFC 4950.
// CONTRIBUTING.md says how to add an object ("An ICMP extension object").
import { array, type BytesLike, bytes, integer, shown } from '../../../util/validate.js';
import {
  type FieldNames,
  type Fields,
  field_names,
  joined,
  known,
  type Names,
  type Optional,
} from '../../bytes/fields.js';
import { type Input, parse_layers } from '../../bytes/input.js';
import { type Output, units } from '../../bytes/output.js';
import type { Draft, Layer } from '../../layer_types.js';
import { bytes_of } from '../../options/option_values.js';
import type { OtherOption } from '../../options/options.js';
import { protocol_of_name } from '../../registry.js';
import { write_layers } from '../../write_layers.js';

/** An entry of the label stack in an ICMP extension, RFC 4950. */
export interface MplsLabel {
  /** The label, 20 bits. */
  label: number;
  /** The traffic class, 3 bits. */
  traffic_class: number;
  /** true for the last label of the stack */
  bottom: boolean;
  /** Time to live, 0 to 255. */
  ttl: number;
}

interface MplsLabels {
  readonly class: 1;
  readonly type: 1;
  readonly name: 'mpls';
  readonly data: Buffer;
  readonly labels: readonly MplsLabel[];
}
type OtherExtension = { readonly class: number } & OtherOption;

/** An object behind the quoted packet: a class, and a type within that class. */
export type IcmpExtension = MplsLabels | OtherExtension;

/** An extension object of an ICMP error as build takes it, RFC 4884. */
export type IcmpExtensionFields =
  | {
      readonly name: 'mpls';
      readonly class?: number | undefined;
      readonly type?: number | undefined;
      readonly labels?: readonly Optional<MplsLabel>[] | undefined;
      readonly data?: BytesLike | undefined;
    }
  | {
      readonly name?: 'unknown' | 'malformed' | undefined;
      readonly class: number;
      readonly type: number;
      readonly data?: BytesLike | undefined;
    };

/** The quoted packet of an error. */
export interface Quoting {
  /** the layers of the packet that caused the error; the quotation may be short */
  quoted: readonly Layer[];
}

/** The fields of an error that may have extensions. */
export interface Extended extends Quoting {
  /**
   * of the quoted packet with its padding, in bytes; 0 if there are no extensions. Some routers write a number of bytes where the field
   * counts units of 4 (ICMPv6: 8): this is then 4 times the length.
   */
  length: number;
  extensions: readonly IcmpExtension[];
  /** the 12 bits behind the version of the extensions; senders leave it 0; undefined if there are no extensions */
  extensions_reserved: number | undefined;
  /** 0: the extensions have no checksum; undefined if there are no extensions */
  extensions_checksum: number | undefined;
  /** false if the checksum is wrong; undefined if that cannot be known */
  extensions_ok: boolean | undefined;
}

/** The fields of errors to build: the quotation is layers, or the bytes of a packet. */
export interface ErrorForms {
  quoted: readonly Draft[] | BytesLike;
  extensions: readonly IcmpExtensionFields[];
}
export type QuotingFields = Fields<Quoting, ErrorForms>;
export type ExtendedFields = Fields<Extended, ErrorForms>;

export const QUOTING_FIELDS: FieldNames<keyof QuotingFields> = field_names('quoted');
export const EXTENDED_FIELDS: FieldNames<keyof ExtendedFields> = field_names(
  'quoted length extensions extensions_reserved extensions_checksum extensions_ok',
);

type IcmpLayer = 'icmp' | 'icmpv6';
const IP = { icmp: 'ipv4', icmpv6: 'ipv6' } as const;
/** The unit of the length of the quoted packet, in bytes, and the place of the length in the last four bytes of the header. */
const LENGTH = { icmp: { unit: 4, place: 2 ** 16 }, icmpv6: { unit: 8, place: 2 ** 24 } } as const;

/** Bytes of the quoted packet, padded, in front of extensions: at least these. */
const LEAST_QUOTED = 128;
const VERSION = 2;
const OTHER: FieldNames<keyof OtherExtension> = field_names('class type name data');
const MPLS: FieldNames<keyof MplsLabels> = joined(OTHER, field_names('labels'));
const LABEL_FIELDS: FieldNames<keyof MplsLabel> = field_names('label traffic_class bottom ttl');
/** The fields of an extension by its name. */
const FIELDS: Readonly<Record<IcmpExtension['name'], Names>> = {
  mpls: MPLS,
  unknown: OTHER,
  malformed: OTHER,
};

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
  const has_extensions = end !== undefined && input.view.getUint8(end) >>> 4 === VERSION;
  if (end !== undefined && !has_extensions) input.problem(layer, end, 'extensions of another version than 2');
  if (length !== 0 && !has_extensions && start + length > input.wire_end && !input.partial) {
    input.problem(layer, start - 4, `length ${length} goes beyond the end`);
  }
  if (!has_extensions) {
    const none = { extensions_reserved: undefined, extensions_checksum: undefined, extensions_ok: undefined };
    return { ...read_quoted(input, layer), length, extensions: [], ...none };
  }
  input.at = input.end;
  // Building takes a quotation of as many bytes as the field says for one whose length counts bytes.
  const count = length / LENGTH[layer].unit;
  const keep_padding = (size: number): boolean =>
    count >= LEAST_QUOTED && (end === start + count || size === count);
  const extensions_checksum = input.view.getUint16(end + 2);
  return {
    quoted: quotation(input, start, end, keep_padding, layer),
    length,
    extensions: read_extensions(input, end + 4, layer),
    extensions_reserved: input.view.getUint16(end) & 0xfff,
    extensions_checksum,
    extensions_ok: extensions_checksum === 0 ? undefined : input.verify(end, 0),
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

/** Returns whether extensions stand at an offset: of this version, filled by objects, with a correct checksum or none. */
function are_extensions(input: Input, start: number): boolean {
  const { view, end } = input;
  let at = start + 4;
  if (at > end || view.getUint8(start) >>> 4 !== VERSION) return false;
  if (view.getUint16(start + 2) !== 0 && input.verify(start, 0) !== true) return false;
  while (at + 4 <= end && view.getUint16(at) >= 4) at += view.getUint16(at);
  return at === end && at > start + 4;
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

function read_extensions(input: Input, start: number, layer: IcmpLayer): IcmpExtension[] {
  const { view, end } = input;
  const extensions: IcmpExtension[] = [];
  for (let at = start; at < end; ) {
    const size = at + 4 <= end ? view.getUint16(at) : 0;
    if (size < 4 || at + size > end) {
      if (input.end === input.wire_end && !input.partial) {
        input.problem(layer, at, `an extension of ${size} bytes, where ${end - at} are left`);
      }
      extensions.push({ class: 0, type: 0, name: 'malformed', data: input.slice(at, end) });
      break;
    }
    const [class_number, type] = [view.getUint8(at + 2), view.getUint8(at + 3)];
    const data = input.slice(at + 4, at + size);
    if (class_number === 1 && type === 1 && data.length % 4 === 0) {
      extensions.push({ class: 1, type: 1, name: 'mpls', data, labels: labels_in(view, at + 4, at + size) });
    } else extensions.push({ class: class_number, type, name: 'unknown', data });
    at += size;
  }
  return extensions;
}

function labels_in(view: DataView, start: number, end: number): MplsLabel[] {
  const labels: MplsLabel[] = [];
  for (let at = start; at < end; at += 4) {
    const entry = view.getUint32(at);
    labels.push({
      label: entry >>> 12,
      traffic_class: (entry >>> 9) & 7,
      bottom: (entry & 0x100) !== 0,
      ttl: entry & 255,
    });
  }
  return labels;
}

/** Prepends a quoted packet. @returns 0: it sets no bits of the header */
export function write_quoted({ quoted = [] }: QuotingFields, output: Output, layer: IcmpLayer): number {
  output.prepend_bytes(quoted_bytes(quoted, output, `${layer}.quoted`));
  return 0;
}

/** Prepends a quoted packet and its extensions. @returns the length field in the last four bytes of the header */
export function write_extended(fields: ExtendedFields, output: Output, layer: IcmpLayer): number {
  const extensions = array(fields.extensions ?? [], `${layer}.extensions`).map((extension, i) =>
    extension_bytes(extension, `${layer}.extensions[${i}]`),
  );
  const has_extensions = extensions.length > 0 || (fields.extensions_checksum ?? undefined) !== undefined;
  if (has_extensions) {
    output.prepend_bytes(Buffer.concat(extensions));
    const at = output.prepend(4);
    const reserved = integer(fields.extensions_reserved ?? 0, `${layer}.extensions_reserved`, 0, 0xfff);
    output.view.setUint16(at, (VERSION << 12) | reserved);
    output.checksum(at + 2, fields.extensions_checksum, `${layer}.extensions_checksum`, at, output.end);
  }
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

function extension_bytes(extension: unknown, field: string): Uint8Array {
  if (!is_extension(extension)) throw new TypeError(`${field} must be an object, not ${shown(extension)}`);
  const { name = 'unknown' } = extension;
  if (!Object.hasOwn(FIELDS, name))
    throw new RangeError(`${field}.name must be mpls, or left out, not ${shown(name)}`);
  known(extension, field, FIELDS[name]);
  const given = extension.data === undefined ? undefined : bytes(extension.data, `${field}.data`);
  if (extension.name === 'malformed') return given ?? new Uint8Array(0);
  let data = given;
  if (extension.name === 'mpls' && extension.labels !== undefined) {
    data = label_bytes(extension.labels, `${field}.labels`);
    if (given !== undefined && Buffer.compare(given, data) !== 0) {
      throw new RangeError(`${field}: data and labels disagree; leave one of them out`);
    }
  }
  const size = 4 + (data?.length ?? 0);
  const of_mpls = extension.name === 'mpls' ? 1 : undefined;
  const head = bytes_of(4, (view) => {
    view.setUint16(0, size);
    view.setUint8(2, integer(extension.class ?? of_mpls, `${field}.class`, 0, 255));
    view.setUint8(3, integer(extension.type ?? of_mpls, `${field}.type`, 0, 255));
  });
  return Buffer.concat([head, data ?? new Uint8Array(0)]);
}

function is_extension(value: unknown): value is IcmpExtensionFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function label_bytes(labels: readonly Optional<MplsLabel>[], field: string): Uint8Array {
  array(labels, field);
  return bytes_of(labels.length * 4, (view) => {
    for (const [i, entry] of labels.entries()) {
      known(entry, `${field}[${i}]`, LABEL_FIELDS);
      const label = integer(entry.label ?? 0, `${field}[${i}].label`, 0, 0xfffff);
      const traffic_class = integer(entry.traffic_class ?? 0, `${field}[${i}].traffic_class`, 0, 7);
      const ttl = integer(entry.ttl ?? 0, `${field}[${i}].ttl`, 0, 255);
      const bottom = entry.bottom ?? i === labels.length - 1;
      view.setUint32(i * 4, label * 0x1000 + (traffic_class << 9) + (bottom ? 0x100 : 0) + ttl);
    }
  });
}
