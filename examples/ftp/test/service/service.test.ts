// The server as a service: restarts that drop nothing, reloads, workers that die, systemd, proxies, and the command's messages.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_INET, AF_UNIX, create_connection, SOCK_DGRAM, SOCK_STREAM, socket } from 'bsd-sockets/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  Client,
  children_of,
  FTPD,
  make_place,
  PATIENCE,
  type Place,
  read_all,
  type Settings,
  start_command,
  tls_settings,
  until,
} from '../server/harness.js';

/** More than the kernel takes while the client does not read. */
const LARGE = Buffer.alloc(30_000_000, 'x');
const KINDS = ['loop', 'threads', 'processes'] as const;
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

async function place_for(
  settings: Settings,
  users: Record<string, Record<string, unknown>> = {},
): Promise<Place> {
  const place = await make_place(settings, users);
  onTestFinished(() => place.remove());
  return place;
}

async function started(place: Place) {
  const server = await start_command(place);
  onTestFinished(() => server.stop());
  return server;
}

/** Changes the configuration file. */
function change(place: Place, settings: Settings): void {
  const config = JSON.parse(readFileSync(place.config_file, 'utf8')) as Settings;
  writeFileSync(place.config_file, JSON.stringify({ ...config, ...settings }));
}

function tool(place: Place, ...args: string[]) {
  const env = { ...process.env, FTPD_CONFIG: place.config_file };
  return spawnSync(process.execPath, [FTPD, ...args], { encoding: 'utf8', env });
}

describe.each(KINDS)('%s', (kind) => {
  test('a restart drops no transfer and refuses nobody; idle clients are told', {
    timeout: 300_000,
  }, async () => {
    const place = await place_for(
      { kind, handover: 'handover.sock', control: 'control.sock', timeouts: { drain_idle: 1.5 } },
      { anonymous: { anonymous: true } },
    );
    place.write('large', LARGE);
    const first = await started(place);
    const idle = await Client.log_in(first.port);
    const slow = await Client.log_in(first.port);
    await slow.expect(200, 'TYPE I');
    const data = await slow.passive();
    await slow.expect(150, 'RETR large');
    const writer = await Client.log_in(first.port);
    await writer.expect(200, 'TYPE I');
    const upload = await writer.passive();
    await writer.expect(150, 'STOR new');
    await upload.sendall('half of it, ');

    const log_in = async () => {
      const client = await Client.connect(first.port);
      await client.expect(331, 'USER anonymous');
      const { code } = await client.command('PASS x');
      client.close();
      return code;
    };
    let ended = false;
    const asking = (async () => {
      const codes = new Set<number>();
      for (let count = 0; !ended || count < 10; count++) codes.add(await log_in());
      return codes;
    })();
    change(place, { welcome: 'The second one.' });
    const second = await start_command(place, [`127.0.0.1:${first.port}`]);
    onTestFinished(() => second.stop());
    // The clients of the transfers are told when they are done.
    await upload.sendall('and the other half');
    upload.close();
    await writer.expect(226);
    await writer.expect(421);
    expect(place.read('new').toString()).toBe('half of it, and the other half');
    expect((await read_all(data)).length).toBe(LARGE.length);
    await slow.expect(226);
    await slow.expect(421);
    await idle.expect(421);
    await first.exited;
    ended = true;
    expect([...(await asking)]).toEqual([230]);
    const client = Client.on(await create_connection(['127.0.0.1', first.port], PATIENCE));
    expect((await client.reply()).text).toBe('220 The second one.');
    const { stdout } = tool(place, 'who', '--json');
    expect(stdout.trim().split('\n').length).toBe(1);
    for (const one of [client, slow, writer, idle]) one.close();
  });

  test('SIGHUP reads the configuration again; one that is wrong changes nothing', async () => {
    const place = await place_for({ kind });
    const server = await started(place);
    change(place, { welcome: 'Another one.' });
    server.child.kill('SIGHUP');
    await until(() => server.lines.some((line) => line.includes('loaded again')), 'a reload');
    const greeting = async () => {
      const client = Client.on(await create_connection(['127.0.0.1', server.port], PATIENCE));
      const { text } = await client.reply();
      client.close();
      return text;
    };
    expect(await greeting()).toBe('220 Another one.');
    const reloads = server.lines.length;
    change(place, { limits: { max_connections: 1 }, audit: 'another.jsonl' });
    server.child.kill('SIGHUP');
    await until(() => server.lines.slice(reloads).some((line) => line.includes('loaded again')), 'a reload');
    expect(server.lines.some((line) => line.includes('audit has changed: that takes a restart'))).toBe(true);
    const only = await Client.log_in(server.port);
    expect(await greeting()).toBe('421 Service not available: too many connections.');
    only.close();
    await until(async () => (await greeting()) === '220 Another one.', 'the place is free again');
    change(place, { welcome: 'A wrong one.', timeouts: { idel: 3 } });
    server.child.kill('SIGHUP');
    await until(() => server.lines.some((line) => line.includes('did you mean idle?')), 'a message');
    expect(await greeting()).toBe('220 Another one.');
  });

  test('SIGTERM finishes transfers; who and metrics tell of them', async () => {
    const place = await place_for({ kind, control: 'control.sock' });
    place.write('large', LARGE);
    const server = await started(place);
    const slow = await Client.log_in(server.port);
    await slow.expect(200, 'TYPE I');
    const data = await slow.passive();
    await slow.expect(150, 'RETR large');
    await until(() => tool(place, 'who').stdout.includes('/large'), 'the transfer is told');
    const { stdout } = tool(place, 'metrics');
    expect(stdout).toMatch(/^ftp_replies_total\{code="230"\} 1$/m);
    expect(stdout).toMatch(/^ftp_commands_total\{name="PASS"\} 1$/m);
    expect(stdout).toMatch(/^ftp_transfers\{direction="download"\} 1$/m);
    server.child.kill('SIGTERM');
    expect((await read_all(data)).length).toBe(LARGE.length);
    await slow.expect(226);
    await slow.expect(421);
    slow.close();
    expect(await server.exited).toEqual([0, null]);
    expect(existsSync(join(place.folder, 'control.sock'))).toBe(false);
  });
});

test('SIGUSR2 starts the successor by itself', async () => {
  const place = await place_for({ handover: 'handover.sock', control: 'control.sock' });
  const server = await started(place);
  change(place, { welcome: 'The second one.' });
  server.child.kill('SIGUSR2');
  await server.exited;
  const client = Client.on(await create_connection(['127.0.0.1', server.port], PATIENCE));
  expect((await client.reply()).text).toBe('220 The second one.');
  client.close();
  // The successor is no child of this process: it is found by whom the socket belongs to.
  const { stdout } = spawnSync(
    'sh',
    [
      '-c',
      `fuser ${server.port}/tcp 2>/dev/null || ss -Hltnp 'sport = :${server.port}' | sed 's/.*pid=\\([0-9]*\\).*/\\1/'`,
    ],
    { encoding: 'utf8' },
  );
  const pid = Number(stdout.trim().split(/\s+/)[0]);
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, 'SIGTERM');
  await until(async () => {
    const refused = await create_connection(['127.0.0.1', server.port], PATIENCE).catch(() => undefined);
    refused?.close();
    return refused === undefined;
  }, 'the end of the successor');
});

test('a worker that dies is replaced, and leaves nothing in the registry', async () => {
  const settings = { kind: 'processes', workers: 1, control: 'control.sock', limits: { max_connections: 1 } };
  const server = await started(await place_for(settings));
  const client = await Client.log_in(server.port);
  const [worker] = children_of(server.child.pid as number);
  process.kill(worker as number, 'SIGKILL');
  expect((await client.reply()).code).toBe(0);
  client.close();
  await until(() => server.lines.some((line) => line.includes('another one starts')), 'a message');
  await until(async () => {
    const again = Client.on(await create_connection(['127.0.0.1', server.port], PATIENCE));
    const { code } = await again.reply();
    again.close();
    return code === 220;
  }, 'it serves again');
});

describe('systemd', () => {
  test('is told: READY, RELOADING, STOPPING, and the watchdog', async () => {
    const place = await place_for({});
    const path = join(place.folder, 'notify.sock');
    const notify = new socket(AF_UNIX, SOCK_DGRAM);
    await notify.bind(path);
    const told: string[] = [];
    const hearing = (async () => {
      for await (const [message] of notify) told.push(String(message));
    })();
    const server = await start_command(place, [], { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' });
    const is_told = (text: string) => until(() => told.some((one) => one.includes(text)), text);
    await is_told('READY=1\nSTATUS=serving ftp://127.0.0.1:');
    await is_told('WATCHDOG=1');
    server.child.kill('SIGHUP');
    await is_told('RELOADING=1');
    await server.stop();
    await is_told('STOPPING=1');
    notify.close();
    await hearing.catch(() => {});
  });

  test.runIf(has('systemd-socket-activate'))('passes the listening socket', async () => {
    const place = await place_for({ listen: [{ port: 0, systemd: 'ftp' }] });
    const probe = new socket(AF_INET, SOCK_STREAM);
    await probe.bind(['127.0.0.1', 0]);
    const [, port] = probe.getsockname() as [string, number];
    probe.close();
    const args = [
      '-l',
      `127.0.0.1:${port}`,
      '--fdname=ftp',
      process.execPath,
      FTPD,
      'serve',
      place.config_file,
    ];
    const child = spawn('systemd-socket-activate', args, { stdio: 'ignore' });
    onTestFinished(async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    });
    await until(async () => {
      const client = await Client.log_in(port).catch(() => undefined);
      client?.close();
      return client !== undefined;
    }, 'a log-in');
  });
});

test('behind a proxy the client is whom the PROXY header says; data come from the proxy or the client', async () => {
  const place = await place_for({
    control: 'control.sock',
    proxy_protocol: { trusted: ['127.0.0.1'] },
    passive: { address: '127.0.0.1' },
  });
  place.write('file', 'text');
  const server = await started(place);
  const proxy_header = { source: ['127.0.0.7', 50_000], destination: ['192.0.2.1', 21] } as const;
  const client = Client.on(
    await create_connection(['127.0.0.1', server.port], { timeout: PATIENCE, proxy_header }),
  );
  await client.expect(220);
  await client.expect(331, 'USER ann');
  await client.expect(230, 'PASS secret');
  expect(tool(place, 'who').stdout).toContain('127.0.0.7');
  for (const source of ['127.0.0.1', '127.0.0.7']) {
    const port = Number(/\|\|\|(\d+)\|/.exec((await client.expect(229, 'EPSV')).text)?.[1]);
    const data = await create_connection(['127.0.0.1', port], PATIENCE, [source, 0]);
    await client.expect(150, 'RETR file');
    expect((await read_all(data)).toString()).toBe('text');
    await client.expect(226);
  }
  // PORT is to the client's address, not to the proxy's.
  await client.expect(504, 'PORT 127,0,0,1,200,1');
  await client.expect(200, 'PORT 127,0,0,7,200,1');
  client.close();
  const bare = await create_connection(['127.0.0.1', server.port], PATIENCE);
  await bare.sendall('USER ann\r\n');
  expect((await bare.recv(100).catch(() => Buffer.alloc(0))).length).toBe(0);
  bare.close();
  await until(
    () => tool(place, 'metrics').stdout.includes('ftp_refusals_total{reason="proxy_protocol"} 1'),
    'the refusal is counted',
  );
});

describe('the configuration', () => {
  test('what is wrong is told with its key, and what is right', async () => {
    const place = await place_for({});
    const rows: [Settings, string][] = [
      [{ listen: [] }, 'listen must be a list with at least 1 element, not []'],
      [{ listen: [{ port: 70_000 }] }, 'listen[0].port must be an integer from 0 to 65535, not 70000'],
      [{ listen: [{ port: 21, tls: 'explicit' }] }, 'tls is missing: listen[0].tls is "explicit"'],
      [{ listen: [{ port: 21, prot: 'x' }] }, 'listen[0].prot is not known: did you mean port?'],
      [{ kind: 'forks' }, 'kind must be "loop" or "threads" or "processes", not "forks"'],
      [{ limits: { lines: 100 } }, 'limits.lines is not known: did you mean line?'],
      [
        { passive: { ports: [2000, 1000] } },
        'passive.ports must be a list whose first element is not above its last',
      ],
      [{ passive: { address: '::1' } }, 'passive.address must be an IPv4 address, not "::1"'],
      [
        { timeouts: { idle: 'long' } },
        'timeouts.idle must be a number of seconds, at least 0.01, not "long"',
      ],
      [{ proxy_protocol: { trusted: [] } }, 'proxy_protocol.trusted must be a list with at least 1 element'],
      [{ users: 'nowhere.json' }, 'nowhere.json'],
      [{ tls: tls_settings({ key: 'nowhere.pem' }) }, 'nowhere.pem'],
      [{ tls: tls_settings({ ca: null, client_certificates: 'allow' }) }, 'tls.ca is missing'],
      [{ tls: tls_settings({ required: 'login' }) }, 'listen[0].tls must be "explicit" or "implicit"'],
    ];
    const original = readFileSync(place.config_file, 'utf8');
    const { check_config } = await import('../../dist/config/config.js');
    const { check_files } = await import('../../dist/service/service.js');
    for (const [settings, message] of rows) {
      const config: unknown = { ...JSON.parse(original), ...settings };
      const checked = async () => check_files(check_config(config, place.folder));
      await expect(checked()).rejects.toThrow(message);
    }
  });

  test('ftpd check, and wrong commands', async () => {
    const place = await place_for({});
    expect(tool(place, 'check', place.config_file)).toMatchObject({ status: 0 });
    change(place, { usres: 1 });
    const wrong = tool(place, 'check', place.config_file);
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.stderr).toBe(`ftpd: ${place.config_file}: usres is not known: did you mean users?\n`);
    writeFileSync(place.config_file, '{ "listen": ');
    expect(tool(place, 'check', place.config_file).stderr).toContain(place.config_file);
    expect(tool(place, 'serve')).toMatchObject({ status: 2 });
    expect(tool(place, 'foo')).toMatchObject({ status: 2 });
    expect(tool(place, '--help')).toMatchObject({ status: 0 });
  });

  test('an address that is taken', async () => {
    const place = await place_for({});
    const server = await started(place);
    change(place, { listen: [{ host: '127.0.0.1', port: server.port }] });
    const { status, stderr } = tool(place, 'serve', place.config_file);
    expect(status).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
  });
});
