// Timers: the time-outs of one command. Both stand still while its output waits for whoever takes it: a host that is made to wait is neither
// slow nor inactive.

export interface TimeLimits {
  /** seconds for the whole command; undefined: no limit */
  readonly command_timeout?: number | undefined;
  /** seconds in which nothing comes; undefined: no limit */
  readonly inactivity_timeout?: number | undefined;
}

export class Timers {
  readonly #expire: (reason: string) => void;
  readonly #inactivity: number | undefined;
  readonly #command: number | undefined;
  #command_left_ms: number;
  #command_timer: NodeJS.Timeout | undefined;
  #inactivity_timer: NodeJS.Timeout | undefined;
  #running_since = 0;
  #waiting = 0;
  #over = false;

  /** Begins both. @param expire is called once, with a reason, when a time has passed */
  constructor(expire: (reason: string) => void, { command_timeout, inactivity_timeout }: TimeLimits) {
    this.#expire = expire;
    this.#inactivity = inactivity_timeout;
    this.#command = command_timeout;
    this.#command_left_ms = (command_timeout ?? 0) * 1000;
    this.#start();
  }

  /** Something came: the inactivity begins anew. */
  active(): void {
    this.#inactivity_timer?.refresh();
  }

  /** Stands still until `taken` is settled. */
  async wait_for(taken: Promise<void>): Promise<void> {
    if (this.#waiting++ === 0) this.#stop();
    try {
      await taken;
    } finally {
      if (--this.#waiting === 0) this.#start();
    }
  }

  clear(): void {
    this.#stop();
    this.#over = true;
  }

  #start(): void {
    if (this.#over) return;
    this.#running_since = performance.now();
    if (this.#command !== undefined) {
      const reason = `the command took more than ${this.#command} s`;
      this.#command_timer = setTimeout(() => this.#end(reason), this.#command_left_ms);
    }
    if (this.#inactivity !== undefined) {
      const reason = `no output for ${this.#inactivity} s`;
      this.#inactivity_timer = setTimeout(() => this.#end(reason), this.#inactivity * 1000);
    }
  }

  #stop(): void {
    if (this.#over) return;
    this.#command_left_ms = Math.max(0, this.#command_left_ms - (performance.now() - this.#running_since));
    clearTimeout(this.#command_timer);
    clearTimeout(this.#inactivity_timer);
    this.#inactivity_timer = undefined;
  }

  #end(reason: string): void {
    this.clear();
    this.#expire(reason);
  }
}
