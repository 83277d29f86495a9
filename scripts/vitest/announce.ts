// Runs in every test process before its tests: writes the name of the test that is about to begin to a file named
// after the process, synchronously. A test that blocks its thread for ever in native code cannot report anything;
// scripts/vitest/reporter.mjs reads there which one it was, and which process to end. Under a sanitizer Node is started by
// the program that loads it (scripts/sanitize.mjs). In a virtual machine the process to end is the one that stands for this one on the
// host (scripts/foreign/kernel/relay.mjs). Does nothing under plain vitest.
//
// Where test files share a process (scripts/foreign.mjs), each begins when the sockets that those before have dropped are collected: tests
// count descriptors.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect } from 'vitest';

const {
  BSD_SOCKETS_TEST_RUN: folder,
  BSD_SOCKETS_TEST_NODE: node,
  BSD_SOCKETS_TEST_PID: pid = process.pid,
} = process.env;

if (node !== undefined) {
  process.execPath = node;
  delete process.env.LD_PRELOAD;
}

if (folder !== undefined) {
  const announce = (test: string | undefined): void => {
    const state = { file: expect.getState().testPath, test };
    const file = join(folder, `${pid}.json`);
    // Under its name it is whole: scripts/vitest/reporter.mjs may read at any time.
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  };
  announce(undefined);
  beforeEach(() => announce(expect.getState().currentTestName));
}

if (process.env.BSD_SOCKETS_TEST_SHARED !== undefined) {
  const { exposed_gc } = await import('../../test/machine.js');
  const collect = exposed_gc();
  for (let i = 0; i < 2; i++) {
    collect();
    await sleep(20);
  }
}
