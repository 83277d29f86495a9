// The error of a request that is refused before any handler sees it, and the reasons there are.

/** Why a request was refused: the option or hook that did. */
export type RefusalReason =
  | 'proxy_protocol'
  | 'verify_request'
  | 'max_connections_per_address'
  | 'max_rate_per_address'
  | 'max_rate'
  | 'ssl'
  | 'other';

/** All reasons, in the order of the counters. */
export const REFUSAL_REASONS = [
  'proxy_protocol',
  'verify_request',
  'max_connections_per_address',
  'max_rate_per_address',
  'max_rate',
  'ssl',
  'other',
] as const satisfies readonly RefusalReason[];

/** Options of the error. */
interface RefusedOptions {
  readonly cause?: unknown;
  readonly reason?: RefusalReason | undefined;
  /** The address of the client, if it is another one than that of the connection. */
  readonly client_address?: unknown;
}

/** The reason for which a request was refused. */
export class RequestRefused extends Error {
  readonly reason: RefusalReason;
  readonly client_address: unknown;

  constructor(message?: string, { reason = 'other', client_address, ...options }: RefusedOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.client_address = client_address;
  }
}
