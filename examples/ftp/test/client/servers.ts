// Servers for tests: vsftpd, pyftpdlib and ftpd, each in a folder of its own on a port of its own, stopped by their process.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as net_connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hash_password } from '../../src/store/passwords.js';

const FTPD = join(import.meta.dirname, '..', '..', 'dist', 'ftpd.js');

/** Debian's, which has Debian's modules. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

export interface TestServer {
  readonly port: number;
  /** what the client sees as the folder to work in, and where that is on the disk */
  readonly remote: string;
  readonly folder: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  stop(): Promise<void>;
}

export interface ServerTLS {
  readonly cert_file: string;
  readonly key_file: string;
  readonly implicit?: boolean | undefined;
}

/** Returns why a program cannot run, or undefined. */
export function missing(program: 'vsftpd' | 'pyftpdlib'): string | undefined {
  if (program === 'vsftpd') {
    if (spawnSync('vsftpd', ['-v'], { stdio: 'ignore' }).error !== undefined) return 'needs vsftpd';
    return process.getuid?.() === 0 ? undefined : 'needs root, for vsftpd';
  }
  const { status } = spawnSync(PYTHON, ['-c', 'import pyftpdlib, OpenSSL'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'needs python3-pyftpdlib and python3-openssl';
}

export async function free_port(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = net_connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = once(child, 'exit');
  child.kill('SIGKILL');
  await end;
}

/** Starts `command` with a port that was free a moment ago; another one if it has been taken meanwhile. */
async function listening(
  begin: (port: number) => ChildProcess,
): Promise<{ port: number; child: ChildProcess }> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await free_port();
    const child = begin(port);
    let errors = '';
    child.stderr?.on('data', (text) => {
      errors += text;
    });
    for (let i = 0; i < 600 && child.exitCode === null; i++) {
      if (await answers(port)) return { port, child };
      await sleep(50);
    }
    await stop(child);
    if (attempt === 4) throw new Error(`the server did not start: ${errors}`);
  }
  throw new Error('unreachable');
}

export async function start_vsftpd(tls?: ServerTLS, lines: readonly string[] = []): Promise<TestServer> {
  const home = mkdtempSync(join(tmpdir(), 'vsftpd-'));
  const folder = join(home, 'root', 'up');
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(home, 'empty'));
  chmodSync(home, 0o755);
  chmodSync(join(home, 'root'), 0o755);
  const id = (flag: string) => Number(spawnSync('id', [flag, 'ftp'], { encoding: 'utf8' }).stdout);
  chownSync(folder, id('-u'), id('-g'));
  const config = join(home, 'vsftpd.conf');
  const { port, child } = await listening((on) => {
    const all = [
      'listen=YES',
      `listen_port=${on}`,
      'listen_address=127.0.0.1',
      'background=NO',
      'anonymous_enable=YES',
      'no_anon_password=YES',
      'local_enable=NO',
      'write_enable=YES',
      'anon_upload_enable=YES',
      'anon_mkdir_write_enable=YES',
      'anon_other_write_enable=YES',
      'anon_world_readable_only=NO',
      'anon_umask=022',
      `anon_root=${join(home, 'root')}`,
      'ftp_username=ftp',
      `secure_chroot_dir=${join(home, 'empty')}`,
      'seccomp_sandbox=NO',
      'isolate=NO',
      'isolate_network=NO',
      'xferlog_enable=NO',
      'mdtm_write=YES',
      'async_abor_enable=YES',
      'max_per_ip=0',
      ...(tls === undefined
        ? []
        : [
            'ssl_enable=YES',
            'allow_anon_ssl=YES',
            'force_anon_logins_ssl=YES',
            'force_anon_data_ssl=YES',
            'require_ssl_reuse=YES',
            'strict_ssl_read_eof=YES',
            'ssl_ciphers=HIGH',
            `implicit_ssl=${tls.implicit === true ? 'YES' : 'NO'}`,
            `rsa_cert_file=${tls.cert_file}`,
            `rsa_private_key_file=${tls.key_file}`,
          ]),
      ...lines,
    ];
    writeFileSync(config, `${all.join('\n')}\n`);
    return spawn('vsftpd', [config], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
  return {
    port,
    remote: '/up',
    folder,
    user: undefined,
    password: undefined,
    stop: async () => {
      await stop(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const PYFTPD = `
import sys, logging
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
logging.basicConfig(level=logging.ERROR)
port, folder, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
handler = TLS_FTPHandler if cert else FTPHandler
if cert:
    handler.certfile, handler.keyfile = cert, key
    handler.tls_control_required = handler.tls_data_required = True
handler.auth_failed_timeout = 0
authorizer = DummyAuthorizer()
authorizer.add_user('ann', 'secret word', folder, perm='elradfmwMT')
handler.authorizer = authorizer
server = FTPServer(('127.0.0.1', port), handler)
server.max_cons, server.max_cons_per_ip = 2000, 0
server.serve_forever(timeout=0.5)
`;

export async function start_pyftpd(tls?: ServerTLS): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pyftpd-'));
  const { port, child } = await listening((on) =>
    spawn(PYTHON, ['-c', PYFTPD, String(on), folder, tls?.cert_file ?? '', tls?.key_file ?? ''], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  return {
    port,
    remote: '/',
    folder,
    user: 'ann',
    password: 'secret word',
    stop: async () => {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let password_line: Promise<string> | undefined;

/** Starts the command ftpd. @param settings of its configuration, `tls` is made of the certificates */
export async function start_ftpd(
  tls: (ServerTLS & { ca_file?: string | undefined }) | undefined,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TestServer & { pid: number }> {
  password_line ??= hash_password('secret word');
  const home = mkdtempSync(join(tmpdir(), 'ftpd-'));
  const folder = join(home, 'ann');
  mkdirSync(folder);
  const users = { users: { ann: { password: await password_line, home: folder } } };
  writeFileSync(join(home, 'users.json'), JSON.stringify(users), { mode: 0o600 });
  const kind = tls === undefined ? 'none' : tls.implicit === true ? 'implicit' : 'explicit';
  const config = {
    listen: [{ host: '127.0.0.1', port: 0, tls: kind }],
    users: 'users.json',
    ...(tls === undefined
      ? {}
      : { tls: { cert: tls.cert_file, key: tls.key_file, ca: tls.ca_file ?? null } }),
    bans: { delay: 0 },
    ...settings,
  };
  const file = join(home, 'ftpd.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [FTPD, 'serve', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const port = await new Promise<number>((resolve, reject) => {
    const hear = (text: Buffer) => {
      said += text;
      const found = /serving \S+:([0-9]+)/.exec(said)?.[1];
      if (found !== undefined) resolve(Number(found));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', () => reject(new Error(`ftpd did not start: ${said}`)));
  });
  return {
    port,
    remote: '/',
    folder,
    user: 'ann',
    password: 'secret word',
    pid: child.pid ?? 0,
    stop: async () => {
      await stop(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
