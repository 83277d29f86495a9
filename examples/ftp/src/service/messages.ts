// What the main thread and its workers say to each other, beside the registry's messages, on the same channel.
import type { Config, ListenConfig } from '../config/config.js';

/** A listening socket, as share() has made it a ticket. */
export interface SharedListener {
  readonly name: string;
  readonly listen: ListenConfig;
  /** base64 */
  readonly ticket: string;
}

export type ToWorker =
  | { ftpd: 'start'; config: Config; listeners: SharedListener[] }
  | { ftpd: 'reload'; config: Config }
  | { ftpd: 'drain'; seconds: number };

export type FromWorker =
  /** it has loaded its code, and waits for 'start' */
  | { ftpd: 'loaded' }
  /** it serves; also behind a reload */
  | { ftpd: 'ready' }
  /** what start or reload have failed of, and whether it serves all the same */
  | { ftpd: 'failed'; message: string; serves: boolean };

/** Whether a message is one of these. */
export function is_message(message: unknown): message is ToWorker | FromWorker {
  return typeof message === 'object' && message !== null && 'ftpd' in message;
}
