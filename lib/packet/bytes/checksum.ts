// The checksum of the Internet protocols, RFC 1071: the ones' complement of the ones' complement sum of 16-bit words.
import { type BytesLike, integer, bytes as to_bytes } from '../../util/validate.js';
import { has_native } from './has_native.js';
import { native_sum } from './native.js';

/** Bytes from which on native code is faster: measured by `npm run bench:packet`. */
const LARGE = 256;
/** Bytes summed in one call; even, so that words are not split. */
const STEP = 1 << 30;

/**
 * Adds the 16-bit words between two offsets of a view to a sum; an odd byte at the end counts as the high half of a word.
 *
 * @param sum the sum so far, folded or not
 * @returns the sum folded to 16 bits, not complemented
 */
export function add_words(view: DataView, start: number, end: number, sum: number): number {
  let at = start;
  // Integers up to 2^53 are exact: 2^20 words of 32 bits fit below that, and a packet has 2^14.
  for (; at + 4 <= end; at += 4) sum += view.getUint32(at);
  if (at + 2 <= end) {
    sum += view.getUint16(at);
    at += 2;
  }
  if (at < end) sum += view.getUint8(at) * 256;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/**
 * Does the same by native code if the bytes are numerous enough for its call to pay.
 *
 * @param bytes the memory that `view` shows
 */
export function add_bytes(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  sum: number,
): number {
  if (end - start < LARGE || !has_native()) return add_words(view, start, end, sum);
  return add_words(view, 0, 0, sum + native_sum(bytes, start, end));
}

/**
 * checksum(bytes, initial = 0) -> the checksum of RFC 1071. It is 0 over data that contain their own correct checksum.
 *
 * @param bytes data of any length; a zero byte is added to an odd one
 * @param initial a sum to begin with, not complemented, 0 to 2^32 - 1: that of a pseudo-header, or `~checksum(before) & 0xffff` for data in
 *   several parts, each part but the last of an even length
 * @returns 0 to 65,535, to be stored with the most significant byte first
 * @throws TypeError, RangeError naming the argument
 * @example
 * const header = build(ipv4({ dst: '192.0.2.1' }));
 * console.log(checksum(header)); // 0
 */
export function checksum(bytes: BytesLike, initial = 0): number {
  const data = to_bytes(bytes, 'bytes');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let sum = integer(initial, 'initial', 0, 0xffffffff);
  for (let at = 0; at < data.length; at += STEP) {
    sum = add_bytes(data, view, at, Math.min(at + STEP, data.length), sum);
  }
  return ~add_words(view, 0, 0, sum) & 0xffff;
}
