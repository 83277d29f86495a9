// is_main(), which is Python's `if __name__ == '__main__':`, and the file of the main program.
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { shown } from '../util/validate.js';
import { is_program } from './worker_state.js';

/** Options by which Node runs text in place of a file, with `=text` or without. */
const EVAL_OPTION = /^(-e|-p|-pe|--eval|--print)(=|$)/;

/** Returns the path without symbolic links; unchanged if there is no such file. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Returns the path of the program that Node was started with; undefined for `node -e` and the like. */
function main_path(): string | undefined {
  const [, program] = process.argv;
  if (program === undefined || program === '-' || process.execArgv.some((arg) => EVAL_OPTION.test(arg))) {
    return undefined;
  }
  try {
    // Resolved as Node does: the path may lack an extension, or name a folder or a link.
    return real(createRequire(program).resolve(program));
  } catch {
    return real(program);
  }
}

/** The argument of is_main(): `import.meta`, or `module` in CommonJS. */
export type ModuleOfCaller = { readonly url: string } | { readonly filename: string };

/**
 * is_main(import.meta) or is_main(module) -> whether this module is the program that Node was started with, and not a
 * worker thread or child process that imports it for a request handler. Python's `__name__ == '__main__'`.
 *
 * @throws TypeError for anything else
 */
export function is_main(module: ModuleOfCaller): boolean {
  const path = path_of(module);
  if (!is_program()) return false;
  // Under `node -e` there is one module, and it is the program.
  return path === undefined || real(path) === (main_path() ?? real(path));
}

function path_of(module: unknown): string | undefined {
  if (typeof module === 'object' && module !== null) {
    if ('url' in module && typeof module.url === 'string') {
      return module.url.startsWith('file:') ? fileURLToPath(module.url) : undefined;
    }
    if ('filename' in module && typeof module.filename === 'string') return module.filename;
  }
  throw new TypeError(`module must be import.meta, or module in CommonJS, not ${shown(module)}`);
}

/** Returns the URL of the program; undefined for `node -e` and the like. */
export function main_url(): string | undefined {
  const path = main_path();
  return path === undefined ? undefined : pathToFileURL(path).href;
}
