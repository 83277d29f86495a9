// Transfers as operations of fan_out: a connection, its SFTP, and put or get of files/ over it. A transfer in which the target
// answers nothing for `inactivity_timeout`, and no file is being hashed here, is ended by its connection: an answer of SFTP may never come.

import { FleetFailure } from '../failure.js';
import {
  type MovedFile,
  Remote,
  TransferError,
  type TransferOptions,
  type TransferResult,
} from '../files/index.js';
import type { Connector } from '../ssh/connect.js';
import type { FleetEvent, Host, Limits } from '../types.js';
import { settled_within } from './ending.js';
import type { Operation } from './fan_out.js';

/** Moves the files of one host. @throws TransferError */
export type Move = (remote: Remote, host: Host, options: TransferOptions) => Promise<TransferResult>;

/** Returns the operation that connects and moves files, and reports each. */
export function transfer_operation(
  connector: Connector,
  limits: Limits,
  dry_run: boolean,
  move: Move,
  emit: (event: FleetEvent) => void,
): Operation {
  return async ({ name, ...rest }, signal) => {
    const host = { name, ...rest };
    const connection = await connector.connect(host, limits.connect_timeout, signal);
    const watch = new Watch(limits);
    const work = async () => {
      const remote = await Remote.open(connection.client, () => watch.active());
      const result = await move(remote, host, {
        dry_run,
        signal,
        on_progress: (path, bytes, total, sent) => {
          watch.active();
          emit({ type: 'progress', host: name, path, bytes, total, sent });
        },
        on_hashing: (path, bytes, total) => {
          watch.active();
          emit({ type: 'hashing', host: name, path, bytes, total });
        },
        on_file: ({ path, state, hash, size, sent }) => {
          watch.active();
          emit({ type: 'file', host: name, path, state, hash, size, sent });
        },
      });
      if (result.failed > 0) throw failure_of_files(result.files);
    };
    const working = work();
    const stop = stop_of(signal);
    const failed = Promise.race([watch.passed, connection.gone, stop.asked]);
    try {
      const failure = await Promise.race([working, failed]);
      if (failure) throw failure;
    } catch (error) {
      connection.close();
      // It ends with its connection: another attempt must not meet it. Not even that is waited for without an end.
      await settled_within(
        working.catch(() => {}),
        SECONDS_TO_SETTLE,
      );
      if (!(error instanceof TransferError)) throw error;
      // What is lost may be the connection, or SFTP alone.
      throw (
        (error.failure === 'cut-off' && connection.lost()) || new FleetFailure(error.failure, error.message)
      );
    } finally {
      watch.clear();
      stop.forget();
      connection.close();
    }
  };
}

/** A stop by the user, also while SFTP has not begun. */
function stop_of(signal: AbortSignal): { readonly asked: Promise<FleetFailure>; forget(): void } {
  let on_abort = () => {};
  const asked = new Promise<FleetFailure>((resolve) => {
    on_abort = () => resolve(new FleetFailure('stopped', 'the user asked'));
  });
  if (signal.aborted) on_abort();
  signal.addEventListener('abort', on_abort);
  return { asked, forget: () => signal.removeEventListener('abort', on_abort) };
}

/** For what works on a connection to end after it. */
const SECONDS_TO_SETTLE = 5;

function failure_of_files(files: readonly MovedFile[]): FleetFailure {
  const failed = files.filter(({ state }) => state === 'failed');
  const [first] = failed;
  const more = failed.length > 1 ? `${failed.length} of ${files.length} files, the first: ` : '';
  return new FleetFailure('transfer', `${more}${first?.path}: ${first?.reason}`);
}

/** The time-outs of a transfer. */
class Watch {
  /** resolved with the reason when one has passed */
  readonly passed: Promise<FleetFailure>;
  readonly #timers: NodeJS.Timeout[] = [];
  #inactivity: NodeJS.Timeout | undefined;

  constructor({ command_timeout, inactivity_timeout }: Limits) {
    this.passed = new Promise((resolve) => {
      const after = (seconds: number, reason: string) => {
        const timer = setTimeout(() => resolve(new FleetFailure('timed-out', reason)), seconds * 1000);
        this.#timers.push(timer);
        return timer;
      };
      if (command_timeout !== undefined)
        after(command_timeout, `the transfer took more than ${command_timeout} s`);
      if (inactivity_timeout !== undefined)
        this.#inactivity = after(inactivity_timeout, `nothing moved for ${inactivity_timeout} s`);
    });
  }

  active(): void {
    this.#inactivity?.refresh();
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
