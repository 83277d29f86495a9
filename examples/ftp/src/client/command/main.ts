// ftpc from its command line to its exit code.
import { parse_arguments } from './arguments.js';
import { RUN } from './commands.js';
import { Context } from './context.js';
import { EXIT, Interrupted } from './exit_codes.js';
import { Report } from './report.js';
import { Shell } from './shell.js';

/** Runs the command of a command line, without node and the program. Returns the exit code. */
export async function main(line: readonly string[]): Promise<number> {
  const early = new Report({ json: line.includes('--json'), quiet: false, verbose: false });
  let parsed: ReturnType<typeof parse_arguments>;
  try {
    parsed = parse_arguments(line);
  } catch (error) {
    return early.failure(error);
  }
  if ('help' in parsed) {
    process.stdout.write(`${parsed.help}\n`);
    return EXIT.ok;
  }
  const { command, arguments: given, options } = parsed;
  const report = new Report(options);
  const aborter = new AbortController();
  // Ctrl-C ends transfers in order, a second one at once.
  const on_signal = () => {
    if (aborter.signal.aborted) process.exit(EXIT.interrupted);
    aborter.abort(new Interrupted());
  };
  process.on('SIGINT', on_signal);
  process.on('SIGTERM', on_signal);
  const context = new Context(options, report, aborter.signal);
  try {
    if (command === 'shell') await new Shell(context, given[0] ?? '').run();
    else await RUN[command](context, given);
    return context.exit_code;
  } catch (error) {
    return report.failure(aborter.signal.aborted ? new Interrupted() : error);
  } finally {
    await context.close();
    process.off('SIGINT', on_signal);
    process.off('SIGTERM', on_signal);
  }
}
