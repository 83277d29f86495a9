// NTP, RFC 5905 (version 4, and 3 and 2, which have the same header), with extension fields and authentication. control.ts has the
// messages of mode 6.
import { array, bytes, integer, shown } from '../../../util/validate.js';
import { is_ipv4, read_ipv4, write_ipv4 } from '../../bytes/address.js';
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, known, maker } from '../../bytes/fields.js';
import type { Input, Parser } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import type { Protocol } from '../../registry.js';
import { ntp_control_protocol } from './control.js';

/** A field behind the header, RFC 7822. */
export interface NtpExtension {
  /** the type of the field */
  readonly type: number;
  /** a multiple of 4 bytes, at least 12 */
  readonly data: Buffer;
}
/** The code at the end that proves who sent a message. */
export interface NtpMac {
  /** the number of the key */
  readonly key_id: number;
  /** 16 or 20 bytes; none: the server refuses the client's code */
  readonly digest: Buffer;
}
/** A packet of NTP, RFC 5905. */
export interface Ntp {
  /** The name of the layer. */
  readonly layer: 'ntp';
  /** 1 and 2: the last minute of the day has a second more, or less; 3: the clock is not synchronized */
  leap: number;
  /** the version: 1 to 4 */
  version: number;
  /** ntp.CLIENT, ntp.SERVER, … */
  mode: number;
  /** 1: a reference clock; 0: a kiss-o'-death, whose reason is `reference_id` */
  stratum: number;
  /** the logarithm to the base 2 of the interval between messages, in seconds */
  poll: number;
  /** the logarithm to the base 2 of the clock's precision, in seconds */
  precision: number;
  /** to the reference clock and back, in seconds */
  root_delay: number;
  /** in seconds */
  root_dispersion: number;
  /** up to four letters of the kind of the clock, such as GPS, if stratum is at most 1; otherwise the form of an IPv4 address */
  reference_id: string;
  /** a time in units of 2 ** -32 seconds since 1900, modulo 2 ** 64, as the next ones: ntp.time_ns(time) is in nanoseconds since 1970. 0n: none */
  reference_time: bigint;
  /** when the client sent its request, as the server repeats it: in units of 2^-32 seconds since 1900 */
  originate_time: bigint;
  /** when the request came, in units of 2^-32 seconds since 1900 */
  receive_time: bigint;
  /** when this packet was sent, in units of 2^-32 seconds since 1900 */
  transmit_time: bigint;
  /** the extension fields, RFC 7822 */
  extensions: readonly NtpExtension[];
  /** the message authentication code; undefined without one */
  mac: NtpMac | undefined;
}
interface Forms {
  extensions: readonly { readonly type: number; readonly data: Uint8Array }[];
  mac: { readonly key_id: number; readonly digest: Uint8Array } | undefined;
}
/** The fields of an NTP packet to build: what is left out is worked out, or has a default. */
export type NtpFields = Fields<Ntp, Forms>;
/** An NTP packet to build. */
export type NtpDraft = { readonly layer: 'ntp' } & NtpFields;

const HEADER = 48;
const CONTROL = 6;
const EXTENSION = 4;
const EXTENSION_LEAST = 16;
/** Bytes of an authentication code: a key, and nothing, MD5 or SHA-1. */
const MAC_SIZES = [4, 20, 24];
const MAC_MOST = 24;
/** The units of root_delay and root_dispersion. */
const SHORT = 2 ** 16;
/** From the first second of NTP to that of Unix, and the length of an era, in seconds. */
const FROM_1900_TO_1970 = 2_208_988_800n;
const ERA = 2n ** 32n;
const NS = 1_000_000_000n;
const FIELDS: FieldNames<keyof NtpFields> = field_names(
  'leap version mode stratum poll precision root_delay root_dispersion reference_id',
  'reference_time originate_time receive_time transmit_time extensions mac',
);
const MAC_FIELDS: FieldNames<keyof NtpMac> = field_names('key_id digest');
const EXTENSION_FIELDS: FieldNames<keyof NtpExtension> = field_names('type data');
const TIMES = ['reference_time', 'originate_time', 'receive_time', 'transmit_time'] as const;
const ENDS: Ends = [
  [1, 'leap', 'version', 'mode'],
  [2, 'stratum'],
  [3, 'poll'],
  [4, 'precision'],
  [8, 'root_delay'],
  [12, 'root_dispersion'],
  [16, 'reference_id'],
  ...TIMES.map((time, i) => [24 + 8 * i, time] as const),
  [Number.POSITIVE_INFINITY, 'extensions'],
];

/**
 * Returns a time of NTP in nanoseconds since 1970, rounded: a time with its first bit is one of 1968 to 2036, another one of 2036 to
 * 2104, RFC 4330, section 3.
 *
 * @throws TypeError, RangeError
 */
function time_ns(time: bigint): bigint {
  const units = timestamp(time, 'time');
  const era = units >> 63n === 0n ? ERA : 0n;
  return ((units * NS + 2n ** 31n) >> 32n) + (era - FROM_1900_TO_1970) * NS;
}

/** Returns a time in nanoseconds since 1970 as one of NTP. @throws TypeError */
function from_time_ns(time: bigint): bigint {
  if (typeof time !== 'bigint')
    throw new TypeError(`time must be a bigint of nanoseconds, not ${shown(time)}`);
  return BigInt.asUintN(64, (((time + FROM_1900_TO_1970 * NS) << 32n) + NS / 2n) / NS);
}

/**
 * Makes a message of NTP: `ntp()` asks a server for its time.
 *
 * @param fields version is 4 and mode is ntp.CLIENT unless given, all other numbers are 0
 * @throws TypeError for a field that NTP does not have
 */
export const ntp = Object.assign(maker<'ntp', NtpFields>('ntp', FIELDS), {
  SYMMETRIC_ACTIVE: 1,
  SYMMETRIC_PASSIVE: 2,
  CLIENT: 3,
  SERVER: 4,
  BROADCAST: 5,
  time_ns,
  from_time_ns,
} as const);

function timestamp(value: unknown, name: string): bigint {
  if (typeof value !== 'bigint')
    throw new TypeError(`${name} must be a bigint in units of 2 ** -32 seconds, not ${shown(value)}`);
  if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${name} must have 64 bits, not ${value}`);
  return value;
}

/** Returns the letters of a reference clock, or the form of an address. */
function read_reference(input: Input, at: number, stratum: number): string {
  const text = input.bytes.toString('latin1', at, at + 4).replace(/\0+$/, '');
  return stratum <= 1 && /^[!-~]{1,4}$/.test(text) ? text : read_ipv4(input.view, at);
}

function write_reference(output: Output, at: number, value: unknown): void {
  if (typeof value === 'string' && !is_ipv4(value) && /^[!-~]{1,4}$/.test(value)) {
    output.bytes.fill(0, at, at + 4);
    output.bytes.write(value, at, 'latin1');
  } else if (typeof value === 'string' && is_ipv4(value))
    write_ipv4(output.view, at, value, 'ntp.reference_id');
  else {
    const message = `ntp.reference_id must be one to four letters or an IPv4 address, not ${shown(value)}`;
    throw typeof value === 'string' ? new RangeError(message) : new TypeError(message);
  }
}

/** Writes a number of seconds in units of 2 ** -16. */
function short(output: Output, at: number, value: unknown, name: string): void {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new TypeError(`${name} must be a number of seconds, not ${shown(value)}`);
  const units = Math.round(value * SHORT);
  if (units < 0 || units > 0xffffffff)
    throw new RangeError(`${name} must be 0 to below 65536 seconds, not ${value}`);
  output.view.setUint32(at, units);
}

/** Reads the fields behind the header, and moves behind them. */
function read_extensions(input: Input): NtpExtension[] {
  const { view, end } = input;
  const found: NtpExtension[] = [];
  while (end - input.at > MAC_MOST) {
    const { at } = input;
    const size = view.getUint16(at + 2);
    if (size < EXTENSION_LEAST || size % 4 !== 0 || at + size > end) {
      if (size >= EXTENSION_LEAST && input.is_cut(size)) break;
      input.problem('ntp', at, `an extension field of ${size} bytes, where ${end - at} are left`);
      break;
    }
    found.push({ type: view.getUint16(at), data: input.slice(at + EXTENSION, at + size) });
    input.at += size;
  }
  return found;
}

function read_mac(input: Input): NtpMac | undefined {
  const { view, at, end } = input;
  if (!MAC_SIZES.includes(end - at) || end < input.wire_end || input.partial) return undefined;
  input.at = end;
  return { key_id: view.getUint32(at), digest: input.slice(at + 4, end) };
}

export const ntp_protocol: Protocol = {
  name: 'ntp',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input): Parser | undefined {
    const { view, at, end } = input;
    if (at === end) return undefined;
    const first = view.getUint8(at);
    const [version, mode] = [(first >>> 3) & 7, first & 7];
    if (!input.is_quoted && (version === 0 || version > 4 || mode > CONTROL)) return undefined;
    if (mode === CONTROL) return ntp_control_protocol;
    if (at + HEADER > end) return input.is_cut(HEADER) ? read_cut(input, ntp_protocol, HEADER) : undefined;
    const stratum = view.getUint8(at + 1);
    const header = {
      leap: first >>> 6,
      version,
      mode,
      stratum,
      poll: view.getInt8(at + 2),
      precision: view.getInt8(at + 3),
      root_delay: view.getUint32(at + 4) / SHORT,
      root_dispersion: view.getUint32(at + 8) / SHORT,
      reference_id: read_reference(input, at + 12, stratum),
      reference_time: view.getBigUint64(at + 16),
      originate_time: view.getBigUint64(at + 24),
      receive_time: view.getBigUint64(at + 32),
      transmit_time: view.getBigUint64(at + 40),
    };
    input.at += HEADER;
    const problems = input.problems.length;
    const extensions = read_extensions(input);
    const mac = input.problems.length === problems ? read_mac(input) : undefined;
    const is_cut = input.at < end && (input.partial || end < input.wire_end);
    const cut = is_cut && input.problems.length === problems ? { cut: input.take(end - input.at) } : {};
    input.layers.push({ layer: 'ntp', ...header, extensions, mac, ...cut });
    if (input.at < end && input.problems.length === problems)
      input.problem('ntp', input.at, `${end - input.at} bytes are neither an extension field nor a code`);
    return undefined;
  },

  build(layer: NtpDraft, output: Output) {
    if (layer.mac !== undefined && layer.mac !== null) {
      const { key_id, digest } = known(layer.mac, 'ntp.mac', MAC_FIELDS);
      const code = bytes(digest ?? new Uint8Array(), 'ntp.mac.digest');
      if (!MAC_SIZES.includes(code.length + 4))
        throw new RangeError(`ntp.mac.digest must have 0, 16 or 20 bytes, not ${code.length}`);
      output.prepend_bytes(code);
      output.u32(output.prepend(4), key_id ?? 0, 'ntp.mac.key_id');
    }
    const list = array(layer.extensions ?? [], 'ntp.extensions');
    for (let i = list.length - 1; i >= 0; i--) write_extension(output, list[i], `ntp.extensions[${i}]`);
    const at = output.prepend(HEADER);
    const leap = integer(layer.leap ?? 0, 'ntp.leap', 0, 3);
    const version = integer(layer.version ?? 4, 'ntp.version', 0, 7);
    const mode = integer(layer.mode ?? ntp.CLIENT, 'ntp.mode', 0, 7);
    output.view.setUint8(at, (leap << 6) | (version << 3) | mode);
    output.u8(at + 1, layer.stratum ?? 0, 'ntp.stratum');
    output.view.setInt8(at + 2, integer(layer.poll ?? 0, 'ntp.poll', -128, 127));
    output.view.setInt8(at + 3, integer(layer.precision ?? 0, 'ntp.precision', -128, 127));
    short(output, at + 4, layer.root_delay ?? 0, 'ntp.root_delay');
    short(output, at + 8, layer.root_dispersion ?? 0, 'ntp.root_dispersion');
    write_reference(output, at + 12, layer.reference_id ?? '0.0.0.0');
    for (const [i, name] of TIMES.entries())
      output.view.setBigUint64(at + 16 + 8 * i, timestamp(layer[name] ?? 0n, `ntp.${name}`));
  },
};

function write_extension(output: Output, extension: unknown, field: string): void {
  if (typeof extension !== 'object' || extension === null)
    throw new TypeError(`${field} must be an object such as { type, data }, not ${shown(extension)}`);
  const { type, data } = known<Partial<NtpExtension>>(extension, field, EXTENSION_FIELDS);
  const value = bytes(data, `${field}.data`);
  if (value.length % 4 !== 0 || value.length < EXTENSION_LEAST - EXTENSION || value.length > 0xfff8)
    throw new RangeError(`${field}.data must have 12 bytes or more, a multiple of 4, not ${value.length}`);
  output.prepend_bytes(value);
  const at = output.prepend(EXTENSION);
  output.u16(at, type, `${field}.type`);
  output.u16(at + 2, EXTENSION + value.length, field);
}
