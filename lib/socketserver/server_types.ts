// Types of servers: any of them, and what a mix-in asks of the server that it is given.
import type { ReturnedAddress } from '../calls/address.js';
import type { SocketBase } from '../calls/socket_base.js';
import type { SenderAddress } from '../calls/transfer.js';
import type * as c from '../constants.js';
import type { TCPServer } from './servers.js';

/** Any server of these and of those that are made of them. */
export type AnyServer = TCPServer<number, unknown, unknown, SocketBase<number>, unknown>;
/** A class of servers with any constructor. */
export type ServerClass = new (...args: never[]) => AnyServer;

// What a mix-in asks of the server that it is given: the family and the data that the class names, and the kind of requests.
type NamedFamily<F extends number> = number extends F ? typeof c.AF_INET : F;
export type FamilyOf<Server> = Server extends { socket: SocketBase<infer F> } ? NamedFamily<F> : never;
export type DataOf<Server> = Server extends { worker_data: infer Data } ? Data : never;
export type IsDatagram<Server> = Server extends { max_packet_size: number } ? true : false;
export type ClientAddressOf<Server, F extends number> =
  IsDatagram<Server> extends true ? SenderAddress<F, typeof c.SOCK_DGRAM, 0> : ReturnedAddress<F>;
/** Members that a class adds to those of this module. */
export type Own<Server> = Omit<Server, keyof TCPServer | 'max_packet_size' | '_has_packet_info'>;
