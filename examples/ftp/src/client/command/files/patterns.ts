// The patterns of --exclude, as those of .gitignore in short: '*' and '?' within a name, '**' over folders, [ab]; a pattern with a slash is that
// of a path from the start, one with a slash at its end that of a folder.
import { UsageError } from '../exit_codes.js';

export type Filter = (names: readonly string[], is_folder: boolean) => boolean;

/** Returns a filter that is true for what no pattern excludes. @throws UsageError */
export function excluding(patterns: readonly string[]): Filter {
  const rows = patterns.map((pattern) => {
    if (pattern === '' || pattern === '/') throw new UsageError('--exclude needs a pattern');
    const folders_only = pattern.endsWith('/');
    const trimmed = pattern.replace(/\/$/, '');
    const is_path = trimmed.includes('/');
    return { folders_only, is_path, expression: expression_of(trimmed.replace(/^\//, ''), pattern) };
  });
  return (names, is_folder) => {
    const path = names.join('/');
    const name = names.at(-1) ?? '';
    return !rows.some(
      ({ folders_only, is_path, expression }) =>
        (is_folder || !folders_only) && expression.test(is_path ? path : name),
    );
  };
}

function expression_of(glob: string, shown: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const c = glob.charAt(i);
    if (c === '*') {
      // A run of stars is one: many of them would take exponential time.
      const from = i;
      while (glob.charAt(i + 1) === '*') i++;
      if (i === from) source += '[^/]*';
      else if (glob.charAt(i + 1) === '/') {
        source += '(?:.*/)?';
        i++;
      } else source += '.*';
    } else if (c === '?') source += '[^/]';
    else if (c === '[') {
      const end = glob.indexOf(']', i + 2);
      if (end < 0) throw new UsageError(`--exclude ${JSON.stringify(shown)}: a [ without a ]`);
      source += `[${glob
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replace(/[\\\]]/g, '\\$&')}]`;
      i = end;
    } else source += c.replace(/[\\^$.|+(){}\]/]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch (error) {
    throw new UsageError(`--exclude ${JSON.stringify(shown)}: ${String(error)}`);
  }
}
