// Connections to real sshd and to servers that misbehave: each ends in time, with its class and a reason that names the cause.

import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connector } from '../../dist/ssh/connect.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';
import { failure_of, PLENTY } from './failure.js';

describe.skipIf(!has_sshd)('a connection', () => {
  let site: Site;
  let server: Sshd;
  beforeAll(async () => {
    site = new Site();
    server = await site.sshd('one');
  });
  afterAll(() => site.close());

  it('is made with a key, and runs a command', async () => {
    const connection = await new Connector({ credentials: {} }).connect(server.host(), PLENTY);
    const output = await new Promise<string>((resolve, reject) => {
      connection.client.exec('echo hello', (error, channel) => {
        if (error) return reject(error);
        let text = '';
        channel.on('data', (data: Buffer) => {
          text += data;
        });
        channel.on('close', () => resolve(text));
      });
    });
    connection.close();
    expect(output).toBe('hello\n');
  });

  it('goes by way of jump hosts', async () => {
    const [first, second] = [await site.sshd('jump1'), await site.sshd('jump2')];
    const host = server.host({ jumps: [first.host(), second.host()] });
    expect(await failure_of(host)).toBeUndefined();
    const closed = await site.sshd('nojump', ['AllowTcpForwarding no']);
    expect(await failure_of(server.host({ jumps: [closed.host()] }))).toMatchObject({
      failure: 'unreachable',
    });
    const wrong = server.host({ jumps: [first.host({ identity_files: [] })] });
    expect(await failure_of(wrong)).toEqual({
      failure: 'authentication',
      reason:
        'jump host jump1: root was not let in; there was nothing to try (it takes publickey, password, keyboard-interactive)',
    });
  });

  it('refuses a key that is unknown, changed or revoked', async () => {
    const unknown = await failure_of(server.host({ known_hosts_files: [] }));
    expect(unknown).toEqual({
      failure: 'host-key',
      reason: expect.stringMatching(/^the host key ssh-ed25519 SHA256:\S{43} of 127\.0\.0\.1 is unknown$/),
    });
    const other = site.public_key(site.key).split(' ').slice(0, 2).join(' ');
    const changed = site.write('changed', `[127.0.0.1]:${server.port} ${other}\n`);
    expect(await failure_of(server.host({ known_hosts_files: [changed] }), { accept_new: true })).toEqual({
      failure: 'host-key',
      reason: expect.stringContaining(`not the one of ${changed}:1`),
    });
    const own = site.public_key(join(site.folder, 'host-one'));
    const revoked = site.write('revoked', `@revoked * ${own}\n[127.0.0.1]:${server.port} ${own}\n`);
    expect(await failure_of(server.host({ known_hosts_files: [revoked] }))).toEqual({
      failure: 'host-key',
      reason: expect.stringContaining(`is revoked by ${revoked}:1`),
    });
  });

  it('adds an unknown key if it is told to, and then knows it', async () => {
    const file = join(site.folder, 'added', 'known_hosts');
    const host = server.host({ known_hosts_files: [file] });
    expect(await failure_of(host, { accept_new: true })).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(`^\\[127\\.0\\.0\\.1\\]:${server.port} ssh-ed25519 \\S+\\n$`),
    );
    expect(await failure_of(host)).toBeUndefined();
  });

  it('adds a hashed name, behind a last line without an end, and says if it cannot', async () => {
    const file = site.write('no-end', '# no end');
    const host = server.host({ known_hosts_files: [file], hash_known_hosts: true });
    expect(await failure_of(host, { accept_new: true })).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toMatch(/^# no end\n\|1\|\S{28}\|\S{28} ssh-ed25519 \S+\n$/);
    expect(await failure_of(host)).toBeUndefined();
    const found = spawnSync('ssh-keygen', ['-F', `[127.0.0.1]:${server.port}`, '-f', file]);
    expect(found.status).toBe(0);
    const folder = server.host({ known_hosts_files: ['/proc/known_hosts'] });
    expect(await failure_of(folder, { accept_new: true })).toEqual({
      failure: 'host-key',
      reason: expect.stringMatching(/^the host key \S+ \S+ of 127\.0\.0\.1 cannot be added: ENOENT/),
    });
  });

  it('refuses the keys of RevokedHostKeys, and every key if that cannot be read', async () => {
    const own = site.public_key(join(site.folder, 'host-one'));
    const file = site.write('revoked-keys', `# comment\n\n${site.public_key(site.key)}\n${own}\n`);
    expect(await failure_of(server.host({ revoked_keys_file: file }))).toEqual({
      failure: 'host-key',
      reason: expect.stringContaining(`is revoked by ${file}:4`),
    });
    const other = site.write('revoked-others', `${site.public_key(site.key)}\n`);
    expect(await failure_of(server.host({ revoked_keys_file: other }))).toBeUndefined();
    const krl = join(site.folder, 'krl');
    execFileSync('ssh-keygen', ['-q', '-k', '-f', krl, `${site.key}.pub`]);
    for (const [revoked_keys_file, why] of [
      ['/nonexistent/revoked', 'ENOENT'],
      [krl, 'is a KRL'],
    ] as const) {
      expect(await failure_of(server.host({ revoked_keys_file }))).toEqual({
        failure: 'host-key',
        reason: expect.stringMatching(`^the keys of hosts cannot be read: .*${why}`),
      });
    }
  });

  it('asks for the type of key that is known', async () => {
    const rsa = site.make_key('host-rsa', 'rsa');
    const two = await site.sshd('two-keys', [`HostKey ${rsa}`]);
    const known = site.write('known-rsa', `[127.0.0.1]:${two.port} ${site.public_key(rsa)}\n`);
    expect(await failure_of(two.host({ known_hosts_files: [known] }))).toBeUndefined();
  });

  it('says what was tried if it is not let in', async () => {
    const key = site.make_key('stranger');
    expect(await failure_of(server.host({ identity_files: [key, join(site.folder, 'none')] }))).toEqual({
      failure: 'authentication',
      reason: `root was not let in; tried ${key} (it takes publickey, password, keyboard-interactive)`,
    });
  });

  it('asks once for the passphrase of a key', async () => {
    const key = site.make_key('locked', 'ed25519', 'open sesame');
    const lets_in = site.write('authorized-locked', `${site.public_key(key)}\n`);
    const locked = await site.sshd('locked-host', [`AuthorizedKeysFile ${lets_in}`]);
    const asked: string[] = [];
    const connector = new Connector({
      credentials: {
        passphrase: async (file) => {
          asked.push(file);
          return 'open sesame';
        },
      },
    });
    const host = locked.host({ identity_files: [key] });
    for (const connection of await Promise.all([
      connector.connect(host, PLENTY),
      connector.connect(host, PLENTY),
    ])) {
      connection.close();
    }
    expect(asked).toEqual([key]);
    const wrong = { credentials: { passphrase: async () => 'wrong' } };
    expect(await failure_of(host, wrong)).toMatchObject({ failure: 'authentication' });
    expect(await failure_of(host)).toMatchObject({ failure: 'authentication' });
  });

  it('does not time out while a person is asked', async () => {
    const key = site.make_key('slow', 'ed25519', 'slowly');
    const lets_in = site.write('authorized-slow', `${site.public_key(key)}\n`);
    const slow = await site.sshd('slow-host', [`AuthorizedKeysFile ${lets_in}`]);
    const passphrase = async () => {
      await new Promise((resolve) => setTimeout(resolve, 6500));
      return 'slowly';
    };
    expect(
      await failure_of(slow.host({ identity_files: [key] }), { credentials: { passphrase } }, 6),
    ).toBeUndefined();
  });

  it('is refused where nobody listens', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    listener.close();
    await once(listener, 'close');
    expect(await failure_of(site.host('closed', port))).toEqual({
      failure: 'refused',
      reason: `127.0.0.1 port ${port}: nobody listens there`,
    });
    const jump = server.host();
    expect(await failure_of({ ...site.host('closed', port), jumps: [jump] })).toMatchObject({
      failure: 'refused',
    });
  });

  it('is unreachable if the name is unknown', async () => {
    const host = { ...site.host('nowhere', 22), address: 'nowhere.invalid' };
    expect(await failure_of(host)).toMatchObject({
      failure: 'unreachable',
      reason: expect.stringContaining('nowhere.invalid'),
    });
  });

  it('ends in time if the host says nothing, or never ends its banner', async () => {
    const silent = await site.listen(() => {});
    const timed_out = { failure: 'timed-out', reason: 'no SSH session within 0.5 s' };
    expect(await failure_of(site.host('silent', silent), {}, 0.5)).toEqual(timed_out);
    const slow = await site.listen((socket) => {
      const timer = setInterval(() => socket.write('hello\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await failure_of(site.host('slow', slow), {}, 0.5)).toEqual(timed_out);
  });

  it.each([
    ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'cut-off'],
    ['SSH of another version', 'SSH-1.5-old\r\n', 'protocol'],
    ['a line without end', 'x'.repeat(100_000), 'protocol'],
    ['a banner without end', 'x\r\n'.repeat(100_000), 'protocol'],
    ['garbage behind the version', `SSH-2.0-x\r\n${'\xff'.repeat(500)}`, 'protocol'],
    ['nothing at all', '', 'cut-off'],
  ])('ends at %s', async (_what, text, failure) => {
    const port = await site.listen((socket) => socket.end(Buffer.from(text, 'latin1')));
    const found = await failure_of(site.host('odd', port));
    expect(found?.failure).toBe(failure);
    expect(found?.reason).not.toMatch(/\p{Cc}/u);
  });

  it('ends at a signal', async () => {
    const silent = await site.listen(() => {});
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await failure_of(site.host('silent', silent), {}, PLENTY, stop.signal)).toMatchObject({
      failure: 'stopped',
    });
    expect(await failure_of(site.host('silent', silent), {}, PLENTY, AbortSignal.abort())).toMatchObject({
      failure: 'stopped',
    });
  });
});
