// How a connection ends.

import { FleetFailure } from '../../dist/failure.js';
import { Connector, type ConnectorOptions } from '../../dist/ssh/connect.js';
import type { Host } from '../../dist/types.js';

/** Seconds of a connection that should be made: also on a busy machine. */
export const PLENTY = 30;

/** Connects, and returns why that failed; undefined: it did not. */
export async function failure_of(
  host: Host,
  options: Partial<ConnectorOptions> = {},
  timeout = PLENTY,
  signal?: AbortSignal,
): Promise<{ failure: string; reason: string } | undefined> {
  try {
    (await new Connector({ credentials: {}, ...options }).connect(host, timeout, signal)).close();
  } catch (error) {
    if (error instanceof FleetFailure) return { failure: error.failure, reason: error.message };
    throw error;
  }
  return undefined;
}
