// One contender's program at work: started on its processor, asked for one figure after the other, ended. Servers are
// measured from outside by the C client, on the same processor; the programs of single calls measure themselves.
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Milliseconds after which a program that says nothing is given up, beyond the time it was asked to measure. */
const PATIENCE_MS = 20_000;

/**
 * @typedef {object} Figure
 * @property {number} ns nanoseconds a unit (round trip, 64 KiB, call)
 * @property {number} count how many units there were
 * @property {number} [server_ns] servers: processor time of the server's main thread for a unit
 */

export class Program {
  #child;
  #lines;
  #workload;
  #place;
  #address;

  /**
   * Starts a program and waits until it is ready.
   * @param {string[]} command
   * @param {import('./workloads.mjs').Workload} workload
   * @param {{ directory: string, cpu: number }} place where the C programs are, and the processor for all
   * @returns {Promise<Program>}
   */
  static async start(command, workload, place) {
    const program = new Program(command, workload, place);
    program.#address = (await program.#answer(0)).split(' ')[1];
    return program;
  }

  constructor(command, workload, place) {
    const { directory, cpu } = place;
    const socket_path = join(
      directory,
      `${command[0].replaceAll('/', '-').slice(-30)}-${process.hrtime.bigint()}`,
    );
    const rest =
      workload.program === 'server' ? [workload.family, socket_path, join(directory, 'block')] : [];
    const line = [String(cpu), ...command, workload.task, ...rest];
    this.#child = spawn(join(directory, 'pin'), line, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => {}); // seen as the end of its output
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#workload = workload;
    this.#place = place;
  }

  /**
   * One figure, measured for so many seconds.
   * @param {number} seconds
   * @returns {Promise<Figure>}
   */
  async measure(seconds) {
    if (this.#workload.program === 'server') return this.#measure_server(seconds);
    this.#child.stdin.write(`${seconds}\n`);
    return figure(await this.#answer(seconds));
  }

  /** Ends the program. */
  stop() {
    this.#child.kill('SIGKILL');
  }

  async #measure_server(seconds) {
    const { client, family } = this.#workload;
    const { directory, cpu } = this.#place;
    const command = [String(cpu), join(directory, 'client'), client, family, this.#address, String(seconds)];
    const before = main_thread_ns(this.#child.pid);
    const { stdout } = await run(join(directory, 'pin'), command, { timeout: seconds * 1e3 + PATIENCE_MS });
    const result = figure(stdout);
    return { ...result, server_ns: (main_thread_ns(this.#child.pid) - before) / result.count };
  }

  /** The program's next line. */
  async #answer(seconds) {
    const timer = setTimeout(() => this.stop(), seconds * 1e3 + PATIENCE_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done) throw new Error('the program ended, or did not answer');
    return value;
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
