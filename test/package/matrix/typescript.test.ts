// Programs in TypeScript that use the package: each version of the compiler with each way to resolve modules, and with the programs of
// README.md, docs/ and examples/, and the examples in comments, as they stand. The package's own declarations are checked as well (skipLibCheck: false).
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, type TestContext } from 'vitest';
import { examples } from '../examples.js';
import { programs } from '../pages.js';
import { fetch_packages } from '../registry.js';
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
  /** Whether `npm test` has it, with the newest compiler. */
  quick?: boolean;
}

const settings: Setting[] = [
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.mts', quick: true },
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.ts', type: 'module' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'consumer.mts' },
  // Programs that tsc makes CommonJS of.
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.cts', quick: true },
  { module: 'node16', moduleResolution: 'node16', file: 'consumer.ts', type: 'commonjs' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'consumer.cts' },
  { module: 'commonjs', moduleResolution: 'node10', file: 'consumer.ts', until: 6 },
  { module: 'commonjs', moduleResolution: 'bundler', file: 'consumer.ts', since: 6 },
  { module: 'esnext', moduleResolution: 'bundler', file: 'consumer.ts', quick: true },
  { module: 'preserve', moduleResolution: 'bundler', file: 'consumer.ts' },
];

/** Imports each module of the package, and nothing that an old library of JavaScript lacks. */
const modules = ['', '/socket', '/promises', '/selectors', '/structs', '/packet', '/socketserver']
  .map((name, i) => `import * as module${i} from 'bsd-sockets${name}';\nvoid module${i};\n`)
  .join('');

/** What must not compile, with a message that is short. */
const wrong = "import { create_server } from 'bsd-sockets/socket';\ncreate_server('path');\n";
const WRONG =
  "wrong.ts(2,15): error TS2345: Argument of type 'string' is not assignable to parameter of type 'InetAddress'.\n";

/** Returns the file of a program: docs_socket_17.ts for docs/socket.md:17, lib_socket_send_ts_20.ts for lib/socket/send.ts:20. */
const file_of = (name: string) => `${name.replace('.md:', '_').replaceAll(/[/.:]/g, '_')}.ts`;

/** The compilers: the one of the checkout, the oldest that docs/typescript.md names, and those between. */
const compilers = [7, 6, 5.9, 5.8, 5.7, 5.6, 5.5];
const [NEWEST = 0, OLDEST = 0] = [compilers[0], compilers.at(-1)];

function tsc(ctx: TestContext, version: number): string {
  if (version === NEWEST) return join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // `npm test` gets the oldest, too.
  const get = version === OLDEST ? fetch_packages : tools;
  return join(get(ctx, `typescript@${version}`), 'typescript', 'bin', 'tsc');
}

/** Compiles files in a folder with the package. @returns the exit code, and what is wrong */
function check(ctx: TestContext, version: number, place: string, options: object, include: string[]) {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    ...options,
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }));
  const { code, stdout } = run(place, normal_path, process.execPath, tsc(ctx, version), '-p', '.');
  return { code, stdout };
}

describe.each(compilers)('TypeScript %s', (version) => {
  const newest = version === NEWEST;
  for (const setting of settings) {
    const { module, moduleResolution, file, type = 'commonjs', since = 5, until = 99 } = setting;
    if (version < since || version > until) continue;
    const name = `module ${module}, moduleResolution ${moduleResolution}, ${file} (${type})`;
    // The oldest one with the oldest resolution: without esModuleInterop.
    const is_oldest = version === OLDEST && moduleResolution === 'node10';
    const quick = is_oldest || (newest && setting.quick === true);
    row(name, { quick }, (ctx) => {
      const options = {
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module,
        moduleResolution,
        ...(version === 6 && moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {}),
      };
      const place = project(user, {
        'package.json': JSON.stringify({ private: true, type }),
        [file]: consumer,
      });
      expect(check(ctx, version, place, options, [file])).toEqual({ code: 0, stdout: '' });
    });
  }

  row(
    'the programs, the examples as JavaScript; wrong ones are refused',
    { quick: newest || version === OLDEST },
    (ctx) => {
      expect(programs.length).toBeGreaterThan(40);
      expect(examples.length).toBeGreaterThan(380);
      const place = project(user, {
        'package.json': '{ "type": "module" }',
        'modules.ts': modules,
        'wrong.ts': wrong,
        ...Object.fromEntries([...programs, ...examples].map(({ name, source }) => [file_of(name), source])),
      });
      // A folder with a package.json is a whole program, whose own settings scripts/examples.mjs checks it by.
      const filter = (path: string) => !existsSync(join(path, 'package.json'));
      cpSync(join(root, 'examples'), join(place, 'examples'), { recursive: true, filter });
      const options = {
        module: 'nodenext',
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        allowJs: true,
        checkJs: true,
      };
      const { stdout } = check(ctx, version, place, options, ['*.ts', 'examples']);
      expect(stdout).toBe(WRONG);
    },
  );

  row('the declarations, with the library of ES2020', { quick: newest }, (ctx) => {
    const place = project(user, { 'package.json': '{ "type": "module" }', 'modules.ts': modules });
    const options = { module: 'nodenext', target: 'es2020' };
    expect(check(ctx, version, place, options, ['modules.ts'])).toEqual({ code: 0, stdout: '' });
  });
});
