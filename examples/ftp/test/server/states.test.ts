// Every command in every state of a session: the code of its reply, as RFC 959, 2228, 2389, 2428, 3659 and 4217 have it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, make_place, type Place, start_here, tls_settings, until } from './harness.js';

let place: Place;
let server: Awaited<ReturnType<typeof start_here>>;

beforeAll(async () => {
  place = await make_place({
    listen: [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, tls: 'explicit' },
    ],
    tls: tls_settings(),
    limits: { failed_logins: 1000 },
    bans: { delay: 0, failures: 1_000_000 },
  });
  place.write('file', 'some text');
  place.write('large', Buffer.alloc(20_000_000));
  server = await start_here(place);
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

/** Where a session is when the command comes; each ends with a client that awaits no reply. */
const STATES = {
  'not logged in': (port: number) => Client.connect(port),
  'user given': async (port: number) => {
    const client = await Client.connect(port);
    await client.expect(331, 'USER ann');
    return client;
  },
  'logged in': (port: number) => Client.log_in(port),
  'after RNFR': async (port: number) => {
    const client = await Client.log_in(port);
    await client.expect(350, 'RNFR file');
    return client;
  },
  'after REST': async (port: number) => {
    const client = await Client.log_in(port);
    await client.expect(200, 'TYPE I');
    await client.expect(350, 'REST 5');
    return client;
  },
  'after EPSV ALL': async (port: number) => {
    const client = await Client.log_in(port);
    await client.expect(200, 'EPSV ALL');
    return client;
  },
  'after REIN': async (port: number) => {
    const client = await Client.log_in(port);
    await client.expect(220, 'REIN');
    return client;
  },
} as const;

type State = keyof typeof STATES;

/** The code for all states, and where it is another one. Files are not changed but for those that only this command has. */
const ROWS: readonly [command: string, logged_in: number, ...others: [State, number][]][] = [
  ['USER ann', 331, ['not logged in', 331], ['user given', 331], ['after REIN', 331]],
  ['USER', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['PASS secret', 503, ['not logged in', 503], ['user given', 230], ['after REIN', 503]],
  ['PASS wrong', 503, ['not logged in', 503], ['user given', 530], ['after REIN', 503]],
  ['ACCT x', 202, ['user given', 503]],
  ['ACCT', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['QUIT', 221, ['not logged in', 221], ['user given', 221], ['after REIN', 221]],
  ['QUIT now', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['REIN', 220, ['not logged in', 220], ['user given', 220], ['after REIN', 220]],
  ['NOOP', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['SYST', 215, ['not logged in', 215], ['user given', 215], ['after REIN', 215]],
  ['HELP', 214, ['not logged in', 214], ['user given', 214], ['after REIN', 214]],
  ['HELP retr', 214, ['not logged in', 214], ['user given', 214], ['after REIN', 214]],
  ['HELP FOO', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['FEAT', 211, ['not logged in', 211], ['user given', 211], ['after REIN', 211]],
  ['OPTS UTF8 ON', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['OPTS UTF8 OFF', 504, ['not logged in', 504], ['user given', 504], ['after REIN', 504]],
  ['OPTS FOO', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['OPTS MLST type;size;', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['OPTS HASH SHA-512', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['OPTS HASH FOO', 504, ['not logged in', 504], ['user given', 504], ['after REIN', 504]],
  ['OPTS MODE Z LEVEL 9', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['OPTS MODE Z LEVEL 10', 501, ['not logged in', 501], ['user given', 501], ['after REIN', 501]],
  ['CLNT test', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['LANG en', 200, ['not logged in', 200], ['user given', 200], ['after REIN', 200]],
  ['LANG fr', 504, ['not logged in', 504], ['user given', 504], ['after REIN', 504]],
  ['HOST ftp.example', 502, ['not logged in', 502], ['user given', 502], ['after REIN', 502]],
  ['AUTH TLS', 502, ['not logged in', 502], ['user given', 502], ['after REIN', 502]],
  ['PBSZ 0', 503, ['not logged in', 503], ['user given', 503], ['after REIN', 503]],
  ['PROT P', 503, ['not logged in', 503], ['user given', 503], ['after REIN', 503]],
  ['CCC', 533, ['not logged in', 533], ['user given', 533], ['after REIN', 533]],
  ['FOO', 500, ['not logged in', 500], ['user given', 500], ['after REIN', 500]],
  ['', 500, ['not logged in', 500], ['user given', 500], ['after REIN', 500]],
  ['CWD /', 250],
  ['CWD file', 550],
  ['CWD nowhere', 550],
  ['CWD', 501],
  ['CDUP', 250],
  ['PWD', 257],
  ['XPWD', 257],
  ['PWD x', 501],
  ['SMNT x', 502],
  ['TYPE A', 200],
  ['TYPE a n', 200],
  ['TYPE I', 200],
  ['TYPE L 8', 200],
  ['TYPE E', 504],
  ['TYPE A T', 504],
  ['TYPE L 36', 504],
  ['TYPE X', 501],
  ['TYPE', 501],
  ['STRU F', 200],
  ['STRU R', 504],
  ['STRU P', 504],
  ['STRU X', 501],
  ['MODE S', 200],
  ['MODE Z', 200],
  ['MODE B', 504],
  ['MODE C', 504],
  ['MODE X', 501],
  ['REST 0', 350],
  ['REST 5', 501, ['after REST', 350]],
  ['REST -1', 501],
  ['REST x', 501],
  ['RANG 0 3', 501, ['after REST', 350]],
  ['RANG 1 0', 350],
  ['RANG 3 2', 501],
  ['ALLO 100', 202],
  ['ALLO 100 R 10', 202],
  ['ALLO x', 501],
  ['ABOR', 226],
  ['PASV', 227, ['after EPSV ALL', 501]],
  ['PASV x', 501],
  ['EPSV', 229],
  ['EPSV 1', 229],
  ['EPSV 2', 522],
  ['EPSV 7', 522],
  ['EPSV x', 501],
  ['EPSV ALL', 200],
  ['PORT 127,0,0,1,200,1', 200, ['after EPSV ALL', 501]],
  ['PORT 127,0,0,1,0,80', 504, ['after EPSV ALL', 501]],
  ['PORT 127,0,0,2,200,1', 504, ['after EPSV ALL', 501]],
  ['PORT 127,0,0,256,200,1', 501],
  ['PORT 1,2,3', 501],
  ['EPRT |1|127.0.0.1|50000|', 200, ['after EPSV ALL', 501]],
  ['EPRT |1|127.0.0.2|50000|', 504, ['after EPSV ALL', 501]],
  ['EPRT |1|127.0.0.1|22|', 504, ['after EPSV ALL', 501]],
  ['EPRT |2|::1|50000|', 522, ['after EPSV ALL', 501]],
  ['EPRT |3|x|50000|', 522, ['after EPSV ALL', 501]],
  ['EPRT |1|x|50000|', 501],
  ['EPRT', 501],
  ['RETR file', 425],
  ['RETR nowhere', 550],
  ['RETR .', 550],
  ['RETR', 501],
  ['STOR new', 425],
  ['STOR', 501],
  ['APPE new', 425],
  ['STOU', 425],
  ['LIST', 425],
  ['LIST -la', 425],
  ['LIST nowhere', 450],
  ['NLST', 425],
  ['NLST nowhere', 450],
  ['MLSD', 425],
  ['MLSD file', 501],
  ['MLSD nowhere', 550],
  ['MLST', 250],
  ['MLST file', 250],
  ['MLST nowhere', 550],
  ['SIZE file', 550, ['after REST', 213]],
  ['SIZE /', 550],
  ['MDTM file', 213],
  ['MDTM nowhere', 550],
  ['MFMT 20200102030405 file', 213],
  ['MFMT 20201302030405 file', 501],
  ['MFMT 20200102030405 nowhere', 550],
  ['HASH file', 213],
  ['HASH nowhere', 550],
  ['HASH /', 553],
  ['RNFR file', 350],
  ['RNFR nowhere', 550],
  ['RNTO file', 503, ['after RNFR', 250]],
  ['RNTO /no/such/folder', 503, ['after RNFR', 553]],
  ['DELE nowhere', 550],
  ['DELE /', 550],
  ['RMD nowhere', 550],
  ['RMD /', 550],
  ['RMD file', 550],
  ['MKD file', 550],
  ['MKD /', 550],
  ['SITE HELP', 214],
  ['SITE CHMOD 644 file', 200],
  ['SITE CHMOD 999 file', 501],
  ['SITE CHMOD', 501],
  ['SITE UTIME 20200102030405 file', 200],
  ['SITE UTIME file 20200102030405 20200102030405 20200102030405 UTC', 200],
  ['SITE QUOTA', 200],
  ['SITE FOO', 504],
  ['SITE', 501],
  ['STAT', 211],
  ['STAT /', 212],
  ['STAT file', 213],
  ['STAT nowhere', 450],
];

const BEFORE: ReadonlySet<State> = new Set(['not logged in', 'user given', 'after REIN']);

describe.each(Object.keys(STATES) as State[])('%s', (state) => {
  test('every command has its code', async () => {
    const wrong: string[] = [];
    // Many sessions at once: each command needs one of its own.
    const rows = [...ROWS];
    const worker = async () => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
        const [command, logged_in, ...others] = row;
        const expected =
          others.find(([name]) => name === state)?.[1] ?? (BEFORE.has(state) ? 530 : logged_in);
        const client = await STATES[state](server.port);
        const { code, text } = await client.command(command);
        if (code !== expected) wrong.push(`${command}: ${expected} was expected, not ${text}`);
        client.close();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(wrong).toEqual([]);
  });
});

test('in a transfer: ABOR and STAT are answered at once, others behind it, in order', async () => {
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  const data = await client.passive();
  await client.expect(150, 'RETR large');
  expect((await client.command('STAT')).text).toMatch(/download of \/large: \d+ of 20000000 bytes/);
  await client.send('NOOP\r\nPWD\r\nABOR\r\n');
  // The client has not read: the transfer cannot have ended by itself.
  await client.expect(426);
  await client.expect(200);
  await client.expect(257);
  await client.expect(226);
  await client.expect(200, 'NOOP');
  data.close();
  client.close();
});

test('pipelined: a transfer before ABOR does not begin', async () => {
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  await client.send('EPSV\r\nRETR large\r\nABOR\r\nNOOP\r\n');
  await client.expect(229);
  const first = await client.reply();
  // Whether its 150 has gone out before ABOR came is a matter of packets.
  if (first.code === 150) await client.expect(426);
  else expect(first.code).toBe(426);
  await client.expect(226);
  await client.expect(200);
  client.close();
});

test('Telnet: ABOR behind IP and Synch as urgent data, options refused, IAC within a name', async () => {
  const { MSG_OOB } = await import('bsd-sockets/promises');
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  const data = await client.passive();
  await client.expect(150, 'RETR large');
  await client.sock.sendall(Buffer.from([255, 244]));
  await client.sock.sendall(Buffer.from([255, 242]), MSG_OOB);
  await client.send('ABOR\r\n');
  await client.expect(426);
  await client.expect(226);
  data.close();
  // DO ECHO within a command, and a bare LF as the end of a line.
  await client.send(Buffer.from([255, 253, 1]));
  expect([...(await client.sock.recv_exactly(3))]).toEqual([255, 252, 1]);
  await client.send(Buffer.concat([Buffer.from('NO'), Buffer.from([255, 241]), Buffer.from('OP\n')]));
  await client.expect(200);
  client.close();
});

test('lines: too long, with NUL, none at all', async () => {
  const client = await Client.log_in(server.port);
  await client.send(`NOOP ${'x'.repeat(10_000)}\r\n`);
  expect((await client.reply()).text).toMatch(/^500 Line too long/);
  await client.expect(501, 'CWD a\0b');
  await client.expect(200, 'NOOP');
  await client.sock.sendall(Buffer.alloc(200_000, 'x')).catch(() => {});
  expect((await client.reply()).text).toMatch(/^421 Line too long/);
  expect((await client.reply()).code).toBe(0);
  client.close();
});

test('TLS: AUTH, PBSZ, PROT and CCC in their order', async () => {
  const [, port = 0] = server.ports;
  const client = await Client.connect(port);
  await client.expect(504, 'AUTH KERBEROS');
  await client.start_tls();
  await client.expect(503, 'AUTH TLS');
  await client.expect(503, 'PROT P');
  await client.expect(501, 'PBSZ x');
  await client.expect(200, 'PBSZ 0');
  await client.expect(536, 'PROT S');
  await client.expect(504, 'PROT X');
  await client.expect(200, 'PROT P');
  await client.expect(534, 'CCC');
  await client.expect(331, 'USER ann');
  await client.expect(230, 'PASS secret');
  expect((await client.command('FEAT')).text).toMatch(/^ AUTH TLS\r$/m);
  client.close();
});

test('AUTH forgets what was said in the clear, and what was sent behind it', async () => {
  const [, port = 0] = server.ports;
  const client = await Client.connect(port);
  await client.expect(331, 'USER ann');
  await client.send('AUTH TLS\r\nUSER ann\r\nPASS secret\r\n');
  await client.expect(234);
  // The server has to wait for a handshake now; what was injected must not be answered within TLS.
  await client.handshake();
  await client.expect(503, 'PASS secret');
  await client.expect(530, 'PWD');
  client.close();
});

test('TLS required: no name is taken without it; data has to be protected', async () => {
  const strict = await make_place({
    listen: [{ host: '127.0.0.1', port: 0, tls: 'explicit' }],
    tls: tls_settings({ required: 'data' }),
  });
  strict.write('file', 'x');
  const running = await start_here(strict);
  const client = await Client.connect(running.port);
  await client.expect(530, 'USER ann');
  await client.expect(503, 'PASS secret');
  await client.start_tls();
  await client.expect(331, 'USER ann');
  await client.expect(230, 'PASS secret');
  const data = await client.passive();
  for (const command of ['RETR file', 'STOR file', 'APPE file', 'STOU', 'LIST', 'NLST', 'MLSD'])
    await client.expect(522, command);
  data.close();
  await client.expect(200, 'PBSZ 0');
  await client.expect(534, 'PROT C');
  await client.expect(200, 'PROT P');
  client.close();
  await running.stop();
  strict.remove();
});

test('an end of the control connection ends the transfer; behind QUIT it is awaited', async () => {
  const { SHUT_WR } = await import('bsd-sockets/promises');
  const gone = await Client.log_in(server.port);
  await gone.expect(200, 'TYPE I');
  const data = await gone.passive();
  await gone.expect(150, 'RETR large');
  gone.close();
  let received = 0;
  await expect(
    (async () => {
      for await (const chunk of data) received += chunk.length;
      if (received < 20_000_000) throw new Error('cut');
    })(),
  ).rejects.toThrow();
  data.close();

  const polite = await Client.log_in(server.port);
  await polite.expect(200, 'TYPE I');
  const second = await polite.passive();
  await polite.expect(150, 'RETR large');
  await polite.send('QUIT\r\n');
  await polite.sock.shutdown(SHUT_WR);
  let length = 0;
  for await (const chunk of second) length += chunk.length;
  expect(length).toBe(20_000_000);
  await polite.expect(226);
  await polite.expect(221);
  second.close();
  polite.close();
  await until(async () => (await server.service.registry.who()).length === 0, 'all sessions end');
});
