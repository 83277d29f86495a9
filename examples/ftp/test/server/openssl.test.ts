// OpenSSL's own client, s_client: AUTH TLS by its -starttls ftp, a client certificate, and sessions that it saves and resumes on data connections.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  make_place,
  PATIENCE,
  type Place,
  type Running,
  start_command,
  test_certificates,
  tls_settings,
  until,
} from './harness.js';

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2_654_435_761) >>> 11));
const KINDS = ['loop', 'threads', 'processes'] as const;
const has_openssl = spawnSync('openssl', ['version']).status === 0;

/** s_client as a process, and what it has received. */
class SClient {
  readonly child: ChildProcessWithoutNullStreams;
  received = Buffer.alloc(0);
  errors = '';

  constructor(port: number, options: readonly string[]) {
    const { ca } = test_certificates();
    const line = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ca.cert_file, '-quiet'];
    const checks = ['-verify_return_error', '-verify_hostname', 'localhost', '-servername', 'localhost'];
    this.child = spawn('openssl', [...line, ...checks, ...options]);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.child.stderr.on('data', (text) => {
      this.errors += text;
    });
    this.child.stdin.on('error', () => {});
    onTestFinished(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return;
      const closed = once(this.child, 'close');
      this.child.kill('SIGKILL');
      await closed;
    });
  }

  /** Waits for the next reply with this code, behind a command if there is one. */
  async expect(code: number, line?: string): Promise<string> {
    if (line !== undefined) this.child.stdin.write(`${line}\r\n`);
    let found: RegExpExecArray | null = null;
    await until(() => {
      found = /^(\d{3}) .*\r\n/m.exec(this.received.toString());
      return found !== null || this.child.exitCode !== null;
    }, `a reply to ${line}: ${this.errors}`);
    const [text = '', got] = found ?? [];
    this.received = this.received.subarray(this.received.toString().indexOf(text) + text.length);
    if (Number(got) !== code) throw new Error(`${line}: ${code} was expected, not ${text} ${this.errors}`);
    return text;
  }

  /** Returns all that comes to the end of the connection. */
  async all(): Promise<Buffer> {
    if (this.child.exitCode === null) await once(this.child, 'close');
    return this.received;
  }
}

describe.runIf(has_openssl).each(KINDS)('%s', (kind) => {
  let place: Place;
  let server: Running;

  beforeAll(async () => {
    place = await make_place(
      {
        kind,
        listen: [
          { host: '127.0.0.1', port: 0, tls: 'explicit' },
          { host: '127.0.0.1', port: 0, tls: 'implicit' },
        ],
        tls: tls_settings({ client_certificates: 'allow' }),
        timeouts: { data_connect: PATIENCE },
      },
      { carl: { certificates: ['CN=a client'], password: undefined } },
    );
    place.write('file', CONTENT);
    server = await start_command(place);
  });
  afterAll(async () => {
    await server.stop();
    place.remove();
  });

  const certificate = () => {
    const { client } = test_certificates();
    return ['-cert', client.cert_file, '-key', client.key_file];
  };

  test.each(['-tls1_2', '-tls1_3'])('%s: AUTH, a log-in by certificate, both directions', async (version) => {
    const session = join(place.folder, `session${version}`);
    const options = [version, '-starttls', 'ftp', '-sess_out', session, ...certificate()];
    const control = new SClient(server.ports[0] ?? 0, options);
    await control.expect(232, 'USER carl');
    await control.expect(200, 'PBSZ 0');
    await control.expect(200, 'PROT P');
    await control.expect(200, 'TYPE I');
    const is_saved = () => existsSync(session) && readFileSync(session, 'latin1').includes('-----END');
    await until(is_saved, 'a session is saved');
    /** A data connection. @param resumed whether it resumes the session */
    const data = async (resumed: boolean, ...more: string[]) => {
      const port = Number(/\|\|\|(\d+)\|/.exec(await control.expect(229, 'EPSV'))?.[1]);
      return new SClient(port, [version, ...(resumed ? ['-sess_in', session] : []), ...more]);
    };

    const download = await data(true);
    await control.expect(150, 'RETR file');
    expect((await download.all()).equals(CONTENT)).toBe(true);
    await control.expect(226);

    const upload = await data(true, '-no_ign_eof');
    await control.expect(150, `STOR up${version}`);
    // Its end is a close_notify.
    upload.child.stdin.end(CONTENT);
    await control.expect(226);
    expect(readFileSync(join(place.home, `up${version}`)).equals(CONTENT)).toBe(true);

    const cold = await data(false);
    await control.expect(150, 'RETR file');
    await control.expect(522);
    expect((await cold.all()).length).toBe(0);
    await control.expect(221, 'QUIT');
  });

  test('implicit TLS; without the certificate there is no log-in', async () => {
    const control = new SClient(server.ports[1] ?? 0, []);
    await control.expect(220);
    await control.expect(331, 'USER carl');
    await control.expect(530, 'PASS secret');
    await control.expect(331, 'USER ann');
    await control.expect(230, 'PASS secret');
    await control.expect(221, 'QUIT');
  });
});
