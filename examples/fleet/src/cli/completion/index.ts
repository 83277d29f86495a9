// `fleet completion SHELL`, which prints a script, and `fleet __complete SHELL LINE [BREAKS]`, which the scripts call: see scripts.ts.

import { homedir } from 'node:os';
import { inventory_of, UsageError } from '../options.js';
import { type Candidate, complete } from './complete.js';
import { type Line, line_of } from './line.js';
import { SCRIPTS } from './scripts.js';
import { SHELLS } from './texts.js';

type Shell = (typeof SHELLS)[number];

const is_shell = (name: string | undefined): name is Shell => SHELLS.some((known) => known === name);

/** fleet completion SHELL. Returns the exit code. */
export async function completion(args: readonly string[]): Promise<number> {
  const [shell, ...more] = args;
  if (!is_shell(shell) || more.length > 0)
    throw new UsageError(`a shell is needed: fleet completion ${SHELLS.join('|')}`);
  process.stdout.write(SCRIPTS[shell]);
  return 0;
}

/** fleet __complete SHELL LINE [BREAKS]. Returns the exit code. */
export async function answer([shell, text = '', breaks]: readonly string[]): Promise<number> {
  if (!is_shell(shell)) throw new UsageError(`no shell: ${shell}`);
  const line = line_of(text, shell === 'bash' ? breaks : '');
  const found = await complete(line.words, line.current, (path) =>
    inventory_of(path?.replace(/^~(?=\/)/, homedir())),
  );
  if (found.files) {
    process.stdout.write('files\n');
    return 0;
  }
  const { candidates, tail } = found;
  const lines = candidates.map((candidate) =>
    shown(shell, in_place(shell, candidate.text, tail, line), candidate),
  );
  process.stdout.write(`words ${tail.length}\n${lines.map((one) => `${one}\n`).join('')}`);
  return 0;
}

/**
 * Returns a candidate as the shell puts it in place. zsh replaces the tail alone; fish the whole word; bash what it takes for its word, as it is
 * typed: that may begin in front of the tail, or in the middle of it.
 */
function in_place(shell: Shell, text: string, tail: string, { current, typed }: Line): string {
  if (shell === 'zsh') return text;
  const word = shell === 'bash' ? typed : current;
  if (word.length < tail.length) return text.slice(tail.length - word.length);
  return word.slice(0, word.length - tail.length) + text;
}

function shown(shell: Shell, placed: string, { description, is_whole }: Candidate): string {
  const word = `${placed}${is_whole ? ' ' : ''}`;
  return shell === 'bash' ? word : `${word}\t${description ?? ''}`;
}
