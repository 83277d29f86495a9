// sd_notify, beside systemd-notify; the watchdog; and what servers tell by themselves. Socket activation is in clients.test.ts.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import {
  AsyncTCPServer,
  type ServiceState,
  sd_notify,
  sd_watchdog_enabled,
  ThreadingTCPServer,
} from 'bsd-sockets/socketserver';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
// @ts-expect-error: JavaScript, as a worker imports it
import { Stream } from './fixtures/proxied.mjs';

const NAME = `bsd-sockets-notify-${process.pid}`;
let manager: promises.socket<typeof socket.AF_UNIX, typeof socket.SOCK_DGRAM>;

beforeEach(() => {
  manager = new promises.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
  manager.settimeout(15);
  manager.bind(Buffer.from(`\0${NAME}`));
  vi.stubEnv('NOTIFY_SOCKET', `@${NAME}`);
});
afterEach(() => {
  manager.close();
  vi.unstubAllEnvs();
});

const told = async () => String(await manager.recv(10_000));

describe('sd_notify', () => {
  test('tells lines, or an object', async () => {
    expect(sd_notify('READY=1\nSTATUS=text')).toBe(true);
    expect(await told()).toBe('READY=1\nSTATUS=text');
    expect(sd_notify({ READY: 1, STATUS: 'serving ünïcode', X_OWN: 5n, ERRNO: undefined })).toBe(true);
    expect(await told()).toBe('READY=1\nSTATUS=serving ünïcode\nX_OWN=5');
  });

  test('a reload has the time of the monotonic clock, as Type=notify-reload needs', async () => {
    sd_notify({ RELOADING: 1 });
    const [line, usec = ''] = (await told()).split('\nMONOTONIC_USEC=');
    expect(line).toBe('RELOADING=1');
    expect(Math.abs(Number(process.hrtime.bigint() / 1000n) - Number(usec))).toBeLessThan(60e6);
    sd_notify({ RELOADING: 1, MONOTONIC_USEC: 7 });
    expect(await told()).toBe('RELOADING=1\nMONOTONIC_USEC=7');
  });

  test('what systemd-notify tells, it tells', async (ctx) => {
    if (spawnSync('systemd-notify', ['--version']).status !== 0) ctx.skip('needs systemd-notify');
    const child = spawn('systemd-notify', ['--no-block', '--ready', '--status=text'], { stdio: 'inherit' });
    const theirs = await told();
    await once(child, 'close');
    sd_notify({ READY: 1, STATUS: 'text' });
    expect(await told()).toBe(theirs);
  });

  test('descriptors go along', async () => {
    using listener = socket.create_server(['127.0.0.1', 0]);
    sd_notify({ FDSTORE: 1, FDNAME: 'web' }, { fds: [listener, 1] });
    const [text, fds] = await promises.recv_fds(manager, 1000, 5);
    expect(String(text)).toBe('FDSTORE=1\nFDNAME=web');
    expect(fds).toHaveLength(2);
    using stored = new socket.socket(null, null, null, fds[0] as number);
    expect(stored.getsockname()).toEqual(listener.getsockname());
    socket.close(fds[1] as number);
  });

  test('without a service manager it tells nobody', () => {
    vi.stubEnv('NOTIFY_SOCKET', undefined);
    expect(sd_notify('READY=1')).toBe(false);
    expect(() => sd_notify({ bad: 1 })).toThrow('a name must be like READY');
  });

  test('unset_environment: it is the last message', async () => {
    vi.stubEnv('WATCHDOG_USEC', '1000000');
    expect(sd_notify('READY=1', { unset_environment: true })).toBe(true);
    expect(await told()).toBe('READY=1');
    expect([process.env.NOTIFY_SOCKET, process.env.WATCHDOG_USEC]).toEqual([undefined, undefined]);
    expect(sd_notify('READY=1')).toBe(false);
  });

  test('the default time-out and inheritance are not its', async () => {
    socket.setdefaulttimeout(0);
    try {
      expect(sd_notify('READY=1')).toBe(true);
    } finally {
      socket.setdefaulttimeout(null);
    }
    expect(await told()).toBe('READY=1');
  });

  test.each<[string, unknown, unknown, string]>([
    ['a number', 1, {}, 'state must be a string or an object, not 1'],
    ['an array', ['READY=1'], {}, 'state must be a string or an object'],
    ['a name in small letters', { ready: 1 }, {}, 'state: a name must be like READY or X_OWN, not "ready"'],
    [
      'a value with a line end',
      { STATUS: 'a\nMAINPID=1' },
      {},
      'state: STATUS must not contain a zero byte or a line end',
    ],
    ['a zero byte', 'READY=1\0', {}, 'state must not contain a zero byte'],
    ['true', { READY: true }, {}, 'state: READY must be a string or a number, not true'],
    ['an unknown option', 'READY=1', { fd: 1 }, 'unknown option "fd"'],
    ['descriptors that are none', 'FDSTORE=1', { fds: ['1'] }, 'must be an integer, not "1"'],
    ['no iterable', 'FDSTORE=1', { fds: 1 }, 'fds must be an array or another iterable, not 1'],
    [
      'too many descriptors',
      'FDSTORE=1',
      { fds: Array(254).fill(1) },
      'fds must have at most 253 elements, not 254',
    ],
  ])('misuse: %s', (_name, state, options, message) => {
    expect(() => sd_notify(state as ServiceState, options as never)).toThrow(message);
  });

  test('a socket that is not there, and a name that is none, are errors', () => {
    vi.stubEnv('NOTIFY_SOCKET', `@${NAME}-none`);
    expect(() => sd_notify('READY=1')).toThrow(socket.ConnectionRefusedError);
    vi.stubEnv('NOTIFY_SOCKET', 'relative');
    expect(() => sd_notify('READY=1')).toThrow('NOTIFY_SOCKET must be a path or an abstract name');
  });
});

test.each([
  [undefined, undefined, null],
  ['20000000', undefined, 20],
  ['500000', String(process.pid), 0.5],
  ['500000', '1', null],
  ['0', undefined, null],
  ['soon', undefined, null],
])('sd_watchdog_enabled: WATCHDOG_USEC=%s WATCHDOG_PID=%s is %s', (usec, pid, expected) => {
  vi.stubEnv('WATCHDOG_USEC', usec);
  vi.stubEnv('WATCHDOG_PID', pid);
  expect(sd_watchdog_enabled()).toBe(expected);
});

describe.each([
  ['AsyncTCPServer', () => new AsyncTCPServer(['127.0.0.1', 0], () => {}, { sd_notify: true })],
  ['ThreadingTCPServer', () => new ThreadingTCPServer(['127.0.0.1', 0], Stream, { sd_notify: true })],
] as const)('%s with sd_notify', (_name, make) => {
  test('tells READY, pings as long as it serves, and STOPPING', async () => {
    vi.stubEnv('WATCHDOG_USEC', '50000');
    const server = make();
    const served = server.serve_forever();
    expect(await told()).toBe('READY=1');
    for (let i = 0; i < 4; i++) expect(await told()).toBe('WATCHDOG=1');
    const ended = server.shutdown();
    let last = '';
    while (last !== 'STOPPING=1') last = await told();
    await ended;
    await served;
    await server.server_close();
    // No ping comes behind it.
    await expect(manager.recv(100, { timeout: 0.2 })).rejects.toThrow(socket.TimeoutError);
  });

  test('a manager that is gone is a warning, and the server serves', async () => {
    vi.stubEnv('NOTIFY_SOCKET', `@${NAME}-gone`);
    const warned = once(process, 'warning');
    const server = make();
    const served = server.serve_forever();
    expect(((await warned)[0] as Error).message).toContain('the service manager could not be told READY=1');
    using client = await promises.create_connection(server.server_address);
    await client.shutdown(socket.SHUT_WR);
    while ((await client.recv(1000)).length > 0);
    await server.server_close();
    await served;
  });
});
