#!/usr/bin/env node
// The command ftpd: it serves and checks a configuration here; its other commands are those of store/ and guard/.
import { spawn } from 'node:child_process';
import { ConfigError } from './config/check.js';
import { type Config, read_config } from './config/config.js';
import type { CommandIO } from './guard/command.js';
import { metrics_main, who_main } from './guard/who.js';
import { report } from './service/report.js';
import { check_files, Service } from './service/service.js';
import { user_main } from './store/users_command.js';

const USAGE = `usage: ftpd serve CONFIG    serves until SIGTERM
       ftpd check CONFIG    tells what is wrong with a configuration, and with the files that it names
       ftpd user …          adds, changes and removes users: ftpd user --help
       ftpd who             tells who is there: ftpd who --help
       ftpd metrics         tells the counters, as Prometheus reads them: ftpd metrics --help

The last three find the files by the configuration that FTPD_CONFIG names, if they are not told by options.

Signals of ftpd serve: SIGHUP reads the configuration again; SIGUSR2 starts this program again, which takes the connections over that come, while
this process finishes its transfers; SIGTERM and SIGINT end it, a second one at once.
`;

/** Starts the program that takes over from this one. It must not keep this process alive. */
function start_successor(config: Config): void {
  if (config.handover === null) {
    report(new Error('SIGUSR2: the configuration has no handover, so nobody can take over'));
    return;
  }
  const child = spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' });
  child.on('error', report);
  child.unref();
}

async function serve(path: string): Promise<number> {
  let config = read_config(path);
  const service = await Service.start(config);
  const reload = async () => {
    const changed = read_config(path);
    await service.reload(changed);
    config = changed;
    console.log('ftpd: the configuration is loaded again');
  };
  process.on('SIGHUP', () => void reload().catch(report));
  process.on('SIGUSR2', () => start_successor(config));
  let is_ending = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      // Who asks again does not want to wait.
      if (is_ending) process.exit(1);
      is_ending = true;
      service.end().catch(report);
    });
  // Who reads this may send signals.
  for (const url of service.urls) console.log(`ftpd: serving ${url}`);
  await service.ended;
  return 0;
}

async function check(path: string): Promise<number> {
  await check_files(read_config(path));
  console.log(`ftpd: ${path} is right`);
  return 0;
}

/** The paths that the configuration names, for commands that go without it, too. */
function paths(): { file?: string | undefined; control?: string | undefined } {
  const { FTPD_CONFIG } = process.env;
  if (!FTPD_CONFIG) return {};
  const { users, control } = read_config(FTPD_CONFIG);
  return { file: users, control: control ?? undefined };
}

type Tool = (argv: readonly string[], io: CommandIO, options: ReturnType<typeof paths>) => Promise<number>;

const TOOLS: Readonly<Record<string, Tool>> = { user: user_main, who: who_main, metrics: metrics_main };

const COMMANDS: Readonly<Record<string, (path: string) => Promise<number>>> = { serve, check };

async function main([name = '', ...args]: string[]): Promise<number> {
  if (name === '--help' || name === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const [path] = args;
  try {
    if (tool !== undefined) return await tool(args, process, paths());
    if (command !== undefined && path !== undefined && args.length === 1) return await command(path);
  } catch (error) {
    report(error);
    return error instanceof ConfigError ? 2 : 1;
  }
  process.stderr.write(USAGE);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
