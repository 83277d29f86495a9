// Packages that tests need and package.json does not name, by scripts/registry.mjs: a test that cannot have them is skipped, and says why.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { root } from './tarball.js';

interface Registry {
  fetched(...packages: string[]): string | undefined;
  from_registry(...packages: string[]): string;
}
const registry: Registry = await import(join(root, 'scripts', 'registry.mjs'));

/** The node_modules folder with these packages, if they have been fetched. */
export const { fetched } = registry;

/** Why a package cannot be had: npm tries for minutes, once is enough. */
const failures = new Map<string, string>();

/**
 * Gets packages of the registry, unless they are there; skips the test if it cannot.
 *
 * @param packages each as npm takes it: `rollup@4`
 * @returns the node_modules folder with them
 */
export function fetch_packages(ctx: TestContext, ...packages: string[]): string {
  const key = packages.join(' ');
  const known = failures.get(key);
  if (known !== undefined) ctx.skip(known);
  try {
    return registry.from_registry(...packages);
  } catch (error) {
    failures.set(key, (error as Error).message);
    return ctx.skip((error as Error).message);
  }
}

/** Another JavaScript runtime, as a package of the registry. */
export interface Runtime {
  name: string;
  version: string;
  /** The package, by process.arch, and where in it the program is. */
  packages: Record<string, string>;
  program: string;
}

export const BUN: Runtime = {
  name: 'Bun',
  version: '1.4.5',
  packages: { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' },
  program: 'bin/bun',
};

export const DENO: Runtime = {
  name: 'Deno',
  version: '2.9.6',
  packages: { x64: '@deno/linux-x64-glibc', arm64: '@deno/linux-arm64-glibc' },
  program: 'deno',
};

/**
 * The program of a runtime; skips the test if there is none that starts here.
 *
 * @param get what gets packages
 */
export function program_of(ctx: TestContext, runtime: Runtime, get = fetch_packages): string {
  const { name, version, packages, program } = runtime;
  const from = packages[process.arch];
  if (from === undefined) return ctx.skip(`${name} is not known for ${process.arch}`);
  const path = join(get(ctx, `${from}@${version}`), from, program);
  const { status, error, signal } = spawnSync(path, ['--version']);
  if (status !== 0) ctx.skip(`${name} does not start here: ${error?.message ?? signal}`);
  return path;
}
