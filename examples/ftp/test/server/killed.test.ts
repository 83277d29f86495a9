// What an upload is worth whose client is killed, by a client that is: its kernel ends both connections as if the client had. In mode S the end
// of the data is then no end of the file, whether the client has said QUIT or not. The server stands still meanwhile: on a busy machine the
// kernel may close one connection long before the other, and a server cannot know then what follows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { SHUT_WR } from 'bsd-sockets/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask_control } from '../../dist/guard/control.js';
import {
  Client,
  children_of,
  make_place,
  type Place,
  type Running,
  start_command,
  test_certificates,
  tls_settings,
  until,
} from './harness.js';

const CLIENT = fileURLToPath(new URL('./fixtures/killed_client.mjs', import.meta.url));
// They fit the server's kernel: that of a client which has not read all resets the connection, and drops what is still to send.
const BYTES = Buffer.alloc(30_000, 'an upload ');
const KINDS = ['loop', 'threads', 'processes'] as const;

interface Case {
  readonly name: string;
  readonly tls?: boolean;
  /** commands before the upload, and their codes */
  readonly before?: readonly [line: string, code: number][];
  readonly bytes?: Buffer;
  readonly command?: string;
  /** whether the client ends the data connection before it is killed */
  readonly marks_end?: boolean;
  readonly says_quit?: boolean;
  /** whether the kernel closes the data connection before the control connection */
  readonly data_first?: boolean;
  /** what the name is behind it */
  readonly left: 'the file' | 'a part to go on from' | 'nothing';
}

const PART = 'a part to go on from';

const CASES: readonly Case[] = [
  { name: 'in the middle', left: PART },
  { name: 'behind QUIT', says_quit: true, left: PART },
  { name: 'in the middle, data first', data_first: true, left: PART },
  { name: 'behind QUIT, data first', data_first: true, says_quit: true, left: PART },
  { name: 'behind ALLO of more', before: [['ALLO 30001', 202]], says_quit: true, left: PART },
  {
    name: 'behind ALLO of as much, which was for another upload',
    before: [
      ['ALLO 30000', 202],
      ['STOR nowhere/file', 425],
    ],
    says_quit: true,
    left: PART,
  },
  { name: 'behind ALLO of as much', before: [['ALLO 30000', 202]], says_quit: true, left: 'the file' },
  {
    name: 'in MODE Z, behind its end',
    before: [['MODE Z', 200]],
    bytes: deflateSync(BYTES),
    says_quit: true,
    left: 'the file',
  },
  {
    name: 'in MODE Z, before its end',
    before: [['MODE Z', 200]],
    bytes: deflateSync(BYTES).subarray(0, -4),
    says_quit: true,
    left: PART,
  },
  { name: 'STOU', command: 'STOU', says_quit: true, left: 'nothing' },
  { name: 'TLS, in the middle', tls: true, left: PART },
  { name: 'TLS, behind QUIT', tls: true, says_quit: true, left: PART },
  {
    name: 'TLS, behind QUIT and close_notify',
    tls: true,
    says_quit: true,
    marks_end: true,
    left: 'the file',
  },
];

describe.each(KINDS)('%s', (kind) => {
  let place: Place;
  let server: Awaited<ReturnType<typeof start_command>>;

  beforeAll(async () => {
    place = await make_place({
      kind,
      control: 'control.sock',
      listen: [{ host: '127.0.0.1', port: 0, tls: 'explicit' }],
      tls: tls_settings({ require_session_reuse: false }),
    });
    server = await start_command(place);
  });
  afterAll(async () => {
    await server.stop();
    place.remove();
  });

  const sessions = async () =>
    ((await ask_control(join(place.folder, 'control.sock'), 'who')) as unknown[]).length;

  /** Uploads by a client that is killed, and waits until its session has ended. */
  async function upload({ tls = false, ...rest }: Omit<Case, 'name' | 'left'> & { command: string }) {
    const before = [['TYPE I', 200], ...(rest.before ?? [])];
    const bytes = (rest.bytes ?? BYTES).toString('base64');
    const ca = tls ? test_certificates().ca.cert.toString() : undefined;
    const order = JSON.stringify({ ...rest, port: server.port, ca, before, bytes });
    const child = spawn(process.execPath, [CLIENT]);
    child.stdin.end(order);
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    const closed = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), closed]);
    expect(errors).toBe('');
    const go_on = await stop_processes(server.child.pid as number);
    try {
      child.kill('SIGKILL');
      expect(await closed).toEqual([null, 'SIGKILL']);
    } finally {
      go_on();
    }
    await until(async () => (await sessions()) === 0, 'all sessions end');
  }

  test.each(CASES)('$name', async ({ name, left, command, ...rest }) => {
    const file = name.replaceAll(' ', '_');
    const names = new Set((await listing(server)).split('\r\n'));
    await upload({ command: command ?? `STOR ${file}`, ...rest });
    const client = await Client.log_in(server.port);
    await client.expect(200, 'TYPE I');
    if (left === 'the file') expect(place.read(file).equals(BYTES)).toBe(true);
    else {
      const unknown = (await listing(server)).split('\r\n').filter((one) => !names.has(one));
      expect(unknown).toEqual([]);
      await client.expect(550, `RETR ${file}`);
    }
    if (left === PART) {
      const size = Number((await client.expect(213, `SIZE ${file}`)).text.slice(4));
      expect(size).toBeGreaterThan(0);
      await client.expect(350, `REST ${size}`);
      expect((await client.store(`STOR ${file}`, BYTES.subarray(size))).code).toBe(226);
      expect(place.read(file).equals(BYTES)).toBe(true);
    }
    client.close();
  });

  test('a file that is there stays', async () => {
    place.write('old', 'the old text');
    await upload({ command: 'STOR old', says_quit: true });
    await upload({ command: 'APPE old', says_quit: true });
    expect(place.read('old').toString()).toBe('the old text');
  });

  test('a client that waits for its answer behind QUIT gets it; one that ends its side is told that it is not known', async () => {
    const waiting = await Client.log_in(server.port);
    await waiting.expect(200, 'TYPE I');
    const data = await waiting.passive();
    await waiting.expect(150, 'STOR waiting');
    await waiting.send('QUIT\r\n');
    await data.sendall(BYTES);
    data.close();
    await waiting.expect(226);
    await waiting.expect(221);
    expect((await waiting.reply()).code).toBe(0);
    waiting.close();
    expect(place.read('waiting').equals(BYTES)).toBe(true);

    const half = await Client.log_in(server.port);
    await half.expect(200, 'TYPE I');
    const other = await half.passive();
    await half.expect(150, 'STOR half');
    await half.send('QUIT\r\n');
    await half.sock.shutdown(SHUT_WR);
    await other.sendall(BYTES);
    other.close();
    expect((await half.expect(426)).text).toContain('The client has gone');
    await half.expect(221);
    half.close();
  });
});

/** Stops a process and its children. Returns what lets them go on. */
async function stop_processes(pid: number): Promise<() => void> {
  const all = [pid, ...children_of(pid)];
  const state = (one: number) => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1];
  for (const one of all) process.kill(one, 'SIGSTOP');
  await until(() => all.every((one) => state(one) === 'T'), 'all processes stand still');
  return () => {
    for (const one of all) process.kill(one, 'SIGCONT');
  };
}

async function listing(server: Running): Promise<string> {
  const client = await Client.log_in(server.port);
  const names = (await client.fetch('NLST')).toString();
  client.close();
  return names;
}
