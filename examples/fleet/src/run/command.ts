// run_command: one command on one connection, with its time-outs. Output goes out as it comes, the streams apart; the end has a class.

import type { ClientChannel } from 'ssh2';
import { FleetFailure } from '../failure.js';
import type { Connection } from '../ssh/connect.js';

/** What a command is given, and how long it may take. */
export interface CommandOptions {
  /** standard input, whole; undefined: it is at its end at once */
  readonly stdin?: Uint8Array | undefined;
  /** run in a pseudo-terminal: both streams become one */
  readonly pty?: boolean | undefined;
  /** seconds for the whole command */
  readonly command_timeout?: number | undefined;
  /** seconds in which nothing comes */
  readonly inactivity_timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is given output as it came; until a promise that it returns is settled, the host is made to wait. */
  readonly on_output: (stream: 'stdout' | 'stderr', data: Uint8Array) => void | Promise<void>;
}

/**
 * Runs a command and returns when it ended with 0.
 *
 * @param connection is closed by its caller
 * @param command for the user's shell there
 * @throws FleetFailure non-zero, signal, timed-out, cut-off, stopped
 */
export async function run_command(
  connection: Connection,
  command: string,
  options: CommandOptions,
): Promise<void> {
  const { stdin, pty = false, signal, on_output } = options;
  let fail: (error: FleetFailure) => void = () => {};
  const timers = new Timers((reason) => fail(new FleetFailure('timed-out', reason)), options);
  const on_abort = () => fail(new FleetFailure('stopped', 'stopped while the command ran'));
  const on_close = () => fail(new FleetFailure('cut-off', 'the connection broke while the command ran'));
  let channel: ClientChannel | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      fail = reject;
      if (signal?.aborted) on_abort();
      signal?.addEventListener('abort', on_abort);
      connection.client.once('close', on_close);
      connection.client.exec(command, { pty }, (error, opened) => {
        if (error) return reject(new FleetFailure('cut-off', `the host opens no channel: ${error.message}`));
        channel = opened;
        let ended: { code: number | null; signal: string | undefined } | undefined;
        const output = (stream: 'stdout' | 'stderr') => (data: Buffer) => {
          timers.active();
          const taken = on_output(stream, data);
          if (!(taken instanceof Promise)) return;
          const source = stream === 'stdout' ? opened : opened.stderr;
          source.pause();
          const go_on = () => source.resume();
          timers.wait_for(taken).then(go_on, go_on);
        };
        opened.on('data', output('stdout'));
        opened.stderr.on('data', output('stderr'));
        opened.on('error', () => {});
        opened.on('exit', (code: number | null, name?: string) => {
          ended = { code, signal: name };
        });
        opened.on('close', () => {
          if (!ended) return on_close();
          if (ended.code === 0) return resolve();
          reject(end_of(ended.code, ended.signal));
        });
        // A pseudo-terminal has no end of input but this character.
        if (pty) opened.write(Buffer.concat([stdin ?? Buffer.alloc(0), Buffer.from([4])]));
        else opened.end(stdin);
      });
    });
  } catch (error) {
    // Ends the command of a server that knows signals (OpenSSH does); the others notice that their connection ends.
    if (error instanceof FleetFailure && ['timed-out', 'stopped'].includes(error.failure))
      end_command(channel);
    throw error;
  } finally {
    timers.clear();
    signal?.removeEventListener('abort', on_abort);
    connection.client.removeListener('close', on_close);
  }
}

function end_command(channel: ClientChannel | undefined): void {
  try {
    channel?.signal('TERM');
    channel?.close();
  } catch {
    // The connection has ended before.
  }
}

function end_of(code: number | null, signal: string | undefined): FleetFailure {
  if (code === null) return new FleetFailure('signal', `ended by signal ${signal ?? 'unknown'}`, { signal });
  return new FleetFailure('non-zero', `exit code ${code}`, { exit_code: code });
}

/** The time-outs of one command. */
class Timers {
  readonly #expire: (reason: string) => void;
  readonly #inactivity: number | undefined;
  readonly #command_timer: NodeJS.Timeout | undefined;
  #inactivity_timer: NodeJS.Timeout | undefined;
  #waiting = 0;
  #over = false;

  constructor(expire: (reason: string) => void, { command_timeout, inactivity_timeout }: CommandOptions) {
    this.#expire = expire;
    this.#inactivity = inactivity_timeout;
    if (command_timeout !== undefined) {
      this.#command_timer = setTimeout(
        () => expire(`the command took more than ${command_timeout} s`),
        command_timeout * 1000,
      );
    }
    this.active();
  }

  /** Something came: the inactivity begins anew. */
  active(): void {
    if (this.#inactivity === undefined || this.#over) return;
    if (this.#inactivity_timer) this.#inactivity_timer.refresh();
    else {
      const reason = `no output for ${this.#inactivity} s`;
      this.#inactivity_timer = setTimeout(() => {
        if (this.#waiting === 0) this.#expire(reason);
      }, this.#inactivity * 1000);
    }
  }

  /** Waits for who takes the output: a host that is made to wait is not inactive. */
  async wait_for(taken: Promise<void>): Promise<void> {
    this.#waiting++;
    try {
      await taken;
    } finally {
      this.#waiting--;
      this.active();
    }
  }

  clear(): void {
    this.#over = true;
    clearTimeout(this.#command_timer);
    clearTimeout(this.#inactivity_timer);
  }
}
