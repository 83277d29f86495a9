// The extension objects of ICMP and ICMPv6, RFC 4884: MPLS labels, RFC 4950, and the interface that an extended echo asks for, RFC 8335.
// They stand behind the quoted packet of an error (icmp_error.ts) and behind the header of an extended echo (extended_echo.ts).
// CONTRIBUTING.md says how to add an object ("An ICMP extension object").
import { array, type BytesLike, bytes, integer, shown } from '../../../util/validate.js';
import {
  hardware_length,
  is_ipv4,
  is_ipv6,
  read_hardware,
  read_ipv4,
  read_ipv6,
  write_hardware,
  write_ipv4,
  write_ipv6,
} from '../../bytes/address.js';
import {
  type FieldNames,
  type Fields,
  field_names,
  joined,
  known,
  type Optional,
} from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import {
  type AnyCodec,
  bytes_of,
  type Codec,
  type Field,
  layout,
  text,
  u32,
} from '../../options/option_values.js';
import type { OtherOption } from '../../options/options.js';

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

/** An object with its values. */
interface Named<Class extends number, Type extends number, Name extends string> {
  readonly class: Class;
  readonly type: Type;
  readonly name: Name;
  readonly data: Buffer;
}
interface MplsLabels extends Named<1, 1, 'mpls'> {
  readonly labels: readonly MplsLabel[];
}
interface InterfaceName extends Named<3, 1, 'interface_name'> {
  readonly interface_name: string;
}
interface InterfaceIndex extends Named<3, 2, 'interface_index'> {
  readonly interface_index: number;
}
interface InterfaceAddress extends Named<3, 3, 'interface_address'> {
  /** IANA's number of the kind of address: 1 is IPv4, 2 IPv6, 16389 and 16390 the link layer's of 6 and 8 bytes */
  readonly family: number;
  readonly address: string;
}
type OtherExtension = { readonly class: number } & OtherOption;
type KnownExtension = MplsLabels | InterfaceName | InterfaceIndex | InterfaceAddress;

/** An object behind the quoted packet of an error, or of an extended echo: a class, and a type within that class. */
export type IcmpExtension = KnownExtension | OtherExtension;

/** The values of an object as build takes them. */
interface Values {
  mpls: { readonly labels?: readonly Optional<MplsLabel>[] | undefined };
  interface_name: { readonly interface_name?: string | undefined };
  interface_index: { readonly interface_index?: number | undefined };
  interface_address: { readonly family?: number | undefined; readonly address?: string | undefined };
}
type NamedFields = {
  [Name in keyof Values]: {
    readonly name: Name;
    readonly class?: number | undefined;
    readonly type?: number | undefined;
    readonly data?: BytesLike | undefined;
  } & Values[Name];
};
/** An extension object of an ICMP message as build takes it, RFC 4884. */
export type IcmpExtensionFields =
  | NamedFields[keyof Values]
  | {
      readonly name?: 'unknown' | 'malformed' | undefined;
      readonly class: number;
      readonly type: number;
      readonly data?: BytesLike | undefined;
    };

/** The fields of a message that may have extensions. */
export interface Extensions {
  extensions: readonly IcmpExtension[];
  /** the 12 bits behind the version of the extensions; senders leave it 0; undefined if there are no extensions */
  extensions_reserved: number | undefined;
  /** 0: the extensions have no checksum; undefined if there are no extensions */
  extensions_checksum: number | undefined;
  /** false if the checksum is wrong; undefined if that cannot be known */
  extensions_ok: boolean | undefined;
}
/** The fields that are built from another form than the parsed one. */
export interface ExtensionForms {
  extensions: readonly IcmpExtensionFields[];
}
export type ExtensionsFields = Fields<Extensions, ExtensionForms>;
export const EXTENSIONS_FIELDS: FieldNames<keyof ExtensionsFields> = field_names(
  'extensions extensions_reserved extensions_checksum extensions_ok',
);

export type IcmpLayer = 'icmp' | 'icmpv6';

const VERSION = 2;
/** Bytes in front of the objects, and of an object in front of its data. */
const HEAD = 4;
const OTHER: FieldNames<keyof OtherExtension> = field_names('class type name data');
const LABEL_FIELDS: FieldNames<keyof MplsLabel> = field_names('label traffic_class bottom ttl');

const mpls: Codec<Pick<MplsLabels, 'labels'>> = {
  names: field_names('labels'),
  read(data, view, start) {
    if (data.length % 4 !== 0) return undefined;
    const labels: MplsLabel[] = [];
    for (let at = start; at < start + data.length; at += 4) {
      const entry = view.getUint32(at);
      labels.push({
        label: entry >>> 12,
        traffic_class: (entry >>> 9) & 7,
        bottom: (entry & 0x100) !== 0,
        ttl: entry & 255,
      });
    }
    return { labels };
  },
  write({ labels }: Values['mpls'], field) {
    const all = labels ?? [];
    array(all, `${field}.labels`);
    return bytes_of(all.length * 4, (view) => {
      for (const [i, entry] of all.entries()) {
        const of = `${field}.labels[${i}]`;
        known(entry, of, LABEL_FIELDS);
        const label = integer(entry.label ?? 0, `${of}.label`, 0, 0xfffff);
        const traffic_class = integer(entry.traffic_class ?? 0, `${of}.traffic_class`, 0, 7);
        const ttl = integer(entry.ttl ?? 0, `${of}.ttl`, 0, 255);
        const bottom = entry.bottom ?? i === all.length - 1;
        view.setUint32(i * 4, label * 0x1000 + (traffic_class << 9) + (bottom ? 0x100 : 0) + ttl);
      }
    });
  },
};

/** A text, padded with zeros to a multiple of 4 bytes. */
const padded_text: Field<string> = {
  read(view, at, size) {
    let end = size;
    while (end > 0 && view.getUint8(at + end - 1) === 0) end--;
    const value = text.read(view, at, end);
    return size === end + (-end & 3) ? value : undefined;
  },
  write(value, name) {
    const content = text.write(value, name);
    return Buffer.concat([content, new Uint8Array(-content.length & 3)]);
  },
};

/** The kinds of addresses, by IANA's number of the family, and the bytes of one. */
const FAMILIES: Readonly<
  Record<
    number,
    {
      readonly size: number;
      readonly read: (view: DataView, at: number, size: number) => string;
      readonly write: (view: DataView, at: number, value: unknown, name: string, size: number) => void;
    }
  >
> = {
  1: { size: 4, read: read_ipv4, write: write_ipv4 },
  2: { size: 16, read: read_ipv6, write: write_ipv6 },
  16389: { size: 6, read: read_hardware, write: write_hardware },
  16390: { size: 8, read: read_hardware, write: write_hardware },
};

/** Returns the family that an address seems to be of. One of 8 bytes could be that of an interface, too: its family has to be given. */
function family_of(address: unknown): number | undefined {
  if (typeof address !== 'string') return undefined;
  if (is_ipv4(address)) return 1;
  if (is_ipv6(address)) return 2;
  return hardware_length(address) === 6 ? 16_389 : undefined;
}

const interface_address: Codec<Pick<InterfaceAddress, 'family' | 'address'>> = {
  names: field_names('family address'),
  read(data, view, at) {
    if (data.length < HEAD) return undefined;
    const number = view.getUint16(at);
    const family = FAMILIES[number];
    const size = view.getUint8(at + 2);
    const is_usual = view.getUint8(at + 3) === 0 && data.length === HEAD + size + (-size & 3);
    if (family?.size !== size || !is_usual) return undefined;
    if (data.subarray(HEAD + size).some((byte) => byte !== 0)) return undefined;
    return { family: number, address: family.read(view, at + HEAD, size) };
  },
  write({ family: given, address }: Values['interface_address'], field) {
    const number = given ?? family_of(address);
    const family = number === undefined ? undefined : FAMILIES[number];
    if (given !== undefined && family === undefined) {
      const numbers = Object.keys(FAMILIES).join(', ');
      throw new RangeError(`${field}.family must be one of ${numbers}, or left out, not ${shown(given)}`);
    }
    if (number === undefined || family === undefined) {
      const message = `${field}.address must be an address of IPv4, of IPv6 or of 6 bytes, not ${shown(address)}`;
      throw typeof address === 'string' ? new RangeError(message) : new TypeError(message);
    }
    const { size, write } = family;
    // Padded with zeros to a multiple of 4 bytes, as a name is.
    return bytes_of(HEAD + size + (-size & 3), (view) => {
      view.setUint16(0, number);
      view.setUint8(2, size);
      write(view, HEAD, address, `${field}.address`, size);
    });
  },
};

interface Kind {
  readonly class: number;
  readonly type: number;
  readonly codec: AnyCodec;
}
const KINDS: Readonly<Record<KnownExtension['name'], Kind>> = {
  mpls: { class: 1, type: 1, codec: mpls },
  interface_name: { class: 3, type: 1, codec: layout({ interface_name: padded_text }) },
  interface_index: { class: 3, type: 2, codec: layout({ interface_index: u32() }) },
  interface_address: { class: 3, type: 3, codec: interface_address },
};
const BY_NUMBER = new Map(
  Object.entries(KINDS).map(([name, kind]) => [kind.class * 256 + kind.type, { name, codec: kind.codec }]),
);

/** Returns whether the version of extensions stands at an offset. */
export const has_version = (input: Input, at: number): boolean => input.view.getUint8(at) >>> 4 === VERSION;

/** Returns whether extensions stand at an offset: of this version, filled by objects, with a correct checksum or none. */
export function are_extensions(input: Input, start: number): boolean {
  const { view, end } = input;
  let at = start + HEAD;
  if (at > end || !has_version(input, start)) return false;
  if (view.getUint16(start + 2) !== 0 && input.verify(start, 0) !== true) return false;
  while (at + HEAD <= end && view.getUint16(at) >= HEAD) at += view.getUint16(at);
  return at === end && at > start + HEAD;
}

/** Returns extensions of this version from an offset to the end of the packet. */
export function read_extensions(input: Input, start: number, layer: IcmpLayer): Extensions {
  const extensions_checksum = input.view.getUint16(start + 2);
  return {
    extensions: read_objects(input, start + HEAD, layer),
    extensions_reserved: input.view.getUint16(start) & 0xfff,
    extensions_checksum,
    extensions_ok: extensions_checksum === 0 ? undefined : input.verify(start, 0),
  };
}

/** The fields of a message that has no extensions. */
export const no_extensions = (): Extensions => ({
  extensions: [],
  extensions_reserved: undefined,
  extensions_checksum: undefined,
  extensions_ok: undefined,
});

function read_objects(input: Input, start: number, layer: IcmpLayer): IcmpExtension[] {
  const { view, end } = input;
  const extensions: object[] = [];
  for (let at = start; at < end; ) {
    const size = at + HEAD <= end ? view.getUint16(at) : 0;
    if (size < HEAD || at + size > end) {
      if (input.end === input.wire_end && !input.partial) {
        input.problem(layer, at, `an extension of ${size} bytes, where ${end - at} are left`);
      }
      extensions.push({ class: 0, type: 0, name: 'malformed', data: input.slice(at, end) });
      break;
    }
    const [class_number, type] = [view.getUint8(at + 2), view.getUint8(at + 3)];
    const data = input.slice(at + HEAD, at + size);
    const kind = BY_NUMBER.get(class_number * 256 + type);
    const values = kind?.codec.read(data, view, at + HEAD);
    const name = values === undefined ? 'unknown' : kind?.name;
    extensions.push({ class: class_number, type, name, data, ...values });
    at += size;
  }
  // The types follow from the table.
  return extensions as IcmpExtension[];
}

/** Prepends extensions. @returns whether there are any */
export function write_extensions(fields: ExtensionsFields, output: Output, layer: IcmpLayer): boolean {
  const extensions = array(fields.extensions ?? [], `${layer}.extensions`).map((extension, i) =>
    object_bytes(extension, `${layer}.extensions[${i}]`),
  );
  if (extensions.length === 0 && (fields.extensions_checksum ?? undefined) === undefined) return false;
  output.prepend_bytes(Buffer.concat(extensions));
  const at = output.prepend(HEAD);
  const reserved = integer(fields.extensions_reserved ?? 0, `${layer}.extensions_reserved`, 0, 0xfff);
  output.view.setUint16(at, (VERSION << 12) | reserved);
  output.checksum(at + 2, fields.extensions_checksum, `${layer}.extensions_checksum`, at, output.end);
  return true;
}

function object_bytes(extension: unknown, field: string): Uint8Array {
  if (!is_extension(extension)) throw new TypeError(`${field} must be an object, not ${shown(extension)}`);
  const { name = 'unknown' } = extension;
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name as KnownExtension['name']] : undefined;
  if (kind === undefined && name !== 'unknown' && name !== 'malformed') {
    const names = Object.keys(KINDS).join(', ');
    throw new RangeError(`${field}.name must be one of ${names}, or left out, not ${shown(name)}`);
  }
  known(extension, field, kind === undefined ? OTHER : joined(OTHER, kind.codec.names));
  const data = data_of(extension, kind?.codec, field);
  if (name === 'malformed') return data;
  const head = bytes_of(HEAD, (view) => {
    view.setUint16(0, HEAD + data.length);
    view.setUint8(2, integer(extension.class ?? kind?.class, `${field}.class`, 0, 255));
    view.setUint8(3, integer(extension.type ?? kind?.type, `${field}.type`, 0, 255));
  });
  return Buffer.concat([head, data]);
}

/** Returns the data of an object: those given, or those of its values. @throws RangeError if these disagree */
function data_of(extension: IcmpExtensionFields, codec: AnyCodec | undefined, field: string): Uint8Array {
  const given = extension.data === undefined ? undefined : bytes(extension.data, `${field}.data`);
  if (codec === undefined) return given ?? new Uint8Array(0);
  const values = Object.entries(extension).filter(
    ([name, value]) => codec.names.includes(name) && value !== undefined,
  );
  if (given !== undefined && values.length === 0) return given;
  const data = codec.write(Object.fromEntries(values), field);
  if (given !== undefined && Buffer.compare(given, data) !== 0)
    throw new RangeError(`${field}: data and ${codec.names.join(' or ')} disagree; leave one of them out`);
  return data;
}

function is_extension(value: unknown): value is IcmpExtensionFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
