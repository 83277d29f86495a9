// ThreadingMixIn and ForkingMixIn: servers whose requests are handled by worker threads or child processes, and Python's
// pre-defined combinations. A server creates its pool (pool/) when it first needs it, and ends it in server_close().
import type { SocketBase } from '../calls/socket_base.js';
import type * as c from '../constants.js';
import { AF_UNIX, SHUT_RDWR, SOCK_DGRAM } from '../constants.js';
import { OSError } from '../errors/index.js';
import { addon } from '../native/addon.js';
import type { socket as Socket } from '../socket/index.js';
import { unless_aborted } from '../util/deadline.js';
import { integer, timeout as seconds } from '../util/validate.js';
import { class_attributes, is_overridden } from './attributes.js';
import { BaseServer } from './base.js';
import { is_scarcity, pause } from './listener/scarcity.js';
import { is_lost } from './listener/served_socket.js';
import { DEFAULT_WORKERS, MAX_WORKERS } from './options.js';
import { check_permission } from './pool/permission.js';
import { Pool } from './pool/pool.js';
import { locate_handler } from './pool/source.js';
import type {
  ForkingAttributes,
  ForkingMembers,
  PooledServerClass,
  ThreadingAttributes,
  ThreadingMembers,
} from './pooled_types.js';
import type { ServerClass } from './server_types.js';
import { TCPServer, UDPServer, UnixDatagramServer, UnixStreamServer } from './servers.js';
import { backlog_of, type ServerStatistics } from './watch/statistics.js';
import { PoolWatch, type Watch } from './watch/watch.js';
import { tell_event } from './watch/worker_events.js';

/** The parent class as a mix-in sees it. */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript requires it in the constructor of a mix-in
type Parent = new (...args: any[]) => TCPServer<number, unknown, unknown, Socket<number>, unknown>;

const pools = new WeakMap<object, Pool>();
/** The pools whose counts servers tell, also when they are closed. */
const counted = new WeakMap<object, Pool>();

/** Ends listening for all holders of the socket, and the connections that wait. */
function end_listening(listener: SocketBase): void {
  try {
    listener._shutdown(SHUT_RDWR);
  } catch (error) {
    // The program has closed it, or the family knows no shutdown of a listener.
    if (!(error instanceof OSError)) throw error;
    return;
  }
  // On AF_UNIX the connections that wait would stay until the last holder has closed the socket. None comes any more.
  if (listener.family !== AF_UNIX) return;
  for (let fd = 0; fd >= 0; ) {
    fd = addon.accept4(listener._fd, listener._generation, 0, 0);
    if (fd >= 0) addon.close_fd(fd);
  }
}

/** Returns the pool of a server; undefined if descriptors or memory are too scarce to make it. */
function try_pool(server: { _pool(): Pool }): Pool | undefined {
  try {
    return server._pool();
  } catch (error) {
    if (!is_scarcity(error)) throw error;
    return undefined;
  }
}

/** Hooks that run before a worker gets the request. If one is overridden, hooks are called on the server in Python's order. */
const BEFORE_WORKERS = ['get_request', 'verify_request', 'process_request', 'service_actions'];

function pooled(Server: Parent, kind: 'thread' | 'process') {
  class Pooled extends Server {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    constructor(...args: any[]) {
      super(...args);
      try {
        check_permission(this.constructor.name, kind);
        locate_handler(this.RequestHandlerClass);
        for (const name of this._overridden_in_workers()) {
          throw new TypeError(
            `${this.constructor.name} overrides ${name}(), which would have to run in its workers: ` +
              'give the handler what it needs by worker_data',
          );
        }
      } catch (error) {
        this.socket.close();
        throw error;
      }
    }

    /** Returns the overridden hooks that would run in workers, which do not have the server's class. @internal */
    _overridden_in_workers(): string[] {
      return ['finish_request'].filter((name) => is_overridden(this, name, [BaseServer]));
    }

    /** Returns the largest number of workers. @internal */
    _max_workers(): number {
      return 1;
    }

    /** Returns whether server_close() waits for requests under way. @internal */
    _waits_on_close(): boolean {
      return true;
    }

    /**
     * Returns whether a hook must see requests before a worker does. If none must, the pool takes requests by itself.
     *
     * @internal
     */
    _sees_requests(): boolean {
      const plain = [BaseServer, TCPServer, UDPServer, Pooled];
      return BEFORE_WORKERS.some((name) => is_overridden(this, name, plain));
    }

    /** @internal */
    _pool(): Pool {
      const existing = pools.get(this);
      if (existing !== undefined) return existing;
      const pool = new Pool(
        {
          kind,
          server_name: this.constructor.name,
          handler: locate_handler(this.RequestHandlerClass),
          server_address: this.server_address,
          worker_data: this.worker_data,
          max_packet_size:
            this instanceof UDPServer ? integer(this.max_packet_size, 'max_packet_size', 1, 65_536) : 0,
          has_packet_info: this instanceof UDPServer && this._has_packet_info,
          print_errors: !is_overridden(this, 'handle_error', [BaseServer]),
          admission: this._admission_config,
          request_context: this._options.request_context === true,
          handler_timeout_ms: (seconds(this._options.handler_timeout, 'handler_timeout') ?? 0) * 1000,
          max_workers: integer(
            this._max_workers(),
            kind === 'thread' ? 'max_threads' : 'max_children',
            1,
            MAX_WORKERS,
          ),
          socket: this.socket,
        },
        {
          on_error: (client_address, error) => this.handle_error(null, client_address, error),
          // A shutdown that came too late does not concern the next serve_forever().
          on_shutdown: (drain) => this._is_serving && void this.shutdown({ drain }),
          on_children: (pids) => this._children(pids),
          on_event: (event) => tell_event(this._watch, event),
          on_scarce: (code) =>
            this._warn_of_scarcity(code, kind === 'process' ? 'a child process' : undefined),
        },
      );
      pools.set(this, pool);
      counted.set(this, pool);
      return pool;
    }

    /** @internal */
    override _make_watch(): Watch {
      return new PoolWatch(this);
    }

    /** @internal */
    override get _active(): number {
      return counted.get(this)?.counts().active ?? 0;
    }

    override statistics(): ServerStatistics {
      const own = this._watch.counts();
      const counts = counted.get(this)?.counts() ?? { ...own, workers: 0 };
      const { verify_request } = own.refused;
      const accepted = counts.accepted + verify_request;
      return {
        ...counts,
        accepted,
        refused: { ...counts.refused, verify_request },
        ...backlog_of(this.socket),
      };
    }

    /** @internal */
    override _leave(): void {}

    /** @internal */
    override _failed(): void {}

    /** @internal */
    _children(_pids: readonly number[]): void {}

    /** @internal */
    override async _serve(stop: AbortSignal, poll_interval: number): Promise<void> {
      let pool = try_pool(this);
      for (; pool === undefined; pool = try_pool(this)) {
        if (stop.aborted) return;
        await pause(stop);
      }
      // Throws EBADF if the socket is closed, as it is after draining.
      this.socket.getsockname();
      pool.hold();
      try {
        if (this._sees_requests()) await super._serve(stop, poll_interval);
        else await pool.accept(stop);
      } finally {
        pool.release();
        this._stay_until_idle(pool);
      }
    }

    /** @internal */
    override async _drain(drain: number): Promise<void> {
      const end = performance.now() + drain * 1000;
      const pool = this._pool();
      pool.hold();
      try {
        if (this._sees_requests()) await super._drain(drain);
        else {
          this._refuse();
          if (!this._is_handed_over()) await pool.rest(drain * 1000);
          this._unlisten();
        }
        await pool.unlisten();
        await pool.drain(Math.max(0, end - performance.now()));
      } finally {
        pool.release();
      }
    }

    /** Ends listening: child processes that are busy have duplicates of the socket. @internal */
    override _unlisten(): void {
      const has_duplicates = kind === 'process' && pools.has(this);
      if (
        has_duplicates &&
        this.socket_type !== SOCK_DGRAM &&
        !this._sharing.is_shared &&
        !is_lost(this.socket)
      )
        end_listening(this.socket);
      super._unlisten();
    }

    /** @internal */
    override async _request_comes(stop: AbortSignal, timeout_ms: number): Promise<boolean> {
      await unless_aborted(this._pool().room(), stop);
      return super._request_comes(stop, timeout_ms);
    }

    /** Keeps the process alive until the requests under way are finished. @internal */
    _stay_until_idle(pool: Pool): void {
      if (!this._waits_on_close()) return;
      pool.hold();
      const release = () => pool.release();
      pool.drain(-1).then(release, release);
    }

    /** Leaves it to the worker: a client that keeps it waiting must not stop the server. @internal */
    override _admit(_request: unknown, client_address: unknown): unknown {
      return client_address;
    }

    /** process_request(request, client_address). Hands the request to the workers, and waits before that if too many wait for one. */
    override process_request(request: unknown, client_address: unknown): void {
      const pool = this._pool();
      pool.dispatch(request, client_address);
      this.close_request(request);
      if (!this._is_serving) this._stay_until_idle(pool);
    }

    /**
     * server_close() -> a promise. Ends serve_forever(), if it runs, closes the socket and ends the workers. Waits for
     * requests under way, unless daemon_threads is true or block_on_close is false.
     */
    override async server_close(): Promise<void> {
      await super.server_close();
      const pool = pools.get(this);
      if (pool === undefined) return;
      pools.delete(this);
      pool.hold();
      try {
        // At once: clients must not wait for the requests under way, to be reset then. A pool that has failed cannot.
        await pool.unlisten().catch(() => {});
        const closed = pool.close();
        if (this._waits_on_close()) await closed;
        else closed.catch(() => {});
      } finally {
        pool.release();
      }
    }
  }
  return Pooled;
}

/**
 * ThreadingMixIn(Server) -> a class whose requests are handled by worker threads, in parallel. See Python's socketserver.ThreadingMixIn.
 *
 * @param Server TCPServer, UDPServer, UnixStreamServer, UnixDatagramServer, or a class of one's own that extends one
 * @returns the class, to be extended or used
 * @throws TypeError if Server is no class of servers, or has a mix-in already
 * @example
 * class Mine extends ThreadingMixIn(UDPServer) {
 *   static override max_threads = 8;
 * }
 */
export function ThreadingMixIn<Base extends ServerClass>(
  Server: Base,
): PooledServerClass<Base, ThreadingAttributes, ThreadingMembers> {
  class Threading extends pooled(Server as ServerClass as Parent, 'thread') {
    static daemon_threads = false;
    static block_on_close = true;
    static max_threads = DEFAULT_WORKERS;

    declare daemon_threads: boolean;
    declare block_on_close: boolean;
    declare max_threads: number;

    process_request_thread(request: unknown, client_address: unknown): void {
      try {
        this.finish_request(request, client_address);
      } catch (error) {
        this.handle_error(request, client_address, error);
      } finally {
        this.shutdown_request(request);
      }
    }

    override _overridden_in_workers(): string[] {
      const own = ['process_request_thread'].filter((name) => is_overridden(this, name, [Threading]));
      return [...super._overridden_in_workers(), ...own];
    }

    override _max_workers(): number {
      return this._options.max_threads ?? this.max_threads;
    }

    override _waits_on_close(): boolean {
      return this.block_on_close && !this.daemon_threads;
    }
  }
  class_attributes(Threading, ['daemon_threads', 'block_on_close', 'max_threads']);
  return Threading as unknown as PooledServerClass<Base, ThreadingAttributes, ThreadingMembers>;
}

/**
 * ForkingMixIn(Server) -> a class whose requests are handled by child processes, which are kept and used again. See Python's
 * socketserver.ForkingMixIn.
 *
 * @param Server TCPServer, UDPServer, UnixStreamServer, UnixDatagramServer, or a class of one's own that extends one
 * @returns the class, to be extended or used
 * @throws TypeError if Server is no class of servers, or has a mix-in already
 * @example
 * class Mine extends ForkingMixIn(UDPServer) {
 *   static override max_children = 8;
 * }
 */
export function ForkingMixIn<Base extends ServerClass>(
  Server: Base,
): PooledServerClass<Base, ForkingAttributes, ForkingMembers> {
  class Forking extends pooled(Server as ServerClass as Parent, 'process') {
    static timeout: number | null = 300;
    static active_children: Set<number> | null = null;
    static max_children = DEFAULT_WORKERS;
    static block_on_close = true;

    declare active_children: Set<number> | null;
    declare max_children: number;
    declare block_on_close: boolean;

    override _max_workers(): number {
      return this._options.max_children ?? this.max_children;
    }

    override _waits_on_close(): boolean {
      return this.block_on_close;
    }

    override _children(pids: readonly number[]): void {
      this.active_children = new Set(pids);
    }

    collect_children(): void {}

    override handle_timeout(): void {
      this.collect_children();
    }
  }
  class_attributes(Forking, ['active_children', 'max_children', 'block_on_close']);
  return Forking as unknown as PooledServerClass<Base, ForkingAttributes, ForkingMembers>;
}

/** A TCPServer whose requests are handled by worker threads: ThreadingMixIn(TCPServer). */
export class ThreadingTCPServer<F extends number = typeof c.AF_INET, Data = unknown> extends ThreadingMixIn(
  TCPServer,
)<F, Data> {}
/** A UDPServer whose requests are handled by worker threads: ThreadingMixIn(UDPServer). */
export class ThreadingUDPServer<F extends number = typeof c.AF_INET, Data = unknown> extends ThreadingMixIn(
  UDPServer,
)<F, Data> {}
/** A UnixStreamServer whose requests are handled by worker threads: ThreadingMixIn(UnixStreamServer). */
export class ThreadingUnixStreamServer<Data = unknown> extends ThreadingMixIn(UnixStreamServer)<
  typeof c.AF_UNIX,
  Data
> {}
/** A UnixDatagramServer whose requests are handled by worker threads: ThreadingMixIn(UnixDatagramServer). */
export class ThreadingUnixDatagramServer<Data = unknown> extends ThreadingMixIn(UnixDatagramServer)<
  typeof c.AF_UNIX,
  Data
> {}
/** A TCPServer whose requests are handled by child processes: ForkingMixIn(TCPServer). */
export class ForkingTCPServer<F extends number = typeof c.AF_INET, Data = unknown> extends ForkingMixIn(
  TCPServer,
)<F, Data> {}
/** A UDPServer whose requests are handled by child processes: ForkingMixIn(UDPServer). */
export class ForkingUDPServer<F extends number = typeof c.AF_INET, Data = unknown> extends ForkingMixIn(
  UDPServer,
)<F, Data> {}
/** A UnixStreamServer whose requests are handled by child processes: ForkingMixIn(UnixStreamServer). */
export class ForkingUnixStreamServer<Data = unknown> extends ForkingMixIn(UnixStreamServer)<
  typeof c.AF_UNIX,
  Data
> {}
/** A UnixDatagramServer whose requests are handled by child processes: ForkingMixIn(UnixDatagramServer). */
export class ForkingUnixDatagramServer<Data = unknown> extends ForkingMixIn(UnixDatagramServer)<
  typeof c.AF_UNIX,
  Data
> {}
