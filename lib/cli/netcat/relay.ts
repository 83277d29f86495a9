// The relay of nc between a connected socket and standard input and output, with back-pressure in both directions, half
// closes, and an idle limit. Connecting and listening is in commands/nc.ts.
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as socket from '../../promises/index.js';
import { Timer } from '../../util/deadline.js';
import { LineEnds, lines_of, Telnet } from './filters.js';

const STDOUT = 1;
const CHUNK_SIZE = 64 * 1024;
const DATAGRAM_MAX = 65_535;
/** The most bytes of input in one datagram: the buffer of OpenBSD's nc, which receives no larger ones. */
const SENT_DATAGRAM_MAX = 16_384;
/** After the peer's end, the silence of the input after which a relay with `ends_with_peer` ends. */
const LAST_INPUT_MS = 200;
/** The longest time between two looks at the limits. */
const LOOK_MS = 1000;

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
  /** True: the end of the input shuts the sending side down. */
  readonly half_close: boolean;
  /** True: after the peer's end, the relay ends when the input is silent; false: when the input ends. */
  readonly ends_with_peer: boolean;
  /** Seconds after the end of the input at which the relay ends. */
  readonly quit_after?: number | undefined;
  /** True: LF is sent as CR LF. */
  readonly crlf?: boolean;
  /** True: requests of Telnet are refused. */
  readonly telnet?: boolean;
  /** Seconds between lines, in either direction. */
  readonly interval?: number | undefined;
  /** How many chunks or datagrams are received before the relay ends. */
  readonly receive_limit?: number | undefined;
  /** Data that was received before the relay began. */
  readonly first?: Buffer;
}

/** Keeps a pause between the lines of one direction. */
class Pace {
  #next = 0;

  constructor(
    private readonly interval_ms: number,
    private readonly signal: AbortSignal,
  ) {}

  /** Calls a function with the data: line by line, if there is a pause to keep. @throws the signal's reason */
  async in_lines(chunk: Buffer, use: (part: Buffer) => Promise<void>): Promise<void> {
    if (this.interval_ms === 0) return use(chunk);
    for (const line of lines_of(chunk)) {
      const early = this.#next - performance.now();
      if (early > 0) await sleep(early, undefined, { signal: this.signal });
      await use(line);
      this.#next = performance.now() + this.interval_ms;
    }
  }
}

/** The relay of one connection. */
class Relay {
  readonly #sock: socket.socket;
  readonly #options: RelayOptions;
  readonly #end_controller = new AbortController();
  readonly #end_signal: AbortSignal;
  readonly #is_stream: boolean;
  readonly #sent_pace: Pace;
  readonly #received_pace: Pace;
  readonly #line_ends: LineEnds | undefined;
  readonly #telnet: Telnet | undefined;
  #last_activity = performance.now();
  /** When the relay began to wait for input; undefined while it sends. */
  #waiting_since: number | undefined;

  constructor(sock: socket.socket, options: RelayOptions) {
    this.#sock = sock;
    this.#options = options;
    this.#end_signal = AbortSignal.any([options.interrupted, this.#end_controller.signal]);
    this.#is_stream = sock.type === socket.SOCK_STREAM || sock.type === socket.SOCK_SEQPACKET;
    const interval_ms = (options.interval ?? 0) * 1000;
    this.#sent_pace = new Pace(interval_ms, this.#end_signal);
    this.#received_pace = new Pace(interval_ms, this.#end_signal);
    this.#line_ends = options.crlf ? new LineEnds() : undefined;
    this.#telnet = options.telnet ? new Telnet() : undefined;
  }

  /** True if nothing looks at received bytes or at their times, and the kernel can move them to standard output. */
  get #is_pumped(): boolean {
    const { idle, receive_limit, telnet, interval } = this.#options;
    const looks = idle !== undefined || receive_limit !== undefined || telnet === true || Boolean(interval);
    return !looks && this.#sock.type === socket.SOCK_STREAM && fstatSync(STDOUT).isFIFO();
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    const note = (error: unknown) => {
      if (!this.#end_signal.aborted) failures.push(error);
    };
    const sending = this.#send().catch((error: unknown) => {
      note(error);
      // A stream that cannot send delivers what came before, and then its end or its error.
      if (!this.#is_stream || !(error instanceof socket.OSError)) this.#end();
    });
    try {
      if ((await this.#receive()) === 'ended') await Promise.race([sending, this.#silence()]);
    } catch (error) {
      note(error);
    }
    this.#end();
    await sending;
    if (failures.length > 0) throw failures[0];
  }

  #end(): void {
    this.#end_controller.abort();
  }

  /** After the peer's end: waits until the idle limit passes, or until the input is silent. */
  async #silence(): Promise<void> {
    const { idle = Number.POSITIVE_INFINITY, ends_with_peer } = this.#options;
    const peer_ended = performance.now();
    for (;;) {
      const now = performance.now();
      const limits = [this.#last_activity + idle * 1000];
      if (ends_with_peer) limits.push(Math.max(this.#waiting_since ?? now, peer_ended) + LAST_INPUT_MS);
      const left = Math.min(...limits) - now;
      if (left <= 0) return;
      await sleep(Math.min(left, LOOK_MS), undefined, { signal: this.#end_signal });
    }
  }

  /** Receives until the peer ends, the idle limit has passed, or enough has come. */
  async #receive(): Promise<'ended' | 'enough'> {
    const { first, idle, receive_limit = Number.POSITIVE_INFINITY } = this.#options;
    let chunk = first ?? (await this.#next_chunk(idle));
    for (let count = 1; ; count++) {
      if (chunk !== undefined && chunk.length > 0 && this.#is_pumped) {
        await write(chunk);
        await this.#pump();
        return 'ended';
      }
      if (chunk === undefined || (chunk.length === 0 && this.#is_stream)) return 'ended';
      this.#last_activity = performance.now();
      this.#refuse(chunk);
      await this.#received_pace.in_lines(chunk, write);
      if (count >= receive_limit) return 'enough';
      chunk = await this.#next_chunk(idle);
    }
  }

  /** Moves received bytes to standard output until the peer ends. */
  async #pump(): Promise<void> {
    try {
      await socket.pump(this.#sock, STDOUT, { signal: this.#end_signal, timeout: null });
    } catch (error) {
      // If its reader is gone, the stream of standard output says so, and ends the program.
      if (error instanceof socket.BrokenPipeError) await write(error.partial ?? Buffer.alloc(1));
      throw error;
    }
  }

  /** Sends the refusals of -t behind what is being sent. An error shows in the next call that sends. */
  #refuse(chunk: Buffer): void {
    const refusals = this.#telnet?.refusals(chunk);
    if (!refusals?.length) return;
    void this.#sock.sendall(refusals, { signal: this.#end_signal }).catch(() => {});
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
      this.#waiting_since = performance.now();
      await Promise.race([input.ready(), ended]);
      if (this.#end_signal.aborted) return;
      this.#waiting_since = undefined;
      const chunk = await input.take();
      if (chunk === undefined) break;
      await this.#sent_pace.in_lines(this.#line_ends?.convert(chunk) ?? chunk, async (part) => {
        await this.#send_chunk(part);
        this.#last_activity = performance.now();
      });
    }
    if (half_close && this.#is_stream) await this.#sock.shutdown(socket.SHUT_WR);
    if (quit_after !== undefined) new Timer(quit_after * 1000, () => this.#end());
  }

  /** Sends a chunk; by a datagram socket, as datagrams. */
  async #send_chunk(chunk: Buffer): Promise<void> {
    if (this.#is_stream) return this.#sock.sendall(chunk, { signal: this.#end_signal });
    for (let i = 0; i < chunk.length; i += SENT_DATAGRAM_MAX) {
      await this.#sock.send(chunk.subarray(i, i + SENT_DATAGRAM_MAX), { signal: this.#end_signal });
    }
  }
}

/**
 * relay(sock, options). Sends standard input to a connected socket, and received data to standard output. The relay ends when
 * both the peer and the input have ended (with `ends_with_peer`: when the peer has), the idle limit passes or the signal
 * aborts.
 *
 * @throws OSError of either direction
 */
export function relay(sock: socket.socket, options: RelayOptions): Promise<void> {
  return new Relay(sock, options).run();
}
