// Domain names in messages of DNS: labels, each behind its length, or a pointer to labels that stand earlier (RFC 1035, 4.1.4).
//
// As text, a name has a dot between two labels and none at its end; the root is '.'. A dot or a backslash within a label has a backslash in
// front of it, a byte that is no text is a backslash and three decimal digits (RFC 4343, 2.1). Other text is UTF-8, as in multicast DNS.
import { shown } from '../../../util/validate.js';

const LABEL_MAX = 63;
const NAME_MAX = 255;
const POINTER = 0xc0;
/** Pointers that one name may have: as many as labels. */
const POINTERS_MAX = 127;
const ROOT = '.';
const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** Returns whether a label is the text of its bytes as it is. */
function is_plain(bytes: Buffer, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === DOT || byte === BACKSLASH) return false;
  }
  return true;
}

const escape_byte = (byte: number): string => `\\${String(byte).padStart(3, '0')}`;

/** Returns the text of a label. */
function label_text(bytes: Buffer, at: number, end: number): string {
  if (is_plain(bytes, at, end)) return bytes.toString('latin1', at, end);
  const text = bytes.toString('utf8', at, end);
  // Bytes that are no UTF-8 are escaped, each.
  const is_utf8 = Buffer.compare(Buffer.from(text), bytes.subarray(at, end)) === 0;
  return (is_utf8 ? text : bytes.toString('latin1', at, end)).replaceAll(
    is_utf8 ? /[\\.\p{Cc}]/gu : /[\\.]|[^ -~]/g,
    (char: string) => (char === '.' || char === '\\' ? `\\${char}` : escape_all(char, is_utf8)),
  );
}

const escape_all = (char: string, is_utf8: boolean): string =>
  Array.from(Buffer.from(char, is_utf8 ? 'utf8' : 'latin1'), escape_byte).join('');

/** The result of reading a name: its text and the offset behind it, or why there is none. */
export interface NameRead {
  text: string;
  end: number;
  /** undefined: the name is there; '': it breaks off */
  failure: string | undefined;
}

/**
 * Reads a name.
 *
 * A pointer must point to labels that end before those that lead to it; so no name is endless.
 *
 * @param base the offset of the message, from which pointers count
 * @param end the end of the bytes that are there
 */
export function read_name(bytes: Buffer, base: number, start: number, end: number): NameRead {
  let text = '';
  let at = start;
  let behind = -1;
  let lowest = start;
  let limit = end;
  let size = 1;
  // Behind a pointer, all bytes up to the name are there.
  const broken = (): NameRead =>
    failed(behind < 0 ? '' : `a pointer to ${lowest - base}, where labels go on into the name`);
  for (let pointers = 0; ; ) {
    if (at >= limit) return broken();
    const length = bytes[at] ?? 0;
    if (length === 0) break;
    if (length >= POINTER) {
      if (at + 2 > limit) return broken();
      const target = base + (((length & 0x3f) << 8) | (bytes[at + 1] ?? 0));
      if (target >= lowest)
        return failed(`a pointer at ${at - base} to ${target - base}, which is not before the name`);
      if (++pointers > POINTERS_MAX) return failed(`more than ${POINTERS_MAX} pointers`);
      if (behind < 0) behind = at + 2;
      limit = lowest;
      lowest = target;
      at = target;
      continue;
    }
    if (length > LABEL_MAX)
      return failed(`a label of the reserved kind 0x${(length & POINTER).toString(16)}`);
    size += length + 1;
    if (size > NAME_MAX) return failed(`more than ${NAME_MAX} bytes`);
    if (at + 1 + length > limit) return broken();
    const label = label_text(bytes, at + 1, at + 1 + length);
    text = text === '' ? label : `${text}.${label}`;
    at += 1 + length;
  }
  return { text: text || ROOT, end: behind < 0 ? at + 1 : behind, failure: undefined };
}

const failed = (failure: string): NameRead => ({ text: '', end: 0, failure });

/**
 * Returns a name's labels, each behind its length, as a text of bytes, without the one of no bytes at the end.
 *
 * @throws TypeError, RangeError naming the field if the text is no name
 */
export function wire_name(name: unknown, field: string): string {
  if (typeof name !== 'string') throw new TypeError(`${field} must be a domain name, not ${shown(name)}`);
  if (name === ROOT || name === '') return '';
  const labels = /^[ -[\]-~]*$/.test(name) ? name.split('.') : escaped_labels(name, field);
  if (labels.length > 1 && labels.at(-1) === '') labels.pop();
  let wire = '';
  for (const label of labels) {
    if (label === '' || label.length > LABEL_MAX)
      throw new RangeError(
        `${field} must have labels of 1 to ${LABEL_MAX} bytes, not ${shown(label)} in ${shown(name)}`,
      );
    wire += String.fromCharCode(label.length) + label;
  }
  if (wire.length + 1 > NAME_MAX)
    throw new RangeError(`${field} must have at most ${NAME_MAX} bytes, not ${wire.length + 1}`);
  return wire;
}

/** Returns the labels of a name as texts of bytes, without escapes. */
function escaped_labels(name: string, field: string): string[] {
  const labels = [''];
  for (const [part, digits, char] of name.matchAll(/\\(\d{3})|\\(.?)|[^\\]/gsu)) {
    let bytes: string;
    if (part === '.') {
      labels.push('');
      continue;
    }
    if (digits !== undefined) {
      if (Number(digits) > 255)
        throw new RangeError(`${field} must have escapes up to \\255, not ${shown(part)}`);
      bytes = String.fromCharCode(Number(digits));
    } else if (char === '' || (char !== undefined && /\d/.test(char)))
      throw new RangeError(
        `${field} must have a character or three digits behind a backslash: ${shown(name)}`,
      );
    else bytes = Buffer.from(char ?? part, 'utf8').toString('latin1');
    labels.push(`${labels.pop() ?? ''}${bytes}`);
  }
  return labels;
}
