// Requests as they arrive at a server on the event loop: connections that are accepted, or datagrams, many for one wake-up.
import { constants } from 'node:os';
import type { AnyReturnedAddress } from '../../calls/address.js';
import { OSError } from '../../errors/index.js';
import type { socket as Socket } from '../../promises/index.js';
import { integer } from '../../util/validate.js';
import { is_overridden } from '../attributes.js';
import { note_packet_info, receive } from '../datagrams/packet_info.js';
import { is_lost } from '../listener/served_socket.js';
import { check_not_ended, is_readable } from '../listener/socket_wait.js';
import { TCPServer, UDPServer } from '../servers.js';

const { EAGAIN, EBADF } = constants.errno;

export type Request = Socket<number> | [packet: Buffer, socket: Socket<number>];
export type ClientAddress = AnyReturnedAddress | null;
export type Arrived = [request: Request, client_address: ClientAddress];

/** How to wait for requests. */
export interface Taking {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds to wait for a request; null: no limit; 0: take only requests that wait already. */
  readonly timeout: number | null;
}

/** Returns whether an error says that there was no request: in time, or without waiting. */
export function is_nothing_there(error: unknown): boolean {
  return error instanceof OSError && (error.code === 'ETIMEDOUT' || error.errno === EAGAIN);
}

/** The members of a server that arrivals need. */
interface ArrivalServer {
  readonly socket: Socket<number>;
  get_request(): unknown;
}

/** Waits for requests. Returns at least one and at most `most`; one if get_request() is overridden. */
export async function take_arrivals(server: ArrivalServer, most: number, taking: Taking): Promise<Arrived[]> {
  const { socket } = server;
  if (!is_overridden(server, 'get_request', [TCPServer])) {
    return socket._read('accept', () => take(server, most, taking), taking);
  }
  await socket._read('poll', () => (is_readable(socket) ? true : -EAGAIN), taking);
  if (is_lost(socket)) socket._raise(-EBADF, 'accept');
  const arrived: unknown = server.get_request();
  if (!Array.isArray(arrived)) {
    throw new TypeError(
      'get_request() must give [request, client_address] without waiting: what has to wait belongs in ' +
        'verify_request() or the handler',
    );
  }
  return [arrived as Arrived];
}

function take(server: ArrivalServer, most: number, { timeout }: Taking): Arrived[] | number {
  if (is_lost(server.socket)) return -EBADF;
  const arrived: Arrived[] = [];
  while (arrived.length < most) {
    const next = next_arrival(server);
    if (typeof next === 'number') {
      if (arrived.length > 0) return arrived;
      if (next === -EAGAIN && timeout !== 0) check_not_ended(server.socket, 'serve_forever');
      return next;
    }
    arrived.push(next);
  }
  return arrived;
}

/** Returns the next request, or -errno. */
export function next_arrival(server: ArrivalServer): Arrived | number {
  const { socket } = server;
  if (!(server instanceof UDPServer)) return socket._accept();
  const size = integer(server.max_packet_size, 'max_packet_size', 1);
  const received = receive(socket, size, server._has_packet_info === true);
  if (typeof received === 'number') return received;
  const [packet, client_address, info] = received;
  const request: Request = [packet, socket];
  note_packet_info(request, info);
  return [request, client_address];
}
