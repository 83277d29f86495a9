/**
 * Python's module `socket`: blocking sockets, name resolution, constants, errors; and the additions that the
 * [guide](../../docs/socket.md) describes.
 *
 * @module bsd-sockets/socket
 */

export type {
  Address,
  AnyAddress,
  AnyReturnedAddress,
  InetFamily,
  PeerAddress,
  ReturnedAddress,
} from '../calls/address.js';
export { MessageBatch } from '../calls/batch/receive.js';
export type { Message } from '../calls/batch/send.js';
export {
  CMSG_LEN,
  CMSG_SPACE,
  type ControlMessage,
  type ReceivedControlMessage,
} from '../calls/control.js';
export {
  type ConnectAddress,
  type CreateConnectionOptions,
  type CreateServerOptions,
  close,
  dup,
  has_dualstack_ipv6,
} from '../calls/create.js';
export type { FilterOptions } from '../calls/filter.js';
export { htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from '../calls/inet.js';
export { if_indextoname, if_nameindex, if_nametoindex } from '../calls/interfaces.js';
export type {
  AlgOptions,
  ReceivedDescriptors,
  ReceivedMessage,
  ReceivedMessageInto,
} from '../calls/message.js';
export type { PipeEnd } from '../calls/moving/pump.js';
export type { SendfileSource } from '../calls/moving/sendfile.js';
export {
  type BorrowedSocket,
  borrow,
  type FamilyOf,
  type NodeFamily,
  type NodeHandle,
} from '../calls/node.js';
export {
  decode_proxy_header,
  encode_proxy_header,
  type ProxyAddress,
  type ProxyAddressInit,
  type ProxyHeader,
  ProxyHeaderError,
  type ProxyHeaderInit,
} from '../calls/proxy/header.js';
export type { OwnProxyHeader } from '../calls/proxy/own.js';
export type { ProxySsl, ProxyTlv, ProxyTlvInit, ProxyTlvName } from '../calls/proxy/tlv.js';
export type { ReceivedFrom, ReceivedFromInto, SenderAddress } from '../calls/transfer.js';
export type { Chunk } from '../calls/waiting/chunk.js';
export { getdefaulttimeout, setdefaulttimeout, siginterrupt } from '../calls/waiting/default_timeout.js';
export * from '../constants.js';
export {
  LimitOverrunError,
  LookupError,
  UnicodeDecodeError,
  UnicodeEncodeError,
  UnicodeError,
  UnsupportedOperation,
} from '../errors/builtins.js';
export * from '../errors/index.js';
export {
  BufferedReader,
  BufferedRWPair,
  BufferedWriter,
  type MakefileOptions,
  type SocketFile,
  SocketIO,
  TextIOWrapper,
  type TextOptions,
} from '../files/blocking/index.js';
export type { FilterRow } from '../util/filter_program.js';
export {
  create_connection,
  create_server,
  from_node,
  fromfd,
  fromshare,
  socketpair,
} from './create.js';
export { recv_fds, send_fds } from './descriptors.js';
export { type BlockingPumpOptions as PumpOptions, pump } from './pump.js';
export {
  type AddressInfoRow,
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbyname_ex,
  gethostname,
  getnameinfo,
  getprotobyname,
  getservbyname,
  getservbyport,
  type Host,
  type HostEntry,
  sethostname,
} from './resolver.js';
export { type SocketClass, socket, socket as SocketType } from './socket_class.js';

/** True if IPv6 is supported at all, as in Python: on Linux always. `has_dualstack_ipv6()` asks the kernel. */
export const has_ipv6 = true;
