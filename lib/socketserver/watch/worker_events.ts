// Events as the workers of a pool report them, by way of the manager, to the server's thread.
import { REFUSAL_REASONS, type RefusalReason } from '../admission/refused.js';
import { check_packed, type PackedError, unpack_error } from '../pool/packed_error.js';
import { BIT, type WorkerEventName } from './channels.js';
import type { Watch } from './watch.js';

/** An event of a worker. Which fields there are depends on the event, see EventFields. */
export interface WorkerEvent {
  readonly type: 'event';
  readonly event: WorkerEventName;
  readonly client_address: unknown;
  readonly id?: string | undefined;
  readonly seconds?: number | undefined;
  readonly error?: PackedError | undefined;
  readonly reason?: RefusalReason | undefined;
  readonly message?: string | undefined;
}

/** Characters of an id, or of a message, that are sent at most. */
const LONGEST = 1024;

/** Returns a report as an event. A child process may send anything. @throws TypeError */
export function to_event(report: { readonly [Key in string]?: unknown }): WorkerEvent {
  const { event, client_address, id = '', seconds = 0, error, reason = 'other', message = '' } = report;
  const is_event =
    Object.hasOwn(BIT, String(event)) &&
    typeof id === 'string' &&
    typeof message === 'string' &&
    Math.max(id.length, message.length) <= LONGEST &&
    typeof seconds === 'number' &&
    seconds >= 0 &&
    REFUSAL_REASONS.includes(reason as RefusalReason);
  if (!is_event) throw new TypeError('this is no event');
  return {
    type: 'event',
    event: event as WorkerEventName,
    client_address,
    id,
    seconds,
    ...(error === undefined ? undefined : { error: check_packed(error) }),
    reason: reason as RefusalReason,
    message,
  };
}

/** Tells the event of a worker to those who listen on the server's thread. */
export function tell_event(watch: Watch, event: WorkerEvent): void {
  const { client_address, id = '', seconds = 0, reason = 'other', message = '' } = event;
  const failure = event.error && { error: unpack_error(event.error) };
  if (!watch.hears(event.event)) return;
  switch (event.event) {
    case 'connection':
      watch.tell('connection', { peer_address: client_address });
      break;
    case 'request:start':
      watch.tell('request:start', { id, client_address });
      break;
    case 'request:end':
      watch.tell('request:end', { id, client_address, seconds, ...failure });
      break;
    case 'error':
      watch.tell('error', { id, client_address, error: failure?.error });
      break;
    case 'refused':
      watch.tell('refused', { client_address, reason, message });
      break;
  }
}
