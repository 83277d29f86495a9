// What the commands `ftpd user`, `ftpd who` and `ftpd metrics` share: where they read and write, their options, and their exit codes.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { code_of } from '../store/errors.js';

/** Done; failed; wrong arguments. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** The streams of a command, as `process` has them. */
export interface CommandIO {
  readonly stdin: NodeJS.ReadStream | NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Wrong arguments; the message goes to stderr with a hint at --help. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** parseArgs() of Node whose errors are UsageErrors. */
export function parse_arguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (error instanceof Error && code_of(error)?.startsWith('ERR_PARSE_ARGS')) {
      // Node explains at length how to write an argument that begins with "-"; the first sentence says what is wrong.
      throw new UsageError(error.message.split('. ')[0], { cause: error });
    }
    throw error;
  }
}

/**
 * Runs a command; an error becomes a line on stderr.
 *
 * @param name with which the line begins: "ftpd who"
 * @returns the exit code
 */
export async function run_command(name: string, io: CommandIO, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof UsageError) {
      io.stderr.write(`${name}: ${error.message}\nTry "${name} --help".\n`);
      return EXIT.usage;
    }
    io.stderr.write(`${name}: ${error.message}\n`);
    return EXIT.failed;
  }
}
