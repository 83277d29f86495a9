// ssh_config(5) beside `ssh -G`, and known_hosts beside `ssh-keygen -F`.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expand, SshConfig } from '../../dist/ssh/config.js';
import { KnownHosts } from '../../dist/ssh/known_hosts.js';

const folder = mkdtempSync(join(tmpdir(), 'fleet-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const has_ssh = spawnSync('ssh', ['-V']).status === 0 && spawnSync('ssh-keygen', ['-?']).error === undefined;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

mkdirSync(join(folder, 'd'));
file('d/1.conf', 'Host inc*\n  Port 1001\n');
file('d/2.conf', 'Host inc2\n  Port 1002\n  User two\nHost *\n  ConnectTimeout 9\n');
const MAIN = file(
  'config',
  `# comment
User fallback
Include ${folder}/d/*.conf
Host a !b "quoted name"
  Port 22
Host web* !web9
  HostName %h.example.com
  IdentityFile ~/.ssh/%r_%n
  IdentityFile "/k 2"
Host web9
  HostName=nine
Host=only
\tPort = 5 # five
Match host *.example.com user fallback
  Port 2200
  ProxyJump u@j1:23,j2
Match originalhost web3 !user other
  ProxyJump none
  HostKeyAlias three
Match !host *.example.com,nine
  Port 77
Match all
  UserKnownHostsFile /a /b
Host guarded
  Include ${folder}/d/1.conf
`,
);

describe.skipIf(!has_ssh)('beside ssh -G', () => {
  it.each(['a', 'b', 'web1', 'web3', 'web9', 'WEB4', 'only', 'inc1', 'inc2', 'guarded', '10.0.0.1'])(
    '%s',
    (name) => {
      const lines = execFileSync('ssh', ['-F', MAIN, '-G', name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).split('\n');
      const theirs = (keyword: string) =>
        lines.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
      const config = SshConfig.load([MAIN]).of(name);
      expect(config.first('port') ?? '22').toBe(theirs('port')[0]);
      expect(config.first('user')).toBe(theirs('user')[0]);
      // ssh -G prints host names in lower case.
      expect(expand(config.first('hostname') ?? '%h', { h: name }).toLowerCase()).toBe(theirs('hostname')[0]);
      expect(config.first('connecttimeout')).toBe(theirs('connecttimeout')[0]);
      expect(config.first('hostkeyalias')).toBe(theirs('hostkeyalias')[0]);
      expect(config.all('userknownhostsfile').join(' ')).toBe(theirs('userknownhostsfile')[0]);
      if (config.first('identityfile')) expect(config.all('identityfile')).toEqual(theirs('identityfile'));
      expect(config.first('proxyjump')?.replace('none', '') || undefined).toBe(theirs('proxyjump')[0]);
    },
  );
});

describe('ssh_config', () => {
  it('refuses what it cannot do, with file and line', () => {
    const exec = file('exec', 'Port 1\nMatch exec "true"\n  Port 2\n');
    expect(() => SshConfig.load([exec]).of('a')).toThrow(`${exec}:2: "Match exec" is not supported`);
    const bare = file('bare', 'Port\n');
    expect(() => SshConfig.load([bare])).toThrow(`${bare}:1: "Port" has no argument`);
    const loop = file('loop', `Include ${folder}/loop\n`);
    expect(() => SshConfig.load([loop])).toThrow('include each other without end');
  });

  it('is empty without files, and the user given comes first', () => {
    expect(SshConfig.load([join(folder, 'none')]).of('a').values.size).toBe(0);
    expect(SshConfig.load([MAIN]).of('web1', 'other').first('port')).toBeUndefined();
    expect(expand('~/k_%r@%h%%', { r: 'u', h: 'x' }, '/home/u')).toBe('/home/u/k_u@x%');
  });
});

describe.skipIf(!has_ssh)('known_hosts, with files and answers of ssh-keygen', () => {
  const key = (name: string, type: string) => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path]);
    const [algorithm = '', base64 = ''] = readFileSync(`${path}.pub`, 'utf8').split(' ');
    return { line: `${algorithm} ${base64}`, bytes: Buffer.from(base64, 'base64') };
  };
  const [one, two, ecdsa] = has_ssh ? [key('one', 'ed25519'), key('two', 'ed25519'), key('ec', 'ecdsa')] : [];
  const text = `web1,10.0.0.1 ${one?.line}
[web2]:2222 ${one?.line} comment
*.example.com,!bad.example.com ${two?.line}
@revoked * ${ecdsa?.line}
@cert-authority *.ca ${two?.line}
# comment
broken
`;
  const names: [string, number][] = [
    ['web1', 22],
    ['10.0.0.1', 22],
    ['web2', 2222],
    ['web2', 22],
    ['a.example.com', 22],
    ['bad.example.com', 22],
    ['none', 22],
    ['a.ca', 22],
  ];

  it.each(['plain', 'hashed'])('%s', (kind) => {
    // ssh-keygen hashes no file with a broken line.
    const path = file(kind, kind === 'hashed' ? text.replace('broken\n', '') : text);
    if (kind === 'hashed') execFileSync('ssh-keygen', ['-H', '-f', path], { stdio: 'ignore' });
    const known = KnownHosts.load([path]);
    for (const [host, port] of names) {
      const asked = port === 22 ? host : `[${host}]:${port}`;
      const { stdout } = spawnSync('ssh-keygen', ['-F', asked, '-f', path], { encoding: 'utf8' });
      const theirs = stdout.split('\n').filter((line) => line !== '' && !/^(#|@)/.test(line));
      expect([asked, known.types(host, port).length]).toEqual([asked, theirs.length]);
    }
  });

  it('tells known, changed, unknown and revoked keys apart', () => {
    const path = file('verdicts', text);
    const known = KnownHosts.load([path]);
    const bytes = (which: { bytes: Buffer } | undefined) => which?.bytes ?? Buffer.alloc(0);
    expect(known.check('web1', 22, bytes(one))).toEqual({ kind: 'known' });
    // ssh makes the letters small before it looks a name up; ssh-keygen -F does not.
    expect(known.check('WEB1', 22, bytes(one))).toEqual({ kind: 'known' });
    expect(known.check('web1', 22, bytes(two))).toEqual({ kind: 'changed', place: `${path}:1` });
    // As in ssh: an entry without a port is for all ports if there is none with it.
    expect(known.check('web1', 99, bytes(one))).toEqual({ kind: 'known' });
    expect(known.check('web2', 22, bytes(one))).toEqual({ kind: 'unknown' });
    expect(known.check('web1', 22, bytes(ecdsa))).toEqual({ kind: 'revoked', place: `${path}:4` });
    expect(known.check('a.ca', 22, bytes(two))).toEqual({ kind: 'unknown' });
    expect(known.check('web1', 22, Buffer.from([1]))).toEqual({ kind: 'unknown' });
    const added = join(folder, 'new', 'known_hosts');
    KnownHosts.append(added, 'New', 2200, bytes(two));
    expect(KnownHosts.load([added]).check('new', 2200, bytes(two))).toEqual({ kind: 'known' });
    expect(spawnSync('ssh-keygen', ['-F', '[new]:2200', '-f', added]).status).toBe(0);
  });
});
