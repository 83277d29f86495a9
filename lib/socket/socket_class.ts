// The class `socket` of bsd-sockets/socket as it is called: with or without `new`. Its methods are in socket.ts.
import type { DescriptorArguments, SocketArguments } from '../calls/socket_base.js';
import type * as c from '../constants.js';
import { callable } from '../util/callable.js';
import type { OwnedDescriptor } from '../util/owned_descriptor.js';
import { Socket } from './socket.js';

/**
 * The class `socket`. The first signatures are for a descriptor: the kernel tells what is not given, which may be anything. FD is there
 * for the number of type parameters, by which a class that extends `socket` does not take these signatures for its constructor.
 */
export interface SocketClass {
  new <F extends number, K extends number, FD extends number>(
    ...args: DescriptorArguments<F, K, FD>
  ): Socket<F, K>;
  new <F extends number = typeof c.AF_INET, K extends number = number>(
    ...args: SocketArguments<F, K>
  ): Socket<F, K>;
  /** @internal */
  new <F extends number, K extends number>(...args: DescriptorArguments<F, K, OwnedDescriptor>): Socket<F, K>;
  <F extends number, K extends number, FD extends number>(
    ...args: DescriptorArguments<F, K, FD>
  ): Socket<F, K>;
  <F extends number = typeof c.AF_INET, K extends number = number>(
    ...args: SocketArguments<F, K>
  ): Socket<F, K>;
  readonly prototype: Socket<number>;
}

/**
 * socket(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno = null), with or without `new`; a base for classes. The protocol of
 * AF_PACKET is in network byte order, as in Python: `htons(ETH_P_ALL)`.
 *
 * @class
 */
export const socket = callable(Socket, 'socket') as SocketClass;
export type socket<F extends number = number, K extends number = number> = Socket<F, K>;
