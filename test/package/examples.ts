// The examples in the comments of lib/: each @example is a program with the imports of its module and a few ready-made variables.
// matrix/typescript.test.ts has TypeScript check all of them, examples.test.ts runs those that print, and compares.
//
// A line that ends with `// text` behind a console.log() has to print this text; with `// for example …` anything.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tarball.js';

export interface Example {
  /** The file and the line where it begins. */
  readonly name: string;
  readonly code: string;
  /** The file of a program: its imports, and `run`, an async function that does it. */
  readonly source: string;
  /** What it has to print, line by line; undefined for a line that may be anything. */
  readonly output: readonly (string | undefined)[];
}

/** A ready-made variable: how it is made, and how it ends. */
type Ready = readonly [make: string, end?: string];

/** Where examples take names from, first to last, by the folder of lib/ that they are in. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  promises: ['promises'],
  'promises/tls': ['promises'],
  'files/promises': ['promises'],
  selectors: ['selectors', 'socket'],
  structs: ['structs', 'socket'],
  packet: ['packet', 'socket'],
  socketserver: ['socketserver', 'socket'],
  '': ['socket'],
};

const PAIR = `const _listener = create_server(['127.0.0.1', 0]);
  const _client = socket(AF_INET, SOCK_STREAM);
  _client.connect(_listener.getsockname());
  const [_accepted] = _listener.accept();
  _listener.close();`;
const UDP = "const udp = socket(AF_INET, SOCK_DGRAM);\n  udp.bind(['127.0.0.1', 0]);";

/** The ready-made variables of examples of blocking sockets. Each stands for one name, with those that it needs. */
const BLOCKING: Readonly<Record<string, Ready>> = {
  file: ["const file = sock.makefile('rwb');"],
  text: ["const text = sock.makefile('rw');"],
  sock: ['const sock = _client;', 'sock.close();'],
  peer: ['const peer = _accepted;', 'peer.close();'],
  server: ["const server = create_server(['127.0.0.1', 0]);", 'server.close();'],
  udp: [UDP, 'udp.close();'],
};
const PROMISES: Readonly<Record<string, Ready>> = {
  ...BLOCKING,
  sock: ['const sock = _client as ConnectedSocket<typeof AF_INET>;', 'sock.close();'],
  server: ["const server = await create_server(['127.0.0.1', 0]);", 'server.close();'],
  udp: [UDP.replace('udp.bind', 'await udp.bind'), 'udp.close();'],
};
/** Of selectors, too. */
const SELECTORS: Readonly<Record<string, Ready>> = {
  ...BLOCKING,
  selector: ['const selector = new DefaultSelector();', 'selector.close();'],
};
/** Of servers: handlers, and a server in this thread. */
const SERVERS: Readonly<Record<string, Ready>> = {
  server: ["const server = new TCPServer(['127.0.0.1', 0], EchoHandler);", 'await server.server_close();'],
  async_server: [
    "const async_server = new AsyncTCPServer(['127.0.0.1', 0], AsyncEchoHandler);",
    'await async_server.server_close();',
  ],
  EchoHandler: [
    `class EchoHandler extends StreamRequestHandler {
    override handle(): void {
      this.wfile.write(this.rfile.readline());
    }
  }`,
  ],
  AsyncEchoHandler: [
    `class AsyncEchoHandler extends AsyncStreamRequestHandler {
    override async handle(): Promise<void> {
      await this.wfile.write(await this.rfile.readline());
    }
  }`,
  ],
};

const COMMENT = /^( *)\/\*\*\n((?: *\*(?!\/).*\n)*) *\*\//gm;
const IDENTIFIER = /(?<![\w.'"$])[A-Za-z_]\w*/g;

/** Returns the folder of MODULES that a file is in. */
function folder_of(path: string): string {
  const folders = Object.keys(MODULES).filter((folder) => path.startsWith(`lib/${folder}`));
  return folders.sort((a, b) => b.length - a.length)[0] as string;
}

const is_of_promises = (folder: string) => folder.split('/').includes('promises');

function ready_of(folder: string): Readonly<Record<string, Ready>> {
  if (is_of_promises(folder)) return PROMISES;
  if (folder === 'selectors') return SELECTORS;
  if (folder === 'packet') return {};
  return folder === 'socketserver' ? SERVERS : BLOCKING;
}

const exports = new Map<string, ReadonlySet<string>>();
for (const module of ['socket', 'promises', 'selectors', 'structs', 'packet', 'socketserver'])
  exports.set(module, new Set(exported(join(root, 'dist', module, 'index.d.ts'))));

/** Returns the names that a declaration file exports, types as well. */
function exported(file: string): string[] {
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const listed = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names]) =>
    (names as string).split(',').map((name) =>
      (
        name
          .trim()
          .split(/ as | /)
          .pop() ?? ''
      ).trim(),
    ),
  );
  const declared = [
    ...text.matchAll(/export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/g),
  ].map(([, name]) => name as string);
  const starred = [...text.matchAll(/export \* from '(.*)\.js'/g)].flatMap(([, path]) =>
    exported(join(file, '..', `${path}.d.ts`)),
  );
  return [...listed, ...declared, ...starred].filter((name) => name !== '');
}

/** Modules of Node that examples name. */
const NODE: Readonly<Record<string, string>> = {
  once: "import { once } from 'node:events';",
  net: "import net from 'node:net';",
  dgram: "import dgram from 'node:dgram';",
  http: "import http from 'node:http';",
  inspect: "import { inspect } from 'node:util';",
  openSync: "import { openSync } from 'node:fs';",
  fstatSync: "import { fstatSync } from 'node:fs';",
  endianness: "import { endianness } from 'node:os';",
  createWriteStream: "import { createWriteStream } from 'node:fs';",
  open: "import { open } from 'node:fs/promises';",
};

/** Returns the program of an example. */
function program(code: string, folder: string): string {
  const ready = ready_of(folder);
  const declared = new Set(
    [
      ...code.matchAll(
        /\b(?:const|let|class|function|for await \(const|for \(const) (\w+|\[[^\]]*\]|\{[^}]*\})/g,
      ),
    ].flatMap(([, names]) => [...(names as string).matchAll(/\w+/g)].map(([name]) => name)),
  );
  const words = (text: string) => new Set([...text.matchAll(IDENTIFIER)].map(([name]) => name));
  // A ready-made variable may need another, and they are made in an order that has it first.
  const wanted: string[] = [];
  const seen = new Set<string>();
  const want = (text: string) => {
    for (const name of words(text)) {
      const entry = Object.hasOwn(ready, name) && !declared.has(name) ? ready[name] : undefined;
      if (entry === undefined || seen.has(name)) continue;
      seen.add(name);
      want(entry[0]);
      wanted.push(name);
    }
  };
  want(code.replaceAll(/\/\/.*$/gm, ''));
  const pair = wanted.includes('sock') || wanted.includes('peer');
  const waits = is_of_promises(folder)
    ? PAIR.replaceAll(/(create_server|_client\.connect|_listener\.accept)/g, 'await $1')
    : PAIR;
  const makes = [...(pair ? [waits] : []), ...wanted.map((name) => ready[name]?.[0] ?? '')];
  const ends = [
    ...(pair ? ['_client.close();', '_accepted.close();'] : []),
    ...wanted.map((name) => ready[name]?.[1] ?? ''),
  ].filter((end) => end !== '');
  const used = words([...makes, code].join('\n'));
  const imports = (MODULES[folder] as string[]).flatMap((module, index, modules) => {
    const before = modules.slice(0, index).map((name) => exports.get(name));
    const names = [...used].filter(
      (name) =>
        exports.get(module)?.has(name) &&
        !declared.has(name) &&
        !before.some((set) => set?.has(name)) &&
        !wanted.includes(name),
    );
    return names.length > 0 ? [`import { ${names.join(', ')} } from 'bsd-sockets/${module}';`] : [];
  });
  const spaces = ['structs', 'packet', 'selectors', 'socketserver', 'promises']
    .filter((name) => new RegExp(`(?<![\\w.'"/])${name}\\.\\w`).test(code) && !declared.has(name))
    .map((name) => `import * as ${name} from 'bsd-sockets/${name}';`);
  const node = [...used]
    .filter((name) => Object.hasOwn(NODE, name) && !declared.has(name))
    .map((name) => NODE[name]);
  const lines = code.split('\n').map((line) => `    ${line}`);
  return [
    ...new Set([...imports, ...spaces, ...node]),
    'export async function run(): Promise<void> {',
    ...makes.map((make) => `  ${make}`),
    '  try {',
    ...lines,
    '  } finally {',
    ...ends.map((end) => `    ${end}`),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** Returns what the lines of an example have to print. */
function output_of(code: string): (string | undefined)[] {
  return code.split('\n').flatMap((line) => {
    const [, text] = /console\.log\(.*\).*? \/\/ (.*)$/.exec(line) ?? [];
    if (text === undefined) return [];
    return [text.startsWith('for example ') ? undefined : text];
  });
}

/** Returns the examples of a source. */
export function examples_of(path: string, text: string): Example[] {
  const folder = folder_of(path);
  return [...text.matchAll(COMMENT)].flatMap((match) => {
    const lines = (match[2] as string).split('\n').map((line) => line.replace(/^ *\* ?/, ''));
    const begin = lines.indexOf('@example');
    if (begin === -1) return [];
    const rest = lines.slice(begin + 1);
    const end = rest.findIndex((line) => line.startsWith('@'));
    const code = (end === -1 ? rest : rest.slice(0, end)).join('\n').trimEnd();
    const line = text.slice(0, match.index).split('\n').length + begin + 1;
    return [{ name: `${path}:${line}`, code, source: program(code, folder), output: output_of(code) }];
  });
}

const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);

export const examples: readonly Example[] = sources
  .map((path) => join('lib', path))
  .flatMap((path) => examples_of(path, readFileSync(join(root, path), 'utf8')));
