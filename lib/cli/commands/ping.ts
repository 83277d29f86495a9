// bsd-sockets ping: echo requests and their answers, with the options, the lines, the statistics and the exit codes of iputils' ping.
// The run is ping/session.ts, what is printed ping/report.ts; the requests are in network/echo.ts.
import { AF_INET, inet_pton, OSError } from '../../socket/index.js';
import { find_host, is_broadcast } from '../network/hosts.js';
import { options, type PingOptions, SIZE_MAX } from '../ping/options.js';
import { Ping } from '../ping/session.js';
import { command, until_interrupted } from '../terminal/command.js';
import { Failure, UNUSABLE, UsageError } from '../terminal/errors.js';
import { print_stderr } from '../terminal/output.js';

/** Seconds: the least interval for everybody but root, as of iputils' ping. */
const INTERVAL_MIN = 0.002;
/** The greatest preload for everybody but root. */
const PRELOAD_MAX = 3;
/** The routers that the option of -T tsprespec has room for. */
const ROUTERS_MAX = 4;
/** The most bytes of a pattern. */
const PATTERN_MAX = 16;

/** @throws UsageError */
function check_options({
  pattern,
  record_route,
  stamps,
  live,
  json,
  flood,
  interval,
  preload,
}: PingOptions): void {
  if (pattern !== undefined && !/^([\da-f]{2})+$/i.test(pattern))
    throw new UsageError(
      `option -p takes pairs of hexadecimal digits, such as ff00, not ${JSON.stringify(pattern)}`,
    );
  if (pattern !== undefined && pattern.length > 2 * PATTERN_MAX)
    throw new UsageError(`option -p takes at most ${PATTERN_MAX} bytes`);
  if (record_route && stamps !== undefined)
    throw new UsageError('-R and -T exclude each other: the header has room for one');
  if (live && json) throw new UsageError('--live and --json exclude each other');
  if (process.getuid?.() === 0) return;
  if ((interval ?? (flood ? 0 : 1)) < INTERVAL_MIN)
    throw new UsageError(
      `only root may send more often than each ${INTERVAL_MIN * 1000} ms: -i ${INTERVAL_MIN}`,
    );
  if (preload > PRELOAD_MAX)
    throw new UsageError(`only root may send more than ${PRELOAD_MAX} requests before any answer`);
}

/** Splits the operands into the routers of -T tsprespec and the host. @throws UsageError */
function routers_and_host(
  operands: readonly string[],
  stamps: string | undefined,
): [routers: string[], host: string] {
  const routers = operands.slice(0, -1);
  const host = operands.at(-1) as string;
  if (stamps !== 'tsprespec') {
    if (routers.length > 0)
      throw new UsageError(`what is ${JSON.stringify(operands[1])}? It is one argument too many`);
  } else if (routers.length === 0 || routers.length > ROUTERS_MAX)
    throw new UsageError(`-T tsprespec takes one to ${ROUTERS_MAX} addresses of routers before the host`);
  for (const router of routers) {
    try {
      inet_pton(AF_INET, router);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      throw new UsageError(`-T tsprespec takes IPv4 addresses of routers, not ${JSON.stringify(router)}`);
    }
  }
  return [routers, host];
}

export const { help, main } = command({
  usage: ['[options] HOST', '[options] -T tsprespec ROUTER … HOST'],
  operands: [1, ROUTERS_MAX + 1],
  options,
  notes: `By a raw socket, or where that is not allowed by a datagram socket of ICMP (net.ipv4.ping_group_range). Times are
the kernel's. SIGQUIT (Ctrl-\\) prints the counts so far.

Exit codes: 0 answered, 1 no answer, 2 it could not begin.`,
  async run(values, operands) {
    check_options(values);
    const [routers, host] = routers_and_host(operands, values.stamps);
    const target = await find_host(host, values, values.interface);
    const size_max = SIZE_MAX[target.family];
    if (values.size > size_max) throw new UsageError(`option -s takes at most ${size_max} for ${host}`);
    if (is_broadcast(target)) {
      if (!values.broadcast)
        throw new Failure(`${host} is a broadcast address: every host would answer; -b allows it`, UNUSABLE);
      print_stderr('WARNING: pinging broadcast address');
    }
    const interrupted = until_interrupted();
    return new Ping(target, values, routers).run(interrupted);
  },
});
