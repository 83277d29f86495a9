// What every server must do for the client, whatever the server, the kind and the connection: the same steps for all of them.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FTPClient } from '../../dist/client/index.js';
import type { TestServer } from './servers.js';

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Every operation of the class, in an empty folder. */
export async function every_operation(client: FTPClient, server: TestServer): Promise<void> {
  expect(await client.pwd()).toBe(server.remote);
  const data = randomBytes(3_000_000);
  expect(await client.upload('a file', [data.subarray(0, 1_000_000), data.subarray(1_000_000)])).toBe(
    data.length,
  );
  expect(sha256(readFileSync(join(server.folder, 'a file')))).toBe(sha256(data));
  expect(await client.size('a file')).toBe(data.length);

  const parts: Buffer[] = [];
  expect(
    await client.download('a file', (chunk) => void parts.push(Buffer.from(chunk)), { size: data.length }),
  ).toBe(data.length);
  expect(sha256(Buffer.concat(parts))).toBe(sha256(data));

  parts.length = 0;
  await client.download('a file', (chunk) => void parts.push(Buffer.from(chunk)), { offset: 2_999_990 });
  expect(Buffer.concat(parts)).toEqual(data.subarray(2_999_990));

  await client.append('a file', [Buffer.from('more')]);
  expect(await client.size('a file')).toBe(data.length + 4);
  await client.upload('a file', [Buffer.from('MORE')], { offset: data.length });
  expect(readFileSync(join(server.folder, 'a file')).subarray(data.length).toString()).toBe('MORE');

  await client.upload('empty', []);
  expect(await client.download('empty', () => {})).toBe(0);

  await client.mkdir('folder');
  await client.upload('folder/größe.txt', [Buffer.from('x')]);
  await client.upload('folder/.hidden', [Buffer.from('xyz')]);
  const names = (await client.list('folder')).map(({ name, type, size }) => [name, type, size]);
  expect(names.sort()).toEqual([
    ['.hidden', 'file', 3],
    ['größe.txt', 'file', 1],
  ]);
  expect((await client.list()).map(({ name, type }) => `${name} ${type}`).sort()).toEqual([
    'a file file',
    'empty file',
    'folder dir',
  ]);
  expect((await client.stat('folder')).type).toBe('dir');
  const stat = await client.stat('folder/.hidden');
  expect([stat.name, stat.type, stat.size]).toEqual(['.hidden', 'file', 3]);

  await client.set_modified('empty', Date.UTC(2020, 1, 2, 3, 4, 5));
  expect(await client.modified('empty')).toBe(Date.UTC(2020, 1, 2, 3, 4, 5));

  await client.rename('empty', 'folder/moved');
  await client.remove('folder/moved');
  await client.remove('folder/.hidden');
  await client.remove('folder/größe.txt');
  await client.rmdir('folder');
  await expect(client.download('missing', () => {})).rejects.toMatchObject({ kind: 'not-found' });
  await expect(client.stat('missing')).rejects.toMatchObject({ kind: 'not-found' });
  await expect(client.cd('missing')).rejects.toMatchObject({ kind: 'not-found' });
  await client.remove('a file');
  expect(await client.list()).toEqual([]);
}

/** Transfers that are aborted, by a signal or by the program's own error; the client is usable afterwards, or closed. */
export async function aborted_transfers(client: FTPClient, server: TestServer): Promise<void> {
  const data = randomBytes(8_000_000);
  await client.upload('large', [data]);
  for (const direction of ['down', 'up', 'sink'] as const) {
    if (!client.is_connected) break;
    const aborter = new AbortController();
    const reason = new Error('enough');
    let chunks = 0;
    const running =
      direction === 'up'
        ? client.upload(
            'cut',
            (async function* () {
              for (let i = 0; i < 1000; i++) {
                if (i === 3) aborter.abort(reason);
                yield data.subarray(0, 100_000);
              }
            })(),
            { signal: aborter.signal },
          )
        : client.download(
            'large',
            () => {
              if (++chunks !== 2) return;
              if (direction === 'sink') throw reason;
              aborter.abort(reason);
            },
            { signal: aborter.signal },
          );
    await expect(running).rejects.toBe(reason);
    if (client.is_connected) expect(await client.pwd()).toBe(server.remote);
  }
}
