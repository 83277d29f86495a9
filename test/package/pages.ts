// The programs of README.md and docs/: each ```js or ```ts block that is followed by a ```text block is a whole program, and the
// text is what it prints. readme.test.ts runs them, matrix/typescript.test.ts has TypeScript check them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tarball.js';

export interface Program {
  /** The page and the line where it begins. */
  readonly name: string;
  readonly language: 'js' | 'ts';
  readonly source: string;
  readonly output: string;
}

const PROGRAM = /^```(js|ts)\n((?:(?!^```).)*)^```\n\n```text\n(.*?)^```$/gms;

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

export const programs: readonly Program[] = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(PROGRAM)].map((match) => ({
    name: `${page}:${text.slice(0, match.index).split('\n').length}`,
    language: match[1] as 'js' | 'ts',
    source: match[2] as string,
    output: match[3] as string,
  }));
});
