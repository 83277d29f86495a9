// run_command: one command on one connection, with its time-outs. Output goes out as it comes, the streams apart; the end has a class.
// A command that is not waited for any more is ended on the host: ending.ts.

import type { ClientChannel } from 'ssh2';
import { FleetFailure, message_of } from '../failure.js';
import type { Connection } from '../ssh/connect.js';
import { end_command } from './ending.js';
import { type Sudo, SudoGate } from './sudo.js';
import { type TimeLimits, Timers } from './timers.js';

/** What a command is given, and how long it may take. */
export interface CommandOptions extends TimeLimits {
  /** standard input, whole; undefined: it is at its end at once */
  readonly stdin?: Uint8Array | undefined;
  /** run in a pseudo-terminal: both streams become one */
  readonly pty?: boolean | undefined;
  /** run as another user */
  readonly sudo?: Sudo | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is given output as it came; until a promise that it returns is settled, the host is made to wait. */
  readonly on_output: (stream: 'stdout' | 'stderr', data: Uint8Array) => void | Promise<void>;
}

/** Bytes of both streams that may wait while a host is made to wait: its windows, of 2 MiB, and what ssh2 opens anew. */
const MOST_UNREAD = 16 << 20;

/** How a command ended: its code, or the name of a signal. */
interface End {
  readonly code: number | null;
  readonly signal: string | undefined;
}

/**
 * Runs a command and returns when it ended with 0. If it is stopped or takes too long, it is ended on the host, with its children.
 *
 * @param connection is closed by its caller
 * @param command for the user's shell there
 * @throws FleetFailure non-zero, signal, timed-out, cut-off, stopped, protocol; authentication, if sudo does not run it
 */
export async function run_command(
  connection: Connection,
  command: string,
  options: CommandOptions,
): Promise<void> {
  const { signal } = options;
  let fail: (failure: FleetFailure) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const timers = new Timers((reason) => fail(new FleetFailure('timed-out', reason)), options);
  const on_abort = () => fail(new FleetFailure('stopped', 'stopped while the command ran'));
  let running: Running | undefined;
  const { sudo, pty = false } = options;
  const gate = sudo && new SudoGate(command, sudo.user, pty);
  const begin = (channel: ClientChannel) => {
    running = new Running(channel, connection, timers, options, gate, fail);
    return running.end;
  };
  const run = () => (signal?.aborted ? on_abort() : open(connection, gate?.command ?? command, pty, begin));
  signal?.addEventListener('abort', on_abort);
  connection.gone.then((failure) => fail(while_running(failure)));
  try {
    const end = await Promise.race([failed, run() ?? failed]);
    if (end.code !== 0) throw failure_of(end);
  } catch (error) {
    timers.clear();
    throw running && is_impatient(error) ? await ended_after(error, connection, running) : error;
  } finally {
    timers.clear();
    running?.close();
    signal?.removeEventListener('abort', on_abort);
  }
}

const while_running = ({ failure, message }: FleetFailure) =>
  new FleetFailure(failure, `${message} while the command ran`);

/**
 * Begins a command.
 *
 * @param begin is called at once: the host may have sent all of the command's messages together
 * @throws FleetFailure if the host opens no channel for it
 */
function open<T>(
  connection: Connection,
  command: string,
  pty: boolean,
  begin: (channel: ClientChannel) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      connection.client.exec(command, { pty }, (error, channel) => {
        if (!error) resolve(begin(channel));
        else reject(new FleetFailure('cut-off', `the host opens no channel: ${error.message}`));
      });
    } catch {
      // ssh2 throws where there is no connection any more.
      reject(connection.lost() ?? new FleetFailure('cut-off', 'the connection broke'));
    }
  });
}

/** A command that has begun: its streams and its end. */
class Running {
  /** when all of its output has been taken */
  readonly end: Promise<End>;
  /** when it has ended: true; nothing more can be heard of it: false */
  readonly over: Promise<boolean>;
  is_over = false;
  readonly #guard: NodeJS.Timeout;

  constructor(
    readonly channel: ClientChannel,
    connection: Connection,
    timers: Timers,
    { stdin, pty, sudo, on_output }: CommandOptions,
    gate: SudoGate | undefined,
    fail: (failure: FleetFailure) => void,
  ) {
    // A pseudo-terminal has no end of input but this character.
    const begin = () =>
      pty ? channel.write(Buffer.concat([stdin ?? Buffer.alloc(0), Buffer.from([4])])) : channel.end(stdin);
    const answer = (password: string | undefined) => {
      if (password) channel.write(`${password}\n`);
      else fail(new FleetFailure('authentication', 'sudo asks for a password, and there is none'));
    };
    const ask = async () => {
      try {
        answer(await sudo?.password());
      } catch (error) {
        fail(new FleetFailure('authentication', `there is no password for sudo: ${message_of(error)}`));
      }
    };
    const prompt = () => void timers.wait_for(ask());
    const listen = (stream: 'stdout' | 'stderr', source: NodeJS.ReadableStream) => {
      source.on('data', (data: Buffer) => {
        timers.active();
        const bytes = gate ? gate.take(stream, data, { begin, prompt, fail }) : data;
        const taken = bytes.length > 0 ? on_output(stream, bytes) : undefined;
        if (!(taken instanceof Promise)) return;
        source.pause();
        const go_on = () => void source.resume();
        timers.wait_for(taken).then(go_on, go_on);
      });
    };
    // ssh2 takes what comes beyond the window.
    this.#guard = setInterval(() => {
      if (channel.readableLength + channel.stderr.readableLength > MOST_UNREAD)
        fail(new FleetFailure('protocol', 'the host sends more than it was allowed to'));
    }, 1000);
    listen('stdout', channel);
    listen('stderr', channel.stderr);
    channel.on('error', () => {});
    let end: End | undefined;
    this.over = new Promise((resolve) => {
      channel.on('exit', (code: number | null, signal?: string) => {
        this.is_over = true;
        end = { code, signal };
        resolve(true);
      });
      connection.gone.then(() => resolve(false));
      channel.on('close', () => resolve(end !== undefined));
    });
    this.end = new Promise((resolve, reject) => {
      channel.on('close', () => {
        const refusal = end && gate?.refusal(end.code);
        if (refusal) reject(refusal);
        else if (end) resolve(end);
        else
          reject(
            while_running(connection.lost() ?? new FleetFailure('cut-off', 'the host ended the channel')),
          );
      });
    });
    this.end.catch(() => undefined);
    if (!gate) begin();
  }

  close(): void {
    clearInterval(this.#guard);
  }
}

/** Whether a command is not waited for any more, though it may go on. */
function is_impatient(error: unknown): error is FleetFailure {
  return error instanceof FleetFailure && (error.failure === 'timed-out' || error.failure === 'stopped');
}

/** Ends the command. Returns the failure with what became of it. */
async function ended_after(
  { failure, message }: FleetFailure,
  connection: Connection,
  running: Running,
): Promise<FleetFailure> {
  // As sshd does: the command is over when nothing that it started has its streams any more.
  if (running.is_over) {
    return new FleetFailure(failure, `${message}: it has ended, but what it started holds its output open`);
  }
  const ended = await end_command(connection, running.channel, running.over);
  return new FleetFailure(failure, ended ? message : `${message}; it may still run there`);
}

function failure_of({ code, signal }: End): FleetFailure {
  if (code === null) return new FleetFailure('signal', `ended by signal ${signal ?? 'unknown'}`, { signal });
  return new FleetFailure('non-zero', `exit code ${code}`, { exit_code: code });
}
