// Next.js: a page and a route that use a socket. `next build` runs what it has bundled, so the binary has to be found while it builds: the
// package is left out of the bundle (serverExternalPackages), or BSD_SOCKETS_BINARY names the binary.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, type TestContext } from 'vitest';
import { normal_path, root, runOrThrow } from '../tarball.js';
import { folder_of_tests, installed, PAIR, project, row, tools } from './harness.js';

const binary = join(root, 'build/Release/bsd_sockets.node');
const folder = folder_of_tests();
let user: string;
beforeAll(() => {
  user = installed(folder);
});

const use = `
import * as socket from 'bsd-sockets/socket';
export const dynamic = 'force-dynamic';
function pair() {
  const [a, b] = socket.socketpair();
  a.sendall(${JSON.stringify(PAIR.trim())});
  const text = b.recv(100).toString();
  a.close();
  b.close();
  return text;
}`;

/** Makes a site with Next.js and the package. @param options of next.config.mjs, as text @returns its folder */
function site(ctx: TestContext, options: string): string {
  const modules = tools(ctx, 'next@16', 'react@19', 'react-dom@19');
  const place = project(folder, {
    'package.json': '{ "private": true }',
    'next.config.mjs': `const root = import.meta.dirname;
      export default { outputFileTracingRoot: root, turbopack: { root }, ${options} };`,
    'app/layout.jsx':
      'export default function Layout({ children }) { return <html><body>{children}</body></html>; }',
    'app/page.jsx': `${use}\nexport default function Page() { return <p>{pair()}</p>; }`,
    'app/pair/route.js': `${use}\nexport function GET() { return new Response(pair()); }`,
  });
  runOrThrow(place, normal_path, 'cp', '-a', modules, 'node_modules');
  runOrThrow(place, normal_path, 'cp', '-a', join(user, 'node_modules', 'bsd-sockets'), 'node_modules');
  return place;
}

/** Starts the server of a site that is built. @returns what its route says, and its page */
async function answers(place: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const args = ['node_modules/next/dist/bin/next', 'start', '--port', '0', '--hostname', '127.0.0.1'];
  const server = spawn(process.execPath, args, { cwd: place, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address === undefined) continue;
      const text = async (path: string) => (await fetch(`${address}${path}`)).text();
      return [await text('/pair'), /<p>(.*?)<\/p>/.exec(await text('/'))?.[1] ?? 'no paragraph'];
    }
    throw new Error('next start has ended');
  } finally {
    server.kill();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  }
}

describe.each(['webpack', 'turbopack'])('Next.js with %s', (bundler) => {
  for (const [name, options, variables] of [
    ['the package left out of the bundle', "serverExternalPackages: ['bsd-sockets']", {}],
    ['the package in the bundle, with BSD_SOCKETS_BINARY', '', { BSD_SOCKETS_BINARY: binary }],
  ] as const) {
    row(name, {}, async (ctx) => {
      const place = site(ctx, options);
      const { VITEST: _, NODE_ENV: __, ...inherited } = process.env;
      const env = { ...inherited, NEXT_TELEMETRY_DISABLED: '1', ...variables } as NodeJS.ProcessEnv;
      const args = ['node_modules/next/dist/bin/next', 'build', `--${bundler}`];
      const built = spawnSync(process.execPath, args, { cwd: place, env, encoding: 'utf8' });
      expect(built.status, `${built.stdout}${built.stderr}`).toBe(0);
      expect(await answers(place, env)).toEqual([PAIR.trim(), PAIR.trim()]);
    });
  }
});
