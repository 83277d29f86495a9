// @ts-check
// A vitest reporter for scripts/test.mjs. It counts the tests, keeps the reason of each one skipped, and writes both
// to $BSD_SOCKETS_TEST_RUN/result.json. It also ends a test process from which nothing has been heard for long: a call
// that blocks a thread in native code for ever stops vitest's own timeouts, which run on that thread.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long a test file may be silent beyond the timeout of its tests, in ms. */
const GRACE = 40_000;

/** @typedef {{ passed: number, failed: number, skipped: number, skips: { name: string, reason: string }[] }} Result */

const folder = process.env.BSD_SOCKETS_TEST_RUN ?? '';

export default class SummaryReporter {
  /** @type {Map<string, { heard: number, limit: number }>} the running test files, by path */
  #running = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #watch;
  /** @type {Result} */
  #result = { passed: 0, failed: 0, skipped: 0, skips: [] };

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
    this.#result = { passed: 0, failed: unhandled.length, skipped: 0, skips: [] };
    for (const module of modules) this.#count(module);
    this.#write();
  }

  /** @param {import('vitest/node').TestModule} module */
  #count(module) {
    const result = this.#result;
    // A test still pending at the end was lost with its process.
    let failed = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') result.passed++;
      else if (state === 'failed' || state === 'pending') failed++;
      else
        result.skips.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: reasonOf(test) });
    }
    // A file that does not load, or whose hook throws, fails without a failing test.
    if (failed === 0 && (module.errors().length > 0 || module.state() === 'failed')) failed = 1;
    result.failed += failed;
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
