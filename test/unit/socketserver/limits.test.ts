// Limits of clients in every kind of server: connections of an address, rates, idle connections; and attacks that they end.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as promises from 'bsd-sockets/promises';
import { encode_proxy_header } from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import {
  ask,
  asking,
  connect_from,
  DATAGRAMS,
  make,
  PARALLEL,
  read_all,
  STREAMS,
  serving,
  until,
} from './served.js';

const REFUSAL = '421 Too many connections\r\n';
const many = { max_threads: 8, max_children: 4 };

/** Connects and lets the handler begin, which then waits for the end of the connection. */
async function hold(server: Parameters<typeof connect_from>[1], host: string) {
  const sock = await connect_from(host, server);
  await sock.sendall('wait\n');
  expect(String(await sock.recv(100))).toBe('waiting\n');
  return sock;
}

test.each(PARALLEL)('%s: line_limit ends a client whose line does not', async (name) => {
  await serving(name, {}, async (server, errors) => {
    const sock = await connect_from('127.0.0.1', server);
    // Its end is not sent: without the limit the handler would wait for more.
    await sock.sendall('x'.repeat(1001));
    expect(await read_all(sock)).toBe('');
    await until(() => errors.length === 1);
    expect(errors[0]).toMatchObject({ name: 'LimitOverrunError' });
    expect(await ask(server, 'echo served')).toBe('served\n');
  });
});

describe.each(PARALLEL)('%s', { timeout: 120_000 }, (name) => {
  test('max_connections_per_address: one more is refused, other addresses are not, and it may come again', async () => {
    const refused: unknown[] = [];
    const listener = (message: unknown) => void refused.push(message);
    subscribe('bsd-sockets:server:refused', listener);
    try {
      const options = { ...many, max_connections_per_address: 2, refusal: REFUSAL };
      await serving(name, options, async (server, errors) => {
        const held = [await hold(server, '127.0.0.1'), await hold(server, '127.0.0.1')];
        expect(await ask(server, 'echo x')).toBe(REFUSAL);
        expect(await ask(server, 'echo x', '127.0.0.2')).toBe('x\n');
        expect(server.statistics().refused.max_connections_per_address).toBe(1);
        await until(() => refused.length === 1);
        expect(refused[0]).toMatchObject({
          reason: 'max_connections_per_address',
          client_address: ['127.0.0.1', expect.any(Number)],
        });
        await held[0]?.shutdown(promises.SHUT_WR);
        expect(await read_all(held[0] as never)).toBe('\n');
        await until(() => server.statistics().active === 1);
        expect(await ask(server, 'echo again')).toBe('again\n');
        held[1]?.close();
        expect(errors).toEqual([]);
      });
    } finally {
      unsubscribe('bsd-sockets:server:refused', listener);
    }
  });

  test('exactly as many as may be are served, of clients that come at once', async () => {
    await serving(name, { ...many, max_connections_per_address: 2 }, async (server) => {
      // All workers are there.
      const first = await Promise.all([2, 3, 4, 5].map((n) => hold(server, `127.0.0.${n}`)));
      for (const sock of first) sock.close();
      await until(() => server.statistics().active === 0);
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const sock = await connect_from('127.0.0.1', server);
          await sock.sendall('wait\n').catch(() => {});
          const text = await sock.recv(100).catch(() => Buffer.alloc(0));
          return { sock, text: String(text) };
        }),
      );
      expect(answers.filter(({ text }) => text === 'waiting\n')).toHaveLength(2);
      for (const { sock } of answers) sock.close();
      await until(() => server.statistics().active === 0);
      expect(server.statistics().refused.max_connections_per_address).toBe(18);
    });
  });

  test('a handler that handler_timeout ends gives its place back', async () => {
    const options = { ...many, max_connections_per_address: 1, handler_timeout: 1 };
    await serving(name, options, async (server) => {
      for (let i = 0; i < 2; i++) {
        expect(await ask(server, 'sleep')).toBe('');
        await until(() => server.statistics().active === 0 && server.statistics().handled === i + 1);
      }
      expect(server.statistics().refused.max_connections_per_address).toBe(0);
    });
  });

  test('behind a proxy the client counts, not the proxy', async () => {
    const proxy_protocol = { trusted: ['127.0.0.1'] };
    const options = { ...many, proxy_protocol, max_connections_per_address: 1 };
    await serving(name, options, async (server) => {
      const come = async (client: string, line: string) => {
        const sock = await connect_from('127.0.0.1', server);
        await sock.sendall(encode_proxy_header({ source: [client, 1], destination: ['192.0.2.9', 80] }));
        await sock.sendall(line).catch(() => {});
        return sock;
      };
      const held = await come('192.0.2.1', 'wait\n');
      expect(String(await held.recv(100))).toBe('waiting\n');
      expect(await read_all(await come('192.0.2.1', 'echo x\n'))).toBe('');
      expect(await read_all(await come('192.0.2.2', 'echo x\n'))).toBe('x\n');
      held.close();
    });
  });

  test('10,000 connections of one address do not keep another one waiting', async () => {
    const options = { ...many, max_connections_per_address: 2, request_queue_size: 1000 };
    await serving(name, options, async (server) => {
      const count = Number(process.env.LOAD_CONNECTIONS ?? 10_000);
      let left = count;
      let done = 0;
      const flood = async () => {
        while (left-- > 0) {
          const sock = await connect_from('127.0.0.1', server);
          // Those that are let in say nothing, and are closed only when the flood is over.
          await sock.recv(1, 0, { timeout: 0.2 }).catch(() => {});
          sock.close();
          done++;
        }
      };
      const flooding = Promise.all(Array.from({ length: 50 }, flood));
      let served = 0;
      while (done < count) {
        expect(await ask(server, 'echo through', '127.0.0.2')).toBe('through\n');
        served++;
      }
      await flooding;
      expect(served).toBeGreaterThan(0);
      expect(server.statistics().refused.max_connections_per_address).toBeGreaterThan(count / 2);
    });
  });

  test('clients that connect and send nothing are ended by idle_timeout, and others are served', async () => {
    await serving(name, { ...many, idle_timeout: 0.5 }, async (server, errors) => {
      const silent = await Promise.all(Array.from({ length: 12 }, () => connect_from('127.0.0.1', server)));
      const ends = Promise.all(silent.map(read_all));
      expect(await ask(server, 'echo x', '127.0.0.2')).toBe('x\n');
      expect(new Set(await ends)).toEqual(new Set(['']));
      await until(() => server.statistics().timed_out.idle_timeout === 12);
      await until(() => errors.length === 12);
      expect(server.statistics().errors).toBe(12);
    });
  });

  test('a slow loris is ended by handler_timeout, in spite of its bytes', async () => {
    await serving(name, { ...many, idle_timeout: 30, handler_timeout: 1.5 }, async (server) => {
      const sock = await connect_from('127.0.0.1', server);
      const end = read_all(sock);
      const dripping = setInterval(() => sock.send('x').catch(() => {}), 200);
      expect(await end).toBe('');
      clearInterval(dripping);
      await until(() => server.statistics().timed_out.handler_timeout === 1);
      expect(server.statistics().timed_out.idle_timeout).toBe(0);
    });
  });
});

describe.each(STREAMS)('%s', { timeout: 120_000 }, (name) => {
  const talk = asking(name);

  test('max_rate_per_address and max_rate', async () => {
    const slow = { per_second: 0.001, burst: 3 };
    await serving(name, { max_rate_per_address: slow, refusal: REFUSAL }, async (server) => {
      for (let i = 0; i < 3; i++) expect(await talk(server, 'echo x')).toBe('x\n');
      expect(await talk(server, 'echo x')).toBe(REFUSAL);
      expect(await talk(server, 'echo x', '127.0.0.2')).toBe('x\n');
      expect(server.statistics().refused.max_rate_per_address).toBe(1);
    });
    await serving(name, { max_rate: slow }, async (server) => {
      const answers = [];
      for (let i = 1; i < 5; i++) answers.push(await talk(server, 'echo x', `127.0.0.${i}`));
      expect(answers).toEqual(['x\n', 'x\n', 'x\n', '']);
      expect(server.statistics().refused.max_rate).toBe(1);
    });
    // It fills again.
    await serving(name, { max_rate: { per_second: 5, burst: 1 } }, async (server) => {
      expect(await talk(server, 'echo x')).toBe('x\n');
      while ((await talk(server, 'echo x')) !== 'x\n');
    });
  });

  test('a byte now and then keeps a connection from being idle', async () => {
    if (name === 'TCPServer') return;
    await serving(name, { idle_timeout: 2 }, async (server, errors) => {
      const sock = await connect_from('127.0.0.1', server);
      for (const letter of 'echo abcdef\n') {
        await sock.send(letter);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      expect(await read_all(sock)).toBe('abcdef\n');
      expect(errors).toEqual([]);
    });
  });
});

test.each(DATAGRAMS)('%s drops datagrams beyond the rate', { timeout: 60_000 }, async (name) => {
  await serving(name, { max_rate_per_address: { per_second: 0.001, burst: 2 } }, async (server) => {
    using sock = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    sock.settimeout(60);
    for (const text of ['a', 'b', 'c', 'd']) await sock.sendto(text, server.server_address);
    const answers = [await sock.recvfrom(9), await sock.recvfrom(9)].map(([data]) => String(data));
    expect(answers.sort()).toEqual(['a', 'b']);
    await until(() => server.statistics().refused.max_rate_per_address === 2);
    expect(server.statistics()).toMatchObject({ accepted: 4, handled: 2 });
  });
});

test('IPv6 clients of one /64 are one client, and IPv4 ones on a dual-stack socket are themselves', async () => {
  const client_of = (client: string) => encode_proxy_header({ source: [client, 1], destination: ['::1', 2] });
  const options = {
    dualstack_ipv6: true,
    proxy_protocol: { trusted: ['::1', '::ffff:127.0.0.1', '127.0.0.1'], others: 'serve' },
    max_rate_per_address: { per_second: 0.001, burst: 1 },
  } as const;
  const use = (prefix: object, rows: [client: string, answer: string][]) =>
    serving(
      'AsyncTCPServer',
      { ...options, ...prefix },
      async (server) => {
        for (const [client, answer] of rows) {
          const sock = (await promises.create_connection(['::1', server.server_address[1]], 60)) as never;
          await (sock as promises.ConnectedSocket).sendall(client_of(client));
          await (sock as promises.ConnectedSocket).sendall('echo x\n').catch(() => {});
          expect([client, await read_all(sock)]).toEqual([client, answer]);
        }
      },
      ['::', 0],
    );
  await use({}, [
    ['2001:db8::1', 'x\n'],
    ['2001:db8::2', ''],
    ['2001:db8:0:1::2', 'x\n'],
    ['::ffff:192.0.2.1', 'x\n'],
    ['::ffff:192.0.2.2', 'x\n'],
    ['::ffff:192.0.2.1', ''],
  ]);
  await use({ address_prefix: { ipv4: 24, ipv6: 128 } }, [
    ['2001:db8::1', 'x\n'],
    ['2001:db8::2', 'x\n'],
    ['2001:db8::1', ''],
    ['::ffff:192.0.2.1', 'x\n'],
    ['::ffff:192.0.2.2', ''],
  ]);
});

test('on the event loop a busy connection is not idle, whichever way its bytes go', {
  timeout: 60_000,
}, async () => {
  const { AsyncTCPServer } = await import('bsd-sockets/socketserver');
  const size = 8_000_000;
  const errors: unknown[] = [];
  const server = new AsyncTCPServer(
    ['127.0.0.1', 0],
    async (request) => {
      // One call that lasts long, because the client reads slowly; and a recv() that waits all the time beside it.
      const end = request.recv(1);
      await request.sendall(Buffer.alloc(size));
      await end;
    },
    { idle_timeout: 1 },
  );
  server.handle_error = (_request, _address, error) => void errors.push(error);
  const served = server.serve_forever();
  const sock = await promises.create_connection(server.server_address, 60);
  let count = 0;
  while (count < size) {
    count += (await sock.recv(size / 20)).length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await sock.sendall('x');
  expect((await sock.recv(1)).length).toBe(0);
  sock.close();
  await server.server_close();
  await served;
  expect(errors).toEqual([]);
});

test('on AF_UNIX all clients are one, and idle ones are ended, too', { timeout: 60_000 }, async () => {
  const path = `/tmp/bsd-sockets-limits-${process.pid}`;
  const options = { max_connections_per_address: 1, idle_timeout: 0.3, refusal: REFUSAL };
  await serving(
    'AsyncUnixStreamServer',
    options,
    async (server) => {
      const connect = async () => {
        const sock = new promises.socket(promises.AF_UNIX);
        await sock.connect(path);
        return sock as never as promises.ConnectedSocket;
      };
      const first = await connect();
      await until(() => server.statistics().active === 1);
      expect(await read_all(await connect())).toBe(REFUSAL);
      expect(await read_all(first)).toBe('');
      await until(() => server.statistics().timed_out.idle_timeout === 1);
    },
    path,
  );
  (await import('node:fs')).rmSync(path);
});

test.each(PARALLEL)(
  '%s leaves no descriptor behind, and a client may come again at once',
  { timeout: 60_000 },
  async (name) => {
    const once = () =>
      serving(name, { ...many, max_connections_per_address: 1 }, async (server) => {
        for (let i = 0; i < 20; i++) expect(await ask(server, 'echo x')).toBe('x\n');
      });
    await once();
    const before = open_descriptors();
    await once();
    await until(() => open_descriptors() <= before);
  },
);

describe('wrong options', () => {
  test.each([
    [
      { max_connections_per_address: 0 },
      'max_connections_per_address must be between 1 and 1000000000, not 0',
    ],
    [{ max_connections_per_address: 1.5 }, 'max_connections_per_address must be an integer, not 1.5'],
    [{ max_rate: 0 }, 'max_rate must be above 0 and at most 1000000000 a second, not 0'],
    [{ max_rate: Number.NaN }, 'max_rate must be above 0 and at most 1000000000 a second, not NaN'],
    [{ max_rate: '5' }, 'max_rate must be a number a second, or { per_second, burst }, not "5"'],
    [{ max_rate: {} }, 'max_rate.per_second must be a number a second, not undefined'],
    [{ max_rate: { per_second: 1, burst: 0 } }, 'max_rate.burst must be between 1'],
    [{ max_rate: { rate: 1 } }, 'unknown option "rate"; known: per_second, burst'],
    [{ max_rate_per_address: -1 }, 'max_rate_per_address must be above 0'],
    [{ max_rate: 1, address_prefix: { ipv4: 33 } }, 'address_prefix.ipv4 must be between 0 and 32, not 33'],
    [
      { max_rate: 1, address_prefix: { ipv6: 129 } },
      'address_prefix.ipv6 must be between 0 and 128, not 129',
    ],
    [{ max_rate: 1, address_prefix: { v6: 1 } }, 'unknown option "v6"; known: ipv4, ipv6'],
    [{ max_rate: 1, refusal: 5 }, 'refusal must be a string or bytes'],
    [{ max_rate: 1, refusal: 'x'.repeat(1025) }, 'refusal must be at most 1024 bytes, not 1025'],
    [{ refusal: 'x' }, 'refusal needs a limit that refuses'],
    [{ address_prefix: {} }, 'address_prefix needs a limit that refuses'],
    [{ idle_timeout: 0 }, 'idle_timeout must be above 0, or null for no limit'],
    [{ idle_timeout: -1 }, 'idle_timeout must be 0 to'],
    [{ idle_timeout: '1' }, 'idle_timeout must be a number of seconds or null, not "1"'],
  ])('%j', (options, message) => {
    for (const name of STREAMS) expect(() => make(name, ['127.0.0.1', 0], options as never)).toThrow(message);
  });

  test('of datagrams', async () => {
    for (const name of DATAGRAMS) {
      for (const options of [
        { max_connections_per_address: 1 },
        { idle_timeout: 1 },
        { max_rate: 1, refusal: 'x' },
      ])
        expect(() => make(name, ['127.0.0.1', 0], options)).toThrow('is for servers of connections');
    }
    const server = make('AsyncTCPServer', ['127.0.0.1', 0], { idle_timeout: null });
    await server.server_close();
  });
});
