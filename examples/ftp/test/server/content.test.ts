// What goes over data connections: positions, ranges, text, MODE Z, uploads that break, listings.
import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { IPPROTO_TCP, TCP_NODELAY } from 'bsd-sockets/promises';
import { describe, expect, test } from 'vitest';
import { Client, until } from './harness.js';
import { image, reset, serving } from './serving.js';

describe('what goes over it', () => {
  const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 7));

  test('REST, RANG and HASH', async () => {
    const { place, server } = await serving();
    place.write('file', BYTES);
    const client = await image(server);
    await client.expect(350, 'REST 299990');
    expect((await client.fetch('RETR file')).equals(BYTES.subarray(299_990))).toBe(true);
    expect((await client.fetch('RETR file')).length).toBe(BYTES.length);
    await client.expect(350, 'RANG 10 19');
    expect((await client.fetch('RETR file')).equals(BYTES.subarray(10, 20))).toBe(true);
    await client.expect(350, 'REST 300001');
    await client.expect(229, 'EPSV');
    await client.expect(554, 'RETR file');
    const hex = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect((await client.expect(213, 'HASH file')).text).toBe(`213 SHA-256 0-299999 ${hex(BYTES)} file`);
    await client.expect(350, 'RANG 10 19');
    expect((await client.expect(213, 'HASH file')).text).toBe(
      `213 SHA-256 10-19 ${hex(BYTES.subarray(10, 20))} file`,
    );
    client.close();
  });

  test('TYPE A: line ends, in both directions', async () => {
    const { place, server } = await serving();
    place.write('unix', 'one\ntwo\r\nthree');
    const client = await Client.log_in(server.port);
    expect((await client.fetch('RETR unix')).toString()).toBe('one\r\ntwo\r\nthree');
    expect((await client.store('STOR text', 'a\r\nb\rc\r\n\r')).code).toBe(226);
    expect(place.read('text').toString()).toBe('a\nb\rc\n\r');
    client.close();
  });

  test('MODE Z, in both directions; what is cut or none of zlib is no file', async () => {
    const { place, server } = await serving({ uploads: { keep_partial: false } });
    place.write('file', BYTES);
    const client = await image(server);
    await client.expect(200, 'MODE Z');
    await client.expect(200, 'OPTS MODE Z LEVEL 9');
    const packed = await client.fetch('RETR file');
    expect(packed.length).toBeLessThan(BYTES.length);
    expect(inflateSync(packed).equals(BYTES)).toBe(true);
    expect(inflateSync(await client.fetch('LIST')).toString()).toContain('300000');
    const deflated = deflateSync(BYTES);
    expect((await client.store('STOR up', deflated)).code).toBe(226);
    expect(place.read('up').equals(BYTES)).toBe(true);
    expect((await client.store('STOR cut', deflated.subarray(0, -20))).code).toBe(426);
    expect((await client.store('STOR none', 'this is no zlib stream')).code).toBe(426);
    await client.expect(550, 'SIZE cut');
    await client.expect(550, 'SIZE none');
    client.close();
  });

  test('an upload that breaks goes on to an equal hash; its old file stays until then', async () => {
    const { place, server } = await serving();
    place.write('file', 'the old text');
    const client = await image(server);
    const data = await client.passive();
    data.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    await client.expect(150, 'STOR file');
    await data.sendall(BYTES.subarray(0, 200_000));
    await until(async () => (await client.command('STAT')).text.includes('200000 bytes'), 'all bytes come');
    expect(place.read('file').toString()).toBe('the old text');
    reset(data as never);
    await client.expect(426);
    expect(place.read('file').toString()).toBe('the old text');
    // SIZE of a file that is there is the file's, so the client knows how much it has sent by itself.
    await client.expect(350, 'REST 200000');
    expect((await client.store('STOR file', BYTES.subarray(200_000))).code).toBe(226);
    expect(place.read('file').equals(BYTES)).toBe(true);
    client.close();
  });

  test('a new upload that breaks: SIZE, REST and HASH go on from there', async () => {
    const { place, server } = await serving();
    const client = await image(server);
    const data = await client.passive();
    await client.expect(150, 'STOR new');
    await data.sendall(BYTES.subarray(0, 100_000));
    await until(async () => (await client.command('STAT')).text.includes('100000 bytes'), 'all bytes come');
    reset(data as never);
    await client.expect(426);
    expect(() => place.read('new')).toThrow('ENOENT');
    expect((await client.expect(213, 'SIZE new')).text).toBe('213 100000');
    await client.expect(350, 'REST 100000');
    expect((await client.store('STOR new', BYTES.subarray(100_000))).code).toBe(226);
    expect(place.read('new').equals(BYTES)).toBe(true);
    client.close();
  });

  test('an upload of a client that is killed is broken: both connections end', async () => {
    const { place, server } = await serving();
    for (let i = 0; i < 10; i++) {
      const client = await image(server);
      const data = await client.passive();
      await client.expect(150, 'STOR killed');
      await data.sendall(BYTES);
      // As the kernel does: in the order of their numbers.
      client.close();
      data.close();
    }
    await until(async () => (await server.service.registry.who()).length === 0, 'all sessions end');
    expect(() => place.read('killed')).toThrow('ENOENT');
  });

  test('APPE and STOU', async () => {
    const { place, server } = await serving();
    const client = await image(server);
    expect((await client.store('APPE log', 'one ')).code).toBe(226);
    expect((await client.store('APPE log', 'two')).code).toBe(226);
    expect(place.read('log').toString()).toBe('one two');
    const names = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const data = await client.passive();
      const { text } = await client.expect(150, 'STOU');
      names.add(/FILE: \/(\S+)/.exec(text)?.[1] ?? '');
      await data.sendall(`number ${i}`);
      data.close();
      await client.expect(226);
    }
    expect([...names].map((name) => place.read(name).toString()).sort()).toEqual([
      'number 0',
      'number 1',
      'number 2',
    ]);
    client.close();
  });

  test('NLST with patterns, LIST with options, MLSD, and names that would break a reply', async () => {
    const { place, server } = await serving();
    for (const name of ['a.txt', 'b.txt', 'c.bin', 'new\nline', 'q"uote', '.hidden']) place.write(name, 'x');
    const client = await image(server);
    expect((await client.fetch('NLST *.txt')).toString()).toBe('a.txt\r\nb.txt\r\n');
    expect((await client.fetch('NLST [a-b]*')).toString().split('\r\n').length).toBe(3);
    const all = (await client.fetch('LIST -la')).toString();
    expect(all).toContain(' new?line\r\n');
    expect(all).toContain(' .hidden\r\n');
    const facts = (await client.fetch('MLSD')).toString();
    expect(facts).toMatch(/^type=cdir;.* \.\r\n/);
    expect(facts).toMatch(
      /^type=file;size=1;modify=\d{14};perm=adfrw;unique=\S+;UNIX\.mode=0\d{3}; a\.txt\r$/m,
    );
    await client.expect(257, 'MKD say "hi"');
    expect((await client.expect(250, 'CWD say "hi"')).text).toBe('250 The directory is "/say ""hi""".');
    client.close();
  });

  test('names that are not UTF-8 keep their bytes', async () => {
    const { server } = await serving();
    const client = await image(server);
    const data = await client.passive();
    await client.send(Buffer.concat([Buffer.from('STOR caf'), Buffer.from([0xe9]), Buffer.from('\r\n')]));
    await client.expect(150);
    data.close();
    await client.expect(226);
    const listing = await client.fetch('NLST');
    expect(listing).toEqual(Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from('\r\n')]));
    client.close();
  });
});
