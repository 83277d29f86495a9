/**
 * The names of `bsd-sockets/socket`, where what may wait returns a promise. The event loop waits, so nothing blocks; the
 * calls are those of lib/calls, as for lib/socket. See the [guide](../../docs/promises.md).
 *
 * @module bsd-sockets/promises
 */

export * from '../constants.js';
export * from '../errors/index.js';
export { BufferedFile, type SocketFile, SocketIO, TextFile } from '../files/promises/index.js';
export {
  type Address,
  type AddressInfoRow,
  type AlgOptions,
  type AnyAddress,
  type AnyReturnedAddress,
  type BorrowedSocket,
  borrow,
  type Chunk,
  CMSG_LEN,
  CMSG_SPACE,
  type ConnectAddress,
  type ControlMessage,
  close,
  decode_proxy_header,
  dup,
  encode_proxy_header,
  type FamilyOf,
  type FilterOptions,
  type FilterRow,
  getdefaulttimeout,
  gethostname,
  type Host,
  type HostEntry,
  has_dualstack_ipv6,
  has_ipv6,
  htonl,
  htons,
  type InetFamily,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  inet_aton,
  inet_ntoa,
  inet_ntop,
  inet_pton,
  LimitOverrunError,
  LookupError,
  type MakefileOptions,
  type Message,
  MessageBatch,
  type NodeFamily,
  type NodeHandle,
  ntohl,
  ntohs,
  type OwnProxyHeader,
  type PeerAddress,
  type PipeEnd,
  type ProxyAddress,
  type ProxyAddressInit,
  type ProxyHeader,
  ProxyHeaderError,
  type ProxyHeaderInit,
  type ProxySsl,
  type ProxyTlv,
  type ProxyTlvInit,
  type ProxyTlvName,
  type ReceivedControlMessage,
  type ReceivedDescriptors,
  type ReceivedFrom,
  type ReceivedFromInto,
  type ReceivedMessage,
  type ReceivedMessageInto,
  type ReturnedAddress,
  type SenderAddress,
  type SendfileSource,
  setdefaulttimeout,
  sethostname,
  siginterrupt,
  type TextOptions,
  UnicodeDecodeError,
  UnicodeEncodeError,
  UnicodeError,
  UnsupportedOperation,
} from '../socket/index.js';
export type { WaitOptions } from '../util/wait_options.js';
export { type CreateConnectionOptions, create_connection } from './connect.js';
export {
  type CreateServerOptions,
  create_server,
  from_node,
  from_socket,
  fromfd,
  fromshare,
  socketpair,
} from './create.js';
export { recv_fds, send_fds } from './descriptors.js';
export {
  type AsyncPumpOptions as PumpOptions,
  type PumpedDirection,
  pump,
  pump_both,
} from './pump.js';
export type { ChunkOptions } from './receive.js';
export {
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbyname_ex,
  getnameinfo,
  getprotobyname,
  getservbyname,
  getservbyport,
} from './resolver.js';
export type { ConnectedSocket, ListeningSocket } from './socket.js';
export { type SocketClass, socket, socket as SocketType } from './socket_class.js';
export type { SocketStream, StreamOptions } from './stream.js';
export { SSLEOFError, SSLError } from './tls/errors.js';
export type { SNICallback, SSLCertificate, SSLOptions } from './tls/options.js';
export { SSLServerContext } from './tls/server_context.js';
export { SSLSocket } from './tls/ssl_socket.js';
