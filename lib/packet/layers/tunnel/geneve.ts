// Geneve, RFC 8926: frames or packets in UDP, with options.
import { array, bytes, integer, shown } from '../../../util/validate.js';
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, known, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { type Output, units } from '../../bytes/output.js';
import { type Protocol, protocol_of_ethertype, protocol_of_name } from '../../registry.js';
import { ethertype_of_next } from '../vlan.js';

/** An option of Geneve. */
export interface GeneveOption {
  /** the organization that defines the type, by the registry of RFC 8926, section 7 */
  readonly class: number;
  /** with 0x80: a receiver that does not know the option drops the packet */
  readonly type: number;
  /** three reserved bits */
  readonly reserved: number;
  /** 'malformed': data are all bytes that are left, class and type included */
  readonly name: 'option' | 'malformed';
  /** up to 124 bytes, a multiple of 4 */
  readonly data: Buffer;
}
/** A header of Geneve, RFC 8926. */
export interface Geneve {
  /** The name of the layer. */
  readonly layer: 'geneve';
  /** the version: 0 */
  version: number;
  /** of the header with its options, in bytes: 8 to 260 */
  header_length: number;
  /** the 8 bits in front of protocol: geneve.CONTROL, geneve.CRITICAL, and six reserved ones */
  flags: number;
  /** an ethertype; 0x6558 is Ethernet */
  protocol: number;
  /** the identifier of the network */
  vni: number;
  /** the last 8 bits */
  reserved: number;
  /** the options behind the header */
  options: readonly GeneveOption[];
}
/** An option of Geneve, to build. */
export type GeneveOptionFields = Partial<Omit<GeneveOption, 'data'>> & {
  readonly data?: Uint8Array | undefined;
};
/** The fields of a Geneve header to build: what is left out is worked out, or has a default. */
export type GeneveFields = Fields<Geneve, { options: readonly GeneveOptionFields[] }>;
/** A Geneve header to build. */
export type GeneveDraft = { readonly layer: 'geneve' } & GeneveFields;

const HEADER = 8;
const ETHERNET = 0x6558;
const OPTION = 4;
const CRITICAL = 0x40;
const FIELDS: FieldNames<keyof GeneveFields> = field_names(
  'version header_length flags protocol vni reserved options',
);
const OPTION_FIELDS: FieldNames<keyof GeneveOption> = field_names('class type reserved name data');
const ENDS: Ends = [
  [1, 'version', 'header_length'],
  [2, 'flags'],
  [4, 'protocol'],
  [7, 'vni'],
  [8, 'reserved'],
];

/**
 * Makes a Geneve header, in front of an Ethernet frame or another packet: `geneve({ vni: 5, options: [{ class: 0x102, type: 1, data }] })`.
 *
 * @param fields numbers are 0 unless given; header_length, protocol, and geneve.CRITICAL for options of such types are worked out
 * @throws TypeError for a field that Geneve does not have
 */
export const geneve = Object.assign(maker<'geneve', GeneveFields>('geneve', FIELDS), {
  CONTROL: 0x80,
  CRITICAL,
} as const);

function read_options(input: Input, start: number, end: number): GeneveOption[] {
  const { view } = input;
  const options: GeneveOption[] = [];
  const last = Math.min(end, input.end);
  for (let at = start; at < last; ) {
    const size = at + OPTION <= last ? OPTION + (view.getUint8(at + 3) & 0x1f) * 4 : OPTION;
    if (at + size > last) {
      if (last === end)
        input.problem('geneve', at, `an option of ${size} bytes, where ${last - at} are left`);
      options.push({ class: 0, type: 0, reserved: 0, name: 'malformed', data: input.slice(at, last) });
      break;
    }
    options.push({
      class: view.getUint16(at),
      type: view.getUint8(at + 2),
      reserved: view.getUint8(at + 3) >>> 5,
      name: 'option',
      data: input.slice(at + OPTION, at + size),
    });
    at += size;
  }
  return options;
}

function option_bytes(option: unknown, field: string): Uint8Array[] {
  if (typeof option !== 'object' || option === null)
    throw new TypeError(`${field} must be an object such as { class, type, data }, not ${shown(option)}`);
  const {
    class: group = 0,
    type = 0,
    reserved = 0,
    name,
    data,
  } = known<GeneveOptionFields>(option, field, OPTION_FIELDS);
  const value = bytes(data ?? new Uint8Array(), `${field}.data`);
  if (name === 'malformed') return [value];
  if (name !== undefined && name !== 'option')
    throw new RangeError(`${field}.name must be option or malformed, or left out, not ${shown(name)}`);
  const words = units(value.length, `${field}.data`, 4, 31);
  const head = Buffer.alloc(OPTION);
  head.writeUInt16BE(integer(group, `${field}.class`, 0, 0xffff));
  head[2] = integer(type, `${field}.type`, 0, 0xff);
  head[3] = (integer(reserved, `${field}.reserved`, 0, 7) << 5) | words;
  return [head, value];
}

export const geneve_protocol: Protocol = {
  name: 'geneve',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    const { view, at } = input;
    if (at + HEADER > input.end)
      return input.is_cut(HEADER) ? read_cut(input, geneve_protocol, HEADER) : undefined;
    const first = view.getUint8(at);
    // Another version has another header.
    if (first >>> 6 !== 0) return undefined;
    const header_length = HEADER + (first & 0x3f) * 4;
    const is_whole = input.has('geneve', header_length);
    const protocol = view.getUint16(at + 2);
    const word = view.getUint32(at + 4);
    input.layers.push({
      layer: 'geneve',
      version: 0,
      header_length,
      flags: view.getUint8(at + 1),
      protocol,
      vni: word >>> 8,
      reserved: word & 0xff,
      options: read_options(input, at + HEADER, at + header_length),
    });
    input.at = is_whole ? at + header_length : input.end;
    if (input.at === input.end) return undefined;
    return protocol === ETHERNET ? protocol_of_name('ethernet') : protocol_of_ethertype(protocol);
  },

  build(layer: GeneveDraft, output: Output) {
    const protocol = output.next?.layer === 'ethernet' ? ETHERNET : ethertype_of_next(output);
    const given = array(layer.options ?? [], 'geneve.options');
    const options = Buffer.concat(given.flatMap((option, i) => option_bytes(option, `geneve.options[${i}]`)));
    const is_critical = (layer.options ?? []).some(({ type = 0 }) => type >= 0x80);
    output.prepend_bytes(options);
    const at = output.prepend(HEADER);
    const length = layer.header_length ?? HEADER + options.length;
    const version = integer(layer.version ?? 0, 'geneve.version', 0, 3);
    if (Number(length) < HEADER)
      throw new RangeError(`geneve.header_length must be at least ${HEADER}, not ${length}`);
    output.u8(
      at,
      (version << 6) | (units(length, 'geneve.header_length', 4, 65) - 2),
      'geneve.header_length',
    );
    output.u8(at + 1, layer.flags ?? (is_critical ? CRITICAL : 0), 'geneve.flags');
    output.u16(at + 2, layer.protocol ?? protocol, 'geneve.protocol');
    output.u24(at + 4, layer.vni ?? 0, 'geneve.vni');
    output.u8(at + 7, layer.reserved ?? 0, 'geneve.reserved');
  },
};
