// ssh_config(5) beside `ssh -G`, and known_hosts beside `ssh-keygen -F`.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Inventory } from '../../dist/index.js';
import { expand, SshConfig } from '../../dist/ssh/config.js';
import { host_of } from '../../dist/ssh/hosts.js';
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

/** Returns what ssh -G says of a keyword, each line. */
function ssh_says(config: string, name: string, env: NodeJS.ProcessEnv = process.env) {
  const lines = execFileSync('ssh', ['-F', config, '-G', name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  }).split('\n');
  return (keyword: string) =>
    lines.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
}

describe.skipIf(!has_ssh)('beside ssh -G', () => {
  it.each(['a', 'b', 'web1', 'web3', 'web9', 'WEB4', 'only', 'inc1', 'inc2', 'guarded', '10.0.0.1'])(
    '%s',
    (name) => {
      const theirs = ssh_says(MAIN, name);
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

  const OPTIONS = file(
    'options',
    `Host times
  ConnectTimeout 1m30s
  ServerAliveInterval 2M
  ServerAliveCountMax 7
Host seconds
  ConnectTimeout=90
  ServerAliveInterval 0
Host none
  ConnectTimeout none
  IdentityFile none
  ProxyCommand none
  ProxyJump j
Host keys
  IdentitiesOnly yes
  IdentityFile /k1
  IdentityFile none
  CertificateFile /c1
  CertificateFile "/c 2"
  IdentityAgent /agent_%h
Host ways
  PreferredAuthentications password,gssapi-with-mic,publickey
  PasswordAuthentication no
Host no-keys
  PubkeyAuthentication no
  KbdInteractiveAuthentication no
Host network
  AddressFamily inet6
  BindAddress ::1
Host command
  ProxyCommand  nc "%h" %p # 'all of it'
  ProxyJump j
Host jump
  ProxyJump j
  ProxyCommand nc
Host jump-none
  ProxyJump none
  ProxyCommand nc
Host escaped
  IdentityFile a\\"b
  IdentityFile 'c "d'
  IdentityFile e\\ f\\g # comment
Host renamed
  HostName b.example
Match final host b.example
  User late
Match canonical
  ServerAliveCountMax 5
Host b.example
  Port 46
Match exec "test %n = by-exec && test %h = x.example && test %p = 22 && test %r = root" originalhost by-exec
  Port 47
Host by-exec
  HostName x.example
Match originalhost by-exec user root exec "test %n = by-exec && test %h = x.example && test %p = 22 && test %r = root"
  Port 48
Match !exec "test '%%' = '%%'" originalhost by-exec
  Port 49
Match exec="false" exec "touch ${folder}/ran"
  Port 50
`,
  );

  it.each([
    'times',
    'seconds',
    'none',
    'keys',
    'ways',
    'no-keys',
    'network',
    'command',
    'jump',
    'jump-none',
    'escaped',
    'renamed',
    'by-exec',
    'other',
  ])('the options of %s', (name) => {
    const theirs = ssh_says(OPTIONS, name);
    const first = (keyword: string) => theirs(keyword)[0];
    const config = SshConfig.load([OPTIONS]).of(name);
    const host = host_of(name, Inventory.empty(), SshConfig.load([OPTIONS]));
    expect(String(host.port)).toBe(first('port'));
    expect(host.user).toBe(first('user'));
    expect(host.address).toBe(first('hostname'));
    expect(String(host.connect_timeout ?? 'none')).toBe(first('connecttimeout'));
    // What is not set: fleet asks, ssh does not.
    if (config.first('serveraliveinterval')) {
      expect(String(host.keepalive?.interval)).toBe(first('serveraliveinterval'));
    }
    expect(String(host.keepalive?.count ?? 3)).toBe(first('serveralivecountmax'));
    if (config.first('identityfile')) expect(config.all('identityfile')).toEqual(theirs('identityfile'));
    expect(host.certificate_files ?? []).toEqual(theirs('certificatefile'));
    expect(host.identities_only ? 'yes' : 'no').toBe(first('identitiesonly') ?? 'no');
    expect(host.address_family ?? 'any').toBe(first('addressfamily'));
    expect(host.bind_address).toBe(first('bindaddress'));
    expect(host.jumps.map((jump) => jump.name).join(',')).toBe(first('proxyjump') ?? '');
    const command = config.first('proxycommand');
    expect(command === 'none' ? undefined : command).toBe(first('proxycommand'));
    const methods = [
      ['publickey', 'pubkeyauthentication'],
      ['keyboard-interactive', 'kbdinteractiveauthentication'],
      ['password', 'passwordauthentication'],
    ] as const;
    const order = (first('preferredauthentications') ?? 'publickey,keyboard-interactive,password').split(',');
    const allowed = order.filter((method) =>
      methods.some(([known, keyword]) => known === method && !/^(no|false)$/.test(first(keyword) ?? '')),
    );
    expect(host.auth_methods ?? ['publickey', 'keyboard-interactive', 'password']).toEqual(allowed);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('runs a ProxyCommand and a Match exec with the same text as ssh, by the same shell', () => {
    const record = (what: string, tokens: string) => `echo ${what} '${tokens}' $0 >> ${folder}/record`;
    const config = file(
      'recorded',
      `Match exec "${record('exec', '%n %h %p %r %u %i %k %d %L %l %C %%')}"
  HostName elsewhere.example
  Port 2222
  User somebody
  ProxyCommand sh -c "${record('proxy', '%n %h %p %r %%')}"
`,
    );
    const shell = file('shell', `#!/bin/sh\nexec /bin/sh "$1" "$2" 'own shell'\n`);
    chmodSync(shell, 0o700);
    const env = { ...process.env, SHELL: shell };
    spawnSync('ssh', ['-F', config, '-oBatchMode=yes', 'target', 'true'], { env, stdio: 'ignore' });
    const theirs = readFileSync(join(folder, 'record'), 'utf8').split('\n');
    rmSync(join(folder, 'record'));
    const ours = fileURLToPath(new URL('./fixtures/host_of.mjs', import.meta.url));
    execFileSync(process.execPath, [ours, config, 'target'], { env });
    expect(readFileSync(join(folder, 'record'), 'utf8').split('\n')).toEqual(theirs);
    expect(theirs).toHaveLength(3);
  });
});

describe('ssh_config', () => {
  const of = (text: string, name = 'a') =>
    host_of(name, Inventory.empty(), SshConfig.load([file('one', text)]));

  it.each([
    ['Port\n', /one:1: "Port" has no argument/],
    ['\nMatch nothing x\n', /one:2: "Match nothing" is not supported/],
    ['Match host\n', /one:1: "Match host" has no argument/],
    ['IdentityFile "a\n', /one:1: a quote " is not closed/],
    ['Match exec "kill -9 $$"\n', /one:1: the command of "Match exec" was ended/],
    ['Match exec "echo %z"\n', /"echo %z": %z is no token that can be used here/],
    ['HostName %h.%p\n', /"%h.%p": %p is no token that can be used here/],
    ['IdentityFile 50%\n', /"50%": % is no token that can be used here/],
    [`IdentityFile $\{FLEET_TEST_NOT_SET}/x\n`, /FLEET_TEST_NOT_SET is not set in the environment/],
    ['ConnectTimeout 5x\n', /a: connecttimeout must be a time as 90 or 1m30s, not "5x"/],
    ['ServerAliveCountMax -1\n', /a: ServerAliveCountMax must be an integer, not "-1"/],
    ['Port 70000\n', /a: the port must be an integer from 1 to 65535, not "70000"/],
    ['ProxyCommand x\nProxyUseFdpass yes\n', /a: ProxyUseFdpass is not supported/],
    [`Include ${folder}/one\n`, /include each other without end/],
  ])('%j is refused with its place', (text, message) => {
    expect(() => of(text)).toThrow(message);
  });

  it.each(['$(reboot)', 'a;b', '-oProxyCommand=x', 'a b', 'a`b`', "a'b", 'a|b', 'a\nb', 'a&b', 'a\\b'])(
    'lets no host name %j reach a shell',
    (name) => {
      expect(() => of('ProxyCommand nc %h %p\n', name)).toThrow(
        'may not be a part of a command for the shell',
      );
      expect(() => of('Match exec "test %n"\n', name)).toThrow(`${folder}/one:1: `);
      expect(of('ProxyCommand nc fixed %p\n', name).proxy_command).toBe('nc fixed 22');
    },
  );

  it('lets no user name reach a shell either', () => {
    expect(() => of('User x;reboot\nProxyCommand nc %r\n')).toThrow(
      '"x;reboot" may not be a part of a command',
    );
  });

  it('runs a Match exec once for hosts for which it is the same', () => {
    const config = SshConfig.load([
      file(
        'counted',
        `Match exec "echo x >> ${folder}/count"\n  Port 1\nMatch exec "echo %h >> ${folder}/count"\n`,
      ),
    ]);
    for (const name of ['a', 'b', 'a']) expect(config.of(name).first('port')).toBe('1');
    expect(readFileSync(join(folder, 'count'), 'utf8')).toBe('x\na\nb\n');
  });

  it('knows tokens and the environment in names of files', () => {
    process.env.FLEET_TEST_FOLDER = '/f%d';
    const text = `IdentityFile $\{FLEET_TEST_FOLDER}/%%_%n_%h_%p_%r\nHostName x\nPort 7\nUser u\n`;
    expect(of(text).identity_files).toEqual(['/f%d/%_a_x_7_u']);
    expect(of('IdentityAgent none\n').agent).toBeNull();
    expect(of('IdentityAgent SSH_AUTH_SOCK\n').agent).toBeUndefined();
    expect(of('IdentityAgent $FLEET_TEST_FOLDER\n').agent).toBe('/f%d');
    expect(of('IdentityAgent ~/x_%h\n').agent).toBe(expand('~/x_a', {}));
    expect(of('CertificateFile %d/c\n').certificate_files).toEqual([expand('~/c', {})]);
    expect(of('IdentityFile none\n').identity_files).toEqual([]);
    expect(of('').identity_files).toHaveLength(3);
    delete process.env.FLEET_TEST_FOLDER;
  });

  it('keeps the known hosts of the system if only those of the user are named', () => {
    expect(of('UserKnownHostsFile /mine none\n').known_hosts_files).toEqual([
      '/mine',
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ]);
    expect(of('GlobalKnownHostsFile /all\n').known_hosts_files.slice(-1)).toEqual(['/all']);
  });

  it('is empty without files, and what was asked for comes first', () => {
    expect(SshConfig.load([join(folder, 'none')]).of('a').values.size).toBe(0);
    expect(SshConfig.load([MAIN]).of('web1', { user: 'other' }).first('port')).toBeUndefined();
    expect(SshConfig.load([MAIN]).of('web1', { port: 5 }).first('port')).toBe('5');
    expect(expand('~/k_%r@%h%%', { r: 'u', h: 'x' }, '/home/u')).toBe('/home/u/k_u@x%');
  });

  it('is told a jump host or a ProxyCommand by the inventory first', () => {
    const inventory = new Inventory({ hosts: { a: { jump: 'gate' }, b: { jump: 'none' } } }, 'test');
    const config = SshConfig.load([
      file('way', 'Host a b\n  ProxyCommand nc\nHost gate\n  ProxyCommand by-command\n'),
    ]);
    const host = host_of('a', inventory, config);
    expect(host.proxy_command).toBeUndefined();
    expect(host.jumps.map(({ name, proxy_command }) => [name, proxy_command])).toEqual([
      ['gate', 'by-command'],
    ]);
    expect(host_of('b', inventory, config)).toMatchObject({ jumps: [], proxy_command: undefined });
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
