// Servers that are broken, silent or hostile: every wait is bounded, each case has its exit code, and no file is written outside of the target.
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { FTPClient } from '../../dist/client/index.js';
import { type Behaviour, CONTENT, FACTS, type FakeServer, start_fake_server } from './fake_server.js';
import { ftpc } from './ftpc.js';

let folder: string;
let server: FakeServer | undefined;
// Those of concurrent tests, too.
const folders: string[] = [];
function new_folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ftpc-hostile-'));
  folders.push(path);
  return path;
}
beforeEach(() => {
  folder = new_folder();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

const COMMON = ['--no-netrc', '--json'];
/** For servers that are silent. A connection takes seconds where the machine is busy, and its time-out is another failure. */
const QUICK = ['--timeout', '0.7', '--data-timeout', '0.7', '--connect-timeout', '8', ...COMMON];
/** For all others: on a busy machine an answer may take seconds. */
const PATIENT = ['--timeout', '30', '--data-timeout', '30', '--connect-timeout', '30', ...COMMON];

async function run(behaviour: Behaviour, command: string, path: string, more: readonly string[] = []) {
  server = await start_fake_server(behaviour);
  return ftpc([command, ...(more.length > 0 ? more : PATIENT), `ftp://127.0.0.1:${server.port}/${path}`], {
    cwd: folder,
  });
}

/** Does this at one command. */
const at =
  (command: string, act: Behaviour): Behaviour =>
  (name, argument, peer) =>
    name === command && act(name, argument, peer);

const silent: Behaviour = () => true;
const says =
  (text: string): Behaviour =>
  (_name, _argument, peer) => {
    peer.say(text);
    return true;
  };
const closes: Behaviour = (_name, _argument, { socket }) => {
  socket.destroy();
  return true;
};
/** Bytes for ever, as long as anybody reads them. */
const floods =
  (text: string): Behaviour =>
  (_name, _argument, { socket }) => {
    const more = () => {
      while (!socket.destroyed && socket.write(text));
    };
    socket.on('drain', more);
    more();
    return true;
  };

const LARGE = Buffer.alloc(1_000_000, 'x');

const CASES: [string, number, Behaviour, string?, string?][] = [
  ['a connection that is closed at once', 3, at('', closes)],
  ['421 for a greeting', 3, at('', says('421 too many'))],
  ['no greeting', 10, at('', silent)],
  ['garbage for a greeting', 9, at('', says('SSH-2.0-OpenSSH'))],
  ['a line without an end', 9, at('', floods('2'.repeat(10_000)))],
  ['an answer without an end', 9, at('', floods('220-x\r\n'.repeat(1000)))],
  ['answers for ever', 9, at('', floods('garbage\r\n'))],
  ['no answer to USER', 10, at('USER', silent)],
  ['no answer to PASS', 10, at('PASS', silent)],
  ['a wrong password', 5, at('PASS', says('530 wrong'))],
  ['a log-in that needs an account', 5, at('PASS', says('332 account'))],
  ['no answer to FEAT', 10, at('FEAT', silent)],
  ['no answer to TYPE', 10, at('TYPE', silent)],
  ['a file that is none', 6, at('MLST', says('550 no such file'))],
  ['facts that are none', 9, at('MLST', says('250-\r\n nothing\r\n250 End'))],
  ['a file that may not be read', 11, at('RETR', says('550 Permission denied'))],
  ['no answer to EPSV', 10, at('EPSV', silent)],
  ['EPSV without a port', 9, at('EPSV', says('229 ok'))],
  ['EPSV with the port 0', 9, at('EPSV', says('229 (|||0|)'))],
  [
    'neither EPSV nor PASV',
    11,
    (name, argument, peer) => /^(EPSV|PASV)$/.test(name) && says('502 no')(name, argument, peer),
  ],
  ['no answer to RETR', 10, at('RETR', silent)],
  [
    'the connection is lost within a transfer',
    3,
    at('RETR', (_name, _argument, peer) => {
      peer.say('150 ok');
      peer.socket.destroy();
      return true;
    }),
  ],
  ['no data', 10, at('RETR', says('150 ok'))],
  [
    'data that stops',
    10,
    at('RETR', async (_name, _argument, peer) => {
      peer.say('150 ok');
      (await peer.data()).write('x');
      return true;
    }),
  ],
  [
    'data that is cut, with 426',
    7,
    at('RETR', async (_name, _argument, peer) => {
      peer.say('150 ok');
      (await peer.data()).end('x');
      peer.say('426 cut');
      return true;
    }),
  ],
  [
    'data that is too short, with 226',
    7,
    at('RETR', async (_name, _argument, peer) => {
      await peer.send_data(CONTENT.subarray(0, 100));
      return true;
    }),
  ],
  [
    'data that is too long',
    7,
    at('RETR', async (_name, _argument, peer) => {
      peer.say('150 ok');
      (await peer.data()).write(LARGE);
      return true;
    }),
  ],
  [
    'a data connection that is reset',
    7,
    at('RETR', async (_name, _argument, peer) => {
      peer.say('150 ok');
      const data = await peer.data();
      data.write('x');
      data.resetAndDestroy();
      return true;
    }),
  ],
  [
    'no answer after the data',
    10,
    at('RETR', async (_name, _argument, peer) => {
      peer.say('150 ok');
      (await peer.data()).end(CONTENT);
      return true;
    }),
  ],
  [
    'a listing that is none',
    9,
    at('MLSD', async (_name, _argument, peer) => {
      await peer.send_data(Buffer.from('hello\r\n'));
      return true;
    }),
    'ls',
    '',
  ],
  [
    'a listing whose line has no end',
    9,
    at('MLSD', async (_name, _argument, peer) => {
      peer.say('150 ok');
      (await peer.data()).write(LARGE);
      return true;
    }),
    'ls',
    '',
  ],
  ['a session that the server ends', 3, at('RETR', says('421 idle for too long'))],
];

test.concurrent.each(CASES)(
  '%s: exit code %i',
  async (_name, code, behaviour, command = 'get', path = 'file') => {
    const own = new_folder();
    const peer = await start_fake_server(behaviour);
    const line = [command, ...(code === 10 ? QUICK : PATIENT), `ftp://127.0.0.1:${peer.port}/${path}`];
    const { code: found, stdout } = await ftpc(line, { cwd: own });
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    expect([found, JSON.parse(last).exit_code]).toEqual([code, code]);
    // A file that is not whole never has the file's name.
    expect(existsSync(join(own, 'file'))).toBe(false);
    await peer.stop();
  },
);

test('a server that does not answer to QUIT delays nothing for long', async () => {
  const { code } = await run(at('QUIT', silent), 'get', 'file', [...PATIENT, '--timeout', '5']);
  expect(code).toBe(0);
  expect(readFileSync(join(folder, 'file')).equals(CONTENT)).toBe(true);
});

test('nobody listens: exit code 3; a name that is none: 3', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  expect((await ftpc(['ls', ...PATIENT, `ftp://127.0.0.1:${port}/`])).code).toBe(3);
  expect((await ftpc(['ls', ...PATIENT, `ftp://${'x'.repeat(64)}/`])).code).toBe(3);
});

test('names that are none are left out of what is written, and the rest is got', async () => {
  const names = ['../escape', '/etc/escape', 'a/escape', '..', '.', 'nul\0', 'good', '\x1b[2Jred'];
  const listing = names.map((name) => `${FACTS} ${name}\r\n`).join('');
  const { code, stdout } = await run(
    at('MLSD', async (_name, _argument, peer) => {
      await peer.send_data(Buffer.from(listing));
      return true;
    }),
    'get',
    'top/',
    [...PATIENT, '-r', '-o', join(folder, 'target')],
  );
  expect(code).toBe(11);
  expect(readdirSync(folder)).toEqual(['target']);
  expect(readdirSync(join(folder, 'target'), { recursive: true }).sort()).toEqual(['\x1b[2Jred', 'good']);
  expect(stdout).toContain('not all of the folder could be listed');
  expect(stdout).not.toContain('\x1b');
});

test('names are escaped on a terminal', async () => {
  server = await start_fake_server(
    at('MLSD', async (_name, _argument, peer) => {
      await peer.send_data(Buffer.from(`${FACTS} \x1b[2J\u202ered\r\n`));
      return true;
    }),
  );
  const { stdout, code } = await ftpc(['ls', '--no-netrc', `ftp://127.0.0.1:${server.port}/`]);
  expect([code, stdout]).toEqual([0, '\\x1b[2J\\u{202e}red\n']);
});

test('links below the target are not followed', async () => {
  const outside = join(folder, 'outside');
  const target = join(folder, 'target');
  mkdirSync(outside);
  mkdirSync(target);
  writeFileSync(join(outside, 'victim'), 'as it was');
  symlinkSync(outside, join(target, 'sub'));
  symlinkSync(join(outside, 'victim'), join(target, 'file'));
  server = await start_fake_server((name, argument, peer) => {
    if (name !== 'MLSD') return undefined;
    const rows = argument.includes('sub') ? [`${FACTS} victim`] : ['type=dir; sub', `${FACTS} file`];
    return peer.send_data(Buffer.from(rows.map((row) => `${row}\r\n`).join(''))).then(() => true);
  });
  const { code } = await ftpc(['mirror', ...PATIENT, `ftp://127.0.0.1:${server.port}/`, target]);
  expect(code).toBe(12);
  expect(readdirSync(outside)).toEqual(['victim']);
  expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('as it was');
  // The link itself was replaced.
  expect(readFileSync(join(target, 'file')).equals(CONTENT)).toBe(true);
});

test('folders within each other for ever have an end', async () => {
  const endless: Behaviour = at('MLSD', async (_name, _argument, peer) => {
    await peer.send_data(Buffer.from('type=dir; a\r\n'));
    return true;
  });
  const { code } = await run(endless, 'get', 'top/', [...PATIENT, '-r']);
  expect(code).toBe(9);
});

test('the address of PASV is not used', async () => {
  server = await start_fake_server((name, argument, peer) => {
    if (name === 'EPSV' && argument === '') {
      // 192.0.2.1 belongs to nobody.
      peer.say('502 no');
      return true;
    }
    if (name !== 'PASV') return undefined;
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo;
      peer.say(`227 ok (192,0,2,1,${port >> 8},${port & 255})`);
    });
    // RETR may be read before the connection is.
    const connected = once(listener, 'connection').then(([socket]: unknown[]) => {
      listener.close();
      return socket as Socket;
    });
    peer.data = () => connected;
    return true;
  });
  const { code } = await ftpc(['get', ...PATIENT, `ftp://127.0.0.1:${server.port}/file`], { cwd: folder });
  expect(code).toBe(0);
  expect(readFileSync(join(folder, 'file')).equals(CONTENT)).toBe(true);
});

test('TLS: no AUTH, silence, plain text behind the answer', async () => {
  const rows: [Behaviour, number][] = [
    [() => undefined, 4],
    [at('AUTH', says('234 go')), 10],
    [at('AUTH', says('234 go\r\n230 already in')), 4],
    [
      at('AUTH', (_name, _argument, { socket }) => {
        socket.write('234 go\r\n');
        socket.once('data', () => socket.end('this is no TLS\r\n'));
        return true;
      }),
      4,
    ],
  ];
  for (const [behaviour, code] of rows) {
    expect(
      (await run(behaviour, 'ls', '', [...(code === 10 ? QUICK : PATIENT), '--tls', 'explicit'])).code,
    ).toBe(code);
    await server?.stop();
    server = undefined;
  }
});

test('an abort of a command that has no answer does not hang, nor does what comes after it', async () => {
  let asked = 0;
  server = await start_fake_server((name, _argument, peer) => {
    if (name !== 'PWD') return undefined;
    // The first answer comes late, with the second question.
    if (++asked === 2) peer.say('257 "/late"');
    if (asked === 2) return undefined;
    return true;
  });
  const client = new FTPClient({ host: '127.0.0.1', port: server.port, timeout: 20 });
  await client.connect();
  await client.login();
  const aborter = new AbortController();
  const reason = new Error('enough');
  const waiting = client.pwd({ signal: aborter.signal });
  const noticed = expect(waiting).rejects.toBe(reason);
  while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  aborter.abort(reason);
  await noticed;
  expect(client.is_connected).toBe(true);
  client.close();
  await expect(client.pwd()).rejects.toMatchObject({ kind: 'connect' });
});

test.each([
  ['426 and 200', ['426 cut', '200 ok']],
  ['226 and 225', ['226 done', '225 aborted']],
  ['only one', ['226 aborted']],
  ['500', ['426 cut', '500 what?']],
])('answers to ABOR, %s, stay apart from those to later commands', async (_name, answers) => {
  server = await start_fake_server((name, _argument, peer) => {
    if (name === 'RETR') {
      peer.say('150 ok');
      return peer.data().then((data) => data.write('x'));
    }
    if (name !== 'ABOR') return undefined;
    for (const answer of answers) peer.say(answer);
    return true;
  });
  const client = new FTPClient({ host: '127.0.0.1', port: server.port });
  await client.connect();
  await client.login();
  const aborter = new AbortController();
  const reason = new Error('enough');
  await expect(client.download('file', () => aborter.abort(reason), { signal: aborter.signal })).rejects.toBe(
    reason,
  );
  expect(client.is_connected).toBe(true);
  expect(await client.size('file')).toBe(CONTENT.length);
  expect(await client.pwd()).toBe('/');
  client.close();
});
