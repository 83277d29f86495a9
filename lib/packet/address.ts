// Addresses as text: IPv4, IPv6 as RFC 5952 writes them, and link-layer addresses as aa:bb:cc:dd:ee:ff. Reading takes the bytes
// of a packet and cannot fail; writing takes what a person gave, and names the field where that is no address.
import { isIPv4, isIPv6 } from 'node:net';
import { shown } from '../internal/validate.js';

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));
const HARDWARE = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2})*$/i;

/** The IPv4 address that stands at an offset. */
export function read_ipv4(view: DataView, at: number): string {
  const address = view.getUint32(at);
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The IPv6 address that stands at an offset, in the form of RFC 5952. */
export function read_ipv6(view: DataView, at: number): string {
  // The longest run of zero groups, the first of equals, becomes `::`; a single one does not.
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

/** Bytes with colons between them: what stands at an offset, six unless said otherwise. */
export function read_hardware(view: DataView, at: number, length = 6): string {
  let text = '';
  for (let i = 0; i < length; i++) text += (i === 0 ? '' : ':') + HEX[view.getUint8(at + i)];
  return text;
}

/**
 * Writes an IPv4 address.
 *
 * @throws TypeError, RangeError naming the field: no text, no address
 */
export function write_ipv4(view: DataView, at: number, value: unknown, name: string): void {
  if (typeof value !== 'string' || !isIPv4(value)) throw no_address(value, name, 'an IPv4 address');
  let address = 0;
  for (const part of value.split('.')) address = address * 256 + Number(part);
  view.setUint32(at, address);
}

/**
 * Writes an IPv6 address, without a zone.
 *
 * @throws TypeError, RangeError naming the field: no text, no address
 */
export function write_ipv6(view: DataView, at: number, value: unknown, name: string): void {
  if (typeof value !== 'string' || !isIPv6(value) || value.includes('%')) {
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

/** The groups of one side of `::`; a dotted end is two. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** How many bytes a link-layer address in text has; 0 for the empty text, undefined for what is none. */
export function hardware_length(value: unknown): number | undefined {
  if (value === '') return 0;
  return typeof value === 'string' && HARDWARE.test(value) ? value.split(':').length : undefined;
}

/**
 * Writes a link-layer address of that many bytes.
 *
 * @throws TypeError, RangeError naming the field: no text, no address, another length
 */
export function write_hardware(view: DataView, at: number, value: unknown, name: string, length = 6): void {
  if (typeof value !== 'string' || hardware_length(value) !== length) {
    throw no_address(
      value,
      name,
      `${length} bytes such as ${'aa:bb:cc:dd:ee:ff:00:11'.slice(0, length * 3 - 1)}`,
    );
  }
  if (length > 0) {
    for (const [i, part] of value.split(':').entries()) view.setUint8(at + i, Number.parseInt(part, 16));
  }
}

function no_address(value: unknown, name: string, what: string): Error {
  const message = `${name} must be ${what}, not ${shown(value)}`;
  return typeof value === 'string' ? new RangeError(message) : new TypeError(message);
}
