// Sessions by a grammar, mutated: whatever a client says, the server answers in whole replies or ends the connection, stays in order for
// others, keeps all within the home, and gives everything back. FUZZ_SECONDS (3), FUZZ_SEED to repeat one.
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ConnectedSocket, create_connection, SO_LINGER, SOL_SOCKET } from 'bsd-sockets/promises';
import { expect, test, vi } from 'vitest';
import { Client, make_place, PATIENCE, type Place, start_here, until } from './harness.js';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 3);
const SECRET = `outside of the home ${process.pid}`;

/** A generator of numbers that can be repeated (mulberry32). */
class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to `limit`, without it. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }
}

const PATHS = [
  'file',
  'new',
  'folder',
  'folder/deep',
  '/',
  '.',
  '..',
  '../secret',
  '../../etc/passwd',
  '/../../../etc/passwd',
  'out/secret',
  'out',
  'folder/../../secret',
  'escape',
  'loop/loop/file',
  'dangling',
  './/file',
  'folder//',
  '~',
  '*',
  '[a-z]*',
  '?*?*?*',
  'a b',
  '-la',
  '"',
  '.ftpd-x',
  'x'.repeat(300),
  'é',
  '\udc80',
  '%2e%2e',
  '..\\secret',
  'folder/..',
  '/proc/self/environ',
  'out/../secret',
];
const NUMBERS = [
  '0',
  '1',
  '5',
  '10',
  '99999999',
  '-1',
  '9007199254740991',
  '9007199254740993',
  '1e3',
  'x',
  '',
];

/** The commands, with what takes the place of the words in angles. */
const GRAMMAR = [
  'USER ann',
  'PASS secret',
  'USER <path>',
  'PASS <path>',
  'ACCT x',
  'CWD <path>',
  'CDUP',
  'QUIT',
  'REIN',
  'PORT 127,0,0,1,<n>,<n>',
  'PASV',
  'EPSV',
  'EPSV 1',
  'EPSV ALL',
  'EPRT |1|127.0.0.1|<n>|',
  'EPRT |2|::1|<n>|',
  'TYPE A',
  'TYPE I',
  'TYPE L <n>',
  'STRU F',
  'MODE S',
  'MODE Z',
  'RETR <path>',
  'STOR <path>',
  'STOU',
  'STOU <path>',
  'APPE <path>',
  'ALLO <n>',
  'REST <n>',
  'RANG <n> <n>',
  'RNFR <path>',
  'RNTO <path>',
  'ABOR',
  'DELE <path>',
  'RMD <path>',
  'MKD <path>',
  'PWD',
  'LIST <path>',
  'LIST',
  'NLST <path>',
  'MLSD <path>',
  'MLST <path>',
  'SIZE <path>',
  'MDTM <path>',
  'MFMT 20200102030405 <path>',
  'HASH <path>',
  'OPTS HASH MD5',
  'OPTS MLST type;size;',
  'OPTS MODE Z LEVEL <n>',
  'FEAT',
  'HELP',
  'SITE CHMOD <n> <path>',
  'SITE UTIME 20200102030405 <path>',
  'SITE QUOTA',
  'SITE HELP',
  'STAT',
  'STAT <path>',
  'SYST',
  'NOOP',
  'AUTH TLS',
  'PBSZ 0',
  'PROT P',
  'CCC',
  'CLNT <path>',
  'LANG <path>',
  'HOST <path>',
] as const;

function line(random: Random): Buffer {
  const words = random
    .pick(GRAMMAR)
    .replace(/<path>/g, () => random.pick(PATHS))
    .replace(/<n>/g, () => random.pick(NUMBERS));
  const bytes = Buffer.from(`${words}${random.below(20) === 0 ? '\n' : '\r\n'}`, 'utf8');
  return random.below(5) === 0 ? mutated(random, bytes) : bytes;
}

/** Changes, removes, repeats or adds bytes. */
function mutated(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length);
  const special = Buffer.from([
    random.pick([0, 10, 13, 32, 47, 127, 128, 200, 240, 242, 244, 250, 251, 253, 255]),
  ]);
  const parts = [
    [bytes.subarray(0, at), special, bytes.subarray(at)],
    [bytes.subarray(0, at), special, bytes.subarray(at + 1)],
    [bytes.subarray(0, at), bytes.subarray(at + 1)],
    [bytes.subarray(0, at)],
    [bytes, bytes],
    [bytes.subarray(0, at), Buffer.alloc(random.below(10_000), special), bytes.subarray(at)],
  ];
  return Buffer.concat(random.pick(parts));
}

function reset(sock: ConnectedSocket): void {
  sock.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  sock.close();
}

/** What is seen of the server: all bytes of both kinds of connection. */
interface Seen {
  control: string;
  data: string;
}

/** Connects to a passive port, and does something with it. */
async function use_data(port: number, choice: number, seen: Seen): Promise<void> {
  const sock = await create_connection(['127.0.0.1', port], PATIENCE).catch(() => undefined);
  if (sock === undefined) return;
  try {
    if (choice === 0) return reset(sock);
    if (choice < 3) await sock.sendall(Buffer.alloc(choice * 5000, 'fuzz\r\n'));
    if (choice === 2) return reset(sock);
    if (choice === 1) return;
    for await (const chunk of sock) seen.data += chunk.toString('latin1').slice(0, 10_000);
  } catch {
    // What becomes of it is the server's matter.
  } finally {
    sock.close();
  }
}

/** One session. @returns whether all replies were whole */
async function session(port: number, random: Random, seen: Seen): Promise<void> {
  const sock = await create_connection(['127.0.0.1', port], PATIENCE);
  const users: Promise<void>[] = [];
  const reading = (async () => {
    for await (const chunk of sock) {
      const text = chunk.toString('latin1');
      seen.control += text;
      const found = /\(\|\|\|(\d+)\|\)|\(127,0,0,1,(\d+),(\d+)\)/.exec(text);
      if (found !== null)
        users.push(
          use_data(Number(found[1] ?? Number(found[2]) * 256 + Number(found[3])), random.below(5), seen),
        );
    }
  })().catch(() => {});
  const lines = [
    Buffer.from('USER anonymous\r\nPASS x\r\n'),
    ...Array.from({ length: random.below(30) }, () => line(random)),
  ];
  if (random.below(8) === 0) lines.shift();
  for (const one of lines) {
    await sock.sendall(one).catch(() => {});
    if (random.below(3) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(8)));
  }
  if (random.below(4) === 0) reset(sock);
  else await sock.sendall('\r\nQUIT\r\n').catch(() => {});
  const late = new Promise<string>((resolve) => setTimeout(resolve, 3 * PATIENCE * 1000, 'late').unref());
  const ended = await Promise.race([reading, late]);
  sock.close();
  expect(ended, 'the session ends').toBe(undefined);
  await Promise.all(users);
}

/** All that is in the folder beside the home and the server's own files. */
function outside(place: Place): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(place.folder).sort()) {
    if (name === 'home' || name === 'audit.jsonl') continue;
    hash.update(name);
    if (name.includes('.') || name === 'secret') hash.update(readFileSync(join(place.folder, name)));
  }
  return hash.digest('hex');
}

/** Makes the home as it was: with links that lead out of it. */
function furnish(place: Place): void {
  rmSync(place.home, { recursive: true, force: true });
  mkdirSync(join(place.home, 'folder', 'deep'), { recursive: true });
  const links = { out: '..', escape: '../secret', loop: '.', dangling: 'nowhere', root: '/' };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(place.home, name));
  place.write('file', 'some text\n');
}

/** The open descriptors and what they are of; the thread that hashes has some of other kinds. */
function descriptors(): Map<string, string> {
  const open = new Map<string, string>();
  for (const fd of readdirSync('/proc/self/fd'))
    try {
      open.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // That of this very look.
    }
  return open;
}

test('sessions by grammar and mutation', { timeout: 60_000 + 3000 * SECONDS }, async () => {
  const place = await make_place(
    {
      timeouts: { idle: 60, data_connect: 0.3, stall: 2, login: 60 },
      limits: { failed_logins: 5 },
      bans: { delay: 0, failures: 1_000_000 },
      audit: null,
    },
    { anonymous: { anonymous: true, permissions: 'full' } },
  );
  writeFileSync(join(place.folder, 'secret'), SECRET);
  furnish(place);
  const before = outside(place);
  const errors = vi.spyOn(console, 'error');
  const server = await start_here(place);
  const steady = await Client.log_in(server.port);
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = new Random(seed);
  const at_first = descriptors();
  const end = performance.now() + SECONDS * 1000;
  let sessions = 0;
  try {
    do {
      const seen = Array.from({ length: 8 }, (): Seen => ({ control: '', data: '' }));
      await Promise.all(seen.map((one) => session(server.port, random, one)));
      sessions += seen.length;
      for (const { control, data } of seen) {
        const lines = control.split('\r\n');
        // The last one may be cut by a reset.
        for (const text of lines.slice(0, -1)) expect(text).toMatch(/^(?:\d{3}[ -]| |\xff)/);
        expect(control + data).not.toContain(SECRET);
        expect(control + data).not.toContain('root:x:0');
      }
      await steady.expect(200, 'NOOP');
      expect(outside(place)).toBe(before);
      furnish(place);
    } while (performance.now() < end);
    steady.close();
    await until(async () => (await server.service.registry.who()).length === 0, 'all sessions end');
    const left = () =>
      [...descriptors()].filter(
        ([fd, target]) => at_first.get(fd) !== target && /^(?:socket:|\/)/.test(target),
      );
    await until(() => left().length === 0, 'all descriptors are closed').catch(() =>
      expect(left()).toEqual([]),
    );
    expect(errors.mock.calls).toEqual([]);
    expect(sessions).toBeGreaterThan(7);
  } catch (error) {
    throw new Error(`FUZZ_SEED=${seed}, behind ${sessions} sessions: ${error}`, { cause: error });
  } finally {
    errors.mockRestore();
    await server.stop();
    place.remove();
  }
});
