// IPv6's extension headers: RFC 8200 (options, routing, fragment), 4302 (AH), 6275 and 8754 (routing types 2 and 4).
//
// Like an option, each has its `type` (its own protocol number) and `data` (the bytes behind next header and length); one of a known type
// has a `name` and values. To add one: its type in Ipv6Extension and TYPES, its fields in FIELDS, a case in `decode` and in `encode`.
import { array, type BytesLike, bytes, integer, shown } from '../../util/validate.js';
import { read_ipv6, write_ipv6 } from '../bytes/address.js';
import { type FieldNames, field_names, joined, known, type Optional } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { type Output, units } from '../bytes/output.js';
import { ip_protocol_for } from '../registry.js';
import * as authentication from './authentication.js';
import { type Ipv6Option, type Ipv6OptionFields, ipv6_options } from './ipv6.js';
import { bytes_of } from './option_values.js';

type Extension<Type extends number, Name extends string, Values = unknown> = {
  readonly type: Type;
  readonly name: Name;
  readonly next_header: number;
  /** of the whole header, in bytes */
  readonly length: number;
  readonly data: Buffer;
} & Readonly<Values>;

interface Routing {
  routing_type: number;
  segments_left: number;
  /** the four bytes that each routing type defines for itself; in type 4: last entry, flags, tag */
  type_data: number;
  /** in the order of the header; of routing types 0, 2 and 4, none of others */
  addresses: readonly string[];
  /** the bytes behind the addresses */
  rest: Buffer;
}

interface Fragment {
  /** in bytes */
  fragment_offset: number;
  more_fragments: boolean;
  id: number;
  /** ten bits: the byte behind next_header, and the two bits in front of more_fragments; senders leave it 0 */
  reserved: number;
}

/** An extension header of IPv6, RFC 8200, as parsed. */
export type Ipv6Extension =
  | Extension<0, 'hop_by_hop', { options: readonly Ipv6Option[] }>
  | Extension<43, 'routing', Routing>
  | Extension<44, 'fragment', Fragment>
  | Extension<51, 'ah', authentication.Values>
  | Extension<60, 'destination_options', { options: readonly Ipv6Option[] }>
  | Extension<number, 'unknown'>;

type Common = 'type' | 'name' | 'next_header' | 'length' | 'data';
type Given = {
  readonly next_header?: number | undefined;
  readonly length?: number | undefined;
  readonly data?: BytesLike | undefined;
};

/** An extension header to build: its name and values, or its type and data. */
export type Ipv6ExtensionFields = Ipv6Extension extends infer E
  ? E extends Extension<number, 'unknown'>
    ? { readonly type: number; readonly name?: 'unknown' | undefined } & Given
    : E extends Ipv6Extension
      ? { readonly name: E['name']; readonly type?: number | undefined } & Given &
          (E extends { options: unknown }
            ? { readonly options?: readonly Ipv6OptionFields[] | undefined }
            : Optional<Omit<E, Common>>)
      : never
  : never;

const TYPES: Readonly<Record<string, number>> = {
  hop_by_hop: 0,
  routing: 43,
  fragment: 44,
  ah: 51,
  destination_options: 60,
};
const COMMON: FieldNames<Common> = field_names('type name next_header length data');
const OPTIONS = joined(COMMON, field_names('options'));
/** The fields of each extension header by its name. */
const FIELDS: {
  readonly [Name in Ipv6Extension['name']]: FieldNames<keyof Extract<Ipv6Extension, { readonly name: Name }>>;
} = {
  hop_by_hop: OPTIONS,
  routing: joined(COMMON, field_names('routing_type segments_left type_data addresses rest')),
  fragment: joined(COMMON, field_names('fragment_offset more_fragments id reserved')),
  ah: joined(COMMON, authentication.NAMES),
  destination_options: OPTIONS,
  unknown: COMMON,
};
/** Types of extension headers. Mobility (135), HIP and Shim6 have no values here, but the same length byte as the others. */
const EXTENSIONS = new Set([...Object.values(TYPES), 135, 139, 140]);
const AH = 51;
const FRAGMENT = 44;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;
const HOME_ADDRESS = 0xc9;
const WITH_ADDRESSES = [0, 2, 4];
const MAX_LENGTH = 0xffff;

/** The result of parsing the extension headers. */
export interface Chain {
  readonly extensions: readonly Ipv6Extension[];
  /** the protocol number behind the headers; undefined if the rest cannot be parsed */
  readonly upper: number | undefined;
  readonly ends: AddressOffsets;
}

/** Offsets of the addresses that a checksum takes instead of the header's: the end of a route, a mobile node's home. */
export interface AddressOffsets {
  dst: number | undefined;
  src: number | undefined;
}

/**
 * Parses the extension headers at `input.at` and moves behind them. A jumbogram ends where its option says.
 *
 * @param first the type of the first one
 * @param payload_length the field of the header
 */
export function read_extensions(input: Input, first: number, payload_length: number): Chain {
  const extensions: Ipv6Extension[] = [];
  const { view } = input;
  let type = first;
  const ends: AddressOffsets = { dst: undefined, src: undefined };
  const start = input.at;
  while (EXTENSIONS.has(type)) {
    if (!input.has('ipv6', 8)) return { extensions, upper: undefined, ends };
    const { at } = input;
    const length = extension_length(view, at, type);
    if (!input.has('ipv6', length)) return { extensions, upper: undefined, ends };
    const next_header = view.getUint8(at);
    const extension = decode(input, type, next_header, length);
    extensions.push(extension);
    if (!input.partial) check_jumbogram(input, start, extension, payload_length);
    input.at = at + length;
    // The last of several headers with addresses counts.
    const found = find_ends(view, at, type, length);
    ends.dst = found.dst ?? ends.dst;
    ends.src = found.src ?? ends.src;
    if (type === FRAGMENT) {
      const bits = view.getUint16(at + 2);
      // A later fragment continues a message in the middle.
      if (bits >>> 3 !== 0) return { extensions, upper: undefined, ends };
      if ((bits & 1) !== 0) input.partial = true;
    }
    type = next_header;
  }
  return { extensions, upper: type, ends };
}

/** Ends a packet whose length stands in an option, as payload_length cannot say it. RFC 2675, section 3, says which packets are wrong. */
function check_jumbogram(
  input: Input,
  start: number,
  extension: Ipv6Extension,
  payload_length: number,
): void {
  const { at } = input;
  if (extension.name === 'fragment' && payload_length === 0) {
    input.problem('ipv6', at, 'a fragment cannot be a jumbogram');
  }
  if (extension.name !== 'hop_by_hop') return;
  const jumbo = extension.options.find((option) => option.name === 'jumbo_payload');
  if (jumbo === undefined) {
    if (payload_length === 0) input.problem('ipv6', at, 'payload_length is 0 without a jumbo_payload option');
  } else if (payload_length !== 0) {
    input.problem('ipv6', at, `jumbo_payload with a payload_length of ${payload_length}`);
  } else if (jumbo.length <= MAX_LENGTH) {
    input.problem('ipv6', at, `jumbo_payload is ${jumbo.length}, no more than payload_length can say`);
  } else input.limit('ipv6', at, 'jumbo_payload', start + jumbo.length);
}

/** Returns whether extension headers to build have the option of a jumbogram. */
export function has_jumbo_payload(extensions: readonly Ipv6ExtensionFields[]): boolean {
  const [first] = extensions;
  return first?.name === 'hop_by_hop' && !!first.options?.some(({ name }) => name === 'jumbo_payload');
}

function extension_length(view: DataView, at: number, type: number): number {
  if (type === FRAGMENT) return 8;
  return type === AH ? authentication.length_of(view, at) : (view.getUint8(at + 1) + 1) * 8;
}

function decode(input: Input, type: number, next_header: number, length: number): Ipv6Extension {
  const { view, at } = input;
  const data = input.slice(at + 2, at + length);
  const common = { next_header, length, data };
  switch (type) {
    case 0:
      return { type, name: 'hop_by_hop', ...common, options: options_in(input, length) };
    case 60:
      return { type, name: 'destination_options', ...common, options: options_in(input, length) };
    case 43: {
      const routing_type = view.getUint8(at + 2);
      const addresses: string[] = [];
      const count = address_count(view, at, length);
      for (let i = 0; i < count; i++) addresses.push(read_ipv6(view, at + 8 + i * 16));
      const segments_left = view.getUint8(at + 3);
      const type_data = view.getUint32(at + 4);
      const rest = data.subarray(6 + count * 16);
      return { type, name: 'routing', ...common, routing_type, segments_left, type_data, addresses, rest };
    }
    case 44: {
      const bits = view.getUint16(at + 2);
      const id = view.getUint32(at + 4);
      return {
        type,
        name: 'fragment',
        ...common,
        fragment_offset: bits & 0xfff8,
        more_fragments: (bits & 1) !== 0,
        id,
        reserved: (view.getUint8(at + 1) << 2) | ((bits >>> 1) & 3),
      };
    }
    case 51: {
      if (length < authentication.HEADER) break;
      return { type, name: 'ah', ...common, ...authentication.decode(input, at, at + length) };
    }
  }
  return { type, name: 'unknown', ...common };
}

function options_in(input: Input, length: number): Ipv6Option[] {
  return ipv6_options.read(input, input.at + 2, input.at + length);
}

/** Returns the number of whole addresses in a routing header. */
function address_count(view: DataView, at: number, length: number): number {
  const routing_type = view.getUint8(at + 2);
  if (!WITH_ADDRESSES.includes(routing_type)) return 0;
  const room = Math.floor((length - 8) / 16);
  return routing_type === 4 ? Math.min(room, view.getUint8(at + 4) + 1) : room;
}

/** Returns the offset of the final destination in a routing header, if the packet is still on its way there. */
function end_of_route(view: DataView, at: number, length: number): number | undefined {
  const count = address_count(view, at, length);
  if (count === 0 || view.getUint8(at + 3) === 0) return undefined;
  // Segment routing lists the last segment first.
  return view.getUint8(at + 2) === 4 ? at + 8 : at + 8 + (count - 1) * 16;
}

/** Returns the offsets of the addresses in an extension header that replace those of the packet. */
function find_ends(view: DataView, at: number, type: number, length: number): AddressOffsets {
  return {
    dst: type === ROUTING ? end_of_route(view, at, length) : undefined,
    src: type === DESTINATION_OPTIONS ? home_address(view, at + 2, at + length) : undefined,
  };
}

/** Returns the offset of the address in a home address option. */
function home_address(view: DataView, start: number, end: number): number | undefined {
  return ipv6_options.find(view, start, end, (type, at, size) =>
    type === HOME_ADDRESS && size === 18 ? at + 2 : undefined,
  );
}

/**
 * Prepends extension headers.
 *
 * @returns the type of the first header (without headers, of the layer carried), and the offsets of addresses that checksums take
 * @throws TypeError, RangeError naming the header and its field
 */
export function write_extensions(given: unknown, output: Output): { first: number; ends: AddressOffsets } {
  const extensions: readonly unknown[] = array(given, 'ipv6.extensions');
  const carries_nothing = output.next === undefined && output.length === 0;
  let first = carries_nothing ? 59 : ip_protocol_for(output.next);
  const ends: AddressOffsets = { dst: undefined, src: undefined };
  for (let i = extensions.length - 1; i >= 0; i--) {
    const field = `ipv6.extensions[${i}]`;
    const extension = extensions[i];
    if (!is_extension(extension)) throw new TypeError(`${field} must be an object, not ${shown(extension)}`);
    const type = extension_type(extension, field);
    known(extension, field, FIELDS[extension.name ?? 'unknown']);
    const data = padded_data(extension, type, field);
    output.prepend_bytes(data);
    const at = output.prepend(2);
    output.u8(at, extension.next_header ?? first, `${field}.next_header`);
    output.u8(at + 1, second_byte(extension, data.length + 2, type, field), `${field}.length`);
    if (data.length >= 6) {
      const found = find_ends(output.view, at, type, data.length + 2);
      ends.dst ??= found.dst;
      ends.src ??= found.src;
    }
    first = type;
  }
  return { first, ends };
}

function is_extension(value: unknown): value is Ipv6ExtensionFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function extension_type(extension: Ipv6ExtensionFields, field: string): number {
  const { name } = extension;
  const by_name = typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (name !== undefined && name !== 'unknown' && by_name === undefined) {
    const names = Object.keys(TYPES).join(', ');
    throw new RangeError(
      `${field}.name must be one of ${names}, or left out with a type, not ${shown(name)}`,
    );
  }
  return integer(extension.type ?? by_name, `${field}.type`, 0, 255);
}

/** Returns the length byte of an extension header, in the unit of its type. */
function second_byte(extension: Ipv6ExtensionFields, size: number, type: number, field: string): number {
  const name = `${field}.length`;
  const length = extension.length ?? size;
  // The fragment header has a reserved byte instead of a length.
  if (type === FRAGMENT) {
    return extension.name === 'fragment' ? fragment_reserved(extension, field) >>> 2 : 0;
  }
  return type === AH ? authentication.length_byte(length, name) : units(length, name, 8, 256) - 1;
}

function fragment_reserved(fragment: Partial<Fragment>, field: string): number {
  return integer(fragment.reserved ?? 0, `${field}.reserved`, 0, 0x3ff);
}

/** Returns the data of an extension header, padded to its given length or to a multiple of 8 bytes. */
function padded_data(extension: Ipv6ExtensionFields, type: number, field: string): Uint8Array {
  const data = extension_data(extension, field);
  if (extension.length === data.length + 2) return data;
  const pad = type === FRAGMENT ? Math.max(0, 6 - data.length) : -(data.length + 2) & 7;
  if (pad === 0) return data;
  const has_options = type === TYPES.hop_by_hop || type === TYPES.destination_options;
  const padding = has_options && pad > 1 ? [1, pad - 2, ...new Uint8Array(pad - 2)] : new Uint8Array(pad);
  return Buffer.concat([data, Uint8Array.from(padding)]);
}

function extension_data(extension: Ipv6ExtensionFields, field: string): Uint8Array {
  const { data } = extension;
  const given = data === undefined || data === null ? undefined : bytes(data, `${field}.data`);
  if (given !== undefined && !has_values(extension)) return given;
  const encoded = encode(extension, field);
  if (given !== undefined && encoded !== undefined && Buffer.compare(given, encoded) !== 0) {
    throw new RangeError(`${field}: data and the values disagree; leave one of them out`);
  }
  return given ?? encoded ?? new Uint8Array(0);
}

function has_values(extension: Ipv6ExtensionFields): boolean {
  const { type: _type, name: _name, next_header: _next, length: _length, data: _data, ...values } = extension;
  return Object.values(values).some((value) => value !== undefined);
}

function encode(extension: Ipv6ExtensionFields, field: string): Uint8Array | undefined {
  switch (extension.name) {
    case 'hop_by_hop':
    case 'destination_options':
      return ipv6_options.bytes(extension.options ?? [], `${field}.options`);
    case 'routing':
      return encode_routing(extension, field);
    case 'fragment':
      return bytes_of(6, (view) => {
        const offset = units(extension.fragment_offset ?? 0, `${field}.fragment_offset`, 8, 0x1fff);
        const bits = (fragment_reserved(extension, field) & 3) << 1;
        view.setUint16(0, (offset << 3) | bits | (extension.more_fragments ? 1 : 0));
        view.setUint32(2, integer(extension.id ?? 0, `${field}.id`, 0, 0xffffffff));
      });
    case 'ah':
      return authentication.encode(extension, field);
    default:
      return undefined;
  }
}

function encode_routing(routing: Partial<Routing>, field: string): Uint8Array {
  const addresses = array(routing.addresses ?? [], `${field}.addresses`);
  const type = integer(routing.routing_type ?? 0, `${field}.routing_type`, 0, 255);
  const segments_left = integer(routing.segments_left ?? addresses.length, `${field}.segments_left`, 0, 255);
  const last_entry = type === 4 ? Math.max(0, addresses.length - 1) * 2 ** 24 : 0;
  const type_data = integer(routing.type_data ?? last_entry, `${field}.type_data`, 0, 0xffffffff);
  const head = bytes_of(6 + addresses.length * 16, (view) => {
    view.setUint8(0, type);
    view.setUint8(1, segments_left);
    view.setUint32(2, type_data);
    for (const [i, address] of addresses.entries()) {
      write_ipv6(view, 6 + i * 16, address, `${field}.addresses[${i}]`);
    }
  });
  return Buffer.concat([head, bytes(routing.rest ?? new Uint8Array(0), `${field}.rest`)]);
}
