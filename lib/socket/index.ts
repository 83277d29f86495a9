// bsd-sockets/socket: what Python's module `socket` has, and what API.md adds.
export * from '../constants.js';
export * from '../errors.js';
export type { Address, ReturnedAddress } from '../internal/address.js';
export { getdefaulttimeout, setdefaulttimeout, siginterrupt } from './base.js';
export {
  type CreateConnectionOptions,
  type CreateServerOptions,
  close,
  create_connection,
  create_server,
  dup,
  fromfd,
  has_dualstack_ipv6,
  socketpair,
} from './create.js';
export { from_node } from './node.js';
export { socket, socket as SocketType } from './socket.js';
