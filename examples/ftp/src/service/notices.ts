// What systemd is told (sd_notify(3)): that the server serves, reloads, ends; that it is alive; and which process goes on after a restart.
import { OSError } from 'bsd-sockets/promises';
import { type ServiceState, sd_notify, sd_watchdog_enabled } from 'bsd-sockets/socketserver';

export class Notices {
  readonly #is_on: boolean;
  #pings: NodeJS.Timeout | undefined;

  /** @param is_on false to tell nothing */
  constructor(is_on: boolean) {
    this.#is_on = is_on;
  }

  tell(state: ServiceState): void {
    if (!this.#is_on) return;
    try {
      sd_notify(state);
    } catch (error) {
      // A service manager that does not listen must not end the server.
      if (!(error instanceof OSError)) throw error;
    }
  }

  /** The server serves. From now on systemd's watchdog hears from the event loop that is the server's. */
  ready(status: string): void {
    this.tell({ READY: 1, STATUS: status });
    const watchdog = this.#is_on ? sd_watchdog_enabled() : null;
    if (watchdog === null || this.#pings !== undefined) return;
    this.#pings = setInterval(() => this.tell({ WATCHDOG: 1 }), watchdog * 500).unref();
  }

  /** The server ends, or another process goes on in its place. @param successor its process id */
  ending(successor: number | undefined): void {
    clearInterval(this.#pings);
    this.tell(successor === undefined ? { STOPPING: 1 } : { MAINPID: successor });
  }
}
