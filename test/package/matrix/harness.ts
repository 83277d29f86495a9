// What the rows of the matrix share: a row, the tools that it needs, a folder with the package in it, and the programs that are run.
//
// `npm test` runs the rows that are marked as quick, with tools that are there; `npm run test:matrix` runs all of them, and gets
// the tools from the registry. A row whose tools cannot be had is skipped, and says why.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, inject, type TestContext, test } from 'vitest';
import { BUN, DENO, fetch_packages, fetched, program_of } from '../registry.js';
import { install, normal_path, type Outcome, temporaryFolder } from '../tarball.js';

const ALL = process.env.BSD_SOCKETS_MATRIX === 'all';

interface Row {
  /** It is part of `npm test`. */
  quick?: boolean;
}

/** A test that `npm test` runs if it is quick, and `npm run test:matrix` in any case. */
export function row(
  name: string,
  { quick = false }: Row,
  body: (ctx: TestContext) => void | Promise<void>,
): void {
  test(name, quick || ALL ? body : (ctx) => ctx.skip('npm run test:matrix runs it'), 1_200_000);
}

/**
 * Gets packages of the registry into one folder, unless they are there. Skips the test if they cannot be had, in `npm test` also if
 * they are not there.
 *
 * @param packages each as npm takes it: `rollup@4`
 * @returns the node_modules folder with them
 */
export function tools(ctx: TestContext, ...packages: string[]): string {
  const modules = ALL ? fetch_packages(ctx, ...packages) : fetched(...packages);
  return modules ?? ctx.skip(`needs ${packages.join(' and ')}, which npm run test:matrix gets`);
}

/** The programs of two other runtimes. */
export const bun = (ctx: TestContext): string => program_of(ctx, BUN, tools);
export const deno = (ctx: TestContext): string => program_of(ctx, DENO, tools);

/** The newest Node.js 24 from the registry: its program, with whose folder PATH has to begin. */
export function node_24(ctx: TestContext): string {
  return join(tools(ctx, `node-linux-${process.arch}@24`), `node-linux-${process.arch}`, 'bin', 'node');
}

/** A folder that is removed after the tests of the file. */
export function folder_of_tests(): string {
  const folder = temporaryFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new folder with the packed package installed by npm. Folders in it find the package, as Node resolves. */
export function installed(parent: string): string {
  const { folder, code, stderr } = install(parent, inject('packed').file, normal_path, '--ignore-scripts');
  expect(code, stderr).toBe(0);
  return folder;
}

/** A new folder with these files, by their paths. */
export function project(parent: string, files: Record<string, string>): string {
  const folder = mkdtempSync(join(parent, 'project-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Runs a program and expects that it ends well, and prints this alone. */
export function expect_output(outcome: Outcome, stdout: string): void {
  expect(outcome, outcome.stderr).toEqual({ code: 0, stdout, stderr: '' });
}

/** What the programs of `pair` print. */
export const PAIR = 'over a real socket\n';

const use = `
  const [a, b] = socket.socketpair();
  a.sendall('over a real socket');
  console.log(b.recv(100).toString());
  a.close();
  b.close();
`;

/** A program that uses a socket, as an ES module and in CommonJS. */
export const pair = {
  esm: `import * as socket from 'bsd-sockets/socket';${use}`,
  cjs: `const socket = require('bsd-sockets/socket');${use}`,
};

/** What the programs of `served` print. */
export const SERVED = 'THREADS\nPROCESSES\n';

const handler = `class Upper extends StreamRequestHandler {
  handle() {
    this.wfile.write(Buffer.from(this.rfile.readline().toString().toUpperCase()));
  }
}`;

const serve = `
async function main() {
  // A bundler may rename a class.
  for (const [name, Server] of [['threads', ThreadingTCPServer], ['processes', ForkingTCPServer]]) {
    const server = new Server(['127.0.0.1', 0], Upper);
    const ended = server.serve_forever();
    const client = create_connection(server.server_address, 60);
    client.sendall(name + '\\n');
    console.log(client.recv(100).toString().trim());
    client.close();
    await server.shutdown();
    await ended;
    await server.server_close();
  }
}`;

/** A program with servers whose workers are threads and processes, and with a client that blocks the main thread. */
export const served = {
  esm: `import { create_connection } from 'bsd-sockets/socket';
import { ForkingTCPServer, is_main, StreamRequestHandler, ThreadingTCPServer } from 'bsd-sockets/socketserver';
export ${handler}
${serve}
if (is_main(import.meta)) await main();
`,
  cjs: `const { create_connection } = require('bsd-sockets/socket');
const { ForkingTCPServer, is_main, StreamRequestHandler, ThreadingTCPServer } = require('bsd-sockets/socketserver');
${handler}
${serve}
module.exports = { Upper };
if (is_main(module)) main();
`,
};
