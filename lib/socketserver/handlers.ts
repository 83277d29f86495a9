// Request handlers: Python's BaseRequestHandler, StreamRequestHandler and DatagramRequestHandler.
//
// In Python the constructor handles the request. A JavaScript class has its fields only after the constructor of the
// class above it returned, so here the server constructs a handler and runs it then: `run_handler`.

import type { ReturnedAddress } from '../calls/address.js';
import { IPPROTO_TCP, TCP_NODELAY } from '../constants.js';
import { OSError } from '../errors/index.js';
import type { BufferedIOBase, BufferedReader, BufferedWriter, SocketIO } from '../files/blocking/index.js';
import type { Socket } from '../socket/socket.js';
import { options_of, timeout as seconds, shown } from '../util/validate.js';
import { AsyncBytesIO, type AsyncStream, close_stream, open_stream } from './async/files.js';
import { class_attributes } from './attributes.js';
import { BytesIO, SocketWriter } from './files.js';

/** How `shutdown` ends handlers that run. */
export interface ShutdownOptions {
  /** Seconds that requests under way may take until they are cut off; left out: as long as they like, without waiting. */
  drain?: number;
}

/** The `drain` of the options of shutdown(). @throws TypeError, RangeError */
export function drain_of(options: ShutdownOptions | null | undefined): number | undefined {
  if (options === undefined || options === null) return undefined;
  return seconds(options_of(options, ['drain']).drain, 'drain') ?? undefined;
}

/** What a handler sees of its server, also in a worker thread or child process. */
export interface ServerView {
  /** The address the server listens on. */
  readonly server_address: unknown;
  /** What was set on the server before it served. */
  readonly worker_data?: unknown;
  /** Ends serve_forever(). */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** A request that came as a datagram: its bytes, and the socket to answer by. */
export type DatagramRequest<F extends number = number> = [packet: Buffer, socket: Socket<F>];

/** A class of handlers, or a function that makes one or handles the request itself. */
export type RequestHandlerClass =
  | (new (
      request: never,
      client_address: never,
      server: never,
    ) => object)
  | ((request: never, client_address: never, server: never) => unknown);

// Constructed, and not run yet: by an overridden finish_request that only constructs, as one does in Python.
let constructed: { _run(): void } | undefined;
// The same by request, where several are under way at once; only once a server needs it.
let constructed_for: WeakMap<object, BaseRequestHandler<unknown, unknown>> | undefined;

/** Base of all handlers: `setup()`, `handle()` and `finish()` are called in turn. */
export class BaseRequestHandler<
  Request = Socket<number>,
  ClientAddress = ReturnedAddress<number>,
  Server extends ServerView = ServerView,
> {
  /** The connection, or `[packet, socket]` of a datagram. */
  request: Request;
  /** Who sent it. */
  client_address: ClientAddress;
  /** The server; in a worker or child, what of it is there. */
  server: Server;

  #ran = false;

  /** BaseRequestHandler(request, client_address, server) */
  constructor(request: Request, client_address: ClientAddress, server: Server) {
    this.request = request;
    this.client_address = client_address;
    this.server = server;
    constructed = this;
    if (typeof request === 'object' && request !== null) constructed_for?.set(request, this);
  }

  /** setup(). Called before handle(). */
  setup(): void {}

  /** handle(). Does all the work of the request; what it throws goes to the server's handle_error. */
  handle(): void {}

  /** finish(). Called after handle(), also where that throws; not where setup() threw. */
  finish(): void {}

  /** Whether the request was handled. @internal */
  get _has_run(): boolean {
    return this.#ran;
  }

  /** Handles the request on the event loop. @internal */
  async _run_async(): Promise<void> {
    if (constructed === this) constructed = undefined;
    this.#ran = true;
    // Typed as those of a handler that blocks; here they may return promises.
    await (this.setup() as unknown);
    try {
      await (this.handle() as unknown);
    } finally {
      await (this.finish() as unknown);
    }
  }

  /** Handles the request. @internal */
  _run(): void {
    if (constructed === this) constructed = undefined;
    this.#ran = true;
    this.setup();
    try {
      const result: unknown = this.handle();
      if (is_promise(result)) {
        result.then(undefined, () => {});
        throw new TypeError(
          `handle() of ${this.constructor.name} returned a promise: handlers of this server block, so use the blocking ` +
            'calls of bsd-sockets/socket in it',
        );
      }
    } finally {
      this.finish();
    }
  }
}

function is_promise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Handles one request: constructs the handler and runs it.
 *
 * @throws whatever the handler throws
 */
export function run_handler(
  Class: RequestHandlerClass,
  request: unknown,
  client_address: unknown,
  server: unknown,
): void {
  const args = [request, client_address, server];
  // An arrow function, as Python's functools.partial of a class, has no prototype and constructs nothing.
  if (Class.prototype === undefined) Reflect.apply(Class, undefined, args);
  else {
    const handler: unknown = Reflect.construct(Class, args);
    if (is_handler(handler) && !handler._has_run) handler._run();
  }
  run_constructed();
}

/**
 * Handles one request on the event loop: constructs the handler and runs it.
 *
 * @returns a promise; it rejects with whatever the handler throws
 */
export async function run_async_handler(
  Class: RequestHandlerClass,
  request: unknown,
  client_address: unknown,
  server: unknown,
): Promise<void> {
  const args = [request, client_address, server];
  if (Class.prototype === undefined) {
    remember_constructed();
    await Reflect.apply(Class, undefined, args);
    return;
  }
  const handler: unknown = Reflect.construct(Class, args);
  if (is_handler(handler) && !handler._has_run) await handler._run_async();
}

/** From now on run_constructed_for() knows which handlers were constructed. */
export function remember_constructed(): void {
  constructed_for ??= new WeakMap();
}

/** Runs the handler that was only constructed for a request: by a finish_request of Python's kind, or a function. */
export async function run_constructed_for(request: unknown): Promise<void> {
  if (constructed_for === undefined || typeof request !== 'object' || request === null) return;
  const handler = constructed_for.get(request);
  if (handler !== undefined && !handler._has_run) await handler._run_async();
}

/** Also of another copy of this library, as a bundle has one. */
function is_handler(value: unknown): value is {
  readonly _has_run: boolean;
  _run(): void;
  _run_async(): Promise<void>;
} {
  return typeof value === 'object' && value !== null && '_run' in value && '_has_run' in value;
}

/** Runs the handler that was constructed last, unless it was run. */
export function run_constructed(): void {
  constructed?._run();
}

/** Forgets a handler that was constructed outside of a request. */
export function forget_constructed(): void {
  constructed = undefined;
}

/** Throws for what cannot be a handler class. */
export function check_handler_class(value: unknown): void {
  if (typeof value !== 'function')
    throw new TypeError(`RequestHandlerClass must be a class, not ${shown(value)}`);
}

/** A handler of streams: `rfile` and `wfile` are files of the connection. */
export class StreamRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
> extends BaseRequestHandler<Socket<F>, ReturnedAddress<F>, Server> {
  /** The buffer of rfile in bytes; -1: 8192; 0: none. */
  static rbufsize = -1;
  /** The buffer of wfile; 0: none, each write is sent at once. */
  static wbufsize = 0;
  /** The time-out of the connection in seconds, or null. */
  static timeout: number | null = null;
  /** Whether to set TCP_NODELAY; of use where wbufsize is not 0. */
  static disable_nagle_algorithm = false;

  declare rbufsize: number;
  declare wbufsize: number;
  declare timeout: number | null;
  declare disable_nagle_algorithm: boolean;

  /** The same as request. */
  declare connection: Socket<F>;
  /** The file to read the request from. */
  declare rfile: BufferedReader;
  /** The file to write the answer to; flushed when handle() has returned. */
  declare wfile: BufferedIOBase;

  override setup(): void {
    if (is_event_driven(this)) {
      open_stream(this);
      return;
    }
    this.connection = this.request;
    if (this.timeout !== null) this.connection.settimeout(this.timeout);
    if (this.disable_nagle_algorithm) this.connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, true);
    this.rfile = this.connection.makefile('rb', this.rbufsize) as SocketIO | BufferedReader as BufferedReader;
    this.wfile =
      this.wbufsize === 0
        ? new SocketWriter(this.connection)
        : (this.connection.makefile('wb', this.wbufsize) as SocketIO | BufferedWriter as BufferedWriter);
  }

  override finish(): void | Promise<void> {
    if (is_event_driven(this)) return close_stream(this);
    if (!this.wfile.closed) {
      try {
        this.wfile.flush();
      } catch (error) {
        // The client may be gone by now.
        if (!(error instanceof OSError)) throw error;
      }
    }
    close_quietly(this.wfile);
    this.rfile.close();
  }
}

/** Whether a server on the event loop handles the request by a class that is typed for those that block. */
function is_event_driven(handler: unknown): handler is AsyncStream {
  return (handler as AsyncStream).request._event_driven;
}

/** What a failed flush left in the buffer makes close() fail, too; the file is closed all the same. */
function close_quietly(file: BufferedIOBase): void {
  try {
    file.close();
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  }
}

/** A handler of datagrams: `rfile` has the packet, and what is written to `wfile` is the answer. */
export class DatagramRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
> extends BaseRequestHandler<DatagramRequest<F>, ReturnedAddress<F>, Server> {
  /** The datagram. */
  declare packet: Buffer;
  /** The socket it came by. */
  declare socket: Socket<F>;
  declare rfile: BytesIO;
  declare wfile: BytesIO;

  override setup(): void {
    [this.packet, this.socket] = this.request;
    const File = this.socket._event_driven ? AsyncBytesIO : BytesIO;
    this.rfile = new File(this.packet) as BytesIO;
    this.wfile = new File() as BytesIO;
  }

  override finish(): void | Promise<void> {
    const sent: unknown = (this.socket as Socket<number>).sendto(this.wfile.getvalue(), this.client_address);
    if (is_promise(sent)) return Promise.resolve(sent).then(() => {});
  }
}

class_attributes(StreamRequestHandler, ['rbufsize', 'wbufsize', 'timeout', 'disable_nagle_algorithm']);
