// Control messages (ancillary data): checked and laid flat for the native calls, and read back from what those received.
//
// Received memory has been made safe to walk by native/control.cc: each header begins with the length of its data. The
// descriptors in it belong to the environment, which closes them, until `settle_descriptors`.
import { endianness } from 'node:os';
import * as c from '../constants.js';
import { addon, CONTROL_DATA_LENGTH_AT, CONTROL_LEVEL_AT, CONTROL_TYPE_AT } from '../native/addon.js';
import { CONTROL_MAX, check_count } from '../util/control_count.js';
import { array, type Bytes, type BytesLike, data, elements, integer } from '../util/validate.js';

/** A control message as it goes out. */
export type ControlMessage = readonly [cmsg_level: number, cmsg_type: number, cmsg_data: BytesLike | string];
/** A control message as it came in. */
export type ReceivedControlMessage = [cmsg_level: number, cmsg_type: number, cmsg_data: Buffer];

const HEADER_SIZE = addon.cmsg_len(0);
const ALIGNMENT = addon.cmsg_space(1) - HEADER_SIZE;
const LITTLE_ENDIAN = endianness() === 'LE';
const INT_SIZE = 4;
const INT_MAX = 2 ** 31 - 1;

const align = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

/** Returns the control messages of an iterable as an array, and an array as it is. @throws TypeError */
export function taken_control(ancdata: unknown, name = 'ancdata'): readonly unknown[] {
  return elements(ancdata ?? [], name, CONTROL_MAX + 1);
}

/** Control messages as a flat array of level, type, bytes, appended to `flat`; how many there were. */
export function flatten_control(ancdata: unknown, name: string, flat: (number | Bytes)[]): number {
  const items = taken_control(ancdata, name);
  check_count(items, name);
  items.forEach((item, index) => {
    const label = `${name}[${index}]`;
    const [level, type, bytes] = array(item, label, 3, 3);
    flat.push(integer(level, `${label}: cmsg_level`), integer(type, `${label}: cmsg_type`));
    flat.push(data(bytes, `${label}: cmsg_data`));
  });
  return items.length;
}

/** The control messages in received memory; each has a Buffer of its own. */
export function read_control(memory: Bytes, length: number): ReceivedControlMessage[] {
  const items: ReceivedControlMessage[] = [];
  const view = new DataView(memory.buffer, memory.byteOffset, length);
  for (let offset = 0; offset + HEADER_SIZE <= length; ) {
    const begin = offset + HEADER_SIZE;
    const size = view.getInt32(offset + CONTROL_DATA_LENGTH_AT, LITTLE_ENDIAN);
    const level = view.getInt32(begin + CONTROL_LEVEL_AT, LITTLE_ENDIAN);
    const type = view.getInt32(begin + CONTROL_TYPE_AT, LITTLE_ENDIAN);
    items.push([level, type, Buffer.from(memory.subarray(begin, begin + size))]);
    offset = begin + align(size);
  }
  return items;
}

/** The descriptors in these control messages of one type: whole C ints, as many as fit. */
function descriptors_of(items: readonly ReceivedControlMessage[], wanted_type: number): number[] {
  const fds: number[] = [];
  for (const [level, type, bytes] of items) {
    if (level !== c.SOL_SOCKET || type !== wanted_type) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + INT_SIZE <= bytes.length; at += INT_SIZE)
      fds.push(view.getInt32(at, LITTLE_ENDIAN));
  }
  // A pidfd that the kernel could not make is a negative errno.
  return fds.filter((fd) => fd >= 0);
}

/** The descriptors that SCM_RIGHTS brought. */
export function passed_descriptors(items: readonly ReceivedControlMessage[]): number[] {
  return descriptors_of(items, c.SCM_RIGHTS);
}

/** All descriptors that came with these control messages. */
export function all_descriptors(items: readonly ReceivedControlMessage[]): number[] {
  return [...passed_descriptors(items), ...descriptors_of(items, c.SCM_PIDFD)];
}

/** Gives the descriptors of `given` in received memory to the caller, and closes the other ones. */
export function settle_descriptors(memory: Bytes, length: number, given: readonly number[]): void {
  const kept = new Set(given);
  for (const fd of all_descriptors(read_control(memory, length))) {
    if (kept.has(fd)) addon.disown(fd);
    else addon.close_fd(fd);
  }
}

/**
 * CMSG_LEN(length) -> bytes of a control message with that much data, without the padding behind it. See cmsg(3).
 *
 * @param length of the data, in bytes
 * @returns the length in bytes that the header of the message has
 * @throws RangeError if the sum is too large for the kernel
 * @example
 * console.log(CMSG_LEN(4) - CMSG_LEN(0)); // 4
 */
export function CMSG_LEN(length: number | bigint): number {
  const size = integer(length, 'CMSG_LEN: length', 0, INT_MAX - addon.cmsg_len(0));
  return addon.cmsg_len(size);
}

/**
 * CMSG_SPACE(length) -> bytes of ancillary buffer that a control message with that much data takes. See cmsg(3).
 *
 * @param length of the data, in bytes
 * @returns the number of bytes; add them up for the `ancbufsize` of recvmsg
 * @throws RangeError if the sum is too large for the kernel
 * @example
 * console.log(CMSG_SPACE(1) === CMSG_SPACE(4)); // true
 */
export function CMSG_SPACE(length: number | bigint): number {
  // Python leaves room for the padding before and behind the data.
  const size = integer(length, 'CMSG_SPACE: length', 0, INT_MAX - addon.cmsg_space(1));
  return addon.cmsg_space(size);
}
