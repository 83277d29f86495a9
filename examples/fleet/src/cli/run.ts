// `fleet run` and `fleet retry`: the command on the hosts, what is seen of it, the log, and ^C: once no further host begins, twice
// the remote commands are ended.

import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { Fleet } from '../fleet.js';
import { NodeSet } from '../hosts/nodesets.js';
import { type Entry, LogWriter, last_operation } from '../log/index.js';
import type { FleetEvent, Outcome } from '../types.js';
import {
  difference_lines,
  Gatherer,
  gathered_lines,
  json_line,
  LiveView,
  paint_for,
  summary_lines,
} from '../view/index.js';
import { exit_code_of } from './exit_codes.js';
import {
  integer_of,
  inventory_of,
  limits_of,
  log_path_of,
  parse_retry,
  parse_run,
  type RunValues,
  UsageError,
} from './options.js';
import { Secrets } from './secrets.js';

const fold = (hosts: readonly string[]) => NodeSet.of(hosts).fold();

/** fleet run WHERE -- COMMAND. Returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--');
  if (at < 0) throw new UsageError('the command must be behind "--": fleet run WHERE -- COMMAND');
  const { values, positionals } = parse_run(args.slice(0, at));
  const command = args.slice(at + 1).join(' ');
  const [where, ...more] = positionals;
  if (where === undefined) throw new UsageError('WHERE is missing: fleet run WHERE -- COMMAND');
  if (more.length > 0)
    throw new UsageError(
      `"${more[0]}" is one word too many before "--"; WHERE is one word, as 'web[1-3],@db'`,
    );
  if (command.trim() === '') throw new UsageError('the command behind "--" is missing');
  return operate(values, where, command);
}

/** fleet retry: the last run again, on the hosts where it failed. Returns the exit code. */
export async function retry(args: readonly string[]): Promise<number> {
  const { values } = parse_retry(args);
  const path = log_path_of(values.log);
  const last = await last_operation(path, { action: 'run', who: userInfo().username });
  const command = last?.begin.command;
  if (!last || command === undefined) throw new UsageError(`${path} has no run of yours to try again`);
  const classes = values.class?.split(',');
  const failed = [...last.hosts].filter(
    ([, { result = 'ok' }]) => result !== 'ok' && (classes?.includes(result) ?? true),
  );
  if (failed.length === 0) {
    process.stderr.write(`no host failed${classes ? ' in that way' : ''}: ${command}\n`);
    return 0;
  }
  return operate(values, fold(failed.map(([host]) => host)), command);
}

async function operate(values: RunValues, where: string, command: string): Promise<number> {
  const secrets = new Secrets();
  const fleet = new Fleet({
    inventory: await inventory_of(values.inventory),
    config_files: values.config === undefined ? undefined : [values.config],
    credentials: secrets.credentials(values),
    accept_new: values['accept-new'],
    overrides: { user: values.user, port: integer_of('port', values.port) },
  });
  const names = select(fleet, where, values);
  if (names.size === 0) throw new UsageError(`"${where}" selects no host`);
  const limits = limits_of(values);
  const groups = new Map(fleet.hosts(names).map((host) => [host.name, host.groups]));
  const stdin = values.stdin ? await buffer(process.stdin) : undefined;
  const log = values['no-log']
    ? undefined
    : new LogWriter(log_path_of(values.log), { secrets: () => secrets.known });
  const record = {
    operation: randomUUID(),
    action: 'run',
    who: userInfo().username,
    where,
    command,
  } as const;
  // The log comes first: what cannot be logged is not done.
  await log?.append({ ...record, kind: 'begin', hosts: names.size });

  const view = view_of(values);
  const written: Promise<void>[] = [];
  const interrupt = new Interrupt(names.size);
  const began = performance.now();
  const on_event = (event: FleetEvent) => {
    view.event(event);
    interrupt.event(event);
    if (event.type !== 'end' || !log) return;
    written.push(
      log.append({ ...record, ...host_entry(event.outcome), groups: groups.get(event.outcome.host) }),
    );
  };
  try {
    const { signal, drain } = interrupt;
    const outcomes = await fleet.run(names, command, {
      limits,
      stdin,
      pty: values.pty,
      signal,
      drain,
      on_event,
    });
    await Promise.all(written);
    const seconds = (performance.now() - began) / 1000;
    const succeeded = outcomes.filter(({ ok }) => ok).length;
    await log?.append({ ...record, kind: 'end', hosts: names.size, succeeded, seconds });
    view.end(outcomes, seconds);
    return exit_code_of(outcomes);
  } finally {
    interrupt.close();
  }
}

/** Returns the hosts of WHERE, without --exclude, or --pick of them. */
export function select(
  fleet: Pick<Fleet, 'nodes'>,
  where: string,
  values: { exclude?: string; pick?: string },
): NodeSet {
  const all =
    values.exclude === undefined
      ? fleet.nodes(where)
      : fleet.nodes(where).without(fleet.nodes(values.exclude));
  const pick = integer_of('pick', values.pick);
  return pick === undefined ? all : all.pick(pick);
}

function host_entry({
  host,
  ok,
  failure,
  reason,
  exit_code,
  signal,
  seconds,
  attempts,
}: Outcome): Pick<Entry, 'kind'> & Partial<Entry> {
  return { kind: 'host', host, result: ok ? 'ok' : failure, reason, exit_code, signal, seconds, attempts };
}

interface View {
  event(event: FleetEvent): void;
  end(outcomes: readonly Outcome[], seconds: number): void;
}

function view_of(values: RunValues): View {
  if (values.json) {
    const line = (event: FleetEvent) => process.stdout.write(`${json_line(event)}\n`);
    return { event: line, end: () => {} };
  }
  const paint = paint_for(process.stdout, process.env);
  const summary = (outcomes: readonly Outcome[], seconds: number) =>
    process.stderr.write(
      `${summary_lines(outcomes, seconds, fold, paint_for(process.stderr, process.env)).join('\n')}\n`,
    );
  if (values.gather || values.diff) {
    const gatherer = new Gatherer();
    return {
      event: (event) => {
        // A new attempt begins its output anew.
        if (event.type === 'begin') gatherer.begin(event.host);
        if (event.type === 'output') gatherer.take(event);
      },
      end: (outcomes, seconds) => {
        const lines = (values.diff ? difference_lines : gathered_lines)(gatherer.groups(), fold, paint);
        process.stdout.write(lines.map((line) => `${line}\n`).join(''));
        summary(outcomes, seconds);
      },
    };
  }
  const live = new LiveView({ paint, write: (text, stream) => process[stream].write(text) });
  return {
    event: (event) => {
      if (event.type === 'output') live.take(event);
      if (event.type === 'end') live.end(event.outcome.host);
    },
    end: summary,
  };
}

/** ^C: the first one lets no further host begin and says what still runs; the second one ends that; the third one ends fleet. */
class Interrupt {
  readonly #stop = new AbortController();
  readonly #drain = new AbortController();
  readonly #running = new Set<string>();
  #ended = 0;
  readonly #count: number;
  readonly #on_signal = () => this.#interrupted();

  constructor(count: number) {
    this.#count = count;
    process.on('SIGINT', this.#on_signal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  event(event: FleetEvent): void {
    if (event.type === 'begin') this.#running.add(event.host);
    if (event.type !== 'end') return;
    this.#running.delete(event.outcome.host);
    this.#ended++;
  }

  close(): void {
    process.removeListener('SIGINT', this.#on_signal);
  }

  #interrupted(): void {
    if (!this.#drain.signal.aborted) {
      this.#drain.abort();
      const running = fold([...this.#running]);
      process.stderr.write(
        `\n${this.#ended} of ${this.#count} done; no further host begins. ^C again ends ${running}\n`,
      );
    } else if (!this.#stop.signal.aborted) {
      this.#stop.abort();
    } else {
      process.exit(130);
    }
  }
}
