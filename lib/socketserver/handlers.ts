// Request handlers: Python's BaseRequestHandler, StreamRequestHandler and DatagramRequestHandler.
//
// In Python the constructor handles the request. Here run_handler() constructs a handler and then runs it: constructed.ts says why.
// rfile and wfile are opened by the server's HandlerFiles (files.ts).

import type { AnyReturnedAddress, ReturnedAddress } from '../calls/address.js';
import type { ProxyHeader } from '../calls/proxy/header.js';
import type { SenderAddress } from '../calls/transfer.js';
import type * as c from '../constants.js';
import type { BufferedIOBase, BufferedReader } from '../files/blocking/index.js';
import type { socket as Socket } from '../socket/index.js';
import { type Data, options_of, timeout as seconds, shown } from '../util/validate.js';
import { proxied } from './admission/proxied.js';
import { class_attributes } from './attributes.js';
import { is_handler, note_constructed, run_constructed } from './constructed.js';
import { type PacketInfo, packet_info, send_answer } from './datagrams/packet_info.js';
import { BLOCKING_FILES, type BytesIO, type HandlerFiles } from './files.js';

/** Options of shutdown(). */
export interface ShutdownOptions {
  /** Seconds that requests under way may take until they are cut off. Left out: shutdown() does not wait for them, nor end them. */
  drain?: number | undefined;
}

/** Returns `drain` of the options of shutdown(). @throws TypeError, RangeError */
export function drain_of(options: ShutdownOptions | null | undefined): number | undefined {
  if (options === undefined || options === null) return undefined;
  return seconds(options_of(options, ['drain']).drain, 'drain') ?? undefined;
}

/** The server as its handlers see it, also in a worker thread or child process. */
export interface ServerView<Data = unknown> {
  /** The address the server listens on. */
  readonly server_address: AnyReturnedAddress;
  /** The server's `worker_data`, as it was when serving began. */
  readonly worker_data: Data;
  /**
   * shutdown({ drain }). Ends serve_forever(), from within a handler, too. See Python's socketserver.BaseServer.shutdown.
   *
   * @param options `drain`: seconds that requests under way may take
   * @throws (rejects) TypeError, RangeError for another drain
   * @example
   * class Last extends StreamRequestHandler {
   *   override handle(): void {
   *     this.server.shutdown();
   *   }
   * }
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** A datagram as a request: its bytes, and the socket to answer by. */
export type DatagramRequest<F extends number = number> = [
  packet: Buffer,
  socket: Socket<F, typeof c.SOCK_DGRAM>,
];

/** A class of handlers that take such requests, or a function that constructs a handler or handles the request itself. */
export type RequestHandlerClass<Request = never, ClientAddress = never, Server = never> =
  | (new (
      request: Request,
      client_address: ClientAddress,
      server: never,
    ) => object)
  | ((request: Request, client_address: ClientAddress, server: Server) => unknown);

/** Returns the functions of a handler's server that open and close rfile and wfile. */
let files_of: (handler: BaseRequestHandler<unknown, unknown>) => HandlerFiles;

/** Base of all handlers: `setup()`, `handle()` and `finish()` are called in turn. */
export class BaseRequestHandler<
  Request = Socket<number>,
  ClientAddress = AnyReturnedAddress,
  Server extends ServerView = ServerView,
> {
  /** The connection, or `[packet, socket]` of a datagram. */
  request: Request;
  /** The address of the client. */
  client_address: ClientAddress;
  /** The server; in a worker thread or child process a ServerView. */
  server: Server;

  #has_run = false;
  #files = BLOCKING_FILES;

  static {
    files_of = (handler) => handler.#files;
  }

  /** BaseRequestHandler(request, client_address, server) */
  constructor(request: Request, client_address: ClientAddress, server: Server) {
    this.request = request;
    this.client_address = client_address;
    this.server = server;
    note_constructed(this, request);
  }

  /** What the trusted proxy said about the request, with `proxy_protocol`; null if it came without a proxy. */
  get proxy_header(): ProxyHeader | null {
    return proxied(this.request)?.header ?? null;
  }

  /**
   * setup(). Called before handle(). See Python's socketserver.BaseRequestHandler.setup.
   *
   * @throws what a sub-class throws: handle_error() gets it, and handle() is not called
   * @example
   * class Counted extends EchoHandler {
   *   static count = 0;
   *   override setup(): void {
   *     super.setup();
   *     Counted.count++;
   *   }
   * }
   */
  setup(): void {}

  /**
   * handle(). Does all the work of the request; here nothing. See Python's socketserver.BaseRequestHandler.handle.
   *
   * @throws what a sub-class throws: the server's handle_error() gets it
   * @example
   * class Hello extends BaseRequestHandler {
   *   override handle(): void {
   *     this.request.sendall('hello\n');
   *   }
   * }
   */
  handle(): void {}

  /**
   * finish(). Called after handle(), also if handle() throws; not if setup() threw. See Python's socketserver.BaseRequestHandler.finish.
   *
   * @throws what a sub-class throws: the server's handle_error() gets it
   * @example
   * class Logged extends EchoHandler {
   *   override finish(): void {
   *     console.error(`${this.client_address} is done`);
   *     super.finish();
   *   }
   * }
   */
  finish(): void {}

  /** Returns whether the request was handled. @internal */
  get _has_run(): boolean {
    return this.#has_run;
  }

  /** Handles the request, awaiting each step. @param files the server's @internal */
  async _run_async(files: HandlerFiles): Promise<void> {
    this.#has_run = true;
    this.#files = files;
    // The methods are typed as blocking; on the event loop they may return promises.
    await (this.setup() as unknown);
    try {
      await (this.handle() as unknown);
    } finally {
      await (this.finish() as unknown);
    }
  }

  /** Handles the request, blocking. @internal */
  _run(): void {
    this.#has_run = true;
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
 * @throws any error of the handler
 */
export function run_handler(
  Class: RequestHandlerClass,
  request: unknown,
  client_address: unknown,
  server: unknown,
): void {
  const args = [request, client_address, server];
  run_constructed(() => {
    // An arrow function, which stands for Python's functools.partial of a class, has no prototype and constructs nothing.
    if (Class.prototype === undefined) Reflect.apply(Class, undefined, args);
    else {
      const handler: unknown = Reflect.construct(Class, args);
      if (is_handler(handler) && !handler._has_run) handler._run();
    }
  });
}

/** Checks that a value may be a handler class. @throws TypeError */
export function check_handler_class(value: unknown): void {
  if (typeof value !== 'function')
    throw new TypeError(`RequestHandlerClass must be a class or a function, not ${shown(value)}`);
}

/** A handler of streams: `rfile` and `wfile` are files of the connection. */
export class StreamRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
> extends BaseRequestHandler<Socket<F>, ReturnedAddress<F>, Server> {
  /** Bytes of the buffer of rfile; -1: 8192; 0: no buffer. */
  static rbufsize = -1;
  /** The longest line in bytes that `rfile` reads without a size, or null: a longer one is a LimitOverrunError. */
  static line_limit: number | null = null;
  /** Bytes of the buffer of wfile; 0: no buffer, each write is sent at once. */
  static wbufsize = 0;
  /** The time-out of the connection in seconds, or null. */
  static timeout: number | null = null;
  /** True to set TCP_NODELAY, which has an effect if wbufsize is not 0. */
  static disable_nagle_algorithm = false;

  /** Bytes of the buffer of rfile; -1: 8192; 0: no buffer. */
  declare rbufsize: number;
  /** The longest line in bytes that `rfile` reads without a size, or null. */
  declare line_limit: number | null;
  /** Bytes of the buffer of wfile; 0: no buffer. */
  declare wbufsize: number;
  /** The time-out of the connection in seconds, or null. */
  declare timeout: number | null;
  /** True to set TCP_NODELAY. */
  declare disable_nagle_algorithm: boolean;

  /** The same as request. */
  declare connection: Socket<F>;
  /** The file to read the request from. */
  declare rfile: BufferedReader;
  /** The file to write the answer to; flushed when handle() has returned. */
  declare wfile: BufferedIOBase;

  override setup(): void {
    files_of(this).open_stream(this);
  }

  override finish(): void | Promise<void> {
    return files_of(this).close_stream(this);
  }
}

/** A handler of datagrams: `rfile` has the packet, and the bytes written to `wfile` are the answer. */
export class DatagramRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
> extends BaseRequestHandler<DatagramRequest<F>, SenderAddress<F, typeof c.SOCK_DGRAM, 0>, Server> {
  /** The datagram. */
  declare packet: Buffer;
  /** The socket that received the datagram. */
  declare socket: Socket<F, typeof c.SOCK_DGRAM>;
  /** A file that has the packet. */
  declare rfile: BytesIO;
  /** A file whose content is sent as the answer when handle() has returned. */
  declare wfile: BytesIO;

  /** The address that was asked, the interface, TTL and TOS; null if the server has no `packet_info`. */
  get packet_info(): PacketInfo | null {
    return packet_info(this.request) ?? null;
  }

  /**
   * answer(data) -> how many bytes went out. Sends a datagram to the client, from the address that the client asked if the server has
   * `packet_info`. What is written to `wfile` is sent so when handle() has returned.
   *
   * See sendmsg(2), IP_PKTINFO in ip(7).
   *
   * @param data bytes, or a string for its UTF-8 bytes
   * @returns the number of bytes
   * @throws OSError; TypeError, for a client without an address, too
   * @example
   * class Twice extends DatagramRequestHandler {
   *   override handle(): void {
   *     for (let i = 0; i < 2; i++) this.answer(this.packet);
   *   }
   * }
   */
  answer(data: Data): number | Promise<number> {
    return send_answer<number>(this.request[1] as never, this.request, this.client_address, data);
  }

  override setup(): void {
    [this.packet, this.socket] = this.request;
    files_of(this).open_datagram(this);
  }

  override finish(): void | Promise<void> {
    return files_of(this).close_datagram(this);
  }
}

class_attributes(StreamRequestHandler, [
  'rbufsize',
  'line_limit',
  'wbufsize',
  'timeout',
  'disable_nagle_algorithm',
]);
