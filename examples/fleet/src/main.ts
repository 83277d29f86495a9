#!/usr/bin/env -S node --max-semi-space-size=2
// The command `fleet`: which command, its usage, and what a mistake of the user looks like. The commands are in cli/.
// V8's young generation may have 48 MB else; what a connection makes lives long or goes at once. With 6 MB fleet takes 20 MB less, and no longer.

import { createRequire } from 'node:module';
import { USAGE } from './cli/exit_codes.js';
import { UsageError } from './cli/options.js';
import { TransferError } from './files/errors.js';
import { InventoryError } from './hosts/inventory.js';
import { NodeSetError } from './hosts/nodesets.js';
import { SshConfigError } from './ssh/config.js';
import { json_line } from './view/json.js';

const HELP = `fleet: many machines by SSH

  fleet run [options] WHERE -- COMMAND   run a command on hosts
  fleet put [options] WHERE SOURCE TARGET   a file or folder to hosts; get: from hosts, TARGET has %h for the host; --dry-run
  fleet get [options] WHERE SOURCE TARGET
  fleet clean [options] WHERE FOLDER     removes parts that transfers have left: --older AGE (1d), --dry-run; --here FOLDER: of this machine
  fleet retry [options]                  the last operation again, on the hosts where it failed; --class CLASS,… only those
  fleet nodes [options] [WHERE]          the hosts of a set: --expand, --fold, --count, --json
  fleet log [options]                    what was done: --host, --group, --since, --until, --text, --class, --who, --action, --operation, --last N
  fleet log verify [FILE…]               whether the log is as it was written; --expect N:HASH, --first N
  fleet completion bash|zsh|fish         the completion of a shell: eval "$(fleet completion bash)"

WHERE    web[01-12,20]   @group   @*   web*   and with "," (or) "!" (without) "&" (in both) "^" (in one of both)
hosts    -i, --inventory FILE   -x, --exclude WHERE   --pick N   -l, --user NAME   -p, --port N   -F, --config FILE
limits   -f, --fanout N (64)   -t, --connect-timeout SECONDS (10)   -u, --timeout SECONDS   --inactivity SECONDS
         --serial N   --canary N   --max-failures N or N%   --retry N
command  --stdin (to all)   --pty   --sudo (as root), --sudo-user NAME
files    --dry-run   --no-delta (large files whole)   --max-bytes N, as 20G (get: from each host)
output   -b, --gather   --diff   -L, --ordered (by host, at the end)   -N, --no-prefix   --json
secrets  --password (asks)   --password-fd N   --sudo-password-fd N (else sudo's is asked for)   --accept-new (adds unknown host keys)
log      --log FILE   --no-log

Exit code: 0, or how hosts failed: 1 in several ways, 3 unreachable, 4 refused, 5 host-key, 6 authentication, 7 non-zero, 8 signal,
9 timed-out, 10 cut-off, 11 transfer, 12 stopped, 13 protocol. 2: nothing was begun.
`;

type Command = (args: readonly string[]) => Promise<number>;

/** Loaded when they are called: a completion should not wait for what speaks SSH. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.js')).run,
  put: async () => (await import('./cli/run.js')).put,
  get: async () => (await import('./cli/run.js')).get,
  clean: async () => (await import('./cli/clean.js')).clean,
  retry: async () => (await import('./cli/run.js')).retry,
  nodes: async () => (await import('./cli/nodes.js')).nodes,
  log: async () => (await import('./cli/log.js')).log,
  completion: async () => (await import('./cli/completion/index.js')).completion,
  __complete: async () => (await import('./cli/completion/index.js')).answer,
};

const { version: VERSION }: { version: string } = createRequire(import.meta.url)('../package.json');

/** The words that are fleet's: those before `--`. */
const asked = (args: readonly string[]) =>
  args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);

async function main([name, ...args]: readonly string[]): Promise<number> {
  const is_help = name === '--help' || name === '-h' || name === 'help';
  // What is completed may have any words.
  if (is_help || (name !== '__complete' && asked(args).includes('--help'))) {
    process.stdout.write(HELP);
    return 0;
  }
  if (name === '--version') {
    process.stdout.write(`fleet ${VERSION}\n`);
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load) return (await load())(args);
  throw new UsageError(
    `${name === undefined ? 'a command is missing' : `"${name}" is no command`}: fleet --help`,
  );
}

/** Mistakes of the user, and what the system refuses: a message is enough. Another error is a fault of fleet: with its stack. */
function is_expected(error: unknown): error is Error {
  const kinds = [UsageError, InventoryError, NodeSetError, SshConfigError, TransferError, RangeError];
  return kinds.some((kind) => error instanceof kind) || (error instanceof Error && 'code' in error);
}

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  if (!is_expected(error)) throw error;
  const { message } = error;
  process.stderr.write(`fleet: ${message}\n`);
  if (asked(args).includes('--json'))
    process.stdout.write(`${json_line({ type: 'error', message, exit_code: USAGE })}\n`);
  process.exitCode = USAGE;
}
