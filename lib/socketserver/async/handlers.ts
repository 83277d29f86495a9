// Request handlers of servers on the event loop, typed for TypeScript: as in handlers.ts, but methods may be async, the request
// is a socket of promises, and the files are async.
import type { AnyReturnedAddress, ReturnedAddress } from '../../calls/address.js';
import type { SenderAddress } from '../../calls/transfer.js';
import type * as c from '../../constants.js';
import type { BufferedFile } from '../../files/promises/index.js';
import type { ConnectedSocket, socket as Socket } from '../../promises/index.js';
import type { Data } from '../../util/validate.js';
import { class_attributes } from '../attributes.js';
import { type PacketInfo, packet_info, send_answer } from '../datagrams/packet_info.js';
import { open_datagram, open_stream } from '../files.js';
import { BaseRequestHandler, type ServerView, StreamRequestHandler } from '../handlers.js';
import { AsyncBytesIO, AsyncSocketWriter, type AsyncWriter, close_datagram, close_stream } from './files.js';

/** A datagram as a request: its bytes, and the socket of promises to answer by. */
export type AsyncDatagramRequest<F extends number = number> = [
  packet: Buffer,
  socket: Socket<F, typeof c.SOCK_DGRAM>,
];

/** Base of handlers on the event loop: `setup()`, `handle()` and `finish()` are called in turn, and each is awaited. */
export class AsyncBaseRequestHandler<
  Request = ConnectedSocket,
  ClientAddress = AnyReturnedAddress,
  Server extends ServerView = ServerView,
> extends BaseRequestHandler<Request, ClientAddress, Server> {
  /**
   * setup(). Called before handle(), and awaited. See Python's socketserver.BaseRequestHandler.setup.
   *
   * @throws (rejects) what a sub-class throws: handle_error() gets it, and handle() is not called
   * @example
   * class Counted extends AsyncEchoHandler {
   *   static count = 0;
   *   override async setup(): Promise<void> {
   *     await super.setup();
   *     Counted.count++;
   *   }
   * }
   */
  override setup(): void | Promise<void> {}

  /**
   * handle(). Does all the work of the request; here nothing. See Python's socketserver.BaseRequestHandler.handle.
   *
   * @throws (rejects) what a sub-class throws: the server's handle_error() gets it
   * @example
   * class Hello extends AsyncBaseRequestHandler {
   *   override async handle(): Promise<void> {
   *     await this.request.sendall('hello\n');
   *   }
   * }
   */
  override handle(): void | Promise<void> {}

  /**
   * finish(). Called after handle(), also if handle() throws, and awaited; not if setup() threw. See Python's
   * socketserver.BaseRequestHandler.finish.
   *
   * @throws (rejects) what a sub-class throws: the server's handle_error() gets it
   * @example
   * class Logged extends AsyncEchoHandler {
   *   override async finish(): Promise<void> {
   *     console.error(`${this.client_address} is done`);
   *     await super.finish();
   *   }
   * }
   */
  override finish(): void | Promise<void> {}

  override _run(): void {
    throw new TypeError(
      `${this.constructor.name} is a handler of servers on the event loop (AsyncTCPServer, …): for ` +
        `${this.server.constructor.name} extend ${Object.getPrototypeOf(AsyncBaseRequestHandler).name} and its like`,
    );
  }
}

/**
 * A handler of streams on the event loop: `rfile` and `wfile` are async files of the connection.
 *
 * @typeParam Request the connection: SSLSocket on a server with `ssl`
 */
export class AsyncStreamRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
  Request extends ConnectedSocket<F> = ConnectedSocket<F>,
> extends AsyncBaseRequestHandler<Request, ReturnedAddress<F>, Server> {
  /** Bytes of the buffer of rfile; -1: 8192; 0: no buffer. */
  static rbufsize = StreamRequestHandler.rbufsize;
  /** The longest line in bytes that `rfile` reads without a size, or null: a longer one is a LimitOverrunError. */
  static line_limit: number | null = StreamRequestHandler.line_limit;
  /** Bytes of the buffer of wfile; 0: no buffer, each write is sent at once. */
  static wbufsize = StreamRequestHandler.wbufsize;
  /** The time-out of the connection in seconds, or null. */
  static timeout: number | null = StreamRequestHandler.timeout;
  /** True to set TCP_NODELAY, which has an effect if wbufsize is not 0. */
  static disable_nagle_algorithm = StreamRequestHandler.disable_nagle_algorithm;

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
  declare connection: Request;
  /** The file to read the request from. */
  declare rfile: BufferedFile;
  /** The file to write the answer to; flushed when handle() is done. */
  declare wfile: AsyncWriter;

  override setup(): void | Promise<void> {
    open_stream(this, AsyncSocketWriter);
  }

  override finish(): void | Promise<void> {
    return close_stream(this);
  }
}

/** A handler of datagrams on the event loop: `rfile` has the packet, and the bytes written to `wfile` are the answer. */
export class AsyncDatagramRequestHandler<
  F extends number = number,
  Server extends ServerView = ServerView,
> extends AsyncBaseRequestHandler<AsyncDatagramRequest<F>, SenderAddress<F, typeof c.SOCK_DGRAM, 0>, Server> {
  /** The datagram. */
  declare packet: Buffer;
  /** The socket that received the datagram. */
  declare socket: Socket<F, typeof c.SOCK_DGRAM>;
  /** A file that has the packet. */
  declare rfile: AsyncBytesIO;
  /** A file whose content is sent as the answer when handle() is done. */
  declare wfile: AsyncBytesIO;

  /** The address that was asked, the interface, TTL and TOS; null if the server has no `packet_info`. */
  get packet_info(): PacketInfo | null {
    return packet_info(this.request) ?? null;
  }

  /**
   * answer(data) -> a promise of how many bytes went out. Sends a datagram to the client, from the address that the client asked if the
   * server has `packet_info`. What is written to `wfile` is sent so when handle() is done.
   *
   * See sendmsg(2), IP_PKTINFO in ip(7).
   *
   * @param data bytes, or a string for its UTF-8 bytes
   * @returns the number of bytes
   * @throws (rejects) OSError; TypeError, for a client without an address, too
   * @example
   * class Twice extends AsyncDatagramRequestHandler {
   *   override async handle(): Promise<void> {
   *     for (let i = 0; i < 2; i++) await this.answer(this.packet);
   *   }
   * }
   */
  async answer(data: Data): Promise<number> {
    return send_answer<Promise<number>>(this.request[1] as never, this.request, this.client_address, data);
  }

  override setup(): void | Promise<void> {
    [this.packet, this.socket] = this.request;
    open_datagram(this, AsyncBytesIO);
  }

  override finish(): Promise<void> {
    return close_datagram(this);
  }
}

class_attributes(AsyncStreamRequestHandler, [
  'rbufsize',
  'line_limit',
  'wbufsize',
  'timeout',
  'disable_nagle_algorithm',
]);
