// @ts-check
// Packages that only some scripts need: they come from the registry into node_modules/.cache, each into a folder of its own, and
// do not stand in package.json.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './setup.mjs';

/**
 * Gets a package, unless it is there already.
 *
 * @param {string} name of the package
 * @param {string} version as npm takes it: '22' is the newest 22
 * @returns {string} the folder of the package
 */
export function from_registry(name, version) {
  const folder = join(root, 'node_modules', '.cache', `${name.replace('/', '-')}-${version}`);
  const installed = join(folder, 'node_modules', name);
  if (existsSync(installed)) return installed;
  mkdirSync(folder, { recursive: true });
  // --force: a package for another processor, too.
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--force', '--loglevel=error'];
  const args = ['install', '--prefix', folder, ...options];
  const result = spawnSync('npm', [...args, `${name}@${version}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) throw new SetupError(`npm could not install ${name}@${version}.`);
  return installed;
}
