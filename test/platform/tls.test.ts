// TLS of servers with other programs: openssl s_client, curl and Python's ssl against AsyncTCPServer; HAProxy with TLS in front of servers
// that block, as docs/socketserver.md says. With node:tls, and what goes wrong: test/unit/socketserver/tls.test.ts.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as promises from 'bsd-sockets/promises';
import { AsyncTCPServer, ThreadingTCPServer } from 'bsd-sockets/socketserver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../certificates.js';
// @ts-expect-error: JavaScript, as a worker imports it
import { Stream } from '../unit/socketserver/fixtures/proxied.mjs';
import { run_haproxy } from './run_haproxy.js';

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const lacks = (program: string) => (has(program) ? undefined : `needs ${program}`);
const TIMEOUT = 60_000;

let made: Certificates;
beforeAll(() => {
  made = make_certificates();
});
afterAll(() => made.remove());

/** Serves with the certificate of localhost, each connection by `handle`. */
async function serving(
  handle: (request: promises.SSLSocket) => unknown,
  ssl: promises.SSLOptions,
  use: (port: number, errors: unknown[]) => Promise<void>,
): Promise<void> {
  const own: promises.SSLOptions = { key: made.server.key, cert: made.server.cert, ...ssl };
  const server = new AsyncTCPServer(['127.0.0.1', 0], handle, { ssl: own });
  const errors: unknown[] = [];
  server.handle_error = (_request, _address, error) => void errors.push(error);
  const served = server.serve_forever();
  try {
    await use(server.server_address[1], errors);
  } finally {
    await server.server_close();
    await served;
  }
}

/** Runs a program with input, and returns what it printed and its exit code. */
async function run(
  program: string,
  args: readonly string[],
  input = '',
): Promise<{ text: string; code: number }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { text, code: code ?? -1 };
}

/** Tells of the connection, then echoes lines until the end. */
async function echo(request: promises.SSLSocket): Promise<void> {
  const told = [
    request.version(),
    request.selected_alpn_protocol(),
    request.server_hostname,
    request.session_reused,
    request.getpeercert()?.subject.CN ?? null,
  ];
  await request.sendall(`told ${JSON.stringify(told)}\n`);
  for await (const line of request.makefile('rb')) await request.sendall(line);
}

describe('openssl s_client', { timeout: TIMEOUT }, () => {
  const client = (port: number, ...args: string[]) => [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-CAfile',
    made.ca.cert_file,
    '-verify_return_error',
    '-ign_eof',
    ...args,
  ];
  /** s_client ends when the server does: the handler ends after the line `quit`. */
  async function until_quit(request: promises.SSLSocket): Promise<void> {
    const told: unknown[] = [request.version(), request.selected_alpn_protocol(), request.server_hostname];
    told.push(String(request.session_reused), request.getpeercert()?.subject.CN ?? null);
    await request.sendall(`told ${JSON.stringify(told)}\n`);
    for await (const line of request.makefile('rb')) {
      await request.sendall(line);
      if (String(line) === 'quit\n') break;
    }
  }

  test.for([
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_3', 'TLSv1.3'],
  ] as const)('%s: ALPN, SNI, a client certificate; the session is resumed', async ([flag, version]) => {
    const ssl = {
      ALPNProtocols: ['ftp', 'h2'],
      requestCert: true,
      ca: made.ca.cert,
      sni_callback: (name: string) =>
        name === 'other.test' ? { key: made.other.key, cert: made.other.cert, ca: made.ca.cert } : null,
    };
    await serving(until_quit, ssl, async (port, errors) => {
      const args = [flag, '-alpn', 'x,ftp', '-cert', made.client.cert_file, '-key', made.client.key_file];
      const first = await run('openssl', client(port, ...args, '-servername', 'other.test'), 'hello\nquit\n');
      expect(first.text).toContain(`told ["${version}","ftp","other.test","false","a client"]`);
      expect(first.text).toMatch(/\nhello\n/);
      expect(first.text).toMatch(/subject=\/?CN ?= ?other\.test/);
      const session = join(made.folder, `${version}.session`);
      await run('openssl', client(port, ...args, '-servername', 'localhost', '-sess_out', session), 'quit\n');
      const again = await run(
        'openssl',
        client(port, ...args, '-servername', 'localhost', '-sess_in', session),
        'quit\n',
      );
      // Node before 22 knows the name of a resumed session only in TLS 1.3.
      const knows_name = version === 'TLSv1.3' || Number.parseInt(process.versions.node, 10) >= 22;
      const name = knows_name ? '"localhost"' : 'null';
      expect(again.text).toContain(`told ["${version}","ftp",${name},"true","a client"]`);
      expect(again.text).toContain('Reused, ');
      const none = await run('openssl', client(port, flag, '-alpn', 'x'), 'quit\n');
      expect(none.text).not.toContain('told');
      expect(errors).toEqual([]);
    });
  });

  test('-reconnect resumes five times', async () => {
    await serving(until_quit, { maxVersion: 'TLSv1.2' }, async (port) => {
      const { text } = await run('openssl', client(port, '-reconnect'), 'quit\n');
      expect(text.match(/^Reused, /gm)).toHaveLength(5);
    });
  });

  test('renegotiation ends where Node ends it, after three times', async () => {
    await serving(until_quit, { maxVersion: 'TLSv1.2' }, async (port, errors) => {
      // s_client takes the line R as a command unless -ign_eof is given.
      const args = client(port, '-tls1_2').filter((arg) => arg !== '-ign_eof');
      const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT });
      child.stdin.on('error', () => {});
      const ask = setInterval(() => child.stdin.write('R\n'), 100);
      for (const out of [child.stdout, child.stderr]) out.resume();
      while (errors.length === 0 && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 20));
      clearInterval(ask);
      child.kill();
      expect(errors).toMatchObject([{ name: 'SSLError', code: 'ERR_TLS_SESSION_ATTACK' }]);
      expect((await run('openssl', client(port), 'quit\n')).text).toContain('told');
    });
  });
});

test('curl https', { timeout: TIMEOUT }, async (ctx) => {
  ctx.skip(lacks('curl') !== undefined, lacks('curl'));
  const body = Buffer.alloc(3_000_000, 'body');
  const handle = async (request: promises.SSLSocket) => {
    const file = request.makefile('rb');
    let length = 0;
    for await (const line of file) {
      const [, count] = /^content-length: (\d+)/i.exec(String(line)) ?? [];
      if (count !== undefined) length = Number(count);
      if (/^expect:/i.test(String(line))) await request.sendall('HTTP/1.1 100 Continue\r\n\r\n');
      if (String(line) === '\r\n') break;
    }
    const got = await file.read(length);
    const head = `HTTP/1.1 200 OK\r\nX-Got: ${got?.length}\r\nContent-Length: ${body.length}\r\n\r\n`;
    await request.sendall(head);
    await request.sendall(body);
  };
  await serving(handle, { ALPNProtocols: ['http/1.1'] }, async (port, errors) => {
    const upload = join(made.folder, 'upload');
    const download = join(made.folder, 'download');
    writeFileSync(upload, Buffer.alloc(5_000_000, 'up'));
    const { stdout } = await promisify(execFile)('curl', [
      '-sS',
      '--cacert',
      made.ca.cert_file,
      '-o',
      download,
      '-D',
      '-',
      '--data-binary',
      `@${upload}`,
      `https://localhost:${port}/`,
      '--resolve',
      `localhost:${port}:127.0.0.1`,
    ]);
    expect(stdout).toMatch(/x-got: 5000000/i);
    expect(readFileSync(download).equals(body)).toBe(true);
    const refused = run('curl', ['-sS', `https://127.0.0.1:${port}/`]);
    expect((await refused).code).toBe(60);
    expect(errors).toEqual([]);
  });
});

test('Python: both directions, unwrap() both ways, and an end without it', {
  timeout: TIMEOUT,
}, async (ctx) => {
  ctx.skip(lacks('python3') !== undefined, lacks('python3'));
  const program = `
import json, socket, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(['y', 'ftp'])
def connect():
    return context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname='localhost', suppress_ragged_eofs=False)
with connect() as sock:
    told = sock.makefile('rb').readline()
    data = b'0123456789' * 300000 + b'\\n'
    import threading
    sender = threading.Thread(target=sock.sendall, args=(data,))
    sender.start()
    got = b''
    while len(got) < len(data): got += sock.recv(65536)
    sender.join()
    print(json.dumps([told.decode(), got == data, sock.version(), sock.selected_alpn_protocol()]))
    # Waits for the close_notify of the server.
    sock.unwrap()
with connect() as sock:
    sock.recv(100)
`;
  await serving(echo, { ALPNProtocols: ['ftp'] }, async (port, errors) => {
    const { text, code } = await run('python3', ['-c', program, String(port), made.ca.cert_file]);
    expect({ text, code }).toEqual({
      text: `${JSON.stringify(['told ["TLSv1.3","ftp","localhost",false,null]\n', true, 'TLSv1.3', 'ftp']).replaceAll('","', '", "').replace('",true,"', '", true, "')}\n`,
      code: 0,
    });
    for (let i = 0; errors.length === 0 && i < 200; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(errors.map((error) => (error as Error).name)).toEqual(['SSLEOFError']);
  });
});

describe('in front of servers that block', { timeout: TIMEOUT }, () => {
  test('HAProxy ends TLS for a ThreadingTCPServer, which knows the client', async (ctx) => {
    ctx.skip(lacks('haproxy') !== undefined, lacks('haproxy'));
    const folder = mkdtempSync(join(tmpdir(), 'haproxy-tls-'));
    const server = new ThreadingTCPServer(['127.0.0.1', 0], Stream, {
      proxy_protocol: { trusted: ['127.0.0.1'] },
    });
    const served = server.serve_forever();
    using listener = await promises.create_server(['127.0.0.1', 0]);
    const port = listener.getsockname()[1];
    listener.close();
    const pem = join(folder, 'server.pem');
    writeFileSync(pem, Buffer.concat([made.server.cert, made.server.key]));
    // The configuration of docs/socketserver.md, with these ports and files.
    const [, shown = ''] = /```ini\n([\s\S]*?)```/.exec(readFileSync('docs/socketserver.md', 'utf8')) ?? [];
    const config = shown
      .replace('bind :443', `bind 127.0.0.1:${port}`)
      .replace('/etc/ssl/private/server.pem', pem)
      .replace('127.0.0.1:8000', `127.0.0.1:${server.server_address[1]}`);
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, config);
    try {
      await run_haproxy(file, port, async () => {
        const { connect } = await import('node:tls');
        const client = connect({
          port,
          host: '127.0.0.1',
          ca: made.ca.cert,
          servername: 'localhost',
          minVersion: 'TLSv1.2',
        });
        await once(client, 'secureConnect');
        const own = client.localPort;
        client.end('data');
        let text = '';
        for await (const chunk of client) text += chunk;
        const [line = '', rest] = text.split('\n');
        const { client_address, said } = JSON.parse(line);
        expect({ client_address, rest }).toEqual({ client_address: ['127.0.0.1', own], rest: 'data' });
        expect(said.tlvs.some(([tlv]: [string]) => tlv === 'ssl')).toBe(true);
      });
    } finally {
      rmSync(folder, { recursive: true });
      await server.server_close();
      await served;
    }
  });
});
