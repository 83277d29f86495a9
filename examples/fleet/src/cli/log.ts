// `fleet log` and `fleet log verify`: what was done, and whether the log is as it was written.

import { NodeSet } from '../hosts/nodesets.js';
import { entry_line, parse_time, query_log, verify_log } from '../log/index.js';
import type { FailureClass } from '../types.js';
import { safe_text } from '../view/index.js';
import { OF_CLASS } from './exit_codes.js';
import { integer_of, log_path_of, parse_log, UsageError } from './options.js';

/** fleet log [verify]. Returns the exit code: 1 if the log was changed. */
export async function log(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse_log(args);
  const path = log_path_of(values.log);
  const [word, ...more] = positionals;
  if (word === 'verify' && more.length === 0) return verify(path, values.json ?? false);
  if (word !== undefined) throw new UsageError(`"${word}" is unknown: fleet log, or fleet log verify`);
  const query = {
    hosts: values.host === undefined ? undefined : new Set(NodeSet.parse(values.host)),
    group: values.group,
    since: time_of('since', values.since),
    until: time_of('until', values.until),
    text: values.text,
    results: values.class === undefined ? undefined : new Set(values.class.split(',').map(class_of)),
    last: integer_of('last', values.last),
  };
  for await (const record of query_log(path, query)) {
    console.log(values.json ? JSON.stringify(record) : entry_line(record));
  }
  return 0;
}

async function verify(path: string, json: boolean): Promise<number> {
  const found = await verify_log(path);
  if (json) console.log(JSON.stringify(found));
  else {
    for (const { line, message } of found.faults) console.log(`${path}:${line}: ${safe_text(message)}`);
    console.log(`${found.records} records are intact${found.ok ? '' : '; the log was changed'}`);
  }
  return found.ok ? 0 : 1;
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

function class_of(text: string): 'ok' | 'failed' | FailureClass {
  if (text === 'ok' || text === 'failed' || is_class(text)) return text;
  throw new UsageError(`--class must be of ok, failed, ${Object.keys(OF_CLASS).join(', ')}, not "${text}"`);
}

const is_class = (text: string): text is FailureClass => Object.hasOwn(OF_CLASS, text);
