// fan_out: one operation over many hosts, as Limits say: so many at once, in batches, a canary first, again after failures, and
// no further after too many of them. What the operation is, its caller knows: a command (command.ts) or files. Each host ends
// with an Outcome; a host that was not begun has one, too.

import { FleetFailure, message_of, one_line } from '../failure.js';
import type { FailureClass, FleetEvent, Host, Limits, Outcome } from '../types.js';

/** Does the work on one host. @throws FleetFailure */
export type Operation = (host: Host, signal: AbortSignal) => Promise<void>;

/** Classes that may end differently if they are tried again. */
const PASSING = new Set<FailureClass>([
  'unreachable',
  'refused',
  'timed-out',
  'cut-off',
  'transfer',
  'non-zero',
  'signal',
]);

/**
 * Runs an operation on hosts.
 *
 * @param hosts in this order
 * @param limits `retries` are for classes that may pass: never for host keys and authentication
 * @param operation must end soon after its signal
 * @param emit is told what happens
 * @param signal stops it: hosts that have not begun are left out, those that have are told to end
 * @param drain no further host begins; those that have go on
 * @returns the outcomes, in the order of hosts
 * @throws RangeError if a limit is wrong; it names the limit
 */
export async function fan_out(
  hosts: readonly Host[],
  limits: Limits,
  operation: Operation,
  emit: (event: FleetEvent) => void,
  signal: AbortSignal = new AbortController().signal,
  drain: AbortSignal = signal,
): Promise<Outcome[]> {
  const most_failures = check(limits, hosts.length);
  const outcomes = new Map<string, Outcome>();
  let failures = 0;
  let stop: string | undefined;

  const finish = (outcome: Outcome) => {
    outcomes.set(outcome.host, outcome);
    emit({ type: 'end', outcome });
    if (outcome.ok || outcome.failure === 'stopped') return;
    failures++;
    if (failures >= most_failures) stop ??= `not begun: ${failures} failed before`;
  };
  const one = async (host: Host) => {
    if (signal.aborted || drain.aborted) return finish(not_begun(host, 'not begun: stopped by the user'));
    if (stop !== undefined) return finish(not_begun(host, stop));
    // A signal of its own: hundreds of hosts that listen to one would look like a leak to Node.
    finish(await attempts(host, limits.retries, operation, emit, AbortSignal.any([signal])));
  };

  for (const [index, batch] of batches(hosts, limits).entries()) {
    await pool(batch, limits.fanout, one);
    if (index === 0 && limits.canary !== undefined && failures > 0) stop ??= 'not begun: a canary failed';
  }
  return hosts.flatMap((host) => outcomes.get(host.name) ?? []);
}

async function attempts(
  host: Host,
  retries: number,
  operation: Operation,
  emit: (event: FleetEvent) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  for (let attempt = 1; ; attempt++) {
    emit({ type: 'begin', host: host.name, attempt });
    try {
      await operation(host, signal);
      return { host: host.name, ok: true, seconds: seconds(), attempts: attempt };
    } catch (error) {
      // What is no FleetFailure is a fault of fleet; one host's must not end the others.
      const known =
        error instanceof FleetFailure
          ? error
          : new FleetFailure('protocol', `internal error: ${message_of(error)}`);
      if (attempt <= retries && PASSING.has(known.failure) && !signal.aborted) continue;
      return {
        host: host.name,
        ok: false,
        failure: known.failure,
        reason: known.message,
        exit_code: known.exit_code,
        signal: known.signal,
        seconds: seconds(),
        attempts: attempt,
      };
    }
  }
}

function not_begun(host: Host, reason: string): Outcome {
  return {
    host: host.name,
    ok: false,
    failure: 'stopped',
    reason: one_line(reason),
    seconds: 0,
    attempts: 0,
  };
}

function batches(hosts: readonly Host[], { canary, serial }: Limits): Host[][] {
  const first = hosts.slice(0, canary ?? 0);
  const rest = hosts.slice(first.length);
  const size = serial ?? rest.length;
  const all = first.length > 0 ? [first] : [];
  for (let index = 0; index < rest.length; index += size) all.push(rest.slice(index, index + size));
  return all;
}

async function pool(
  hosts: readonly Host[],
  fanout: number,
  one: (host: Host) => Promise<void>,
): Promise<void> {
  const left = hosts.values();
  const worker = async () => {
    for (const host of left) await one(host);
  };
  await Promise.all(Array.from({ length: Math.min(fanout, hosts.length) }, worker));
}

/** Returns how many failures stop it. */
function check(limits: Limits, count: number): number {
  for (const name of ['fanout', 'serial', 'canary'] as const) {
    const value = limits[name];
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw new RangeError(`${name} must be an integer of 1 or more, not ${value}`);
    }
  }
  if (!Number.isInteger(limits.retries) || limits.retries < 0) {
    throw new RangeError(`retries must be an integer of 0 or more, not ${limits.retries}`);
  }
  for (const name of ['connect_timeout', 'command_timeout', 'inactivity_timeout'] as const) {
    const value = limits[name];
    if (value !== undefined && !(value > 0 && value <= 2_000_000)) {
      throw new RangeError(`${name} must be seconds above 0 and up to 2000000, not ${value}`);
    }
  }
  return most_of(limits.max_failures, count);
}

function most_of(most: Limits['max_failures'], count: number): number {
  if (most === undefined) return Number.POSITIVE_INFINITY;
  const percent =
    typeof most === 'string' ? Number(/^(\d+(?:\.\d+)?)%$/.exec(most)?.[1] ?? Number.NaN) : undefined;
  const number = percent === undefined ? Number(most) : Math.max(1, Math.ceil((count * percent) / 100));
  if (Number.isInteger(number) && number >= 1 && !(percent !== undefined && percent > 100)) return number;
  throw new RangeError(`max_failures must be an integer of 1 or more, or a percentage as "10%", not ${most}`);
}
