// A transfer: the data connection, the command, the data, and the answer that says whether all of it arrived. While data moves the answer is
// waited for at the same time, so that a server that gives up is heard at once; and whatever ends a transfer early, ABOR puts the control
// connection back in order, or it is closed.
import { TimeoutError } from 'bsd-sockets/promises';
import type { Reply } from '../protocol/reply_parser.js';
import type { Control } from './control.js';
import { type DataSettings, type Opening, open_data, type Refused } from './data.js';
import { FTPError, message_of, refusal } from './errors.js';
import { drain, type Link, PlainLink, type Sock } from './link.js';
import type { TLSClient } from './tls.js';

export interface TransferSettings extends DataSettings {
  /** seconds for an answer */
  readonly timeout: number;
  /** seconds without a byte */
  readonly data_timeout: number;
}

export interface TransferRequest {
  readonly direction: 'download' | 'upload';
  /** with its argument */
  readonly command: string;
  /** where the server begins, bytes; 0 sends no REST */
  readonly offset: number;
  /** TLS of the data connection */
  readonly tls: TLSClient | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Seconds for the server's word on a data connection that broke. */
const WORDS_S = 5;
/** Seconds for the answer before the handshake of a data connection begins without it. */
const EARLY_HANDSHAKE_S = 2;

/** Moves the data over the link. */
type Body<T> = (link: Link, signal: AbortSignal) => Promise<T>;

/** Returns what the body returned, and the last answer. @throws (rejects) FTPError; what the body threw; the signal's reason */
export async function transfer<T>(
  control: Control,
  settings: TransferSettings,
  refused: Refused,
  request: TransferRequest,
  body: Body<T>,
): Promise<{ value: T; reply: Reply }> {
  const { command, offset, signal } = request;
  signal?.throwIfAborted();
  const opening = await open_data(control, settings, refused, signal);
  let begun: { reply: Reply; link: Link } | undefined;
  try {
    if (offset > 0) {
      const reply = await control.command(`REST ${offset}`, { signal });
      if (reply.code !== 350) throw refusal(`REST ${offset}`, reply);
    }
    begun = await begin(control, settings, request, opening);
  } catch (error) {
    opening.close();
    throw error;
  }
  return run(control, settings, request, begun, body, command);
}

/**
 * Sends the command. The handshake of TLS begins behind the answer, as that of other clients: pyftpdlib loses a connection whose first bytes are
 * there too early (its issue 604). A server that does not answer before it has the handshake gets it after a while.
 */
async function begin(
  control: Control,
  settings: TransferSettings,
  { command, tls, signal }: TransferRequest,
  opening: Opening,
): Promise<{ reply: Reply; link: Link }> {
  const giving_up = new AbortController();
  const both = signal === undefined ? giving_up.signal : AbortSignal.any([signal, giving_up.signal]);
  const { promise: answered, resolve: go_on } = deferred();
  const timer = setTimeout(go_on, EARLY_HANDSHAKE_S * 1000);
  const connecting = secured(opening, tls, settings.connect_timeout, both, answered);
  // Its failure is looked at below, behind the answer, which may say why.
  connecting.catch(() => {});
  let reply: Reply;
  try {
    reply = await control.command(command, { signal });
    if (reply.code >= 400) throw refusal(command, reply);
    go_on();
  } catch (error) {
    giving_up.abort(error);
    go_on();
    connecting.then(
      (link) => link.close(),
      () => {},
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
  try {
    return { reply, link: await connecting };
  } catch (error) {
    opening.close();
    if (reply.code >= 200) throw error;
    // The server may have more to say about it: "522 session reuse required".
    const said = signal?.aborted === true ? undefined : await late_refusal(control, settings, command);
    if (said === undefined) await control.abort();
    throw said === undefined ? error : with_words(error, said);
  }
}

/** Returns the error with the server's words. */
function with_words(error: unknown, said: FTPError): FTPError {
  const kind = error instanceof FTPError ? error.kind : 'transfer';
  return new FTPError(kind, `${message_of(error)}; the server says ${said.message}`, {
    cause: error,
    reply: said.reply,
  });
}

/** Returns the refusal that a server sends after its preliminary answer when the data connection came to nothing. */
async function late_refusal(
  control: Control,
  { timeout }: TransferSettings,
  command: string,
): Promise<FTPError | undefined> {
  try {
    const reply = await control.reply(
      { signal: AbortSignal.timeout(Math.min(WORDS_S, timeout) * 1000) },
      command,
    );
    return reply.code >= 400 ? refusal(command, reply, 'transfer') : undefined;
  } catch {
    return undefined;
  }
}

async function secured(
  opening: Opening,
  tls: TLSClient | undefined,
  timeout: number,
  signal: AbortSignal,
  answered: Promise<void>,
): Promise<Link> {
  const sock: Sock = await opening.connected(signal);
  if (tls === undefined) return new PlainLink(sock);
  await answered;
  return tls.data(sock, { timeout, signal });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function run<T>(
  control: Control,
  settings: TransferSettings,
  { direction, signal }: TransferRequest,
  { reply: first, link }: { reply: Reply; link: Link },
  body: Body<T>,
  command: string,
): Promise<{ value: T; reply: Reply }> {
  const stop = new AbortController();
  const stopping = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const patience = new AbortController();
  const answer =
    first.code >= 200
      ? Promise.resolve(first)
      : control.reply({ timeout: null, signal: patience.signal }, command);
  answer.then(
    (reply) => {
      if (reply.code >= 400) stop.abort(refusal(command, reply, 'transfer'));
    },
    (error: unknown) => stop.abort(error),
  );
  let value: T;
  try {
    value = await body(link, stopping);
    if (direction === 'upload') await link.end({ timeout: settings.data_timeout, signal: stopping });
  } catch (error) {
    link.abort();
    throw await ended_early(control, settings, {
      answer,
      patience,
      command,
      error,
      stop: stop.signal,
      signal,
    });
  }
  const draining = direction === 'upload' ? drain(link, { timeout: settings.timeout }) : undefined;
  if (direction === 'download') link.close();
  const timer = setTimeout(
    () =>
      patience.abort(
        new FTPError('timeout', `no answer at the end of ${command} within ${settings.timeout} s`),
      ),
    settings.timeout * 1000,
  );
  const on_abort = () => patience.abort(signal?.reason);
  signal?.addEventListener('abort', on_abort);
  if (signal?.aborted === true) on_abort();
  try {
    const reply = await answer;
    if (reply.code >= 300) throw refusal(command, reply, 'transfer');
    return { value, reply };
  } catch (error) {
    if (patience.signal.aborted) {
      link.close();
      if (signal?.aborted === true) await control.abort();
      else control.close();
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', on_abort);
    link.close();
    await draining;
  }
}

interface Early {
  readonly answer: Promise<Reply>;
  readonly patience: AbortController;
  readonly command: string;
  readonly error: unknown;
  /** aborted with what the server said */
  readonly stop: AbortSignal;
  readonly signal: AbortSignal | undefined;
}

/** The data did not come to its end. Returns the error that says why, with the control connection in order or closed. */
async function ended_early(
  control: Control,
  settings: TransferSettings,
  { answer, patience, command, error, stop, signal }: Early,
): Promise<unknown> {
  // The server's own words come first.
  if (stop.aborted) return stop.reason;
  const give_up = async () => {
    patience.abort(error);
    await answer.catch(() => {});
    await control.abort();
  };
  if (signal?.aborted === true) {
    await give_up();
    return signal.reason;
  }
  if (!is_of_connection(error)) {
    await give_up();
    return is_time_out(error) ? silence(command, settings, error) : error;
  }
  // The data connection broke: the answer says why, if it comes.
  const reply = await Promise.race([
    answer.catch((lost: unknown) => lost),
    new Promise<undefined>((resolve) => {
      setTimeout(resolve, Math.min(WORDS_S, settings.timeout) * 1000, undefined).unref();
    }),
  ]);
  if (reply === undefined) await give_up();
  else if (reply instanceof FTPError) return reply;
  else if (typeof reply === 'object' && reply !== null && 'code' in reply && (reply as Reply).code >= 400)
    return refusal(command, reply as Reply, 'transfer');
  return new FTPError('transfer', `the data connection broke (${command}): ${message_of(error)}`, {
    cause: error,
  });
}

function is_time_out(error: unknown): boolean {
  return error instanceof TimeoutError || (error instanceof FTPError && error.kind === 'timeout');
}

function silence(command: string, { data_timeout }: TransferSettings, cause: unknown): FTPError {
  return new FTPError('timeout', `no data within ${data_timeout} s (${command})`, { cause });
}

const BROKEN = ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN', 'ERR_STREAM_DESTROYED'];

function is_of_connection(error: unknown): boolean {
  if (error instanceof FTPError) return error.kind === 'connect';
  return error instanceof Error && 'code' in error && BROKEN.includes(String(error.code));
}
