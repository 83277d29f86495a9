// Descriptors exchanged with node:net, so that node:tls and node:http run over these sockets and back: to_node, and the half
// of from_node that looks at the handle. The descriptor has one owner: the other side is detached or destroyed.
// borrow takes nothing: the descriptor stays that of Node's object.
import type * as dgram from 'node:dgram';
import type * as net from 'node:net';
import { constants } from 'node:os';
import * as c from '../constants.js';
import type { Arguments } from '../errors/names.js';
import { addon } from '../native/addon.js';
import { shown } from '../util/validate.js';
import type { InetFamily } from './address.js';
import { OptionSocket } from './options.js';
import type { SocketBase } from './socket_base.js';

const { EBADF } = constants.errno;
// Node loads these modules when they are used first; most programs need neither.
const node_net = () => process.getBuiltinModule('node:net');
const node_dgram = () => process.getBuiltinModule('node:dgram');

/**
 * sock.to_node() -> net.Server for a listening stream socket, else net.Socket. TCP and AF_UNIX.
 *
 * The Node object is paused: it reads nothing before a listener for 'data' is added, or resume() is called.
 *
 * @throws RangeError for a socket that node:net has no class for; OSError EBADF for a closed one
 */
export function to_node(sock: SocketBase): net.Socket | net.Server {
  const known: readonly number[] = [c.AF_INET, c.AF_INET6, c.AF_UNIX];
  if (sock.type !== c.SOCK_STREAM || !known.includes(sock.family)) {
    throw new RangeError(`to_node: node:net has TCP and AF_UNIX streams only, not ${sock}`);
  }
  if (sock._fd < 0) sock._raise(-EBADF, 'to_node');
  const listening = sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0;
  const net = node_net();
  const fd = sock.detach();
  if (listening) return new net.Server().listen({ fd });
  if (process.versions.bun === undefined) return new net.Socket({ fd, readable: true, writable: true });
  // Bun's constructor takes no descriptor of a socket; its connect() does.
  return Reflect.apply(net.Socket.prototype.connect, new net.Socket(), [{ fd }]);
}

/**
 * Returns the descriptor of a stream or server of Node's.
 *
 * @throws TypeError for anything else, or one without a descriptor; RangeError for a stream that has read ahead
 */
export function descriptor_of(handle: net.Socket | net.Server): number {
  const net = node_net();
  if (!(handle instanceof net.Socket) && !(handle instanceof net.Server)) {
    throw new TypeError(`handle must be a net.Socket or net.Server, not ${shown(handle)}`);
  }
  const fd = fd_of(handle);
  if (fd < 0) throw new TypeError('handle has no descriptor: it is not connected, or closed');
  if (handle instanceof net.Socket) refuse_buffered(handle);
  return fd;
}

/** The objects that borrow() takes. */
export type NodeHandle = net.Socket | net.Server | dgram.Socket;
/** The families of their sockets. */
export type NodeFamily = InetFamily | typeof c.AF_UNIX;

/** Returns the descriptor that the object has at present, -1 if it has none. */
function fd_of(handle: NodeHandle): number {
  // libuv's handle is in `_handle` of node:net, and in the state of node:dgram, whose own `_handle` is deprecated.
  const state = Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === 'state symbol',
  );
  const inner: unknown =
    handle instanceof node_dgram().Socket && state !== undefined
      ? Reflect.get(Reflect.get(handle, state), 'handle')
      : Reflect.get(handle, '_handle');
  const fd: unknown = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'fd') : undefined;
  return typeof fd === 'number' ? fd : -1;
}

/** The families that a socket of Node's class may have: node:dgram has those of IP only. */
export type FamilyOf<H extends NodeHandle> = H extends dgram.Socket ? InetFamily : NodeFamily;

/**
 * A socket of node:net or node:dgram, for its names, options, filters and ioctl. The descriptor stays that of Node's object,
 * which is asked for it at each call: once it is closed, calls fail with EBADF.
 */
export class BorrowedSocket<out F extends NodeFamily = NodeFamily> extends OptionSocket<F> {
  readonly #handle: NodeHandle;

  /** @throws TypeError for anything else */
  constructor(handle: NodeHandle) {
    super();
    const { Socket, Server } = node_net();
    if (![Socket, Server, node_dgram().Socket].some((Class) => handle instanceof Class))
      throw new TypeError(`handle must be a net.Socket, net.Server or dgram.Socket, not ${shown(handle)}`);
    this.#handle = handle;
  }

  /** @internal */
  get _fd(): number {
    return fd_of(this.#handle);
  }

  /** @internal */
  get _generation(): number {
    return addon.generation(this._fd);
  }

  /** @internal */
  override _args(): Arguments {
    return this._fd < 0 ? { closed: 'handle' } : { fd: this._fd };
  }

  /**
   * The address family, AF_*.
   *
   * @throws OSError
   */
  get family(): F {
    return this.getsockopt(c.SOL_SOCKET, c.SO_DOMAIN) as F;
  }

  /** The socket type, SOCK_*. @throws OSError */
  get type(): number {
    return this.getsockopt(c.SOL_SOCKET, c.SO_TYPE);
  }

  /** The protocol. @throws OSError */
  get proto(): number {
    return this.getsockopt(c.SOL_SOCKET, c.SO_PROTOCOL);
  }

  /**
   * fileno() -> the descriptor at present. It must not be closed. See Python's socket.fileno.
   *
   * @returns the number of the descriptor, -1 if there is none (not connected yet, or closed)
   * @example
   * const listener = net.createServer().listen(0);
   * await once(listener, 'listening');
   * console.log(borrow(listener).fileno() >= 0); // true
   * listener.close();
   */
  fileno(): number {
    return this._fd;
  }

  /**
   * toString() -> one line that describes the handle, as Python's repr() of a socket.
   *
   * @returns the line
   * @example
   * console.log(`${borrow(new net.Socket())}`); // for example <borrowed Socket fd=-1>
   */
  override toString(): string {
    return `<borrowed socket fd=${this._fd}>`;
  }
}

/**
 * borrow(handle) -> the names, options, filters and ioctl of a socket of Node's, which stays its owner's. Nothing is taken, duplicated or
 * closed. The peer's credentials of an AF_UNIX stream are the option SO_PEERCRED, see unix(7).
 *
 * A net.Socket and a net.Server may be TCP or AF_UNIX, which only the kernel knows: a name is an array `[host, port, …]` or a path, told
 * apart by Array.isArray(). A dgram.Socket is always of IP.
 *
 * @param handle a net.Socket, net.Server or dgram.Socket; before it is connected, bound or listening, and after it is closed, calls fail
 *   with EBADF
 * @returns an object with the calls that need nothing but the descriptor
 * @throws TypeError for anything else
 * @example
 * const listener = net.createServer().listen(0);
 * await once(listener, 'listening');
 * console.log(borrow(listener).getsockopt(SOL_SOCKET, SO_ACCEPTCONN)); // 1
 * listener.close();
 */
export function borrow<H extends NodeHandle>(handle: H): BorrowedSocket<FamilyOf<H>> {
  return new BorrowedSocket(handle);
}

function refuse_buffered(stream: net.Socket): void {
  if (stream.readableLength > 0) {
    throw new RangeError(
      `from_node: the stream has read ${stream.readableLength} bytes ahead; pause it before data arrives ` +
        '(net.createServer({ pauseOnConnect: true }), or stream.pause() in the connection listener), or read them first',
    );
  }
  if (stream.writableLength > 0) {
    throw new RangeError(
      `from_node: the stream has ${stream.writableLength} bytes still to write; wait for 'drain'`,
    );
  }
  if (stream.isPaused() === false && stream.readableFlowing === true) {
    throw new RangeError(
      'from_node: the stream is flowing and may read at any time; stream.pause() it first',
    );
  }
}
