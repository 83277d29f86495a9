// Parts of ftpc on their own: URLs, netrc files, patterns, names, progress, words of the shell, plans of mirror, the command line.
import { describe, expect, test } from 'vitest';
import { FTPClient, type FTPClientOptions } from '../../dist/client/index.js';
import { help_text, parse_arguments } from '../../src/client/command/arguments.js';
import { find_netrc } from '../../src/client/command/credentials.js';
import { EXIT } from '../../src/client/command/exit_codes.js';
import { is_partial, make_digest, partial_path } from '../../src/client/command/files/local.js';
import { excluding } from '../../src/client/command/files/patterns.js';
import { parse_location, url_of } from '../../src/client/command/location.js';
import { plan_of } from '../../src/client/command/mirror.js';
import { duration_text, Progress, progress_line, size_text } from '../../src/client/command/progress.js';
import { quoted, split_words } from '../../src/client/command/words.js';
import {
  is_plain_name,
  local_path,
  printable,
  remote_base,
  remote_folder,
  remote_join,
} from '../../src/client/names.js';

describe('URLs', () => {
  test.each([
    ['ftp://host', { tls: undefined, host: 'host', port: undefined, user: undefined, path: '' }],
    [
      'ftpes://ann@host:2121/a%20b/c',
      { tls: 'explicit', host: 'host', port: 2121, user: 'ann', path: 'a b/c' },
    ],
    ['ftps://[::1]:990//etc', { tls: 'implicit', host: '::1', port: 990, user: undefined, path: '/etc' }],
    ['FTP://a%40b@h/%2Fabs', { tls: undefined, host: 'h', port: undefined, user: 'a@b', path: '/abs' }],
  ])('%s', (url, expected) => {
    expect(parse_location(url)).toEqual(expected);
  });

  test.each([
    ['http://host/', 'not a URL of FTP'],
    ['host/path', 'not a URL of FTP'],
    ['ftp:///path', 'has no host'],
    ['ftp://host:0/', 'port must be from 1 to 65535'],
    ['ftp://host:99999/', 'port must be from 1 to 65535'],
    ['ftp://host/%zz', '% in a URL'],
    ['ftp://host/a%0d%0aDELE%20b', 'must not have CR, LF or NUL'],
    ['ftp://host/a%00', 'must not have CR, LF or NUL'],
    ['ftp://ann:secret@host/', 'a password in a URL is seen'],
  ])('%s is refused', (url, text) => {
    expect(() => parse_location(url)).toThrow(text);
    expect(() => parse_location(url)).not.toThrow('secret');
  });

  test('a URL of a path is parsed to that path', () => {
    const location = parse_location('ftpes://ann@[::1]:2121/x');
    const url = url_of(location, ['', 'a b', 'ü%'].map(encodeURIComponent).join('/'));
    expect(parse_location(url)).toEqual({ ...location, path: '/a b/ü%' });
  });
});

describe('netrc', () => {
  const TEXT = `# a comment
machine other login x password "not this"
machine host.test
  login ann password "a b\\"c" account acc
machine host.test login bob password #hash
macdef init
  machine fake login y password z

default login anonymous password me@
`;
  test('entries', () => {
    expect(find_netrc(TEXT, 'host.test', undefined)).toEqual({
      login: 'ann',
      password: 'a b"c',
      account: 'acc',
    });
    expect(find_netrc(TEXT, 'HOST.test', 'bob')).toMatchObject({ login: 'bob', password: '#hash' });
    expect(find_netrc(TEXT, 'fake', undefined)).toMatchObject({ login: 'anonymous', password: 'me@' });
    expect(find_netrc(TEXT, 'host.test', 'carl')).toBeUndefined();
    expect(find_netrc('', 'host.test', undefined)).toBeUndefined();
  });
});

describe('patterns', () => {
  test.each([
    ['*.tmp', 'a/b.tmp', false, true],
    ['*.tmp', 'a.tmp/b', false, false],
    ['cache/', 'a/cache', true, true],
    ['cache/', 'a/cache', false, false],
    ['/a/*', 'a/b', false, true],
    ['/a/*', 'a/b/c', false, false],
    ['a/**', 'a/b/c', false, true],
    ['**/x', 'x', false, true],
    ['**/x', 'a/b/x', false, true],
    ['?[!0-9]', 'ab', false, true],
    ['?[!0-9]', 'a1', false, false],
    ['a.c', 'abc', false, false],
    ['[]a]', ']', false, true],
  ])('%s and %s', (pattern, path, is_folder, excluded) => {
    expect(excluding([pattern])(path.split('/'), is_folder)).toBe(!excluded);
  });

  test('wrong ones name themselves', () => {
    expect(() => excluding(['a[b'])).toThrow('--exclude "a[b": a [ without a ]');
    expect(() => excluding([''])).toThrow('needs a pattern');
  });

  test('many stars take no long time', () => {
    expect(excluding([`${'*'.repeat(1000)}x`])(['a'.repeat(1000)], false)).toBe(true);
  });
});

describe('names', () => {
  test('those of files', () => {
    for (const name of ['a', ' ', '-rf', '...', 'ü', '\x1b[2J']) expect(is_plain_name(name)).toBe(true);
    for (const name of ['', '.', '..', '../x', '/etc', 'a/b', 'a\0', 'a\n', '\ufffd', 'x'.repeat(256)])
      expect(is_plain_name(name)).toBe(false);
  });

  test('paths stay below their folder', () => {
    expect(local_path('/tmp/t', ['a', 'b'])).toBe('/tmp/t/a/b');
    for (const names of [['..'], ['a', '..', '..', 'b'], ['/etc'], ['a\0']])
      expect(() => local_path('/tmp/t', names)).toThrow('name is not that of a file');
  });

  test('paths of the server', () => {
    expect(remote_join('', 'a')).toBe('a');
    expect(remote_join('/', 'a')).toBe('/a');
    expect(remote_join('a/', 'b')).toBe('a/b');
    expect([
      remote_base('a/b/'),
      remote_base('a'),
      remote_folder('/a'),
      remote_folder('a/b'),
      remote_folder('a'),
    ]).toEqual(['b', 'a', '/', 'a', '']);
  });

  test('on a terminal', () => {
    expect(printable('a\x1b[2J\r\u202eb\u{e0001}ü')).toBe('a\\x1b[2J\\x0d\\u{202e}b\\u{e0001}ü');
  });
});

describe('progress', () => {
  test('texts', () => {
    expect([size_text(0), size_text(1023), size_text(1536), size_text(5 * 1024 ** 4)]).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '5.0 TiB',
    ]);
    expect([duration_text(5), duration_text(65), duration_text(7200)]).toEqual(['0:05', '1:05', '2:00:00']);
  });

  test('a line fits in every width', () => {
    const state = {
      name: `evil\x1b[2J${'n'.repeat(300)}`,
      done: 1024 ** 2,
      total: 2 * 1024 ** 2,
      rate: 1024,
    };
    for (let width = 0; width < 200; width++) {
      const line = progress_line(state, width);
      expect([...line].length).toBeLessThanOrEqual(width);
      expect(line).not.toContain('\x1b');
    }
    expect(progress_line({ ...state, name: 'a' }, 80)).toBe(
      'a [======     ]  50% 1.0 MiB of 2.0 MiB 1.0 KiB/s 17:04 left',
    );
  });

  test('rate and sums', () => {
    const progress = new Progress();
    progress.begin('a', 1000, 0);
    progress.begin('b', 1000, 0);
    progress.add(500, 1000);
    progress.add(500, 2000);
    expect(progress.state(2000)).toEqual({ name: 'a and 1 more', done: 1000, total: 2000, rate: 500 });
    progress.end('a');
    expect(progress.state(2000).name).toBe('b');
  });
});

describe('words', () => {
  test('quotes and backslashes', () => {
    expect(split_words(` get  a\\ b "c 'd" 'e"f' ""`).words).toEqual(['get', 'a b', "c 'd", 'e"f', '']);
    expect(split_words('get "a').open).toBe('"');
    expect(split_words('get a\\').open).toBe('\\');
    for (const name of ['a b', `q"'`, 'back\\slash', 'ü'])
      expect(split_words(quoted(name)).words).toEqual([name]);
  });
});

describe('plans of mirror', () => {
  const file = (name: string, size: number, modified_ms = 0) => ({
    names: name.split('/'),
    type: 'file' as const,
    size,
    modified_ms,
    is_exact_time: true,
  });
  const dir = (name: string) => ({ ...file(name, 0), type: 'dir' as const });

  test('what is copied, made, and deleted', () => {
    const source = [
      dir('d'),
      file('d/new', 1),
      file('same', 5, 1000),
      file('newer', 5, 9000),
      file('size', 6),
      dir('was file'),
    ];
    const target = [
      file('same', 5, 2000),
      file('newer', 5, 2000),
      file('size', 5),
      file('was file', 1),
      dir('old'),
      file('old/x', 1),
    ];
    const { copy, make, remove } = plan_of(source, target, true);
    expect([...copy].sort()).toEqual(['d/new', 'newer', 'size']);
    expect(make).toEqual(['d', 'was file']);
    expect(remove.map(({ names }) => names.join('/'))).toEqual(['old/x', 'was file', 'old']);
    expect(plan_of(source, target, false).remove).toEqual([]);
  });
});

describe('the command line', () => {
  test.each([
    [[], 'a command is missing'],
    [['fetch'], 'no such command: "fetch"'],
    [['--json', 'ls'], 'the command comes first'],
    [['get'], 'usage: ftpc get'],
    [['ls', 'a', 'b'], 'usage: ftpc ls'],
    [['ls', '--nonsense', 'ftp://h'], "Unknown option '--nonsense'"],
    [['ls', '--delete', 'ftp://h'], 'ftpc ls has no option --delete'],
    [['get', '--parallel', '0', 'ftp://h/x'], '--parallel must be an integer from 1 to 64, not 0'],
    [['get', '--timeout', 'soon', 'ftp://h/x'], '--timeout must be a number from 0.01'],
    [['get', '--tls', 'yes', 'ftp://h/x'], '--tls must be off, explicit or implicit, not yes'],
    [['get', '--insecure', '--fingerprint', 'x', 'ftp://h/x'], 'exclude each other'],
    [['get', '--netrc', 'x', '--no-netrc', 'ftp://h/x'], 'exclude each other'],
  ])('%j is refused', (line, text) => {
    expect(() => parse_arguments(line)).toThrow(text);
  });

  test('every exit code is in the help', () => {
    const text = help_text().replace(/\s+/g, ' ');
    for (const code of Object.values(EXIT).filter((one) => one !== EXIT.other))
      expect(text).toMatch(new RegExp(`\\b${code} `));
  });
});

describe('misuse of the class', () => {
  test.each<[string, unknown, string]>([
    ['no object', undefined, 'options must be an object with host'],
    ['no host', {}, 'host must be a name or an address'],
    ['an unknown option', { host: 'h', prot: 1 }, 'unknown option prot: there are host, port'],
    ['a port', { host: 'h', port: 70_000 }, 'port must be an integer from 1 to 65535'],
    ['tls', { host: 'h', tls: true }, 'tls must be false or "explicit" or "implicit", not true'],
    ['data_mode', { host: 'h', data_mode: 'auto' }, 'data_mode must be "passive" or "active"'],
    ['a time-out', { host: 'h', timeout: 0 }, 'timeout must be seconds, more than 0'],
    ['trace', { host: 'h', trace: 1 }, 'trace must be a function'],
    [
      'a fingerprint',
      { host: 'h', tls_options: { fingerprint: 'ab' } },
      'fingerprint must be 64 hexadecimal digits',
    ],
    [
      'a key alone',
      { host: 'h', tls_options: { key: 'x' } },
      'tls_options.cert and tls_options.key go together',
    ],
  ])('%s', (_name, options, text) => {
    expect(() => new FTPClient(options as FTPClientOptions)).toThrow(text);
  });

  test('calls', async () => {
    const client = new FTPClient({ host: 'localhost' });
    await expect(client.pwd()).rejects.toThrow('not connected: call connect()');
    for (const path of ['', 'a\r\nDELE b', 'a\nb', 'a\0'])
      for (const call of [
        () => client.remove(path),
        () => client.upload(path, []),
        () => client.rename('a', path),
        () => client.download(path, () => {}),
      ])
        await expect(call()).rejects.toMatchObject({
          name: 'NameError',
        });
    await expect(client.download('a', () => {}, { offset: -1 })).rejects.toThrow(
      'offset must be a number of bytes',
    );
    await expect(client.set_modified('a', Number.NaN)).rejects.toThrow('ms must be milliseconds');
  });
});

test('partial files have a name of their own for each version', () => {
  const path = partial_path('/t/name', 'version 1');
  expect(path).not.toBe(partial_path('/t/name', 'version 2'));
  expect(path).toMatch(/^\/t\/\.name\.[0-9a-f]{12}\.ftpc-part$/);
  expect(is_partial(path.slice(3))).toBe(true);
  expect(Buffer.byteLength(partial_path(`/t/${'ü'.repeat(127)}`, '').slice(3))).toBeLessThanOrEqual(255);
});

test('digests', () => {
  const digits = (name: string) => {
    const digest = make_digest(name);
    digest.update(Buffer.from('hello '));
    digest.update(Buffer.from('world'));
    return digest.digits();
  };
  expect(digits('CRC32')).toBe('0d4a1185');
  expect(digits('MD5')).toBe('5eb63bbbe01eeed093cb22bb8f5acdc3');
  expect(digits('SHA-256')).toBe('b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9');
  expect(() => digits('SHA-7')).toThrow('no such hash: SHA-7');
});
