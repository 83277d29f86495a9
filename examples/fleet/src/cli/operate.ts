// What `run`, `put`, `get`, `clean` and `retry` share: hosts are selected, the log is written before and after, the view shows what happens, and the
// outcomes become an exit code.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { message_of } from '../failure.js';
import {
  type CleanOptions,
  Fleet,
  type GetOptions,
  type OperationOptions,
  type RunOptions,
} from '../fleet.js';
import type { NodeSet } from '../hosts/nodesets.js';
import { type Entry, LogWriter } from '../log/index.js';
import type { FleetEvent, Outcome } from '../types.js';
import { json_line, safe_text, summary_event } from '../view/index.js';
import { exit_code_of, MIXED } from './exit_codes.js';
import { Interrupt } from './interrupt.js';
import { time_of } from './log.js';
import {
  bytes_of,
  integer_of,
  inventory_of,
  limits_of,
  log_path_of,
  type OperationValues,
  UsageError,
} from './options.js';
import { Output } from './output.js';
import { Screen } from './screen.js';
import { Secrets } from './secrets.js';
import { select } from './select.js';
import { view_of } from './view.js';

/** What is to be done; also what the log says of it. */
export type Task =
  /** `as`: the user that it runs as there, by sudo */
  | { readonly action: 'run'; readonly command: string; readonly as?: string }
  | { readonly action: 'put' | 'get'; readonly source: string; readonly target: string }
  | { readonly action: 'clean'; readonly target: string };

/** Files of a host that its record names: a folder of 10,000 would be no line. How many it does not name stands beside them. */
const MOST_FILES = 1000;

/** Does it on the hosts of a set. Returns the exit code. */
export async function operate(values: OperationValues, where: string, task: Task): Promise<number> {
  const secrets = new Secrets();
  // Before any program is run, which could read the descriptors as well.
  const credentials = secrets.credentials(values);
  const fleet = new Fleet({
    inventory: await inventory_of(values.inventory),
    config_files: config_files_of(values.config),
    credentials,
    accept_new: values['accept-new'],
    overrides: { user: values.user, port: integer_of('port', values.port) },
  });
  const names = select(fleet, where, values);
  if (names.size === 0) throw new UsageError(`"${where}" selects no host`);
  if (task.action === 'run' && values['dry-run']) {
    const { command, as } = task;
    const user = as === undefined ? {} : { as };
    const line = values.json
      ? json_line({ type: 'would run', hosts: [...names], command, ...user })
      : `would run on ${names.fold()}${as === undefined ? '' : ` as ${safe_text(as)}`}: ${safe_text(command)}`;
    process.stdout.write(`${line}\n`);
    return 0;
  }
  if (task.action === 'put' && !existsSync(task.source))
    throw new UsageError(`there is no ${task.source} to put`);
  if (task.action !== 'get' && values['max-bytes'] !== undefined)
    throw new UsageError('--max-bytes is for fleet get');
  const max_bytes = bytes_of('max-bytes', values['max-bytes']);
  const before = time_of('older', values.older);
  const limits = limits_of(values);
  const groups = new Map(fleet.hosts(names).map((host) => [host.name, host.groups]));
  const stdin = values.stdin ? await buffer(process.stdin) : undefined;
  const unlogged = values['no-log'] || values['dry-run'];
  const log = unlogged ? undefined : new LogWriter(log_path_of(values.log), { secrets: () => secrets.known });
  const record = { operation: randomUUID(), ...user(), where, ...task } as const;
  // The log comes first: what cannot be logged is not done.
  await log?.append({ ...record, kind: 'begin', hosts: names.size });

  const interrupt = new Interrupt(names.size, (text) => screen.write('stderr', text));
  // What nobody sees is not gone on with: as a program that is ended by SIGPIPE.
  const output = new Output(() => interrupt.stop('fleet: nobody reads the output any more: '));
  const screen = new Screen(output);
  secrets.on_question = screen.pause;
  if (values.json) {
    const { operation } = record;
    const event = { type: 'operation', operation, ...task, where, hosts: [...names] } as const;
    output.write('stdout', `${json_line(event)}\n`);
  }
  const view = view_of(values, task.action, [...names], output, screen);
  const moved = new Moved(task.action !== 'run');
  const written: Promise<void>[] = [];
  let log_failure: unknown;
  const began = performance.now();
  const on_event = (event: FleetEvent) => {
    view.event(event);
    interrupt.event(event);
    moved.event(event);
    if (event.type === 'output') return output.room;
    if (event.type !== 'end' || !log) return undefined;
    const { host } = event.outcome;
    const entry = { ...record, ...host_entry(event.outcome), ...moved.of(host), groups: groups.get(host) };
    written.push(
      log.append(entry).catch((error) => {
        log_failure ??= error;
      }),
    );
    return undefined;
  };
  const { signal, drain } = interrupt;
  signal.addEventListener('abort', () => secrets.end());
  const options: OperationOptions = { limits, signal, drain, on_event };
  let outcomes: Outcome[] = [];
  try {
    outcomes = await perform(fleet, names, task, {
      ...options,
      stdin,
      pty: values.pty,
      dry_run: values['dry-run'],
      delta: !values['no-delta'],
      max_bytes,
      before,
    });
    await Promise.all(written);
  } finally {
    secrets.end();
    interrupt.close();
    view.end(outcomes, (performance.now() - began) / 1000);
  }
  const seconds = (performance.now() - began) / 1000;
  const succeeded = outcomes.filter(({ ok }) => ok).length;
  try {
    if (log_failure !== undefined) throw log_failure;
    await log?.append({ ...record, kind: 'end', hosts: names.size, succeeded, seconds });
  } catch (error) {
    log_failure = error;
    output.write('stderr', `fleet: the log could not be written: ${message_of(error)}\n`);
  }
  const exit_code = log_failure === undefined ? exit_code_of(outcomes) : MIXED;
  if (values.json) output.write('stdout', `${json_line(summary_event(outcomes, seconds, exit_code))}\n`);
  return exit_code;
}

type PerformOptions = RunOptions & GetOptions & CleanOptions;

function perform(fleet: Fleet, names: NodeSet, task: Task, options: PerformOptions): Promise<Outcome[]> {
  switch (task.action) {
    case 'run':
      return fleet.run(names, task.command, {
        ...options,
        sudo: task.as === undefined ? undefined : { user: task.as },
      });
    case 'put':
      return fleet.put(names, task.source, task.target, options);
    case 'get':
      return fleet.get(names, task.source, task.target, options);
    case 'clean':
      return fleet.clean(names, task.target, options);
  }
}

/** Returns the files of ssh_config(5) that --config names: none for `none`, as ssh has it; undefined: the usual ones. */
function config_files_of(path: string | undefined): string[] | undefined {
  if (path === undefined) return undefined;
  if (path === 'none') return [];
  if (!existsSync(path)) throw new UsageError(`there is no ${path} to read for --config`);
  return [path];
}

/** Returns who the log says it was: the login name here, and who became that by sudo or doas. */
export function user(env: NodeJS.ProcessEnv = process.env): Pick<Entry, 'who' | 'sudo_user'> {
  const who = userInfo().username;
  const sudo_user = env.SUDO_USER || env.DOAS_USER;
  return sudo_user === undefined || sudo_user === '' || sudo_user === who ? { who } : { who, sudo_user };
}

function host_entry({ host, ok, failure, reason, exit_code, signal, seconds, attempts }: Outcome) {
  const result = ok ? ('ok' as const) : failure;
  return { kind: 'host' as const, host, result, reason, exit_code, signal, seconds, attempts };
}

type LoggedFile = NonNullable<Entry['files']>[number];

interface MovedSoFar {
  /** content that went over the network in attempts before this one, and in it */
  before: number;
  bytes: number;
  files: LoggedFile[];
  more_files: number;
}

/** What each host has moved so far, for its record. */
class Moved {
  readonly #hosts = new Map<string, MovedSoFar>();

  constructor(private readonly is_transfer: boolean) {}

  event(event: FleetEvent): void {
    if (!this.is_transfer || event.type === 'end') return;
    const { host } = event;
    const so_far = this.#hosts.get(host) ?? { before: 0, bytes: 0, files: [], more_files: 0 };
    this.#hosts.set(host, so_far);
    if (event.type === 'begin') {
      const before = so_far.before + so_far.bytes;
      this.#hosts.set(host, { before, bytes: 0, files: [], more_files: 0 });
    } else if (event.type === 'progress') so_far.bytes = event.sent ?? so_far.bytes;
    else if (event.type === 'file') this.#file(so_far, event);
  }

  #file(so_far: MovedSoFar, { path, state, hash }: LoggedFile): void {
    const { files } = so_far;
    if (files.length >= MOST_FILES) {
      so_far.more_files += 1;
      // A file that failed is named in the place of one that did not.
      const other = state === 'failed' ? files.findLastIndex((file) => file.state !== 'failed') : -1;
      if (other < 0) return;
      files.splice(other, 1);
    }
    files.push(hash === undefined ? { path, state } : { path, state, hash });
  }

  of(host: string): Pick<Entry, 'bytes' | 'files' | 'more_files'> {
    const so_far = this.#hosts.get(host);
    this.#hosts.delete(host);
    if (so_far === undefined) return {};
    const { before, bytes, files, more_files } = so_far;
    return {
      bytes: before + bytes,
      ...(files.length > 0 ? { files } : {}),
      ...(more_files > 0 ? { more_files } : {}),
    };
  }
}
