// Which end ends nc: bsd-sockets nc and the programs of others, as sender and as receiver of three megabytes, whoever closes first.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as socket from 'bsd-sockets/socket';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { program } from './run.js';

const DATA = randomBytes(3_000_000);
const OURS = `${process.execPath} ${program} nc`;

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function closed_port(): string {
  const sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  sock.bind(['127.0.0.1', 0]);
  const [, port] = sock.getsockname();
  sock.close();
  return String(port);
}

const running: Peer[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});

/** One end of a connection. */
class Peer {
  readonly child: ChildProcess;
  readonly #chunks: Buffer[] = [];
  stderr = '';
  readonly closed: Promise<unknown[]>;

  /** @param input standard input; 'open': without an end */
  constructor(line: string, port: string, input: Buffer | 'open') {
    const [file = '', ...args] = line.replace('PORT', port).split(' ');
    this.child = spawn(file, args);
    running.push(this);
    this.child.stdin?.on('error', () => {});
    if (input !== 'open') this.child.stdin?.end(input);
    this.child.stdout?.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.closed = once(this.child, 'close');
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** Starts a receiver and then a sender of DATA. */
async function connected(receiver: string, input: Buffer | 'open', sender: string): Promise<[Peer, Peer]> {
  const port = closed_port();
  const taking = new Peer(receiver, port, input);
  await vi.waitFor(() => expect(taking.stderr).toMatch(/listening on/i), { timeout: 30_000 });
  return [taking, new Peer(sender, port, DATA)];
}

const installed = (line: string) => {
  const [file = ''] = line.split(' ');
  return spawnSync('sh', ['-c', `command -v ${file}`]).status === 0;
};

const NOTHING = Buffer.alloc(0);

// With empty input, these shut their sending side down at once.
const closing_first: [string, Buffer | 'open'][] = [
  [`${OURS} -l -v -N 127.0.0.1 PORT`, NOTHING],
  ['nc.openbsd -l -v -N 127.0.0.1 PORT', NOTHING],
  ['ncat -l -v 127.0.0.1 PORT', NOTHING],
  ['ncat -l -v --recv-only 127.0.0.1 PORT', NOTHING],
];
const waiting: [string, Buffer | 'open'][] = [
  [`${OURS} -l -v 127.0.0.1 PORT`, 'open'],
  ['nc.openbsd -l -v 127.0.0.1 PORT', 'open'],
  ['socat -d -d -u TCP-LISTEN:PORT,bind=127.0.0.1 STDOUT', NOTHING],
];

const short = (line: string) => line.replace(OURS, 'ours');

describe.each([...closing_first, ...waiting])('to %s', (receiver, input) => {
  const closes_first = closing_first.some(([line]) => line === receiver);
  test.for(['', '-N', '-q 1'])(`ours %j sends all [${short(receiver)}]`, async (how, ctx) => {
    if (!installed(receiver)) ctx.skip('needs the other program');
    const sender = `${OURS} ${how} 127.0.0.1 PORT`.replace(/ +/g, ' ');
    const [taking, sending] = await connected(receiver, input, sender);
    await vi.waitFor(() => expect(taking.received.length).toBe(DATA.length), { timeout: 30_000 });
    const ends_itself = closes_first || how === '-N' || how === '-q 1';
    // Otherwise each waits for the end of the other, as with OpenBSD's nc.
    if (!ends_itself) sending.child.kill('SIGTERM');
    expect(await sending.closed).toEqual([ends_itself ? 0 : 130, null]);
    expect(await taking.closed).toEqual([0, null]);
    expect(sha(taking.received)).toBe(sha(DATA));
    expect(sending.stderr).toBe('');
  });
});

describe.each([
  ['nc.openbsd -N 127.0.0.1 PORT'],
  ['nc.openbsd -q 1 127.0.0.1 PORT'],
  ['ncat 127.0.0.1 PORT'],
  ['ncat --send-only 127.0.0.1 PORT'],
  ['socat -u STDIN TCP:127.0.0.1:PORT'],
])('from %s', (sender) => {
  test.for<[string, Buffer | 'open']>([
    ['', 'open'],
    ['', NOTHING],
    ['-N', NOTHING],
    ['-d', 'open'],
  ])('ours -l %s receives all', async ([how, input], ctx) => {
    if (!installed(sender)) ctx.skip('needs the other program');
    // Ncat ends with the peer, and throws its input away: a receiver that closes first loses data.
    if (sender === 'ncat 127.0.0.1 PORT' && how === '-N') ctx.skip('ncat ends with the peer');
    const receiver = `${OURS} -l -v ${how} 127.0.0.1 PORT`.replace(/ +/g, ' ');
    const [taking, sending] = await connected(receiver, input, sender);
    expect(await taking.closed).toEqual([0, null]);
    expect(sha(taking.received)).toBe(sha(DATA));
    expect(await sending.closed).toEqual([0, null]);
  });
});

test('the listening side sends its input to the end, though the peer closes first', async () => {
  const port = closed_port();
  const server = new Peer(`${OURS} -l -v 127.0.0.1 PORT`, port, DATA);
  await vi.waitFor(() => expect(server.stderr).toMatch(/listening on/i), { timeout: 30_000 });
  const client = new Peer(`${OURS} -N 127.0.0.1 PORT`, port, NOTHING);
  expect(await client.closed).toEqual([0, null]);
  expect(sha(client.received)).toBe(sha(DATA));
  expect(await server.closed).toEqual([0, null]);
});
