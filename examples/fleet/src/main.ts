#!/usr/bin/env node
// The command `fleet`: which command, its usage, and what a mistake of the user looks like. The commands are in cli/.

import { clean } from './cli/clean.js';
import { USAGE } from './cli/exit_codes.js';
import { log } from './cli/log.js';
import { nodes } from './cli/nodes.js';
import { UsageError } from './cli/options.js';
import { get, put, retry, run } from './cli/run.js';
import { TransferError } from './files/index.js';
import { InventoryError } from './hosts/inventory.js';
import { NodeSetError } from './hosts/nodesets.js';
import { SshConfigError } from './ssh/config.js';

const HELP = `fleet: many machines by SSH

  fleet run [options] WHERE -- COMMAND   run a command on hosts
  fleet put [options] WHERE SOURCE TARGET   a file or folder to hosts; get: from hosts, TARGET has %h for the host; --dry-run
  fleet get [options] WHERE SOURCE TARGET
  fleet clean [options] WHERE FOLDER     removes parts that transfers have left: --older AGE (1d), --dry-run; --here FOLDER: of this machine
  fleet retry [options]                  the last operation again, on the hosts where it failed; --class CLASS,… only those
  fleet nodes [options] [WHERE]          the hosts of a set: --expand, --fold, --count, --json
  fleet log [options]                    what was done: --host, --group, --since, --until, --text, --class, --last N, --json
  fleet log verify                       whether the log is as it was written

WHERE    web[01-12,20]   @group   @*   web*   and with "," (or) "!" (without) "&" (in both) "^" (in one of both)
hosts    -i, --inventory FILE   -x, --exclude WHERE   --pick N   -l, --user NAME   -p, --port N   -F, --config FILE
limits   -f, --fanout N (64)   -t, --connect-timeout SECONDS (10)   -u, --timeout SECONDS   --inactivity SECONDS
         --serial N   --canary N   --max-failures N or N%   --retry N
command  --stdin (to all)   --pty
files    --dry-run   --no-delta (large files whole)   --max-bytes N, as 20G (get: from each host)
output   -b, --gather   --diff   --json
secrets  --password (asks)   --password-fd N   --accept-new (adds unknown host keys)
log      --log FILE   --no-log

Exit code: 0, or how hosts failed: 1 in several ways, 3 unreachable, 4 refused, 5 host-key, 6 authentication, 7 non-zero, 8 signal,
9 timed-out, 10 cut-off, 11 transfer, 12 stopped, 13 protocol. 2: nothing was begun.
`;

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  run,
  put,
  get,
  clean,
  retry,
  nodes,
  log,
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  const asked = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
  if (name === '--help' || name === '-h' || name === 'help' || asked.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command) return command(args);
  throw new UsageError(
    `${name === undefined ? 'a command is missing' : `"${name}" is no command`}: fleet --help`,
  );
}

/** Mistakes of the user, and what the system refuses: a message is enough. Another error is a fault of fleet: with its stack. */
function is_expected(error: unknown): error is Error {
  const kinds = [UsageError, InventoryError, NodeSetError, SshConfigError, TransferError, RangeError];
  return kinds.some((kind) => error instanceof kind) || (error instanceof Error && 'code' in error);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!is_expected(error)) throw error;
  process.stderr.write(`fleet: ${error.message}\n`);
  process.exitCode = USAGE;
}
