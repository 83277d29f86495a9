// TLS in servers on the event loop, with clients of node:tls: what handlers get, order, ends, limits, resumption, and what goes wrong in
// handshakes. With openssl, curl, Python and HAProxy: test/platform/tls.test.ts.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import * as promises from 'bsd-sockets/promises';
import {
  AsyncStreamRequestHandler,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixStreamServer,
  ForkingTCPServer,
  type ServerOptions,
  type ServerView,
  TCPServer,
  ThreadingTCPServer,
} from 'bsd-sockets/socketserver';
import * as structs from 'bsd-sockets/structs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Certificates, make_certificates } from '../../certificates.js';

const LOCAL: [string, number] = ['127.0.0.1', 0];
const { SHUT_WR, SHUT_RD } = promises;

let made: Certificates;
beforeAll(() => {
  made = make_certificates();
});
afterAll(() => made.remove());

const own = () => ({ key: made.server.key, cert: made.server.cert });

type Handle = (request: promises.SSLSocket) => unknown;

/** A server that is being served, and the errors of its handlers. */
interface Served {
  readonly port: number;
  readonly errors: unknown[];
  readonly server: { shutdown(options?: { drain?: number }): Promise<void>; server_close(): Promise<void> };
}

const port_of = (address: unknown) => (address as [string, number])[1];

async function serving(
  handle: Handle,
  options: Omit<ServerOptions, 'ssl'> & { ssl?: promises.SSLOptions },
  use: (served: Served) => Promise<void>,
): Promise<void> {
  const ssl: promises.SSLOptions = { ...own(), ...options.ssl };
  const server = new AsyncTCPServer(LOCAL, handle, { ...options, ssl });
  const errors: unknown[] = [];
  server.handle_error = (_request, _address, error) => void errors.push(error);
  const served = server.serve_forever();
  try {
    await use({ port: port_of(server.server_address), errors, server });
  } finally {
    await server.server_close();
    await served;
  }
}

async function connect(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const client = tls.connect({
    port,
    host: '127.0.0.1',
    ca: made.ca.cert,
    servername: 'localhost',
    ...options,
  });
  await once(client, 'secureConnect');
  return client;
}

/** The options of a client that may send after it has received the end. The types of Node lack allowHalfOpen. */
function half_open(port: number): tls.ConnectionOptions {
  const options = { port, host: '127.0.0.1', ca: made.ca.cert, servername: 'localhost', allowHalfOpen: true };
  return options;
}

async function text_of(client: tls.TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of client) text += chunk;
  return text;
}

/** Connects without TLS, sends the bytes, and returns when the server has closed. */
async function knock(port: number, bytes: string | Buffer = ''): Promise<net.Socket> {
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.resume();
  await once(client, 'connect');
  client.write(bytes);
  return client;
}

test('a handler has the files, and what Python tells of an SSLSocket', async () => {
  const told: unknown[] = [];
  class Upper extends AsyncStreamRequestHandler<number, ServerView, promises.SSLSocket> {
    override async handle() {
      const { request } = this;
      told.push(
        request.version(),
        request.cipher().length,
        request.selected_alpn_protocol(),
        request.server_hostname,
        request.session_reused,
        request.getpeercert(),
        request.server_side,
        request instanceof promises.socket,
        request.getsockopt(promises.SOL_SOCKET, promises.SO_TYPE),
        String(request).startsWith('<SSLSocket fd='),
      );
      for await (const line of this.rfile) await this.wfile.write(Buffer.from(String(line).toUpperCase()));
    }
  }
  const server = new AsyncTCPServer(LOCAL, Upper, { ssl: { ...own(), ALPNProtocols: ['one', 'two'] } });
  const served = server.serve_forever();
  const client = await connect(server.server_address[1], { ALPNProtocols: ['two'] });
  client.end('hello\nworld\n');
  expect(await text_of(client)).toBe('HELLO\nWORLD\n');
  expect(told).toEqual([
    'TLSv1.3',
    3,
    'two',
    'localhost',
    false,
    null,
    true,
    true,
    promises.SOCK_STREAM,
    true,
  ]);
  await server.server_close();
  await served;
});

test('over AF_UNIX, and with a server that was given its socket', async () => {
  const listener = new promises.socket(promises.AF_UNIX, promises.SOCK_STREAM);
  const path = `${made.folder}/socket`;
  await listener.bind(path);
  listener.listen();
  const server = new AsyncUnixStreamServer(listener, async (request) => request.sendall('hello'), {
    ssl: own(),
  });
  const served = server.serve_forever();
  const client = tls.connect({ path, ca: made.ca.cert, servername: 'localhost' });
  expect(await text_of(client)).toBe('hello');
  await server.server_close();
  await served;
});

describe('the calls of an SSLSocket', () => {
  /** Runs `handle` with a client that has sent `bytes`, and returns what it returned, and what the client has received. */
  async function handled<T>(
    bytes: string | Buffer,
    handle: (request: promises.SSLSocket) => Promise<T>,
    how: 'end' | 'stay' = 'end',
  ): Promise<[T, string]> {
    const result = resolvers();
    let text = '';
    await serving(
      async (request) => {
        try {
          result.resolve(await handle(request));
        } catch (error) {
          result.reject(error);
        }
      },
      {},
      async ({ port }) => {
        const client = await connect(port);
        if (how === 'end') client.end(bytes);
        else client.write(bytes);
        text = await text_of(client);
      },
    );
    return [(await result.promise) as T, text];
  }

  function resolvers() {
    let resolve: (value: unknown) => void = () => {};
    let reject: (error: unknown) => void = () => {};
    const promise = new Promise<unknown>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    promise.catch(() => {});
    return { promise, resolve, reject };
  }

  test('recv, recv_into, recv_exactly, pending and iteration', async () => {
    const [got] = await handled('0123456789abcdef', async (request) => {
      const first = String(await request.recv(2));
      const memory = Buffer.alloc(8, '.');
      const count = await request.recv_into(memory, 3);
      const exact = String(await request.recv_exactly(4));
      const left = request.pending();
      let rest = '';
      for await (const chunk of request) rest += chunk;
      return [first, count, String(memory), exact, left, rest, (await request.recv(5)).length];
    });
    expect(got).toEqual(['01', 3, '234.....', '5678', 7, '9abcdef', 0]);
  });

  test('send, sendall, sendmsg, sendfile and makefile keep their order', async () => {
    const { open, writeFile } = await import('node:fs/promises');
    const path = `${made.folder}/file`;
    await writeFile(path, 'file'.repeat(100_000));
    const [sent, text] = await handled('', async (request) => {
      const file = await open(path);
      const text = request.makefile('w');
      const all = Promise.all([
        request.send('1'),
        request.sendall('2'),
        request.sendmsg(['3', Buffer.from('4')]),
        request.sendfile(file, 4),
        request.sendall('5'),
      ]);
      const sums = await all;
      await text.write('6');
      await text.flush();
      await file.close();
      return sums;
    });
    expect(sent).toEqual([1, undefined, 2, 399_996, undefined]);
    expect(text).toBe(`1234${'file'.repeat(99_999)}56`);
  });

  test('time-outs and signals end a call; what came is kept', async () => {
    const [got] = await handled(
      'abc',
      async (request) => {
        const partial = await request.recv_exactly(5, { timeout: 0.05 }).catch((error) => error);
        const signal = AbortSignal.abort(new Error('enough'));
        const aborted = await request.recv(1, { signal }).catch((error) => error.message);
        const later = new AbortController();
        const waiting = request.recv(1, { signal: later.signal }).catch((error) => error);
        later.abort('mind changed');
        const never = await request.recv(1, { timeout: 0 }).catch((error) => error.name);
        request.settimeout(0.05);
        const own_timeout = await request.recv(1).catch((error) => error.code);
        return [partial.name, String(partial.partial), aborted, await waiting, never, own_timeout];
      },
      'stay',
    );
    expect(got).toEqual(['TimeoutError', 'abc', 'enough', 'mind changed', 'BlockingIOError', 'ETIMEDOUT']);
  });

  test('SHUT_WR ends one direction, SHUT_RD the other', async () => {
    await serving(
      async (request) => {
        await request.sendall('before');
        await request.shutdown(SHUT_WR);
        expect(await request.sendall('x').catch((error) => error.name)).toBe('BrokenPipeError');
        expect(String(await request.recv_exactly(5))).toBe('after');
        await request.shutdown(SHUT_RD);
        expect((await request.recv(10)).length).toBe(0);
      },
      {},
      async ({ port, errors }) => {
        const client = tls.connect(half_open(port));
        let text = '';
        client.on('data', (chunk) => {
          text += chunk;
        });
        await once(client, 'end');
        expect(text).toBe('before');
        client.end('after');
        await once(client, 'close');
        expect(errors).toEqual([]);
      },
    );
  });

  test('calls that wait reject when the connection is closed; later ones, too', async () => {
    const [got] = await handled(
      '',
      async (request) => {
        const waiting = request.recv(1).catch((error) => error.code);
        request.close();
        const late = [
          request.recv(1),
          request.sendall('x'),
          request.shutdown(SHUT_WR),
          request.recv_exactly(2),
        ];
        const codes = await Promise.all(
          late.map((call) => call.catch((error: { code: string }) => error.code)),
        );
        return [await waiting, ...codes, request.fileno()];
      },
      'stay',
    ).catch((error) => [error]);
    expect(got).toEqual(['ECANCELED', 'EBADF', 'EBADF', 'EBADF', 'EBADF', -1]);
  });

  test('what cannot work over TLS says so', async () => {
    const [messages] = await handled('', async (request) => {
      const untyped = request as unknown as { [call: string]: (...args: unknown[]) => unknown };
      const calls: [string, ...unknown[]][] = [
        ['recvmsg', 10, 100],
        ['recvfrom', 10],
        ['recvmmsg', 1, 10],
        ['sendto', 'x', ['127.0.0.1', 1]],
        ['sendmmsg', []],
        ['to_node'],
        ['to_stream'],
        ['to_socket'],
        ['share'],
        ['dup'],
        ['detach'],
        ['sendmsg', ['x'], [[1, 2, Buffer.alloc(4)]]],
        ['recv', 10, promises.MSG_PEEK],
        ['recv_into', Buffer.alloc(4), 0, promises.MSG_PEEK],
        ['send', 'x', promises.MSG_OOB],
        ['sendall', 'x', promises.MSG_MORE],
        ['recv', -1],
        ['sendall', 5],
        ['shutdown', 7],
      ];
      const messages: string[] = [];
      for (const [call, ...args] of calls) {
        try {
          await untyped[call]?.(...args);
          messages.push(`${call} worked`);
        } catch (error) {
          messages.push(`${call}: ${(error as Error).name}: ${(error as Error).message}`);
        }
      }
      return messages;
    });
    for (const message of messages.slice(0, 12))
      expect(message).toMatch(/^(\w+): UnsupportedOperation: \1.* not allowed on instances of SSLSocket: /);
    for (const message of messages.slice(12, 16))
      expect(message).toMatch(/^(\w+): RangeError: non-zero flags not allowed in calls to \1\(\)/);
    expect(messages.slice(16)).toEqual([
      expect.stringMatching(/^recv: RangeError: bufsize/),
      expect.stringMatching(/^sendall: TypeError: data must be a string or bytes/),
      expect.stringMatching(/^shutdown: RangeError: how must be between 0 and 2/),
    ]);
  });
});

describe('much data', { timeout: 120_000 }, () => {
  const SIZE = 50 * 2 ** 20;
  /** Bytes of which each tells its place. */
  const part = (at: number, length: number) => {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i += 4) bytes.writeUInt32LE(at + i, i);
    return bytes;
  };
  const PART = 2 ** 18;
  const is_part = (bytes: Buffer, at: number) => bytes.equals(part(at, bytes.length));

  test('50 MB each way at once, with readers that pause; memory stays bounded', async () => {
    let uploaded = 0;
    let wrong = 0;
    await serving(
      async (request) => {
        const sending = (async () => {
          for (let at = 0; at < SIZE; at += PART) await request.sendall(part(at, PART));
          await request.shutdown(SHUT_WR);
        })();
        while (uploaded < SIZE) {
          const bytes = await request.recv_exactly(PART);
          if (!is_part(bytes, uploaded)) wrong++;
          uploaded += bytes.length;
          if (uploaded % (PART * 32) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        }
        if ((await request.recv(1)).length !== 0) wrong++;
        await sending;
      },
      {},
      async ({ port, errors }) => {
        const client = tls.connect(half_open(port));
        const writing = (async () => {
          for (let at = 0; at < SIZE; at += PART)
            if (!client.write(part(at, PART))) await once(client, 'drain');
          client.end();
        })();
        let downloaded = 0;
        let pending = Buffer.alloc(0);
        for await (const chunk of client) {
          pending = Buffer.concat([pending, chunk]);
          const whole = pending.length & ~3;
          if (!is_part(pending.subarray(0, whole), downloaded)) wrong++;
          downloaded += whole;
          pending = pending.subarray(whole);
          if ((downloaded & (2 ** 22 - 1)) < 2 ** 14) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await writing;
        expect({ uploaded, downloaded, wrong, errors }).toEqual({
          uploaded: SIZE,
          downloaded: SIZE,
          wrong: 0,
          errors: [],
        });
      },
    );
  });

  test('a client that does not read stops the sender, and a handler that does not read stops the client', async () => {
    let sent = 0;
    const stopped = new AbortController();
    await serving(
      async (request) => {
        request.settimeout(0.5);
        const bytes = Buffer.alloc(PART);
        try {
          for (;;) {
            await request.sendall(bytes);
            sent += PART;
          }
        } catch (error) {
          stopped.abort(error);
        }
      },
      { ssl_shutdown_timeout: 0.2 },
      async ({ port, errors }) => {
        const client = await connect(port);
        client.pause();
        client.on('error', () => {});
        let written = 0;
        let waits = false;
        while (!waits && written < 200 * 2 ** 20) {
          written += PART;
          if (!client.write(Buffer.alloc(PART)))
            waits = await Promise.race([
              once(client, 'drain').then(() => false),
              new Promise<boolean>((resolve) => setTimeout(resolve, 300, true)),
            ]);
        }
        if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
        expect(stopped.signal.reason.name).toBe('TimeoutError');
        expect(written).toBeLessThan(100 * 2 ** 20);
        expect(sent).toBeLessThan(100 * 2 ** 20);
        client.destroy();
        expect(errors).toEqual([]);
      },
    );
  });
});

describe('the end of a connection', () => {
  test.for([false, true])(
    'without a close_notify it is told, suppressed: %s',
    async (suppress_ragged_eofs) => {
      const ends: unknown[] = [];
      await serving(
        async (request) => {
          try {
            let text = '';
            for await (const chunk of request) text += chunk;
            ends.push(text);
          } catch (error) {
            ends.push(error);
          }
        },
        { ssl: { suppress_ragged_eofs } },
        async ({ port }) => {
          const raw = net.connect(port, '127.0.0.1');
          const client = await connect(port, { socket: raw });
          // Behind the data, and not before them: Node 24 writes them in a later turn.
          await new Promise<void>((resolve) => client.write('some', () => resolve()));
          raw.end();
          await vi.waitFor(() => expect(ends).toHaveLength(1), 10_000);
          client.destroy();
        },
      );
      if (suppress_ragged_eofs) expect(ends).toEqual(['some']);
      else {
        expect(ends[0]).toBeInstanceOf(promises.SSLEOFError);
        expect(ends[0]).toBeInstanceOf(promises.OSError);
        expect(ends).toMatchObject([
          { code: 'EOF', message: expect.stringContaining('without a close_notify') },
        ]);
      }
    },
  );

  // Each is as much as node:tls decrypts ahead: the others wait in the raw stream, which has read up to the end.
  const PARTS = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(17_000, letter));
  test.for([
    { end: 'FIN', notify: false, suppress: true, error: null },
    { end: 'FIN', notify: false, suppress: false, error: 'EOF' },
    { end: 'FIN', notify: true, suppress: false, error: null },
    { end: 'RST', notify: false, suppress: true, error: 'ECONNRESET' },
    { end: 'RST', notify: true, suppress: true, error: null },
  ])('what arrived before it is received: $end, close_notify $notify, suppressed $suppress', async (row) => {
    const ends: unknown[] = [];
    let arrived = () => {};
    const all_there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const handle: Handle = async (request) => {
      await all_there;
      const parts: Buffer[] = [];
      let code: unknown = null;
      try {
        for await (const chunk of request) parts.push(chunk);
      } catch (error) {
        code = (error as { code?: string }).code;
      }
      ends.push([Buffer.concat(parts).equals(Buffer.concat(PARTS)), code]);
    };
    await serving(handle, { ssl: { suppress_ragged_eofs: row.suppress } }, async ({ port }) => {
      const sock = await promises.create_connection(['127.0.0.1', port]);
      const other = sock.dup();
      const raw = sock.to_stream();
      const client = await connect(port, { socket: raw });
      for (const part of PARTS) {
        await new Promise<void>((resolve) => client.write(part, () => resolve()));
        // The server, in this process, receives it meanwhile.
        await sleep(30);
      }
      if (row.notify) await new Promise<void>((resolve) => client.end(resolve));
      const all_sent = vi.waitFor(() => {
        const bytes = other.getsockopt(promises.SOL_TCP, promises.TCP_INFO, structs.tcp_info.size);
        const { unacked, notsent_bytes } = structs.tcp_info.decode(bytes);
        expect([unacked, notsent_bytes]).toEqual([0, 0]);
      }, 10_000);
      await all_sent.finally(() => {
        if (row.end === 'RST') raw.resetAndDestroy();
        else raw.destroy();
        other.close();
        arrived();
      });
      await vi.waitFor(() => expect(ends).toHaveLength(1), 10_000);
      client.destroy();
    });
    expect(ends).toEqual([[true, row.error]]);
  });

  test('a close_notify alone is the end, while TCP stays open, also if it came with the last data', async () => {
    let received = 0;
    await serving(
      async (request) => {
        await request.sendall('x');
        const memory = Buffer.alloc(100_000);
        for (let count = -1; count !== 0; ) {
          count = await request.recv_into(memory, { timeout: 10 });
          received += count;
          // What comes meanwhile waits; in the end the close_notify does, too.
          await sleep(5);
        }
        await request.sendall('y');
      },
      {},
      async ({ port, errors }) => {
        const raw = net.connect(port, '127.0.0.1');
        // What Python's unwrap() does: the end of TLS is sent, and that of TCP is not.
        const below = new Duplex({
          read() {},
          write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, () => done()),
          final: (done) => done(),
        });
        raw.on('data', (chunk) => below.push(chunk));
        const client = tls.connect({ socket: below, ca: made.ca.cert, servername: 'localhost' });
        await once(client, 'data');
        client.end(Buffer.alloc(700_000));
        const [answer] = await once(client, 'data');
        expect(String(answer)).toBe('y');
        expect(received).toBe(700_000);
        expect(errors).toEqual([]);
        raw.destroy();
      },
    );
  });

  test('with a close_notify it is none, also if data and end came before a handler that reads late', async () => {
    const ends: unknown[] = [];
    await serving(
      async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        try {
          let text = '';
          for await (const line of request.makefile('r')) text += line;
          ends.push(text);
        } catch (error) {
          ends.push(error);
        }
      },
      {},
      async ({ port }) => {
        const client = await connect(port);
        client.end('all of it\n');
        client.resume();
        await once(client, 'close');
        await vi.waitFor(() => expect(ends).toHaveLength(1), 10_000);
      },
    );
    expect(ends).toEqual(['all of it\n']);
  });

  test('a reset is a ConnectionResetError, and costs no time of the processor afterwards', async () => {
    const ends: unknown[] = [];
    await serving(
      async (request) => {
        await request.sendall('x');
        ends.push(await request.recv(10).catch((error) => error));
      },
      {},
      async ({ port }) => {
        const raw = net.connect(port, '127.0.0.1');
        const client = await connect(port, { socket: raw });
        client.on('error', () => {});
        await once(client, 'data');
        raw.resetAndDestroy();
        await vi.waitFor(() => expect(ends).toHaveLength(1), 10_000);
        expect(ends[0]).toBeInstanceOf(promises.ConnectionResetError);
      },
    );
  });

  test('a handler that stays after its client has gone does not spin', async () => {
    const gone = new AbortController();
    let leave = () => {};
    const staying = new Promise<void>((resolve) => {
      leave = resolve;
    });
    await serving(
      async (request) => {
        await request.recv(10);
        gone.abort();
        await staying;
      },
      {},
      async ({ port }) => {
        (await connect(port)).end();
        if (!gone.signal.aborted) await once(gone.signal, 'abort');
        const before = process.cpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 500));
        const { user, system } = process.cpuUsage(before);
        // Of 500 ms; a loop would take all of them.
        expect(user + system).toBeLessThan(250_000);
        leave();
      },
    );
  });

  test('broken records are an SSLError of the handler', async () => {
    const ends: unknown[] = [];
    await serving(
      async (request) => {
        await request.sendall('x');
        ends.push(await request.recv(10).catch((error) => error));
      },
      {},
      async ({ port }) => {
        const raw = net.connect(port, '127.0.0.1');
        const client = await connect(port, { socket: raw });
        client.on('error', () => {});
        await once(client, 'data');
        raw.write(
          Buffer.from('1703030020000000000000000000000000000000000000000000000000000000000000000000', 'hex'),
        );
        await vi.waitFor(() => expect(ends).toHaveLength(1), 10_000);
        expect(ends[0]).toBeInstanceOf(promises.SSLError);
        expect(ends).toMatchObject([{ code: expect.stringMatching(/^ERR_SSL_/) }]);
        client.destroy();
      },
    );
  });
});

describe('sessions', () => {
  test.for([
    ['TLSv1.2', 'tickets', 0],
    ['TLSv1.3', 'tickets', 0],
    // As curl does: the server has to keep the session.
    ['TLSv1.2', 'ids', constants.SSL_OP_NO_TICKET],
    ['TLSv1.3', 'tickets, whatever the client says of those of TLS 1.2', constants.SSL_OP_NO_TICKET],
  ] as const)('are resumed, %s by %s', async ([version, , secureOptions]) => {
    const reused: boolean[] = [];
    await serving(
      async (request) => {
        reused.push(request.session_reused);
        await request.sendall('x');
        await request.recv(1);
      },
      { ssl: { maxVersion: version, minVersion: version } },
      async ({ port }) => {
        let session: Buffer | undefined;
        for (let i = 0; i < 3; i++) {
          const client = tls.connect({
            port,
            host: '127.0.0.1',
            ca: made.ca.cert,
            servername: 'localhost',
            session,
            secureOptions,
          });
          client.on('session', (given) => {
            session = given;
          });
          await once(client, 'data');
          expect(client.isSessionReused()).toBe(i > 0);
          client.end();
          await once(client, 'close');
        }
      },
    );
    expect(reused).toEqual([false, true, true]);
  });

  test('ticketKeys resume sessions of another server', async () => {
    const ticketKeys = Buffer.alloc(48, 7);
    let session: Buffer | undefined;
    for (const expected of [false, true]) {
      await serving(
        async (request) => request.sendall(String(request.session_reused)),
        { ssl: { ticketKeys, sessionIdContext: 'x' } },
        async ({ port }) => {
          const client = tls.connect({
            port,
            host: '127.0.0.1',
            ca: made.ca.cert,
            servername: 'localhost',
            session,
          });
          client.on('session', (given) => {
            session = given;
          });
          expect(await text_of(client)).toBe(String(expected));
        },
      );
    }
  });
});

describe('certificates', () => {
  test('SNI: a function chooses, sync or async, options or a context', async () => {
    const asked: string[] = [];
    const sni_callback: promises.SNICallback = (name) => {
      asked.push(name);
      if (name === 'other.test') return Promise.resolve({ key: made.other.key, cert: made.other.cert });
      if (name === 'context.test')
        return tls.createSecureContext({ key: made.other.key, cert: made.other.cert });
      return null;
    };
    await serving(
      async (request) => request.sendall(request.server_hostname ?? 'none'),
      { ssl: { sni_callback } },
      async ({ port }) => {
        const names: unknown[] = [];
        for (const servername of ['localhost', 'other.test', 'context.test', '']) {
          const client = await connect(port, { servername, checkServerIdentity: () => undefined });
          names.push([client.getPeerCertificate().subject.CN, await text_of(client)]);
        }
        expect(names).toEqual([
          ['localhost', 'localhost'],
          ['other.test', 'other.test'],
          ['other.test', 'context.test'],
          ['localhost', 'none'],
        ]);
        expect(asked).toEqual(['localhost', 'other.test', 'context.test']);
      },
    );
  });

  test('without another certificate, and its errors are told', async () => {
    const server = new AsyncTCPServer(LOCAL, async (request) => request.sendall('hello'), {
      ssl: {
        sni_callback: (name: string) => {
          if (name === 'localhost') return own();
          if (name === 'wrong.test') return 5 as never;
          throw new Error(`no certificate for ${name}`);
        },
      },
    });
    const errors: unknown[] = [];
    server.handle_error = (_request, _address, error) => void errors.push(error);
    const served = server.serve_forever();
    const port = server.server_address[1];
    expect(await text_of(await connect(port))).toBe('hello');
    for (const servername of ['wrong.test', 'unknown.test', ''])
      await expect(connect(port, { servername, checkServerIdentity: () => undefined })).rejects.toThrow();
    await server.server_close();
    await served;
    expect(errors.map(String)).toEqual([
      'TypeError: sni_callback must give options of tls.createSecureContext, a SecureContext or null, not 5',
      'Error: no certificate for unknown.test',
    ]);
  });

  test('of clients: asked for, refused, or left to the handler', async () => {
    const seen: unknown[] = [];
    const handle: Handle = async (request) => {
      const found = request.getpeercert();
      seen.push([found?.subject.CN ?? null, request.authorized, request.authorization_error]);
      expect(request.getpeercert(true)?.length ?? 0).toBe(found?.raw.length ?? 0);
      await request.sendall('hello');
    };
    const attempt = async (port: number, pair?: { key: Buffer; cert: Buffer }) => {
      try {
        return await text_of(await connect(port, { ...pair, key: pair?.key, cert: pair?.cert }));
      } catch {
        return '';
      }
    };
    const ask = { requestCert: true, ca: made.ca.cert };
    await serving(handle, { ssl: ask }, async ({ port, errors }) => {
      const { client, stranger, expired } = made;
      const answers = [];
      for (const pair of [client, stranger, expired, undefined]) answers.push(await attempt(port, pair));
      expect(answers).toEqual(['hello', '', '', '']);
      expect(errors).toEqual([]);
    });
    expect(seen.splice(0)).toEqual([['a client', true, null]]);
    await serving(handle, { ssl: { ...ask, rejectUnauthorized: false } }, async ({ port }) => {
      for (const pair of [made.client, made.stranger, made.expired, undefined]) await attempt(port, pair);
    });
    expect(seen).toEqual([
      ['a client', true, null],
      ['a stranger', false, expect.stringMatching(/^UNABLE_TO/)],
      ['expired', false, 'CERT_HAS_EXPIRED'],
      [null, false, expect.stringMatching(/^UNABLE_TO/)],
    ]);
  });
});

describe('handshakes that fail cost nobody else anything', () => {
  const hello = async (port: number) => expect(await text_of(await connect(port))).toBe('hello');
  const say_hello: Handle = (request) => request.sendall('hello');

  test('garbage, a part of a ClientHello, and ends within it', async () => {
    const printed = vi.spyOn(console, 'error');
    const stderr = vi.spyOn(process.stderr, 'write');
    await serving(say_hello, {}, async ({ port, errors }) => {
      for (const bytes of ['GET / HTTP/1.1\r\n\r\n', Buffer.alloc(5000, 0xff), Buffer.alloc(300)]) {
        const client = await knock(port, bytes);
        if (!client.closed) await once(client, 'close');
      }
      const part = Buffer.from('16030100c8010000c40303', 'hex');
      for (const bytes of ['', part]) (await knock(port, bytes)).end();
      for (const bytes of ['', part]) (await knock(port, bytes)).resetAndDestroy();
      await hello(port);
      const old = connect(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' });
      await expect(old).rejects.toThrow();
      await hello(port);
      expect(errors).toEqual([]);
    });
    expect(printed).not.toHaveBeenCalled();
    expect(stderr).not.toHaveBeenCalled();
  });

  test('300 that stall, with max_handlers 2: others are served, and server_close() ends them', async () => {
    const stalled: net.Socket[] = [];
    await serving(say_hello, { max_handlers: 2 }, async ({ port }) => {
      for (let i = 0; i < 300; i++)
        stalled.push(await knock(port, i % 2 === 0 ? '' : Buffer.from('16030100c8010000c40303', 'hex')));
      await Promise.all(Array.from({ length: 10 }, () => hello(port)));
      expect(stalled.every((client) => !client.closed)).toBe(true);
    });
    await Promise.all(stalled.map((client) => client.closed || once(client, 'close')));
  });

  test('ssl_handshake_timeout ends one that stalls', async () => {
    await serving(say_hello, { ssl_handshake_timeout: 0.1 }, async ({ port, errors }) => {
      const client = await knock(port, Buffer.from('1603', 'hex'));
      if (!client.closed) await once(client, 'close');
      await hello(port);
      expect(errors).toEqual([]);
    });
  });

  test('shutdown({ drain }) gives it its time, then ends it', async () => {
    await serving(say_hello, {}, async ({ port, server }) => {
      const stalled = await knock(port);
      const slow = net.connect(port, '127.0.0.1');
      await once(slow, 'connect');
      await hello(port);
      const ended = server.shutdown({ drain: 2 });
      // A handshake that is made while the server drains is served.
      const late = await connect(port, { socket: slow });
      expect(await text_of(late)).toBe('hello');
      await ended;
      if (!stalled.closed) await once(stalled, 'close');
    });
  });

  test('max_handlers holds for connections whose handshake is done', async () => {
    let now = 0;
    let most = 0;
    await serving(
      async (request) => {
        most = Math.max(most, ++now);
        await request.recv(1);
        now--;
      },
      { max_handlers: 3 },
      async ({ port }) => {
        const clients = await Promise.all(Array.from({ length: 12 }, () => connect(port)));
        for (const client of clients) {
          client.resume();
          client.end('x');
        }
        await Promise.all(clients.map((client) => client.closed || once(client, 'close')));
        expect([now, most]).toEqual([0, 3]);
      },
    );
  });
});

test('a PROXY header first, then TLS', async () => {
  const seen: unknown[] = [];
  class Seen extends AsyncStreamRequestHandler<number, ServerView, promises.SSLSocket> {
    override async handle() {
      seen.push(this.client_address, this.proxy_header?.version, this.request.version());
      await this.wfile.write(Buffer.from('hello'));
    }
  }
  const server = new AsyncTCPServer(LOCAL, Seen, {
    ssl: own(),
    proxy_protocol: { trusted: ['127.0.0.1'] },
  });
  const served = server.serve_forever();
  const port = server.server_address[1];
  const raw = net.connect(port, '127.0.0.1');
  raw.write('PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n');
  expect(await text_of(await connect(port, { socket: raw }))).toBe('hello');
  expect(seen).toEqual([['192.0.2.7', 50000], 1, 'TLSv1.3']);
  await expect(connect(port)).rejects.toThrow();
  await server.server_close();
  await served;
});

describe('SSLServerContext', () => {
  test('begins TLS within a connection (STARTTLS)', async () => {
    const context = new promises.SSLServerContext(own());
    const server = new AsyncTCPServer(LOCAL, async (request) => {
      await request.sendall('ready\n');
      const secure = await context.wrap_socket(request);
      await secure.sendall(`now ${secure.version()}`);
      await secure.shutdown(SHUT_WR);
      secure.close();
      expect(request.fileno()).toBe(-1);
    });
    const served = server.serve_forever();
    const raw = net.connect(server.server_address[1], '127.0.0.1');
    const [ready] = await once(raw, 'data');
    expect(String(ready)).toBe('ready\n');
    expect(await text_of(await connect(0, { socket: raw }))).toBe('now TLSv1.3');
    await server.server_close();
    await served;
  });

  test('refuses what cannot be wrapped, and tells how the handshake ended', async () => {
    const context = new promises.SSLServerContext(own());
    const wrap = (sock: unknown, options?: promises.WaitOptions) =>
      context
        .wrap_socket(sock as promises.SocketType, options)
        .catch((error) => `${error.name}: ${error.message}`);
    expect(await wrap(5)).toBe('TypeError: sock must be a socket of promises, not 5');
    const udp = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    expect(await wrap(udp)).toMatch(/^RangeError: sock must be of type SOCK_STREAM/);
    udp.close();
    const alone = new promises.socket();
    expect(await wrap(alone)).toMatch(/^OSError: \[ENOTCONN\]/);
    alone.close();
    expect(await wrap(alone)).toMatch(/EBADF/);
    const pair = () => promises.socketpair();
    const [a, b] = pair();
    expect(await wrap(a, { timeout: 0.05 })).toMatch(/^TimeoutError: wrap_socket/);
    expect((await b.recv(10)).length).toBe(0);
    const [c, d] = pair();
    expect(await wrap(c, { signal: AbortSignal.abort(new Error('no')) })).toBe('Error: no');
    const later = new AbortController();
    const waiting = wrap(c, { signal: later.signal });
    later.abort(new Error('changed'));
    expect(await waiting).toBe('Error: changed');
    const [e, f] = pair();
    const ended = wrap(e);
    f.close();
    expect(await ended).toBe('SSLEOFError: the peer ended the connection within the TLS handshake');
    const [g, h] = pair();
    await h.sendall('GET / HTTP/1.0\r\n\r\n');
    expect(await wrap(g)).toMatch(/^SSLError: (http request|wrong version number)/);
    for (const sock of [b, d, h]) sock.close();
  });
});

describe('wrong options', () => {
  const make = (options: object, Server: unknown = AsyncTCPServer) => {
    const Class = Server as new (address: unknown, handler: unknown, options: object) => unknown;
    return () => new Class(LOCAL, () => {}, options);
  };

  test.for([
    [{ ssl: {} }, TypeError, /^ssl must have a certificate: key and cert/],
    [{ ssl: 5 }, TypeError, /^ssl must be options of tls.createSecureContext, not 5/],
    [{ ssl: { keys: 1 } }, TypeError, /^unknown option "keys"; known: /],
    [{ ssl: { key: 'no key', cert: 'no certificate' } }, RangeError, /^ssl: /],
    [{ ssl: { sni_callback: 5 } }, TypeError, /^ssl.sni_callback must be a function/],
  ] as const)('%j', ([options, Class, message]) => {
    expect(make(options)).toThrow(Class as never);
    expect(make(options)).toThrow(message);
  });

  test('a key of another certificate, a bad cipher, a time-out of 0', () => {
    const { server, other } = made;
    expect(make({ ssl: { key: other.key, cert: server.cert } })).toThrow(/^ssl: .*key values mismatch/);
    expect(make({ ssl: { ...own(), ciphers: 'NONSENSE' } })).toThrow(/^ssl: /);
    expect(make({ ssl: { ...own(), ticketKeys: Buffer.alloc(3) } })).toThrow(/^ssl: /);
    expect(make({ ssl: own(), ssl_handshake_timeout: 0 })).toThrow(
      /^ssl_handshake_timeout must be more than 0/,
    );
    expect(make({ ssl: own(), ssl_shutdown_timeout: -1 })).toThrow(/^ssl_shutdown_timeout /);
  });

  test.for([
    ['TCPServer', TCPServer],
    ['ThreadingTCPServer', ThreadingTCPServer],
    ['ForkingTCPServer', ForkingTCPServer],
  ] as const)('%s says what to put in front', ([name, Server]) => {
    expect(make({ ssl: own() }, Server)).toThrow(TypeError);
    expect(make({ ssl: own() }, Server)).toThrow(
      new RegExp(`^ssl: ${name} .*AsyncTCPServer, or put HAProxy or stunnel in front`),
    );
  });

  test('a server of datagrams has no TLS', () => {
    expect(make({ ssl: own() }, AsyncUDPServer)).toThrow(
      /^ssl: AsyncUDPServer has no TLS: it is for streams/,
    );
  });
});
