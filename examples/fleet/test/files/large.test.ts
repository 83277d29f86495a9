// put and get of much: by default little of it. FLEET_BYTES=1000000000 FLEET_CUTS=50 FLEET_FILES=10000 are the whole, and print what they took.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { get, LocalSource, put, Remote } from '../../src/files/index.js';
import { sshd_lacks, TestSSHD } from './sshd.js';

const BYTES = Number(process.env.FLEET_BYTES ?? 20_000_000);
const CUTS = Number(process.env.FLEET_CUTS ?? 4);
const FILES = Number(process.env.FLEET_FILES ?? 300);
const LONG = 1_200_000;
/** Bytes that a connection moves before it is cut, at most. */
const LONGEST = 1_500_000;

const lacks = sshd_lacks();
let sshd: TestSSHD;
let folder: string;
beforeAll(() => {
  if (lacks === undefined) sshd = new TestSSHD();
});
afterAll(() => sshd?.stop());
beforeEach((ctx) => {
  if (lacks !== undefined) ctx.skip(lacks);
  folder = mkdtempSync(join(tmpdir(), `fleet-large-${process.pid}-`));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function session<T>(work: (remote: Remote) => Promise<T>, cut_after?: number): Promise<T> {
  const client = await sshd.connect({ cut_after });
  try {
    return await work(await Remote.open(client));
  } finally {
    client.destroy();
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = process.hrtime.bigint();
  const result = await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const memory = Math.round(process.memoryUsage().rss / 1e6);
  console.log(`${what}: ${seconds.toFixed(1)} s, ${memory} MB resident`);
  return result;
}

test(
  `a file of ${BYTES} bytes, there and back`,
  async () => {
    const file = join(folder, 'file');
    const descriptor = openSync(file, 'w');
    const hash = createHash('sha256');
    for (let left = BYTES; left > 0; ) {
      const piece = randomBytes(Math.min(left, 8 << 20));
      hash.update(piece);
      writeSync(descriptor, piece);
      left -= piece.length;
    }
    closeSync(descriptor);
    const digest = hash.digest('hex');
    const source = await LocalSource.open(file);
    await session(async (remote) => {
      const there = await timed('put', () => put(remote, source, join(folder, 'there')));
      expect(there.files).toMatchObject([{ state: 'sent', hash: digest }]);
      const back = await timed('get', () => get(remote, join(folder, 'there'), join(folder, 'back')));
      expect(back.files).toMatchObject([{ state: 'sent', hash: digest }]);
    });
    expect(spawnSync('sha256sum', [join(folder, 'back')], { encoding: 'utf8' }).stdout.slice(0, 64)).toBe(
      digest,
    );
  },
  LONG,
);

test.each(['put', 'get'] as const)(
  `%s: ${CUTS} cuts at random points, resumed to the equal hash`,
  async (direction) => {
    const file = join(folder, 'file');
    const size = CUTS * LONGEST;
    const content = randomBytes(size);
    writeFileSync(file, content);
    const to = join(folder, 'copy');
    const source = await LocalSource.open(file);
    const move = (remote: Remote) => (direction === 'put' ? put(remote, source, to) : get(remote, file, to));
    for (let cut = 0; cut < CUTS; cut += 1) {
      // From before the first request to some way into the file.
      const work = session(move, randomInt(2000, LONGEST));
      await expect(work).rejects.toThrow();
    }
    const part = readdirSync(folder).find((name) => name.endsWith('.part'));
    const kept = part === undefined ? 0 : statSync(join(folder, part)).size;
    const result = await session(move);
    // The last server may have written some more.
    expect(result.bytes).toBeLessThanOrEqual(size - kept);
    console.log(`${direction}: ${kept} of ${size} bytes were kept of ${CUTS} cuts`);
    expect(result.failed).toBe(0);
    expect(readFileSync(to).equals(content)).toBe(true);
  },
  LONG,
);

test(
  `a folder of ${FILES} files, there, again, and back`,
  async () => {
    const [here, there, back] = [join(folder, 'here'), join(folder, 'there'), join(folder, 'back')];
    for (let at = 0; at < FILES; at += 1) {
      if (at % 100 === 0) mkdirSync(join(here, `${Math.floor(at / 100)}`), { recursive: true });
      writeFileSync(join(here, `${Math.floor(at / 100)}`, `file ${at}`), randomBytes(at % 2000));
    }
    await session(async (remote) => {
      const source = await LocalSource.open(here);
      const first = await timed(`put of ${FILES} files`, () => put(remote, source, there));
      expect(first).toMatchObject({ failed: 0 });
      const second = await timed('the same again', () => put(remote, source, there));
      expect([second.bytes, second.files.every(({ state }) => state === 'skipped')]).toEqual([0, true]);
      expect(await timed('get', () => get(remote, there, back))).toMatchObject({ failed: 0 });
    });
    expect(spawnSync('diff', ['-r', here, back], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stdout: '',
    });
  },
  LONG,
);
