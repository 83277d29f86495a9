// bsd-sockets/structs: encodes and decodes the C structs of socket options, control messages and netlink. Every export of these
// files is public.
export * from './can.js';
export * from './control.js';
export * from './messages.js';
export * from './netlink.js';
export * from './options.js';
export type { Encodable, Struct, StructAddress, StructAddressLike } from './struct.js';
export * from './tcp_info.js';
