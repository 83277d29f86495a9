// is_main(), which is Python's `if __name__ == '__main__':`, and the file of the main program.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { file_of_caller } from '../native/own_file.js';
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

/** The files by which pm2 runs a program (its fork mode, its cluster mode); the program is the file of `pm_exec_path`. */
const PM2_CONTAINER = /[\\/]pm2[\\/]lib[\\/]ProcessContainer(Fork|Bun|ForkBun)?\.js$/;

/** Bytes: a file that does nothing but import others is shorter; a longer one is not read. */
const WRAPPER_MAX_BYTES = 4096;

/** One import without names, `require` or `import()`, of a file or a package. */
const BARE_IMPORT =
  /^(?:import\s*|(?:await\s+)?import\s*\(\s*|require\s*\(\s*)(['"])([^'"]+)\1\s*\)?\s*;?\s*/;

/** What may stand between imports: white space, comments, `#!`, 'use strict'. */
const NO_CODE = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/|#!.*|(['"])use strict\1;?)+/;

/** Returns the last file that a wrapper imports; undefined if `text` does anything else than to import files and packages. */
function imported_by_wrapper(text: string): string | undefined {
  let rest = text.replace(NO_CODE, '');
  let last: string | undefined;
  while (rest !== '') {
    const match = BARE_IMPORT.exec(rest);
    if (match === null) return undefined;
    if (match[2]?.startsWith('.')) last = match[2];
    rest = rest.slice(match[0].length).replace(NO_CODE, '');
  }
  return last;
}

/** Files: a chain of wrappers is followed this far, so that a circle ends. */
const WRAPPERS_MAX = 8;

/**
 * Returns the program behind `path`: a file that does nothing but import others, as that of a package's `bin` often is,
 * stands for the last file that it imports.
 */
function unwrapped(path: string): string {
  let program = path;
  try {
    for (let i = 0; i < WRAPPERS_MAX && statSync(program).size <= WRAPPER_MAX_BYTES; i++) {
      const imported = imported_by_wrapper(readFileSync(program, 'utf8'));
      if (imported === undefined) break;
      program = real(createRequire(program).resolve(imported));
    }
  } catch {
    // A file that cannot be read or found is what the import of the program itself tells best.
  }
  return program;
}

/** Returns the path of the program that Node was started with; undefined for `node -e` and the like. */
function main_path(): string | undefined {
  const [, started] = process.argv;
  if (started === undefined || started === '-' || process.execArgv.some((arg) => EVAL_OPTION.test(arg))) {
    return undefined;
  }
  const { pm_exec_path } = process.env;
  const program = PM2_CONTAINER.test(started) && pm_exec_path !== undefined ? pm_exec_path : started;
  try {
    // Resolved as Node does: the path may lack an extension, or name a folder or a link.
    return unwrapped(real(createRequire(program).resolve(program)));
  } catch {
    return unwrapped(real(program));
  }
}

/** The argument of is_main(): `import.meta`, or `module` in CommonJS. */
export type ModuleOfCaller = { readonly url: string } | { readonly filename: string };

/**
 * is_main(import.meta) or is_main(module) -> whether this module is the program that Node was started with, and not a
 * worker thread or child process that imports it for a request handler. Python's `__name__ == '__main__'`. If that
 * program does nothing but import files, as a package's `bin` often does, the last of them is the program; under pm2, it is
 * the file that pm2 was told to start.
 *
 * @param module `import.meta`, or `module` in CommonJS
 * @returns true in the program itself; false in a worker that imports it, and in a module that the program imports
 * @throws TypeError for anything else
 * @example
 * if (is_main(import.meta)) await new TCPServer(['127.0.0.1', 8080], EchoHandler).serve_forever();
 */
export function is_main(module: ModuleOfCaller): boolean {
  const path = path_of(module);
  if (!is_program()) return false;
  // Under `node -e` there is one module, and it is the program.
  return path === undefined || real(path) === (main_path() ?? real(path));
}

/** Returns the path of the module, or of the bundle that holds it; undefined if it has no file. */
function path_of(module: unknown): string | undefined {
  if (typeof module === 'object' && module !== null) {
    // In a bundle of webpack the URL is that of the source, and the name that of the bundle.
    if ('filename' in module && typeof module.filename === 'string') return module.filename;
    if ('url' in module && typeof module.url === 'string') return path_of_url(module.url);
    // And its `module` of CommonJS has neither.
    if ('exports' in module) return path_of_url(file_of_caller(is_main));
  }
  throw new TypeError(`module must be import.meta, or module in CommonJS, not ${shown(module)}`);
}

/** Returns the path that a file: URL or a path names; undefined for other URLs, and for ''. */
function path_of_url(url: string): string | undefined {
  if (url.startsWith('file:')) return fileURLToPath(url);
  return isAbsolute(url) ? url : undefined;
}

/** Returns the URL of the program; undefined for `node -e` and the like. */
export function main_url(): string | undefined {
  const path = main_path();
  return path === undefined ? undefined : pathToFileURL(path).href;
}
