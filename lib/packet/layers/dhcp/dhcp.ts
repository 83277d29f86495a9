// DHCP for IPv4, RFC 2131, and BOOTP, RFC 951, whose header it has. dhcp_options.ts has the options.
import { array, integer, shown } from '../../../util/validate.js';
import {
  hardware_length,
  read_hardware,
  read_ipv4,
  write_hardware,
  write_ipv4,
} from '../../bytes/address.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { message_protocol, type Raw } from '../../bytes/message.js';
import type { AnyDraft } from '../../layer_types.js';
import { type DhcpOption, type DhcpOptionFields, dhcp_options } from './dhcp_options.js';

/** A message of DHCP, RFC 2131, or of BOOTP. */
export interface Dhcp extends Raw {
  /** The name of the layer. */
  readonly layer: 'dhcp';
  /** dhcp.BOOTREQUEST or dhcp.BOOTREPLY */
  op: number;
  /** the type of the link-layer address, 1 for Ethernet */
  htype: number;
  /** the size of the link-layer address, in bytes */
  hlen: number;
  /** relays on the way */
  hops: number;
  /** the number of the exchange */
  xid: number;
  /** since the client began, in seconds */
  secs: number;
  /** dhcp.BROADCAST: answers to the client are to be broadcast */
  flags: number;
  /** the client's address, if it has one */
  ciaddr: string;
  /** the address that the client is to have */
  yiaddr: string;
  /** the next server to ask */
  siaddr: string;
  /** the address of the first relay */
  giaddr: string;
  /** the client's link-layer address, up to 16 bytes */
  chaddr: string;
  /** the server's name; '' if options stand in its place */
  sname: string;
  /** the file to boot; '' if options stand in its place */
  file: string;
  /** the options behind the header; those of `file` and `sname` stand apart */
  options: readonly DhcpOption[];
  /** the options in place of `file`, which option `overload` announces */
  file_options: readonly DhcpOption[];
  /** the options in place of `sname` */
  sname_options: readonly DhcpOption[];
}
type Options = readonly DhcpOptionFields[];
/** The fields of a DHCP message to build: what is left out is worked out, or has a default. */
export interface DhcpFields
  extends Fields<
    Dhcp,
    { options: Options; file_options: Options; sname_options: Options; raw: Uint8Array }
  > {}
/** A DHCP message to build. */
export type DhcpDraft = { readonly layer: 'dhcp' } & DhcpFields;

const HEADER = 236;
const COOKIE = 0x63825363;
const COOKIE_SIZE = 4;
const CHADDR_MAX = 16;
const [SNAME, FILE] = [44, 108];
const [SNAME_SIZE, FILE_SIZE] = [64, 128];
const OVERLOAD = 52;
const OVERLOAD_FILE = 1;
const OVERLOAD_SNAME = 2;
const ADDRESSES = ['ciaddr', 'yiaddr', 'siaddr', 'giaddr'] as const;
const FIELDS: FieldNames<keyof DhcpFields> = field_names(
  'op htype hlen hops xid secs flags ciaddr yiaddr siaddr giaddr chaddr sname file',
  'options file_options sname_options raw',
);
const ENDS: Ends = [
  [1, 'op'],
  [2, 'htype'],
  [3, 'hlen'],
  [4, 'hops'],
  [8, 'xid'],
  [10, 'secs'],
  [12, 'flags'],
  ...ADDRESSES.map((name, i) => [16 + 4 * i, name] as const),
  [SNAME, 'chaddr'],
  [FILE, 'sname'],
  [HEADER, 'file'],
];

/**
 * Makes a message of DHCP: `dhcp({ chaddr: '02:00:00:00:00:01', options: [{ name: 'message_type', value: dhcp.DISCOVER }] })`.
 *
 * The option `end` is added if it is missing, and `overload` in front of it if there are file_options or sname_options. Options of more
 * than 255 bytes are split.
 *
 * @param fields op is dhcp.BOOTREQUEST and htype that of Ethernet unless given, numbers are 0 and addresses 0.0.0.0; hlen is worked out
 * @throws TypeError for a field that DHCP does not have
 */
export const dhcp = Object.assign(maker<'dhcp', DhcpFields>('dhcp', FIELDS), {
  BOOTREQUEST: 1,
  BOOTREPLY: 2,
  BROADCAST: 0x8000,
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const);

/** Returns the text of a field, up to its first zero byte. */
function read_text(input: Input, start: number, size: number): string {
  const field = input.bytes.subarray(start, start + size);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? size : end);
}

function decode(input: Input): object | undefined {
  const { view, at } = input;
  const op = view.getUint8(at);
  if (op !== dhcp.BOOTREQUEST && op !== dhcp.BOOTREPLY) return undefined;
  const hlen = view.getUint8(at + 2);
  const has_options = at + HEADER + COOKIE_SIZE <= input.end && view.getUint32(at + HEADER) === COOKIE;
  const start = at + HEADER + COOKIE_SIZE;
  const options = has_options ? dhcp_options.read(input, start, input.wire_end) : [];
  // BOOTP has other data there, which are no options.
  input.at = has_options ? input.end : at + HEADER;
  const overload = options.find(({ name }) => name === 'overload')?.data[0] ?? 0;
  const in_file = (overload & OVERLOAD_FILE) !== 0;
  const in_sname = (overload & OVERLOAD_SNAME) !== 0;
  const area = (is_there: boolean, from: number, size: number) =>
    is_there ? dhcp_options.read(input, at + from, at + from + size) : [];
  const file_options = area(in_file, FILE, FILE_SIZE);
  const sname_options = area(in_sname, SNAME, SNAME_SIZE);
  dhcp_options.join([options, file_options, sname_options]);
  const [ciaddr, yiaddr, siaddr, giaddr] = ADDRESSES.map((_, i) => read_ipv4(view, at + 12 + 4 * i));
  return {
    op,
    htype: view.getUint8(at + 1),
    hlen,
    hops: view.getUint8(at + 3),
    xid: view.getUint32(at + 4),
    secs: view.getUint16(at + 8),
    flags: view.getUint16(at + 10),
    ...{ ciaddr, yiaddr, siaddr, giaddr },
    chaddr: read_hardware(view, at + 28, Math.min(hlen, CHADDR_MAX)),
    sname: in_sname ? '' : read_text(input, at + SNAME, SNAME_SIZE),
    file: in_file ? '' : read_text(input, at + FILE, FILE_SIZE),
    ...{ options, file_options, sname_options },
  };
}

function write_text(bytes: Buffer, at: number, size: number, value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  const text = Buffer.from(value, 'latin1');
  if (text.length > size || text.toString('latin1') !== value || text.includes(0))
    throw new RangeError(`${name} must have at most ${size} characters of Latin 1, not ${shown(value)}`);
  text.copy(bytes, at);
}

/** Writes the options that stand in place of a field of text. */
function write_area(bytes: Buffer, at: number, size: number, options: unknown, name: string): void {
  const without_end = dhcp_options.bytes(options, name);
  // Options that fill the field need no end.
  const area = without_end.length === size ? without_end : options_with_end(options, name);
  if (area.length > size) throw new RangeError(`${name} must have at most ${size} bytes, not ${area.length}`);
  area.copy(bytes, at);
}

const NO_OPTIONS: Options = [];

/** Returns the bytes of options, with an end behind them if none is given. */
function options_with_end(options: unknown, name: string, more: Options = NO_OPTIONS): Buffer {
  const given = array(options, name) as readonly { readonly name?: unknown; readonly type?: unknown }[];
  const last = given.findLastIndex((option) => option?.name === 'end' || option?.type === 255);
  const is_ended = last >= 0 || given.at(-1)?.name === 'malformed';
  const before = is_ended ? Math.max(last, 0) : given.length;
  const all = [...given.slice(0, before), ...more, ...given.slice(before)];
  return dhcp_options.bytes(is_ended ? all : [...all, { name: 'end' }], name);
}

function encode(layer: DhcpDraft): Uint8Array {
  const header = Buffer.alloc(HEADER + COOKIE_SIZE);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const number = (at: number, value: unknown, name: string, size = 1) =>
    header.writeUIntBE(integer(value, `dhcp.${name}`, 0, 2 ** (size * 8) - 1), at, size);
  const { chaddr = '00:00:00:00:00:00', file_options = [], sname_options = [] } = layer;
  const size = hardware_length(chaddr) ?? 6;
  number(0, layer.op ?? dhcp.BOOTREQUEST, 'op');
  number(1, layer.htype ?? 1, 'htype');
  number(2, layer.hlen ?? size, 'hlen');
  number(3, layer.hops ?? 0, 'hops');
  number(4, layer.xid ?? 0, 'xid', 4);
  number(8, layer.secs ?? 0, 'secs', 2);
  number(10, layer.flags ?? 0, 'flags', 2);
  for (const [i, name] of ADDRESSES.entries())
    write_ipv4(view, 12 + 4 * i, layer[name] ?? '0.0.0.0', `dhcp.${name}`);
  if (size > CHADDR_MAX)
    throw new RangeError(`dhcp.chaddr must have at most ${CHADDR_MAX} bytes, not ${size}`);
  write_hardware(view, 28, chaddr, 'dhcp.chaddr', size);
  const in_file = array(file_options, 'dhcp.file_options').length > 0;
  const in_sname = array(sname_options, 'dhcp.sname_options').length > 0;
  for (const [is_in, name] of [
    [in_file, 'file'],
    [in_sname, 'sname'],
  ] as const)
    if (is_in && layer[name])
      throw new RangeError(
        `dhcp.${name} and dhcp.${name}_options stand in the same place; leave one of them out`,
      );
  if (in_sname) write_area(header, SNAME, SNAME_SIZE, sname_options, 'dhcp.sname_options');
  else write_text(header, SNAME, SNAME_SIZE, layer.sname ?? '', 'dhcp.sname');
  if (in_file) write_area(header, FILE, FILE_SIZE, file_options, 'dhcp.file_options');
  else write_text(header, FILE, FILE_SIZE, layer.file ?? '', 'dhcp.file');
  header.writeUInt32BE(COOKIE, HEADER);
  const overload = (in_file ? OVERLOAD_FILE : 0) | (in_sname ? OVERLOAD_SNAME : 0);
  const options = layer.options ?? [];
  const is_said = overload === 0 || array(options, 'dhcp.options').some((one) => is_overload(one));
  return Buffer.concat([
    header,
    options_with_end(
      options,
      'dhcp.options',
      is_said ? [] : [{ name: 'overload', value: overload } as const],
    ),
  ]);
}

function is_overload(option: unknown): boolean {
  if (typeof option !== 'object' || option === null) return false;
  return ('name' in option && option.name === 'overload') || ('type' in option && option.type === OVERLOAD);
}

export const dhcp_protocol = message_protocol({
  name: 'dhcp',
  fields: FIELDS,
  header: HEADER,
  ends: ENDS,
  lists: ['options', 'file_options', 'sname_options'],
  decode,
  // The names of the layer's fields were checked.
  encode: (values: AnyDraft) => encode(values as DhcpDraft),
});
