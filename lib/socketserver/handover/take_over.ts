// The side of the new process: take_over() gets the sockets from the process that offers them, ready() says that this one serves, and
// `connections` are the idle ones that the old process passes on while it ends.

import { without_default_timeout } from '../../calls/waiting/default_timeout.js';
import { AF_UNIX, SOCK_SEQPACKET } from '../../constants.js';
import { OSError, PermissionError } from '../../errors/index.js';
import { socket as AsyncSocket, type ConnectedSocket, close, from_socket } from '../../promises/index.js';
import { socket as Socket } from '../../socket/index.js';
import { sleep } from '../../util/deadline.js';
import { UNCLONABLE } from '../../util/unclonable.js';
import { options_of, timeout as seconds, shown } from '../../util/validate.js';
import { take_watchdog_of } from '../systemd/notify.js';
import { Channel, type ControlSocket, is_gone, ProtocolError, type Received } from './channel.js';
import { check_socket, control_path, drop_inherited, inherit_listener } from './control_path.js';
import { inherit, type Sharing } from './sharing.js';

/** Default of `timeout`. */
const TIMEOUT = 10;
/** Milliseconds between two tries to connect while many others do. */
const RETRY_MS = 20;

/** Options of take_over(). */
export interface TakeOverOptions {
  /** Seconds that the old process may take to answer, here and in ready(); null: no limit. Default: 10. */
  timeout?: number | null | undefined;
}

/** An idle connection, and what the old process said about it. */
export type PassedConnection = [conn: ConnectedSocket<number>, data: Buffer];

/** What came of the old process before it is ready to end. */
interface Taken {
  readonly pid: number;
  readonly place: string;
  readonly fds: readonly (readonly [name: string | null, fd: number])[];
}

/** Paths from which this process takes over and is not ready yet. */
const unfinished = new Set<string>();

/** Returns whether this process takes over from a path, and is not ready yet. */
export function is_taking_over(path: string): boolean {
  return unfinished.has(path);
}

/** Adopts a descriptor that was received. */
function adopt(fd: number): Socket<number> {
  return without_default_timeout(() => new Socket<number>(null, null, null, fd));
}

/** The idle connections, in the order they were passed. */
class PassedConnections implements AsyncIterableIterator<PassedConnection> {
  #waiting: PassedConnection[] = [];
  #wanting: ((result: IteratorResult<PassedConnection>) => void)[] = [];
  #has_ended = false;

  add(passed: PassedConnection): void {
    const want = this.#wanting.shift();
    if (want !== undefined) want({ done: false, value: passed });
    else if (this.#has_ended) passed[0].close();
    else this.#waiting.push(passed);
  }

  end(): void {
    this.#has_ended = true;
    for (const want of this.#wanting.splice(0)) want({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<PassedConnection>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#has_ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#wanting.push(resolve));
  }

  return(): Promise<IteratorResult<PassedConnection>> {
    this.end();
    for (const [conn] of this.#waiting.splice(0)) conn.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The process whose sockets this one takes over: what take_over() gives. */
export class Predecessor {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  /** The process id of the old process. */
  readonly pid: number;
  /**
   * The sockets by the names that the old process gave them. They belong to the caller: `new TCPServer(sock, Handler)` serves one. Close
   * those that are not served, or their clients wait in vain.
   */
  readonly sockets: ReadonlyMap<string, Socket<number>>;
  /** The idle connections that the old process passes, with its data about each; they end when that process has passed all, or ended. */
  readonly connections: AsyncIterableIterator<PassedConnection>;

  readonly #path: string;
  readonly #channel: Channel;
  readonly #timeout: number | null;
  readonly #passed = new PassedConnections();
  readonly #sharings: readonly Sharing[];
  readonly #acknowledged: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (reason: Error) => void = () => {};
  #ready: Promise<void> | undefined;
  #has_taken_over = false;
  /** True once the old process says nothing more. */
  #has_ended = false;

  /** @internal */
  constructor(path: string, channel: Channel, taken: Taken, timeout: number | null) {
    this.pid = taken.pid;
    this.connections = this.#passed;
    this.#path = path;
    this.#channel = channel;
    this.#timeout = timeout;
    const sockets = new Map<string, Socket<number>>();
    for (const [name, fd] of taken.fds) {
      const sock = adopt(fd);
      if (name !== null) sockets.set(name, sock);
      else inherit_listener(path, { sock: from_socket(sock).unref() as ControlSocket, place: taken.place });
    }
    this.sockets = sockets;
    this.#sharings = [...sockets.values()].map(inherit);
    this.#acknowledged = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // ready() rejects with it, if it is called.
    this.#acknowledged.catch(() => {});
    unfinished.add(path);
    channel.sock.unref();
    void this.#listen();
  }

  /** Takes what the old process says, until it ends. */
  async #listen(): Promise<void> {
    for (let is_open = true; is_open; ) {
      try {
        const received = await this.#channel.receive(null);
        is_open = received !== null;
        if (received !== null) this.#take(received);
      } catch (error) {
        // Without descriptors left one connection is lost, and the next may get one.
        const is_lost = error instanceof OSError && error.code === 'EMFILE';
        if (is_lost)
          process.emitWarning(
            `an idle connection of process ${this.pid} was lost: ${error.message}`,
            'RuntimeWarning',
          );
        else {
          this.#reject(error as Error);
          is_open = false;
        }
      }
    }
    this.#has_ended = true;
    // The old process has ended, and with it its part of the sockets.
    for (const sharing of this.#sharings) sharing.predecessors = 0;
    this.#passed.end();
    this.#resolve();
    this.#channel.close();
  }

  #take({ message, fds: [fd], bytes }: Received): void {
    // Only a connection comes with a descriptor.
    if (message.type !== 'connection' && fd !== undefined) close(fd);
    if (message.type === 'yours') this.#resolve();
    else if (message.type === 'refused')
      this.#reject(new Error(`the old process goes on: ${message.reason}`));
    else if (message.type === 'connection' && fd !== undefined)
      this.#passed.add([from_socket(adopt(fd)) as ConnectedSocket<number>, bytes]);
    else throw new ProtocolError('the old process has said what does not belong here');
  }

  /**
   * ready() -> a promise: tells the old process that this one serves, which then ends serving; fulfilled when it knows, or has ended by
   * itself. Call it when the servers serve. See docs/socketserver.md.
   *
   * @throws (rejects) Error if the old process goes on: it waited for longer than its `ready_timeout`, or offers no longer; TimeoutError if
   *   it does not answer
   * @example
   * const predecessor = await take_over('service.sock');
   * const echo = new TCPServer(predecessor?.sockets.get('echo') ?? ['127.0.0.1', 0], EchoHandler);
   * const served = echo.serve_forever();
   * await predecessor?.ready();
   * await echo.server_close();
   * await served;
   */
  ready(): Promise<void> {
    this.#ready ??= this.#tell_ready();
    return this.#ready;
  }

  async #tell_ready(): Promise<void> {
    const { sock } = this.#channel;
    const expired = new AbortController();
    const expiry =
      this.#timeout === null ? undefined : setTimeout(() => expired.abort(), this.#timeout * 1000);
    const late = new Promise<never>((_, reject) => {
      expired.signal.addEventListener('abort', () =>
        reject(new OSError(`process ${this.pid} has not answered within ${this.#timeout} s`)),
      );
    });
    try {
      sock.ref();
      try {
        if (!this.#has_ended) await this.#channel.send({ type: 'ready' }, this.#timeout);
      } catch (error) {
        // It has ended: what it has said before decides.
        if (!is_gone(error)) throw error;
      }
      await Promise.race([this.#acknowledged, late]);
      this.#has_taken_over = true;
      unfinished.delete(this.#path);
    } finally {
      clearTimeout(expiry);
      if (sock.fileno() >= 0) sock.unref();
    }
  }

  /**
   * close(). Gives up: closes the sockets that no server has, and the old process goes on. After ready() it only ends `connections`. See
   * close(2).
   *
   * @throws OSError of close(2)
   * @example
   * const predecessor = await take_over('service.sock');
   * predecessor?.close();
   */
  close(): void {
    if (!this.#has_taken_over) {
      unfinished.delete(this.#path);
      drop_inherited(this.#path);
      for (const sock of this.sockets.values()) sock.close();
      this.#reject(new Error('ready: close() has given up the sockets of the old process'));
    }
    this.#has_ended = true;
    this.#channel.close();
  }
}

/** Connects to the process that offers its sockets at the path. Returns undefined if nobody does. */
async function connect(path: string, deadline: number): Promise<Channel | undefined> {
  for (;;) {
    const sock = new AsyncSocket(AF_UNIX, SOCK_SEQPACKET);
    try {
      await sock.connect(path, { timeout: left(deadline) });
      return new Channel(sock);
    } catch (error) {
      sock.close();
      if (!(error instanceof OSError)) throw error;
      if (error.code === 'ENOENT') return undefined;
      if (error.code === 'ECONNREFUSED') {
        check_socket(path);
        return undefined;
      }
      if (error.code === 'EPROTOTYPE')
        throw new Error(`take_over: who listens at ${shown(path)} offers no handover`, { cause: error });
      // Others connect at this moment.
      if (error.code !== 'EAGAIN' || left(deadline) === 0) throw error;
    }
    await sleep(RETRY_MS);
  }
}

/** Returns the seconds until the deadline; null for none. */
function left(deadline: number): number | null {
  return deadline === Number.POSITIVE_INFINITY ? null : Math.max(0, (deadline - performance.now()) / 1000);
}

/** Asks for the sockets. Returns undefined if the old process has ended meanwhile. @throws (rejects) if it refuses */
async function ask(channel: Channel, deadline: number): Promise<Taken | undefined> {
  const own_uid = process.geteuid?.();
  const uid = channel.peer_uid();
  if (uid !== own_uid)
    throw new PermissionError(`take_over: user ${uid} listens at the path, and not user ${own_uid}`);
  const fds: [string | null, number][] = [];
  let taken: Taken | undefined;
  try {
    await channel.send({ type: 'take', pid: process.pid }, left(deadline));
    for (;;) {
      const received = await channel.receive(left(deadline));
      if (received === null) return undefined;
      const { message } = received;
      if (message.type === 'refused') throw new Error(`take_over: ${message.reason}`);
      if (message.type !== 'sockets') throw new ProtocolError('the old process must send its sockets first');
      message.names.forEach((name, i) => {
        fds.push([name, received.fds[i] as number]);
      });
      if (message.more) continue;
      taken = { pid: message.pid, place: message.place, fds };
      return taken;
    }
  } catch (error) {
    if (is_gone(error)) return undefined;
    throw error;
  } finally {
    if (taken === undefined) for (const [, fd] of fds) close(fd);
  }
}

/**
 * take_over(path, { timeout = 10 }) -> the old process, with its sockets; null if no process offers them at the path, which is a first
 * start. The servers are made on `predecessor.sockets`, in place of addresses, and `predecessor.ready()` is called when they serve. The
 * old process serves until then, and goes on if this one ends before. See docs/socketserver.md, unix(7).
 *
 * @param path of the control socket: that of offer_handover()
 * @param options `timeout`: seconds that the old process may take to answer
 * @returns the old process, or null
 * @throws (rejects) Error if another successor was first, if the old process is ending, or if it hands over by another version of this
 *   library; PermissionError if the process there is of another user; TimeoutError; OSError EEXIST if the path is no socket; TypeError,
 *   RangeError
 * @example
 * const predecessor = await take_over('service.sock');
 * const echo = new TCPServer(predecessor?.sockets.get('echo') ?? ['127.0.0.1', 0], EchoHandler);
 * console.log(predecessor); // null
 * await predecessor?.ready();
 * await echo.server_close();
 */
export async function take_over(path: string, options: TakeOverOptions = {}): Promise<Predecessor | null> {
  const absolute = control_path(path);
  const { timeout = TIMEOUT } = options_of(options, ['timeout']);
  const limit = seconds(timeout, 'timeout');
  if (is_taking_over(absolute))
    throw new Error(`take_over: this process takes over from ${shown(path)} already`);
  const deadline = limit === null ? Number.POSITIVE_INFINITY : performance.now() + limit * 1000;
  for (;;) {
    const channel = await connect(absolute, deadline);
    if (channel === undefined) return null;
    try {
      const taken = await ask(channel, deadline);
      if (taken !== undefined) {
        take_watchdog_of(taken.pid);
        return new Predecessor(absolute, channel, taken, limit);
      }
    } catch (error) {
      channel.close();
      throw error;
    }
    // The old process has ended. If another one has its place, it answers.
    channel.close();
    await sleep(RETRY_MS);
  }
}
