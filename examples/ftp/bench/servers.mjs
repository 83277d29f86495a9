// The servers of bench/run.mjs, each with a folder of its own in memory: { name, port, remote, files, user, password, pids(), stop() }; `files` is the folder.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hash_password } from '../dist/store/passwords.js';

const FTPD = join(import.meta.dirname, '..', 'dist', 'ftpd.js');
/** Debian's, which has pyftpdlib. */
const PYTHON = '/usr/bin/python3';
const PASSWORD = 'secret';

async function free_port() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function is_listening(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Returns a process and all that descend from it. */
function family(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry)))
    try {
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      parents.set(Number(name), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

async function started(name, child, port, rest) {
  for (let i = 0; i < 400 && !(await is_listening(port)); i++) {
    if (child.exitCode !== null) throw new Error(`${name} did not start`);
    await sleep(50);
  }
  return {
    name,
    port,
    ...rest,
    pids: () => family(child.pid),
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

export async function start_vsftpd(folder, pair) {
  const root = join(folder, 'root');
  const up = join(root, 'up');
  mkdirSync(up, { recursive: true });
  mkdirSync(join(folder, 'empty'));
  for (const path of [folder, root]) chmodSync(path, 0o755);
  const id = (flag) => Number(spawnSync('id', [flag, 'ftp'], { encoding: 'utf8' }).stdout);
  chownSync(up, id('-u'), id('-g'));
  const port = await free_port();
  const lines = {
    listen: 'YES',
    listen_port: port,
    listen_address: '127.0.0.1',
    background: 'NO',
    anonymous_enable: 'YES',
    no_anon_password: 'NO',
    local_enable: 'NO',
    write_enable: 'YES',
    anon_upload_enable: 'YES',
    anon_other_write_enable: 'YES',
    anon_world_readable_only: 'NO',
    anon_umask: '022',
    anon_root: root,
    ftp_username: 'ftp',
    secure_chroot_dir: join(folder, 'empty'),
    // Without namespaces of its own a child starts faster: vsftpd at its best.
    isolate: 'NO',
    isolate_network: 'NO',
    seccomp_sandbox: 'NO',
    max_per_ip: 0,
    max_clients: 0,
    ssl_enable: 'YES',
    allow_anon_ssl: 'YES',
    ssl_ciphers: 'HIGH',
    rsa_cert_file: pair.cert_file,
    rsa_private_key_file: pair.key_file,
  };
  const config = join(folder, 'vsftpd.conf');
  writeFileSync(
    config,
    Object.entries(lines)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const child = spawn('vsftpd', [config], { stdio: 'ignore' });
  return started('vsftpd', child, port, { remote: 'up/', files: up, user: 'ftp', password: PASSWORD });
}

const PYFTPD = `
import sys, logging
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.CRITICAL)
port, folder, cert, key, password = int(sys.argv[1]), *sys.argv[2:]
handler = TLS_FTPHandler
handler.certfile, handler.keyfile = cert, key
authorizer = DummyAuthorizer()
authorizer.add_user('ann', password, folder, perm='elradfmwMT')
handler.authorizer = authorizer
server = FTPServer(('127.0.0.1', port), handler)
server.max_cons, server.max_cons_per_ip = 5000, 0
server.serve_forever(handle_exit=False)
`;

export async function start_pyftpd(folder, pair) {
  mkdirSync(folder, { recursive: true });
  const port = await free_port();
  const line = ['-c', PYFTPD, String(port), folder, pair.cert_file, pair.key_file, PASSWORD];
  const child = spawn(PYTHON, line, { stdio: 'ignore' });
  return started('pyftpdlib', child, port, { remote: '', files: folder, user: 'ann', password: PASSWORD });
}

export async function start_ftpd(folder, pair, kind) {
  const home = join(folder, 'ann');
  mkdirSync(home, { recursive: true });
  const users = { users: { ann: { password: await hash_password(PASSWORD), home } } };
  writeFileSync(join(folder, 'users.json'), JSON.stringify(users), { mode: 0o600 });
  const port = await free_port();
  const limits = { max_connections: 5000, max_connections_per_address: 5000 };
  const config = {
    listen: [{ host: '127.0.0.1', port, tls: 'explicit' }],
    kind,
    users: 'users.json',
    tls: { cert: pair.cert_file, key: pair.key_file },
    limits,
  };
  const file = join(folder, 'ftpd.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [FTPD, 'serve', file], { stdio: 'ignore' });
  return started(`ftpd ${kind}`, child, port, { remote: '', files: home, user: 'ann', password: PASSWORD });
}
