// ProxyCommand, keep-alive and addresses: connections that are made, and that end, in other ways than a plain one.

import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run_command } from '../../dist/run/command.js';
import { Connector } from '../../dist/ssh/connect.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';
import { failure_of, PLENTY } from './failure.js';

describe.skipIf(!has_sshd)('a connection', () => {
  let site: Site;
  let server: Sshd;
  beforeAll(async () => {
    site = new Site();
    server = await site.sshd('target');
  });
  afterAll(() => site.close());

  /** Whether a process is there whose id is in a file. */
  const lives = (file: string) => existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`);
  const via = (proxy_command: string) =>
    server.host({ address: 'nowhere.invalid', host_key_alias: 'target', proxy_command });
  const known = () => {
    const line = site.public_key(join(site.folder, 'host-target'));
    return { known_hosts_files: [site.write('known-as-target', `target ${line}\n`)] };
  };

  it('goes by a ProxyCommand, which ends with it', async () => {
    const gate = await site.sshd('gate');
    const { known_hosts_files } = gate.host();
    const options = `-F none -i ${site.key} -o UserKnownHostsFile=${known_hosts_files[0]} -p ${gate.port}`;
    const pid = join(site.folder, 'ssh.pid');
    const command = `sh -c 'echo $$ > ${pid}; exec ssh ${options} -W 127.0.0.1:${server.port} root@127.0.0.1'`;
    const connection = await new Connector({ credentials: {} }).connect(
      { ...via(command), ...known() },
      PLENTY,
    );
    let bytes = 0;
    const on_output = (_stream: string, data: Uint8Array) => {
      bytes += data.length;
    };
    await run_command(connection, 'head -c 5000000 /dev/zero', { on_output });
    expect(bytes).toBe(5_000_000);
    expect(lives(pid)).toBe(true);
    connection.close();
    await expect.poll(() => lives(pid), { timeout: PLENTY * 1000 }).toBe(false);
  });

  it.each([
    ['sh -c "exit 3"', 'the ProxyCommand ended with exit code 3'],
    ['sh -c "echo one >&2; echo two >&2; exit 1"', 'the ProxyCommand ended with exit code 1: two'],
    ["sh -c 'kill -TERM $$'", 'the ProxyCommand ended with SIGTERM'],
    ['true', 'the ProxyCommand ended with exit code 0'],
    [`sh -c "printf '\\033[31mred\\007' >&2; exit 9"`, 'the ProxyCommand ended with exit code 9:  [31mred'],
  ])('is unreachable if the ProxyCommand is %j', async (command, reason) => {
    expect(await failure_of(via(command))).toEqual({ failure: 'unreachable', reason });
  });

  it('is unreachable without such a ProxyCommand', async () => {
    const failure = await failure_of(via('/nonexistent/command --option'));
    expect(failure).toMatchObject({
      failure: 'unreachable',
      reason: expect.stringMatching(/^the ProxyCommand ended with exit code 127: .*\/nonexistent\/command: /),
    });
  });

  it.each([
    ['says nothing', 'sleep 600', 'timed-out'],
    ['speaks no SSH', "sh -c 'while echo hello; do sleep 0.1; done'", 'timed-out'],
    ['ignores its end', "sh -c 'trap : HUP; while :; do sleep 1; done'", 'timed-out'],
    ['speaks another SSH', "sh -c 'echo SSH-1.0-x; sleep 600'", 'protocol'],
  ])('ends a ProxyCommand that %s', async (what, command, failure) => {
    const pid = join(site.folder, `${what.length}.pid`);
    // The shell of a command that begins with `exec` has the number of the command.
    const host = via(`sh -c 'echo $$ > ${pid}; exec "$@"' sh ${command}`);
    expect(await failure_of(host, {}, 2)).toMatchObject({ failure });
    await expect.poll(() => lives(pid), { timeout: PLENTY * 1000 }).toBe(false);
  });

  it('gives a ProxyCommand a session of its own: ^C at the terminal is not for it', async () => {
    const file = join(site.folder, 'session');
    await failure_of(via(`sh -c 'echo $$ $(cut -d" " -f6 /proc/$$/stat) > ${file}'`));
    const [pid, session] = readFileSync(file, 'utf8').trim().split(' ');
    expect(session).toBe(pid);
  });

  it('is cut off if the host no longer answers, by keep-alive', async () => {
    let freeze: () => void = () => {};
    // On the way to sshd, so that it can vanish without an end.
    const port = await site.listen((socket) => {
      const onward = createConnection(server.port, '127.0.0.1').on('error', () => {});
      socket.pipe(onward).pipe(socket);
      socket.on('close', () => onward.destroy());
      freeze = () => {
        for (const side of [socket, onward]) side.unpipe().pause();
      };
    });
    const host = server.host({
      port,
      host_key_alias: 'target',
      ...known(),
      keepalive: { interval: 2, count: 3 },
    });
    const connection = await new Connector({ credentials: {} }).connect(host, PLENTY);
    // A host that answers stays, longer than one that does not.
    await run_command(connection, 'sleep 10', { on_output: () => {} });
    const running = run_command(connection, 'while echo alive; do sleep 1; done', {
      on_output: () => freeze(),
    });
    await expect(running).rejects.toMatchObject({ failure: 'cut-off' });
    connection.close();
  });

  it('is made by addresses of one family, from an address', async () => {
    expect(await failure_of(server.host({ address_family: 'inet' }))).toBeUndefined();
    const named = { address: 'localhost', host_key_alias: 'target', ...known() };
    expect(await failure_of(server.host({ ...named, address_family: 'inet' }))).toBeUndefined();
    expect(await failure_of(server.host({ ...named, address_family: 'inet6' }))).toMatchObject({
      failure: expect.stringMatching(/^(refused|unreachable)$/),
    });
    const from = { ...known(), host_key_alias: 'target', bind_address: '127.0.0.9' };
    const connection = await new Connector({ credentials: {} }).connect(server.host(from), PLENTY);
    connection.close();
    expect(server.peers()).toContain('127.0.0.9');
    expect(await failure_of(server.host({ ...from, bind_address: '192.0.2.1' }))).toMatchObject({
      failure: 'unreachable',
    });
  });
});
