// Programs in TypeScript that use the package: each version of the compiler with each way to resolve modules, and the package's own
// declarations checked as well (skipLibCheck: false).
import { join } from 'node:path';
import { beforeAll, describe, expect, type TestContext } from 'vitest';
import { normal_path, root, run } from '../tarball.js';
import { folder_of_tests, installed, project, row, tools } from './harness.js';

const folder = folder_of_tests();
let user: string;
beforeAll(() => {
  user = installed(folder);
});

const consumer = `
  import * as socket from 'bsd-sockets/socket';
  import * as promises from 'bsd-sockets/promises';
  import { StreamRequestHandler, ThreadingTCPServer } from 'bsd-sockets/socketserver';
  import { DefaultSelector, EVENT_READ } from 'bsd-sockets/selectors';
  import { timeval } from 'bsd-sockets/structs';
  import { build, udp } from 'bsd-sockets/packet';
  import { socket as same } from 'bsd-sockets';

  const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  sock.bind(['127.0.0.1', 0]);
  const data: Buffer = sock.recv(10);
  const name: [string, number] = sock.getsockname();
  export class Handler extends StreamRequestHandler {
    handle(): void {
      this.wfile.write(this.rfile.readline());
    }
  }
  export const all: unknown[] = [data, name, same.AF_INET6, promises.socket, ThreadingTCPServer, timeval, build, udp];
  export const selector = new DefaultSelector();
  selector.register(sock, EVENT_READ);

  // @ts-expect-error: the address of AF_INET is not a path
  sock.bind('/tmp/path');
  // @ts-expect-error: no such thing
  socket.no_such_thing();
`;

interface Setting {
  module: string;
  moduleResolution: string;
  /** The file, and of which kind package.json says that a .ts file is. */
  file: string;
  type?: 'module' | 'commonjs';
  /** The first version that knows it, and the last. */
  since?: number;
  until?: number;
}

const settings: Setting[] = [
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.mts' },
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.ts', type: 'module' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'consumer.mts' },
  // Programs that tsc makes CommonJS of.
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.cts' },
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.ts', type: 'commonjs' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'consumer.cts' },
  { module: 'commonjs', moduleResolution: 'node10', file: 'consumer.ts', until: 6 },
  { module: 'commonjs', moduleResolution: 'bundler', file: 'consumer.ts', since: 6 },
  { module: 'esnext', moduleResolution: 'bundler', file: 'consumer.ts' },
  { module: 'preserve', moduleResolution: 'bundler', file: 'consumer.ts' },
];

/** The compilers: the one of the checkout, and others from the registry. */
const compilers = [
  { version: 7, quick: true },
  { version: 6, quick: false },
  { version: 5.9, quick: false },
  { version: 5.8, quick: false },
  { version: 5.7, quick: false },
  { version: 5.6, quick: false },
  { version: 5.5, quick: false },
];

function tsc(ctx: TestContext, version: number): string {
  const modules = version === 7 ? join(root, 'node_modules') : tools(ctx, `typescript@${version}`);
  return join(modules, 'typescript', 'bin', 'tsc');
}

describe.each(compilers)('TypeScript $version', ({ version, quick }) => {
  for (const { module, moduleResolution, file, type = 'commonjs', since = 5, until = 99 } of settings) {
    if (version < since || version > until) continue;
    row(`module ${module}, moduleResolution ${moduleResolution}, ${file} (${type})`, { quick }, (ctx) => {
      const compilerOptions = {
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module,
        moduleResolution,
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
        ...(version === 6 && moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {}),
      };
      const place = project(user, {
        'package.json': JSON.stringify({ private: true, type }),
        [file]: consumer,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: [file] }),
      });
      const { code, stdout } = run(place, normal_path, process.execPath, tsc(ctx, version), '-p', '.');
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    });
  }
});
