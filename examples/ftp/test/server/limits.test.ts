// What a client may take: time, memory, rates, places, permissions.
import { create_connection } from 'bsd-sockets/promises';
import { describe, expect, test } from 'vitest';
import { Client, PATIENCE, read_all, until } from './harness.js';
import { image, serving } from './serving.js';

describe('limits', () => {
  test('a client that asks in a transfer and reads no answer costs no memory; nor does Telnet', async () => {
    const { place, server } = await serving();
    place.write('large', Buffer.alloc(20_000_000));
    const client = await image(server);
    const data = await client.passive();
    await client.expect(150, 'RETR large');
    const before = process.memoryUsage().rss;
    const flood = Buffer.from('\xff\xfd\x01STAT\r\n'.repeat(10_000), 'latin1');
    const sent = (async () => {
      for (let i = 0; i < 100; i++) await client.sock.sendall(flood);
    })().catch(() => {});
    const late = new Promise((resolve) => setTimeout(resolve, 1500));
    // The server does not read for ever.
    await Promise.race([sent, late]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    data.close();
    client.close();
    await sent;
  });

  test('a transfer that is slower than min_rate ends', async () => {
    const { server } = await serving({ timeouts: { stall: 0.3 }, limits: { min_rate: 1_000_000 } });
    const client = await image(server);
    const data = await client.passive();
    await client.expect(150, 'STOR slow');
    const replied = client.reply();
    let done = false;
    void replied.then(() => {
      done = true;
    });
    while (!done) {
      await data.sendall('x').catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await replied).text).toMatch(/^426 .*too slow/);
    data.close();
    client.close();
  });

  test('a client that was fast and becomes slow is heard, byte by byte', async () => {
    const { place, server } = await serving({ timeouts: { stall: 2 } });
    const client = await image(server);
    const data = await client.passive();
    await client.expect(150, 'STOR file');
    const fast = Buffer.alloc(16_000_000, 'fast ');
    await data.sendall(fast);
    const told = async () => / (\d+) bytes/.exec((await client.command('STAT')).text)?.[1];
    await until(async () => (await told()) === String(fast.length), 'all that came fast');
    // Longer than a time-out in all.
    for (let i = 1; i <= 40; i++) {
      await data.sendall('x');
      await new Promise((resolve) => setTimeout(resolve, 75));
      if (i % 10 === 0)
        await until(async () => (await told()) === String(fast.length + i), 'each of the bytes');
    }
    await data.sendall(fast);
    data.close();
    await client.expect(226);
    client.close();
    expect(place.read('file').equals(Buffer.concat([fast, Buffer.alloc(40, 'x'), fast]))).toBe(true);
  });

  test.each(['TYPE I', 'TYPE A'])('a client that is slow, but not too slow, gets all: %s', async (type) => {
    const { place, server } = await serving({ timeouts: { stall: 3 } });
    const bytes = Buffer.alloc(20_000_000, 'x');
    place.write('large', bytes);
    const client = await image(server);
    await client.expect(200, type);
    const data = await client.passive();
    await client.expect(150, 'RETR large');
    // Much longer than a time-out in all, and in each less than what the kernels hold.
    let received = 0;
    const end = performance.now() + 5000;
    while (performance.now() < end) {
      received += (await data.recv(8_000)).length;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    received += (await read_all(data)).length;
    expect(received).toBe(bytes.length);
    await client.expect(226);
    client.close();
  });

  test('ABOR is heard while a rate has a transfer wait', async () => {
    const { place, server } = await serving({}, { slow: { max_download_rate: 1024, max_upload_rate: 1024 } });
    place.write('large', Buffer.alloc(1_000_000));
    const client = await Client.log_in(server.port, 'slow');
    await client.expect(200, 'TYPE I');
    for (const command of ['RETR large', 'STOR new']) {
      const data = await client.passive();
      await client.expect(150, command);
      const sending = data.sendall(Buffer.alloc(command === 'RETR large' ? 0 : 3_000_000)).catch(() => {});
      await until(async () => !(await client.command('STAT')).text.includes(': 0'), 'it moves');
      await client.expect(426, 'ABOR');
      await client.expect(226);
      await sending;
      data.close();
    }
    client.close();
  });

  test('an idle client, one that does not log in, and a session that is too long get 421', async () => {
    const { server } = await serving({ timeouts: { idle: 0.3, login: 0.3 } });
    const stranger = await Client.connect(server.port);
    expect((await stranger.reply()).text).toMatch(/^421/);
    const idle = await Client.log_in(server.port);
    expect((await idle.reply()).text).toMatch(/^421/);
    stranger.close();
    idle.close();
    const other = await serving({ timeouts: { session: 0.5 } });
    const client = await Client.log_in(other.server.port);
    expect((await client.reply()).text).toMatch(/^421/);
    client.close();
  });

  test('connections of one address, sessions of one user, failed log-ins', async () => {
    const { server } = await serving(
      { limits: { max_connections_per_address: 2, failed_logins: 2 }, bans: { delay: 0, failures: 3 } },
      { bob: { max_sessions: 1 } },
    );
    const first = await Client.log_in(server.port, 'bob');
    const second = await Client.connect(server.port);
    const third = await create_connection(['127.0.0.1', server.port], PATIENCE);
    expect((await third.recv(200)).toString()).toMatch(/^421 .*too many connections from this address/);
    third.close();
    await second.expect(331, 'USER bob');
    await second.expect(530, 'PASS secret');
    await second.expect(331, 'USER ann');
    await second.expect(530, 'PASS wrong');
    await second.expect(331, 'USER ann');
    await second.expect(421, 'PASS wrong');
    expect((await second.reply()).code).toBe(0);
    second.close();
    // The user's place is free behind REIN.
    await first.expect(220, 'REIN');
    const again = await Client.log_in(server.port, 'bob');
    await again.expect(331, 'USER ann');
    await again.expect(421, 'PASS wrong');
    again.close();
    const banned = await create_connection(['127.0.0.1', server.port], PATIENCE);
    expect((await banned.recv(200)).toString()).toMatch(/^421 .*banned/);
    banned.close();
    first.close();
  });

  test('read-only and drop-box users, and a quota', async () => {
    const { place, server } = await serving(
      {},
      {
        reader: { permissions: 'read-only' },
        dropper: { permissions: 'drop-box' },
        small: { max_bytes: 1_000_000 },
      },
    );
    place.write('file', 'text');
    const reader = await Client.log_in(server.port, 'reader');
    expect((await reader.fetch('RETR file')).toString()).toBe('text');
    await reader.expect(229, 'EPSV');
    await reader.expect(553, 'STOR new');
    await reader.expect(550, 'DELE file');
    await reader.expect(550, 'MKD x');
    await reader.expect(550, 'RNFR file');
    await reader.expect(550, 'SITE CHMOD 600 file');
    const dropper = await Client.log_in(server.port, 'dropper');
    expect((await dropper.store('STOR dropped', 'x')).code).toBe(226);
    await dropper.expect(229, 'EPSV');
    await dropper.expect(553, 'STOR dropped');
    await dropper.expect(550, 'LIST');
    await dropper.expect(550, 'RETR dropped');
    await dropper.expect(550, 'SIZE dropped');
    await dropper.expect(250, 'CWD /');
    const small = await Client.log_in(server.port, 'small');
    const data = await small.passive();
    await small.expect(150, 'STOR big');
    const sent = data.sendall(Buffer.alloc(5_000_000)).catch(() => {});
    await small.expect(552);
    await sent;
    data.close();
    await small.expect(504, 'ALLO 2000000');
    for (const client of [reader, dropper, small]) client.close();
  });
});
