// `fleet clean`: parts that transfers have left, on hosts or here.

import { clean_here } from '../files/index.js';
import { json_text } from '../json.js';
import { OF_CLASS } from './exit_codes.js';
import { time_of } from './log.js';
import { operate } from './operate.js';
import { parse_clean, UsageError } from './options.js';
import { file_text } from './view.js';

/** fleet clean WHERE FOLDER, or --here FOLDER. Returns the exit code. */
export async function clean(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse_clean(args);
  const { here, older = '1d', ...rest } = values;
  const [first, second, ...more] = positionals;
  const [where, folder] = here ? ['', first] : [first, second];
  if (where === undefined || !folder || more.length > 0 || (here && second !== undefined)) {
    throw new UsageError('fleet clean WHERE FOLDER, or fleet clean --here FOLDER');
  }
  if (!here) return operate({ ...rest, older }, where, { action: 'clean', target: folder });
  const { failed } = await clean_here(folder, {
    before: (time_of('older', older)?.getTime() ?? 0) / 1000,
    dry_run: rest['dry-run'],
    on_file: (file) =>
      process.stdout.write(`${rest.json ? json_text({ type: 'file', ...file }) : file_text(file)}\n`),
  });
  return failed > 0 ? OF_CLASS.transfer : 0;
}
