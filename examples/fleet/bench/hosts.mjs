// The hosts of the benchmark: addresses 127.77.x.y, all of one server, with a key of the user and what ssh has to know of them.
//
// `fake`: server.mjs on ssh2, in a process of its own. It runs no commands, so that the figures are those of the clients. `sshd`: Debian's sshd,
// which starts processes for each connection: they cost more than either client. Both listen on the addresses of the hosts only.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Addresses of a block 127.77.N.0/24. */
const IN_BLOCK = 250;

/**
 * Starts the server.
 *
 * @param {number} count of hosts
 * @param {string} kind fake or sshd
 * @returns {Promise<{ set: string, config: string, folder: string, close(): Promise<void> }>} set: a node set of all; config: a file of ssh_config(5)
 */
export async function start_hosts(count, kind) {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'));
  const key = (name) => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return path;
  };
  const [host_key, user_key] = [key('host'), key('user')];
  const addresses = Array.from(
    { length: count },
    (_, i) => `127.77.${Math.floor(i / IN_BLOCK)}.${(i % IN_BLOCK) + 1}`,
  );
  const port = await free_port();
  const sshd = kind === 'sshd' ? sshd_config(folder, host_key, user_key) : undefined;
  const server = start({ addresses, port, host_key, user_key: `${user_key}.pub`, sshd });
  await server.ready;

  const public_key = readFileSync(`${host_key}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ');
  const known = join(folder, 'known_hosts');
  writeFileSync(known, addresses.map((address) => `[${address}]:${port} ${public_key}\n`).join(''));
  const config = join(folder, 'ssh_config');
  const lines = [
    'Host *',
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${user_key}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${known}`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
    '',
  ];
  writeFileSync(config, lines.join('\n'));
  return { set: addresses.join(','), config, folder, close: server.close };
}

/** @returns {Promise<number>} a port that nobody has on 127.0.0.1, nor, most likely, on the other addresses */
async function free_port() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts server.mjs. */
function start(options) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'server.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.write(`${JSON.stringify(options)}\n`);
  const died = once(child, 'exit').then(() => {
    throw new Error('the server ended');
  });
  died.catch(() => {});
  return { ready: Promise.race([once(child.stdout, 'data'), died]), close: () => ended(child) };
}

/** Returns a configuration for `sshd -i`. */
function sshd_config(folder, host_key, user_key) {
  if (!existsSync('/usr/sbin/sshd') || process.getuid?.() !== 0)
    throw new Error('--server sshd needs sshd, and root');
  mkdirSync('/run/sshd', { recursive: true });
  const config = join(folder, 'sshd_config');
  const lines = [
    `HostKey ${host_key}`,
    `AuthorizedKeysFile ${user_key}.pub`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PrintMotd no',
    'Subsystem sftp internal-sftp',
    'PrintLastLog no',
    '',
  ];
  writeFileSync(config, lines.join('\n'));
  return config;
}

async function ended(child) {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
