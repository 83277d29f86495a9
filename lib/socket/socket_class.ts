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
  /**
   * new socket(family, type, proto, fileno): adopts a descriptor; null for what the kernel is to tell. See socket(2).
   *
   * @param args family, type, proto (null for what the kernel is to tell), and the number of an open descriptor
   * @throws OSError EBADF or ENOTSOCK
   */
  new <F extends number, K extends number, FD extends number>(
    ...args: DescriptorArguments<F, K, FD>
  ): Socket<F, K>;
  /**
   * new socket(family = AF_INET, type = SOCK_STREAM, proto = 0). See socket(2).
   *
   * @param args family (AF_INET if left out), type (SOCK_STREAM), proto (0, the usual one; for AF_PACKET in network byte order)
   * @throws OSError EACCES or EPERM without the privilege, EAFNOSUPPORT, EPROTONOSUPPORT
   */
  new <F extends number = typeof c.AF_INET, K extends number = number>(
    ...args: SocketArguments<F, K>
  ): Socket<F, K>;
  /** @internal */
  new <F extends number, K extends number>(...args: DescriptorArguments<F, K, OwnedDescriptor>): Socket<F, K>;
  /**
   * socket(family, type, proto, fileno): adopts a descriptor, as with `new`. See socket(2).
   *
   * @param args family, type, proto (null for what the kernel is to tell), and the number of an open descriptor
   * @returns the socket
   * @throws OSError EBADF or ENOTSOCK
   */
  <F extends number, K extends number, FD extends number>(
    ...args: DescriptorArguments<F, K, FD>
  ): Socket<F, K>;
  /**
   * socket(family = AF_INET, type = SOCK_STREAM, proto = 0): makes a socket, as with `new`. See socket(2).
   *
   * @param args family (AF_INET if left out), type (SOCK_STREAM), proto (0, the usual one; for AF_PACKET in network byte order)
   * @returns the socket
   * @throws OSError EACCES or EPERM without the privilege, EAFNOSUPPORT, EPROTONOSUPPORT
   */
  <F extends number = typeof c.AF_INET, K extends number = number>(
    ...args: SocketArguments<F, K>
  ): Socket<F, K>;
  /** The methods of all sockets. */
  readonly prototype: Socket<number>;
}

/**
 * socket(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno = null), with or without `new`; a base for classes. The protocol of
 * AF_PACKET is in network byte order, as in Python: `htons(ETH_P_ALL)`.
 *
 * @class
 * @example
 * const sock = socket(AF_INET, SOCK_STREAM);
 * sock.close();
 */
export const socket = callable(Socket, 'socket') as SocketClass;
export type socket<F extends number = number, K extends number = number> = Socket<F, K>;
