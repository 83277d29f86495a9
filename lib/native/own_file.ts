// The file that holds this code: one of dist/, or a bundle of a program.
//
// dist/ is CommonJS, which knows its file. A bundler may make an ES module of it, in which only a stack frame knows the file.
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Returns the path or the file: URL of the file that calls a function, from within that function; '' if no file does. Code that a bundle
 * evaluates has no file itself: there it is that of the bundle.
 *
 * @param called the function
 */
export function file_of_caller(called: (...args: never[]) => unknown): string {
  const { prepareStackTrace } = Error;
  const trace: { stack?: unknown } = {};
  try {
    Error.prepareStackTrace = (_error, frames) => frames.map((frame) => frame.getFileName()).find(Boolean);
    Error.captureStackTrace(trace, called);
    return typeof trace.stack === 'string' ? trace.stack : '';
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** Returns the path of a file of CommonJS, by a frame in it and its `__filename`; undefined for an ES module. */
function path_of_commonjs(frame: string, filename: string | undefined): string | undefined {
  if (filename === undefined || !isAbsolute(filename) || frame.startsWith('file:')) return undefined;
  return isAbsolute(frame) ? frame : filename;
}

/**
 * Returns the path of the file that holds the caller, if that is CommonJS; else undefined.
 *
 * @param filename the caller's `__filename`, if there is one. In a thread or process that evaluates text, an ES module sees a
 *   global one, '[worker eval]'. A bundler may give one to the ES module that it makes: the frames of ES modules have URLs. And bun gives
 *   the path of the source: the frame has that of the bundle
 */
export function own_path(filename: string | undefined): string | undefined {
  return path_of_commonjs(file_of_caller(own_path), filename);
}

/**
 * Returns the URL of the file that holds the caller.
 *
 * @param filename as of own_path
 */
export function own_url(filename: string | undefined): string {
  const frame = file_of_caller(own_url);
  const file = path_of_commonjs(frame, filename) ?? frame;
  return file.startsWith('file:') ? file : pathToFileURL(file).href;
}
