// What the old and the new process say to each other, on an AF_UNIX socket that keeps messages apart (SOCK_SEQPACKET).
//
//   new: take                     "I am the successor, process N"
//   old: sockets, sockets, …      names, and the descriptors by SCM_RIGHTS; in front of them the listener of the control path itself
//   new: ready                    "I serve"
//   old: yours                    "I take no further requests", then a connection for each idle one, until it ends
//   old: refused                  at any time, with the reason
//
// A message is one line of JSON, and bytes behind it. Each line has the version of the protocol; `refused` is the same in all versions.
import { constants } from 'node:os';
import type { SOCK_SEQPACKET } from '../../constants.js';
import { type AF_UNIX, MSG_CTRUNC, SO_PEERCRED, SOL_SOCKET } from '../../constants.js';
import { ConnectionResetError, OSError } from '../../errors/index.js';
import { close, recv_fds, type socket as Socket, send_fds } from '../../promises/index.js';
import { sleep } from '../../util/deadline.js';

const { errno } = constants;
/** The version of the protocol. */
const VERSION = 1;
/** The most bytes of state of an idle connection. */
export const STATE_LIMIT = 65_536;
/** The most sockets that are handed over in all, and the most characters of the name of one. */
export const SOCKETS_LIMIT = 1000;
export const NAME_LIMIT = 255;
/** Descriptors of one message, and the bytes of the longest one. */
const FDS_LIMIT = 64;
const MESSAGE_LIMIT = STATE_LIMIT + FDS_LIMIT * NAME_LIMIT * 6 + 1000;
/** Milliseconds between two tries to send a descriptor while too many are under way (ETOOMANYREFS), and the tries. */
const FLIGHT_MS = 20;
const FLIGHT_TRIES = 500;

/** The message of each type, without its version. */
export type Message =
  | { readonly type: 'take'; readonly pid: number }
  | {
      readonly type: 'sockets';
      readonly pid: number;
      /** The names of the descriptors; that of the control path is null. */
      readonly names: readonly (string | null)[];
      /** The device and inode of the control path. */
      readonly place: string;
      readonly more: boolean;
    }
  | { readonly type: 'ready' | 'yours' | 'connection' }
  | { readonly type: 'refused'; readonly reason: string };

/** A message that came, with its descriptors, which belong to the receiver. */
export interface Received {
  readonly message: Message;
  readonly fds: readonly number[];
  readonly bytes: Buffer;
}

/** What the other side sent is no message of this protocol, or of another version of it. */
export class ProtocolError extends Error {}

/** A socket of promises on the control path. */
export type ControlSocket = Socket<typeof AF_UNIX, typeof SOCK_SEQPACKET>;

function is_pid(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function is_names(value: unknown, fds: readonly number[]): boolean {
  const is_name = (name: unknown) => name === null || (typeof name === 'string' && name.length <= NAME_LIMIT);
  return Array.isArray(value) && value.length === fds.length && value.every(is_name);
}

/** Returns the message of the line. @throws ProtocolError */
function to_message(line: string, fds: readonly number[]): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || !('handover' in value) || !('type' in value))
    throw new ProtocolError('what was sent is no message of a handover');
  const { handover: version, type } = value;
  const has = (name: string, test: (part: unknown) => boolean) => test(Reflect.get(value, name));
  const is_string = (part: unknown) => typeof part === 'string';
  const is_refusal = type === 'refused' && has('reason', is_string);
  if (version !== VERSION && !is_refusal)
    throw new ProtocolError(
      `the other process hands over by version ${JSON.stringify(version)} of the protocol, this one by version ${VERSION}: ` +
        'stop the old one before the new one starts',
    );
  const is_sockets =
    type === 'sockets' &&
    has('pid', is_pid) &&
    has('names', (names) => is_names(names, fds)) &&
    has('place', is_string) &&
    has('more', (more) => typeof more === 'boolean');
  const is_known =
    is_refusal ||
    is_sockets ||
    (type === 'take' && has('pid', is_pid)) ||
    type === 'ready' ||
    type === 'yours' ||
    (type === 'connection' && fds.length === 1);
  if (!is_known) throw new ProtocolError('what was sent is no message of a handover');
  return value as Message;
}

/** A connection between the two processes. */
export class Channel {
  #is_closed = false;

  constructor(readonly sock: ControlSocket) {}

  /** Returns the user id of the process at the other end; of one that listens, when it began to. */
  peer_uid(): number {
    const [, uid] = new Uint32Array(
      Uint8Array.from(this.sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)).buffer,
    );
    return uid as number;
  }

  /**
   * Sends a message.
   *
   * @param timeout seconds; null: no limit
   * @throws (rejects) BrokenPipeError if the other side has ended; TimeoutError; OSError
   */
  async send(
    message: Message,
    timeout: number | null,
    fds: readonly { fileno(): number }[] = [],
    bytes: Uint8Array = Buffer.alloc(0),
  ): Promise<void> {
    const line = Buffer.from(`${JSON.stringify({ handover: VERSION, ...message })}\n`);
    for (let tries = 0; ; tries++) {
      try {
        await send_fds(this.sock, [line, bytes], fds, { timeout });
        return;
      } catch (error) {
        const is_in_flight = error instanceof OSError && error.code === 'ETOOMANYREFS';
        if (!is_in_flight || tries >= FLIGHT_TRIES) throw error;
        await sleep(FLIGHT_MS);
      }
    }
  }

  /** Sends the reason for which the other side does not get what it wants, if it is there still, and closes. */
  async refuse(reason: string, timeout: number): Promise<void> {
    await this.send({ type: 'refused', reason }, timeout).catch(() => {});
    this.close();
  }

  /**
   * Receives a message. Returns null if the other side has ended, or this one is closed.
   *
   * @param timeout seconds; null: no limit
   * @throws (rejects) ProtocolError; TimeoutError; OSError EMFILE without descriptors left for those of the message
   */
  async receive(timeout: number | null): Promise<Received | null> {
    for (;;) {
      let bytes: Buffer;
      let fds: readonly number[];
      let flags: number;
      try {
        [bytes, fds, flags] = await recv_fds(this.sock, MESSAGE_LIMIT, FDS_LIMIT, { timeout });
      } catch (error) {
        if (this.#is_closed) return null;
        // The other side has ended without reading all. What it sent before is there still.
        if (error instanceof ConnectionResetError) continue;
        throw error;
      }
      if (bytes.length === 0) return null;
      try {
        if ((flags & MSG_CTRUNC) !== 0)
          throw new OSError(errno.EMFILE, 'no descriptors left for those that the other process handed over');
        const end = bytes.indexOf('\n');
        if (end < 0) throw new ProtocolError('what was sent is no message of a handover');
        return {
          message: to_message(bytes.toString('utf8', 0, end), fds),
          fds,
          bytes: bytes.subarray(end + 1),
        };
      } catch (error) {
        for (const fd of fds) close(fd);
        throw error;
      }
    }
  }

  /** Closes the connection: the other side reads its end. */
  close(): void {
    this.#is_closed = true;
    this.sock.close();
  }
}

/** Sends the sockets in as many messages as it takes. @throws (rejects) as Channel.send() */
export async function send_sockets(
  channel: Channel,
  place: string,
  sockets: readonly (readonly [name: string | null, sock: { fileno(): number }])[],
  timeout: number | null,
): Promise<void> {
  for (let at = 0; at < sockets.length; at += FDS_LIMIT) {
    const part = sockets.slice(at, at + FDS_LIMIT);
    const more = at + FDS_LIMIT < sockets.length;
    const names = part.map(([name]) => name);
    await channel.send(
      { type: 'sockets', pid: process.pid, names, place, more },
      timeout,
      part.map(([, sock]) => sock),
    );
  }
}

/** Returns whether an error says that the process at the other end has ended. */
export function is_gone(error: unknown): boolean {
  return error instanceof OSError && ['EPIPE', 'ECONNRESET', 'ENOTCONN'].includes(error.code ?? '');
}
