// The relay of nc between a connected socket and standard input and output, with back-pressure in both directions, half
// closes, and an idle limit. Connecting and listening is in commands/nc.ts.

import * as socket from '../../promises/index.js';
import { Timer } from '../../util/deadline.js';

const CHUNK_SIZE = 64 * 1024;
const DATAGRAM_MAX = 65_535;

/** Standard input in chunks. A chunk that one connection did not take is kept for the next connection. */
export class Input {
  #chunks: AsyncIterator<Buffer> | undefined;
  #next: Promise<IteratorResult<Buffer>> | undefined;

  /** Waits for a chunk or the end of the input, and leaves the chunk for take(). */
  async ready(): Promise<void> {
    this.#chunks ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#next ??= this.#chunks.next();
    await this.#next;
  }

  /** Removes and returns the chunk that is ready; undefined at the end of the input. */
  async take(): Promise<Buffer | undefined> {
    const result = await this.#next;
    if (result === undefined || result.done === true) return undefined;
    this.#next = undefined;
    return result.value;
  }

  /** Closes standard input, which otherwise keeps the process alive. */
  close(): void {
    if (this.#chunks !== undefined) process.stdin.destroy();
  }
}

/** Writes to standard output. @returns a promise that waits until the chunk is written */
function write(chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

export interface RelayOptions {
  readonly input: Input | undefined;
  readonly interrupted: AbortSignal;
  /** Seconds without data in either direction after which the relay ends. */
  readonly idle?: number | undefined;
  /** True: the end of the input shuts the sending side down, and each direction ends by itself. */
  readonly half_close: boolean;
  /** Seconds after the end of the input at which the relay ends. */
  readonly quit_after?: number | undefined;
  /** Data that was received before the relay began. */
  readonly first?: Buffer;
}

/** The relay of one connection. */
class Relay {
  readonly #sock: socket.socket;
  readonly #options: RelayOptions;
  readonly #end_controller = new AbortController();
  readonly #end_signal: AbortSignal;
  readonly #is_stream: boolean;
  #last_activity = performance.now();

  constructor(sock: socket.socket, options: RelayOptions) {
    this.#sock = sock;
    this.#options = options;
    this.#end_signal = AbortSignal.any([options.interrupted, this.#end_controller.signal]);
    this.#is_stream = sock.type === socket.SOCK_STREAM || sock.type === socket.SOCK_SEQPACKET;
  }

  async run(): Promise<void> {
    const { half_close } = this.#options;
    const sending = this.#send().catch((error: Error) => this.#end(error));
    try {
      await this.#receive();
      if (half_close) await sending;
      this.#end();
      await sending;
    } catch (error) {
      this.#end();
      await sending;
      if (!this.#end_signal.aborted || error !== this.#end_signal.reason) throw error;
      // The sending direction ended the relay. An error is the reason if sending failed.
      if (this.#end_signal.reason instanceof socket.OSError) throw this.#end_signal.reason;
    }
  }

  #end(reason?: Error): void {
    this.#end_controller.abort(reason);
  }

  async #receive(): Promise<void> {
    const { first, idle } = this.#options;
    if (first !== undefined) await write(first);
    for (;;) {
      const chunk = await this.#next_chunk(idle);
      if (chunk === undefined || (chunk.length === 0 && this.#is_stream)) return;
      this.#last_activity = performance.now();
      await write(chunk);
    }
  }

  /** Returns the next data from the socket; undefined when the idle limit has passed. */
  async #next_chunk(idle: number | undefined): Promise<Buffer | undefined> {
    const size = this.#is_stream ? CHUNK_SIZE : DATAGRAM_MAX;
    for (;;) {
      const left = idle === undefined ? null : idle - (performance.now() - this.#last_activity) / 1000;
      if (left !== null && left <= 0) return undefined;
      try {
        return await this.#sock.recv(size, { signal: this.#end_signal, timeout: left });
      } catch (error) {
        if (!(error instanceof socket.TimeoutError) || error.errno !== undefined) throw error;
      }
    }
  }

  async #send(): Promise<void> {
    const { input, half_close, quit_after } = this.#options;
    if (input === undefined) return;
    const ended = new Promise<void>((resolve) =>
      this.#end_signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    for (;;) {
      await Promise.race([input.ready(), ended]);
      if (this.#end_signal.aborted) return;
      const chunk = await input.take();
      if (chunk === undefined) break;
      await this.#send_chunk(chunk);
      this.#last_activity = performance.now();
    }
    if (half_close && this.#is_stream) await this.#sock.shutdown(socket.SHUT_WR);
    if (quit_after !== undefined) new Timer(quit_after * 1000, () => this.#end());
  }

  /** Sends a chunk; by a datagram socket, as datagrams of the greatest size. */
  async #send_chunk(chunk: Buffer): Promise<void> {
    if (this.#is_stream) return this.#sock.sendall(chunk, { signal: this.#end_signal });
    const size = this.#sock.family === socket.AF_UNIX ? DATAGRAM_MAX : 65_507;
    for (let i = 0; i < chunk.length; i += size) {
      await this.#sock.send(chunk.subarray(i, i + size), { signal: this.#end_signal });
    }
  }
}

/**
 * relay(sock, options). Sends standard input to a connected socket, and received data to standard output. The relay ends when
 * the peer ends, the idle limit passes or the signal aborts. Without `half_close`, the peer's end also ends the sending.
 *
 * @throws OSError of either direction
 */
export function relay(sock: socket.socket, options: RelayOptions): Promise<void> {
  return new Relay(sock, options).run();
}
