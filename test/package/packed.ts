// The files that `npm pack` makes, once for a run of the tests of the package: with the binary of this machine where the prebuilt ones
// are, and without. vitest calls this before the tests of the project and tells them where the files are.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import {
  copyBuilt,
  libc,
  normal_path,
  pack,
  root,
  runOrThrow,
  type Tarball,
  temporaryFolder,
} from './tarball.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** With a binary. */
    packed: Tarball;
    /** Without one, as on a machine for which none is published. */
    bare: Tarball;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = temporaryFolder();
  const sources = copyBuilt(folder);
  rmSync(join(sources, 'prebuilds'), { recursive: true, force: true });
  project.provide('bare', pack(sources, join(folder, 'bare')));
  // The compiled binary stands for the prebuilt one, which takes minutes to compile.
  const prebuilt = join(sources, 'prebuilds', `linux-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  const compiled = join(root, 'build', 'Release', 'bsd_sockets.node');
  runOrThrow(prebuilt, normal_path, 'strip', '-o', `bsd-sockets.${libc}.node`, compiled);
  project.provide('packed', pack(sources, join(folder, 'packed')));
  return () => rmSync(folder, { recursive: true, force: true });
}
