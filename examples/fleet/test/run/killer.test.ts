// The script that ends a command: it touches nothing if its parent is not the sshd of its connection. Each case is in a PID namespace of its own.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shell_word } from '../../dist/files/shell.js';
import { KILLER } from '../../dist/run/ending.js';

const has_namespaces = spawnSync('unshare', ['-mpf', '--mount-proc', 'true']).status === 0;

/** Runs a script as the first process, beside `setsid sleep 900`; returns what it prints, and whether the sleep is still there. */
function beside_a_daemon(script: string): string {
  const all = `setsid sleep 900 & other=$!; sleep 0.3; ${script}; kill -0 $other && echo alive`;
  const { stdout } = spawnSync('unshare', ['-mpf', '--mount-proc', 'sh', '-c', all], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  return stdout;
}

describe.skipIf(!has_namespaces)('the script that ends a command', () => {
  it('touches nothing if its parent is the first process', () => {
    expect(beside_a_daemon(`setsid sh -c ${shell_word(KILLER)}`)).toBe('alive\n');
  });

  it('touches nothing if its sshd has gone, and it has another parent', () => {
    const orphan = `sh -c ${shell_word(`setsid sh -c ${shell_word(`sleep 1; exec sh -c ${shell_word(KILLER)}; echo ended`)} & exit`)}; sleep 3`;
    expect(beside_a_daemon(orphan)).toBe('alive\n');
  });

  it('touches no children of a process that is no sshd', () => {
    const other = `sh -c ${shell_word(`setsid sleep 901 & child=$!; sleep 0.3; sh -c ${shell_word(KILLER)}; kill -0 $child && echo kept`)}`;
    expect(beside_a_daemon(other)).toBe('kept\nalive\n');
  });
});
