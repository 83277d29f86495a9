// @ts-check
// Files that are generated and in git: written, or with `--check` on the command line compared with what would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);

/**
 * @param {string} path relative to the top folder
 * @returns {string} its text
 */
export const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');

/**
 * Writes the files. With `--check` it writes nothing, names each file that would change and sets exit code 1.
 *
 * @param {Record<string, string>} files text by path
 * @param {string} command the npm script that writes them
 */
export function write_or_check(files, command) {
  for (const [path, text] of Object.entries(files)) {
    const url = new URL(path, ROOT);
    if (!process.argv.includes('--check')) writeFileSync(url, text);
    else if (read(path) !== text) {
      console.error(`${fileURLToPath(url)} is not what its list says: run npm run ${command}`);
      process.exitCode = 1;
    }
  }
}
