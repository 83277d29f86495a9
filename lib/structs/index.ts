/**
 * Encodes and decodes the C structs of socket options, control messages, ioctl and netlink. See the
 * [guide](../../docs/structs.md). Every export of these files is public.
 *
 * @module bsd-sockets/structs
 */

export * from './can.js';
export * from './control.js';
export * from './ifreq.js';
export * from './messages.js';
export * from './netlink.js';
export * from './options.js';
export type { Encodable, Struct, StructAddress, StructAddressLike } from './struct.js';
export * from './tcp_info.js';
