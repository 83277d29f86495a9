// One instance: however the parts of a program get hold of the package, they see the same classes, and a descriptor that one of them
// made works in the others.
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { normal_path, run } from '../tarball.js';
import { expect_output, folder_of_tests, installed, project, row } from './harness.js';

const folder = folder_of_tests();
let user: string;
beforeAll(() => {
  user = installed(folder);
});

/** A dependency in CommonJS, as most packages are, and one that is an ES module. Both make sockets and errors. */
const dependencies = {
  'node_modules/old/package.json': '{ "name": "old", "main": "main.js" }',
  'node_modules/old/main.js': `
    const socket = require('bsd-sockets/socket');
    const promises = require('bsd-sockets/promises');
    const everything = require('bsd-sockets');
    module.exports = { socket, promises, everything, pair: () => socket.socketpair() };
  `,
  'node_modules/new/package.json': '{ "name": "new", "type": "module", "exports": "./main.js" }',
  'node_modules/new/main.js': `
    import * as socket from 'bsd-sockets/socket';
    import * as promises from 'bsd-sockets/promises';
    import * as everything from 'bsd-sockets';
    export { everything, promises, socket };
    export const pair = () => socket.socketpair();
  `,
};

/** What both kinds of programs do with what they imported, and with the two dependencies. */
const body = `
  const assert = require('node:assert');
  const { Worker } = require('node:worker_threads');
  assert.equal(old.socket.socket, socket.socket);
  assert.equal(recent.socket.socket, socket.socket);
  assert.equal(old.promises.socket, recent.promises.socket);
  assert.equal(old.everything.socket.socket, recent.everything.socket.socket);
  for (const { socket: theirs, pair } of [old, recent]) {
    const [a, b] = pair();
    assert.ok(a instanceof socket.socket);
    a.settimeout(0.01);
    assert.throws(() => a.recv(1), socket.TimeoutError);
    // A descriptor of theirs, closed by ours: their object does not use the number again.
    const mine = socket.socket(null, null, null, b.detach());
    mine.sendall('over the same table');
    assert.equal(a.recv(100).toString(), 'over the same table');
    theirs.close(mine.detach());
    assert.throws(() => mine.recv(1), { code: 'EBADF' });
    const [c, d] = theirs.socketpair();
    const number = c.fileno();
    socket.close(number);
    assert.throws(() => c.recv(1), { code: 'EBADF' });
    a.close();
    d.close();
  }
  console.log('one');
`;

row('a program of ES modules', { quick: true }, () => {
  const place = project(user, {
    ...dependencies,
    'main.mjs': `
      import { createRequire } from 'node:module';
      import * as socket from 'bsd-sockets/socket';
      import old from 'old';
      import * as recent from 'new';
      const require = createRequire(import.meta.url);
      ${body}
    `,
  });
  expect_output(run(place, normal_path, process.execPath, 'main.mjs'), 'one\n');
});

row('a program in CommonJS', { quick: true }, () => {
  const main = (first: string, second: string) => `
    (async () => {
      ${first}
      ${second}
      const old = require('old');
      ${body}
    })();
  `;
  const required = "const socket = require('bsd-sockets/socket');";
  const imported = "const recent = await import('new');";
  const place = project(user, {
    ...dependencies,
    'require_first.cjs': main(required, imported),
    'import_first.cjs': main(imported, required),
  });
  for (const name of ['require_first.cjs', 'import_first.cjs'])
    expect_output(run(place, normal_path, process.execPath, name), 'one\n');
});

row('every module that is exported is the same by import and by require', { quick: true }, () => {
  const place = project(user, {
    'main.mjs': `
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      const { exports } = require('bsd-sockets/package.json');
      const names = Object.keys(exports).filter((name) => !name.endsWith('.json'));
      for (const name of names) {
        const specifier = 'bsd-sockets' + name.slice(1);
        const imported = await import(specifier);
        const required = require(specifier);
        const inner = (key) => !['default', '__esModule', 'module.exports'].includes(key);
        const keys = Object.keys(imported).filter(inner);
        if (keys.length === 0) throw new Error(specifier + ' exports nothing');
        const other = Object.keys(required).filter(inner);
        if (keys.sort().join() !== other.sort().join()) throw new Error(specifier + ' exports other names');
        for (const key of keys) {
          const same = imported[key] === required[key] || Object.is(imported[key], required[key]);
          if (!same && typeof imported[key] !== 'object') throw new Error(specifier + ': ' + key + ' exists twice');
        }
      }
      console.log(names.length);
    `,
  });
  const { code, stdout, stderr } = run(place, normal_path, process.execPath, 'main.mjs');
  expect(code, stderr).toBe(0);
  expect(Number(stdout)).toBeGreaterThan(6);
});

row('a worker and a child process of both kinds', {}, () => {
  const place = project(user, {
    ...dependencies,
    'main.cjs': `
      const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads');
      const { fork } = require('node:child_process');
      const socket = require('bsd-sockets/socket');
      const [a, b] = socket.socketpair();
      new Worker(require('node:path').join(__dirname, 'worker.mjs'), { workerData: b.share() });
      console.log(a.recv(100).toString());
    `,
    'worker.mjs': `
      import { workerData } from 'node:worker_threads';
      import { fromshare } from 'bsd-sockets/socket';
      const sock = fromshare(workerData);
      sock.sendall('from a worker');
      sock.close();
    `,
  });
  expect_output(run(place, normal_path, process.execPath, join(place, 'main.cjs')), 'from a worker\n');
});
