// Debian's sshd for tests of transfers: `sshd -i` on a pair of pipes for each connection, so that no port is taken and no service runs. Keys and
// configuration are the test's own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import ssh2 from 'ssh2';

const SSHD = '/usr/sbin/sshd';

/** Why there can be no sshd here; undefined: there can. */
export function sshd_lacks(): string | undefined {
  if (!existsSync(SSHD)) return 'needs openssh-server';
  // The folder that sshd changes into while it does not know who is there.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  return undefined;
}

export interface SessionOptions {
  /** ends the connection when so many bytes have come from, or gone to, the server */
  readonly cut_after?: number | undefined;
  /** when it is cut, the server still reads what was sent and ends by itself. Default: false, it is killed */
  readonly gently?: boolean | undefined;
  /** a shell command before sshd, in a mount namespace of its own (as root) */
  readonly before?: string | undefined;
  /** false: the server has none. Default: true */
  readonly sftp?: boolean | undefined;
  /** more lines of sshd_config */
  readonly config?: string | undefined;
}

export class TestSSHD {
  readonly folder = mkdtempSync(join(tmpdir(), `fleet-sshd-${process.pid}-`));
  readonly #children = new Set<ChildProcess>();
  readonly #key: Buffer;

  constructor() {
    for (const name of ['host', 'user']) {
      const file = join(this.folder, name);
      const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file], {
        encoding: 'utf8',
      });
      if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
    }
    this.#key = readFileSync(join(this.folder, 'user'));
  }

  async connect(options: SessionOptions = {}): Promise<ssh2.Client> {
    const { cut_after, gently = false, before, config = '', sftp = true } = options;
    const file = join(this.folder, `config-${this.#children.size}`);
    writeFileSync(
      file,
      `HostKey ${this.folder}/host
AuthorizedKeysFile ${this.folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
${sftp ? 'Subsystem sftp internal-sftp' : ''}
LogLevel ERROR
${config}
`,
    );
    const sshd = `exec ${SSHD} -i -e -f '${file}'`;
    const [command, ...words] = before
      ? ['unshare', '-m', 'sh', '-c', `${before} && ${sshd}`]
      : ['sh', '-c', sshd];
    const child = spawn(command ?? 'sh', words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#children.add(child);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
    const client = new ssh2.Client();
    let moved = 0;
    const count = (chunk: Buffer) => {
      moved += chunk.length;
      if (cut_after !== undefined && moved > cut_after) sock.destroy();
    };
    const sock = new Duplex({
      read: () => void child.stdout.resume(),
      write(chunk, _, done) {
        count(chunk);
        child.stdin.write(chunk, () => done());
      },
      destroy(error, done) {
        if (gently) child.stdin.end();
        else child.kill('SIGKILL');
        child.stdout.resume();
        done(error);
      },
    });
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      count(chunk);
      if (!sock.destroyed && !sock.push(chunk)) child.stdout.pause();
    });
    child.stdout.on('end', () => void (sock.destroyed || sock.push(null)));
    sock.on('error', () => undefined);
    // A connection that is cut before it is ready has neither 'ready' nor 'error'.
    const lost = once(sock, 'close').then(() => Promise.reject(new Error('the connection was cut')));
    const ready = Promise.race([once(client, 'ready'), lost]);
    lost.catch(() => undefined);
    client.connect({ sock, username: userInfo().username, privateKey: this.#key, readyTimeout: 60_000 });
    try {
      await ready;
    } catch (error) {
      throw new Error(`${String(error)}; sshd: ${log}`, { cause: error });
    }
    client.on('error', () => undefined);
    return client;
  }

  /** Waits until no server runs any more. */
  async quiet(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}
