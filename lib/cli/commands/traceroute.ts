// bsd-sockets traceroute: the routers on the path to a host, in the format of traceroute(8). The probes are in
// network/probe.ts; several are under way at once, and the hops are printed in order.

import { FAMILY_OPTIONS, find_host, HostNames, numeric, type Target } from '../network/hosts.js';
import { type Answer, type ProbeMethod, probe_icmp, probe_tcp, probe_udp } from '../network/probe.js';
import { command, until_interrupted } from '../terminal/command.js';
import { DONE, INTERRUPTED, UsageError } from '../terminal/errors.js';
import { annotation, describe_error, is_time_exceeded } from '../terminal/icmp_text.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';
import { coloured, print, print_json, printable } from '../terminal/output.js';

const options = {
  icmp: flag('I', 'by ICMP echo requests'),
  tcp: flag('T', 'by TCP connections'),
  udp: flag('U', 'by UDP; what it does unless told otherwise'),
  max_hops: integer('m', 'N', [1, 255], 'hops at most', 30),
  first: integer('f', 'N', [1, 255], 'the first hop', 1),
  queries: integer('q', 'N', [1, 10], 'probes a hop', 3),
  wait: number('w', 'SECONDS', [0.001, 3600], 'for an answer', 5),
  at_once: integer('N', 'N', [1, 256], 'probes under way', 16),
  port: integer('p', 'PORT', [1, 65_535], 'of TCP (80), or the first of UDP (33434)'),
  source: text('s', 'ADDRESS', 'the own address'),
  ...FAMILY_OPTIONS,
  numeric: flag('n', 'no names'),
  json: flag('', 'one JSON object a hop'),
};

type Options = Values<typeof options>;

const PACKET_SIZE = { 2: 60, 10: 80 } as const;
const DATA_SIZE = 32;
const UDP_PORT = 33_434;
const TCP_PORT = 80;

class Trace {
  readonly #names: HostNames;
  readonly #method: ProbeMethod;
  readonly #answers: Promise<Answer | undefined>[] = [];
  /** The last hop to print: max_hops, until an answer shows that the path ends earlier. */
  #last: number;

  constructor(
    readonly target: Target,
    readonly options: Options,
    readonly signal: AbortSignal,
  ) {
    this.#names = new HostNames(options.numeric);
    this.#method = options.icmp ? probe_icmp : options.tcp ? probe_tcp : probe_udp;
    this.#last = options.max_hops;
  }

  /** Prints the hops. */
  async run(): Promise<void> {
    const { target, options } = this;
    if (!options.json) {
      const size = `${PACKET_SIZE[target.family]} byte packets`;
      print(
        `traceroute to ${printable(target.name)} (${numeric(target)}), ${options.max_hops} hops max, ${size}`,
      );
    }
    const { first, queries, at_once } = options;
    for (let hop = first; hop <= this.#last; hop++) {
      // `at_once` probes are under way, in the order of the hops. Probes beyond the destination are not awaited.
      const ahead = Math.min(
        (this.#last - first + 1) * queries,
        (hop - first) * queries + Math.max(at_once, queries),
      );
      while (this.#answers.length < ahead) {
        const answer = this.#probe(this.#answers.length);
        // A probe beyond the end of the path may fail later, when it is no longer awaited.
        answer.catch(() => {});
        this.#answers.push(answer);
      }
      const answers = await Promise.all(
        this.#answers.slice((hop - first) * queries, (hop - first + 1) * queries),
      );
      await this.#print(hop, answers);
    }
  }

  async #probe(index: number): Promise<Answer | undefined> {
    const { target, options, signal } = this;
    const ttl = options.first + Math.floor(index / options.queries);
    const port = options.tcp
      ? (options.port ?? TCP_PORT)
      : Math.min(65_535, (options.port ?? UDP_PORT) + index);
    const { wait, source } = options;
    const answer = await this.#method({ target, ttl, port, size: DATA_SIZE, wait, source, signal });
    if (answer !== undefined && (answer.reached || (answer.error && !is_time_exceeded(answer.error)))) {
      this.#last = Math.min(this.#last, ttl);
    }
    return answer;
  }

  async #print(hop: number, answers: readonly (Answer | undefined)[]): Promise<void> {
    if (this.options.json) {
      const probes = answers.map(
        (answer) =>
          answer && {
            from: answer.from,
            milliseconds: answer.milliseconds,
            reached: answer.reached,
            ...(answer.error && { message: describe_error(answer.error) }),
          },
      );
      print_json({ hop, probes: probes.map((probe) => probe ?? null) });
      return;
    }
    let line = `${String(hop).padStart(2)} `;
    let previous: string | undefined;
    for (const answer of answers) {
      if (answer === undefined) {
        line += ' *';
        continue;
      }
      const { from, milliseconds, error } = answer;
      if (from !== previous) line += ` ${this.options.numeric ? from : await this.#name_and_address(from)}`;
      previous = from;
      line += `  ${milliseconds.toFixed(3)} ms`;
      const mark = error === undefined || answer.reached ? '' : annotation(error);
      if (mark !== '') line += ` ${coloured('red', mark)}`;
    }
    print(line);
  }

  async #name_and_address(host: string): Promise<string> {
    return `${(await this.#names.lookup(host)) ?? host} (${host})`;
  }
}

export const { help, main } = command({
  usage: ['[options] HOST'],
  operands: [1, 1],
  options,
  notes: `UDP and TCP need no privilege: the kernel tells who answered (IP_RECVERR). ICMP needs what ping needs.
Exit codes: 0 the hops were printed, 1 it failed, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [host = '']) {
    const { icmp, tcp, udp, first, max_hops } = values;
    if (Number(icmp) + Number(tcp) + Number(udp) > 1)
      throw new UsageError('-I, -T and -U exclude each other');
    if (first > max_hops) throw new UsageError(`the first hop, ${first}, is beyond the last, ${max_hops}`);
    const target = await find_host(host, values);
    // The signal ends the probes that are under way when the last hop is printed.
    const end = new AbortController();
    const interrupted = until_interrupted();
    try {
      const trace = new Trace(target, values, AbortSignal.any([interrupted, end.signal]));
      await trace.run();
      return DONE;
    } catch (error) {
      if (!interrupted.aborted) throw error;
      print();
      return INTERRUPTED;
    } finally {
      end.abort();
    }
  },
});
