// Large files of which an older one is there: only blocks that differ go, and the hash of the whole decides at the end. Against Debian's sshd, also one
// that lacks the tools, or whose tools lie.
import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { get, LocalSource, put, type TransferOptions } from '../../src/files/index.js';
import { left_out } from '../whole.js';
import { use_place } from './place.js';
import type { SessionOptions } from './sshd.js';

const MB = 1 << 20;
const LONG_MS = 300_000;
const SIZE = 18 * MB + 12_345;
const place = use_place();

const wanted = randomBytes(SIZE);

/** Returns a copy in which the bytes from `at` on are others. */
function with_change(content: Buffer, at: number, length: number): Buffer {
  const copy = Buffer.from(content);
  randomBytes(length).copy(copy, at);
  return copy;
}

/** How an older file differs, and how many bytes then go. */
const OLDER: readonly (readonly [string, Buffer, number])[] = [
  ['changed in the middle', with_change(wanted, 7 * MB + 5, 100), MB],
  ['changed in two blocks', with_change(with_change(wanted, 0, 1), 17 * MB - 1, 2), 3 * MB],
  ['shorter', wanted.subarray(0, 10 * MB), 8 * MB + 12_345],
  ['shorter by less than a block', wanted.subarray(0, SIZE - 345), 12_345],
  ['longer', Buffer.concat([wanted, randomBytes(5 * MB)]), 12_345],
  ['moved by whole blocks', Buffer.concat([randomBytes(3 * MB), wanted]), 0],
  ['another one altogether', randomBytes(SIZE), SIZE],
];

const OF_BOTH = ['changed in two blocks', 'moved by whole blocks'];

describe.each(['put', 'get'] as const)('%s of a large file', (direction) => {
  const move = async (options: TransferOptions = {}, more: SessionOptions = {}) => {
    const [from, to] = [join(place.here, 'file'), join(place.there, 'file')];
    const source = direction === 'put' ? await LocalSource.open(from) : undefined;
    return place.session(
      (remote) => (source ? put(remote, source, to, options) : get(remote, from, to, options)),
      more,
    );
  };
  const begin = (older: Buffer) => {
    writeFileSync(join(place.here, 'file'), wanted, { mode: 0o640 });
    writeFileSync(join(place.there, 'file'), older);
  };
  const arrived = () => readFileSync(join(place.there, 'file')).equals(wanted);

  test.for(OLDER)('the older one is %s', async ([how, older, sent], ctx) => {
    // What is sent is decided in the same way in both directions.
    ctx.skip(direction === 'get' && !OF_BOTH.includes(how) && left_out !== undefined, left_out);
    begin(older);
    const heard: number[] = [];
    const result = await move({ on_progress: (_path, bytes) => heard.push(bytes) });
    const state = sent === SIZE ? 'sent' : 'updated';
    expect(result).toMatchObject({ failed: 0, bytes: sent, files: [{ state, size: SIZE, sent }] });
    expect(arrived()).toBe(true);
    expect(readdirSync(place.there)).toEqual(['file']);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect(heard.at(-1)).toBe(SIZE);
  });

  test('an equal one is skipped, and hashing is told on the way', async () => {
    begin(wanted);
    const heard: number[] = [];
    const on_hashing = (_: string, bytes: number, total: number) => {
      expect(bytes).toBeLessThanOrEqual(total);
      heard.push(bytes);
    };
    expect(await move({ on_hashing })).toMatchObject({ bytes: 0, files: [{ state: 'skipped' }] });
    // A line of the target for each block, and chunks of this side.
    expect(heard.length).toBeGreaterThan(2 * Math.floor(SIZE / MB));
  });

  test('without a delta it goes whole', async () => {
    begin(OLDER[0]?.[1] ?? wanted);
    expect(await move({ delta: false })).toMatchObject({ bytes: SIZE, files: [{ state: 'sent' }] });
    expect(arrived()).toBe(true);
  });

  test('a dry run says that it would go, and changes nothing', async () => {
    const older = OLDER[0]?.[1] ?? wanted;
    begin(older);
    expect(await move({ dry_run: true })).toMatchObject({ bytes: 0, files: [{ state: 'would send' }] });
    expect(readFileSync(join(place.there, 'file')).equals(older)).toBe(true);
    expect(readdirSync(place.there)).toEqual(['file']);
  });

  test('a target without the tool has it sent whole', async () => {
    begin(OLDER[0]?.[1] ?? wanted);
    const config = `SetEnv PATH=${place.tools(['sh', 'head', 'sha256sum', 'xargs', 'cat', 'dd'])}`;
    expect(await move({}, { config })).toMatchObject({ bytes: SIZE, files: [{ state: 'sent' }] });
    expect(arrived()).toBe(true);
  });

  test('a target without a shell has it sent whole', async () => {
    begin(OLDER[0]?.[1] ?? wanted);
    const config = 'ForceCommand internal-sftp -l QUIET';
    expect(await move({}, { config })).toMatchObject({ bytes: SIZE, files: [{ state: 'sent' }] });
    expect(arrived()).toBe(true);
  });

  test('a tool that lies about blocks is found out by the hash of the whole', async () => {
    const [from, to] = [join(place.here, 'file'), join(place.there, 'file')];
    writeFileSync(from, wanted);
    writeFileSync(to, Buffer.concat([with_change(wanted, 7 * MB, 1), randomBytes(1)]));
    // What is there, or what is here, has these blocks, it says: nothing needs to go.
    const config = `SetEnv PATH=${place.lying_split(direction === 'put' ? from : to)}:/usr/bin:/bin`;
    const before = readFileSync(to);
    const result = await move({}, { config });
    expect(result.files).toMatchObject([
      { state: 'failed', reason: expect.stringContaining('the hash differs') },
    ]);
    expect(readFileSync(to).equals(before)).toBe(true);
    expect(readdirSync(place.there)).toEqual(['file']);
  });

  test('a tool that prints nonsense has it sent whole', async () => {
    begin(OLDER[0]?.[1] ?? wanted);
    for (const nonsense of ['exit 1', 'echo nonsense', 'yes 0123456789abcdef | head -c 20000000']) {
      const config = `SetEnv PATH=${place.tool('split', nonsense)}:/usr/bin:/bin`;
      writeFileSync(join(place.there, 'file'), OLDER[0]?.[1] ?? wanted);
      expect(await move({}, { config })).toMatchObject({ bytes: SIZE, files: [{ state: 'sent' }] });
      expect(arrived()).toBe(true);
    }
  });

  test(
    'a delta that is cut goes on where it was',
    async () => {
      // Ten blocks differ: more than any of the connections carries.
      const older = with_change(with_change(wanted, 2 * MB, 6 * MB), 12 * MB, 4 * MB);
      begin(older);
      for (let rounds = 0; ; rounds += 1) {
        expect(rounds).toBeLessThan(30);
        try {
          const result = await move({}, { cut_after: 3 * MB + rounds * 123_457, gently: true });
          expect(result.files).toMatchObject([
            { state: expect.stringMatching(/updated|resumed/), size: SIZE },
          ]);
          expect(rounds).toBeGreaterThan(0);
          break;
        } catch (error) {
          expect(error).toMatchObject({ failure: 'cut-off' });
          expect(readFileSync(join(place.there, 'file')).equals(older)).toBe(true);
        }
        await place.quiet();
      }
      expect(arrived()).toBe(true);
      expect(readdirSync(place.there)).toEqual(['file']);
    },
    LONG_MS,
  );
});

describe('put of a large file', () => {
  const put_it = async (more: SessionOptions = {}) => {
    const source = await LocalSource.open(join(place.here, 'file'));
    return place.session((remote) => put(remote, source, join(place.there, 'file')), more);
  };

  test('an older one that is exchanged for a link while it is copied is not read', async () => {
    writeFileSync(join(place.here, 'file'), wanted);
    writeFileSync(join(place.there, 'secret'), wanted);
    const to = join(place.there, 'file');
    writeFileSync(to, with_change(wanted, 0, 1));
    // The tool that says what is equal puts the link there behind it.
    const config = `SetEnv PATH=${place.tool('split', `/usr/bin/split "$@"; ln -sf '${join(place.there, 'secret')}' '${to}'`)}:/usr/bin:/bin`;
    const result = await put_it({ config });
    expect(result).toMatchObject({ failed: 0, bytes: SIZE, files: [{ state: 'sent' }] });
    expect(lstatSync(to).isFile()).toBe(true);
    expect(readFileSync(to).equals(wanted)).toBe(true);
  });

  test('an unfinished file that is exchanged for a link while the target copies is not written through', async () => {
    writeFileSync(join(place.here, 'file'), wanted);
    writeFileSync(join(place.there, 'file'), with_change(wanted, 0, 1));
    const precious = join(place.there, 'precious');
    writeFileSync(precious, 'keep');
    const swap = `for part in '${place.there}'/.fleet-*.part; do ln -sf '${precious}' "$part"; done; exec /usr/bin/dd "$@"`;
    const config = `SetEnv PATH=${place.tool('dd', swap)}:/usr/bin:/bin`;
    const result = await put_it({ config });
    expect(result.failed).toBe(1);
    expect(readFileSync(precious, 'utf8')).toBe('keep');
  });

  test('an older one that grows while it is copied gives no more than was asked for', async () => {
    writeFileSync(join(place.here, 'file'), wanted);
    const to = join(place.there, 'file');
    writeFileSync(to, with_change(wanted, 0, 1));
    const config = `SetEnv PATH=${place.tool('dd', `printf more >> '${to}'; exec /usr/bin/dd "$@"`)}:/usr/bin:/bin`;
    expect(await put_it({ config })).toMatchObject({ failed: 0, bytes: MB });
    expect(readFileSync(to).equals(wanted)).toBe(true);
  });
});
