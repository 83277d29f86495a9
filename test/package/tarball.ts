// Makes what a user gets: copies the checkout to a temporary folder, packs it there, installs the tarball in folders
// that know nothing of the checkout, and runs programs in them. The checkout itself is never written to.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The C library of this machine, by which the binaries are named. */
export const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';

export interface Outcome {
  /** Exit code, null when a signal ended the program. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What a program run here sees: no variable of the npm, the vitest or the sanitizer run that this is part of. */
function cleanEnvironment(path: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|BSD_SOCKETS|VITEST|LD_PRELOAD|INIT_CWD|NODE_(ENV|OPTIONS|PATH))/i.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: path, NO_COLOR: '1', JOBS: String(availableParallelism()) };
}

/** PATH without the node_modules/.bin folders that npm put there. */
export const normal_path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

/**
 * Runs a program to its end.
 *
 * @param folder where
 * @param path the PATH it sees
 * @param command program and arguments
 */
export function run(folder: string, path: string, ...command: [string, ...string[]]): Outcome {
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    env: cleanEnvironment(path),
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

/** As `run`, and throws with the program's output unless it ends with exit code 0. */
export function runOrThrow(folder: string, path: string, ...command: [string, ...string[]]): Outcome {
  const outcome = run(folder, path, ...command);
  if (outcome.code === 0) return outcome;
  throw new Error(`${command.join(' ')}: exit code ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`);
}

export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'bsd-sockets-package-')));
}

/** A folder for PATH with nothing in it but what running Node programs and npm takes: no compiler, make or Python. */
export function pathWithoutCompiler(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const npm = runOrThrow(folder, normal_path, 'sh', '-c', 'command -v npm').stdout.trim();
  symlinkSync(realpathSync(npm), join(bin, 'npm'));
  symlinkSync('/bin/sh', join(bin, 'sh'));
  return bin;
}

/** A copy in `folder` of what set-up and packing read, with the checkout's own packages; gives its path. */
export function copySources(folder: string): string {
  const copy = join(folder, 'sources');
  const left_out = /^(\.git|node_modules|dist|coverage|test|bench|build(-.*)?|.*\.tgz)$/;
  mkdirSync(copy);
  for (const name of readdirSync(root)) {
    if (!left_out.test(name)) cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** As `copySources`, with what the checkout has built, newer than all sources. */
export function copyBuilt(folder: string): string {
  const copy = copySources(folder);
  for (const name of ['build', 'dist']) cpSync(join(root, name), join(copy, name), { recursive: true });
  makeOutputsNew(copy);
  return copy;
}

/** Makes the binary and dist/ newer than what has been written so far, whose times are finer than those of Date. */
export function makeOutputsNew(copy: string): void {
  const new_time = new Date(Date.now() + 1000);
  utimesSync(join(copy, 'build', 'Release', 'bsd_sockets.node'), new_time, new_time);
  for (const name of readdirSync(join(copy, 'dist'), { recursive: true, encoding: 'utf8' })) {
    utimesSync(join(copy, 'dist', name), new_time, new_time);
  }
}

export interface Tarball {
  file: string;
  /** The paths of the files in it. */
  contents: string[];
}

/** Packs the sources as they are, into `destination`. */
export function pack(sources: string, destination: string): Tarball {
  mkdirSync(destination);
  // Without prepack, which would compile the binaries of all targets.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination] as const;
  const { stdout } = runOrThrow(sources, normal_path, 'npm', ...args);
  // Lines of the prepack script come first; npm 12 gives an object by package name, older ones an array.
  const answer: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const entries = Object.values(answer as Record<string, { filename: string; files: { path: string }[] }>);
  const entry = entries[0];
  if (entry === undefined) throw new Error(`npm pack said ${stdout}`);
  return { file: join(destination, entry.filename), contents: entry.files.map(({ path }) => path) };
}

/**
 * Installs a tarball in a new, empty folder.
 *
 * @param parent where to make the folder
 * @param tarball the file
 * @param path the PATH that npm sees
 * @param options for npm install
 * @returns the folder, and how npm ended
 */
export function install(parent: string, tarball: string, path: string, ...options: string[]) {
  const folder = mkdtempSync(join(parent, 'user-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const outcome = run(
    folder,
    path,
    'npm',
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--foreground-scripts',
    ...options,
    tarball,
  );
  return { folder, ...outcome };
}
