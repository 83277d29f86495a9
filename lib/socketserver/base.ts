// BaseServer: the life of a server, and the hooks it calls, in Python's order. Sockets and their options are in servers.ts.
//
// serve_forever() waits on the event loop and is a promise; handle_request() blocks, as in Python.
import { constants } from 'node:os';
import type { SocketBase } from '../calls/socket_base.js';
import { next_turn } from '../calls/waiting/readiness.js';
import { errno_code } from '../errors/errno.js';
import { raise } from '../errors/raise.js';
import { abort_after, Deadline } from '../util/deadline.js';
import { UNCLONABLE } from '../util/unclonable.js';
import { timeout as seconds, to_timeout_ms } from '../util/validate.js';
import type { RequestRefused } from './admission/refused.js';
import { class_attributes, is_overridden, show_by_address } from './attributes.js';
import { run_constructed } from './constructed.js';
import {
  check_handler_class,
  drain_of,
  type RequestHandlerClass,
  run_handler,
  type ShutdownOptions,
} from './handlers.js';
import { handle_next } from './handling.js';
import { DRAIN_LIMIT } from './listener/refuse.js';
import { is_scarce, note_limit, pause, warn_of_scarcity } from './listener/scarcity.js';
import { is_lost, note_identity, watch_end } from './listener/served_socket.js';
import { check_not_ended, is_readable, readable, restore_flags } from './listener/socket_wait.js';
import { print_error } from './report.js';
import { resolvable, type Serving } from './serving.js';
import { Announcements } from './systemd/notify.js';
import { Watch, type WatchedRequest } from './watch/watch.js';
import { refuse_server_in_worker } from './worker_state.js';

const { EAGAIN, EBADF, EINVAL } = constants.errno;
/**
 * The methods that all servers have; a base for servers of one's own. See Python's socketserver.BaseServer. In the examples `server` is a
 * TCPServer whose handler sends one line back.
 */
export class BaseServer<Request = unknown, ClientAddress = unknown, ServerAddress = unknown> {
  /** Seconds that handle_request() waits for a request before it calls handle_timeout(); null: no limit. */
  static timeout: number | null = null;

  /** @internal */ readonly _unclonable = UNCLONABLE;
  /** Seconds that handle_request() waits for a request before it calls handle_timeout(); null: no limit. */
  declare timeout: number | null;
  /** The address the server listens on. */
  server_address: ServerAddress;
  /** The class whose objects handle requests. */
  RequestHandlerClass: RequestHandlerClass;
  /** The socket that receives requests. */
  declare socket: SocketBase<number>;

  /** Counts and tells what happens. @internal */
  readonly _watch: Watch = this._make_watch();
  /** @internal */
  _serving: Serving | undefined;
  /** Options of a shutdown() that was called before serve_forever(). @internal */
  _early: ShutdownOptions | undefined;

  /**
   * BaseServer(server_address, RequestHandlerClass)
   *
   * @throws TypeError if RequestHandlerClass is no class; Error in a worker that imports its handler: see is_main
   */
  constructor(server_address: ServerAddress, RequestHandlerClass: RequestHandlerClass) {
    refuse_server_in_worker(new.target.name);
    check_handler_class(RequestHandlerClass);
    this.server_address = server_address;
    this.RequestHandlerClass = RequestHandlerClass;
  }

  /**
   * server_activate(). Called by the constructor. Begins to receive requests; here nothing. See Python's
   * socketserver.BaseServer.server_activate.
   *
   * @throws what a sub-class throws, as OSError of listen(2)
   * @example
   * const server = new TCPServer(['127.0.0.1', 0], EchoHandler, { bind_and_activate: false });
   * server.server_bind();
   * server.server_activate();
   */
  server_activate(): void {}

  /**
   * serve_forever(poll_interval = 0.5) -> a promise: handles requests until shutdown(). The event loop stays alive and goes on between
   * requests. `timeout` is ignored. See Python's socketserver.BaseServer.serve_forever.
   *
   * @param poll_interval seconds without a request after which service_actions() is called
   * @throws (rejects) an error of a hook, unless it is one of handling a request; OSError if the socket is closed (EBADF) or shut down
   *   (EINVAL) meanwhile; also if other code closes its descriptor, which is noticed within half a second
   * @example
   * setTimeout(() => server.shutdown(), 10);
   * await server.serve_forever();
   */
  async serve_forever(poll_interval = 0.5): Promise<void> {
    const interval = seconds(poll_interval, 'poll_interval') ?? 0.5;
    if (this._serving !== undefined) throw new Error('serve_forever() is running already');
    this._warn_of_late_attributes();
    note_limit();
    const stop = new AbortController();
    const [done, resolve_done] = resolvable();
    const serving: Serving = { stop, done, drain: this._early?.drain, is_scarce: false };
    if (this._early !== undefined) stop.abort();
    this._early = undefined;
    this._serving = serving;
    const { socket } = this;
    let is_closed = false;
    const release = () => {
      is_closed = !stop.signal.aborted;
      stop.abort();
    };
    const end_watch = watch_end(socket, release);
    const announcements = this._announces() ? new Announcements() : undefined;
    try {
      await this._serve(stop.signal, interval);
      if (!this._is_handed_over()) announcements?.stopping();
      if (is_closed || is_lost(socket))
        raise(-EBADF, { syscall: 'serve_forever', args: { closed: 'socket' } });
      if (serving.drain !== undefined) await this._watch.drain(serving.drain);
    } finally {
      end_watch();
      announcements?.end();
      this._serving = undefined;
      resolve_done();
      if (!this._is_handed_over() && !is_lost(socket)) restore_flags(socket);
    }
  }

  /** @internal */
  _make_watch(): Watch {
    return new Watch(this);
  }

  /** The number of requests under way. @internal */
  get _active(): number {
    return this._watch.counts().active;
  }

  /** Handles the requests that came before shutdown(), for at most `drain` seconds, and stops listening. @internal */
  async _drain(drain: number): Promise<void> {
    this._refuse();
    const most = this._is_handed_over() ? 0 : DRAIN_LIMIT;
    const late = new AbortController();
    const timer = abort_after(late, drain * 1000);
    for (let count = 0; count < most && (await this._request_comes(late.signal, 0)); count++) {
      const errno = this._handle_request_noblock();
      // A listener that refuses connections may stay readable without any.
      if (errno === EAGAIN || errno === EINVAL) break;
      await next_turn();
    }
    timer.cancel();
    this._unlisten();
  }

  /** Returns whether another process takes the requests from now on, on the same socket. @internal */
  _is_handed_over(): boolean {
    return false;
  }

  /** Returns whether serve_forever() tells the service manager. @internal */
  _announces(): boolean {
    return false;
  }

  /** Warns of attributes that were set too late to have an effect. @internal */
  _warn_of_late_attributes(): void {}

  /** Refuses further requests. @internal */
  _refuse(): void {}

  /** Closes the listening socket. @internal */
  _unlisten(): void {}

  /** Runs the loop of serve_forever(). @internal */
  async _serve(stop: AbortSignal, poll_interval: number): Promise<void> {
    // The caller gets its promise first: the first request may call shutdown().
    await next_turn();
    const has_actions = is_overridden(this, 'service_actions', [BaseServer]);
    const timeout_ms = has_actions ? poll_interval * 1000 : -1;
    while (!stop.aborted) {
      const ready = await this._request_comes(stop, timeout_ms);
      if (stop.aborted || is_lost(this.socket)) break;
      const errno = ready ? this._handle_request_noblock() : 0;
      if (is_scarce(errno)) this._warn_of_scarcity(errno_code(errno));
      else if (errno !== 0) check_not_ended(this.socket, 'serve_forever');
      this.service_actions();
      await (is_scarce(errno) ? pause(stop) : next_turn());
    }
  }

  /** Warns, once in each serve_forever(), that requests wait for descriptors, of the process `owner`, or memory. @internal */
  _warn_of_scarcity(code: string | undefined, owner = 'this process'): void {
    const serving = this._serving;
    if (serving === undefined || serving.is_scarce) return;
    serving.is_scarce = true;
    warn_of_scarcity(this.constructor.name, code, owner);
  }

  /** Waits until there is a request that may be taken. Returns false if there is none in time. @internal */
  _request_comes(stop: AbortSignal, timeout_ms: number): Promise<boolean> {
    return readable(this.socket, stop, timeout_ms);
  }

  /** Returns whether serve_forever() runs. @internal */
  get _is_serving(): boolean {
    return this._serving !== undefined;
  }

  /**
   * shutdown({ drain }) -> a promise: ends serve_forever() at once; fulfilled when serve_forever() has returned. It may be
   * called from anywhere. If serve_forever() does not run, the next one returns at once, as in Python: a signal may come early.
   *
   * @param options `drain`: seconds to handle the connections that have come; further ones are refused, and the socket is closed. Servers
   *   with threads, processes or async handlers end requests that take longer
   * @throws (rejects) TypeError, RangeError
   * @example
   * process.once('SIGTERM', () => server.shutdown({ drain: 5 }));
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    const drain = drain_of(options);
    const serving = this._serving;
    if (serving === undefined) {
      this._early = { drain };
      return;
    }
    serving.drain ??= drain;
    serving.stop.abort();
    await serving.done;
  }

  /**
   * service_actions(). Called by serve_forever() after each request, and each poll_interval; here it does nothing. See Python's
   * socketserver.BaseServer.service_actions.
   *
   * @throws what a sub-class throws: serve_forever() rejects with it
   * @example
   * server.service_actions = () => console.error('still here');
   */
  service_actions(): void {}

  /**
   * handle_request(). Blocks the thread until there is a request, and handles it; after `timeout` seconds (or the socket's time-out, if
   * that is shorter) it calls handle_timeout() instead. See Python's socketserver.BaseServer.handle_request.
   *
   * @throws OSError of waiting, or if the socket was shut down; any error of a hook
   * @example
   * const client = create_connection(server.server_address);
   * client.sendall('hello\n');
   * server.handle_request();
   * console.log(client.recv(1024).toString().trim()); // hello
   */
  handle_request(): void {
    this._warn_of_late_attributes();
    const { socket } = this;
    note_identity(socket);
    const deadline = new Deadline(to_timeout_ms(seconds(this._request_timeout())));
    let errno: number;
    try {
      // EAGAIN: another process has taken the request.
      do {
        if (!is_readable(socket, deadline.left_ms())) {
          this.handle_timeout();
          return;
        }
        if (is_lost(socket)) raise(-EBADF, { syscall: 'handle_request', args: { closed: 'socket' } });
        errno = this._handle_request_noblock();
        if (errno !== 0) check_not_ended(socket, 'handle_request');
      } while (errno === EAGAIN && !is_readable(socket));
    } finally {
      if (!this._is_handed_over() && !is_lost(socket)) restore_flags(socket);
    }
  }

  /** Returns the seconds that handle_request() waits; null: no limit. @internal */
  _request_timeout(): number | null {
    const own = this.socket.gettimeout();
    return own === null ? this.timeout : this.timeout === null ? own : Math.min(own, this.timeout);
  }

  /** Handles the next request. Returns 0, or the errno if it cannot be taken. @internal */
  _handle_request_noblock(): number {
    return handle_next(this);
  }

  /** Calls a function of a request, whose context it has then. @internal */
  _in_context<T>(_request: WatchedRequest, run: () => T): T {
    return run();
  }

  /** Counts a request whose handler has failed. @internal */
  _failed(request: WatchedRequest, error: unknown): void {
    this._watch.end(request, { error });
  }

  /** Closes a request that was refused. @internal */
  _turn_away(request: Request, _refusal: RequestRefused): void {
    this.close_request(request);
  }

  /** Says that a request that was admitted has ended. @internal */
  _leave(_request: Request): void {}

  /**
   * get_request() -> [request, client_address]. Takes the next request. Called by the server, it does not wait: the calls of the socket
   * have the time-out 0 meanwhile. See Python's socketserver.BaseServer.get_request.
   *
   * @returns the request, a socket or `[packet, socket]`, and the address of the client
   * @throws OSError if there is none, which is ignored
   * @example
   * const client = create_connection(server.server_address);
   * console.log(server.get_request()[1][1] === client.getsockname()[1]); // true
   */
  get_request(): [request: Request, client_address: ClientAddress] {
    throw new Error(`${this.constructor.name} has no get_request()`);
  }

  /** Returns the address of the client of a request that may be handled. @throws RequestRefused @internal */
  _admit(_request: Request, client_address: ClientAddress): ClientAddress {
    return client_address;
  }

  /**
   * handle_timeout(). Called by handle_request() if no request came in time; here it does nothing. See Python's
   * socketserver.BaseServer.handle_timeout.
   *
   * @throws what a sub-class throws: handle_request() throws it
   * @example
   * server.timeout = 0.01;
   * server.handle_timeout = () => console.log('nobody came');
   * server.handle_request(); // nobody came
   */
  handle_timeout(): void {}

  /**
   * verify_request(request, client_address) -> whether to handle the request; if not, it is closed. See Python's
   * socketserver.BaseServer.verify_request.
   *
   * @returns true; a sub-class decides
   * @throws what a sub-class throws: handle_error() gets it
   * @example
   * server.verify_request = (_request, [host]) => host === '127.0.0.1';
   */
  verify_request(_request: Request, _client_address: ClientAddress): boolean {
    return true;
  }

  /**
   * process_request(request, client_address). Calls finish_request() and shutdown_request(). See Python's
   * socketserver.BaseServer.process_request.
   *
   * @throws the errors of the handler, which handle_error() gets
   * @example
   * const client = create_connection(server.server_address);
   * client.sendall('hello\n');
   * server.process_request(...server.get_request());
   * console.log(client.recv(1024).toString().trim()); // hello
   */
  process_request(request: Request, client_address: ClientAddress): void {
    run_constructed(() => void this.finish_request(request, client_address));
    this.shutdown_request(request);
  }

  /**
   * server_close() -> a promise. Ends serve_forever(), if it runs, and closes the server. See Python's
   * socketserver.BaseServer.server_close.
   *
   * @throws (rejects) what serve_forever() rejects with
   * @example
   * await server.server_close();
   */
  async server_close(): Promise<void> {
    await this._stop_serving();
  }

  /** Ends serve_forever(). Returns its end to wait for, or undefined if it does not run. @internal */
  _stop_serving(): Promise<void> | undefined {
    this._serving?.stop.abort();
    return this._serving?.done;
  }

  /**
   * finish_request(request, client_address). Handles the request by an object of RequestHandlerClass. See Python's
   * socketserver.BaseServer.finish_request.
   *
   * @throws the errors of the handler, which handle_error() gets
   * @example
   * server.finish_request = (request) => void request.sendall('the same for everybody\n');
   */
  finish_request(request: Request, client_address: ClientAddress): void | Promise<void> {
    return this._finish_request(request, client_address);
  }

  /** The default of finish_request(), which servers of other kinds replace. @internal */
  _finish_request(request: Request, client_address: ClientAddress): void | Promise<void> {
    run_handler(this.RequestHandlerClass, request, client_address, this);
  }

  /**
   * shutdown_request(request). Ends and closes one request. See Python's socketserver.BaseServer.shutdown_request.
   *
   * @throws OSError of close(2)
   * @example
   * create_connection(server.server_address);
   * const [request] = server.get_request();
   * server.shutdown_request(request);
   */
  shutdown_request(request: Request): void | Promise<void> {
    this.close_request(request);
  }

  /**
   * close_request(request). Frees the resources of one request; here it does nothing. See Python's socketserver.BaseServer.close_request.
   *
   * @throws OSError of close(2)
   * @example
   * create_connection(server.server_address);
   * const [request] = server.get_request();
   * server.close_request(request);
   */
  close_request(_request: Request): void {}

  /**
   * handle_error(request, client_address, error). Called if a handler throws; prints the error to stderr. See Python's
   * socketserver.BaseServer.handle_error.
   *
   * @param _request the request; null if it is in a worker thread or child process
   * @param error the error, which Python has in sys.exc_info()
   * @throws what a sub-class throws: serve_forever() rejects with it
   * @example
   * server.handle_error = (_request, [host], error) => console.error(`${host}: ${error}`);
   */
  handle_error(_request: Request | null, client_address: ClientAddress, error: unknown): void {
    print_error(client_address, error);
  }

  /**
   * The same as server_close(), for `await using` of ECMAScript.
   *
   * @throws (rejects) as server_close()
   * @example
   * await server[Symbol.asyncDispose]();
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server_close();
  }
}

class_attributes(BaseServer, ['timeout']);
show_by_address(BaseServer);
