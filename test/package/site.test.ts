// The documentation site: it builds, each of its links leads somewhere, it asks no other host for anything, and its search
// knows the calls, the guides and the constants. The reference is complete: scripts/site/reference.mjs says of what.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missing, stale } from '../../scripts/site/reference.mjs';
import { root } from './tarball.js';

const site = mkdtempSync(join(tmpdir(), 'site-'));
let built: ReturnType<typeof spawnSync>;
let reason = '';
beforeAll(() => {
  built = spawnSync(process.execPath, [join(root, 'scripts', 'site.mjs'), site], { encoding: 'utf8' });
  if (!existsSync(join(root, 'scripts/site/node_modules/typedoc')))
    reason = 'typedoc cannot be installed here';
}, 300_000);
afterAll(() => rmSync(site, { recursive: true }));

/** The pages of the site, by their path within it. */
function pages(): { name: string; html: string }[] {
  return readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => ({ name, html: readFileSync(join(site, name), 'utf8') }));
}

const attributes = (html: string, pattern: RegExp) =>
  [...html.matchAll(pattern)].map((match) => match[1] ?? '');

/** The data that typedoc stores deflated in a script of the site. */
function stored(script: string): string {
  const [, base64 = ''] =
    /"([A-Za-z0-9+/=]{100,})"/.exec(readFileSync(join(site, 'assets', script), 'utf8')) ?? [];
  return inflateSync(Buffer.from(base64, 'base64')).toString();
}

test('builds without an error or a broken link', ({ skip }) => {
  if (reason) skip(reason);
  expect(built.status, String(built.stderr)).toBe(0);
});

test('the reference is complete, and a comment that says too little is named', ({ skip }) => {
  if (reason) skip(reason);
  expect(String(built.stderr)).not.toContain('The reference lacks');
  const json = join(site, 'fixture.json');
  const typedoc = join(root, 'scripts/site/node_modules/typedoc/bin/typedoc');
  const options = ['--options', join(root, 'test/package/fixtures/reference/typedoc.json'), '--json', json];
  spawnSync(process.execPath, [typedoc, ...options]);
  const module = JSON.parse(readFileSync(json, 'utf8'));
  const project = { name: '', kind: 1, children: [{ ...module, name: 'bsd-sockets/calls', kind: 2 }] };
  expect(missing(project)).toEqual([
    'calls.Socket: a comment',
    'calls.Socket.constructor: a comment',
    'calls.Socket.recv: @param bufsize',
    'calls.Socket.recv: @returns',
    'calls.Socket.recv: @throws',
    'calls.Socket.recv: a source',
    'calls.Socket.recv: @example',
    'calls.Socket.silent: a comment',
    'calls.Options.backlog: a comment',
    'calls.send: @returns',
  ]);
  expect(stale(project)).toContain('socket.fileno');
});

test('each link within the site leads to a page, and to a place on it', ({ skip }) => {
  if (reason) skip(reason);
  const ids = new Map(pages().map(({ name, html }) => [name, new Set(attributes(html, / id="([^"]*)"/g))]));
  expect(ids.size).toBeGreaterThan(1_000);
  const broken = pages().flatMap(({ name, html }) =>
    attributes(html, / href="([^"]*)"/g)
      .filter((href) => !/^[a-z]+:/.test(href))
      .filter((href) => {
        const [path = '', id] = href.replaceAll('&amp;', '&').split('#').map(decodeURIComponent);
        const target = path === '' ? name : relative(site, resolve(site, dirname(name), path));
        if (!existsSync(join(site, target))) return true;
        return id !== undefined && id !== '' && ids.has(target) && !ids.get(target)?.has(id);
      })
      .map((href) => `${name}: ${href}`),
  );
  expect(broken).toEqual([]);
});

test('no page loads anything from another host', ({ skip }) => {
  if (reason) skip(reason);
  const loads = pages().flatMap(({ html }) =>
    attributes(html, /<(?:script|img|link|iframe)[^>]* (?:src|href)="([^"]*)"/g),
  );
  expect(loads.length).toBeGreaterThan(1_000);
  expect(loads.filter((address) => /^([a-z]+:)?\/\//.test(address))).toEqual([]);
  const styles = readdirSync(join(site, 'assets')).filter((name) => name.endsWith('.css'));
  for (const name of styles) {
    expect(readFileSync(join(site, 'assets', name), 'utf8')).not.toMatch(/(?:url\(|@import)\s*["']?https?:/);
  }
});

test('a wide table scrolls by itself: each page has the style', ({ skip }) => {
  if (reason) skip(reason);
  const style = readFileSync(join(site, 'assets', 'custom.css'), 'utf8');
  expect(style).toMatch(/\.tsd-typography table \{[^}]*overflow-x: auto/);
  expect(pages().filter(({ html }) => !html.includes('assets/custom.css'))).toEqual([]);
});

/** What came after the first pages. */
const NEWER = ['wrap_socket', 'packet_ring', 'take_over', 'prometheus_text', 'pump_both', 'recv_chunk'];

test('the search knows calls, constants, guides and examples', ({ skip }) => {
  if (reason) skip(reason);
  const index = stored('search.js');
  for (const word of [
    'recv_exactly',
    'SO_REUSEPORT',
    'Multicast',
    'Containers and services',
    'Examples',
    ...NEWER,
  ]) {
    expect(index).toContain(word);
  }
});

test.for(['socket', 'promises'])(
  'the class bsd-sockets/%s.socket has a page with its methods',
  (name, { skip }) => {
    if (reason) skip(reason);
    const html = readFileSync(join(site, 'classes', `bsd-sockets_${name}.socket.html`), 'utf8');
    for (const method of ['recv', 'sendall', 'accept', 'setsockopt'])
      expect(html).toContain(` id="${method}"`);
  },
);

test('no private member of a class has a page or a place', ({ skip }) => {
  if (reason) skip(reason);
  const names = pages()
    .filter(({ name }) => name.startsWith('classes/'))
    .flatMap(({ html }) => attributes(html, / id="(_[a-z][^"]*)"/g));
  expect(names).toEqual([]);
});
