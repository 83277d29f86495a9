// sudo on hosts: real sudo of real sshd, with accounts and sudoers of the test's own.

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, type FleetEvent, Inventory, type RunOptions } from '../../dist/index.js';
import { SudoGate } from '../../dist/run/sudo.js';
import { account, has_sudo, USER } from '../ssh/accounts.js';
import { has_sshd, Site } from '../sshd.js';

const PASSWORD = 'the 3rd secret';
/** Those that are here, of shells that quote in different ways. */
const SHELLS = ['/bin/dash', '/bin/zsh', '/usr/bin/fish'].filter((path) => existsSync(path));

describe.skipIf(!has_sshd || !has_sudo)('sudo', () => {
  let site: Site;
  let inventory: Inventory;
  const log = (name: string) => `${site.folder}/${name}.sudo`;
  beforeAll(async () => {
    site = new Site();
    const hosts: Record<string, object> = {};
    const start = async (
      name: string,
      rule: string,
      options = '!lecture',
      lines: readonly string[] = [],
      shell = '/bin/bash',
    ) => {
      const folders = `timestampdir=${site.folder}/${name}-ts, lecture_status_dir=${site.folder}/${name}-lectured`;
      const quiet = `!mail_no_user, !mail_badpass, !syslog, logfile=${log(name)}`;
      const sudoers = `Defaults ${quiet}, ${folders}, ${options}\n${rule}\n`;
      const server = await site.sshd(name, lines, account(site, name, PASSWORD, sudoers, shell));
      const { address, port, identity_files, known_hosts_files } = server.host();
      hosts[name] = { address, port, user: USER, identity_files, known_hosts_files };
    };
    await start('asks', `${USER} ALL=(ALL:ALL) ALL`);
    await start('asks-too', `${USER} ALL=(ALL:ALL) ALL`, 'lecture=always');
    await start('free', `${USER} ALL=(ALL:ALL) NOPASSWD: ALL`);
    await start('once', `${USER} ALL=(ALL:ALL) ALL`, '!lecture, passwd_tries=1');
    await start('never', 'root ALL=(ALL:ALL) ALL');
    await start('terminal', `${USER} ALL=(ALL:ALL) ALL`, '!lecture, requiretty');
    await start('without', 'root ALL=(ALL:ALL) ALL', '!lecture', ['SetEnv PATH=/nonexistent']);
    for (const shell of SHELLS) {
      const name = shell.split('/').at(-1) ?? '';
      await start(name, `${USER} ALL=(ALL:ALL) NOPASSWD: ALL`, '!lecture', [], shell);
    }
    inventory = new Inventory({ hosts }, 'test');
  });
  afterAll(() => site.close());

  interface Given extends RunOptions {
    readonly password?: (() => Promise<string | undefined>) | undefined;
  }

  /** Runs a command by sudo. Returns how it ended and its output, as bytes in Latin-1. */
  async function run(where: string, command: string, { password, ...options }: Given = {}) {
    const asked: string[] = [];
    const sudo_password = async () => {
      asked.push('sudo');
      return password ? password() : PASSWORD;
    };
    const fleet = new Fleet({ inventory, config_files: [], credentials: { sudo_password } });
    const output = { stdout: '', stderr: '' };
    const on_event = (event: FleetEvent) => {
      if (event.type === 'output') output[event.stream] += Buffer.from(event.data).toString('latin1');
    };
    const limits = { connect_timeout: 60, ...options.limits };
    const outcomes = await fleet.run(where, command, { sudo: {}, ...options, limits, on_event });
    const [outcome] = outcomes;
    return { outcome, outcomes, output, asked };
  }

  it('runs a command as root, with a password that is given when it asks', async () => {
    const { outcome, output, asked } = await run('asks', 'id -u; echo err >&2; exit 3');
    expect(outcome).toMatchObject({ failure: 'non-zero', exit_code: 3 });
    expect([output, asked]).toEqual([{ stdout: '0\n', stderr: 'err\n' }, ['sudo']]);
  });

  it('asks for no password where none is needed', async () => {
    const { outcome, output, asked } = await run('free', 'id -u', { stdin: Buffer.from('not a password\n') });
    expect([outcome?.ok, output.stdout, asked]).toEqual([true, '0\n', []]);
  });

  it.each(['asks', 'free'])('passes standard input on, and nothing of the password: %s', async (where) => {
    const stdin = Buffer.from(`first line\n${'x'.repeat(300_000)}\n\0\xff`, 'latin1');
    const { outcome, output } = await run(where, 'cat', { stdin });
    expect(outcome?.ok).toBe(true);
    expect(output.stdout === stdin.toString('latin1')).toBe(true);
    expect((await run(where, 'wc -c')).output.stdout.trim()).toBe('0');
  });

  it.each(['asks', 'free', 'terminal'])('works in a pseudo-terminal: %s', async (where) => {
    const { outcome, output } = await run(where, 'test -t 0 && id -u && cat', {
      pty: true,
      stdin: Buffer.from('typed\n'),
    });
    expect(outcome?.ok).toBe(true);
    expect(output).toEqual({
      stdout: expect.stringMatching(/^(typed\r\n)?0\r\n(typed\r\n){1,2}$/),
      stderr: '',
    });
  });

  it('becomes another user', async () => {
    expect((await run('asks', 'id -un', { sudo: { user: 'nobody' } })).output.stdout).toBe('nobody\n');
    const { outcome } = await run('asks', 'true', { sudo: { user: 'no-such-user' } });
    expect(outcome).toMatchObject({
      failure: 'authentication',
      reason: expect.stringMatching(/^sudo did not run the command: sudo: unknown user no-such-user/),
    });
  });

  it('gives a wrong password once, and says so', async () => {
    const wrong = { password: async () => 'wrong', limits: { retries: 3 } };
    const { outcome, output } = await run('asks', 'echo never', wrong);
    expect(outcome).toMatchObject({
      failure: 'authentication',
      reason: 'sudo does not take the password',
      attempts: 1,
    });
    expect(output.stdout).toBe('');
    expect((await run('once', 'echo never', wrong)).outcome).toMatchObject({
      failure: 'authentication',
      reason: 'sudo did not run the command: sudo: 1 incorrect password attempt',
      attempts: 1,
    });
    // sudo writes it when it has noticed that nobody answers any more.
    const logged = () => readFileSync(log('asks'), 'utf8').match(/\d+ incorrect password attempts?/g) ?? [];
    await expect.poll(logged, { timeout: 30_000 }).toEqual(['1 incorrect password attempt']);
  });

  it('says that there is no password', async () => {
    for (const password of [async () => undefined, async () => '']) {
      expect((await run('asks', 'true', { password })).outcome).toMatchObject({
        failure: 'authentication',
        reason: 'sudo asks for a password, and there is none',
      });
    }
    const password = async () => {
      throw new Error('the safe is locked');
    };
    expect((await run('asks', 'true', { password })).outcome).toMatchObject({
      failure: 'authentication',
      reason: 'there is no password for sudo: the safe is locked',
    });
  });

  it.each([
    ['never', /^sudo did not run the command: fleet-test is not in the sudoers file\.?/],
    ['terminal', /^sudo did not run the command: sudo: sorry, you must have a tty to run sudo$/],
    ['without', /^sudo did not run the command: .*sudo: not found$/],
  ])('says why a command was not run: %s', async (where, reason) => {
    const { outcome } = await run(where, 'echo never');
    expect(outcome).toMatchObject({ failure: 'authentication', reason: expect.stringMatching(reason) });
  });

  it('shows what sudo says, without its prompt', async () => {
    const { outcome, output } = await run('asks-too', 'echo out; echo err >&2');
    expect(outcome?.ok).toBe(true);
    expect(output.stdout).toBe('out\n');
    expect(output.stderr).toMatch(/usual lecture(.|\n)*\nerr\n$/);
    expect(output.stderr).not.toMatch(/fleet|password: /);
  });

  it('asks once for all hosts', async () => {
    const { outcomes, asked } = await run('asks,asks-too,free', 'true');
    expect([outcomes.map(({ ok }) => ok), asked]).toEqual([[true, true, true], ['sudo']]);
  });

  it('gives the password to no command, whatever that prints', async () => {
    // It even knows the prompt, of the arguments of sudo, which is its parent or the parent of that.
    const command =
      "for p in $PPID $(cut -d' ' -f4 /proc/$PPID/stat); do tr '\\0' '\\n' < /proc/$p/cmdline | grep 'fleet [0-9a-f]*. password' | tail -1 >&2; done; cat";
    for (const where of ['asks', 'free']) {
      const { outcome, output, asked } = await run(where, command);
      expect(outcome?.ok).toBe(true);
      expect(output.stderr).toContain('password');
      expect([output.stdout, asked.length]).toEqual(['', where === 'asks' ? 1 : 0]);
    }
  });

  it('runs the command as the shell of the user would, whatever it has in it', async () => {
    for (const command of [
      `printf '%s\\n' "a'b" 'c"d' "e\\\\f" $((1+2)) {x,y} \`echo z\` "$HOME"x '$HOME' 'ü'`,
      'echo one\necho two; # comment',
      'echo "$#"; echo \\\n continued',
    ]) {
      const plain = await run('free', command, { sudo: undefined });
      const by_sudo = await run('free', command);
      expect(by_sudo.output.stdout.replace('/rootx', '/x')).toBe(plain.output.stdout);
      expect(plain.output.stdout.length).toBeGreaterThan(3);
    }
  });

  it.each(SHELLS)('passes quotes and backslashes through the shell %s', async (shell) => {
    const where = shell.split('/').at(-1) ?? '';
    const command = `printf '%s\\n' 'a\\b' 'c\\\\d' "it's" '"' '$HOME'; echo \\\\ \\' `;
    const plain = await run(where, command, { sudo: undefined });
    const by_sudo = await run(where, command);
    expect(by_sudo.output.stdout).toBe(plain.output.stdout);
    expect(plain.output.stdout).toContain("it's\n");
    expect(plain.output.stdout).toMatch(/\$HOME\n\\ '\n$/);
  });

  it.each([false, true])('is ended with its command if that takes too long, pty: %s', async (pty) => {
    const limits = { command_timeout: 5 };
    const file = `${site.folder}/process-${pty}`;
    const { outcome } = await run('free', `echo $$ > ${file}; sleep 600`, { limits, pty });
    expect(outcome).toMatchObject({ failure: 'timed-out', reason: 'the command took more than 5 s' });
    const lives = () => existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`);
    await expect.poll(lives, { timeout: 30_000 }).toBe(false);
  });

  it('has no time-out while the password is asked for', async () => {
    const password = async () => {
      await new Promise((resolve) => setTimeout(resolve, 11_000));
      return PASSWORD;
    };
    const limits = { command_timeout: 10, inactivity_timeout: 10 };
    expect((await run('asks', 'echo done', { password, limits })).outcome).toMatchObject({ ok: true });
  });
});

describe('what comes before a command by sudo', () => {
  const marks = (command: string) => command.match(/\[fleet [0-9a-f]{32}\] (?:password: |begins)/g) ?? [];
  function gate() {
    const events: string[] = [];
    const made = new SudoGate('echo', undefined, false);
    const [prompt = '', ready = ''] = marks(made.command);
    const take = (text: string, stream: 'stdout' | 'stderr' = 'stderr') =>
      made
        .take(stream, Buffer.from(text), {
          begin: () => events.push('begin'),
          prompt: () => events.push('prompt'),
          fail: ({ message }) => events.push(message),
        })
        .toString();
    return { take, events, prompt, ready, made };
  }

  it('is found however it is cut into parts', () => {
    for (let size = 1; size < 60; size++) {
      const { take, events, prompt, ready } = gate();
      const text = `hello [fleet \n${prompt}\r\n${ready}${prompt}output`;
      let output = '';
      for (let at = 0; at < text.length; at += size) output += take(text.slice(at, at + size));
      expect(output).toBe(`hello [fleet \n${prompt}output`);
      expect(events).toEqual(['prompt', 'begin']);
    }
  });

  it('is looked for on the stream of sudo only, and differs for each command', () => {
    const { take, events, prompt, ready } = gate();
    expect(take(`${prompt}${ready}`, 'stdout')).toBe(`${prompt}${ready}`);
    expect(events).toEqual([]);
    expect(take(prompt + prompt)).toBe('');
    expect(events).toEqual(['prompt', 'sudo does not take the password']);
    expect(new Set([...marks(gate().made.command), prompt, ready]).size).toBe(4);
  });

  it('is why a command did not run', () => {
    const { take, made } = gate();
    expect(made.refusal(0)?.message).toBe('sudo did not run the command: exit code 0');
    expect(made.refusal(null)?.message).toBe('sudo did not run the command: it was ended by a signal');
    take('one\n\x1b[31mtwo\n\n');
    expect(made.refusal(1)?.message).toBe('sudo did not run the command:  [31mtwo');
  });
});
