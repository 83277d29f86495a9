// The services of `bsd-sockets serve`: one handler class for streams and one for datagrams each. A handler may run in a thread
// or process of the server's pool. The worker finds the class by `module`; `worker_data` carries the settings to it.
// async.ts has the same services for servers on the event loop.
import { closeSync, constants } from 'node:fs';
import { open_file } from '../../calls/waiting/file.js';
import { own_url } from '../../native/own_file.js';
import {
  ConnectionError,
  InterruptedError,
  type NodeFamily,
  type SenderAddress,
  type SOCK_DGRAM,
  type socket as Socket,
  TimeoutError,
} from '../../socket/index.js';
import { BaseRequestHandler, type DatagramRequest } from '../../socketserver/index.js';

/** The URL of this file, from which a worker imports the handlers. */
const MODULE = own_url(typeof __filename === 'string' ? __filename : undefined);

const CHUNK_SIZE = 64 * 1024;

/** The settings of the handlers, which the server passes as `worker_data`. */
export interface ServiceData {
  /** The path of the file that the service `file` sends. */
  readonly path: string;
  /** Seconds of silence after which a connection ends; null: no limit. */
  readonly idle: number | null;
  readonly verbose: boolean;
}

/** Prints a line about a client if `verbose` is set. */
export function log({ verbose }: ServiceData, client: unknown, text: string): void {
  if (verbose) console.log(`${Array.isArray(client) ? `${client[0]} ${client[1]}` : 'client'}: ${text}`);
}

/** The handler of a connection. It logs if `verbose` is set; time-outs and lost connections are no errors. */
class StreamHandler extends BaseRequestHandler<Socket> {
  static readonly module = MODULE;

  get data(): ServiceData {
    return this.server.worker_data as ServiceData;
  }

  override setup(): void {
    this.request.settimeout(this.data.idle);
    this.log('connected');
  }

  override handle(): void {
    try {
      this.serve();
      this.log('ended');
    } catch (error) {
      // The client was silent for too long or has gone, or the server ends (see commands/serve.ts).
      const expected = [TimeoutError, ConnectionError, InterruptedError].some(
        (each) => error instanceof each,
      );
      if (!expected) throw error;
      this.log((error as Error).message);
    }
  }

  /** Runs the service on the connection. */
  serve(): void {}

  log(text: string): void {
    log(this.data, this.client_address, text);
  }
}

/** The echo of RFC 862: sends received data back. */
export class Echo extends StreamHandler {
  override serve(): void {
    for (;;) {
      const data = this.request.recv(CHUNK_SIZE);
      if (data.length === 0) return;
      this.request.sendall(data);
    }
  }
}

/** The discard of RFC 863: ignores received data. */
export class Discard extends StreamHandler {
  override serve(): void {
    while (this.request.recv(CHUNK_SIZE).length > 0);
  }
}

/** The daytime of RFC 867: sends the time as text, in the form of ISO 8601. */
export class Time extends StreamHandler {
  override serve(): void {
    this.request.sendall(`${new Date().toISOString()}\n`);
  }
}

/** Sends a file by sendfile(2). */
export class SendFile extends StreamHandler {
  override serve(): void {
    const fd = open_file(this.data.path, constants.O_RDONLY);
    try {
      this.request.sendfile(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** The family is AF_INET, AF_INET6 or AF_UNIX. */
class DatagramHandler extends BaseRequestHandler<
  DatagramRequest<NodeFamily>,
  SenderAddress<NodeFamily, typeof SOCK_DGRAM, 0>
> {
  static readonly module = MODULE;

  answer(data: Buffer | string): void {
    const [, sock] = this.request;
    // A client of AF_UNIX without a name cannot be answered.
    if (this.client_address !== null && this.client_address.length !== 0)
      sock.sendto(data, this.client_address);
  }
}

export class EchoDatagram extends DatagramHandler {
  override handle(): void {
    this.answer(this.request[0]);
  }
}

export class DiscardDatagram extends DatagramHandler {}

export class TimeDatagram extends DatagramHandler {
  override handle(): void {
    this.answer(`${new Date().toISOString()}\n`);
  }
}
