// ioctl of a socket. The kernel gets no address from the caller: it works on memory that no request exceeds, and requests that
// hold pointers are refused. The structs of the requests are in lib/structs.
import * as c from '../constants.js';
import { addon, IOCTL_SIZE, IOCTL_VALUE_MAX, scratch } from '../native/addon.js';
import { data, integer } from '../util/validate.js';

/** Requests whose memory holds a pointer, by their first and last number, and what to do instead. */
const POINTERS: readonly (readonly [first: number, last: number, instead: string])[] = [
  // SIOCADDRT, SIOCDELRT: the name of the device.
  [0x890b, 0x890c, 'netlink has the same: RTM_NEWROUTE'],
  [c.SIOCGIFCONF, c.SIOCGIFCONF, 'if_nameindex() gives the interfaces, SIOCGIFADDR the address of each'],
  [c.SIOCETHTOOL, c.SIOCETHTOOL, 'netlink has the same: NETLINK_GENERIC, family "ethtool"'],
  // SIOCGIFBR and SIOCSIFBR, SIOCWANDEV, SIOCBONDSLAVEINFOQUERY and SIOCBONDINFOQUERY, SIOCSHWTSTAMP and SIOCGHWTSTAMP.
  [0x8940, 0x8941, 'netlink has the same: RTM_NEWLINK'],
  [0x894a, 0x894a, 'there is no other way'],
  [0x8993, 0x8994, 'netlink has the same: RTM_GETLINK'],
  [0x89b0, 0x89b1, 'netlink has the same: NETLINK_GENERIC, family "ethtool"'],
  // SIOCDEVPRIVATE, wireless extensions.
  [0x89f0, 0x89ff, 'only the driver knows what it means'],
  [0x8b00, 0x8bff, 'netlink has the same: NETLINK_GENERIC, family "nl80211"'],
];
/** Types of requests, bits 8 to 15, that hold pointers: ATM, and BNEP, CMTP of Bluetooth. */
const POINTER_TYPES = [0x61, 0x42, 0x43];
/** The request that is a list of devices on HCI sockets, and holds a pointer on HIDP sockets. */
const HIDPGETCONNLIST = 0x800448d2;

const INT_MIN = -(2 ** 31);
const INT_SIZE = 4;

/** See OptionSocket.ioctl. Returns -errno if the kernel refuses. */
export function ioctl(fd: number, generation: number, request: unknown, arg: unknown): number | Buffer {
  // Python takes the number with or without a sign.
  const number = integer(request, 'request', INT_MIN, 2 ** 32 - 1) >>> 0;
  refuse_pointers(number);
  if (typeof arg === 'number' || typeof arg === 'bigint')
    return addon.ioctl_value(fd, generation, number, integer(arg, 'arg', 0, IOCTL_VALUE_MAX));
  const as_int = arg === null || arg === undefined;
  const given = as_int ? new Uint8Array(INT_SIZE) : data(arg, 'arg');
  // The size in the number, if it has one.
  const least = (number >>> 16) & IOCTL_SIZE;
  if (given.length < least || given.length > IOCTL_SIZE)
    throw new RangeError(
      `arg must have ${least} to ${IOCTL_SIZE} bytes for this request, not ${given.length}`,
    );
  scratch.fill(0, given.length, IOCTL_SIZE).set(given);
  const result = addon.ioctl(fd, generation, number);
  if (result < 0) return result;
  if (!as_int) return Buffer.from(scratch.subarray(0, given.length));
  return result > 0 ? result : (new Int32Array(scratch.buffer, scratch.byteOffset, 1)[0] as number);
}

function refuse_pointers(request: number): void {
  const row = POINTERS.find(([first, last]) => first <= request && request <= last);
  const has_pointer = row !== undefined || POINTER_TYPES.includes((request >>> 8) & 0xff);
  if (!has_pointer && request !== HIDPGETCONNLIST) return;
  throw new RangeError(
    `request 0x${request.toString(16)} holds a pointer, which could lead the kernel anywhere` +
      `${row === undefined ? '' : `; ${row[2]}`}`,
  );
}
