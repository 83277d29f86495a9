// Whoever searches for the words of an error finds them: docs/guides/troubleshooting.md has each hint of lib/errors/hints.ts,
// and each reason for which the binary does not load.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './tarball.js';

const page = readFileSync(join(root, 'docs/guides/troubleshooting.md'), 'utf8');
const source = (file: string, from: string, to: string) => {
  const text = readFileSync(join(root, file), 'utf8');
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  expect(start, `${file}: ${from}`).toBeGreaterThan(-1);
  expect(end, `${file}: ${to}`).toBeGreaterThan(start);
  return text.slice(start, end);
};

/** The literal texts of some words in a part of a source; of a template the words before its first value. */
const texts = (code: string) =>
  [...code.matchAll(/'([^'\n]* [^'\n]*)'|"([^"\n]* [^"\n]*)"|`([^`\n$]* [^`\n$]*)\$\{/g)].map((match) =>
    (match[1] ?? match[2] ?? match[3] ?? '').trim(),
  );

const hints = texts(source('lib/errors/hints.ts', 'const HINTS:', 'const hints = new Map'));
const reasons = texts(
  source('lib/native/load.ts', '\nfunction reason(', "return ['the loader refused it'"),
).filter((text) => !/BSD_SOCKETS_BINARY|flag/.test(text));

test('there are hints and reasons', () => {
  expect(hints.length).toBeGreaterThan(50);
  expect(reasons.length).toBeGreaterThan(5);
});

test.for([...hints, ...reasons])('%s', (text) => {
  expect(page).toContain(text);
});
