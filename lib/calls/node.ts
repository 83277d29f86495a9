// Descriptors exchanged with node:net, so that node:tls and node:http run over these sockets and back: to_node, and the half
// of from_node that looks at the handle. The descriptor has one owner: the other side is detached or destroyed.
import net from 'node:net';
import * as c from '../constants.js';
import { shown } from '../util/validate.js';
import type { SocketBase } from './socket_base.js';

/**
 * sock.to_node() -> net.Server for a listening stream socket, else net.Socket. TCP and AF_UNIX.
 *
 * The Node object is paused: it reads nothing before a listener for 'data' is added, or resume() is called.
 *
 * @throws RangeError for a socket that node:net has no class for
 */
export function to_node(sock: SocketBase): net.Socket | net.Server {
  const known: readonly number[] = [c.AF_INET, c.AF_INET6, c.AF_UNIX];
  if (sock.type !== c.SOCK_STREAM || !known.includes(sock.family)) {
    throw new RangeError(`to_node: node:net has TCP and AF_UNIX streams only, not ${sock}`);
  }
  const listening = sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0;
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
  if (!(handle instanceof net.Socket) && !(handle instanceof net.Server)) {
    throw new TypeError(`handle must be a net.Socket or net.Server, not ${shown(handle)}`);
  }
  // node:net keeps the handle of libuv in `_handle`.
  const fd = (handle as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0)
    throw new TypeError('handle has no descriptor: it is not connected, or closed');
  if (handle instanceof net.Socket) refuse_buffered(handle);
  return fd;
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
