// What the tests of the server share: a folder with a home, users and a configuration; a server on it, in this process or as the command ftpd;
// and a client that says what the test says, byte by byte.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type ConnectedSocket, create_connection } from 'bsd-sockets/promises';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { read_config } from '../../dist/config/config.js';
import { Service } from '../../dist/service/service.js';
import { hash_password } from '../../dist/store/passwords.js';

export const FTPD = fileURLToPath(new URL('../../dist/ftpd.js', import.meta.url));
export const PASSWORD = 'secret';

/** Seconds within which everything has to happen, on a busy machine, too. */
export const PATIENCE = 20;

let password_line: Promise<string> | undefined;
let certificates: Certificates | undefined;

/** One set of certificates for all tests of a file. */
export function test_certificates(): Certificates {
  if (certificates === undefined) {
    const made = make_certificates();
    certificates = made;
    process.once('exit', () => made.remove());
  }
  return certificates;
}

/** A configuration, as its file has it: what is not said here is said by the test. */
export type Settings = Record<string, unknown>;

export interface Place {
  readonly folder: string;
  readonly home: string;
  readonly config_file: string;
  read(name: string): Buffer;
  write(name: string, content: string | Uint8Array): void;
  remove(): void;
}

/**
 * Makes a folder with a home of the user ann, who may do all, and of others.
 *
 * @param settings of the configuration
 * @param users more users; `home` and `password` are set
 */
export async function make_place(
  settings: Settings = {},
  users: Record<string, Record<string, unknown>> = {},
): Promise<Place> {
  password_line ??= hash_password(PASSWORD);
  const password = await password_line;
  const folder = mkdtempSync(join(tmpdir(), 'ftpd-test-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const records = Object.fromEntries(
    Object.entries({ ann: {}, ...users }).map(([name, record]) => [name, { password, home, ...record }]),
  );
  writeFileSync(join(folder, 'users.json'), JSON.stringify({ users: records }), { mode: 0o600 });
  const config_file = join(folder, 'ftpd.json');
  const config = {
    listen: [{ host: '127.0.0.1', port: 0 }],
    users: 'users.json',
    audit: 'audit.jsonl',
    bans: { delay: 0 },
    ...settings,
  };
  writeFileSync(config_file, JSON.stringify(config));
  return {
    folder,
    home,
    config_file,
    read: (name) => readFileSync(join(home, name)),
    write: (name, content) => writeFileSync(join(home, name), content),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The settings of TLS with test certificates. */
export function tls_settings(more: Settings = {}): Settings {
  const { server, ca } = test_certificates();
  return { key: server.key_file, cert: server.cert_file, ca: ca.cert_file, ...more };
}

export interface Running {
  readonly ports: readonly number[];
  readonly port: number;
  stop(): Promise<void>;
}

const ports_of = (urls: readonly string[]) => urls.map((url) => Number(url.slice(url.lastIndexOf(':') + 1)));

/** Starts a server in this process. */
export async function start_here(place: Place): Promise<Running & { service: Service }> {
  const service = await Service.start(read_config(place.config_file));
  const ports = ports_of(service.urls);
  return { service, ports, port: ports[0] ?? 0, stop: () => service.end(undefined, 1) };
}

/**
 * Starts the command ftpd.
 *
 * @param expected addresses that it has to serve, if the test knows
 * @param env more of the environment
 * @returns `exited` gives the exit code and the signal, also when it is asked for late
 */
export async function start_command(
  place: Place,
  expected: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Running & { child: ChildProcess; exited: Promise<unknown[]>; lines: string[] }> {
  const child = spawn(process.execPath, [FTPD, 'serve', place.config_file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  const count = (JSON.parse(readFileSync(place.config_file, 'utf8')) as { listen: unknown[] }).listen.length;
  const exited = once(child, 'exit');
  const urls = new Promise<string[]>((resolve) => {
    const hear = (line: string) => {
      lines.push(line);
      const found = lines.flatMap((one) => /serving (\S+)/.exec(one)?.[1] ?? []);
      if (found.length === count && expected.every((one) => found.some((url) => url.endsWith(one))))
        resolve(found);
    };
    createInterface(child.stdout).on('line', hear);
    createInterface(child.stderr).on('line', hear);
  });
  const failed = exited.then(() => {
    throw new Error(`ftpd has ended: ${lines.join('\n')}`);
  });
  failed.catch(() => {});
  const ports = ports_of(await Promise.race([urls, failed]));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE * 1000);
    await exited;
    clearTimeout(timer);
  };
  return { child, exited, lines, ports, port: ports[0] ?? 0, stop };
}

/** The processes that a process has started. */
export function children_of(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** A reply as the client got it. */
export interface Got {
  readonly code: number;
  /** all lines, with their codes */
  readonly text: string;
}

interface Wire {
  send(bytes: string | Uint8Array): Promise<void>;
  /** none at the end */
  receive(): Promise<Buffer>;
  close(): void;
}

function plain_wire(sock: ConnectedSocket): Wire {
  return {
    send: (bytes) => sock.sendall(bytes),
    receive: () => sock.recv(65_536, { timeout: PATIENCE }),
    close: () => sock.close(),
  };
}

/** A control connection by hand. */
export class Client {
  #wire: Wire;
  #buffer = '';
  readonly sock: ConnectedSocket;
  secure: tls.TLSSocket | undefined;
  /** the connection below TLS */
  raw: Duplex | undefined;
  session: Buffer | undefined;

  private constructor(sock: ConnectedSocket) {
    this.sock = sock;
    this.#wire = plain_wire(sock);
  }

  /** Speaks on a connection from which nothing has been read. */
  static on(sock: ConnectedSocket): Client {
    return new Client(sock);
  }

  /** Connects, and takes the greeting. */
  static async connect(port: number, host = '127.0.0.1'): Promise<Client> {
    const client = new Client(await create_connection([host, port], { timeout: PATIENCE }));
    await client.reply();
    return client;
  }

  /** Connects and logs in. */
  static async log_in(port: number, name = 'ann', password = PASSWORD): Promise<Client> {
    const client = await Client.connect(port);
    await client.expect(331, `USER ${name}`);
    await client.expect(230, `PASS ${password}`);
    return client;
  }

  /** Begins TLS behind AUTH TLS. */
  async start_tls(options: tls.ConnectionOptions = {}): Promise<void> {
    await this.expect(234, 'AUTH TLS');
    await this.handshake(options);
  }

  async handshake(options: tls.ConnectionOptions = {}): Promise<void> {
    const { ca } = test_certificates();
    this.raw = this.sock.to_stream();
    const secure = tls.connect({
      socket: this.raw,
      ca: ca.cert,
      servername: 'localhost',
      ...options,
    });
    secure.on('session', (session) => {
      this.session = session;
    });
    secure.on('error', () => {});
    await once(secure, 'secureConnect');
    this.secure = secure;
    const chunks: Buffer[] = [];
    let wake: (() => void) | undefined;
    let ended = false;
    secure.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      wake?.();
    });
    secure.on('close', () => {
      ended = true;
      wake?.();
    });
    this.#wire = {
      send: (bytes) =>
        new Promise((resolve, reject) => secure.write(bytes, (e) => (e ? reject(e) : resolve()))),
      async receive() {
        while (chunks.length === 0 && !ended)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        return chunks.shift() ?? Buffer.alloc(0);
      },
      close: () => secure.destroy(),
    };
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    await this.#wire.send(bytes);
  }

  /** Returns the next reply; code 0 at the end of the connection. */
  async reply(): Promise<Got> {
    for (;;) {
      const found = /^(\d{3})(?:-[^\n]*\n(?:[^\n]*\n)*?\1)? [^\n]*\n/.exec(this.#buffer);
      if (found !== null) {
        this.#buffer = this.#buffer.slice(found[0].length);
        return { code: Number(found[1]), text: found[0].trimEnd() };
      }
      const chunk = await this.#wire.receive().catch(() => Buffer.alloc(0));
      if (chunk.length === 0) return { code: 0, text: this.#buffer };
      this.#buffer += chunk.toString('utf8');
    }
  }

  async command(line: string): Promise<Got> {
    await this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Sends a command whose reply has this code. */
  async expect(code: number, line?: string): Promise<Got> {
    const got = line === undefined ? await this.reply() : await this.command(line);
    if (got.code !== code) throw new Error(`${line ?? 'the reply'}: ${code} was expected, not ${got.text}`);
    return got;
  }

  /** Opens a passive data connection. */
  async passive(): Promise<ConnectedSocket> {
    const { text } = await this.expect(229, 'EPSV');
    const port = Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);
    return create_connection(['127.0.0.1', port], { timeout: PATIENCE });
  }

  /** Returns what a command sends over a data connection. */
  async fetch(line: string): Promise<Buffer> {
    const data = await this.passive();
    await this.expect(150, line);
    const bytes = await read_all(data);
    await this.expect(226);
    return bytes;
  }

  /** Sends bytes over a data connection. Returns the last reply. */
  async store(line: string, bytes: string | Uint8Array): Promise<Got> {
    const data = await this.passive();
    await this.expect(150, line);
    await data.sendall(bytes);
    data.close();
    return this.reply();
  }

  /** Makes the TLS of a data connection that resumes the session of this control connection. */
  async secure_data(data: ConnectedSocket, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const { ca } = test_certificates();
    const session = this.session === undefined ? {} : { session: this.session };
    const secure = tls.connect({
      socket: data.to_stream(),
      ca: ca.cert,
      servername: 'localhost',
      ...session,
      ...options,
    });
    secure.on('error', () => {});
    secure.on('session', (next) => {
      this.session = next;
    });
    await once(secure, 'secureConnect');
    return secure;
  }

  close(): void {
    this.#wire.close();
    this.sock.close();
  }
}

export async function read_all(sock: ConnectedSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of sock) chunks.push(chunk);
  sock.close();
  return Buffer.concat(chunks);
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE * 1000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
