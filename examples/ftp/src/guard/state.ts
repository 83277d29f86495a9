// What outlives a server: failed log-ins, bans and counters, in a file of JSON that gets its name when it is whole. A server reads it when it begins
// and writes it while it runs, so that a process that is killed loses a second of it.
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { code_of } from '../store/errors.js';
import type { LocalRegistry, SavedState } from './registry.js';

const VERSION = 1;
/** Between two looks at what has changed, ms. */
const LOOK_MS = 1000;
/** Looks until counters are written that alone have changed. */
const LOOKS_OF_COUNTERS = 10;

/**
 * Reads a state into a registry. Time has passed for it.
 *
 * @returns why it begins anew; undefined if it does not: the file was right, or is not there
 */
export async function load_state(path: string, registry: LocalRegistry): Promise<Error | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (code_of(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { version, saved_ms, ...state } = JSON.parse(text) as Record<string, unknown>;
    if (version !== VERSION) throw new Error(`it has version ${version}, not ${VERSION}`);
    // A clock that was put back makes nothing last longer.
    const passed_ms = Math.max(0, Date.now() - Number(saved_ms));
    registry.restore(state as unknown as SavedState, passed_ms);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new Error(`${path} is no state of this server, which begins without: ${why}`, { cause: error });
  }
}

/** Writes the state of a registry into a file, again and again. */
export class StateFile {
  readonly #path: string;
  readonly #registry: LocalRegistry;
  readonly #report: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #saved_bans = 0;
  #looks = 0;
  #failed = false;
  #writing: Promise<void> | undefined;

  /** @param report hears of the first error of several: without a state the server goes on */
  constructor(path: string, registry: LocalRegistry, report: (error: unknown) => void) {
    this.#path = path;
    this.#registry = registry;
    this.#report = report;
    this.#saved_bans = registry.ban_changes;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  #look(): void {
    this.#looks++;
    if (this.#registry.ban_changes === this.#saved_bans && this.#looks < LOOKS_OF_COUNTERS) return;
    void this.#save();
  }

  #save(): Promise<void> {
    this.#looks = 0;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const changes = this.#registry.ban_changes;
    const state: SavedState = await this.#registry.saved();
    const temporary = `${this.#path}.${process.pid}`;
    try {
      const text = JSON.stringify({ version: VERSION, saved_ms: Date.now(), ...state });
      await writeFile(temporary, text, { mode: 0o600, flush: true });
      await rename(temporary, this.#path);
      this.#saved_bans = changes;
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#report(error);
      this.#failed = true;
      await unlink(temporary).catch(() => {});
    }
  }

  /** Writes no more. @param last whether the state of now is written; not if another process has the file from now on */
  async close(last: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    if (last) await this.#save();
  }
}
