// What servers tell of themselves: statistics(), the events of diagnostics_channel, Prometheus' text, request_context(); in every kind.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as promises from 'bsd-sockets/promises';
import { prometheus_text, request_context, type ServerChannel } from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
import {
  ask,
  asking,
  connect_from,
  DATAGRAMS,
  make,
  read_all,
  type Served,
  STREAMS,
  serving,
  until,
} from './served.js';

type Message = { readonly [name: string]: unknown };

/** Listens to all events of servers while `use` runs. */
async function listening(use: (events: [name: string, message: Message][]) => Promise<void>) {
  const events: [string, Message][] = [];
  const names = ['connection', 'request:start', 'request:end', 'error', 'refused', 'drain'];
  const listeners = names.map((name) => {
    const channel = `bsd-sockets:server:${name}` as ServerChannel;
    const listener = (message: unknown) => void events.push([name, message as Message]);
    subscribe(channel, listener);
    return () => unsubscribe(channel, listener);
  });
  try {
    await use(events);
  } finally {
    for (const end of listeners) end();
  }
}

describe.each(STREAMS)('%s', { timeout: 120_000 }, (name) => {
  const talk = asking(name);

  test('counts what it has taken, handled, failed and refused', async () => {
    await serving(name, {}, async (server, errors) => {
      expect(server.statistics()).toMatchObject({ accepted: 0, active: 0, handled: 0, errors: 0 });
      for (const text of ['one', 'two', 'three'])
        expect(await talk(server, `echo ${text}`)).toBe(`${text}\n`);
      await talk(server, 'fail');
      await until(() => server.statistics().handled === 4 && errors.length === 1);
      const { accepted, active, refused, workers, backlog, backlog_limit, ...rest } = server.statistics();
      expect({ accepted, active, errors: rest.errors, backlog }).toEqual({
        accepted: 4,
        active: 0,
        errors: 1,
        backlog: 0,
      });
      expect(Object.values(refused).every((count) => count === 0)).toBe(true);
      expect(backlog_limit).toBeGreaterThanOrEqual(128);
      expect(rest.timed_out).toEqual({ handler_timeout: 0, idle_timeout: 0 });
      if (name === 'TCPServer' || name === 'AsyncTCPServer') {
        expect(workers).toBeNull();
        expect(rest.request_seconds).toBeGreaterThan(0);
      } else expect(workers).toBeGreaterThan(0);
    });
  });

  test('the counts stay when it is closed', async () => {
    let server: Served | undefined;
    await serving(name, {}, async (one) => {
      server = one;
      await talk(one, 'echo x');
    });
    expect(server?.statistics()).toMatchObject({ accepted: 1, handled: 1, active: 0, backlog: null });
  });

  test('verify_request() that refuses is counted, and told', async () => {
    await listening(async (events) => {
      const use = async (server: Served) => {
        expect(await talk(server, 'echo x')).toBe('');
        await until(() => server.statistics().refused.verify_request === 1);
        expect(server.statistics()).toMatchObject({ accepted: 1, handled: 0 });
      };
      await serving(name, {}, use, undefined, { verify_request: () => false });
      const refused = events.filter(([event]) => event === 'refused');
      expect(refused).toHaveLength(1);
      expect(refused[0]?.[1]).toMatchObject({ reason: 'verify_request' });
    });
  });

  test('tells what happens on the channels, in order', async () => {
    await listening(async (events) => {
      await serving(name, {}, async (server) => {
        await talk(server, 'echo x');
        await until(() => events.length >= 3);
        expect(events.map(([event]) => event)).toEqual(['connection', 'request:start', 'request:end']);
        const [[, connection], [, start], [, end]] = events as [
          [string, Message],
          [string, Message],
          [string, Message],
        ];
        expect(connection.server).toBe(server);
        expect(connection.peer_address).toEqual(['127.0.0.1', expect.any(Number)]);
        expect(start).toMatchObject({ server, client_address: connection.peer_address });
        expect(start.id).toMatch(/^[\d-]+$/);
        expect(end).toMatchObject({ id: start.id, client_address: start.client_address });
        expect(end.seconds).toBeGreaterThanOrEqual(0);
        expect(end).not.toHaveProperty('error');
        events.length = 0;
        await talk(server, 'fail');
        await until(() => events.length >= 4);
        expect(events.map(([event]) => event)).toEqual([
          'connection',
          'request:start',
          'error',
          'request:end',
        ]);
        expect(events[2]?.[1]).toMatchObject({ error: { message: 'as asked' } });
        expect(events[3]?.[1]).toMatchObject({ error: { message: 'as asked' } });
        events.length = 0;
        // A worker closes the connection behind request:end.
        await until(() => server.statistics().active === 0);
        await server.shutdown({ drain: 30 });
        expect(events.map(([event, { phase, active }]) => [event, phase, active])).toEqual([
          ['drain', 'begin', 0],
          ['drain', 'end', 0],
        ]);
      });
    });
  });

  test('who begins to listen while it serves is heard', async () => {
    await serving(name, {}, async (server) => {
      await talk(server, 'echo x');
      await listening(async (events) => {
        while (!events.some(([event]) => event === 'request:end')) await talk(server, 'echo x');
      });
    });
  });

  test('request_context() tells the request below the handler', async () => {
    expect(request_context()).toBeUndefined();
    await serving(name, { request_context: true }, async (server) => {
      const [first, second] = await Promise.all([talk(server, 'context'), talk(server, 'context')]);
      const contexts = [first, second].map((text) => JSON.parse(text));
      for (const context of contexts) {
        expect(context).toMatchObject({
          address: server.server_address,
          handler: name === 'AsyncTCPServer' ? 'AsyncStream' : 'Stream',
          is_young: true,
          client_address: ['127.0.0.1', expect.any(Number)],
        });
      }
      expect(contexts[0].id).not.toBe(contexts[1].id);
      expect(contexts[0].client_address).not.toEqual(contexts[1].client_address);
    });
    await serving(name, {}, async (server) => {
      expect(JSON.parse(await talk(server, 'context'))).toEqual({ is_young: false });
    });
    expect(request_context()).toBeUndefined();
  });
});

test.each(DATAGRAMS)('%s counts datagrams', { timeout: 60_000 }, async (name) => {
  await serving(name, {}, async (server) => {
    using sock = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    sock.settimeout(60);
    await sock.sendto('x', server.server_address);
    expect(String((await sock.recvfrom(10))[0])).toBe('x');
    await until(() => server.statistics().handled === 1);
    expect(server.statistics()).toMatchObject({ accepted: 1, backlog: null, backlog_limit: null });
  });
});

test.each(['ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'])(
  '%s counts a request that handler_timeout ends, and one under way',
  { timeout: 60_000 },
  async (name) => {
    await listening(async (events) => {
      await serving(name, { handler_timeout: 2 }, async (server) => {
        const sleeping = ask(server, 'sleep');
        await until(() => server.statistics().active === 1);
        expect(await sleeping).toBe('');
        await until(() => server.statistics().handled === 1);
        expect(server.statistics()).toMatchObject({
          active: 0,
          errors: 1,
          timed_out: { handler_timeout: 1, idle_timeout: 0 },
        });
        await until(() => events.some(([event]) => event === 'request:end'));
        expect(events.filter(([event]) => event === 'error')).toHaveLength(1);
      });
    });
  },
);

test('the backlog is what the kernel has', async () => {
  const server = make('TCPServer', ['127.0.0.1', 0], { request_queue_size: 7 });
  expect(server.statistics()).toMatchObject({ backlog: 0, backlog_limit: 7 });
  const clients = await Promise.all([1, 2, 3].map(() => connect_from('127.0.0.1', server)));
  await until(() => server.statistics().backlog === 3);
  for (const client of clients) client.close();
  await server.server_close();
});

/** Parses Prometheus' text format 0.0.4 strictly. @throws Error on what its specification does not allow */
function parse_prometheus(text: string) {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const helped = new Set<string>();
  let family = '';
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed');
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\\\|\\n)*$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(
        line,
      );
    if (help?.[1] !== undefined) {
      if (helped.has(help[1])) throw new Error(`a second HELP of ${help[1]}`);
      helped.add(help[1]);
      family = help[1];
    } else if (type?.[1] !== undefined) {
      if (types.has(type[1]) || type[1] !== family) throw new Error(`TYPE out of place: ${line}`);
      types.set(type[1], String(type[2]));
    } else if (sample?.[1] !== undefined) {
      const base = types.get(family) === 'summary' ? sample[1].replace(/_(sum|count)$/, '') : sample[1];
      if (base !== family || !types.has(family)) throw new Error(`out of its group: ${line}`);
      const labels = [...(sample[2] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"/g)].map(
        (m) => m[1],
      );
      if (new Set(labels).size < labels.length) throw new Error(`a label twice: ${line}`);
      const key = `${sample[1]}{${sample[2] ?? ''}}`;
      if (samples.has(key)) throw new Error(`twice: ${key}`);
      samples.set(key, Number(sample[3]));
    } else throw new Error(`no line of the format: ${line}`);
  }
  return { samples, types };
}

describe('prometheus_text', () => {
  test('is in the format, for one server and for several', async () => {
    await serving('AsyncTCPServer', {}, async (server) => {
      await ask(server, 'echo x');
      await until(() => server.statistics().handled === 1);
      const [host, port] = server.server_address;
      const { samples, types } = parse_prometheus(prometheus_text(server));
      const labels = `server="AsyncTCPServer",address="${host}:${port}"`;
      expect(samples.get(`bsd_sockets_server_accepted_total{${labels}}`)).toBe(1);
      expect(samples.get(`bsd_sockets_server_request_seconds_count{${labels}}`)).toBe(1);
      expect(samples.get(`bsd_sockets_server_request_seconds_sum{${labels}}`)).toBeGreaterThan(0);
      expect(samples.get(`bsd_sockets_server_refused_total{${labels},reason="max_rate"}`)).toBe(0);
      expect(types.get('bsd_sockets_server_active')).toBe('gauge');
      // What is not known has no line, and no head.
      expect(types.has('bsd_sockets_server_workers')).toBe(false);
      const other = make('TCPServer', ['127.0.0.1', 0], {});
      const both = parse_prometheus(prometheus_text([server, other]));
      expect([...both.samples.keys()].filter((key) => key.includes('_accepted_total'))).toHaveLength(2);
      const escaped = parse_prometheus(prometheus_text(server, { a: 'back\\slash "quoted"\nline', b: 2 }));
      expect([...escaped.samples.keys()][0]).toBe(
        'bsd_sockets_server_accepted_total{a="back\\\\slash \\"quoted\\"\\nline",b="2"}',
      );
      expect(
        parse_prometheus(prometheus_text(server, {})).samples.get('bsd_sockets_server_accepted_total{}'),
      ).toBe(1);
      expect(() => prometheus_text([server, other], { same: 1 })).toThrow(/labels must differ/);
      await other.server_close();
    });
  });

  test('of no server is empty; what is none, and wrong labels, are told', async () => {
    expect(prometheus_text([])).toBe('');
    expect(() => prometheus_text({} as never)).toThrow('servers must be a server, or an iterable of servers');
    expect(() => prometheus_text([null] as never)).toThrow('servers must be');
    const server = make('TCPServer', ['127.0.0.1', 0], {});
    expect(() => prometheus_text(server, { 'a-b': 'x' })).toThrow('labels: a name is letters, digits and _');
    expect(() => prometheus_text(server, { reason: 'x' })).toThrow('none of option, reason');
    expect(() => prometheus_text(server, { a: {} as never })).toThrow(
      'labels.a must be a string or a number',
    );
    expect(() => prometheus_text(server, [] as never)).toThrow('labels must be an object of strings');
    await server.server_close();
  });

  test('of an AF_UNIX server names its path', async () => {
    const path = `/tmp/bsd-sockets-statistics-${process.pid}`;
    await serving(
      'AsyncUnixStreamServer',
      {},
      async (server) => {
        expect(prometheus_text(server)).toContain(`address="${path}"`);
        expect(server.statistics()).toMatchObject({ backlog: null });
        using sock = new promises.socket(promises.AF_UNIX);
        await sock.connect(path);
        await sock.sendall('echo x\n');
        await read_all(sock as never);
        await until(() => server.statistics().handled === 1);
      },
      path,
    );
    (await import('node:fs')).rmSync(path);
  });
});
