// `fleet log` and `fleet log verify`: what was done, and whether the log is as it was written. Both read the files of a log that were moved away, too.

import { existsSync } from 'node:fs';
import { NodeSet } from '../hosts/nodesets.js';
import {
  type Action,
  entry_line,
  files_of,
  parse_time,
  query_log,
  type VerifyOptions,
  verify_log,
} from '../log/index.js';
import { safe_text } from '../view/index.js';
import { integer_of, log_path_of, parse_log, results_of, UsageError } from './options.js';

type LogValues = ReturnType<typeof parse_log>['values'];

/** fleet log [verify [FILE…]]. Returns the exit code: 1 if the log was changed. */
export async function log(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse_log(args);
  const path = log_path_of(values.log);
  const [word, ...files] = positionals;
  if (word === 'verify') return verify(files.length > 0 ? files : await files_of(path), values);
  if (word !== undefined) throw new UsageError(`"${word}" is unknown: fleet log, or fleet log verify`);
  if (values.first !== undefined || values.expect !== undefined)
    throw new UsageError('--first and --expect are of fleet log verify');
  const query = {
    hosts: values.host === undefined ? undefined : new Set(NodeSet.parse(values.host)),
    group: values.group,
    since: time_of('since', values.since),
    until: time_of('until', values.until),
    action: action_of(values.action),
    operation: values.operation,
    who: values.who,
    text: values.text,
    results: results_of(values.class),
    last: integer_of('last', values.last),
  };
  if (!existsSync(path)) throw new UsageError(`there is no log ${path} yet`);
  for await (const record of query_log(await files_of(path), query)) {
    process.stdout.write(`${values.json ? JSON.stringify(record) : entry_line(record)}\n`);
  }
  return 0;
}

async function verify(files: readonly string[], values: LogValues): Promise<number> {
  const options = { expected: head_of(values.expect), first: integer_of('first', values.first) ?? 1 };
  const found = await verify_log(files, options);
  if (values.json) process.stdout.write(`${JSON.stringify({ type: 'verification', files, ...found })}\n`);
  else {
    for (const { file, line, message } of found.faults)
      process.stdout.write(`${safe_text(file)}:${line}: ${safe_text(message)}\n`);
    const { n, hash } = found.head;
    const last = n === 0 ? '' : `, the last is ${n}:${hash}`;
    process.stdout.write(
      `${found.records} records are intact${last}${found.ok ? '' : '; the log was changed'}\n`,
    );
  }
  return found.ok ? 0 : 1;
}

function head_of(text: string | undefined): VerifyOptions['expected'] {
  if (text === undefined) return undefined;
  const [, n, hash] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (n === undefined || hash === undefined)
    throw new UsageError(
      `--expect must be what fleet log verify says of the last record, as 812:9f86…, not "${text}"`,
    );
  return { n: Number(n), hash };
}

const is_action = (text: string): text is Action => ['run', 'put', 'get', 'clean'].includes(text);

function action_of(text: string | undefined): Action | undefined {
  if (text === undefined || is_action(text)) return text;
  throw new UsageError(`--action must be run, put, get or clean, not "${text}"`);
}

/** Returns the time that an option names. */
export function time_of(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  try {
    return parse_time(text, new Date());
  } catch (error) {
    throw new UsageError(`--${option}: ${error instanceof Error ? error.message : error}`);
  }
}
