// The queue of a pool: one SEQPACKET socket pair that all workers receive from. It carries the requests that the server has seen,
// because one of its hooks is overridden, and those that the program hands over; all others workers take from the listener
// (arrivals.ts). A connection travels as SCM_RIGHTS, for threads and processes alike, and the kernel closes a connection that no worker
// took.
import { constants } from 'node:os';
import type { ReturnedAddress } from '../../calls/address.js';
import { resolve_host_blocking } from '../../calls/lookup.js';
import * as message from '../../calls/message.js';
import * as transfer from '../../calls/transfer.js';
import { MSG_DONTWAIT, MSG_PEEK } from '../../constants.js';
import { addon } from '../../native/addon.js';
import type { socket as Socket } from '../../socket/index.js';
import type { PacketInfo } from '../datagrams/packet_info.js';
import { is_scarce, pause_blocking } from '../listener/scarcity.js';
import { revive_buffers } from './protocol.js';

const { EAGAIN } = constants.errno;

/**
 * Requests that the queue holds at most, beyond those for which a worker is free, while the server sees all requests. Without any, the
 * server would ask the manager before each request, and workers would wait meanwhile: a third more time a request.
 */
export const AHEAD = 4;
/** The same while the pool takes requests by itself, for those that the program hands over. */
export const AHEAD_LIMIT = 64;

// The first byte of a message: its kind.
const REQUEST = 1;
const STOP = 2;
/** Bytes of a request's header: the kind, and the length of the JSON in two bytes. */
const HEADER = 3;
/** Bytes of a request besides its datagram, at most: the header, and the address as JSON. */
const ADDRESS_LIMIT = 2048;

/** The message that makes one worker end. */
export const STOP_MESSAGE = Buffer.from([STOP]);

/** Returns the message of a request; the connection goes with it as a descriptor. @throws RangeError if the address is too long */
export function encode_request(
  client_address: unknown,
  timeout: number | null,
  packet?: Uint8Array,
  info?: PacketInfo,
): Buffer[] {
  const text = Buffer.from(
    JSON.stringify(info === undefined ? [client_address, timeout] : [client_address, timeout, info]),
  );
  if (HEADER + text.length > ADDRESS_LIMIT) {
    throw new RangeError(`client_address must be at most ${ADDRESS_LIMIT} bytes of JSON, not ${text.length}`);
  }
  const header = Buffer.from([REQUEST, text.length & 0xff, text.length >> 8]);
  return packet === undefined ? [header, text] : [header, text, Buffer.from(packet)];
}

/**
 * Returns the request of a message: the time-out of the connection in seconds, or the bytes of a datagram. Returns undefined for
 * the stop message or the end of the queue.
 */
export function decode_request(message: Buffer) {
  if (message[0] !== REQUEST) return undefined;
  const length = message.readUInt16LE(1);
  const text = message.toString('utf8', HEADER, HEADER + length);
  const [client_address, timeout, info] = JSON.parse(text, revive_buffers) as [
    ReturnedAddress<number>,
    number | null,
    PacketInfo | null | undefined,
  ];
  return { client_address, timeout, info: info ?? undefined, packet: message.subarray(HEADER + length) };
}

/** Returns the bytes of the longest message of a server. */
export function message_size(max_packet_size: number): number {
  return max_packet_size + ADDRESS_LIMIT;
}

/** Puts a message on the queue without waiting. Returns false if the queue is full or memory is scarce. @throws OSError */
export function post(queue: Socket<number>, buffers: Buffer[], fds: number[]): boolean {
  const result = message.send_fds(queue, buffers, fds, MSG_DONTWAIT, null, resolve_host_blocking, 0);
  if (result >= 0) return true;
  return is_scarce(-result) || result === -EAGAIN ? false : queue._raise(result, 'sendmsg');
}

/** Puts a message on the queue. Blocks the thread while the queue is full or memory is scarce. @throws OSError */
export function post_blocking(queue: Socket<number>, buffers: Buffer[], fds: number[]): void {
  while (!post(queue, buffers, fds)) pause_blocking();
}

/** Returns whether the queue holds a message; true if the kernel has no memory to tell. */
export function holds_any(queue: Socket<number>): boolean {
  // At the end of the queue a receive succeeds with no bytes.
  const next = transfer.recv(queue, 1, MSG_PEEK | MSG_DONTWAIT, 0);
  return typeof next === 'number' ? is_scarce(-next) : next.length > 0;
}

/** Empties the queue, and closes the connections on it. Returns how many requests it held. */
export function discard(queue: Socket<number>, max_packet_size: number): number {
  const size = message_size(max_packet_size);
  for (let count = 0; ; ) {
    const received = message.recv_fds(queue, size, 1, MSG_DONTWAIT, 0);
    if (typeof received === 'number') return count;
    const [bytes, fds] = received;
    for (const fd of fds) addon.close_fd(fd);
    if (bytes.length === 0) return count;
    if (bytes[0] === REQUEST) count++;
  }
}
