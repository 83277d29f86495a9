// The control connection: one command at a time, its answers in order, and ABOR. After a failure that leaves it unknown which answer belongs to
// which command the connection is closed; after an abort the answer that is still owed is thrown away before the next command.
import { create_connection, SO_KEEPALIVE, SOL_SOCKET, TimeoutError } from 'bsd-sockets/promises';
import { type Reply, ReplyFormatError, ReplyParser } from '../protocol/reply_parser.js';
import { FTPError, message_of } from './errors.js';
import { type Link, PlainLink, type Sock, type Waits } from './link.js';
import type { TLSClient } from './tls.js';

/** What is seen of the conversation: lines without passwords. */
export type Trace = (direction: 'sent' | 'received', line: string) => void;

export interface ControlSettings {
  /** seconds for the answer to a command */
  readonly timeout: number;
  readonly encoding: BufferEncoding;
  readonly trace: Trace | undefined;
}

/** Seconds for the answers after ABOR. */
const ABORT_TIMEOUT = 10;
const CONTROL_CHUNK = 16 * 1024;

// Telnet: interrupt process, and the data mark of a Synch, RFC 854.
const INTERRUPT = Buffer.from([255, 244, 255]);
const DATA_MARK = 242;

export class Control {
  readonly sock: Sock;
  readonly #settings: ControlSettings;
  #link: Link;
  #parser: ReplyParser;
  #replies: Reply[] = [];
  #owed = 0;
  #closed: FTPError | undefined;

  constructor(sock: Sock, settings: ControlSettings) {
    this.sock = sock;
    this.#settings = settings;
    this.#link = new PlainLink(sock, CONTROL_CHUNK);
    this.#parser = new ReplyParser(settings.encoding);
  }

  /** Connects. @throws (rejects) FTPError 'connect'; the signal's reason */
  static async open(
    host: string,
    port: number,
    settings: ControlSettings,
    waits: { timeout: number; signal?: AbortSignal | undefined },
  ): Promise<Control> {
    let sock: Sock;
    try {
      sock = await create_connection([host, port], {
        timeout: waits.timeout,
        ...(waits.signal === undefined ? {} : { signal: waits.signal }),
      });
    } catch (error) {
      if (waits.signal?.aborted === true) throw waits.signal.reason;
      throw new FTPError('connect', `${host} port ${port}: ${message_of(error)}`, { cause: error });
    }
    sock.settimeout(null);
    // A router that forgets silent connections would lose it during a long transfer.
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    return new Control(sock, settings);
  }

  get closed(): FTPError | undefined {
    return this.#closed;
  }

  /** Begins TLS. What came before it in the clear must not count as an answer of the server behind it. */
  async start_tls(tls: TLSClient, waits: Waits): Promise<string> {
    if (this.#replies.length > 0 || this.#parser.has_rest) {
      this.close();
      throw new FTPError('tls', 'the server sent more than its answer before TLS');
    }
    const link = await tls.control(this.sock, waits);
    this.#link = link;
    return link.description;
  }

  /**
   * Sends a command and returns its first answer, which may be a preliminary one.
   *
   * @param shown the command for messages and traces, when it has a secret
   * @throws (rejects) FTPError 'timeout', 'connect' or 'protocol', the connection then is closed; the signal's reason
   */
  async command(text: string, waits: Waits = {}, shown: string = text): Promise<Reply> {
    await this.#settle();
    waits.signal?.throwIfAborted();
    this.#settings.trace?.('sent', shown);
    await this.#send(text);
    this.#owed++;
    return this.reply(waits, shown);
  }

  /** Sends what must not wait for its turn. */
  async #send(text: string): Promise<void> {
    const line = this.#settings.encoding === 'latin1' ? text.replaceAll('\xff', '\xff\xff') : text;
    try {
      await this.#link.write(Buffer.from(`${line}\r\n`, this.#settings.encoding), {
        timeout: this.#settings.timeout,
      });
    } catch (error) {
      throw this.#lost(error, 'send');
    }
  }

  /** Returns the next answer. */
  async reply({ timeout = this.#settings.timeout, signal }: Waits = {}, what = 'the server'): Promise<Reply> {
    const deadline = timeout === null ? undefined : Date.now() + timeout * 1000;
    for (;;) {
      const next = this.#replies.shift();
      if (next !== undefined) {
        this.#trace(next);
        if (next.code >= 200) this.#owed = Math.max(0, this.#owed - 1);
        if (next.code === 421) this.#fail(new FTPError('connect', lines_of(next), { reply: next }));
        return next;
      }
      if (this.#closed !== undefined) throw this.#closed;
      const left = deadline === undefined ? null : (deadline - Date.now()) / 1000;
      if (left !== null && left <= 0)
        throw this.#fail(new FTPError('timeout', `no answer to ${what} within ${timeout} s`));
      await this.#receive({ timeout: left, signal }, what, timeout);
    }
  }

  #trace(reply: Reply): void {
    const { trace } = this.#settings;
    if (trace === undefined) return;
    const last = reply.lines.length - 1;
    for (const [index, line] of reply.lines.entries())
      trace('received', `${reply.code}${index === last ? ' ' : '-'}${line}`);
  }

  async #receive(waits: Waits, what: string, timeout: number | null): Promise<void> {
    let bytes: Buffer | undefined;
    try {
      bytes = await this.#link.read(waits);
    } catch (error) {
      if (waits.signal?.aborted === true) throw waits.signal.reason;
      const is_late =
        error instanceof TimeoutError || (error instanceof FTPError && error.kind === 'timeout');
      if (is_late)
        throw this.#fail(
          new FTPError('timeout', `no answer to ${what} within ${timeout} s`, { cause: error }),
        );
      throw this.#lost(error, what);
    }
    if (bytes === undefined)
      throw this.#fail(new FTPError('connect', `the server closed the connection (at ${what})`));
    try {
      this.#replies.push(...this.#parser.push(bytes));
    } catch (error) {
      if (!(error instanceof ReplyFormatError)) throw error;
      throw this.#fail(new FTPError('protocol', error.message, { cause: error }));
    }
  }

  /** Throws away answers to commands that were given up. */
  async #settle(): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    while (this.#owed > 0) await this.reply({}, 'a command that was given up');
    // What nobody asked for: "421 idle for too long", most of the time.
    const unasked = this.#replies.at(-1);
    this.#replies = [];
    if (unasked?.code === 421)
      throw this.#fail(new FTPError('connect', lines_of(unasked), { reply: unasked }));
  }

  /**
   * Ends a transfer: Synch, ABOR, and all answers up to that of a PWD behind it, since servers differ in how many they
   * send, and nothing else is answered with 257. The data
   * connection must be closed by then, or the server may wait for it. Never rejects: the connection is usable afterwards, or closed.
   */
  async abort(): Promise<void> {
    if (this.#closed !== undefined) return;
    const timeout = Math.min(ABORT_TIMEOUT, this.#settings.timeout);
    const deadline = Date.now() + timeout * 1000;
    try {
      // As the clients of BSD do it: the urgent byte is the IAC, and the data mark follows.
      const is_plain = this.#link instanceof PlainLink;
      if (is_plain) await this.#link.write_urgent(INTERRUPT, { timeout });
      this.#settings.trace?.('sent', 'ABOR');
      const mark = is_plain ? [DATA_MARK] : [];
      await this.#link.write(Buffer.from([...mark, ...Buffer.from('ABOR\r\n')]), { timeout });
      await this.reply({ timeout }, 'ABOR');
      this.#settings.trace?.('sent', 'PWD');
      await this.#send('PWD');
      for (;;) {
        const { code } = await this.reply({ timeout: Math.max(0.01, (deadline - Date.now()) / 1000) }, 'PWD');
        if (code === 257) break;
      }
      this.#owed = 0;
    } catch (error) {
      this.#fail(new FTPError('connect', `the connection is of no use after ABOR: ${message_of(error)}`));
    }
  }

  #lost(error: unknown, what: string): FTPError {
    if (this.#closed !== undefined) return this.#closed;
    return this.#fail(
      new FTPError('connect', `the connection was lost (at ${what}): ${message_of(error)}`, { cause: error }),
    );
  }

  /** Closes the connection for a reason, which later commands are told. */
  #fail(error: FTPError): FTPError {
    this.#closed ??= error;
    this.#link.close();
    this.sock.close();
    return this.#closed;
  }

  close(): void {
    this.#fail(new FTPError('connect', 'the client is closed'));
  }
}

function lines_of(reply: Reply): string {
  return `the server ends the session: ${reply.code} ${reply.lines.join(' ')}`;
}
