#!/usr/bin/env node
// bsd-sockets COMMAND …: the list of the commands, and the program's entry point. It finds the command, runs it, and turns
// a thrown error into a line on standard error and an exit code. Each command is a file of commands/; terminal/command.ts
// reads its arguments and writes its --help.
import type { Command } from './terminal/command.js';
import { DONE, exit_code_of, line_of, UNUSABLE, UsageError } from './terminal/errors.js';
import { paragraphs, two_columns } from './terminal/help.js';
import { print, print_stderr, watch_output } from './terminal/output.js';
import { closest } from './terminal/suggest.js';
import { version } from './terminal/version.js';

/** Returns the row of a command. It is imported only when it runs, so the other commands do not delay the start. */
const row = (name: string, summary: string, load: () => Promise<Command>) => ({ name, summary, load });

const commands = [
  row('ping', 'send ICMP echo requests and time the answers', () => import('./commands/ping.js')),
  row('traceroute', 'the routers on the way to a host', () => import('./commands/traceroute.js')),
  row('doctor', 'what this kernel and user may do', () => import('./commands/doctor.js')),
  row('sweep', 'which addresses of a network answer an echo request', () => import('./commands/sweep.js')),
  row('arp-scan', 'who is on the network of an interface, by ARP', () => import('./commands/arp_scan.js')),
  row('sniff', 'show or write the packets of an interface', () => import('./commands/sniff.js')),
  row(
    'nc',
    'connect or listen by TCP, UDP or UNIX sockets, to standard input and output',
    () => import('./commands/nc.js'),
  ),
  row(
    'serve',
    'serve echo, discard, the time or a file, over any class of server',
    () => import('./commands/serve.js'),
  ),
];

function overview(): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary] as const);
  const notes =
    'bsd-sockets COMMAND --help tells more of one. Exit codes: 0 done, 1 no answer or failed, 2 it could not begin.';
  return `Usage: bsd-sockets COMMAND [options] …\n\nCommands:\n${two_columns(rows)}\n\n${paragraphs(notes)}\n`;
}

function find(name: string) {
  const entry = commands.find((each) => each.name === name);
  if (entry !== undefined) return entry;
  const similar = closest(
    name,
    commands.map((each) => each.name),
  );
  const advice = similar === undefined ? 'bsd-sockets --help lists them' : `did you mean ${similar}?`;
  throw new UsageError(`there is no command ${JSON.stringify(name)}; ${advice}`);
}

/** Runs the command that the arguments name. @returns the exit code */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && args.length === 0)) {
    const stream = name === undefined ? process.stderr : process.stdout;
    stream.write(overview());
    return name === undefined ? UNUSABLE : DONE;
  }
  if (name === '--version' || name === '-V') {
    print(version());
    return DONE;
  }
  if (name.startsWith('-')) throw new UsageError(`the command comes first: bsd-sockets COMMAND ${name}`);
  if (name === 'help') return main([args[0] as string, '--help']);
  const entry = find(name);
  const command = await entry.load();
  return command.main(args, entry);
}

/** As main; an error is a line on standard error. */
async function run(args: readonly string[]): Promise<void> {
  try {
    process.exitCode = await main(args);
  } catch (error) {
    const line = line_of(error);
    if (line === undefined) throw error;
    const command = commands.find(({ name }) => name === args[0]);
    const prefix = command === undefined ? 'bsd-sockets' : `bsd-sockets ${command.name}`;
    print_stderr(`${prefix}: ${line}`);
    if (error instanceof UsageError) for (const each of error.lines) print_stderr(each);
    if (error instanceof UsageError && command !== undefined) print_stderr(`${prefix} --help tells more.`);
    process.exitCode = exit_code_of(error);
  }
}

watch_output();
void run(process.argv.slice(2));
