// Programs that are bundled to one file, with the package in the bundle. The bundle is moved to a folder of its own, as it is deployed: it
// finds the binary beside itself or by BSD_SOCKETS_BINARY, as docs/install.md says. Its servers' workers import the bundle again.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, type TestContext } from 'vitest';
import { BUN } from '../registry.js';
import { libc, normal_path, root, run, runOrThrow } from '../tarball.js';
import {
  expect_output,
  folder_of_tests,
  installed,
  PAIR,
  pair,
  project,
  row,
  SERVED,
  served,
  tools,
} from './harness.js';

const folder = folder_of_tests();
const binary = join(root, 'build/Release/bsd_sockets.node');
let user: string;
beforeAll(() => {
  user = installed(folder);
});

type Format = 'esm' | 'cjs';

interface Bundler {
  name: string;
  packages: string[];
  formats: Format[];
  quick?: boolean;
  /** Makes out/bundle.EXTENSION of main.EXTENSION in the folder; without the package in it if that is external. */
  bundle(modules: string, folder: string, format: Format, external: boolean): void;
}

const extension = (format: Format) => (format === 'esm' ? 'mjs' : 'cjs');
const node = (folder: string, ...args: string[]) =>
  runOrThrow(folder, normal_path, process.execPath, ...args);

const bundlers: Bundler[] = [
  {
    name: 'esbuild',
    packages: ['esbuild@0.28'],
    formats: ['esm', 'cjs'],
    quick: true,
    bundle(modules, folder, format, external) {
      const options = ['--bundle', '--platform=node', `--format=${format}`, '--log-level=error'];
      if (external) options.push('--packages=external');
      const output = `--outfile=out/bundle.${extension(format)}`;
      runOrThrow(
        folder,
        normal_path,
        join(modules, 'esbuild/bin/esbuild'),
        `main.${extension(format)}`,
        ...options,
        output,
      );
    },
  },
  {
    name: 'rollup',
    packages: ['rollup@4', '@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29'],
    formats: ['esm', 'cjs'],
    bundle(modules, folder, format, external) {
      const plugins = ['node-resolve', 'commonjs'].map((name) =>
        join(modules, '@rollup', `plugin-${name}`, 'dist/es/index.js'),
      );
      writeFileSync(
        join(folder, 'rollup.config.mjs'),
        `import resolve from ${JSON.stringify(plugins[0])};
         import commonjs from ${JSON.stringify(plugins[1])};
         export default {
           input: 'main.${extension(format)}', plugins: [resolve({ preferBuiltins: true }), commonjs()], external: [/^node:/${external ? ', /^bsd-sockets/' : ''}],
           output: { file: 'out/bundle.${extension(format)}', format: '${format}', inlineDynamicImports: true },
         };`,
      );
      node(folder, join(modules, 'rollup/dist/bin/rollup'), '-c', '--silent');
    },
  },
  {
    name: 'vite, for a server',
    packages: ['vite@8'],
    formats: ['esm'],
    bundle(modules, folder, format, external) {
      writeFileSync(
        join(folder, 'vite.config.mjs'),
        `export default {
           logLevel: 'error', ssr: { noExternal: ${external ? '[]' : 'true'} },
           build: { ssr: 'main.${extension(format)}', outDir: 'out', rollupOptions: { output: { entryFileNames: 'bundle.mjs' } } },
         };`,
      );
      node(folder, join(modules, 'vite/bin/vite.js'), 'build');
    },
  },
  {
    name: 'webpack',
    packages: ['webpack@5'],
    formats: ['esm', 'cjs'],
    bundle(modules, folder, format, external) {
      const library = format === 'esm' ? "{ type: 'module' }" : "{ type: 'commonjs2' }";
      writeFileSync(
        join(folder, 'build.cjs'),
        `require(${JSON.stringify(join(modules, 'webpack'))})({
           mode: 'production', target: 'node20', entry: './main.${extension(format)}', context: __dirname,
           externals: ${external ? '/^bsd-sockets/' : '[]'}, externalsType: '${format === 'esm' ? 'module' : 'commonjs'}',
           // Workers find a handler by its name.
           optimization: { minimize: false },
           experiments: { outputModule: ${format === 'esm'} },
           output: { path: __dirname + '/out', filename: 'bundle.${extension(format)}', library: ${library} },
         }, (error, stats) => {
           if (!error && !stats.hasErrors() && !stats.hasWarnings()) return;
           console.error(error ?? stats.toString());
           process.exitCode = 1;
         });`,
      );
      node(folder, 'build.cjs');
    },
  },
  {
    name: 'ncc',
    packages: ['@vercel/ncc@0.45'],
    formats: ['esm', 'cjs'],
    bundle(modules, folder, format, external) {
      node(
        folder,
        join(modules, '@vercel/ncc/dist/ncc/cli.js'),
        'build',
        `main.${extension(format)}`,
        '-o',
        'made',
        '-q',
        ...(external ? ['-e', 'bsd-sockets/socket', '-e', 'bsd-sockets/socketserver'] : []),
      );
      cpSync(join(folder, 'made'), join(folder, 'out'), { recursive: true });
      for (const name of ['index.mjs', 'index.cjs', 'index.js']) {
        if (existsSync(join(folder, 'made', name)))
          cpSync(join(folder, 'made', name), join(folder, 'out', `bundle.${extension(format)}`));
      }
    },
  },
  {
    name: 'bun build',
    packages: [`${BUN.packages[process.arch]}@${BUN.version}`],
    formats: ['esm', 'cjs'],
    bundle(modules, folder, format, external) {
      const bun = join(modules, BUN.packages[process.arch] ?? '', BUN.program);
      const output = `--outfile=out/bundle.${extension(format)}`;
      runOrThrow(
        folder,
        normal_path,
        bun,
        'build',
        `main.${extension(format)}`,
        '--target=node',
        `--format=${format}`,
        output,
        ...(external ? ['--packages=external'] : []),
      );
    },
  },
];

/** Bundles a program in a folder with the package. @returns the folder */
function bundled(
  ctx: TestContext,
  bundler: Bundler,
  format: Format,
  source: string,
  external: boolean,
): string {
  const modules = tools(ctx, ...bundler.packages);
  const made = project(folder, { [`main.${extension(format)}`]: source });
  runOrThrow(made, normal_path, 'cp', '-al', join(user, 'node_modules'), '.');
  bundler.bundle(modules, made, format, external);
  return made;
}

/** Bundles a program with the package in it, and moves the bundle out of reach of what it was made of. @returns the folder with it */
function deployed(ctx: TestContext, bundler: Bundler, format: Format, source: string): string {
  const made = bundled(ctx, bundler, format, source, false);
  const place = project(folder, {});
  cpSync(join(made, 'out'), place, { recursive: true });
  rmSync(made, { recursive: true });
  return place;
}

function put_binary(place: string): void {
  const prebuilt = join(place, 'prebuilds', `linux-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  cpSync(binary, join(prebuilt, `bsd-sockets.${libc}.node`));
}

for (const bundler of bundlers) {
  describe.each(bundler.formats)(`${bundler.name} to %s`, (format) => {
    const quick = bundler.quick ?? false;
    const name = `bundle.${extension(format)}`;

    row('finds prebuilds/ beside the bundle, wherever it is started', { quick }, (ctx) => {
      const place = deployed(ctx, bundler, format, pair[format]);
      put_binary(place);
      expect_output(run('/', normal_path, process.execPath, join(place, name)), PAIR);
      // Imported by another program.
      const other = project(folder, { 'main.mjs': `await import(${JSON.stringify(join(place, name))});` });
      expect_output(run(other, normal_path, process.execPath, 'main.mjs'), PAIR);
    });

    row('servers with workers', { quick }, (ctx) => {
      const place = deployed(ctx, bundler, format, served[format]);
      put_binary(place);
      expect_output(run('/', normal_path, process.execPath, join(place, name)), SERVED);
    });

    row('the package left out of the bundle: servers with workers', { quick }, (ctx) => {
      const made = bundled(ctx, bundler, format, served[format], true);
      expect(readFileSync(join(made, 'out', name), 'utf8')).not.toContain('no binary for');
      expect_output(run('/', normal_path, process.execPath, join(made, 'out', name)), SERVED);
    });

    row('without a binary: says where it may be; takes BSD_SOCKETS_BINARY', { quick }, (ctx) => {
      const place = deployed(ctx, bundler, format, served[format]);
      const alone = run(place, normal_path, process.execPath, name);
      expect(alone.code).toBe(1);
      expect(alone.stderr).toContain('Put the folder prebuilds/ of the package beside the bundle');
      const env = ['env', `BSD_SOCKETS_BINARY=${binary}`] as const;
      expect_output(run(place, normal_path, ...env, process.execPath, name), SERVED);
    });
  });
}
