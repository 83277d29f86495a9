// A socket as a stream of Node's: the result of `conn.to_stream()`, for pipelines and libraries that take a Duplex.
import { Duplex, type DuplexOptions } from 'node:stream';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';

/** The calls of a socket that a stream needs. */
interface StreamSocket {
  settimeout(value: number | null): void;
  recv(bufsize: number): Promise<Buffer>;
  sendall(bytes: Buffer): Promise<void>;
  shutdown(how: number): Promise<void>;
  close(): void;
  ref(): unknown;
  unref(): unknown;
}

/** Options of to_stream: the options of a Duplex, with the defaults of net.Socket. */
export interface StreamOptions extends DuplexOptions {
  /** True keeps the writable side open when the peer has ended its own; false as in net.Socket. */
  allowHalfOpen?: boolean;
}

const CHUNK_SIZE = 64 * 1024;

/** A Duplex over a socket, which it owns: nothing is received beyond `readableHighWaterMark`, nor sent before it is asked. */
export class SocketStream extends Duplex {
  readonly #sock: StreamSocket;

  /** @throws RangeError on a socket that is no stream */
  constructor(sock: StreamSocket, options: StreamOptions = {}) {
    super({
      allowHalfOpen: false,
      ...options,
      objectMode: false,
      readableObjectMode: false,
      writableObjectMode: false,
      decodeStrings: true,
    });
    this.#sock = sock;
    sock.settimeout(null);
  }

  override _read(): void {
    this.#sock.recv(CHUNK_SIZE).then(
      (chunk) => this.push(chunk.length === 0 ? null : chunk),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#sock.sendall(chunk).then(() => callback(), callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#send_many(chunks.map(({ chunk }) => chunk)).then(() => callback(), callback);
  }

  /** Small ones together, large ones one by one. */
  async #send_many(chunks: readonly Buffer[]): Promise<void> {
    for (let i = 0; i < chunks.length; ) {
      const group: Buffer[] = [];
      let length = 0;
      do {
        const chunk = chunks[i++] as Buffer;
        group.push(chunk);
        length += chunk.length;
      } while (i < chunks.length && length + (chunks[i] as Buffer).length <= CHUNK_SIZE);
      await this.#sock.sendall(group.length === 1 ? (group[0] as Buffer) : Buffer.concat(group, length));
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#sock.shutdown(c.SHUT_WR).then(
      () => callback(),
      // The other side was faster.
      (error: Error) => callback(error instanceof OSError && error.code === 'ENOTCONN' ? null : error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    try {
      this.#sock.close();
    } finally {
      callback(error);
    }
  }

  /** ref(). A call that waits on the stream keeps the process alive, as at the start. */
  ref(): this {
    this.#sock.ref();
    return this;
  }

  /** unref(). It no longer does. */
  unref(): this {
    this.#sock.unref();
    return this;
  }
}
