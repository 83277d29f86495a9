// @ts-check
// Makes dist/, the JavaScript and the types that users get, of lib/:
//
//   node scripts/dist.mjs    what `npm run build:ts` and scripts/setup.mjs run
//
// The JavaScript is CommonJS in a handful of files: Node loads few large files in a fraction of the time of many small ones, and
// whoever requires and whoever imports get the same instance. rolldown joins the files of lib/ to chunks; names stay, the comments go
// (the .d.ts have those that users read), and the source maps lead to lib/. `commonjs` turns the imports and exports of a chunk into
// require() and module.exports: a destructured require() keeps each imported name a constant of its file, where the getters that bundlers
// make would be called at each access.
//
// For `import` a thin ES module beside each entry names the exports, so that there is no `default`: index.mjs for bundlers and other
// runtimes, and node.mjs for Node, which would spend 10 ms of processor time on a search of the CommonJS file for exports.
// node.mjs hides what it requires, and no bundler may get it: package.json asks for two conditions, `node-addons` and `module-sync`, of which
// bundlers set one or the other, and Node both.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

/** The public modules. */
const FACES = ['socket', 'promises', 'selectors', 'structs', 'packet', 'socketserver'];

/** Files that are loaded by name. The workers of `serve` import their handlers from services/blocking. */
const ENTRIES = [
  ...FACES.map((face) => `${face}/index`),
  'native/load',
  'native/addon',
  'native/tables',
  'packet/browser',
  'cli/main',
  'cli/services/blocking',
];

/** The shared files, lowest first, and what of lib/ each holds. */
const CHUNKS = [
  { name: 'cli/packets', test: /lib\/cli\/(network\/capture\/|terminal\/(lines\/|packet_printer))/ },
  { name: 'cli/icmp', test: /lib\/cli\/network\/(echo|icmp_socket)/ },
  { name: 'cli/network', test: /lib\/cli\/network\// },
  { name: 'cli/common', test: /lib\/cli\/terminal\// },
  { name: 'packet/native', test: /lib\/packet\/bytes\/native/ },
  { name: 'packet/exchange', test: /lib\/packet\/exchange\// },
  { name: 'packet/ring', test: /lib\/packet\/ring\// },
  { name: 'packet/core', test: /lib\/packet\/(?!index|browser)/ },
  { name: 'structs/native', test: /lib\/structs\/native/ },
  { name: 'native/load', test: /lib\/native\/(load|own_file|build_id)/ },
  { name: 'native/headers', test: /lib\/native\/headers/ },
  { name: 'native/tables', test: /lib\/(constants\.ts|native\/(tables|linux64))/ },
  { name: 'charmaps', test: /lib\/files\/codecs\/charmaps/ },
  { name: 'util', test: /lib\/util\/(?!owned)|oxc-project/ },
  { name: 'native/addon', test: /lib\/(native\/(addon|layout)|util\/owned)/ },
  { name: 'errors', test: /lib\/errors\// },
  { name: 'waiting', test: /lib\/calls\/waiting\/(readiness|received|poll)/ },
  { name: 'trunk', test: /lib\/(calls\/|files\/(?!promises\/))/ },
];

/** Files that use all constants as one object: dist/constants.js. In the others a constant is its number. */
const WITH_CONSTANTS = /lib\/(socket\/index|promises\/index|calls\/constant_names)\.ts$/;

/** Chunks that are loaded by the first call of a function of theirs; they export nothing but functions. */
const LAZY = [
  'charmaps.js',
  'native/headers.js',
  'structs/native.js',
  'packet/native.js',
  'packet/exchange.js',
  'packet/ring.js',
];

/**
 * @typedef {import('rolldown').OutputChunk} Chunk
 * @typedef {{ start: number, end: number, text: string }} Edit
 */

/** @param {string} file relative to dist/ @param {string} text */
function write(file, text) {
  const path = join(dist, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The types, by tsc. */
function write_types() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json')];
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error('The TypeScript did not compile');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.d.ts')) without_buffer_types(join(dist, file));
  }
  without_map(join(dist, 'constants.d.ts'));
}

/**
 * Removes the map of a declaration file that says all that its source does: the source is not in the package.
 *
 * @param {string} path
 */
function without_map(path) {
  rmSync(`${path}.map`);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
}

/**
 * Takes the type of the memory out of inferred types (`Buffer<ArrayBufferLike>`): it is the default one, and the libraries of older
 * compilers do not know it.
 *
 * @param {string} path
 */
function without_buffer_types(path) {
  const text = readFileSync(path, 'utf8');
  const short = text.replaceAll(/\b(Buffer|Uint8Array)<ArrayBufferLike>/g, '$1');
  if (short !== text) writeFileSync(path, short);
}

/**
 * Joins files of lib/ to chunks of dist/.
 *
 * @param {Record<string, string>} input files of lib/ by the names of their entries
 * @param {typeof CHUNKS} groups
 * @param {(id: string, importer?: string) => string | undefined} external the place in dist/ of a module that is no part of this bundle
 */
async function bundle(input, groups, external) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    tsconfig: false,
    transform: { target: 'es2022' },
    treeshake: { propertyReadSideEffects: false },
    optimization: { inlineConst: { mode: 'all' } },
    preserveEntrySignatures: 'allow-extension',
    plugins: [
      {
        name: 'external',
        resolveId(id, importer) {
          const place = external(id, importer);
          return place === undefined ? null : { id: `external:${place}`, external: true };
        },
      },
    ],
  });
  const { output } = await build.generate({
    format: 'es',
    sourcemap: true,
    comments: false,
    minify: false,
    minifyInternalExports: false,
    entryFileNames: '[name].js',
    chunkFileNames: ({ name, moduleIds }) =>
      moduleIds.every((id) => id.includes('/lib/cli/')) && !name.includes('/')
        ? 'cli/[name].js'
        : '[name].js',
    codeSplitting: groups.length > 0 && {
      includeDependenciesRecursively: false,
      groups: groups.map(({ name, test }, i) => ({ name, test, priority: groups.length - i })),
    },
  });
  const chunks = output.filter((each) => each.type === 'chunk');
  refuse_cycles(chunks);
  return chunks;
}

/** A destructured require() of a file that is half evaluated would get nothing. @param {Chunk[]} chunks */
function refuse_cycles(chunks) {
  const imports = new Map(
    chunks.map(({ fileName, imports }) => [
      fileName,
      imports.map((name) => name.replace('external:', '')).filter((name) => !LAZY.includes(name)),
    ]),
  );
  /** @param {string} name @param {string[]} path */
  const visit = (name, path) => {
    if (path.includes(name)) throw new Error(`chunks import each other: ${[...path, name].join(' -> ')}`);
    for (const imported of imports.get(name) ?? []) visit(imported, [...path, name]);
  };
  for (const name of imports.keys()) visit(name, []);
}

/** @param {Chunk} chunk */
async function write_chunk({ fileName, code, map }) {
  const name = fileName.split('/').at(-1);
  const text = await commonjs(code, fileName);
  // An entry with nothing of its own has no map.
  if (map === null) return write(fileName, text);
  write(fileName, `${text}//# sourceMappingURL=${name}.map\n`);
  // The package holds the sources.
  const { version, names, mappings, sources } = map;
  write(`${fileName}.map`, JSON.stringify({ version, file: name, names, sources, mappings }));
}

/**
 * Turns an ES module, as rolldown writes it, into CommonJS. Each line stays where it is, for the source map.
 *
 * @param {string} code
 * @param {string} file relative to dist/
 * @param {Map<string, string>} numbers the text of exports that need no variable
 */
async function commonjs(code, file, numbers = new Map()) {
  const { parseAst } = await import('rolldown/parseAst');
  const program = parseAst(code);
  /** @type {string[]} */
  const exported = [];
  /** @type {Edit[]} */
  const edits = [];
  for (const node of program.body) {
    if (node.type === 'ImportDeclaration') edits.push({ ...node, text: required(node, file) });
    if (node.type === 'ExportAllDeclaration') {
      exported.push(`...require(${place_of(node.source.value, file)})`);
      edits.push({ ...node, text: '' });
    }
    if (node.type === 'ExportDefaultDeclaration') throw new Error(`${file} has a default export`);
    if (node.type !== 'ExportNamedDeclaration') continue;
    if (node.declaration !== null || node.source !== null) {
      throw new Error(`${file}: ${code.slice(node.start, node.end)}`);
    }
    for (const { exported: key, local } of node.specifiers) {
      exported.push(property(name_of(key), name_of(local)));
    }
    edits.push({ ...node, text: '' });
  }
  for (const node of dynamic_imports(program)) {
    const { value } = /** @type {{ value: string }} */ (node.source);
    edits.push({ ...node, text: `Promise.resolve().then(() => require(${place_of(value, file)}))` });
  }
  let text = code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
  for (const { start, end, text: put } of edits.sort((a, b) => b.start - a.start)) {
    text = text.slice(0, start) + put + text.slice(end);
  }
  const [, interpreter = '', rest = ''] = /^(#!.*\n)?([\s\S]*)$/.exec(text) ?? [];
  // Last, because Node's search of the names of a CommonJS file ends at the first value.
  const properties = exported.filter((name) => !numbers.has(name));
  properties.push(...[...numbers].map(([name, value]) => property(name, value)));
  const ends = properties.length > 0 ? `module.exports = {\n\t${properties.join(',\n\t')},\n};\n` : '';
  // V8 reads ASCII fastest.
  return ascii(`${interpreter}'use strict'; ${rest.trimEnd()}\n${ends}`);
}

/** @param {string} text */
const ascii = (text) =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** @param {import('rolldown').ESTree.ModuleExportName} name */
function name_of(name) {
  if (name.type === 'Literal') throw new Error(`a name in quotes: ${name.value}`);
  return name.name;
}

/** @param {string} key @param {string} value */
const property = (key, value) => (key === value ? key : `${key}: ${value}`);

/** Returns the argument of require() for a module that a file imports. @param {string} source @param {string} file */
function place_of(source, file) {
  if (!source.startsWith('external:')) return JSON.stringify(source);
  const up = '../'.repeat(file.split('/').length - 1);
  return JSON.stringify(`${up === '' ? './' : up}${source.slice('external:'.length)}`);
}

/**
 * @param {import('rolldown').ESTree.ImportDeclaration} node
 * @param {string} file
 * @returns {string} the same as CommonJS
 */
function required({ source, specifiers }, file) {
  // Not require() for a module of Node: esbuild's ES modules have none, and bundles for browsers cannot resolve it.
  const is_builtin = source.value.startsWith('node:');
  const call = `${is_builtin ? 'process.getBuiltinModule' : 'require'}(${place_of(source.value, file)})`;
  if (specifiers.length === 0) return `${call};`;
  const named = specifiers
    .filter((each) => each.type === 'ImportSpecifier')
    .map(({ imported, local }) => [name_of(imported), local.name]);
  if (LAZY.includes(posix.join(dirname(file), source.value))) {
    return named.map(([name, local]) => `const ${local} = (...args) => ${call}.${name}(...args);`).join(' ');
  }
  const whole = specifiers
    .filter((each) => each.type !== 'ImportSpecifier')
    .map(({ local }) => `const ${local.name} = ${call};`);
  const names = named.map(([name = '', local = '']) => property(name, local)).join(', ');
  return [...whole, ...(names === '' ? [] : [`const { ${names} } = ${call};`])].join(' ');
}

/**
 * @param {unknown} node
 * @returns {Generator<import('rolldown').ESTree.ImportExpression>} the imports of modules whose name stands in the source
 */
function* dynamic_imports(node) {
  if (typeof node !== 'object' || node === null) return;
  if ('type' in node && node.type === 'ImportExpression') {
    const found = /** @type {import('rolldown').ESTree.ImportExpression} */ (node);
    if (found.source.type === 'Literal') yield found;
  }
  for (const child of Object.values(node)) yield* dynamic_imports(child);
}

/**
 * The constants as one object, dist/constants.js. A number stands in the object itself, which V8 then makes at once.
 *
 * @returns {Promise<{ names: string[], numbers: Map<string, string> }>} the names of all, and the text of those that are numbers
 */
async function write_constants() {
  const [chunk] = await bundle({ constants: 'lib/constants.ts' }, [], (id) =>
    id.endsWith('/native/tables.js') ? 'native/tables.js' : undefined,
  );
  if (chunk === undefined) throw new Error('no constants');
  const { parseAst } = await import('rolldown/parseAst');
  /** @type {Map<string, string>} */
  const numbers = new Map();
  for (const node of parseAst(chunk.code).body) {
    if (node.type !== 'VariableDeclaration') continue;
    const [{ id, init }] = node.declarations;
    if (id.type !== 'Identifier' || !chunk.exports.includes(id.name)) continue;
    const value = init === null ? '' : chunk.code.slice(init.start, init.end);
    if (!/^-?\w+$/.test(value) || Number.isNaN(Number(value))) continue;
    numbers.set(id.name, value);
  }
  const code = chunk.code.replace(/^const (\w+) = .*;\n/gm, (line, name) => (numbers.has(name) ? '' : line));
  write(chunk.fileName, await commonjs(code, chunk.fileName, numbers));
  const lines = [...numbers].map(([name, value]) => `export const ${name} = ${value};\n`);
  write('constants.mjs', lines.join(''));
  return { names: chunk.exports, numbers };
}

/**
 * The ES modules of a public module: its names, taken from the CommonJS file.
 *
 * @param {Chunk} chunk the entry
 * @param {{ names: string[], numbers: Map<string, string> }} constants
 */
function write_wrappers({ fileName, code, exports }, { names, numbers }) {
  const folder = dirname(fileName);
  const has_constants = /^export \* from "external:constants.js"/m.test(code);
  const own = [...exports, ...(has_constants ? names.filter((name) => !numbers.has(name)) : [])].sort();
  const star = has_constants ? "export * from '../constants.mjs';\n" : '';
  const list = `{\n  ${own.join(',\n  ')},\n}`;
  // Without names of its own, which would make bundlers rename the classes behind them.
  write(`${folder}/index.mjs`, `${star}export ${list} from './index.js';\n`);
  const load = "const module = createRequire(import.meta.url)('./index.js');\n";
  write(
    `${folder}/node.mjs`,
    `import { createRequire } from 'node:module';\n${load}${star}export const ${list} = module;\n`,
  );
  write(`${folder}/index.d.mts`, "export * from './index.js';\n");
}

/** The package as a whole, of lib/index.ts: whoever requires it loads the public modules that are used. */
async function write_root() {
  const { parseAst } = await import('rolldown/parseAst');
  const getters = [];
  const source = readFileSync(join(root, 'lib', 'index.ts'), 'utf8');
  for (const node of parseAst(source, { lang: 'ts' }).body) {
    if (node.type === 'ExportAllDeclaration' && node.exported !== null) {
      getters.push(`get ${name_of(node.exported)}() { return require('${node.source.value}'); }`);
    } else if (node.type === 'ExportNamedDeclaration' && node.source !== null) {
      for (const each of node.specifiers) {
        const [name, local] = [name_of(each.exported), name_of(each.local)];
        getters.push(`get ${name}() { return require('${node.source.value}').${local}; }`);
      }
    } else throw new Error(`lib/index.ts: ${source.slice(node.start, node.end)}`);
  }
  write('index.js', `'use strict';\nmodule.exports = {\n\t${getters.join(',\n\t')},\n};\n`);
  for (const name of ['index.mjs', 'node.mjs']) {
    write(name, source.replace(/^\/\/.*\n/gm, '').replaceAll('/index.js', `/${name}`));
  }
  write('index.d.mts', "export * from './index.js';\n");
}

export async function make_dist() {
  rmSync(dist, { recursive: true, force: true });
  write_types();
  const input = Object.fromEntries(ENTRIES.map((name) => [name, `lib/${name}.ts`]));
  const chunks = await bundle(input, CHUNKS, (id, importer = '') => {
    if (id.endsWith('/constants.js')) return WITH_CONSTANTS.test(importer) ? 'constants.js' : undefined;
    const face = FACES.find((name) => id.endsWith(`../${name}/index.js`));
    return face && `${face}/index.js`;
  });
  for (const chunk of chunks) await write_chunk(chunk);
  const constants = await write_constants();
  for (const chunk of chunks) {
    if (FACES.some((face) => chunk.fileName === `${face}/index.js`)) write_wrappers(chunk, constants);
  }
  await write_root();
  // Written last: setup.mjs takes its time for that of all.
  write('package.json', '{ "type": "commonjs" }\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await make_dist();
