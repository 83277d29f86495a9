// A run of traceroute: which probes are under way, and the lines of the hops. The probes are in probe.ts.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostNames, numeric, type Target } from '../network/hosts.js';
import { ip_header_size } from '../network/icmp_socket.js';
import { annotation, describe_error, is_time_exceeded, mtu_of } from '../terminal/icmp_text.js';
import { coloured, print, print_json, printable } from '../terminal/output.js';
import { extensions_text } from './extensions.js';
import type { TraceOptions } from './options.js';
import type { Answer, Method, ProbeOptions } from './probe.js';
import type { Registry } from './registry.js';
import { WaitLimits, type Waits } from './waits.js';

/** Bytes of a packet unless told otherwise, without its IP header; of packets that look for the MTU, with it. */
const DATA_SIZE = 40;
const MTU_SIZE = 65_000;
/** The least bytes behind the IP header: the header of UDP. */
const LEAST_SIZE = 8;

/** An answer as it is printed: with the MTU that was found for its probe. */
interface Shown extends Answer {
  readonly mtu?: number;
}

/** What a run needs beside the options of the command. */
export interface TraceSetup {
  readonly target: Target;
  readonly method: Method;
  /** The first number of the probes: of -p or -P, or the method's. */
  readonly port: number;
  /** Bytes of the whole packet; undefined: the usual ones */
  readonly size: number | undefined;
  readonly waits: Waits;
  /** Seconds between probes. */
  readonly sendwait: number;
  readonly probe_options: ProbeOptions;
  /** Who knows the autonomous systems of addresses; undefined: they are not shown. */
  readonly registry: Registry | undefined;
}

export class Trace {
  readonly #names: HostNames;
  readonly #limits: WaitLimits;
  readonly #answers: Promise<Shown | undefined>[] = [];
  /** The last hop to print: max_hops, until an answer shows that the path ends earlier. */
  #last: number;
  #size: number;
  /** When the next probe may be sent. */
  #next_send = 0;

  constructor(
    readonly setup: TraceSetup,
    readonly options: TraceOptions,
    readonly signal: AbortSignal,
  ) {
    // Each probe that is under way listens.
    setMaxListeners(0, signal);
    this.#names = new HostNames(options.numeric);
    this.#limits = new WaitLimits(setup.waits);
    this.#last = options.max_hops;
    const { method, target, size } = setup;
    const header = ip_header_size(target.family);
    const fixed = method.size?.[header === 40 ? 1 : 0];
    this.#size =
      fixed ?? Math.max(header + LEAST_SIZE, size ?? (options.mtu ? MTU_SIZE : header + DATA_SIZE));
  }

  /** Prints the hops. */
  async run(): Promise<void> {
    const { options } = this;
    const { target } = this.setup;
    if (!options.json) {
      const size = `${this.#size} byte packets`;
      print(
        `traceroute to ${printable(target.name)} (${numeric(target)}), ${options.max_hops} hops max, ${size}`,
      );
    }
    const { first, queries, sim_queries, mtu, sport } = options;
    const at_once = mtu || sport !== undefined || this.setup.method.one_at_a_time ? 1 : sim_queries;
    for (let hop = first; hop <= this.#last; hop++) {
      const shown: (Shown | undefined)[] = [];
      for (let query = 0; query < queries; query++) {
        const index = (hop - first) * queries + query;
        // `at_once` probes are under way, in the order of the hops. Probes beyond the destination are not awaited.
        const ahead = Math.min((this.#last - first + 1) * queries, index + at_once);
        while (this.#answers.length < ahead) {
          const answer = this.#probe(this.#answers.length);
          // A probe beyond the end of the path may fail later, when it is no longer awaited.
          answer.catch(() => {});
          this.#answers.push(answer);
        }
        shown.push(await this.#answers[index]);
      }
      await this.#print(hop, shown);
    }
  }

  async #probe(index: number): Promise<Shown | undefined> {
    const { method, port } = this.setup;
    const ttl = this.options.first + Math.floor(index / this.options.queries);
    const number = method.counts_up ? Math.min(65_535, port + index) : port;
    let found: number | undefined;
    for (;;) {
      await this.#wait_to_send();
      const answer = await this.#probe_once(ttl, number);
      const mtu = answer?.error && mtu_of(answer.error);
      if (this.options.mtu && mtu !== undefined && mtu > 0 && mtu < this.#size) {
        this.#size = mtu;
        found = mtu;
        continue;
      }
      if (answer === undefined) return undefined;
      if (answer.reached || (answer.error && !is_time_exceeded(answer.error)))
        this.#last = Math.min(this.#last, ttl);
      return found === undefined ? answer : { ...answer, mtu: found };
    }
  }

  async #probe_once(ttl: number, port: number): Promise<Answer | undefined> {
    const { probe_options, method, waits } = this.setup;
    const { signal: limit, end } = this.#limits.begin(ttl);
    const signal = AbortSignal.any([this.signal, limit]);
    let milliseconds: number | undefined;
    try {
      const answer = await method.probe({
        ...probe_options,
        ttl,
        port,
        size: this.#size,
        wait: waits.max,
        signal,
      });
      milliseconds = answer?.milliseconds;
      return answer;
    } catch (error) {
      if (this.signal.aborted || !limit.aborted) throw error;
      return undefined;
    } finally {
      end(milliseconds);
    }
  }

  async #wait_to_send(): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#next_send);
    this.#next_send = at + this.setup.sendwait * 1000;
    if (at > now) await sleep(at - now, undefined, { signal: this.signal });
  }

  async #print(hop: number, answers: readonly (Shown | undefined)[]): Promise<void> {
    if (this.options.json) {
      const probes = answers.map(async (answer) =>
        answer === undefined ? null : json_of(answer, await this.#systems_of(answer)),
      );
      print_json({ hop, probes: await Promise.all(probes) });
      return;
    }
    let line = `${String(hop).padStart(2)} `;
    let previous: string | undefined;
    for (const answer of answers) {
      if (answer === undefined) {
        line += ' *';
        continue;
      }
      const { from, milliseconds, error, extensions = [], mtu } = answer;
      const labels =
        this.options.extensions && extensions.length > 0 ? ` <${extensions_text(extensions)}>` : '';
      if (from === undefined) line += ' *';
      else if (`${from}${labels}` !== previous)
        line += ` ${this.options.numeric ? from : await this.#name_and_address(from)}${await this.#systems_text(answer)}${labels}`;
      previous = `${from}${labels}`;
      line += `  ${milliseconds.toFixed(3)} ms`;
      const mark = error === undefined || answer.reached ? '' : annotation(error);
      if (mark !== '') line += ` ${coloured('red', mark)}`;
      if (mtu !== undefined) line += ` F=${mtu}`;
    }
    print(line);
  }

  async #systems_of({ from }: Shown): Promise<string | undefined> {
    return from === undefined ? undefined : this.setup.registry?.systems_of(from);
  }

  async #systems_text(answer: Shown): Promise<string> {
    const systems = await this.#systems_of(answer);
    return systems === undefined ? '' : ` [${systems}]`;
  }

  async #name_and_address(host: string): Promise<string> {
    return `${(await this.#names.lookup(host)) ?? host} (${host})`;
  }
}

function json_of(
  { from, milliseconds, reached, error, extensions = [], mtu }: Shown,
  systems: string | undefined,
): object {
  return {
    from,
    ...(systems !== undefined && { systems }),
    milliseconds,
    reached,
    ...(error && { message: describe_error(error) }),
    ...(extensions.length > 0 && { extensions }),
    ...(mtu !== undefined && { mtu }),
  };
}
