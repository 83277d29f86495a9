// Accounts for tests: sshd, and what it starts, see files of the test in the place of /etc/passwd, /etc/shadow and /etc/sudoers, in a mount namespace of
// their own. Nothing of it is seen by anybody else.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import type { Site } from '../sshd.js';

/** Whether namespaces can be made here. */
export const has_namespaces = spawnSync('unshare', ['--mount', 'true']).status === 0;
export const has_sudo = has_namespaces && spawnSync('sudo', ['--version']).status === 0;

/** The user of the tests; they are in no other group than nogroup. */
export const USER = 'fleet-test';
const USER_ID = 60_123;

/**
 * Returns the wrapper of sshd in which USER exists.
 *
 * @param password of USER
 * @param sudoers the whole of sudoers(5)
 * @param shell of USER
 */
export function account(
  site: Site,
  name: string,
  password: string,
  sudoers = '',
  shell = '/bin/bash',
): string[] {
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], {
    input: password,
    encoding: 'utf8',
  }).trim();
  const files = {
    passwd: `${readFileSync('/etc/passwd', 'utf8')}${USER}:x:${USER_ID}:65534::/:${shell}\n`,
    shadow: `${readFileSync('/etc/shadow', 'utf8')}${USER}:${hash}:19000:0:99999:7:::\n`,
    ...(sudoers === '' ? {} : { sudoers }),
  };
  // sshd reads authorized keys as the user whom they let in.
  chmodSync(site.folder, 0o711);
  const mounts = Object.entries(files).map(([file, text]) => {
    const modes = { passwd: 0o644, shadow: 0o600, sudoers: 0o440 } as const;
    const path = site.write(`${name}-${file}`, text, modes[file as keyof typeof modes]);
    return `mount --bind ${path} /etc/${file}`;
  });
  return ['unshare', '--mount', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh'];
}
