// A release on a copy of the checkout that is a repository of its own: the version, CHANGELOG.md, the checks of the tag; and what
// the packed file holds: how much of it, and where the links of its pages lead.
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  copySources,
  normal_path,
  pack,
  root,
  run,
  runOrThrow,
  type Tarball,
  temporaryFolder,
} from './tarball.js';

const folder = temporaryFolder();
let copy: string;
const git = (...args: string[]) => runOrThrow(copy, normal_path, 'git', ...args).stdout;
const npm = (...args: string[]) => run(copy, normal_path, 'npm', ...args);
const read = (name: string) => readFileSync(join(copy, name), 'utf8');
const write = (name: string, text: string) => writeFileSync(join(copy, name), text);
const today = new Date().toISOString().slice(0, 10);

beforeAll(() => {
  copy = copySources(folder);
  git('init', '--quiet');
  git('config', 'user.name', 'a test');
  git('config', 'user.email', 'test@example.org');
  writeFileSync(join(copy, '.git', 'info', 'exclude'), 'node_modules\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'The checkout');
  git('tag', 'start');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** CHANGELOG.md with one entry that is not released. */
const CHANGELOG = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n';

describe('npm version', () => {
  beforeEach(() => {
    git('reset', '--quiet', '--hard', 'start');
    for (const tag of git('tag', '--list', 'v*').split('\n').filter(Boolean)) git('tag', '--delete', tag);
    write('CHANGELOG.md', CHANGELOG);
    git('commit', '--quiet', '--all', '--message', 'An entry');
  });

  test('leaves a section that stands already as it is, and asks for entries for the next version', () => {
    const standing = '# Changelog\n\n## [Unreleased]\n\n## [7.1.0] - 2020-01-01\n\n- A thing.\n';
    write('CHANGELOG.md', standing);
    git('commit', '--quiet', '--all', '--message', 'A section');
    const { code, stderr } = npm('version', '7.1.0');
    expect(code, stderr).toBe(0);
    expect(read('CHANGELOG.md')).toBe(standing);
    expect(npm('version', '7.2.0').stderr).toContain('says nothing under');
  });

  test('gives the entries the version and the date, commits, and tags', () => {
    const { code, stderr } = npm('version', '7.1.0');
    expect(code, stderr).toBe(0);
    expect(read('CHANGELOG.md')).toBe(
      `# Changelog\n\n## [Unreleased]\n\n## [7.1.0] - ${today}\n\n### Added\n\n- A thing.\n`,
    );
    expect(git('status', '--short')).toBe('');
    expect(git('tag', '--points-at', 'HEAD')).toBe('v7.1.0\n');
    expect(git('show', '--name-only', '--format=%s', 'HEAD').split('\n').filter(Boolean)).toEqual([
      '7.1.0',
      'CHANGELOG.md',
      'package-lock.json',
      'package.json',
    ]);
    expect(npm('run', 'release:check', '--', 'v7.1.0').stderr).toContain('package.json has no repository');
  });

  test('a project with an address has links that compare the versions', () => {
    const set = (address: string) => {
      npm('pkg', 'set', `repository=${address}`);
      git('commit', '--quiet', '--all', '--message', 'An address');
    };
    set('github:someone/sockets');
    npm('version', '7.1.0');
    write('CHANGELOG.md', read('CHANGELOG.md').replace('[Unreleased]', '[Unreleased]\n\n- Another.'));
    git('commit', '--quiet', '--all', '--message', 'Another entry');
    npm('version', '7.2.0');
    const web = 'https://github.com/someone/sockets';
    expect(read('CHANGELOG.md').split('\n').slice(-4)).toEqual([
      `[Unreleased]: ${web}/compare/v7.2.0...HEAD`,
      `[7.2.0]: ${web}/compare/v7.1.0...v7.2.0`,
      `[7.1.0]: ${web}/releases/tag/v7.1.0`,
      '',
    ]);
    expect(npm('run', 'release:check', '--', 'v7.2.0').stderr).toContain('is missing: npm run prebuilds');
  });

  test.each([
    [
      'nothing unreleased',
      '# Changelog\n\n## [Unreleased]\n\n### Added\n\n## [0.0.1] - 2020-01-01\n\n- Old.\n',
    ],
    ['no such heading', '# Changelog\n\n- A thing.\n'],
  ])('%s: refuses, and changes nothing', (_what, text) => {
    write('CHANGELOG.md', text);
    git('commit', '--quiet', '--all', '--message', 'No entry');
    const { code, stderr } = npm('version', '7.1.0');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/version: CHANGELOG\.md (says nothing under|has no line) "## \[Unreleased\]"/);
    expect(git('status', '--short') + git('tag', '--points-at', 'HEAD')).toBe('');
  });

  test('a version that has been released: refuses', () => {
    write('CHANGELOG.md', `${CHANGELOG}\n## [7.1.0] - 2020-01-01\n\n- Old.\n`);
    git('commit', '--quiet', '--all', '--message', 'An old version');
    expect(npm('version', '7.1.0').stderr).toContain('CHANGELOG.md has 7.1.0 already');
  });

  test('a tag that is not the version, or has no section: the check of a release refuses', () => {
    const check = (tag: string) => npm('run', 'release:check', '--', tag).stderr;
    expect(check('v9.9.9')).toContain('the tag is v9.9.9, and package.json has version');
    npm('pkg', 'set', 'version=7.1.0');
    expect(check('v7.1.0')).toContain('has no section "## [7.1.0] - date" with entries');
    write('CHANGELOG.md', `${CHANGELOG}\n## [7.1.0] - 2020-01-01\n`);
    expect(check('v7.1.0')).toContain('has no section "## [7.1.0] - date" with entries');
  });
});

describe('the public address', () => {
  test('stands in package.json alone', () => {
    const { repository, homepage, bugs } = JSON.parse(read('package.json')) as Record<string, unknown>;
    expect({ homepage, bugs }).toEqual({});
    if (repository !== undefined) return;
    const pages = git('ls-files', '*.md', '.github', 'scripts', 'docs', 'examples')
      .split('\n')
      .filter(Boolean);
    const made_up = pages.filter((page) =>
      /(git(hub|lab)\.com|shields\.io|badge)\S*bsd-sockets/.test(read(page)),
    );
    expect(made_up).toEqual([]);
  });
});

/** The bytes of a binary that zig makes, packed: the largest of the four has 174 kB. */
const BINARY = 180_000;

describe('the packed file', () => {
  let tarball: Tarball;
  beforeAll(() => {
    git('reset', '--quiet', '--hard', 'start');
    cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
    for (const target of ['linux-x64', 'linux-arm64']) {
      mkdirSync(join(copy, 'prebuilds', target), { recursive: true });
      for (const libc of ['glibc', 'musl'])
        writeFileSync(join(copy, 'prebuilds', target, `bsd-sockets.${libc}.node`), randomBytes(BINARY));
    }
    tarball = pack(copy, join(folder, 'packed'));
  });

  test('is small enough with all binaries', () => {
    const { code, stdout, stderr } = npm('run', '--silent', 'size', '--', tarball.file);
    console.log(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^binaries +5 /m);
    expect(stdout).toMatch(/^packed \d+ kB of at most 2500 kB$/m);
  });

  test('one that is too large is refused', () => {
    writeFileSync(join(copy, 'prebuilds', 'linux-x64', 'bsd-sockets.glibc.node'), randomBytes(2_500_000));
    const { file } = pack(copy, join(folder, 'too-large'));
    const { code, stderr } = npm('run', '--silent', 'size', '--', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the package has \d+ bytes packed, more than 2500000/);
  });

  test('the links of its pages lead to files in it, and to headings', () => {
    const pages = tarball.contents.filter((path) => path.endsWith('.md'));
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/install.md']));
    const known = new Set(tarball.contents.flatMap((path) => [path, ...parents(path)]));
    const dead = pages.flatMap((page) =>
      links_of(read(page))
        .filter((link) => {
          const [path = '', heading] = link.split('#');
          const target = path === '' ? page : normalize(join(dirname(page), path)).replace(/\/$/, '');
          if (!known.has(target)) return true;
          return (
            heading !== undefined && target.endsWith('.md') && !anchors_of(read(target)).includes(heading)
          );
        })
        .map((link) => `${page}: ${link}`),
    );
    expect(dead).toEqual([]);
    expect(links_of(readFileSync(join(root, 'README.md'), 'utf8')).length).toBeGreaterThan(10);
  });
});

/** The folders of a path. */
function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [parent, ...parents(parent)];
}

/** The targets of the links of a page that are no addresses; not in code. */
function links_of(page: string): string[] {
  const prose = page.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(
    (match) => match[1] ?? match[2]!,
  );
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of the headings of a page, as GitHub and npm make them. */
function anchors_of(page: string): string[] {
  const headings = page.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
