// @ts-check
// CHANGELOG.md at a release. `npm version minor` (or patch, major, 1.2.3) runs this file twice, before and after it writes the
// new version to package.json and package-lock.json; then it commits, and makes the tag.
//
//   node scripts/version.mjs --check   fails if there is nothing to release
//   node scripts/version.mjs           gives what is unreleased the version of package.json and the date as its heading

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run_script, SetupError } from './setup.mjs';

const UNRELEASED = '## [Unreleased]';
const file = join(root, 'CHANGELOG.md');

/** @returns {{ version: string, repository?: string | { url: string } }} package.json */
export const manifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Returns what CHANGELOG.md says under a heading of the second level, without its headings of the third.
 *
 * @param {string} text of CHANGELOG.md
 * @param {string} heading how its line begins
 * @returns {string | undefined} undefined without the heading, '' if there are no entries
 */
function entries_of(text, heading) {
  const start = text.split('\n').findIndex((line) => line.startsWith(heading));
  if (start === -1) return undefined;
  const below = text.split('\n').slice(start + 1);
  const end = below.findIndex((line) => line.startsWith('## '));
  const section = end === -1 ? below : below.slice(0, end);
  return section
    .filter((line) => !/^(###|\[.*\]:)/.test(line))
    .join('\n')
    .trim();
}

/** @param {string} version @returns {boolean} whether CHANGELOG.md has a heading with a date for it, and entries below */
export const is_in_changelog = (version) => {
  const heading = `## [${version}] - `;
  const dates = read()
    .split('\n')
    .filter((line) => line.startsWith(heading));
  return (
    dates.some((line) => /^\d{4}-\d\d-\d\d$/.test(line.slice(heading.length))) &&
    Boolean(entries_of(read(), heading))
  );
};

const read = () => readFileSync(file, 'utf8');

/** The address of the project on the web, from "repository" of package.json, its only place. @returns {string | undefined} */
export function address() {
  const { repository } = manifest();
  const text = typeof repository === 'string' ? repository : repository?.url;
  if (text === undefined) return undefined;
  if (/^(github:)?[\w.-]+\/[\w.-]+$/.test(text)) return `https://github.com/${text.replace('github:', '')}`;
  return text.replace(/^git\+/, '').replace(/\.git$/, '');
}

/** Whether the version that npm is making has its section with a date already, as the first one had. */
const is_written = () => is_in_changelog(process.env.npm_new_version ?? manifest().version);

/** @throws {SetupError} if there is nothing to release */
function check() {
  const entries = entries_of(read(), UNRELEASED);
  if (entries === undefined) throw new SetupError(`CHANGELOG.md has no line "${UNRELEASED}".`);
  if (entries === '' && !is_written()) {
    throw new SetupError(
      `CHANGELOG.md says nothing under "${UNRELEASED}": a release tells its users what changed.`,
    );
  }
}

/** Gives what is unreleased a heading, with links that compare the versions if the project has an address. */
function write() {
  check();
  const { version } = manifest();
  const text = read();
  if (entries_of(text, UNRELEASED) === '') return;
  if (text.includes(`## [${version}]`)) throw new SetupError(`CHANGELOG.md has ${version} already.`);
  const date = new Date().toISOString().slice(0, 10);
  const before = /^## \[(\d.*?)\]/m.exec(text)?.[1];
  const released = text.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`);
  const web = address();
  writeFileSync(file, web === undefined ? released : with_links(released, web, version, before));
}

/**
 * @param {string} text of CHANGELOG.md
 * @param {string} web the address of the project
 * @param {string} version that is being released
 * @param {string | undefined} before the version before it
 */
function with_links(text, web, version, before) {
  const older = text.split('\n').filter((line) => /^\[\d.*\]: /.test(line));
  const links = [
    `[Unreleased]: ${web}/compare/v${version}...HEAD`,
    `[${version}]: ${web}/${before === undefined ? 'releases/tag/' : `compare/v${before}...`}v${version}`,
    ...older,
  ];
  const body = text.replaceAll(/^\[(Unreleased|\d.*)\]: .*\n?/gm, '').trimEnd();
  return `${body}\n\n${links.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await run_script('version', process.argv.includes('--check') ? check : write);
}
