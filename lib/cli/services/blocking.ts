// What `bsd-sockets serve` serves: a handler class each, for streams and for datagrams. They run in whatever thread or process
// the server gives them, so they find the class by `module`, and what they need in `worker_data`.
import { closeSync, openSync } from 'node:fs';
import {
  ConnectionError,
  InterruptedError,
  type socket as Socket,
  TimeoutError,
} from '../../socket/index.js';
import { BaseRequestHandler, type DatagramRequest } from '../../socketserver/index.js';

const CHUNK_SIZE = 64 * 1024;

/** What the server tells its handlers. */
export interface ServiceData {
  /** Of `file`: which. */
  readonly path: string;
  /** Seconds that a client may be silent; null: for ever. */
  readonly idle: number | null;
  readonly verbose: boolean;
}

/** A connection, which is told of where `verbose` is set, and whose end is no error. */
class StreamHandler extends BaseRequestHandler<Socket> {
  static readonly module = import.meta.url;

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
      // Silent for too long, gone, or we are to end (see serve.ts).
      const expected = [TimeoutError, ConnectionError, InterruptedError].some(
        (each) => error instanceof each,
      );
      if (!expected) throw error;
      this.log((error as Error).message);
    }
  }

  /** What the service does. */
  serve(): void {}

  log(text: string): void {
    const peer: unknown = this.client_address;
    if (this.data.verbose)
      console.log(`${Array.isArray(peer) ? `${peer[0]} ${peer[1]}` : 'client'}: ${text}`);
  }
}

/** RFC 862: what comes goes back. */
export class Echo extends StreamHandler {
  override serve(): void {
    for (;;) {
      const data = this.request.recv(CHUNK_SIZE);
      if (data.length === 0) return;
      this.request.sendall(data);
    }
  }
}

/** RFC 863: what comes is thrown away. */
export class Discard extends StreamHandler {
  override serve(): void {
    while (this.request.recv(CHUNK_SIZE).length > 0);
  }
}

/** The time as text, as RFC 867 has it, in the form of ISO 8601. */
export class Time extends StreamHandler {
  override serve(): void {
    this.request.sendall(`${new Date().toISOString()}\n`);
  }
}

/** A file, by sendfile(2). */
export class SendFile extends StreamHandler {
  override serve(): void {
    const fd = openSync(this.data.path, 'r');
    try {
      this.request.sendfile(fd);
    } finally {
      closeSync(fd);
    }
  }
}

class DatagramHandler extends BaseRequestHandler<DatagramRequest> {
  static readonly module = import.meta.url;

  answer(data: Buffer | string): void {
    const [, sock] = this.request;
    // Nobody to answer where an AF_UNIX client has no name.
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
