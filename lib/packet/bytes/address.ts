// Addresses as text: IPv4, IPv6 in the form of RFC 5952, and link-layer addresses as aa:bb:cc:dd:ee:ff. Reading takes bytes of a packet
// and cannot fail. Writing takes a value given by the caller, and names the field if the value is no address.
import { shown } from '../../util/validate.js';

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const DOT = 0x2e;
const LETTER_A = 0x61;
const LOWER_CASE = 0x20;
const HARDWARE = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2})*$/i;

/** Returns the IPv4 address at an offset. */
export function read_ipv4(view: DataView, at: number): string {
  const address = view.getUint32(at);
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Returns the IPv6 address at an offset, in the form of RFC 5952. */
export function read_ipv6(view: DataView, at: number): string {
  // The longest run of zero groups (of equal ones, the first) becomes `::`; a single zero group does not.
  let run = 0;
  let run_length = 1;
  let start = 0;
  for (let group = 0; group < 8; group++) {
    if (view.getUint16(at + group * 2) !== 0) start = group + 1;
    else if (group + 1 - start > run_length) {
      run = start;
      run_length = group + 1 - start;
    }
  }
  const ends_in_ipv4 = run === 0 && run_length === 5 && view.getUint16(at + 10) === 0xffff;
  if (ends_in_ipv4) return `::ffff:${read_ipv4(view, at + 12)}`;
  let text = '';
  for (let group = 0; group < 8; group++) {
    if (run_length > 1 && group === run) {
      text += '::';
      group += run_length - 1;
    } else {
      if (text !== '' && !text.endsWith(':')) text += ':';
      text += view.getUint16(at + group * 2).toString(16);
    }
  }
  return text;
}

/** Returns the bytes at an offset as hexadecimal numbers with colons between them. */
export function read_hardware(view: DataView, at: number, length = 6): string {
  let text = '';
  for (let i = 0; i < length; i++) text += (i === 0 ? '' : ':') + HEX[view.getUint8(at + i)];
  return text;
}

/**
 * Writes an IPv4 address of four decimal numbers, as inet_pton(3) takes it.
 *
 * @throws TypeError, RangeError naming the field if the value is no text or no address
 */
export function write_ipv4(view: DataView, at: number, value: unknown, name: string): void {
  const address = typeof value === 'string' ? ipv4_number(value) : -1;
  if (address < 0) throw no_address(value, name, 'an IPv4 address');
  view.setUint32(at, address);
}

/** Returns whether a text is an IPv4 address of four decimal numbers. */
export function is_ipv4(text: string): boolean {
  return ipv4_number(text) >= 0;
}

/** Returns the address as a number, or -1. */
function ipv4_number(text: string): number {
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9 && digits < 3 && !(digits > 0 && part === 0)) {
      part = part * 10 + digit;
      digits++;
    } else if (text.charCodeAt(i) === DOT && digits > 0 && part < 256) {
      address = address * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else return -1;
  }
  return dots === 3 && digits > 0 && part < 256 ? address * 256 + part : -1;
}

/**
 * Writes an IPv6 address, without a zone.
 *
 * @throws TypeError, RangeError naming the field if the value is no text or no address
 */
export function write_ipv6(view: DataView, at: number, value: unknown, name: string): void {
  if (typeof value !== 'string' || !is_ipv6(value)) {
    throw no_address(value, name, 'an IPv6 address (without %zone)');
  }
  const [head = '', tail] = value.split('::');
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  for (let group = 0; group < 8; group++) {
    const from_end = group - (8 - last.length);
    view.setUint16(at + group * 2, (from_end >= 0 ? last[from_end] : first[group]) ?? 0);
  }
}

/** Returns whether a text is an IPv6 address, without a zone. See RFC 4291, 2.2. */
export function is_ipv6(text: string): boolean {
  const sides = text.split('::');
  if (sides.length > 2) return false;
  const parts = sides.flatMap((side) => (side === '' ? [] : side.split(':')));
  const last = parts.at(-1) ?? '';
  // A dotted address may stand for the last two groups.
  const is_dotted = last.includes('.') && !text.endsWith('::');
  if (is_dotted && ipv4_number(last) < 0) return false;
  const hexadecimal = is_dotted ? parts.slice(0, -1) : parts;
  const count = hexadecimal.length + (is_dotted ? 2 : 0);
  const is_whole = sides.length === 2 ? count < 8 : count === 8;
  return is_whole && hexadecimal.every((part) => /^[0-9a-f]{1,4}$/i.test(part));
}

/** Returns the groups of one side of `::`; a dotted end makes two groups. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** Returns the number of bytes of a link-layer address: 0 for the empty text, undefined for a value that is no address. */
export function hardware_length(value: unknown): number | undefined {
  if (value === '') return 0;
  return typeof value === 'string' && HARDWARE.test(value) ? value.split(':').length : undefined;
}

/**
 * Writes a link-layer address of `length` bytes.
 *
 * @throws TypeError, RangeError naming the field if the value is no text, no address or of another length
 */
export function write_hardware(view: DataView, at: number, value: unknown, name: string, length = 6): void {
  if (typeof value === 'string' && write_bytes(view, at, value, length)) return;
  const example = 'aa:bb:cc:dd:ee:ff:00:11'.slice(0, length * 3 - 1);
  throw no_address(value, name, `${length} bytes such as ${example}`);
}

/** Writes hexadecimal numbers of one or two digits with colons between them. Returns false if the text is not `length` such numbers. */
function write_bytes(view: DataView, at: number, text: string, length: number): boolean {
  let count = 0;
  let byte = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const letter = (code | LOWER_CASE) - LETTER_A;
    const digit = code <= NINE ? code - ZERO : letter >= 0 ? letter + 10 : -1;
    if (code === COLON && digits > 0 && count < length - 1) {
      view.setUint8(at + count++, byte);
      byte = 0;
      digits = 0;
    } else if (code !== COLON && digit >= 0 && digit < 16 && digits < 2) {
      byte = byte * 16 + digit;
      digits++;
    } else return false;
  }
  if (digits > 0 && count < length) view.setUint8(at + count++, byte);
  return count === length && (digits > 0 || length === 0);
}

function no_address(value: unknown, name: string, what: string): Error {
  const message = `${name} must be ${what}, not ${shown(value)}`;
  return typeof value === 'string' ? new RangeError(message) : new TypeError(message);
}
