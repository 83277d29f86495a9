// The service notification of systemd, by datagrams to the socket that NOTIFY_SOCKET names: sd_notify(3), sd_watchdog_enabled(3). And
// Announcements, by which a server tells its own state.

import { without_default_timeout } from '../../calls/waiting/default_timeout.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../../constants.js';
import { BlockingIOError, OSError } from '../../errors/index.js';
import { socket as Socket, send_fds } from '../../socket/index.js';
import { type Elements, elements, options_of, shown } from '../../util/validate.js';

/** What is told: lines of NAME=value, or an object of them. */
export type ServiceState =
  | string
  | {
      readonly [name: string]: string | number | bigint | undefined;
      /** 1: the service is started, or has loaded its configuration again. */
      readonly READY?: 1 | undefined;
      /** 1: it loads its configuration again; READY follows. */
      readonly RELOADING?: 1 | undefined;
      /** 1: it begins to end. */
      readonly STOPPING?: 1 | undefined;
      /** A text for `systemctl status`. */
      readonly STATUS?: string | undefined;
      /** 1: it is alive; 'trigger': it is not. */
      readonly WATCHDOG?: 1 | 'trigger' | undefined;
      /** 1: keep the descriptors that are sent, and pass them to the next start: systemd_sockets(). */
      readonly FDSTORE?: 1 | undefined;
      /** The name of the descriptors. */
      readonly FDNAME?: string | undefined;
    };

/** Options of sd_notify(). */
export interface NotifyOptions {
  /** Descriptors to send, as `FDSTORE` needs: numbers, or what has `fileno()`. */
  readonly fds?: Elements<number | { fileno(): number }> | undefined;
  /** True to remove the variables, so that later calls and child processes tell nothing. */
  readonly unset_environment?: boolean | undefined;
}

/** Seconds that a message may wait for room in the queue of the service manager. */
const TIMEOUT = 5;
/** The largest number of descriptors in one message. */
const MAX_FDS = 253;

/**
 * sd_notify(state, { fds, unset_environment }) -> whether it was told: false if there is no service manager (NOTIFY_SOCKET is not
 * set). Blocks if the manager's queue is full, for 5 seconds at most. `RELOADING` gets the time that systemd wants beside it.
 *
 * @param state 'READY=1\nSTATUS=serving', or an object: { READY: 1, STATUS: 'serving' }
 * @param options `fds`: descriptors to send; `unset_environment`: true if this is the last message
 * @returns whether there is a service manager
 * @throws OSError, if the socket's name is wrong, too; TypeError, RangeError. See sd_notify(3)
 * @example
 * console.log(sd_notify({ READY: 1, STATUS: 'serving on port 8080' })); // false
 * // systemd_sockets('game-7') of the next start has it.
 * sd_notify({ FDSTORE: 1, FDNAME: 'game-7' }, { fds: [server] });
 */
export function sd_notify(state: ServiceState, options: NotifyOptions = {}): boolean {
  const { fds, unset_environment = false } = options_of(options, ['fds', 'unset_environment']);
  const text = state_text(state);
  const descriptors = fds === undefined ? [] : elements(fds, 'fds', MAX_FDS + 1);
  if (descriptors.length > MAX_FDS)
    throw new RangeError(`fds must have at most ${MAX_FDS} elements, not ${descriptors.length}`);
  const { NOTIFY_SOCKET: name } = process.env;
  if (unset_environment) for (const variable of VARIABLES) delete process.env[variable];
  if (!name) return false;
  send(name, text, descriptors, TIMEOUT);
  return true;
}

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

function send(
  name: string,
  text: string,
  fds: readonly (number | { fileno(): number })[],
  timeout: number,
): void {
  if (!/^[/@]./.test(name))
    throw new OSError(
      `NOTIFY_SOCKET must be a path or an abstract name that begins with @, not ${shown(name)}`,
    );
  const address = name.startsWith('@') ? Buffer.from(`\0${name.slice(1)}`) : name;
  using sock = without_default_timeout(() => new Socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC));
  sock.settimeout(timeout);
  if (fds.length === 0) sock.sendto(text, address);
  else send_fds(sock, [text], fds, 0, address);
}

function state_text(state: unknown): string {
  if (typeof state === 'string') return checked_line(state, 'state', /\0/);
  if (typeof state !== 'object' || state === null || Array.isArray(state))
    throw new TypeError(`state must be a string or an object, not ${shown(state)}`);
  const lines = Object.entries(state).filter(([, value]) => value !== undefined);
  // systemd tells by it which READY belongs to this reload.
  if (lines.some(([name]) => name === 'RELOADING') && !('MONOTONIC_USEC' in state))
    lines.push(['MONOTONIC_USEC', process.hrtime.bigint() / 1000n]);
  return lines.map(([name, value]) => `${state_name(name)}=${state_value(name, value)}`).join('\n');
}

function state_name(name: string): string {
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return name;
  throw new RangeError(`state: a name must be like READY or X_OWN, not ${shown(name)}`);
}

function state_value(name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string')
    throw new TypeError(`state: ${name} must be a string or a number, not ${shown(value)}`);
  return checked_line(value, `state: ${name}`, /[\0\n]/);
}

function checked_line(text: string, name: string, forbidden: RegExp): string {
  if (!forbidden.test(text)) return text;
  throw new RangeError(`${name} must not contain a zero byte or a line end: ${shown(text)}`);
}

/**
 * sd_watchdog_enabled() -> the seconds within which the service manager expects sd_notify({ WATCHDOG: 1 }) again and again, from this
 * process; null if it does not. Tell it in half of that time. See sd_watchdog_enabled(3).
 *
 * @returns seconds, or null
 * @example
 * const watchdog = sd_watchdog_enabled();
 * if (watchdog !== null) setInterval(() => sd_notify({ WATCHDOG: 1 }), watchdog * 500);
 */
export function sd_watchdog_enabled(): number | null {
  const { WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid } = process.env;
  if (!/^[1-9]\d*$/.test(usec) || (pid !== undefined && Number(pid) !== process.pid)) return null;
  return Number(usec) / 1e6;
}

/** A server's own announcements: that it serves, that it is alive, that it ends. */
export class Announcements {
  readonly #pings: NodeJS.Timeout | undefined;

  /** Tells that the server serves, and begins to ping. */
  constructor() {
    tell('READY=1', TIMEOUT);
    const watchdog = sd_watchdog_enabled();
    if (watchdog === null) return;
    this.#pings = setInterval(ping, watchdog * 500);
    // The server keeps the process alive, not its announcements.
    this.#pings.unref();
    ping();
  }

  /** Tells that the server ends: it takes no further requests. */
  stopping(): void {
    tell('STOPPING=1', TIMEOUT);
  }

  /** Ends the pings. */
  end(): void {
    clearInterval(this.#pings);
  }
}

/** Tells that the server is alive, unless the manager has not read yet what it was told before: the event loop must not wait. */
function ping(): void {
  tell('WATCHDOG=1', 0);
}

/** Tells which process is the main one from now on. */
export function tell_main_process(pid: number): void {
  tell(`MAINPID=${pid}`, TIMEOUT);
}

/** Makes the watchdog's expectations of process `pid` those of this one, which takes its place and has its environment. */
export function take_watchdog_of(pid: number): void {
  if (process.env.WATCHDOG_PID === String(pid)) process.env.WATCHDOG_PID = String(process.pid);
}

/** Tells a state. An error of the service manager must not end the server: it is a warning. */
function tell(state: string, timeout: number): void {
  const { NOTIFY_SOCKET: name } = process.env;
  if (!name) return;
  try {
    send(name, state, [], timeout);
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    if (error instanceof BlockingIOError) return;
    process.emitWarning(`the service manager could not be told ${state}: ${error.message}`, 'RuntimeWarning');
  }
}
