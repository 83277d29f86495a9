// The control connection: lines in, replies out, in the order of the commands. It is read all the time, also while a command runs, so that
// an ABOR or the end of the connection is seen at once; of commands that wait it holds a bounded number, and then reads no further.
import {
  type ConnectedSocket,
  IPPROTO_TCP,
  type ListeningSocket,
  OSError,
  SHUT_WR,
  SO_OOBINLINE,
  SOL_SOCKET,
  type SSLServerContext,
  SSLSocket,
  TCP_NODELAY,
} from 'bsd-sockets/promises';
import { local_host } from '../protocol/addresses.js';
import { encode_reply, type Reply } from '../protocol/replies.js';
import { type Line, TelnetLines } from '../protocol/telnet.js';

/** A line, or that there are no more. */
export type Input = Line | { kind: 'end' } | { kind: 'timeout' } | { kind: 'flood' };

export interface ControlOptions {
  /** the longest line, bytes */
  readonly line_limit: number;
  /** commands that may wait */
  readonly ahead: number;
  /** seconds that a client may take to receive a reply */
  readonly stall: number;
}

/** What is told of lines as they come. */
export interface ControlEvents {
  /** Returns true for a command that needs no place in the queue: it is answered already. */
  on_line(text: string, number: number, is_next: boolean): boolean;
  /** The client has ended the connection. */
  on_end(waiting: readonly Input[]): void;
}

/** What is not read on behind, until all that has come is answered: the bytes behind it are those of a handshake. */
const BEGINS_TLS = /^AUTH(?: |$)/i;
/** Nothing comes behind it. If it is answered at once, nothing is read any more; if a transfer runs, its client is listened to. */
const ENDS = /^QUIT *$/i;
/** A client is waited for by next(), and not here. */
const WITHOUT_LIMIT = { timeout: null };
/** A client that has been told of the end has this time to end the connection from its side. */
const LINGER_MS = 1000;
const RECEIVE_SIZE = 2048;
/** A line that is longer than its limit by this ends the connection. */
const FLOOD = 64 * 1024;

/** Sets what the connections of a listening socket inherit: none of them has to be told. */
export function prepare_listener(sock: ListeningSocket): void {
  // Telnet's Synch has its mark within the data, where it stands, and not beside them.
  sock.setsockopt(SOL_SOCKET, SO_OOBINLINE, 1);
  // Replies follow each other, as 150 and 226 do: the second one must not wait until the first is acknowledged.
  sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
}

export class Control {
  events: ControlEvents | undefined;
  #sock: ConnectedSocket;
  readonly #options: ControlOptions;
  #lines: TelnetLines;
  readonly #queue: { input: Input; number: number }[] = [];
  #count = 0;
  #wake: (() => void) | undefined;
  #more: (() => void) | undefined;
  #ended = false;
  #closing = false;
  #is_answering = false;
  #rests = false;
  #reading: Promise<void> | undefined;
  /** The number of the line that next() gave last: lines are counted as they come. */
  number = 0;

  constructor(sock: ConnectedSocket, options: ControlOptions) {
    this.#sock = sock;
    this.#options = options;
    this.#lines = new TelnetLines(options.line_limit);
  }

  /** The connection over TLS; undefined if it is not. */
  get secure(): SSLSocket | undefined {
    return this.#sock instanceof SSLSocket ? this.#sock : undefined;
  }

  /** Our address on this machine. @throws OSError if the connection is closed */
  get address(): string {
    return local_host(this.#sock.getsockname());
  }

  /** Whether the client has ended the connection, or it is broken. */
  get is_ended(): boolean {
    return this.#ended;
  }

  /** Begins to read. Not before: the first bytes may be those of a handshake. */
  begin(): void {
    this.#rests = false;
    this.#reading = this.#read(this.#sock);
  }

  async #read(sock: ConnectedSocket): Promise<void> {
    try {
      for (;;) {
        if (this.#queue.length >= this.#options.ahead && !this.#closing) {
          await new Promise<void>((resolve) => {
            this.#more = resolve;
          });
          continue;
        }
        const chunk = await sock.recv(RECEIVE_SIZE, WITHOUT_LIMIT);
        if (chunk.length === 0) break;
        if (!this.#closing) this.#received(chunk, sock);
        if (this.#rests) return;
      }
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
    }
    this.#end();
  }

  #received(chunk: Buffer, sock: ConnectedSocket): void {
    const { lines, answer } = this.#lines.push(chunk);
    if (answer !== undefined) this.#answer(answer, sock);
    for (const line of lines) {
      const number = ++this.#count;
      const is_next = this.#queue.length === 0;
      const { text } = line.kind === 'line' ? line : { text: '' };
      if (BEGINS_TLS.test(text) || (is_next && this.#wake !== undefined && ENDS.test(text)))
        this.#rests = true;
      if (line.kind === 'line' && this.events?.on_line(line.text, number, is_next)) continue;
      this.#put(line, number);
    }
    if (this.#lines.dropped > FLOOD) {
      this.#put({ kind: 'flood' }, ++this.#count);
      this.#closing = true;
      this.#end();
    }
  }

  /** Sends what Telnet wants; while the last answer has not gone out, nothing: a client that does not read is not to fill the memory. */
  #answer(bytes: Buffer, sock: ConnectedSocket): void {
    if (this.#is_answering) return;
    this.#is_answering = true;
    const done = () => {
      this.#is_answering = false;
    };
    sock.sendall(bytes, { timeout: this.#options.stall }).then(done, done);
  }

  #put(input: Input, number: number): void {
    this.#queue.push({ input, number });
    this.#wake?.();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.events?.on_end(this.#queue.map(({ input }) => input));
    this.#wake?.();
  }

  /** Waits for the next line. @param timeout seconds */
  async next(timeout: number): Promise<Input> {
    if (this.#queue.length === 0 && !this.#ended) {
      if (this.#rests) this.begin();
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, Math.min(timeout * 1000, 2 ** 31 - 1));
      });
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const next = this.#queue.shift();
    if (next === undefined) return { kind: this.#ended ? 'end' : 'timeout' };
    this.number = next.number;
    this.#more?.();
    this.#more = undefined;
    return next.input;
  }

  /** Has next() return at once with 'timeout' if it waits. */
  wake(): void {
    this.#wake?.();
  }

  /** Sends a reply. An error is the end of the connection, which the reader sees, too. */
  async send(reply: Reply): Promise<void> {
    try {
      await this.#sock.sendall(encode_reply(reply), { timeout: this.#options.stall });
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      this.#end();
    }
  }

  /**
   * Begins TLS. What came before the handshake is thrown away: it was not encrypted, and anybody may have put it there.
   *
   * @param timeout seconds
   * @throws (rejects) OSError: the connection is closed
   */
  async start_tls(context: SSLServerContext, timeout: number): Promise<SSLSocket> {
    await this.#reading;
    this.#queue.length = 0;
    // An urgent byte has no place within TLS.
    this.#sock.setsockopt(SOL_SOCKET, SO_OOBINLINE, 0);
    let secure: SSLSocket;
    try {
      secure = await context.wrap_socket(this.#sock, { timeout });
    } catch (error) {
      this.#ended = true;
      throw error;
    }
    this.#sock = secure;
    this.#lines = new TelnetLines(this.#options.line_limit);
    this.begin();
    return secure;
  }

  /**
   * Ends the connection: what was sent arrives.
   *
   * @param is_expected the client has said QUIT and nothing behind it
   * @param timeout seconds that the client may take for it
   */
  async close(is_expected = false, timeout = 5): Promise<void> {
    if (is_expected && this.secure === undefined && this.#queue.length === 0) {
      this.destroy();
      return;
    }
    this.#closing = true;
    this.#more?.();
    try {
      await this.#sock.shutdown(SHUT_WR, { timeout });
      // What has come and is not read would have the kernel reset the connection, and the last reply would be lost.
      if (!this.#ended) await this.#ended_within(LINGER_MS);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
    } finally {
      this.destroy();
    }
  }

  async #ended_within(limit_ms: number): Promise<void> {
    if (this.#reading === undefined || this.#rests) this.begin();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limit_ms);
    });
    await Promise.race([this.#reading, late]);
    clearTimeout(timer);
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#closing = true;
    this.#more?.();
    this.#ended = true;
    this.#sock.close();
    this.#wake?.();
  }
}
