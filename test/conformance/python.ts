// The Python interpreters of this machine that the conformance tests ask.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Runs a program and gives what it prints as JSON. @throws Error with what it wrote to stderr */
export function ask<T>(python: string, program: string): T {
  const result = spawnSync(python, ['-c', program], { encoding: 'utf8', timeout: 20_000 });
  if (result.status !== 0) throw result.error ?? new Error(`${python}: ${result.stderr}`);
  return JSON.parse(result.stdout);
}

export interface Python {
  readonly path: string;
  /** '3.13' */
  readonly version: string;
}

const MINIMUM = 11;

/** python3 and those of pyenv, from 3.11 on, one a version. */
export function pythons(): Python[] {
  const versions = join(homedir(), '.pyenv', 'versions');
  const paths = existsSync(versions)
    ? readdirSync(versions).map((v) => join(versions, v, 'bin', 'python3'))
    : [];
  const found = new Map<string, Python>();
  for (const path of ['python3', ...paths]) {
    const program = 'import sys, json; print(json.dumps(list(sys.version_info[:2])))';
    try {
      const [major = 0, minor = 0] = ask<number[]>(path, program);
      const version = `${major}.${minor}`;
      if (major === 3 && minor >= MINIMUM && !found.has(version)) found.set(version, { path, version });
    } catch {
      // Not there, or a shim without a version behind it.
    }
  }
  return [...found.values()];
}
