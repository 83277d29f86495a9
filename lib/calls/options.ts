// getsockopt and setsockopt: how a value of JavaScript becomes the bytes of an option, and back.
import * as c from '../constants.js';
import type { Arguments } from '../errors/names.js';
import { raise } from '../errors/raise.js';
import { addon, cells, VALUE } from '../native/addon.js';
import { data, integer, integer_or, shown } from '../util/validate.js';

/** The parts of a socket that its options need. */
interface OptionSocket {
  readonly _fd: number;
  readonly _generation: number;
  readonly family: number;
  _args(): Arguments;
}

/** The most bytes that getsockopt reads. */
const OPTION_MAX = 64 * 1024;

/** See SocketBase.getsockopt. */
export function getsockopt(
  s: OptionSocket,
  level: number,
  optname: number,
  buflen: unknown,
): number | bigint | Buffer {
  integer(level, 'level');
  integer(optname, 'optname');
  const length = integer_or(0, buflen, 'buflen', 0, OPTION_MAX);
  if (length === 0 && !has_long_options(s, level)) {
    const result = addon.getsockopt_int(s._fd, s._generation, level, optname);
    return result < 0 ? raise_option(s, result, 'getsockopt', level, optname) : (cells[VALUE] as number);
  }
  const buffer = Buffer.alloc(length || 8);
  const count = addon.getsockopt(s._fd, s._generation, level, optname, buffer);
  if (count < 0) raise_option(s, count, 'getsockopt', level, optname);
  return length > 0 ? buffer.subarray(0, count) : plain_integer(read_native_u64(buffer));
}

/** See SocketBase.setsockopt. */
export function setsockopt(
  s: OptionSocket,
  level: number,
  optname: number,
  value: unknown,
  optlen: unknown,
): void {
  integer(level, 'level');
  integer(optname, 'optname');
  if (value !== null && optlen !== undefined) throw new TypeError('optlen goes with a value of null only');
  const result = set_option(s, level, optname, value, optlen);
  if (result < 0) raise_option(s, result, 'setsockopt', level, optname);
}

function set_option(
  s: OptionSocket,
  level: number,
  optname: number,
  value: unknown,
  optlen: unknown,
): number {
  const { _fd, _generation } = s;
  if (value === null) {
    return addon.setsockopt_null(_fd, _generation, level, optname, integer(optlen, 'optlen', 0));
  }
  if (typeof value === 'bigint' || (typeof value === 'number' && has_long_options(s, level))) {
    const long =
      typeof value === 'bigint' ? value : BigInt(integer(value, 'value', 0, Number.MAX_SAFE_INTEGER));
    return addon.setsockopt(_fd, _generation, level, optname, native_u64(long));
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    return addon.setsockopt_int(_fd, _generation, level, optname, integer(Number(value), 'value'));
  }
  if (value === undefined) throw new TypeError('value must be a number, bytes or null, not undefined');
  return addon.setsockopt(_fd, _generation, level, optname, data(value, 'value'));
}

/** The options of AF_VSOCK are 64 bits wide; Python reads and writes them so, too. */
function has_long_options(s: OptionSocket, level: number): boolean {
  return level === c.AF_VSOCK && s.family === level;
}

function raise_option(
  s: OptionSocket,
  result: number,
  syscall: string,
  level: number,
  optname: number,
): never {
  return raise(result, { syscall, args: { ...s._args(), level, option: optname } });
}

const little_endian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function native_u64(value: bigint): Uint8Array {
  if (value >= 2n ** 64n || value < -(2n ** 63n))
    throw new RangeError(`value must have 64 bits, not ${shown(value)}`);
  const buffer = Buffer.alloc(8);
  if (little_endian) buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  else buffer.writeBigUInt64BE(BigInt.asUintN(64, value));
  return buffer;
}

function read_native_u64(buffer: Buffer): bigint {
  return little_endian ? buffer.readBigUInt64LE() : buffer.readBigUInt64BE();
}

/** Returns a number if it is exact, else the bigint. */
function plain_integer(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
