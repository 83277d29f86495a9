// What was tried to be let in by one host, for the reason of a failure.

/** One attempt to be let in. */
export class Attempt {
  /** ends with the connection: nobody is asked for a secret that is no longer wanted */
  readonly signal: AbortSignal;
  /** what the server still takes; null: it has not said; undefined: it was not asked */
  #left: readonly string[] | null | undefined;
  /** whether it was given the password */
  password_given = false;
  #waits_for: string | undefined;
  readonly #tried = new Map<string, number>();
  readonly #problems = new Set<string>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** The server waits for something to be tried. @param left what it takes; null: it has not said */
  begin(left: readonly string[] | null): void {
    this.#left = left;
  }

  get has_begun(): boolean {
    return this.#left !== undefined;
  }

  /** Whether nothing was tried before, so that the server has not said what it takes. */
  get is_first(): boolean {
    return this.#left === null;
  }

  /** Whether the server may take a method. */
  takes(method: string): boolean {
    return this.#left?.includes(method) ?? true;
  }

  /** Something is tried: a file, `agent`, `password`. */
  try(word: string): void {
    this.#tried.set(word, (this.#tried.get(word) ?? 0) + 1);
  }

  /** Something cannot be tried, and why. */
  problem(text: string): void {
    this.#problems.add(text);
  }

  /** Waits for somebody other than the server. @param who is named if the deadline passes */
  async wait_for<T>(who: string, answer: Promise<T>): Promise<T> {
    this.#waits_for = who;
    try {
      return await answer;
    } finally {
      this.#waits_for = undefined;
    }
  }

  /** Returns who does not answer, in the words of a reason; empty: the server. */
  get waiting(): string {
    return this.#waits_for === undefined ? '' : `: ${this.#waits_for} does not answer`;
  }

  /** Returns why a user was not let in. @param said by the server, when it ended the connection */
  reason(user: string, said?: string): string {
    const words = [...this.#tried].map(([word, times]) => (times > 1 ? `${word} (${times} keys)` : word));
    const parts = [
      `${user} was not let in${said === undefined ? '' : `: ${said}`}`,
      words.length === 0 ? 'there was nothing to try' : `tried ${words.join(', ')}`,
      ...this.#problems,
    ];
    const taken = this.#left?.length ? ` (it takes ${this.#left.join(', ')})` : '';
    return parts.join('; ') + taken;
  }
}
