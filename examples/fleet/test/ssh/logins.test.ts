// Keys at real sshd: each kind and form, of files and of ssh-agent, with passphrases, with certificates of users, and those that cannot be used.

import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connector } from '../../dist/ssh/connect.js';
import { number32, Reader, strings } from '../../dist/ssh/wire.js';
import type { Host } from '../../dist/types.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';
import { failure_of, PLENTY } from './failure.js';
import { SshAgent } from './ssh_agent.js';

describe.skipIf(!has_sshd)('a key', () => {
  let site: Site;
  let count = 0;
  const agents: SshAgent[] = [];
  beforeAll(() => {
    site = new Site();
  });
  afterAll(async () => {
    for (const agent of agents) await agent.end();
    site.close();
  });

  /** Starts sshd that lets these keys in, and no password. */
  function lets_in(keys: readonly string[], lines: readonly string[] = []): Promise<Sshd> {
    const name = `server${++count}`;
    const authorized = site.write(`lets-in-${name}`, keys.map((key) => `${site.public_key(key)}\n`).join(''));
    return site.sshd(name, [`AuthorizedKeysFile ${authorized}`, 'AuthenticationMethods publickey', ...lines]);
  }

  /** Starts ssh-agent with keys. */
  async function start_agent(keys: readonly string[], passphrase = '') {
    const agent = await SshAgent.start(site, `agent${++count}`);
    agents.push(agent);
    for (const key of keys) agent.add(key, passphrase);
    return agent;
  }

  const only = (...identity_files: string[]): Partial<Host> => ({ identity_files });

  it.each([
    ['ed25519', 'RFC4716'],
    ['ecdsa', 'RFC4716'],
    ['rsa', 'RFC4716'],
    ['ecdsa', 'PEM'],
    ['rsa', 'PEM'],
    ['ecdsa', 'PKCS8'],
    ['rsa', 'PKCS8'],
  ])('of %s in the form %s lets in, from a file, with a passphrase and by the agent', async (type, form) => {
    const key = site.make_key(`key${++count}`, type);
    const locked = site.make_key(`locked${count}`, type, 'open sesame');
    for (const [file, passphrase] of [
      [key, ''],
      [locked, 'open sesame'],
    ] as const) {
      execFileSync('ssh-keygen', [
        '-q',
        '-p',
        '-a',
        '1',
        '-m',
        form,
        '-P',
        passphrase,
        '-N',
        passphrase,
        '-f',
        file,
      ]);
    }
    const server = await lets_in([key, locked]);
    expect(await failure_of(server.host(only(key)))).toBeUndefined();
    const asked: string[] = [];
    const credentials = {
      passphrase: async (file: string) => {
        asked.push(file);
        return 'open sesame';
      },
    };
    expect(await failure_of(server.host(only(locked)), { credentials })).toBeUndefined();
    rmSync(`${locked}.pub`);
    expect(await failure_of(server.host(only(locked)), { credentials })).toBeUndefined();
    expect(asked).toEqual([locked, locked]);
    const { path } = await start_agent([key]);
    expect(await failure_of(server.host(only()), { credentials: { agent: path } })).toBeUndefined();
  });

  it.each([384, 521])('of ECDSA with %i bits lets in', async (bits) => {
    const key = join(site.folder, `ecdsa${bits}`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-b', String(bits), '-N', '', '-f', key]);
    expect(await failure_of((await lets_in([key])).host(only(key)))).toBeUndefined();
  });

  it('with a passphrase is asked for only if a host takes it, and once for all', async () => {
    const [locked, plain] = [site.make_key('asked', 'ed25519', 'p'), site.make_key('not-asked')];
    const asked: string[] = [];
    const connector = new Connector({
      credentials: {
        passphrase: async (file) => {
          asked.push(file);
          return 'p';
        },
      },
    });
    const [first, second, third] = [await lets_in([plain]), await lets_in([locked]), await lets_in([locked])];
    const host = (server: Sshd) => server.host(only(locked, plain));
    (await connector.connect(host(first), PLENTY)).close();
    expect(asked).toEqual([]);
    const stranger = connector.connect(first.host(only(locked)), PLENTY);
    await expect(stranger).rejects.toMatchObject({
      message: `root was not let in; tried ${locked} (it takes publickey)`,
    });
    expect(asked).toEqual([]);
    const both = await Promise.all([second, third].map((server) => connector.connect(host(server), PLENTY)));
    for (const connection of both) connection.close();
    expect(asked).toEqual([locked]);
  });

  it('whose passphrase is wrong is asked for three times, and left out', async () => {
    const [locked, plain] = [site.make_key('wrong', 'ed25519', 'right'), site.make_key('instead')];
    let asked = 0;
    const credentials = {
      passphrase: async () => {
        asked++;
        return 'wrong';
      },
    };
    const server = await lets_in([locked]);
    expect(await failure_of(server.host(only(locked)), { credentials })).toEqual({
      failure: 'authentication',
      reason: `root was not let in; tried ${locked}; ${locked} does not sign: there is no passphrase that opens it (it takes publickey)`,
    });
    expect(asked).toBe(3);
    asked = 0;
    const late = { passphrase: async () => (++asked < 3 ? 'wrong' : 'right') };
    expect(await failure_of(server.host(only(locked)), { credentials: late })).toBeUndefined();
    const both = await lets_in([locked, plain]);
    const none = { passphrase: async () => undefined };
    expect(await failure_of(both.host(only(locked, plain)), { credentials: none })).toBeUndefined();
  });

  it('of a file with a passphrase is taken from the agent, and asked for nobody', async () => {
    const locked = site.make_key('in-agent', 'ed25519', 'p');
    const server = await lets_in([locked]);
    const { path } = await start_agent([locked], 'p');
    const passphrase = async () => {
      throw new Error('asked');
    };
    const credentials = { agent: path, passphrase };
    expect(await failure_of(server.host(only(locked)), { credentials })).toBeUndefined();
    expect(await failure_of(server.host(only(`${locked}.pub`)), { credentials })).toBeUndefined();
    rmSync(locked);
    expect(
      await failure_of(server.host({ ...only(locked), identities_only: true }), { credentials }),
    ).toBeUndefined();
  });

  it('is found by IdentitiesOnly among many in the agent', async () => {
    const keys = Array.from({ length: 10 }, (_, index) => site.make_key(`many${index}`));
    const { path } = await start_agent(keys);
    const [last = ''] = keys.slice(-1);
    const server = await lets_in([last], ['MaxAuthTries 4']);
    const credentials = { agent: path };
    expect(await failure_of(server.host(only()), { credentials })).toEqual({
      failure: 'authentication',
      reason:
        'root was not let in: Too many authentication failures; tried agent (4 keys) (it takes publickey)',
    });
    const chosen = { ...only(`${last}.pub`), identities_only: true };
    expect(await failure_of(server.host(chosen), { credentials })).toBeUndefined();
    // Those of files come first, also without it.
    expect(await failure_of(server.host(only(last)), { credentials })).toBeUndefined();
    const nothing = { identities_only: true, ...only() };
    expect((await failure_of(server.host(nothing), { credentials }))?.reason).toContain(
      'there was nothing to try',
    );
    expect((await failure_of(server.host({ ...only(), agent: null }), { credentials }))?.reason).toContain(
      'there was nothing to try',
    );
    expect(await failure_of(server.host({ ...chosen, agent: path }))).toBeUndefined();
  });

  it('of an agent that is gone leaves the others', async () => {
    const agent = await start_agent([site.key]);
    const server = await lets_in([site.key]);
    const credentials = { agent: agent.path };
    expect(await failure_of(server.host(only()), { credentials })).toBeUndefined();
    await agent.end();
    expect(await failure_of(server.host(), { credentials })).toBeUndefined();
    expect(await failure_of(server.host(only()), { credentials })).toEqual({
      failure: 'authentication',
      reason: expect.stringMatching(
        /^root was not let in; there was nothing to try; the agent \S+ cannot be asked: Connection refused \(it takes publickey\)$/,
      ),
    });
    const none = await failure_of(server.host({ ...only(), agent: join(site.folder, 'none') }));
    expect(none?.reason).toMatch(/cannot be asked: No such file or directory/);
  });

  it('of an agent that does not answer is waited for as long as for the host, which says so', async () => {
    const path = join(site.folder, 'silent-agent');
    const silent = createServer(() => {}).listen(path);
    try {
      const server = await lets_in([site.key]);
      const hosts = [server.host({ agent: path }), server.host({ agent: path })];
      const connector = new Connector({ credentials: {} });
      const ends = await Promise.allSettled(hosts.map((host) => connector.connect(host, 3)));
      const reason = `no SSH session within 3 s: the agent ${path} does not answer`;
      for (const end of ends)
        expect(end).toMatchObject({ reason: { failure: 'timed-out', message: reason } });
    } finally {
      silent.close();
    }
  });

  it.each([
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a list that is cut', Buffer.concat([number32(9), Buffer.from([12]), number32(1), number32(400)])],
    ['a list without end', Buffer.concat([number32(5), Buffer.from([12]), number32(0xff_ff_ff_ff)])],
    ['a refusal', Buffer.concat([number32(1), Buffer.from([5])])],
    ['nothing', Buffer.alloc(0)],
  ])('of an agent that answers %s is left out', async (what, answer) => {
    const path = join(site.folder, `odd-agent-${what.length}`);
    const odd = createServer((socket) => socket.end(answer)).listen(path);
    try {
      const server = await lets_in([site.key]);
      expect(await failure_of(server.host({ agent: path }))).toBeUndefined();
      expect((await failure_of(server.host({ agent: path, ...only() })))?.reason).toMatch(
        /^root was not let in; there was nothing to try; the agent /,
      );
    } finally {
      odd.close();
    }
  });

  it('that is a security key is refused as a file, and used by an agent', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const type = 'sk-ssh-ed25519@openssh.com';
    const blob = strings(type, raw, 'ssh:');
    const key = site.write('sk', '');
    site.write('sk.pub', `${type} ${blob.toString('base64')}\n`);
    // OpenSSH's private key file, whose private part is not looked at.
    const content = Buffer.concat([
      Buffer.from('openssh-key-v1\0'),
      strings('none', 'none', ''),
      number32(1),
      strings(blob, Buffer.alloc(64)),
    ]).toString('base64');
    site.write('sk', `-----BEGIN OPENSSH PRIVATE KEY-----\n${content}\n-----END OPENSSH PRIVATE KEY-----\n`);
    const server = await lets_in([key]);
    expect(await failure_of(server.host(only(key)))).toMatchObject({
      reason: `root was not let in; there was nothing to try; ${key} cannot be used: it is a security key, which only an agent can use (it takes publickey)`,
    });

    // An agent that has the key: what a security key signs, PROTOCOL.u2f says.
    const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
    const state = Buffer.from([1, 0, 0, 0, 7]); // somebody was there; the seventh signature
    const path = join(site.folder, 'sk-agent');
    const agent = createServer((socket) => {
      socket.once('data', (request) => {
        const reader = new Reader(request.subarray(5));
        const list = () => Buffer.concat([Buffer.from([12]), number32(1), strings(blob, 'my key')]);
        const signature = () => {
          expect(reader.string()).toEqual(blob);
          const signed = Buffer.concat([sha256('ssh:'), state, sha256(reader.string())]);
          const parts = Buffer.concat([strings(type, sign(null, signed, privateKey)), state]);
          return Buffer.concat([Buffer.from([14]), strings(parts)]);
        };
        socket.end(strings(request[4] === 11 ? list() : signature()));
      });
    }).listen(path);
    try {
      expect(
        await failure_of(server.host({ ...only(key), agent: path, identities_only: true })),
      ).toBeUndefined();
    } finally {
      agent.close();
    }
  });

  it('that others may read, or that is none, cannot be used', async () => {
    const open = site.make_key('open');
    const broken = site.write('broken', 'no key');
    const server = await lets_in([open]);
    chmodSync(open, 0o644);
    expect(await failure_of(server.host(only(open, broken)))).toMatchObject({
      reason: `root was not let in; there was nothing to try; ${open} cannot be used: others may read it, as its mode is 0644; ${broken} cannot be used: Unsupported key format (it takes publickey)`,
    });
  });
});

describe.skipIf(!has_sshd)('a certificate of a user', () => {
  let site: Site;
  let authority: string;
  let server: Sshd;
  beforeAll(async () => {
    site = new Site();
    authority = site.make_key('authority', 'rsa');
    server = await site.sshd('certified', [
      `TrustedUserCAKeys ${authority}.pub`,
      'AuthorizedKeysFile none',
      'AuthenticationMethods publickey',
    ]);
  });
  afterAll(() => site.close());

  /** Makes a key with KEY-cert.pub. */
  function certified(
    name: string,
    type = 'ed25519',
    options: readonly string[] = ['-n', 'root'],
    passphrase = '',
  ) {
    const key = site.make_key(name, type, passphrase);
    execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', name, ...options, `${key}.pub`], {
      stdio: 'ignore',
    });
    return key;
  }

  it.each(['ed25519', 'ecdsa', 'rsa'])('lets in, with a key of %s', async (type) => {
    const key = certified(`key-${type}`, type);
    expect(await failure_of(server.host({ identity_files: [key] }))).toBeUndefined();
    const moved = site.write(`moved-${type}-cert.pub`, readFileSync(`${key}-cert.pub`, 'utf8'));
    rmSync(`${key}-cert.pub`);
    expect((await failure_of(server.host({ identity_files: [key] })))?.failure).toBe('authentication');
    const named = { identity_files: [key], certificate_files: [moved] };
    expect(await failure_of(server.host(named))).toBeUndefined();
  });

  it.each(['ed25519', 'rsa'])('lets in by the agent, with a key of %s', async (type) => {
    const key = certified(`agent-${type}`, type);
    const agent = await SshAgent.start(site, `agent-of-${type}`);
    try {
      agent.add(key);
      const by_agent = { identity_files: [], agent: agent.path };
      expect(await failure_of(server.host(by_agent))).toBeUndefined();
      const file = { agent: agent.path, identities_only: true, identity_files: [`${key}.pub`] };
      const named = { ...file, certificate_files: [`${key}-cert.pub`] };
      expect(await failure_of(server.host(named))).toBeUndefined();
      agent.remove_all();
      expect((await failure_of(server.host(by_agent)))?.failure).toBe('authentication');
    } finally {
      await agent.end();
    }
  });

  it('lets in with a key that has a passphrase', async () => {
    const key = certified('locked', 'ed25519', ['-n', 'root'], 'p');
    const credentials = { passphrase: async () => 'p' };
    expect(await failure_of(server.host({ identity_files: [key] }), { credentials })).toBeUndefined();
  });

  it('is refused by the host if it is for others, of another time, or for hosts', async () => {
    for (const [name, options] of [
      ['others', ['-n', 'nobody']],
      ['past', ['-n', 'root', '-V', '20200101:20200102']],
      ['forced', ['-n', 'root', '-O', 'source-address=192.0.2.1']],
    ] as const) {
      const key = certified(name, 'ed25519', options);
      expect(await failure_of(server.host({ identity_files: [key] }))).toEqual({
        failure: 'authentication',
        reason: expect.stringMatching(`^root was not let in; tried ${key}-cert.pub, ${key}`),
      });
    }
    const of_host = certified('of-host', 'ed25519', ['-h', '-n', 'root']);
    const named = { identity_files: [of_host], certificate_files: [`${of_host}-cert.pub`] };
    expect((await failure_of(server.host(named)))?.reason).toMatch(
      `tried ${of_host}; ${of_host}-cert.pub has no certificate of a user`,
    );
  });
});
