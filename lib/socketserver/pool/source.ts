// The source of a handler class, by which workers find it: its module, and the name under which the module exports it.
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { shown } from '../../util/validate.js';
import type { RequestHandlerClass } from '../handlers.js';
import { main_url } from '../main.js';

/** The module and name of a handler class. */
export interface HandlerSource {
  /** The URL of its module. */
  readonly module: string;
  readonly name: string;
}

const HOW =
  'export it from the program under its own name (or as default), or name its module by `static module = import.meta.url`';

/**
 * Returns the source of a class: the module that its `static module` names, else the program.
 *
 * @throws TypeError if the class has no name, or the program is no file
 */
export function locate_handler(Class: RequestHandlerClass): HandlerSource {
  const { name } = Class;
  if (name === '' || Class.prototype === undefined) {
    throw new TypeError(
      `RequestHandlerClass must be a class with a name, not ${shown(Class)}: its workers import it; ${HOW}`,
    );
  }
  return { module: module_of(Class, name), name };
}

function module_of(Class: RequestHandlerClass, name: string): string {
  if ('module' in Class) {
    const { module } = Class;
    if (typeof module === 'string' && isAbsolute(module)) return pathToFileURL(module).href;
    if (typeof module === 'string' && URL.canParse(module)) return module;
    throw new TypeError(
      `${name}.module must be the URL of its module (import.meta.url), not ${shown(module)}`,
    );
  }
  const main = main_url();
  if (main === undefined) {
    throw new TypeError(`${name}: workers cannot import it, for the program is no file (node -e); ${HOW}`);
  }
  return main;
}

/** Returns a module or loader from which tsx can be resolved, if Node was started by tsx. */
function tsx_from(module: string): string | undefined {
  const specifiers = process.execArgv.map((arg) => arg.replace(/^--import=/, ''));
  const loader = specifiers.find((arg) => /(^|\/)tsx(\/|$)/.test(arg) && !arg.endsWith('.cjs'));
  return loader?.startsWith('file:') ? loader : loader && module;
}

/** Lets this thread import TypeScript, if tsx runs the program: its hooks may be set in the main thread only. */
async function register_tsx(module: string): Promise<void> {
  const from = isMainThread ? undefined : tsx_from(module);
  if (from === undefined) return;
  // The resolved file is the one for require(), which fails when it is imported.
  const api = createRequire(from)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const { register } = (await import(
    /* webpackIgnore: true */ /* @vite-ignore */ pathToFileURL(api).href
  )) as { register(): void };
  register();
}

/**
 * Imports the handler class.
 *
 * @throws Error if the module cannot be imported, or does not export the class
 */
export async function load_handler({ module, name }: HandlerSource): Promise<RequestHandlerClass> {
  let namespace: Record<string, unknown>;
  try {
    await register_tsx(module);
    // A bundler must leave the import as it is: what it imports is known at run time.
    namespace = (await import(/* webpackIgnore: true */ /* @vite-ignore */ module)) as Record<
      string,
      unknown
    >;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw new Error(`${name}: its module ${module} cannot be imported: ${reason}`, { cause });
  }
  const exported = namespace.default;
  const of_default: unknown =
    typeof exported === 'object' && exported !== null ? Reflect.get(exported, name) : undefined;
  const is_it = typeof exported === 'function' && exported.name === name;
  const found = namespace[name] ?? of_default ?? (is_it ? exported : undefined);
  if (typeof found === 'function') return found as RequestHandlerClass;
  throw new Error(`${name} is not exported by ${module}: ${HOW}`);
}
