// Network interfaces by number and by name. None of the calls waits.
import { raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { bytes, c_string, integer } from '../util/validate.js';

const UINT_MAX = 2 ** 32 - 1;

/**
 * if_nameindex() -> the network interfaces of the namespace. See if_nameindex(3).
 *
 * @returns `[index, name]` of each
 * @throws OSError EMFILE, ENOBUFS
 * @example
 * console.log(if_nameindex()); // for example [ [ 1, 'lo' ], [ 2, 'eth0' ] ]
 */
export function if_nameindex(): [index: number, name: string][] {
  const rows = addon.if_nameindex();
  return typeof rows === 'number' ? raise(rows, { syscall: 'if_nameindex' }) : rows;
}

/**
 * if_nametoindex(if_name) -> its index. See if_nametoindex(3).
 *
 * @param if_name of an interface, at most 15 bytes
 * @returns the index, 1 or more
 * @throws OSError ENODEV if there is no such interface
 * @example
 * console.log(if_nametoindex('lo')); // 1
 */
export function if_nametoindex(if_name: string | Uint8Array): number {
  const name =
    typeof if_name === 'string' ? if_name : Buffer.from(bytes(if_name, 'if_name')).toString('utf8');
  const index = addon.if_nametoindex(c_string(name, 'if_name'));
  return index < 0 ? raise(index, { syscall: 'if_nametoindex', args: { name } }) : index;
}

/**
 * if_indextoname(if_index) -> its name. See if_indextoname(3).
 *
 * @param if_index 1 or more
 * @returns the name
 * @throws OSError ENXIO if there is no such interface
 * @example
 * console.log(if_indextoname(1)); // lo
 */
export function if_indextoname(if_index: number): string {
  const name = addon.if_indextoname(integer(if_index, 'if_index', 0, UINT_MAX));
  return typeof name === 'number'
    ? raise(name, { syscall: 'if_indextoname', args: { index: if_index } })
    : name;
}
