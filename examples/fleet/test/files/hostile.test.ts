// Targets that lie: an SFTP server of ssh2 whose answers the test decides. Nothing outside of the folder is touched, and nothing waits for ever.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { get, LocalSource, put, Remote } from '../../src/files/index.js';

const { STATUS_CODE } = ssh2.utils.sftp;
const FOLDER = 0o040755;
const FILE = 0o100644;
const { privateKey: KEY } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

interface Lies {
  /** of each READDIR after an OPENDIR, in turn; the last one again and again if `endless` */
  readonly listings?: readonly (readonly string[])[];
  readonly endless?: boolean;
  /** mode of the source, and of entries */
  readonly mode?: number;
  readonly entry_mode?: number;
  readonly size?: number;
  /** what READ answers; undefined: nothing, ever */
  readonly data?: Buffer | 'end' | undefined;
  /** what a command prints */
  readonly printed?: string;
}

let folder: string;
const clients: ssh2.Client[] = [];
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), `fleet-hostile-${process.pid}-`));
  mkdirSync(join(folder, 'target'));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function liar(lies: Lies): Promise<Remote> {
  const attributes = (mode: number) => ({ mode, uid: 0, gid: 0, size: lies.size ?? 0, atime: 0, mtime: 0 });
  const server = new ssh2.Server({ hostKeys: [KEY] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => context.accept());
    connection.on('session', (accept) => {
      const session = accept();
      session.on('exec', (accept_exec) => {
        const channel = accept_exec();
        channel.write(lies.printed ?? '');
        channel.exit(0);
        channel.end();
      });
      session.on('sftp', (accept_sftp) => {
        const sftp = accept_sftp();
        const handle = Buffer.from('handle');
        let listed = 0;
        for (const event of ['STAT', 'LSTAT'] as const)
          sftp.on(event, (id: number) => sftp.attrs(id, attributes(lies.mode ?? FOLDER)));
        sftp.on('OPENDIR', (id) => {
          listed = 0;
          sftp.handle(id, handle);
        });
        sftp.on('OPEN', (id) => sftp.handle(id, handle));
        sftp.on('CLOSE', (id) => sftp.status(id, STATUS_CODE.OK));
        sftp.on('REMOVE', (id) => sftp.status(id, STATUS_CODE.OK));
        sftp.on('WRITE', () => undefined);
        sftp.on('READDIR', (id) => {
          const { listings = [], endless } = lies;
          const names = listings[endless ? Math.min(listed, listings.length - 1) : listed];
          listed += 1;
          if (names === undefined) return sftp.status(id, STATUS_CODE.EOF);
          const attrs = attributes(lies.entry_mode ?? FILE);
          sftp.name(
            id,
            names.map((filename) => ({ filename, longname: filename, attrs })),
          );
        });
        sftp.on('READ', (id) => {
          if (lies.data === 'end') sftp.status(id, STATUS_CODE.EOF);
          else if (lies.data !== undefined) sftp.data(id, lies.data);
        });
      });
    });
  });
  // Without TCP_NODELAY each answer would wait for an acknowledgement of the one before it.
  const listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
  servers.push(listener);
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = new ssh2.Client();
  clients.push(client);
  await new Promise((done, failed) => {
    client.on('ready', () => done(undefined));
    client.on('error', failed);
    client.on('connect', () => client.setNoDelay(true));
    client.connect({ host: '127.0.0.1', port: port ?? 0, username: 'ann', password: 'x' });
  });
  return Remote.open(client);
}

test.each(['../escaped', '/tmp/escaped', 'sub/../../escaped', 'a\0b', ''])(
  'a listing with the name %j is refused',
  async (name) => {
    const remote = await liar({ listings: [['fine', name]], size: 1, data: Buffer.from('x') });
    await expect(get(remote, '/src', join(folder, 'target'))).rejects.toThrow('a listing has the name');
    expect(readdirSync(folder)).toEqual(['target']);
    expect(readdirSync(join(folder, 'target'))).toEqual([]);
  },
);

test('escapes of a name are not in the error', async () => {
  const remote = await liar({ listings: [['../\x1b[2J']] });
  const error = await get(remote, '/src', join(folder, 'target')).catch((reason) => reason);
  expect(error.message).toContain('x1b[2J');
  expect(error.message).not.toContain('\x1b');
});

test('names that only look like it are files', async () => {
  const remote = await liar({ listings: [['..escaped', '-rf', '~root']], data: 'end' });
  expect((await get(remote, '/src', join(folder, 'target'))).failed).toBe(0);
  expect(readdirSync(join(folder, 'target')).sort()).toEqual(['-rf', '..escaped', '~root']);
});

test('names that are too long fail one by one, the others are there', async () => {
  const long = 'x'.repeat(300);
  const remote = await liar({ listings: [[long, 'fine', 'y'.repeat(20_000)]], data: 'end' });
  const { files } = await get(remote, '/src', join(folder, 'target'));
  expect(files.map(({ state }) => state).sort()).toEqual(['failed', 'failed', 'sent']);
  for (const { state, reason } of files) if (state === 'failed') expect(reason).toMatch(/^ENAMETOOLONG/);
  expect(readdirSync(join(folder, 'target'))).toEqual(['fine']);
});

test('names with escapes and ends of lines are files, and no reason obeys them', async () => {
  const names = ['\x1b[2J', 'two\nlines', '\x1b]0;title\x07', 'a\\nb', '\u202egpj.exe'];
  const remote = await liar({ listings: [names], size: 10, data: 'end' });
  const { files } = await get(remote, '/src', join(folder, 'target'));
  expect(files.map(({ path }) => path).sort()).toEqual(
    names.map((name) => join(folder, 'target', name)).sort(),
  );
  for (const { reason = '' } of files) expect(reason).toBe('the file became shorter while it was read');
});

test('the same name again and again is one file or a failure, and nothing else', async () => {
  const remote = await liar({
    listings: [Array.from({ length: 50 }, () => 'again')],
    size: 4,
    data: Buffer.from('data'),
  });
  const { files } = await get(remote, '/src', join(folder, 'target'));
  expect(files).toHaveLength(50);
  const left = readdirSync(join(folder, 'target'));
  expect(left.filter((name) => !name.endsWith('.part'))).toEqual(['again']);
  expect(readFileSync(join(folder, 'target', 'again'), 'utf8')).toBe('data');
});

test('more than was asked for is not taken', async () => {
  const remote = await liar({ mode: FILE, size: 1000, data: Buffer.alloc(30_000, 'x') });
  const result = await get(remote, '/src', join(folder, 'target', 'file')).catch((error) => error);
  expect(
    existsSync(join(folder, 'target', 'file')) ? statSync(join(folder, 'target', 'file')).size : 0,
  ).toBeLessThanOrEqual(1000);
  expect(JSON.stringify(result)).toMatch(/"failure":"cut-off"|"state":"(sent|failed)"/);
});

test('a size that no disk has is refused before anything comes', async () => {
  const remote = await liar({ mode: FILE, size: 2 ** 50, data: Buffer.alloc(1000) });
  const work = get(remote, '/src', join(folder, 'target', 'file'));
  await expect(work).rejects.toThrow('no space here for 1.1 PB');
  expect(readdirSync(join(folder, 'target'))).toEqual([]);
});

test('a command that prints without end is left', async () => {
  writeFileSync(join(folder, 'target', 'file'), Buffer.alloc(20 << 20));
  const printed = 'fleet:12\nfleet:34\n'.repeat(1 << 20);
  const remote = await liar({ mode: FILE, size: 20 << 20, data: 'end', printed });
  const { files } = await get(remote, '/src', join(folder, 'target', 'file'));
  expect(files).toMatchObject([{ state: 'failed', reason: 'the file became shorter while it was read' }]);
});

test('folders that contain themselves end', async () => {
  const remote = await liar({ listings: [['again']], entry_mode: FOLDER });
  const error = await get(remote, '/src', join(folder, 'target')).catch((reason) => reason);
  expect(error.message).toContain('nested too deeply');
  expect(existsSync(join(folder, 'target', 'again'))).toBe(false);
});

test('a listing without end is left when the user asks', async () => {
  const remote = await liar({ listings: [['file']], endless: true });
  const work = get(remote, '/src', join(folder, 'target'), { signal: AbortSignal.timeout(300) });
  await expect(work).rejects.toMatchObject({ failure: 'stopped' });
});

test('a file that is shorter than announced is a failure, and does not get its name', async () => {
  const remote = await liar({ mode: FILE, size: 1000, data: 'end' });
  const { files } = await get(remote, '/src', join(folder, 'target', 'file'));
  expect(files).toMatchObject([{ state: 'failed', reason: 'the file became shorter while it was read' }]);
  expect(existsSync(join(folder, 'target', 'file'))).toBe(false);
});

test('a file whose hash is not what it says is a failure, and nothing of it stays', async () => {
  const remote = await liar({
    mode: FILE,
    size: 4,
    data: Buffer.from('evil'),
    printed: `${'0'.repeat(64)}  /src\n`,
  });
  const { files } = await get(remote, '/src', join(folder, 'target', 'file'));
  expect(files).toMatchObject([{ state: 'failed', reason: expect.stringContaining('the hash differs') }]);
  expect(readdirSync(join(folder, 'target'))).toEqual([]);
});

test.each(['get', 'put'] as const)(
  '%s: a target that is silent is left when the user asks',
  async (direction) => {
    const remote = await liar({ mode: FILE, size: 1000, data: undefined });
    const stop = AbortSignal.timeout(300);
    writeFileSync(join(folder, 'file'), 'content');
    const work =
      direction === 'get'
        ? get(remote, '/src', join(folder, 'target', 'file'), { signal: stop })
        : put(remote, await LocalSource.open(join(folder, 'file')), '/target', { signal: stop });
    await expect(work).rejects.toMatchObject({ failure: 'stopped' });
  },
);

test('a target that is lost while it is silent is one that was cut off', async () => {
  const remote = await liar({ mode: FILE, size: 1000, data: undefined });
  const work = get(remote, '/src', join(folder, 'target', 'file'));
  const result = expect(work).rejects.toMatchObject({ failure: 'cut-off' });
  setTimeout(() => clients[0]?.destroy(), 200);
  await result;
  await expect(remote.lstat('/')).rejects.toMatchObject({ failure: 'cut-off' });
  const [client] = clients;
  await expect(client && Remote.open(client)).rejects.toMatchObject({ failure: 'cut-off' });
});
