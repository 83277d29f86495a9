// AsyncMixIn: servers whose requests are all handled on the event loop of the thread that serves, and the pre-defined
// combinations. The server's socket and those of requests are sockets of promises; hooks and their order are BaseServer's.
//
// Requests are taken in batches, many for one wake-up. The handling of each is a promise that is not awaited: requests.ts counts
// the requests under way.
import { constants } from 'node:os';
import { SocketBase } from '../../calls/socket_base.js';
import { next_turn } from '../../calls/waiting/readiness.js';
import * as c from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { from_socket, socket as Socket } from '../../promises/index.js';
import { socket as BlockingSocket } from '../../socket/index.js';
import { abort_after, listen, unlisten } from '../../util/deadline.js';
import { integer, timeout as seconds, shown } from '../../util/validate.js';
import { RequestRefused } from '../admission/refused.js';
import { class_attributes, is_overridden } from '../attributes.js';
import { BaseServer } from '../base.js';
import { run_constructed_async } from '../constructed.js';
import { drain_of, type ShutdownOptions } from '../handlers.js';
import { counts_bytes, IdleWatch } from '../limits/idle.js';
import { is_scarce, PAUSE_MS } from '../listener/scarcity.js';
import { check_not_ended } from '../listener/socket_wait.js';
import type { ServerOptions } from '../options.js';
import { print_error } from '../report.js';
import type { ServerClass } from '../server_types.js';
import { TCPServer, UDPServer, UnixDatagramServer, UnixStreamServer } from '../servers.js';
import { HandshakeError, ServerTls } from '../tls/tls.js';
import { NOT_VERIFIED } from '../watch/watch.js';
import {
  type Arrived,
  type ClientAddress,
  is_nothing_there,
  next_arrival,
  type Request,
  type Taking,
  take_arrivals,
} from './arrivals.js';
import { ASYNC_FILES } from './files.js';
import { Requests, type UnderWay } from './requests.js';
import { run_handler } from './run_handler.js';
import type { AsyncServerClass, Ssl } from './types.js';

const { EBADF, ECANCELED, EINVAL, ENOTSOCK, EOPNOTSUPP } = constants.errno;
/** Errors of the server's socket and not of a request, after which no request will come. */
const FATAL = new Set<number | undefined>([EBADF, ECANCELED, EINVAL, ENOTSOCK, EOPNOTSUPP]);
/** Requests that are taken without a turn of the event loop. */
const BATCH = 64;
/** Milliseconds that hooks may take for requests that were ended. */
const HOOKS_MS = 1000;

/** The parent class, typed with sockets of promises: _open() below makes the only socket. */
type Parent = new (
  // biome-ignore lint/suspicious/noExplicitAny: TypeScript requires it in the constructor of a mix-in
  ...args: any[]
) => TCPServer<number, unknown, Request, Socket<number>, ClientAddress>;

function check_base(Server: unknown): void {
  const is_server =
    typeof Server === 'function' && (Server === TCPServer || Server.prototype instanceof TCPServer);
  if (!is_server) throw new TypeError(`AsyncMixIn takes a class of servers, not ${shown(Server)}`);
  if (Reflect.has(Server.prototype, '_pool') || Reflect.has(Server.prototype, 'block_on_close')) {
    throw new TypeError(`AsyncMixIn takes a class without another mix-in, not ${Server.name}`);
  }
}

/**
 * AsyncMixIn(Server) -> a class whose requests are handled on the event loop, any number at the same time, by handlers whose methods are
 * async. Beyond Python's socketserver, beside asyncio.
 *
 * @param Server TCPServer, UDPServer, UnixStreamServer, UnixDatagramServer, or a class of one's own that extends one
 * @returns the class, to be extended or used
 * @throws TypeError if Server is no class of servers, or has a mix-in already
 * @example
 * class Mine extends AsyncMixIn(UDPServer) {
 *   static override max_handlers = 1000;
 * }
 */
export function AsyncMixIn<Base extends ServerClass>(Server: Base): AsyncServerClass<Base> {
  check_base(Server);
  // The types that differ from the parent's are in types.ts.
  class Async extends (Server as unknown as Parent) {
    /** True to have server_close() wait for requests under way. */
    static block_on_close = true;
    /** The largest number of requests under way; null: no limit. */
    static max_handlers: number | null = null;

    declare block_on_close: boolean;
    declare max_handlers: number | null;

    #requests: Requests | undefined;
    #idle: IdleWatch | undefined;
    /** Errors of hooks: serve_forever() rejects with the first. */
    #failures: unknown[] = [];
    /** Requests that were ended, whose handlers may go on. */
    readonly #ended_early = new WeakSet<Request>();
    /** Aborts when the time to drain has passed. */
    #draining: AbortController | undefined;

    override _open(given: unknown): Socket<number> {
      if (given instanceof Socket) return given;
      if (given instanceof BlockingSocket) return from_socket(given);
      if (given instanceof SocketBase) throw new TypeError(`server_address: ${given} cannot be served`);
      return new Socket<number>(this.address_family, this.socket_type);
    }

    override _make_tls(options: ServerOptions): ServerTls {
      // Called by the constructor, before this class has its private members.
      return this instanceof UDPServer ? super._make_tls(options) : new ServerTls(options);
    }

    /** Created with the first request, because attributes can be set until then. */
    get #under_way(): Requests {
      const limit = seconds(this._options.handler_timeout, 'handler_timeout') ?? 0;
      this.#requests ??= new Requests(limit * 1000, () => {
        this._watch.timed_out.handler_timeout++;
        return this.#ended(`took longer than handler_timeout, ${limit} s`);
      });
      return this.#requests;
    }

    /** Watches a connection for idle_timeout. Returns a function that ends this; undefined if the socket's time-out does it. */
    #watch_idle(request: Request, under_way: UnderWay): (() => void) | undefined {
      const limit = this._admission?.limits?.config.idle_timeout;
      if (limit === undefined || !(request instanceof Socket)) return undefined;
      if (!counts_bytes(request)) {
        request.settimeout(limit);
        return undefined;
      }
      this.#idle ??= new IdleWatch(limit);
      const idle = this.#idle;
      idle.add(request, () => {
        this._watch.timed_out.idle_timeout++;
        under_way.end(this.#ended(`waited for its client for longer than idle_timeout, ${limit} s`));
      });
      return () => idle.remove(request);
    }

    #ended(how: string): Error {
      return new Error(`${this.RequestHandlerClass.name || 'the handler'} ${how}`);
    }

    get #is_datagram(): boolean {
      return this instanceof UDPServer;
    }

    override async _serve(stop: AbortSignal, poll_interval: number): Promise<void> {
      this.#failures = [];
      // The caller gets its promise first: the first request may call shutdown().
      await next_turn();
      const acts = is_overridden(this, 'service_actions', [BaseServer]);
      // Keeps one listener on the signal, in place of a new one for each wake-up.
      const waiter = { on_abort() {} };
      listen(stop, waiter);
      try {
        await this.#take_requests({ signal: stop, timeout: acts ? poll_interval : null }, () => {
          if (acts) this.service_actions();
        });
      } finally {
        unlisten(stop, waiter);
      }
      if (this.#failures.length > 0) throw this.#failures[0];
    }

    /**
     * Takes requests and begins to handle them.
     *
     * @param acts called after each batch, and if no request came in time
     * @throws (rejects) OSError if no request will ever come; any error of get_request() that is no OSError
     */
    async #take_requests(taking: Taking, acts: () => void): Promise<void> {
      const { signal } = taking;
      const limit = this.#limit;
      const requests = this.#under_way;
      let in_turn = 0;
      while (!signal?.aborted) {
        await requests.fewer_handled_than(limit, signal);
        let arrived: Arrived[] = [];
        try {
          arrived = await take_arrivals(this, Math.min(BATCH, limit - requests.handled), taking);
        } catch (error) {
          if (signal?.aborted) return;
          // A server that drains may have shut the listener down itself.
          const ends = taking.timeout === 0 && error instanceof OSError && error.errno === EINVAL;
          if (ends || is_nothing_there(error)) {
            if (taking.timeout === 0) return;
            check_not_ended(this.socket, 'serve_forever');
          } else if (!(error instanceof OSError) || FATAL.has(error.errno)) throw error;
          // A request that ends may free a descriptor or memory.
          else if (is_scarce(error.errno ?? 0)) {
            this._warn_of_scarcity(error.code);
            await requests.fewer_within(requests.count, PAUSE_MS);
          }
          // Any other error is of a request that its client has given up, such as ECONNABORTED.
          in_turn = BATCH;
        }
        for (const [request, client_address] of arrived) this.#begin(request, client_address);
        acts();
        in_turn += arrived.length;
        if (in_turn < BATCH) continue;
        in_turn = 0;
        await next_turn();
      }
    }

    /** The largest number of requests that are handled at the same time. */
    get #limit(): number {
      const { MAX_SAFE_INTEGER } = Number;
      const limit = this._options.max_handlers ?? this.max_handlers ?? MAX_SAFE_INTEGER;
      return integer(limit, 'max_handlers', 1, MAX_SAFE_INTEGER);
    }

    override _get_request(): Arrived {
      const next = next_arrival(this);
      return typeof next === 'number'
        ? this.socket._raise(next, this.#is_datagram ? 'recvfrom' : 'accept')
        : next;
    }

    /** Begins to handle a request. The handling is not awaited: an error of a hook ends serve_forever(). */
    #begin(request: Request, client_address: ClientAddress): void {
      this.#handle(request, client_address).catch((error: unknown) => {
        if (this._serving === undefined) {
          print_error(client_address, error);
          return;
        }
        this.#failures.push(error);
        this._serving.stop.abort();
      });
    }

    /** Handles a request from verify_request() to shutdown_request(). @throws (rejects) the error of a hook */
    async #handle(arrived: Request, peer_address: ClientAddress): Promise<void> {
      let request = arrived;
      let client_address = peer_address;
      const is_admitted = this._admission === undefined && this._tls === undefined;
      const admission = is_admitted ? undefined : new AbortController();
      const under_way = this.#under_way.begin(() => {
        admission?.abort(under_way.reason);
        this.#ended_early.add(request);
        close_now(request);
      }, is_admitted);
      let end_idle: (() => void) | undefined;
      const watch = this._watch;
      watch.arrived(peer_address);
      try {
        if (admission !== undefined) {
          try {
            client_address = (await this._admission?.admit_async(request, peer_address)) ?? peer_address;
            if (this._tls !== undefined) request = await this._tls.admit(request, admission.signal);
          } catch (error) {
            if (!(error instanceof RequestRefused)) throw error;
            watch.refused(client_address, error);
            this._turn_away(request, error);
            if (error instanceof HandshakeError)
              await this.handle_error(request, client_address, error.cause);
            return;
          }
          await this.#under_way.admit(under_way, this.#limit, admission.signal);
          end_idle = this.#watch_idle(request, under_way);
        }
        let verified: boolean | Promise<boolean> = this.verify_request(request, client_address);
        if (typeof verified !== 'boolean') verified = await verified;
        if (!verified) {
          watch.refused(client_address, NOT_VERIFIED);
          await this.shutdown_request(request);
          return;
        }
        const watched = watch.begin(client_address);
        try {
          if (under_way.reason !== undefined) throw under_way.reason;
          await under_way.wait(
            this._in_context(watched, () => this.process_request(request, client_address)),
          );
          watch.end(watched);
        } catch (error) {
          this._failed(watched, error);
          try {
            await this.handle_error(request, client_address, error);
          } finally {
            await this.shutdown_request(request);
          }
        }
      } catch (error) {
        close_now(request);
        throw error;
      } finally {
        end_idle?.();
        // The limits know the connection that arrived, not the one over TLS.
        this._leave(arrived);
        this.#under_way.finish(under_way);
      }
    }

    override async process_request(request: Request, client_address: ClientAddress): Promise<void> {
      const finish = () => this.finish_request(request, client_address);
      if (!is_overridden(this, 'finish_request', [BaseServer])) await finish();
      else await run_constructed_async(request, ASYNC_FILES, finish);
      // If the request was ended early, shutdown_request() was called then.
      if (!this.#ended_early.has(request)) await this.shutdown_request(request);
    }

    override _finish_request(request: Request, client_address: ClientAddress): Promise<void> {
      return run_handler(this.RequestHandlerClass, request, client_address, this);
    }

    override async _shutdown_request(request: Request): Promise<void> {
      if (request instanceof Socket && request.fileno() >= 0) {
        try {
          await request.shutdown(c.SHUT_WR, this._tls?.shutdown_options);
        } catch (error) {
          // ENOTCONN: the client has gone.
          if (!(error instanceof OSError)) throw error;
        }
      }
      this.close_request(request);
    }

    override async handle_request(): Promise<void> {
      if (this._is_serving) throw new Error('handle_request() while serve_forever() is running');
      let arrived: Arrived | undefined;
      try {
        [arrived] = await take_arrivals(this, 1, { timeout: this._request_timeout() });
      } catch (error) {
        if (is_nothing_there(error)) await this.handle_timeout();
        else if (!(error instanceof OSError) || FATAL.has(error.errno)) throw error;
      }
      if (arrived !== undefined) await this.#handle(...arrived);
    }

    override async shutdown(options?: ShutdownOptions): Promise<void> {
      const drain = drain_of(options);
      const serving = this._serving;
      // A second shutdown({ drain }) can only shorten the deadline, also while the server drains.
      if (drain !== undefined && serving !== undefined)
        serving.drain = Math.min(drain, serving.drain ?? drain);
      if (drain !== undefined && this.#draining !== undefined)
        abort_after(this.#draining, drain * 1000).ref();
      await super.shutdown(options);
      if (drain !== undefined && serving === undefined && this.#under_way.count > 0)
        await this.#finish_requests(drain);
    }

    override get _active(): number {
      return this.#under_way.count;
    }

    override async _drain(drain: number): Promise<void> {
      await this.#finish_requests(drain);
      if (this.#failures.length > 0) throw this.#failures[0];
    }

    /** Takes the requests that wait, and lets all requests under way finish within `drain` seconds. Then it ends the rest. */
    async #finish_requests(drain: number): Promise<void> {
      const requests = this.#under_way;
      const end = new AbortController();
      const timer = abort_after(end, drain * 1000).ref();
      this.#draining = end;
      try {
        if (this.socket.fileno() >= 0) {
          this._refuse();
          if (!this._is_handed_over())
            await this.#take_requests({ signal: end.signal, timeout: 0 }, () => {});
          this._unlisten();
        }
        await requests.fewer_than(1, end.signal);
      } finally {
        this.#draining = undefined;
        timer.cancel();
      }
      if (requests.count === 0) return;
      requests.end_all(() => this.#ended('was cut off: the server drained'));
      await requests.fewer_within(1, HOOKS_MS);
    }

    override async server_close(): Promise<void> {
      const stopping = this._stop_serving();
      if (stopping !== undefined) await stopping;
      const requests = this.#requests;
      requests?.end_admissions(() => this.#ended('did not begin: the server was closed'));
      // Datagrams are answered by the server's own socket.
      const waits = requests !== undefined && this.block_on_close;
      if (waits && this.#is_datagram && requests.count > 0) await requests.fewer_than(1);
      await super.server_close();
      if (waits) await requests.fewer_than(1);
    }
  }
  class_attributes(Async, ['block_on_close', 'max_handlers']);
  return Async as unknown as AsyncServerClass<Base>;
}

/** Closes a connection even if files of it are open. Calls that wait on the connection reject. */
function close_now(request: Request): void {
  if (!(request instanceof Socket)) return;
  request.close();
  request._close();
}

/** A TCPServer whose requests are handled on the event loop: AsyncMixIn(TCPServer). */
export class AsyncTCPServer<
  F extends number = typeof c.AF_INET,
  Data = unknown,
  S extends Ssl = undefined,
> extends AsyncMixIn(TCPServer)<F, Data, S> {}
/** A UDPServer whose requests are handled on the event loop: AsyncMixIn(UDPServer). */
export class AsyncUDPServer<F extends number = typeof c.AF_INET, Data = unknown> extends AsyncMixIn(
  UDPServer,
)<F, Data> {}
/** A UnixStreamServer whose requests are handled on the event loop: AsyncMixIn(UnixStreamServer). */
export class AsyncUnixStreamServer<Data = unknown, S extends Ssl = undefined> extends AsyncMixIn(
  UnixStreamServer,
)<typeof c.AF_UNIX, Data, S> {}
/** A UnixDatagramServer whose requests are handled on the event loop: AsyncMixIn(UnixDatagramServer). */
export class AsyncUnixDatagramServer<Data = unknown> extends AsyncMixIn(UnixDatagramServer)<
  typeof c.AF_UNIX,
  Data
> {}
