// @ts-check
// Debian packages of another processor and suite, unpacked into a folder: nothing is installed on the machine, and apt-get keeps its
// state in that folder. The mirror is the one of the machine's own apt sources.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup.mjs';

/**
 * Gets packages and all that they depend on, unless they are there already.
 *
 * @param {string} folder for them, which holds nothing else
 * @param {{ arch: string, suite: string, packages: string[] }} wanted as Debian names them
 * @returns {string} the root of a file system with these packages
 * @throws {SetupError} if apt-get or the mirror does not have them
 */
export function debian_root(folder, wanted) {
  const root = join(folder, 'root');
  const stamp = join(folder, 'complete.json');
  const request = JSON.stringify(wanted);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === request) return root;
  rmSync(folder, { recursive: true, force: true });
  const [state, cache] = [join(folder, 'state'), join(folder, 'cache')];
  for (const each of [root, join(state, 'lists', 'partial'), join(cache, 'archives', 'partial')])
    mkdirSync(each, { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb ${mirror()} ${wanted.suite} main\n`);
  const options = {
    'APT::Architecture': wanted.arch,
    'APT::Architectures': wanted.arch,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Dir::Cache': cache,
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': join(folder, 'none'),
    'Dir::State': state,
    'Dir::State::Status': join(state, 'status'),
  };
  const apt = ['-q', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  run('apt-get', [...apt, 'update']);
  run('apt-get', [...apt, '--yes', '--download-only', 'install', ...wanted.packages]);
  const archives = join(cache, 'archives');
  for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb')))
    run('dpkg-deb', ['--extract', join(archives, name), root]);
  rmSync(archives, { recursive: true });
  // Suites differ in whether /lib is a folder or a link: programs name their loader by it.
  if (!existsSync(join(root, 'lib'))) symlinkSync('usr/lib', join(root, 'lib'));
  writeFileSync(stamp, request);
  return root;
}

/** The mirror of Debian that this machine uses. */
function mirror() {
  const format = '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)';
  const lines = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).split('\n');
  const found = lines
    .map((line) => line.split(' '))
    .find(([origin, component, , release = '']) => {
      return origin === 'Debian' && component === 'main' && !release.includes('-');
    });
  if (!found) throw new SetupError("the machine's apt sources name no mirror of Debian.");
  return found[2];
}

/** @param {string} program @param {string[]} args @returns {string} what it prints */
function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  throw new SetupError(`${program} ${args.slice(-2).join(' ')}: ${error?.message ?? stderr.trim()}`);
}
