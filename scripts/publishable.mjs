// @ts-check
// `npm publish` runs this: refuses a package that lacks a binary, or the project's public address. With a tag, as the release
// workflow calls it (`npm run release:check -- v1.2.3`), also one whose version or CHANGELOG.md is not that of the tag.
import { check_prebuilds } from './prebuilds.mjs';
import { run_script, SetupError } from './setup.mjs';
import { address, is_in_changelog, manifest } from './version.mjs';

await run_script('publish', () => {
  const [tag] = process.argv.slice(2);
  if (tag !== undefined) check_tag(tag);
  if (address() === undefined) {
    throw new SetupError(
      'package.json has no repository. The project has no public address yet; when it has one, "repository" is the one place ' +
        'for it: npm takes the home page and the page of issues from there.',
    );
  }
  check_prebuilds();
});

/** @param {string} tag of git */
function check_tag(tag) {
  const { version } = manifest();
  if (tag !== `v${version}`) {
    throw new SetupError(
      `the tag is ${tag}, and package.json has version ${version}: \`npm version\` makes both.`,
    );
  }
  if (!is_in_changelog(version)) {
    throw new SetupError(
      `CHANGELOG.md has no section "## [${version}] - date" with entries: \`npm version\` makes it.`,
    );
  }
}
