// One contender's program at work: started on its processor, asked for one figure after the other, ended. Servers are
// measured from outside by the C programs client, load and connections, those of TLS by tls_load.mjs; the programs of single calls measure
// themselves.
// All run on the same processor, but those of servers with threads or processes on all.
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Milliseconds after which a program that says nothing is given up, beyond the time it was asked to measure. */
const PATIENCE_MS = 20_000;

/** The programs that load servers; each stays for all rounds. */
const LOADS = {
  async: (directory) => [join(directory, 'load')],
  requests: (directory) => [join(directory, 'connections')],
  tls: () => [process.execPath, fileURLToPath(new URL('tls_load.mjs', import.meta.url))],
};

/**
 * @typedef {object} Figure
 * @property {number} ns nanoseconds a unit (round trip, 64 KiB, call)
 * @property {number} count how many units there were
 * @property {number} [dropped] captures: packets that were dropped
 * @property {number} [server_ns] servers: processor time of the server's main thread for a unit
 */

/** A program on its processor that answers a line by a line. */
class Child {
  #child;
  #lines;

  /**
   * @param {string[]} command
   * @param {{ directory: string, cpu: number | 'all' }} place
   */
  constructor(command, { directory, cpu }) {
    const line = [String(cpu), ...command];
    this.#child = spawn(join(directory, 'pin'), line, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => {}); // seen as the end of its output
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  /** Its next line. */
  async answer(seconds = 0) {
    const timer = setTimeout(() => this.stop(), seconds * 1e3 + PATIENCE_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done) throw new Error('the program ended, or did not answer');
    return value;
  }

  /** The figure it measures when it is told for how long. */
  async measure(seconds) {
    this.#child.stdin.write(`${seconds}\n`);
    return figure(await this.answer(seconds));
  }

  stop() {
    this.#child.kill('SIGKILL');
  }
}

export class Program {
  #child;
  #load;
  #workload;
  #place;
  #address;

  /**
   * Starts a program and waits until it is ready.
   * @param {string[]} command
   * @param {string} task its first argument
   * @param {import('./workloads.mjs').Workload} workload
   * @param {{ directory: string, cpu: number | 'all' }} place where the C programs are, and the processor for all
   * @returns {Promise<Program>}
   */
  static async start(command, task, workload, place) {
    // Of many threads or processes the main thread's time says nothing: only the whole does.
    const is_parallel = workload.program === 'requests' && !workload.server_only;
    const where = is_parallel ? { ...place, cpu: 'all' } : place;
    const program = new Program(command, task, workload, where);
    try {
      program.#address = (await program.#child.answer()).split(' ')[1];
      if (LOADS[workload.program] !== undefined) await program.#start_load();
      return program;
    } catch (error) {
      program.stop();
      throw error;
    }
  }

  constructor(command, task, workload, place) {
    const { directory } = place;
    const socket_path = join(
      directory,
      `${command[0].replaceAll('/', '-').slice(-30)}-${process.hrtime.bigint()}`,
    );
    const more = { server: [workload.family, socket_path, join(directory, 'block')], tls: [directory] };
    const rest = more[workload.program] ?? [];
    this.#child = new Child([...command, task, ...rest], place);
    this.#workload = workload;
    this.#place = place;
  }

  async #start_load() {
    const { program, task, connections } = this.#workload;
    const command = [...LOADS[program](this.#place.directory), task, this.#address, String(connections)];
    this.#load = new Child(command, this.#place);
    await this.#load.answer();
  }

  /**
   * One figure, measured for so many seconds.
   * @param {number} seconds
   * @returns {Promise<Figure>}
   */
  async measure(seconds) {
    if (this.#workload.program === 'calls') return this.#child.measure(seconds);
    const before = main_thread_ns(this.#child.pid);
    const result = await (this.#load?.measure(seconds) ?? this.#measure_by_client(seconds));
    if (this.#workload.program === 'requests' && !this.#workload.server_only) return result;
    const server_ns = (main_thread_ns(this.#child.pid) - before) / result.count;
    return this.#workload.server_only ? { ns: server_ns, count: result.count } : { ...result, server_ns };
  }

  /** Ends the program. */
  stop() {
    this.#load?.stop();
    this.#child.stop();
  }

  async #measure_by_client(seconds) {
    const { client, family } = this.#workload;
    const { directory, cpu } = this.#place;
    const command = [String(cpu), join(directory, 'client'), client, family, this.#address, String(seconds)];
    const { stdout } = await run(join(directory, 'pin'), command, { timeout: seconds * 1e3 + PATIENCE_MS });
    return figure(stdout);
  }
}

/** Reads "NANOSECONDS COUNT". */
function figure(text) {
  const [ns, count] = text.trim().split(' ').map(Number);
  if (!(ns > 0 && count > 0)) throw new Error(`no figure: ${text}`);
  return { ns, count };
}

/** The processor time that the main thread of a process has used, by the scheduler's own account. */
function main_thread_ns(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
}
