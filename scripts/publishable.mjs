// @ts-check
// `npm publish` runs this: refuses a package that lacks a binary, or the project's public address.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check_prebuilds } from './prebuilds.mjs';
import { root, run_script, SetupError } from './setup.mjs';

await run_script('publish', () => {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (!repository) {
    throw new SetupError(
      'package.json has no repository. The project has no public address yet; when it has one, "repository" is the one place ' +
        'for it: npm takes the home page and the page of issues from there.',
    );
  }
  check_prebuilds();
});
