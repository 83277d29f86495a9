// @ts-check
// A vitest reporter for scripts/test.mjs. It counts the tests, keeps the names of those that failed and the reason of each one
// skipped, and writes all to $BSD_SOCKETS_TEST_RUN/result.json. It also ends a test process from which nothing has been heard for long: a call
// that blocks a thread in native code for ever stops vitest's own timeouts, which run on that thread.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long a test file may be silent beyond the timeout of its tests, in ms. */
const GRACE = 40_000;

/**
 * @typedef {object} Result
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {{ name: string, reason: string }[]} skips
 * @property {string[]} failures the names of those that failed; of a file that failed as a whole, its path
 */

const folder = process.env.BSD_SOCKETS_TEST_RUN ?? '';

export default class SummaryReporter {
  /** @type {Map<string, { heard: number, limit: number }>} the running test files, by path */
  #running = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #watch;
  /** @type {Result} */
  #result = { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };

  onTestRunStart() {
    this.#watch = setInterval(() => this.#endSilent(), 1000);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleQueued(module) {
    const { testTimeout, hookTimeout } = module.project.config;
    const limit = Math.max(testTimeout, hookTimeout) + GRACE;
    this.#running.set(module.moduleId, { heard: Date.now(), limit });
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleStart(module) {
    this.#hear(module);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    this.#running.delete(module.moduleId);
    // What is known so far, in case the whole run is given up.
    this.#count(module);
    this.#write();
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseReady(test) {
    this.#hear(test.module, test.options.timeout);
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    this.#hear(test.module);
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled errors that belong to no test
   */
  onTestRunEnd(modules, unhandled) {
    clearInterval(this.#watch);
    // Once more and whole: files that were lost with their process never ended.
    const failures = unhandled.map((error) => `(no test) ${/** @type {Error} */ (error)?.message ?? error}`);
    this.#result = { passed: 0, failed: failures.length, skipped: 0, skips: [], failures };
    for (const module of modules) this.#count(module);
    this.#write();
  }

  /** @param {import('vitest/node').TestModule} module */
  #count(module) {
    const result = this.#result;
    const file = module.relativeModuleId;
    const failed = [];
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      const name = `${file} > ${test.fullName}`;
      if (state === 'passed') result.passed++;
      // A test still pending at the end was lost with its process.
      else if (state === 'failed' || state === 'pending') failed.push(name);
      else result.skips.push({ name, reason: reasonOf(test) });
    }
    // A file that does not load, or whose hook throws, fails without a failing test.
    if (failed.length === 0 && (module.errors().length > 0 || module.state() === 'failed')) failed.push(file);
    result.failures.push(...failed);
    result.failed = result.failures.length;
    result.skipped = result.skips.length;
  }

  #write() {
    writeFileSync(join(folder, 'result.json'), JSON.stringify(this.#result));
  }

  /**
   * @param {import('vitest/node').TestModule} module
   * @param {number} [timeout] of the test that begins
   */
  #hear(module, timeout = 0) {
    const entry = this.#running.get(module.moduleId);
    if (!entry) return;
    entry.heard = Date.now();
    entry.limit = Math.max(entry.limit, timeout + GRACE);
  }

  #endSilent() {
    const now = Date.now();
    for (const [file, { heard, limit }] of this.#running) {
      if (now - heard < limit) continue;
      const process_ = findProcess(file);
      if (!process_) continue;
      this.#running.delete(file);
      const seconds = Math.round((now - heard) / 1000);
      console.error(
        `\nHUNG: ${file} > ${process_.test ?? '(loading)'}: nothing heard for ${seconds} s; ended.\n`,
      );
      process.kill(process_.pid, 'SIGKILL');
    }
  }
}

/** @param {import('vitest/node').TestCase} test */
function reasonOf(test) {
  const result = test.result();
  if (test.options.mode === 'todo') return 'to do';
  return (result.state === 'skipped' && result.note) || 'no reason given';
}

/**
 * What scripts/vitest/announce.ts left about the process that runs a test file.
 *
 * @param {string} file
 * @returns {{ pid: number, test: string | undefined } | undefined}
 */
function findProcess(file) {
  for (const name of readdirSync(folder)) {
    const pid = Number(name.replace('.json', ''));
    if (!Number.isInteger(pid)) continue;
    const state = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    if (state.file === file && alive(pid)) return { pid, test: state.test };
  }
  return undefined;
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
