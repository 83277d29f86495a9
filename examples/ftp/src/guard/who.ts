// `ftpd who` and `ftpd metrics`: questions to the control socket of a server that runs, as text.
import { type CommandIO, EXIT, parse_arguments, run_command, UsageError } from './command.js';
import { ask_control } from './control.js';
import type { SessionInfo } from './types.js';

const WHO_HELP = `Usage: ftpd who [--json] [--control PATH]

Lists the sessions of a server that runs.

Options:
  --json           a line of JSON for each session
  --control PATH   the server's control socket (FTPD_CONTROL)
  -h, --help       print this
`;

const METRICS_HELP = `Usage: ftpd metrics [--control PATH]

Prints the counters of a server that runs, as Prometheus reads them.

Options:
  --control PATH   the server's control socket (FTPD_CONTROL)
  -h, --help       print this
`;

/** What both commands may be told by their caller. */
export interface WhoOptions {
  /** the control socket if the arguments name none: that of the configuration file */
  control?: string | undefined;
}

/**
 * `ftpd who`.
 *
 * @param argv arguments behind "who"
 * @returns the exit code: 0 done, 1 no server answered, 2 wrong arguments
 */
export function who_main(argv: readonly string[], io: CommandIO, options: WhoOptions = {}): Promise<number> {
  return run_command('ftpd who', io, async () => {
    const { values } = parse_arguments({
      args: [...argv],
      options: {
        json: { type: 'boolean' },
        control: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      io.stdout.write(WHO_HELP);
      return EXIT.done;
    }
    const sessions = read_sessions(await ask_control(control_path(values.control, options), 'who'));
    const lines = values.json ? sessions.map((one) => JSON.stringify(one)) : who_table(sessions, Date.now());
    io.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return EXIT.done;
  });
}

/**
 * `ftpd metrics`.
 *
 * @param argv arguments behind "metrics"
 * @returns the exit code, as of who_main()
 */
export function metrics_main(
  argv: readonly string[],
  io: CommandIO,
  options: WhoOptions = {},
): Promise<number> {
  return run_command('ftpd metrics', io, async () => {
    const { values } = parse_arguments({
      args: [...argv],
      options: { control: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) io.stdout.write(METRICS_HELP);
    else io.stdout.write(String(await ask_control(control_path(values.control, options), 'metrics')));
    return EXIT.done;
  });
}

function control_path(argument: string | undefined, { control }: WhoOptions): string {
  const path = argument ?? process.env.FTPD_CONTROL ?? control;
  if (!path) throw new UsageError('name the control socket of the server: --control PATH');
  return path;
}

function read_sessions(answer: unknown): SessionInfo[] {
  if (!Array.isArray(answer)) throw new Error('the server gave an answer of another version');
  return answer.filter(is_session);
}

function is_session(value: unknown): value is SessionInfo {
  return typeof value === 'object' && value !== null && 'id' in value && 'since_ms' in value;
}

const HEAD = ['SESSION', 'USER', 'ADDRESS', 'SINCE', 'TLS', 'WORKER', 'DIRECTORY', 'COMMAND', 'TRANSFER'];

/** Returns the lines of the table of `ftpd who`. */
export function who_table(sessions: readonly SessionInfo[], now_ms: number): string[] {
  const rows = sessions.map((session) =>
    [
      session.id,
      session.user ?? '-',
      session.address.includes(':')
        ? `[${session.address}]:${session.port}`
        : `${session.address}:${session.port}`,
      duration(now_ms - session.since_ms),
      session.tls ?? '-',
      session.worker,
      session.directory,
      session.command,
      transfer_text(session.transfer),
    ].map(printable),
  );
  const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [HEAD, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function transfer_text(transfer: SessionInfo['transfer']): string {
  if (transfer === undefined || transfer === null) return '-';
  const { direction, path, bytes, size } = transfer;
  const of = size === undefined || size <= 0 ? '' : ` of ${size} (${Math.floor((bytes / size) * 100)} %)`;
  return `${direction} ${path} ${bytes}${of}`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** What a client has sent must not move the cursor of who looks. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}
