/**
 * Python's module `socketserver`: servers whose requests run in turn, on threads, in processes or on the event loop. See the
 * [guide](../../docs/socketserver.md).
 *
 * @module bsd-sockets/socketserver
 */

export type { ProxyProtocolOptions } from './admission/proxy_protocol.js';
export type { RefusalReason } from './admission/refused.js';
export { AsyncBytesIO, AsyncSocketWriter, type AsyncWriter } from './async/files.js';
export {
  AsyncBaseRequestHandler,
  type AsyncDatagramRequest,
  AsyncDatagramRequestHandler,
  AsyncStreamRequestHandler,
} from './async/handlers.js';
export {
  AsyncMixIn,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  AsyncUnixStreamServer,
} from './async/server.js';
export type {
  AsyncDatagramServer,
  AsyncRequestHandlerClass,
  AsyncServer,
  AsyncServerClass,
} from './async/types.js';
export { BaseServer } from './base.js';
export type { PacketInfo } from './datagrams/packet_info.js';
export { BytesIO } from './files.js';
export {
  BaseRequestHandler,
  type DatagramRequest,
  DatagramRequestHandler,
  type RequestHandlerClass,
  type ServerView,
  type ShutdownOptions,
  StreamRequestHandler,
} from './handlers.js';
export {
  type HandedOver,
  HandoverOffer,
  type HandoverOptions,
  offer_handover,
  type Successor,
} from './handover/offer.js';
export { type PassedConnection, Predecessor, type TakeOverOptions, take_over } from './handover/take_over.js';
export type { AddressPrefix, LimitOptions, Rate } from './limits/options.js';
export { is_main } from './main.js';
export {
  ForkingMixIn,
  ForkingTCPServer,
  ForkingUDPServer,
  ForkingUnixDatagramServer,
  ForkingUnixStreamServer,
  ThreadingMixIn,
  ThreadingTCPServer,
  ThreadingUDPServer,
  ThreadingUnixDatagramServer,
  ThreadingUnixStreamServer,
} from './mixins.js';
export type { ServerOptions } from './options.js';
export { TCPServer, UDPServer, UnixDatagramServer, UnixStreamServer } from './servers.js';
export { type NotifyOptions, type ServiceState, sd_notify, sd_watchdog_enabled } from './systemd/notify.js';
export { systemd_sockets } from './systemd/sockets.js';
export type { EventName, ServerChannel, ServerEvent } from './watch/channels.js';
export { type RequestContext, request_context } from './watch/context.js';
export { type Labels, prometheus_text, type StatisticsServer } from './watch/prometheus.js';
export type { ServerStatistics } from './watch/statistics.js';
