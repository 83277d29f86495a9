// A transfer as its session sees it: its data connection from 150 to the reply that ends it, whatever happens in between. What moves the
// bytes is in download.ts and upload.ts.
import { OSError, SHUT_WR, SSLError } from 'bsd-sockets/promises';
import { type Reply, ReplyError, reply } from '../../protocol/replies.js';
import type { DataChannel, DataConnection } from '../data/channel.js';
import type { Session } from '../session.js';
import { Meter, type TransferSubject } from './meter.js';

/** The client has sent ABOR. */
class Aborted extends Error {}

export const aborted = () => new Aborted('The transfer was aborted.');

/** What a transfer does with its connection. */
export interface Moving {
  readonly conn: DataConnection;
  readonly meter: Meter;
  readonly signal: AbortSignal;
  /** seconds that a call may take without a byte */
  readonly stall: number;
}

/** Codes of errors of files, in a transfer: 552 for want of room, else 451. */
const NO_ROOM = new Set(['EDQUOT', 'ENOSPC', 'EFBIG']);

/** Returns what a client may know of an error: no descriptor, no path of the machine. */
function text_of(error: unknown): string {
  if (error instanceof SSLError) return error.message;
  if (error instanceof OSError) return error.strerror ?? error.name;
  if (error instanceof Error && !('code' in error)) return error.message;
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** Returns the reply of a transfer that has failed. @param opened whether the data connection was there */
function failure(error: unknown, opened: boolean): Reply {
  if (error instanceof ReplyError) return error.reply;
  if (error instanceof Aborted) return reply(426, 'Transfer aborted; the data connection is closed.');
  const message = text_of(error);
  if (!opened) return reply(425, `No data connection: ${message}`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (NO_ROOM.has(code)) return reply(552, 'There is no room for it: the transfer was ended.');
  const of_connection = error instanceof OSError || !('code' in Object(error)) || code.startsWith('Z_');
  return reply(of_connection ? 426 : 451, `Transfer failed: ${message}`);
}

/** @throws what is no error of the connection */
function unless_of_connection(error: unknown): void {
  if (!(error instanceof OSError)) throw error;
}

/** Seconds that a client has to end the data connection from its side. */
const LINGER = 5;

/**
 * Ends a connection whose bytes have all been sent: the client gets them, and its own end is awaited, since the kernel would reset the
 * connection otherwise. Not awaited by the transfer: some clients end theirs only behind 226.
 */
async function retire(conn: DataConnection): Promise<void> {
  try {
    const options = { timeout: null, signal: AbortSignal.timeout(LINGER * 1000) };
    while ((await conn.recv(4096, options)).length > 0);
  } catch {
    // It is not the transfer's matter any more.
  } finally {
    conn.close();
  }
}

/**
 * Runs a transfer: 150, the data connection, the bytes, the last reply.
 *
 * @param move moves the bytes
 * @param settle called at the end with the error, if there is one, before the last reply; what it rejects with is the error then
 */
export async function run_transfer(
  session: Session,
  channel: DataChannel,
  subject: TransferSubject,
  move: (moving: Moving) => Promise<void>,
  settle: (error: unknown) => Promise<void> = async () => {},
): Promise<Reply> {
  const { config, registry } = session;
  const { timeouts, limits } = config;
  const stop = new AbortController();
  const { direction, path, size } = subject;
  const state = (bytes: number) =>
    registry.update(session.id, { transfer: { direction, path, bytes, size } });
  const meter = new Meter({
    throttle: session.throttle(direction),
    stall: timeouts.stall,
    min_rate: limits.min_rate,
    on_progress: state,
  });
  session.channel = undefined;
  session.transfer = { ...subject, meter, abort: (reason) => stop.abort(reason) };
  if (session.control.number < session.abort_before) stop.abort(aborted());
  let conn: DataConnection | undefined;
  let error: unknown;
  let failed = false;
  try {
    stop.signal.throwIfAborted();
    state(0);
    await session.send(reply(150, subject.opening));
    conn = await channel.open(timeouts.data_connect, session.data_protection(), stop.signal);
    await move({ conn, meter, signal: stop.signal, stall: timeouts.stall });
    if (direction === 'download') {
      const ended = conn.shutdown(SHUT_WR, { timeout: timeouts.stall, signal: stop.signal });
      // In MODE Z a client sees the end of the data by itself, and may have closed the connection.
      await (session.parameters.mode === 'Z' ? ended.catch(unless_of_connection) : ended);
    }
  } catch (caught) {
    failed = true;
    error = stop.signal.aborted ? stop.signal.reason : caught;
  }
  channel.close();
  try {
    await settle(failed ? error : undefined);
  } catch (caught) {
    if (!failed) error = caught;
    failed = true;
  }
  const is_complete = !failed;
  if (conn !== undefined) {
    if (is_complete) void (direction === 'download' ? retire(conn) : finish(conn));
    else conn.close();
  }
  session.transfer = undefined;
  session.transfers++;
  registry.update(session.id, { transfer: undefined });
  const last = failed
    ? failure(error, conn !== undefined)
    : reply(226, `Transfer complete: ${meter.bytes} bytes in ${meter.seconds.toFixed(3)} s.`);
  const reason = failed ? last.lines.join(' ') : undefined;
  session.audit(direction, {
    path,
    bytes: meter.bytes,
    seconds: Number(meter.seconds.toFixed(3)),
    code: last.code,
    reason,
  });
  registry.count('ftp_transfers_total', { direction, result: is_complete ? 'complete' : 'failed' });
  registry.count('ftp_transfer_bytes_total', { direction }, meter.bytes);
  return last;
}

/** Ends a connection from which all has come. */
async function finish(conn: DataConnection): Promise<void> {
  try {
    await conn.shutdown(SHUT_WR, { timeout: LINGER });
  } catch (error) {
    unless_of_connection(error);
  } finally {
    conn.close();
  }
}
