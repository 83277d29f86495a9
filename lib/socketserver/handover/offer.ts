// The side of the old process: offer_handover() listens on the control path, hands the sockets to one successor at a time, and is done
// once a successor says that it serves. Until then the old process goes on as if nobody had come.

import { SocketBase } from '../../calls/socket_base.js';
import { SOCK_STREAM } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { socket as AsyncSocket, close, SSLSocket } from '../../promises/index.js';
import { UNCLONABLE } from '../../util/unclonable.js';
import { type Data, options_of, timeout as seconds, shown, data as to_bytes } from '../../util/validate.js';
import { pause } from '../listener/scarcity.js';
import type { AnyServer } from '../server_types.js';
import { TCPServer } from '../servers.js';
import { tell_main_process } from '../systemd/notify.js';
import {
  Channel,
  type ControlSocket,
  NAME_LIMIT,
  ProtocolError,
  SOCKETS_LIMIT,
  STATE_LIMIT,
  send_sockets,
} from './channel.js';
import { type ControlListener, control_path, listen_at, remove_path } from './control_path.js';
import { is_taking_over } from './take_over.js';

/** Seconds that a process which has connected may take to say what it wants, and to read a message. */
const HELLO_TIMEOUT = 5;
/** Default of `ready_timeout`. */
const READY_TIMEOUT = 60;

/** Options of offer_handover(). */
export interface HandoverOptions {
  /** Seconds that a successor may take from getting the sockets to its ready(); null: no limit. Default: 60. */
  ready_timeout?: number | null | undefined;
}

/** What can be handed over: a server of any kind, or a socket, blocking or of promises. */
export interface HandedOver {
  /**
   * fileno() -> the descriptor of its socket. See Python's socketserver.BaseServer.fileno.
   *
   * @returns the number
   * @throws OSError if it is closed
   * @example
   * console.log(server.fileno() > 2); // true
   */
  fileno(): number;
}

/** The process that has taken over. */
export interface Successor {
  /** Its process id. */
  readonly pid: number;
}

function to_sources(value: unknown): Map<string, AnyServer | SocketBase<number>> {
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value instanceof SocketBase ||
    value instanceof TCPServer
  )
    throw new TypeError(
      `servers must be an object of servers by their names, as { http: server }, not ${shown(value)}`,
    );
  const sources = new Map<string, AnyServer | SocketBase<number>>();
  for (const [name, source] of Object.entries(value)) {
    if (!(source instanceof TCPServer) && !(source instanceof SocketBase))
      throw new TypeError(`servers: ${name} must be a server or a socket, not ${shown(source)}`);
    if (name === '' || name.length > NAME_LIMIT)
      throw new RangeError(`servers: a name must have 1 to ${NAME_LIMIT} characters, not ${name.length}`);
    if (source.fileno() < 0) throw new RangeError(`servers: ${name} is closed`);
    sources.set(name, source);
  }
  if (sources.size === 0 || sources.size > SOCKETS_LIMIT)
    throw new RangeError(`servers must be 1 to ${SOCKETS_LIMIT}, not ${sources.size}`);
  return sources;
}

/** An offer of sockets to a successor: what offer_handover() gives. */
export class HandoverOffer {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  /** Fulfilled once a successor serves, which is when this process should end serving; with null if the offer is closed before. */
  readonly successor: Promise<Successor | null>;
  /** Aborts once a successor serves: for calls on idle connections, which are to be handed over then. */
  readonly signal: AbortSignal;
  /** The control path, absolute. */
  readonly path: string;

  readonly #sources: ReadonlyMap<string, AnyServer | SocketBase<number>>;
  readonly #listener: ControlListener;
  readonly #ready_timeout: number | null;
  readonly #ready = new AbortController();
  readonly #closing = new AbortController();
  #settle: (successor: Successor | null) => void = () => {};
  /** The process that has the sockets and is not ready yet. */
  #candidate: { readonly channel: Channel; readonly pid: number } | undefined;
  #chosen: { readonly channel: Channel; readonly pid: number } | undefined;

  /** @internal */
  constructor(
    path: string,
    sources: ReadonlyMap<string, AnyServer | SocketBase<number>>,
    listener: ControlListener,
    ready_timeout: number | null,
  ) {
    this.path = path;
    this.#sources = sources;
    this.#listener = listener;
    this.#ready_timeout = ready_timeout;
    this.signal = this.#ready.signal;
    this.successor = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // The servers keep the process alive, not the offer.
    listener.sock.unref();
    void this.#accept();
  }

  async #accept(): Promise<void> {
    const { sock } = this.#listener;
    while (sock.fileno() >= 0) {
      try {
        const [conn] = await sock.accept();
        this.#receive(conn as ControlSocket).catch(() => {});
      } catch {
        // Without descriptors or memory the process that connects waits.
        if (sock.fileno() >= 0) await pause(this.#closing.signal);
      }
    }
  }

  /** Serves one process that has connected. */
  async #receive(conn: ControlSocket): Promise<void> {
    const channel = new Channel(conn.unref());
    try {
      const own_uid = process.geteuid?.();
      const uid = channel.peer_uid();
      if (uid !== own_uid)
        return await channel.refuse(
          `process ${process.pid} hands over to user ${own_uid} only, not to user ${uid}`,
          0,
        );
      const received = await channel.receive(HELLO_TIMEOUT);
      if (received === null) return;
      for (const fd of received.fds) close(fd);
      const { message } = received;
      if (message.type !== 'take') throw new ProtocolError('a successor must ask for the sockets first');
      const why_not = this.#why_not();
      if (why_not !== undefined) return await channel.refuse(why_not, HELLO_TIMEOUT);
      await this.#hand_over({ channel, pid: message.pid });
    } catch (error) {
      await channel.refuse(error instanceof Error ? error.message : String(error), 0);
    } finally {
      if (this.#chosen?.channel !== channel) channel.close();
    }
  }

  /** Returns why the sockets cannot be had at this moment. */
  #why_not(): string | undefined {
    const other = this.#chosen ?? this.#candidate;
    if (other !== undefined) return `process ${other.pid} takes over from process ${process.pid} already`;
    if (this.#closing.signal.aborted) return `process ${process.pid} hands over no longer`;
    for (const [name, source] of this.#sources) {
      const ends = source.fileno() < 0 || (source instanceof TCPServer && source._sharing.is_refusing);
      if (ends) return `process ${process.pid} has ended its server ${shown(name)} already`;
    }
    return undefined;
  }

  #servers(): AnyServer[] {
    return [...this.#sources.values()].filter((source) => source instanceof TCPServer);
  }

  /** Gives the sockets to a candidate, and waits until it is ready. @throws (rejects) if it is not */
  async #hand_over(candidate: { readonly channel: Channel; readonly pid: number }): Promise<void> {
    const { channel } = candidate;
    this.#candidate = candidate;
    // From the first descriptor on: the candidate may serve before it says so.
    const servers = this.#servers();
    for (const server of servers) server._sharing.successors++;
    try {
      const sockets = [
        [null, this.#listener.sock] as const,
        ...[...this.#sources].map(([name, source]) => [name, source] as const),
      ];
      await send_sockets(channel, this.#listener.place, sockets, HELLO_TIMEOUT);
      const answer = await channel.receive(this.#ready_timeout);
      if (answer === null) return;
      for (const fd of answer.fds) close(fd);
      if (answer.message.type !== 'ready')
        throw new ProtocolError('a successor that has the sockets must say that it is ready');
      // Fails if the successor has ended since: then this process goes on.
      await channel.send({ type: 'yours' }, HELLO_TIMEOUT);
      this.#chosen = candidate;
    } catch (error) {
      if (error instanceof OSError && error.code === 'ETIMEDOUT')
        throw new Error(`process ${candidate.pid} was not ready within ${this.#ready_timeout} s`, {
          cause: error,
        });
      throw error;
    } finally {
      this.#candidate = undefined;
      if (this.#chosen === undefined) for (const server of servers) server._sharing.successors--;
    }
    this.#listener.sock.close();
    if (servers.some((server) => server._announces())) tell_main_process(candidate.pid);
    this.#ready.abort();
    this.#settle({ pid: candidate.pid });
  }

  /**
   * pass(conn, data = '') -> a promise: hands an idle connection to the successor, which gets it from its `connections`, and closes it
   * here without ending it. See unix(7), SCM_RIGHTS.
   *
   * @param conn a connection of promises that nothing waits on; once it is passed it is closed here
   * @param data what the successor has to know, at most 65,536 bytes: also what was read of the connection and not used yet
   * @throws (rejects) Error if no successor is ready; BrokenPipeError if it has ended: the connection is the caller's still; TypeError,
   *   RangeError
   * @example
   * const offer = await offer_handover('service.sock', { echo: async_server });
   * const pass_idle = async (conn: promises.socket<number>) => {
   *   await offer.successor;
   *   await offer.pass(conn, 'what the successor must know of it');
   * };
   * await offer.close();
   */
  async pass(conn: AsyncSocket<number>, data: Data = ''): Promise<void> {
    if (!(conn instanceof AsyncSocket))
      throw new TypeError(`conn must be a socket of promises, not ${shown(conn)}`);
    if (conn instanceof SSLSocket)
      throw new TypeError(
        'conn must be a connection without TLS: the keys of an SSLSocket stay in this process',
      );
    const state = to_bytes(data, 'data');
    if (state.length > STATE_LIMIT)
      throw new RangeError(`data must have at most ${STATE_LIMIT} bytes, not ${state.length}`);
    if (conn.fileno() < 0) throw new RangeError('conn is closed');
    if (conn.type !== SOCK_STREAM) throw new RangeError(`conn must be a connection of a stream, not ${conn}`);
    if (this.#chosen === undefined) throw new Error('pass: no successor is ready; await offer.successor');
    await this.#chosen.channel.send({ type: 'connection' }, null, [conn], state);
    conn.close();
    // Also if files of it are open.
    conn._close();
  }

  /**
   * close() -> a promise. Ends the offer. With a successor: tells it that no further connection comes. Without one: removes the control
   * path, so that the next start is a first one. See unlink(2).
   *
   * @throws (rejects) nothing
   * @example
   * const offer = await offer_handover('service.sock', { echo: server });
   * await offer.close();
   * console.log(await offer.successor); // null
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    if (this.#chosen === undefined) {
      remove_path(this.path, this.#listener);
      this.#listener.sock.close();
    }
    await this.#candidate?.channel.refuse(`process ${process.pid} hands over no longer`, HELLO_TIMEOUT);
    this.#chosen?.channel.close();
    this.#settle(null);
  }

  /**
   * The same as close(), for `await using` of ECMAScript.
   *
   * @throws (rejects) nothing
   * @example
   * const offer = await offer_handover('service.sock', { echo: server });
   * await offer[Symbol.asyncDispose]();
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * offer_handover(path, servers, { ready_timeout = 60 }) -> an offer: the next process that calls take_over(path) gets the sockets of
 * these servers, without a moment in which nobody listens. Once it serves, `offer.successor` is fulfilled, and this process ends its own
 * servers by shutdown({ drain }). A successor that ends before is as if it had not come. See docs/socketserver.md, unix(7).
 *
 * @param path of the control socket, which only this user may use; it is made with the mode 0600
 * @param servers servers, or sockets, by the names that the successor looks them up by
 * @param options `ready_timeout`: seconds that a successor may take until it is ready
 * @returns the offer, which keeps no process alive
 * @throws (rejects) OSError EADDRINUSE if another process offers its sockets there, EEXIST if the path is no socket, EACCES; Error if this
 *   process has taken over from the path, and is not ready yet; TypeError, RangeError
 * @example
 * const offer = await offer_handover('service.sock', { echo: server });
 * offer.successor.then((successor) => successor && server.shutdown({ drain: 10 }));
 * process.once('SIGTERM', () => offer.close());
 * await offer.close();
 */
export async function offer_handover(
  path: string,
  servers: Readonly<Record<string, HandedOver>>,
  options: HandoverOptions = {},
): Promise<HandoverOffer> {
  const absolute = control_path(path);
  const sources = to_sources(servers);
  const { ready_timeout = READY_TIMEOUT } = options_of(options, ['ready_timeout']);
  const limit = seconds(ready_timeout, 'ready_timeout');
  if (is_taking_over(absolute))
    throw new Error(
      `offer_handover: this process has not taken over from ${shown(path)} yet: await predecessor.ready() first`,
    );
  return new HandoverOffer(absolute, sources, listen_at(absolute), limit);
}
