// bsd-sockets: the behaviour that all commands share.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { program, run } from './run.js';
import { COLOURS } from './terminal.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const names = (await run(['--help'])).stdout.match(/^ {2}[a-z-]+(?= )/gm)?.map((name) => name.trim()) ?? [];

describe('bsd-sockets', () => {
  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string };
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('is what package.json names', () => {
    const { bin } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
      bin: Record<string, string>;
    };
    expect(`${root}/${bin['bsd-sockets']}`).toBe(program);
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('--help lists the commands', () => {
    expect(names).toContain('doctor');
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(names)('%s -h, --help, -V', async (name) => {
    const { code, stdout, stderr } = await run([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: bsd-sockets ${name}\\b`));
    expect(stdout).toContain('--help');
    expect(await run([name, '-h'])).toMatchObject({ code: 0, stderr: '', stdout });
    expect(await run([name, '--version'])).toEqual(await run(['--version']));
  });

  test('-h among other options and after operands; behind -- it is an operand', async () => {
    for (const args of [
      ['ping', '-nh'],
      ['ping', 'localhost', '-h'],
      ['ping', '--nonsense', '-h'],
    ]) {
      expect(await run(args)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Usage: bsd-sockets ping /),
      });
    }
    expect(await run(['doctor', '--', '-h'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('what is "-h"?'),
    });
  });

  test('help COMMAND is its --help', async () => {
    const { code, stdout } = await run(['help', 'doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: bsd-sockets doctor/);
  });

  test('the page tells of each command, and the README of the page', () => {
    const page = readFileSync(`${root}/docs/command.md`, 'utf8');
    for (const name of names) expect(page).toContain(`\n## ${name}\n`);
    expect(readFileSync(`${root}/README.md`, 'utf8')).toContain('docs/command.md');
    const files = readdirSync(`${root}/lib/cli/commands`).map((file) =>
      file.replace('.ts', '').replaceAll('_', '-'),
    );
    expect([...names].sort()).toEqual(files.sort());
  });

  test('without a command it says what there is', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: bsd-sockets COMMAND/);
  });

  test.each([
    [['docter'], 'bsd-sockets: there is no command "docter"; did you mean doctor?\n'],
    [['xyzzy'], 'bsd-sockets: there is no command "xyzzy"; bsd-sockets --help lists them\n'],
    [['--verbose'], 'bsd-sockets: the command comes first: bsd-sockets COMMAND --verbose\n'],
    [['doctor', '-x'], 'bsd-sockets doctor: unknown option -x\nbsd-sockets doctor --help tells more.\n'],
    [
      ['doctor', '--jsn'],
      'bsd-sockets doctor: unknown option --jsn; did you mean --json?\nbsd-sockets doctor --help tells more.\n',
    ],
    [['doctor', '--json=1'], /^bsd-sockets doctor: option --json takes no value\n/],
    [['doctor', 'now'], /^bsd-sockets doctor: what is "now"\? It is one argument too many\n/],
  ])('%j is wrong, and why', async (args, message) => {
    const outcome = await run(args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    if (typeof message === 'string') expect(outcome.stderr).toBe(message);
    else expect(outcome.stderr).toMatch(message);
  });

  test.each(['sniff -f icmp -i no-such', 'arp-scan -I no-such 192.0.2.1', 'sweep -I no-such 127.0.0.1'])(
    '%s: an interface that is not there; those that are',
    async (command) => {
      const args = command.split(' ');
      const outcome = await run(args);
      expect(outcome).toMatchObject({ code: 2, stdout: '' });
      expect(outcome.stderr).toMatch(
        /^bsd-sockets [a-z-]+: there is no interface "no-such", only lo[^\n]*\n$/,
      );
    },
  );

  test.each([
    ['sniff -F /no/such', /no such file or directory, [a-z]+ '\/no\/such'/],
    ['sniff -F /', /: \/ is a directory/],
  ])('%s cannot begin', async (command, message) => {
    const { code, stderr } = await run(command.split(' '));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test.each(['doctor', 'sweep --json 127.0.0.1', '--help'])(
    'a full disk: %s tells it in a line',
    (command) => {
      const script = `"${process.execPath}" "${program}" ${command} 2>&1 >/dev/full; echo "code $?"`;
      const output = execFileSync('bash', ['-c', script], { encoding: 'utf8' });
      expect(output).toMatch(/^(bsd-sockets: cannot print: ENOSPC: [^\n]*\n)code 1\n$/);
    },
  );

  test('a full disk behind standard error leaves the exit code', () => {
    const script = `"${process.execPath}" "${program}" xyzzy 2>/dev/full; echo "code $?"`;
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe('code 2\n');
  });

  test('a reader that goes away ends it quietly', () => {
    // `head -c 0` closes the pipe at once. The exit code is the one that a shell reports for SIGPIPE.
    const script =
      `{ "${process.execPath}" "${program}" doctor; echo "code $?" >&2; } 2>&1 >/dev/null | cat; ` +
      `{ sleep 0.5; "${process.execPath}" "${program}" doctor --json; echo "code $?" >&2; } 2>&1 >&3 3>&- | cat`;
    const output = execFileSync('bash', ['-c', `exec 3> >(exec head -c 0); ${script}`], { encoding: 'utf8' });
    expect(output).toBe('code 0\ncode 141\n');
  });

  test('colours only on a terminal', async () => {
    expect((await run(['doctor'])).stdout).not.toContain('\x1b');
    // script(1) of util-linux provides a terminal.
    const on_terminal = (env: NodeJS.ProcessEnv) =>
      execFileSync('script', ['-qec', `"${process.execPath}" "${program}" doctor`, '/dev/null'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        // The rest is for the binary under test, and its sanitizer.
        env: { ...process.env, ...COLOURS, ...env },
      });
    expect(on_terminal({})).toContain('\x1b[1m');
    expect(on_terminal({ NO_COLOR: '1' })).not.toContain('\x1b[1m');
  });
});
