// Ctrl-C: the first asks the command to end and say what it has, the second ends the process.
import { INTERRUPTED } from './errors.js';

/**
 * until_interrupted() -> a signal that aborts with the first SIGINT or SIGTERM; the second ends the process. Commands
 * give it to what they wait for.
 */
export function until_interrupted(): AbortSignal {
  const controller = new AbortController();
  const interrupted = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  return controller.signal;
}
