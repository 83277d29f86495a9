// What `--json` prints: an object a line. The events of an operation (FleetEvent), between one of the operation as a whole and a summary.

import { isUtf8 } from 'node:buffer';
import { json_text } from '../json.js';
import type { FailureClass, FleetEvent, Outcome } from '../types.js';

/** What a command says beside the events of its hosts. */
export type CommandEvent =
  | {
      readonly type: 'operation';
      /** as in the log */
      readonly operation: string;
      readonly action: 'run' | 'put' | 'get' | 'clean';
      readonly where: string;
      readonly hosts: readonly string[];
      readonly command?: string | undefined;
      readonly source?: string | undefined;
      readonly target?: string | undefined;
    }
  | {
      readonly type: 'summary';
      readonly hosts: number;
      readonly succeeded: number;
      /** the hosts of each class of failure */
      readonly failed: Partial<Record<FailureClass, string[]>>;
      readonly seconds: number;
      readonly exit_code: number;
    }
  /** of --dry-run: nothing was begun */
  | { readonly type: 'would run'; readonly hosts: readonly string[]; readonly command: string }
  /** a wrong command line, inventory or file of ssh: nothing was begun; or the log could not be written */
  | { readonly type: 'error'; readonly message: string; readonly exit_code: number };

/** Returns the line, without its end, of an event. Output that is no UTF-8 is in `base64` instead of `text`. */
export function json_line(event: FleetEvent | CommandEvent): string {
  if (event.type !== 'output') return json_text(event);
  const { data, ...rest } = event;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const content = isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
  return json_text({ ...rest, ...content });
}

/** Returns the last event of an operation. @param seconds duration */
export function summary_event(
  outcomes: readonly Outcome[],
  seconds: number,
  exit_code: number,
): CommandEvent {
  const failed: Partial<Record<FailureClass, string[]>> = {};
  for (const { host, failure } of outcomes) {
    if (failure === undefined) continue;
    failed[failure] ??= [];
    failed[failure].push(host);
  }
  const succeeded = outcomes.filter(({ ok }) => ok).length;
  return { type: 'summary', hosts: outcomes.length, succeeded, failed, seconds, exit_code };
}
