// Host certificates of ssh-keygen, shown by real sshd: accepted by their authority alone, for their names and times.
// It fails if a version of ssh2 no longer takes the additions of ssh2.ts.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetFailure } from '../../dist/failure.js';
import { run_command } from '../../dist/run/command.js';
import { read_certificate, refusal_of } from '../../dist/ssh/certificates.js';
import { Connector } from '../../dist/ssh/connect.js';
import { KnownHosts } from '../../dist/ssh/known_hosts.js';
import { ssh2 } from '../../dist/ssh/ssh2.js';
import type { Host } from '../../dist/types.js';
import { has_sshd, Site } from '../sshd.js';

/** Makes KEY-cert.pub. */
function sign(key: string, signer: string, options: readonly string[]): void {
  const args = ['-q', '-s', signer, '-I', 'the id', ...options, `${key}.pub`];
  execFileSync('ssh-keygen', args, { stdio: 'ignore' });
}

describe.skipIf(!has_sshd)('host certificates', () => {
  let site: Site;
  let authority: string;
  let other: string;
  let count = 0;
  beforeAll(() => {
    site = new Site();
    authority = site.make_key('authority');
    other = site.make_key('other-authority');
  });
  afterAll(() => site.close());

  /** Starts sshd with a certificate, and returns how a connection ends that knows only what `known` says. */
  async function attempt(
    options: readonly string[],
    known: string,
    type = 'ed25519',
    signer = authority,
    more: readonly string[] = [],
    changes: Partial<Host> = {},
  ) {
    const name = `cert${++count}`;
    const key = site.make_key(`key-${name}`, type);
    sign(key, signer, options);
    const server = await site.sshd(name, [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`, ...more]);
    const file = site.write(`known-by-${name}`, known.replaceAll('KEY', site.public_key(key)));
    try {
      (
        await new Connector({ credentials: {} }).connect(
          server.host({ known_hosts_files: [file], ...changes }),
          30,
        )
      ).close();
    } catch (error) {
      if (error instanceof FleetFailure) return `${error.failure}: ${error.message}`;
      throw error;
    }
    return 'connected';
  }

  const trusted = () => `@cert-authority * ${site.public_key(authority)}\n`;
  const valid = ['-h', '-n', '127.0.0.1'];

  it.each(['ed25519', 'ecdsa', 'rsa'])('%s: trusted by its authority', async (type) => {
    expect(await attempt(valid, trusted(), type)).toBe('connected');
  });

  it.each(['rsa', 'ecdsa'])('an authority may have a key of %s', async (type) => {
    const signer = site.make_key(`authority-${type}`, type);
    expect(await attempt(valid, `@cert-authority * ${site.public_key(signer)}\n`, 'ed25519', signer)).toBe(
      'connected',
    );
  });

  it('is refused for another host, another time, or a user', async () => {
    expect(await attempt(['-h', '-n', 'elsewhere,there'], trusted())).toBe(
      'host-key: the host certificate "the id" is for elsewhere, there, not for 127.0.0.1',
    );
    expect(await attempt([...valid, '-V', '20200101:20200102'], trusted())).toBe(
      'host-key: the host certificate "the id" has expired',
    );
    expect(await attempt([...valid, '-V', '20900101:20900102'], trusted())).toBe(
      'host-key: the host certificate "the id" is not valid yet',
    );
  });

  it('gives no trust if nobody trusts its authority, and none if that or the key is revoked', async () => {
    const stranger = await attempt(valid, `@cert-authority * ${site.public_key(other)}\n`);
    expect(stranger).toMatch(/^host-key: the host key ssh-ed25519 SHA256:\S+ of 127\.0\.0\.1 is unknown$/);
    const elsewhere = await attempt(valid, `@cert-authority *.example.com ${site.public_key(authority)}\n`);
    expect(elsewhere).toMatch(/is unknown$/);
    const in_file = { revoked_keys_file: `${authority}.pub` };
    expect(await attempt(valid, trusted(), 'ed25519', authority, [], in_file)).toBe(
      'host-key: the authority of the host certificate "the id" is revoked',
    );
    const revoked = await attempt(valid, `${trusted()}@revoked * ${site.public_key(authority)}\n`);
    expect(revoked).toBe('host-key: the authority of the host certificate "the id" is revoked');
    expect(await attempt(valid, `${trusted()}@revoked * KEY\n`)).toMatch(
      /^host-key: the host key \S+ \S+ is revoked by /,
    );
  });

  it('is refused if one bit of it is not as it was signed, or it is cut', () => {
    const key = site.make_key('tampered');
    sign(key, authority, valid);
    const bytes = Buffer.from(readFileSync(`${key}-cert.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
    const known = KnownHosts.load([site.write('known-tampered', trusted())]);
    const now = Math.floor(Date.now() / 1000);
    const refusal = (shown: Buffer, host: string) =>
      refusal_of(read_certificate(shown), known, host, 22, now);
    expect(refusal(bytes, '127.0.0.1')).toBeUndefined();
    const changed = Buffer.from(bytes.toString('latin1').replace('127.0.0.1', '127.0.0.2'), 'latin1');
    expect(refusal(changed, '127.0.0.2')).toBe(
      'the host certificate "the id" is not signed by its authority',
    );
    const bit = Buffer.from(bytes);
    bit[bytes.length - 1] = (bit.at(-1) ?? 0) ^ 1;
    expect(refusal(bit, '127.0.0.1')).toBe('the host certificate "the id" is not signed by its authority');
    for (let length = 0; length < bytes.length; length++) {
      expect(() => read_certificate(bytes.subarray(0, length))).toThrow(RangeError);
    }
    sign(key, authority, ['-n', '127.0.0.1']);
    const user = Buffer.from(readFileSync(`${key}-cert.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
    expect(refusal(user, '127.0.0.1')).toBe('the host certificate "the id" is for users, not for hosts');
  });

  it('is refused if it has critical options', async () => {
    const options = [...valid, '-O', 'critical:shape@example.com=square'];
    expect(await attempt(options, trusted())).toBe(
      'host-key: the host certificate "the id" has critical options that fleet does not know',
    );
  });

  it.each(['rsa-sha2-256', 'rsa-sha2-512'])('is taken with a signature of %s', async (format) => {
    const limit = [`HostKeyAlgorithms ${format}-cert-v01@openssh.com`];
    expect(await attempt(valid, trusted(), 'rsa', authority, limit)).toBe('connected');
  });

  it('is taken again when new keys are agreed on', async () => {
    const key = site.make_key('rekeyed', 'rsa');
    sign(key, authority, valid);
    const server = await site.sshd('rekeyed', [
      `HostKey ${key}`,
      `HostCertificate ${key}-cert.pub`,
      'RekeyLimit 1M',
    ]);
    const host = server.host({ known_hosts_files: [site.write('known-by-rekeyed', trusted())] });
    const connection = await new Connector({ credentials: {} }).connect(host, 30);
    let bytes = 0;
    await run_command(connection, 'head -c 8000000 /dev/zero', {
      on_output: (_stream, data) => {
        bytes += data.length;
      },
    });
    connection.close();
    expect(bytes).toBe(8_000_000);
  });

  it.each([
    ['its own key', true],
    ['another key', false],
  ])('is shown with a signature of %s', async (_what, is_own) => {
    const [shown, other_key] = [site.make_key(`shown-${is_own}`), site.make_key(`other-${is_own}`)];
    sign(shown, authority, valid);
    const certificate = Buffer.from(readFileSync(`${shown}-cert.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
    const signs = ssh2.utils.parseKey(readFileSync(is_own ? shown : other_key));
    if (signs instanceof Error) throw signs;
    const host_key: ParsedKey = Object.assign(Object.create(signs), {
      type: 'ssh-ed25519-cert-v01@openssh.com',
      getPublicSSH: () => certificate,
    });
    const server = new ssh2.Server({ hostKeys: [{ key: host_key as never, passphrase: '' }] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => context.reject([]));
    });
    const port = await site.listen((socket) => server.injectSocket(socket));
    const host = { ...site.host('thief', port), known_hosts_files: [site.write('known-thief', trusted())] };
    const failure = new Connector({ credentials: {} }).connect(host, 30);
    await expect(failure).rejects.toMatchObject(
      is_own
        ? { failure: 'authentication' }
        : { failure: 'host-key', message: 'the host has not the private half of the key that it shows' },
    );
  });

  it('counts as its plain key if that is known', async () => {
    expect(await attempt(valid, `@cert-authority * ${site.public_key(other)}\n127.0.0.1 KEY\n`)).toBe(
      'connected',
    );
  });

  it('is not needed: a host without one is known by its key', async () => {
    const server = await site.sshd('plain');
    const host = server.host();
    const file = site.write(
      'both',
      `${trusted()}[127.0.0.1]:${server.port} ${site.public_key(join(site.folder, 'host-plain'))}\n`,
    );
    const connection = await new Connector({ credentials: {} }).connect(
      { ...host, known_hosts_files: [file] },
      30,
    );
    connection.close();
  });
});
