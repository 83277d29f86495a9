// Debian's sshd for tests: `sshd -i` for each connection to a port of its own on loopback, so that nothing runs when nobody is connected.
// Its keys, its known_hosts and what it allows are in a folder of the test. Servers that misbehave: Site.listen().

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../dist/types.js';

const SSHD = '/usr/sbin/sshd';

/** Whether sshd can be run here: it is installed, and this is root, whom it can let in. */
export const has_sshd = existsSync(SSHD) && process.getuid?.() === 0;

export interface Sshd {
  readonly port: number;
  /** Returns the host with this server's port, key file and known_hosts, and with changes. */
  host(changes?: Partial<Host>): Host;
  /** Ends the connections that are open, as a machine that fails. */
  cut(): void;
  /** Returns the addresses that have connected. */
  peers(): string[];
}

/** A folder with a user's key pair, and the servers that a test starts; all of it ends with close(). */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'fleet-sshd-'));
  readonly key = this.make_key('user');
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  /** Makes a key pair; the public half is in FILE.pub. */
  make_key(name: string, type = 'ed25519', passphrase = ''): string {
    const path = join(this.folder, name);
    // Short keys and few rounds: making one and trying a passphrase is quick.
    const short = type === 'rsa' ? ['-b', '2048'] : [];
    const args = ['-q', '-t', type, ...short, '-a', '1', '-N', passphrase, '-C', name, '-f', path];
    execFileSync('ssh-keygen', args);
    return path;
  }

  public_key(path: string): string {
    return readFileSync(`${path}.pub`, 'utf8').trim();
  }

  write(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  /**
   * Starts a server.
   *
   * @param name of the host, unique in this site; commands find it in FLEET_TEST_HOST
   * @param lines more lines of sshd_config(5), which come first
   * @param wrapper a command with arguments that runs what is behind it
   */
  async sshd(name: string, lines: readonly string[] = [], wrapper: readonly string[] = []): Promise<Sshd> {
    const host_key = this.make_key(`host-${name}`);
    const authorized = this.write(`authorized-${name}`, `${this.public_key(this.key)}\n`, 0o644);
    const config = this.write(
      `config-${name}`,
      [
        ...lines,
        `SetEnv FLEET_TEST_HOST=${name}`,
        `HostKey ${host_key}`,
        `AuthorizedKeysFile ${authorized}`,
        'StrictModes no',
        'UsePAM no',
        'PermitRootLogin yes',
        // A second one would be an error.
        ...(lines.some((line) => line.startsWith('Subsystem')) ? [] : ['Subsystem sftp internal-sftp']),
        'MaxStartups 1000',
        '',
      ].join('\n'),
    );
    mkdirSync('/run/sshd', { recursive: true });
    const open = new Set<Socket>();
    const peers: string[] = [];
    const port = await this.listen((socket) => {
      open.add(socket);
      peers.push(socket.remoteAddress ?? '');
      const [program = SSHD, ...args] = [...wrapper, SSHD, '-i', '-f', config];
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
      socket.pipe(child.stdin).on('error', () => {});
      child.stdout.pipe(socket);
      socket.on('close', () => {
        open.delete(socket);
        child.stdin.destroy();
        child.stdout.destroy();
      });
    });
    const known_hosts = this.write(`known-${name}`, `[127.0.0.1]:${port} ${this.public_key(host_key)}\n`);
    return {
      port,
      host: (changes = {}) => ({ ...this.host(name, port), known_hosts_files: [known_hosts], ...changes }),
      cut: () => {
        for (const socket of open) socket.destroy();
      },
      peers: () => peers,
    };
  }

  /** Returns a host on loopback that no known_hosts file knows. */
  host(name: string, port: number): Host {
    return {
      name,
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      groups: [],
      variables: {},
      jumps: [],
      identity_files: [this.key],
      known_hosts_files: [],
    };
  }

  /** Starts a server that does with each connection what is given. Returns its port. */
  async listen(on_connection: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      on_connection(socket);
    });
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.folder, { recursive: true });
  }
}
