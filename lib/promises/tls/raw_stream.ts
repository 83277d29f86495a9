// The encrypted side of a TLS connection: the stream that node:tls reads and writes, over the calls of the descriptor. Back-pressure goes
// through it both ways: nothing is received before node:tls asks for it.
//
// Its errors and its end are told to the channel and not to node:tls, which would throw away what is decrypted already, and would not tell an
// end with a close_notify from one without.
import { Duplex } from 'node:stream';

/** The calls of the descriptor. */
export interface RawCalls {
  /** Receives at most `bufsize` bytes; none at the end. */
  recv(bufsize: number): Promise<Buffer>;
  /** Receives into memory. Returns the number of bytes; 0 at the end. */
  recv_into(memory: Buffer): Promise<number>;
  /** Sends all of these, one after the other. */
  sendall(pieces: readonly Buffer[]): Promise<void>;
  /** Ends sending. */
  end(): void;
}

/** What the channel learns. */
export interface RawEvents {
  /** The peer has ended the connection, or receiving failed. Nothing more is received. */
  on_end(error: unknown): void;
  /** Sending failed. Nothing more is sent. */
  on_send_failed(error: unknown): void;
}

const CHUNK_SIZE = 64 * 1024;
/** After a receive of more bytes than this, the next one goes to memory that is kept. */
const BULK = 16 * 1024;

export class RawStream extends Duplex {
  readonly #calls: RawCalls;
  readonly #events: RawEvents;
  /** Memory to receive into while much comes: node:tls takes the bytes at once, unless it is paused. */
  #memory: Buffer | undefined;

  constructor(calls: RawCalls, events: RawEvents) {
    super({ allowHalfOpen: true, readableHighWaterMark: CHUNK_SIZE, writableHighWaterMark: CHUNK_SIZE });
    this.#calls = calls;
    this.#events = events;
  }

  override _read(): void {
    const on_end = (error: unknown) => this.#events.on_end(error);
    const memory = this.#memory;
    if (memory === undefined) this.#calls.recv(CHUNK_SIZE).then((chunk) => this.#received(chunk), on_end);
    else
      this.#calls
        .recv_into(memory)
        .then((count) => this.#received(count === CHUNK_SIZE ? memory : memory.subarray(0, count)), on_end);
  }

  #received(chunk: Buffer): void {
    if (chunk.length === 0) {
      this.#memory = undefined;
      this.#events.on_end(undefined);
      return;
    }
    const memory = this.#memory;
    this.#memory = undefined;
    this.push(chunk);
    // What node:tls has not taken yet stays in that memory.
    if (chunk.length > BULK && this.readableLength === 0)
      this.#memory = memory ?? Buffer.allocUnsafeSlow(CHUNK_SIZE);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#send([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  #send(pieces: readonly Buffer[], callback: () => void): void {
    this.#calls.sendall(pieces).then(callback, (error: unknown) => this.#events.on_send_failed(error));
  }

  override _final(callback: () => void): void {
    try {
      this.#calls.end();
    } catch (error) {
      this.#events.on_send_failed(error);
      return;
    }
    callback();
  }
}
