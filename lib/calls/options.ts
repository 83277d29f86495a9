// getsockopt and setsockopt: how a value of JavaScript becomes the bytes of an option, and back. Structures in options are
// left to lib/structs.
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
  return length > 0 ? buffer.subarray(0, count) : plain_integer(buffer);
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
    const checked = typeof value === 'bigint' ? value : integer(value, 'value', 0, Number.MAX_SAFE_INTEGER);
    return addon.setsockopt(_fd, _generation, level, optname, native_u64(BigInt(checked)));
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

function native_u64(value: bigint): Uint8Array {
  if (value >= 2n ** 64n || value < -(2n ** 63n))
    throw new RangeError(`value must have 64 bits, not ${shown(value)}`);
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

/** Returns the 64 bits as a number if that is exact, else as a bigint. */
function plain_integer({ buffer, byteOffset }: Buffer): number | bigint {
  const [value = 0n] = new BigUint64Array(buffer, byteOffset, 1);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
