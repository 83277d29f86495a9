// Clients that people have: curl, lftp and Python's ftplib do everything, plain and over TLS, against each kind of server; and 100 at once.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Client,
  make_place,
  type Place,
  type Running,
  start_command,
  test_certificates,
  tls_settings,
} from './harness.js';

const run = promisify(execFile);
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const KINDS = ['loop', 'threads', 'processes'] as const;
const CONTENT = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 2_654_435_761) >>> 11));

const FTPLIB = `
import ftplib, io, ssl, sys
port, ca, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size
content = open(sys.argv[4], 'rb').read()
if mode == 'plain':
    ftp = ftplib.FTP()
    ftp.connect('localhost', port)
else:
    context = ssl.create_default_context(cafile=ca)
    if mode == 'TLS 1.2':
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    ftp = Resuming(context=context)
    ftp.connect('localhost', port)
    ftp.auth()
ftp.login('ann', 'secret')
if mode != 'plain':
    ftp.prot_p()
for passive in (True, False):
    ftp.set_pasv(passive)
    ftp.mkd('py')
    ftp.cwd('py')
    assert ftp.pwd() == '/py', ftp.pwd()
    ftp.storbinary('STOR a', io.BytesIO(content))
    assert ftp.size('a') == len(content)
    got = io.BytesIO()
    ftp.retrbinary('RETR a', got.write)
    assert got.getvalue() == content
    got = io.BytesIO()
    ftp.retrbinary('RETR a', got.write, rest=len(content) - 10)
    assert got.getvalue() == content[-10:]
    ftp.storbinary('APPE a', io.BytesIO(b'more'))
    assert ftp.size('a') == len(content) + 4
    ftp.storlines('STOR text', io.BytesIO(b'one\\ntwo\\n'))
    lines = []
    ftp.retrlines('RETR text', lines.append)
    assert lines == ['one', 'two'], lines
    assert sorted(ftp.nlst()) == ['a', 'text'], ftp.nlst()
    assert sorted(name for name, facts in ftp.mlsd() if facts['type'] == 'file') == ['a', 'text']
    ftp.retrlines('LIST', lines.append)
    assert len(lines) == 4
    ftp.rename('a', 'b')
    ftp.delete('b')
    ftp.delete('text')
    ftp.cwd('..')
    ftp.rmd('py')
    # Aborted downloads leave the session in order.
    ftp.storbinary('STOR c', io.BytesIO(content))
    conn = ftp.transfercmd('RETR c')
    conn.recv(100)
    try:
        ftp.abort()
    except ftplib.error_proto:
        pass
    conn.close()
    if ftp.voidcmd('NOOP')[:3] != '200':
        ftp.getresp()
    ftp.delete('c')
assert ftp.quit()[:3] == '221'
print('well')
`;

describe.each(KINDS)('%s', (kind) => {
  let place: Place;
  let server: Running;
  let source: string;

  beforeAll(async () => {
    place = await make_place(
      { listen: [{ host: '127.0.0.1', port: 0, tls: 'explicit' }], kind, tls: tls_settings() },
      { anonymous: { anonymous: true, permissions: 'full' } },
    );
    source = join(place.folder, 'source');
    writeFileSync(source, CONTENT);
    server = await start_command(place);
  });
  afterAll(async () => {
    await server.stop();
    place.remove();
  });

  const is_uploaded = (name: string) => place.read(name).equals(CONTENT);

  // The protocol's versions do not differ by kind.
  describe.each(kind === 'loop' ? ['plain', 'TLS 1.2', 'TLS 1.3'] : ['plain', 'TLS 1.3'])('%s', (mode) => {
    test.runIf(has('curl'))('curl', async () => {
      const { ca } = test_certificates();
      const secure =
        mode === 'plain' ? [] : ['--ssl-reqd', '--cacert', ca.cert_file, '--tls-max', mode.slice(4)];
      const curl = async (path: string, ...args: string[]) => {
        const url = `ftp://ann:secret@localhost:${server.port}/${path}`;
        const options = { encoding: 'buffer', maxBuffer: 10_000_000 } as const;
        return (await run('curl', ['-sS4', '-m', '50', ...secure, ...args, url], options)).stdout;
      };
      await curl('curl/up', '-T', source, '--ftp-create-dirs');
      expect(is_uploaded('curl/up')).toBe(true);
      expect((await curl('curl/up')).equals(CONTENT)).toBe(true);
      expect((await curl('curl/up', '-C', '699990')).equals(CONTENT.subarray(699_990))).toBe(true);
      expect((await curl('curl/up', '-r', '10-19')).equals(CONTENT.subarray(10, 20))).toBe(true);
      if (mode === 'plain') expect((await curl('curl/up', '-P', '-')).equals(CONTENT)).toBe(true);
      await curl('curl/up', '-T', source, '-a');
      expect(place.read('curl/up').length).toBe(2 * CONTENT.length);
      expect((await curl('curl/')).toString()).toMatch(/ 1400000 .* up\r?\n/);
      expect((await curl('curl/', '-l')).toString()).toMatch(/^up\r?\n$/);
      expect((await curl('curl/up', '-I')).toString()).toMatch(/Content-Length: 1400000/);
      await curl('', '-Q', 'RNFR curl/up', '-Q', 'RNTO curl/down', '-Q', 'DELE curl/down', '-Q', 'RMD curl');
      expect(existsSync(join(place.home, 'curl'))).toBe(false);
    });

    test.runIf(has('lftp'))('lftp', async () => {
      const { ca } = test_certificates();
      const target = join(place.folder, `lftp ${mode}`);
      mkdirSync(target);
      const priority = mode === 'TLS 1.2' ? 'NORMAL:-VERS-TLS1.3' : 'NORMAL';
      const script = `
        set cmd:fail-exit true; set net:timeout 20; set net:max-retries 2; set xfer:clobber true
        set ssl:priority ${priority}; set ssl:ca-file ${ca.cert_file}
        set ftp:ssl-allow ${mode !== 'plain'}; set ftp:ssl-force ${mode !== 'plain'}; set ftp:ssl-protect-data true
        open -u ann,secret ftp://localhost:${server.port}
        mkdir -p lftp/deep; put ${source} -o lftp/up; put ${source} -o lftp/deep/up
        get lftp/up -o "${target}/down"
        mirror lftp "${target}/mirrored"
        mirror -R "${target}/mirrored" lftp/again
        pget -n 3 lftp/up -o "${target}/parts"
        cls -l lftp; nlist lftp; chmod 600 lftp/up; mv lftp/up lftp/moved; find lftp
        rm -r lftp`;
      const { stdout } = await run('lftp', ['-c', script], { timeout: 50_000 });
      expect(stdout).toContain('lftp/again/deep/up');
      for (const name of ['down', 'mirrored/deep/up', 'parts'])
        expect(place.read(`../lftp ${mode}/${name}`).equals(CONTENT)).toBe(true);
      expect(existsSync(join(place.home, 'lftp'))).toBe(false);
    });

    test.runIf(has('python3'))("Python's ftplib", async () => {
      const args = ['-c', FTPLIB, String(server.port), test_certificates().ca.cert_file, mode, source];
      const { stdout } = await run('python3', args, { timeout: 50_000 });
      expect(stdout).toBe('well\n');
    });
  });

  test('100 clients at once', async () => {
    const content = CONTENT.subarray(0, 100_000);
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const client = await Client.connect(server.port);
        await client.expect(331, 'USER anonymous');
        await client.expect(230, 'PASS me@example.org');
        await client.expect(200, 'TYPE I');
        await client.expect(257, `MKD ${i}`);
        await client.expect(250, `CWD ${i}`);
        expect((await client.store('STOR file', content)).code).toBe(226);
        expect((await client.fetch('RETR file')).equals(content)).toBe(true);
        expect((await client.fetch('MLSD')).toString()).toContain('size=100000;');
        await client.expect(250, 'DELE file');
        await client.expect(250, `RMD /${i}`);
        await client.expect(221, 'QUIT');
        client.close();
      }),
    );
  });
});

test('FileZilla: what it says, in its order', async () => {
  const place = await make_place({
    listen: [{ host: '127.0.0.1', port: 0, tls: 'explicit' }],
    tls: tls_settings(),
  });
  place.write('file', CONTENT);
  const server = await start_command(place);
  const client = await Client.connect(server.port);
  await client.start_tls();
  await client.expect(331, 'USER ann');
  await client.expect(230, 'PASS secret');
  await client.expect(215, 'SYST');
  const { text } = await client.expect(211, 'FEAT');
  expect(text).toMatch(/^ UTF8\r$/m);
  expect(text).toMatch(/^ MLST type\*;size\*;modify\*;/m);
  await client.expect(200, 'CLNT FileZilla');
  await client.expect(200, 'OPTS UTF8 ON');
  await client.expect(200, 'PBSZ 0');
  await client.expect(200, 'PROT P');
  await client.expect(200, 'OPTS MLST type;size;modify;perm;');
  expect((await client.expect(257, 'PWD')).text).toBe('257 "/" is the directory.');
  await client.expect(200, 'TYPE I');
  const listing = async () => {
    const data = await client.passive();
    await client.expect(150, 'MLSD');
    const stream = await client.secure_data(data);
    expect(stream.isSessionReused()).toBe(true);
    let lines = '';
    for await (const chunk of stream) lines += chunk;
    await client.expect(226);
    return lines;
  };
  expect(await listing()).toMatch(/^type=file;size=700000;modify=\d{14};perm=adfrw; file\r$/m);
  await client.expect(213, 'SIZE file');
  await client.expect(213, 'MDTM file');
  await client.expect(350, 'REST 350000');
  const data = await client.passive();
  await client.expect(150, 'RETR file');
  const stream = await client.secure_data(data);
  let received = 0;
  for await (const chunk of stream) received += (chunk as Buffer).length;
  expect(received).toBe(350_000);
  await client.expect(226);
  // It is stopped, and goes on.
  const aborted = await client.passive();
  await client.expect(150, 'STOR new');
  const writing = await client.secure_data(aborted);
  writing.write(CONTENT.subarray(0, 1000));
  await client.expect(426, 'ABOR');
  await client.expect(226);
  writing.destroy();
  await client.expect(350, 'REST 0');
  await client.expect(213, 'MFMT 20200102030405 file');
  expect(await listing()).toContain('modify=20200102030405;');
  await client.expect(221, 'QUIT');
  client.close();
  await server.stop();
  place.remove();
});
