// `fleet run`, `fleet put`, `fleet get`, `fleet retry`: what their words mean. What all of them do is in operate.ts.

import { existsSync } from 'node:fs';
import { NodeSet } from '../hosts/nodesets.js';
import { files_of, type LoggedOperation, last_operation } from '../log/index.js';
import { json_line, summary_event } from '../view/index.js';
import { operate, type Task, user } from './operate.js';
import {
  log_path_of,
  parse_move,
  parse_retry,
  parse_run,
  type RunValues,
  results_of,
  UsageError,
} from './options.js';

/** fleet run WHERE -- COMMAND. Returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--');
  if (at < 0) throw new UsageError('the command must be behind "--": fleet run WHERE -- COMMAND');
  const { values, positionals } = parse_run(args.slice(0, at));
  const command = args.slice(at + 1).join(' ');
  const [where, ...more] = positionals;
  if (where === undefined) throw new UsageError('WHERE is missing: fleet run WHERE -- COMMAND');
  if (more.length > 0) {
    throw new UsageError(
      `"${more[0]}" is one word too many before "--"; WHERE is one word, as 'web[1-3],@db'`,
    );
  }
  if (command.trim() === '') throw new UsageError('the command behind "--" is missing');
  const forms = [values.gather, values.diff, values.ordered, values.json].filter(Boolean);
  if (forms.length > 1)
    throw new UsageError('only one of --gather, --diff, --ordered and --json can be given');
  return operate(values, where, with_user({ action: 'run', command }, values));
}

/** Returns the task with the user of --sudo or --sudo-user; without them it is as it was. */
function with_user(task: Task, values: RunValues): Task {
  const { sudo, 'sudo-user': user, 'sudo-password-fd': fd } = values;
  if (user === '') throw new UsageError('--sudo-user must name a user');
  const wanted = user ?? (sudo ? 'root' : undefined);
  if (task.action !== 'run') {
    if (wanted !== undefined) throw new UsageError('sudo is for commands');
    return task;
  }
  const as = wanted ?? task.as;
  if (as !== undefined) return { ...task, as };
  if (fd !== undefined) throw new UsageError('--sudo-password-fd needs --sudo or --sudo-user');
  return task;
}

/** fleet put WHERE SOURCE TARGET. Returns the exit code. */
export const put = (args: readonly string[]) => move('put', args);

/** fleet get WHERE SOURCE TARGET. Returns the exit code. */
export const get = (args: readonly string[]) => move('get', args);

async function move(action: 'put' | 'get', args: readonly string[]): Promise<number> {
  const { values, positionals } = parse_move(args);
  const [where, source, target, ...more] = positionals;
  if (!where || !source || !target || more.length > 0) {
    throw new UsageError(`three words are needed: fleet ${action} WHERE SOURCE TARGET`);
  }
  return operate(values, where, { action, source, target });
}

/** fleet retry: the last operation again, on the hosts where it failed. Returns the exit code. */
export async function retry(args: readonly string[]): Promise<number> {
  const { values } = parse_retry(args);
  const path = log_path_of(values.log);
  const { who, sudo_user } = user();
  const last = existsSync(path)
    ? await last_operation(await files_of(path), { who: sudo_user ?? who })
    : undefined;
  const task = last && task_of(last);
  if (!last || !task) throw new UsageError(`${path} has no operation of yours to try again`);
  const classes = results_of(values.class);
  const failed = [...last.hosts].filter(
    ([, { result = 'ok' }]) =>
      result !== 'ok' && (classes === undefined || classes.has(result) || classes.has('failed')),
  );
  if (failed.length === 0) {
    if (values.json) process.stdout.write(`${json_line(summary_event([], 0, 0))}\n`);
    else process.stderr.write(`no host failed${classes ? ' in that way' : ''} when it was last done\n`);
    return 0;
  }
  return operate(values, NodeSet.of(failed.map(([host]) => host)).fold(), with_user(task, values));
}

function task_of({ begin }: LoggedOperation): Task | undefined {
  const { action, command, source, target, as } = begin;
  if (action === 'run')
    return command === undefined ? undefined : { action, command, ...(as === undefined ? {} : { as }) };
  if (action === 'clean') return target === undefined ? undefined : { action, target };
  return source === undefined || target === undefined ? undefined : { action, source, target };
}
