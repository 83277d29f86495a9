// Processes of this machine, those in namespaces too.

import { readdirSync, readFileSync } from 'node:fs';

/** Returns the processes with this word among their arguments. */
export function processes_with(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}
