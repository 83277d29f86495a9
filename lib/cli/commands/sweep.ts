// bsd-sockets sweep: which hosts answer an echo request, with the options, the lines and the exit codes of fping, of networks as well. The
// requests are in sweep/echo_scan.ts, what is printed is in sweep/board.ts.
import { find_addresses } from '../network/address_list.js';
import { family_of } from '../network/hosts.js';
import { Board } from '../sweep/board.js';
import { EchoScan } from '../sweep/echo_scan.js';
import { LiveSweep } from '../sweep/live.js';
import { options, type SweepOptions } from '../sweep/options.js';
import { read_targets } from '../sweep/targets.js';
import { check_interface, command, until_interrupted } from '../terminal/command.js';
import { INTERRUPTED, UNUSABLE, UsageError } from '../terminal/errors.js';
import { print_stderr } from '../terminal/output.js';
import { has_screen } from '../terminal/screen.js';

/** @throws UsageError for options that exclude each other */
function check_options({ alive, unreach, count, vcount, loop, live, json }: SweepOptions): void {
  if (alive && unreach) throw new UsageError('-a and -u exclude each other');
  if (Number(count !== undefined) + Number(vcount !== undefined) + Number(loop) > 1)
    throw new UsageError('-c, -C and -l exclude each other');
  if (live && json) throw new UsageError('--live and --json exclude each other');
}

async function sweep(board: Board, interrupted: AbortSignal): Promise<void> {
  const { squiet, src, json } = board.options;
  const scans: EchoScan[] = [];
  const reports = squiet === undefined || json ? undefined : setInterval(() => board.report(), squiet * 1000);
  try {
    for (const family of board.list.families()) {
      const scan = new EchoScan(board, family, !board.is_live && !board.is_counting);
      scans.push(scan);
      if (src !== undefined) await scan.bind(src);
    }
    board.before_print = () => {
      for (const scan of scans) scan.clear_progress();
    };
    // One that fails ends the others, too.
    const failed = new AbortController();
    const end = AbortSignal.any([interrupted, failed.signal]);
    const results = await Promise.allSettled(
      scans.map((scan) =>
        scan.run(end).catch((error: unknown) => {
          failed.abort();
          throw error;
        }),
      ),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } finally {
    clearInterval(reports);
    for (const scan of scans) scan.close();
  }
}

export const { help, main } = command({
  usage: ['[options] TARGET …', '[options] -f FILE'],
  operands: [0, Number.POSITIVE_INFINITY],
  options,
  notes: `TARGET is a host or an address, a network (10.0.0.0/24, 10.0.0.0/255.255.255.0, fd00::/120) or a range (10.0.0.1-10.0.0.9,
10.0.0.1-9). Without one, targets are read from standard input. Of networks and ranges, the addresses that answer
are listed, the others with -u; of hosts that are named, both. Needs what ping needs.

Exit codes: 0 all that were named answered, of networks somebody; 1 not so; 2 it could not begin, or a name has no
address; 130 Ctrl-C.`,
  async run(given, operands) {
    check_options(given);
    // As fping: an interval of summaries, and the question whether so many answer, stand for -q.
    const values = {
      ...given,
      quiet: given.quiet || given.squiet !== undefined || given.reachable !== undefined,
    };
    const { iface, file, generate } = values;
    const texts = read_targets(operands, file, generate);
    if (iface !== undefined) check_interface(iface);
    let unknown = 0;
    const list = await find_addresses(texts, { family: family_of(values) }, (message) => {
      unknown++;
      print_stderr(message);
    });
    if (list.count === 0) return UNUSABLE;
    const live = values.live && has_screen();
    const board = new Board(list, values, live);
    board.unknown = unknown;
    const interrupted = until_interrupted();
    const picture = live ? new LiveSweep(board) : undefined;
    picture?.open();
    try {
      await sweep(board, interrupted);
    } finally {
      picture?.close();
      board.is_live = false;
      if (board.sent > 0) await board.finish();
    }
    return interrupted.aborted && !board.is_counting ? INTERRUPTED : board.exit_code();
  },
});
