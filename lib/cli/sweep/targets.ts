// The targets of sweep: the operands, or the lines of a file or of standard input, as fping reads them.
import { readFileSync } from 'node:fs';
import { check_file } from '../terminal/command.js';
import { UsageError } from '../terminal/errors.js';

/** Returns the first word of each line; empty lines and lines that begin with # are left out. */
function words_of(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/, 1)[0] as string)
    .filter((word) => word !== '' && !word.startsWith('#'));
}

/**
 * read_targets(operands, file, generate) -> the texts of the targets.
 *
 * @param file a file with a target a line; '-' is standard input, which is also read if there are neither operands nor a file
 * @param generate true for fping's -g: two operands are the ends of a range
 * @throws UsageError without a target, or with a file beside operands; the file system's error
 */
export function read_targets(
  operands: readonly string[],
  file: string | undefined,
  generate: boolean,
): string[] {
  if (file !== undefined && operands.length > 0)
    throw new UsageError('targets come from -f or from the arguments, not from both');
  const [first = '', last, ...more] = operands;
  if (generate && (operands.length === 0 || more.length > 0))
    throw new UsageError('option -g takes a network, or the first and the last address');
  if (generate) return [last === undefined ? first : `${first}-${last}`];
  if (operands.length > 0) return [...operands];
  if (file === undefined && process.stdin.isTTY) throw new UsageError('an argument is missing');
  if (file !== undefined && file !== '-') check_file(file);
  const words = words_of(readFileSync(file === undefined || file === '-' ? 0 : file, 'utf8'));
  if (words.length > 0) return words;
  throw new UsageError(
    `an argument is missing, and ${file === undefined || file === '-' ? 'standard input' : file} has no target`,
  );
}
