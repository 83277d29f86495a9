// Handing the sockets of servers over to a successor, within one process: what the two say to each other, and what goes wrong. Restarts of
// processes under load are in test/threads/handover.test.ts.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import {
  AsyncStreamRequestHandler,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixStreamServer,
  type HandoverOffer,
  offer_handover,
  type Predecessor,
  StreamRequestHandler,
  TCPServer,
  take_over,
} from 'bsd-sockets/socketserver';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

let folder: string;
let path: string;
/** What a test leaves open: closed behind it, last first. */
let left_open: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'handover-'));
  path = join(folder, 'control');
  left_open = [];
});
afterEach(async () => {
  for (const close of left_open.reverse()) await close();
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

/** Begins to serve: answers a line with the name. */
function serve(name: string, where: unknown = ['127.0.0.1', 0]): AsyncTCPServer<number> {
  const server = new AsyncTCPServer<number>(where as never, async (conn: promises.socket<number>) => {
    const line = await conn.recv(100);
    if (line.length > 0) await conn.sendall(`${name} ${line}`);
  });
  server.serve_forever().catch(() => {});
  left_open.push(() => server.server_close());
  return server;
}

async function offer(servers: Record<string, { fileno(): number }>, options = {}): Promise<HandoverOffer> {
  const made = await offer_handover(path, servers, options);
  left_open.push(() => made.close());
  return made;
}

async function predecessor_at(place = path): Promise<Predecessor> {
  const predecessor = await take_over(place);
  if (predecessor === null) throw new Error('nobody offers');
  left_open.push(() => {
    predecessor.close();
    for (const sock of predecessor.sockets.values()) sock.close();
  });
  return predecessor;
}

async function ask(server: { server_address: unknown }, question = 'hello'): Promise<string> {
  const conn = await promises.create_connection(server.server_address as [string, number]);
  try {
    await conn.sendall(question);
    return String(await conn.recv(100, { timeout: 15 }));
  } finally {
    conn.close();
  }
}

/** A process on the control path that does not keep to the protocol. */
async function stranger(): Promise<promises.socket<typeof socket.AF_UNIX, typeof socket.SOCK_SEQPACKET>> {
  const sock = new promises.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);
  sock.settimeout(15);
  left_open.push(() => sock.close());
  await sock.connect(path);
  return sock;
}

/** Listens on the control path in place of the library, and answers the first process. */
function false_predecessor(...answers: (string | Buffer)[]): void {
  const listener = new promises.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);
  left_open.push(() => listener.close());
  listener.bind(path);
  listener.listen();
  void (async () => {
    const [conn] = await listener.accept();
    await conn.recv(10_000);
    for (const answer of answers) await conn.send(answer);
    left_open.push(() => conn.close());
  })().catch(() => {});
}

/** Runs a program as another user. Returns what it prints. */
async function as_nobody(command: string, args: string[]): Promise<string> {
  const child = spawn(command, args, { uid: 65_534, gid: 65_534, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return output + errors;
}

describe('a handover', () => {
  test('nobody offers: a first start', async () => {
    expect(await take_over(path)).toBeNull();
    expect(existsSync(path)).toBe(false);
  });

  test('the successor serves the same listener, generation after generation', async () => {
    let server = serve('generation 0');
    const address = server.server_address;
    let current = await offer({ main: server });
    for (let i = 1; i <= 3; i++) {
      const predecessor = await predecessor_at();
      expect(predecessor.pid).toBe(process.pid);
      expect([...predecessor.sockets.keys()]).toEqual(['main']);
      const next = serve(`generation ${i}`, predecessor.sockets.get('main'));
      expect(next.server_address).toEqual(address);
      await predecessor.ready();
      expect(await current.successor).toEqual({ pid: process.pid });
      expect(current.signal.aborted).toBe(true);
      await server.shutdown({ drain: 15 });
      await server.server_close();
      await current.close();
      expect(await ask(next)).toBe(`generation ${i} hello`);
      server = next;
      current = await offer({ main: server });
    }
    await current.close();
    expect(await current.successor).toBeNull();
    expect(existsSync(path)).toBe(false);
    // Nobody else has the listener any more.
    await server.shutdown({ drain: 15 });
    await expect(ask(server)).rejects.toThrow('ECONNREFUSED');
  });

  test('a request under way is finished by the old process, a waiting one by the new process', async () => {
    let finish = () => {};
    const old = new AsyncTCPServer<number>(['127.0.0.1', 0], async (conn) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      await conn.sendall('old');
    });
    const served = old.serve_forever();
    left_open.push(() => old.server_close());
    const made = await offer({ main: old });
    const client = await promises.create_connection(old.server_address as [string, number]);
    left_open.push(() => client.close());
    await vi.waitFor(() => expect(finish.name).not.toBe('finish'));
    const predecessor = await predecessor_at();
    await predecessor.ready();
    await made.successor;
    const drained = old.shutdown({ drain: 15 });
    // Nobody serves now, and nobody is refused.
    const waiting = await promises.create_connection(old.server_address as [string, number]);
    left_open.push(() => waiting.close());
    await waiting.sendall('hello');
    finish();
    expect(String(await client.recv(10, { timeout: 15 }))).toBe('old');
    await drained;
    await served;
    serve('new', predecessor.sockets.get('main'));
    expect(String(await waiting.recv(100, { timeout: 15 }))).toBe('new hello');
  });

  test('AF_UNIX keeps its path; datagrams and plain sockets are handed over, too', async () => {
    const unix = new AsyncUnixStreamServer(join(folder, 'unix'), async (conn) => conn.sendall('old'));
    const udp = new AsyncUDPServer(['127.0.0.1', 0], async () => {});
    const plain = socket.create_server(['127.0.0.1', 0]);
    left_open.push(
      () => unix.server_close(),
      () => udp.server_close(),
      () => plain.close(),
    );
    const made = await offer({ unix, udp, plain });
    const { sockets, ...predecessor } = await predecessor_at();
    expect(predecessor.pid).toBe(process.pid);
    expect([...sockets].map(([name, { family, type }]) => [name, family, type])).toEqual([
      ['unix', socket.AF_UNIX, socket.SOCK_STREAM],
      ['udp', socket.AF_INET, socket.SOCK_DGRAM],
      ['plain', socket.AF_INET, socket.SOCK_STREAM],
    ]);
    expect(sockets.get('plain')?.getsockname()).toEqual(plain.getsockname());
    expect(sockets.get('udp')?.getsockname()).toEqual(udp.server_address);
    expect([...sockets.values()].map((sock) => sock.get_inheritable())).toEqual([false, false, false]);
    expect(made.signal.aborted).toBe(false);
    expect(existsSync(join(folder, 'unix'))).toBe(true);
  });

  test('a hundred sockets', async () => {
    const socks = Array.from({ length: 100 }, () => socket.create_server(['127.0.0.1', 0]));
    left_open.push(() => {
      for (const sock of socks) sock.close();
    });
    const before = open_descriptors();
    const made = await offer(Object.fromEntries(socks.map((sock, i) => [`number ${i}`, sock])));
    const predecessor = await predecessor_at();
    expect(predecessor.sockets.size).toBe(100);
    expect(predecessor.sockets.get('number 99')?.getsockname()).toEqual(socks[99]?.getsockname());
    predecessor.close();
    await made.close();
    await vi.waitFor(() => expect(open_descriptors()).toBe(before), 15_000);
  });
});

describe('a successor that fails', () => {
  test('the old process goes on, and the next successor may come', async () => {
    const server = serve('old');
    const made = await offer({ main: server });
    for (let i = 0; i < 3; i++) {
      const failing = await predecessor_at();
      failing.close();
      expect(failing.sockets.get('main')?.fileno()).toBe(-1);
      await vi.waitFor(async () => (await predecessor_at()).close(), 15_000);
      expect(await ask(server)).toBe('old hello');
    }
    expect(made.signal.aborted).toBe(false);
    // As if nobody had come: it drains, and refuses.
    await made.close();
    await server.shutdown({ drain: 15 });
    await expect(ask(server)).rejects.toThrow('ECONNREFUSED');
  });

  test('ready() behind close()', async () => {
    await offer({ main: serve('old') });
    const predecessor = await predecessor_at();
    predecessor.close();
    await expect(predecessor.ready()).rejects.toThrow('close() has given up');
  });

  test('two at once: the second is told who was first', async () => {
    await offer({ main: serve('old') });
    const first = await predecessor_at();
    const told = `process ${process.pid} takes over from process ${process.pid} already`;
    const other = await stranger();
    await other.send(JSON.stringify({ handover: 1, type: 'take', pid: 77 }).concat('\n'));
    expect(String(await other.recv(1000))).toContain(told);
    await first.ready();
  });

  test('the same process takes over once', async () => {
    await offer({ main: serve('old') });
    await predecessor_at();
    await expect(take_over(path)).rejects.toThrow('this process takes over from');
    await expect(offer_handover(path, { main: serve('new') })).rejects.toThrow(
      'await predecessor.ready() first',
    );
  });

  test('one that is not ready in time is told so', async () => {
    const made = await offer({ main: serve('old') }, { ready_timeout: 0.01 });
    const late = await predecessor_at();
    await vi.waitFor(async () => {
      const other = await stranger();
      await other.send('{"handover":1,"type":"take","pid":77}\n');
      expect(String(await other.recv(1000))).not.toContain('already');
    }, 15_000);
    await expect(late.ready()).rejects.toThrow(`process ${process.pid} was not ready within 0.01 s`);
    expect(made.signal.aborted).toBe(false);
  });

  test('an offer that is closed meanwhile', async () => {
    const made = await offer({ main: serve('old') });
    const predecessor = await predecessor_at();
    await made.close();
    expect(await made.successor).toBeNull();
    await expect(predecessor.ready()).rejects.toThrow('hands over no longer');
    expect(existsSync(path)).toBe(false);
  });

  test('a server that ends is handed over no longer', async () => {
    const server = serve('old');
    await offer({ main: server });
    await server.shutdown({ drain: 0 });
    await expect(take_over(path)).rejects.toThrow(
      `process ${process.pid} has ended its server "main" already`,
    );
  });
});

describe('the control path', () => {
  test('is for its owner only, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await offer({ main: serve('old') });
    } finally {
      process.umask(umask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('that a dead process left behind is replaced', async () => {
    const dead = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);
    dead.bind(path);
    dead.close();
    expect(await take_over(path)).toBeNull();
    await offer({ main: serve('old') });
    await predecessor_at();
    expect(readdirSync(folder)).toEqual(['control']);
  });

  test('of another offer is not taken away', async () => {
    await offer({ main: serve('old') });
    const error = await offer_handover(path, { main: serve('other') }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'EADDRINUSE', filename: path });
    expect(String(error)).toContain('another process offers its sockets here');
    await predecessor_at();
  });

  test('that is no socket stays', async () => {
    writeFileSync(path, 'mine');
    await expect(take_over(path)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(offer_handover(path, { main: serve('old') })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(statSync(path).size).toBe(4);
  });

  test('where another kind of server listens', async () => {
    const other = new AsyncUnixStreamServer(path, async () => {});
    left_open.push(() => other.server_close());
    await expect(take_over(path)).rejects.toThrow('offers no handover');
    await expect(offer_handover(path, { main: serve('old') })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(path)).toBe(true);
  });

  test('that was removed is made again by the next generation', async () => {
    const first = await offer({ main: serve('old') });
    const predecessor = await predecessor_at();
    const next = serve('new', predecessor.sockets.get('main'));
    await predecessor.ready();
    await first.close();
    rmSync(path);
    await offer({ main: next });
    await predecessor_at();
  });

  test('refuses other users, if they may connect at all', async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root to be another user');
    await offer({ main: serve('old') });
    chmodSync(folder, 0o755);
    const program = `import { take_over } from ${JSON.stringify(import.meta.resolve('bsd-sockets/socketserver'))};
      await take_over(${JSON.stringify(path)}, { timeout: 5 }).catch((error) => console.log(error.message));`;
    expect(await as_nobody(process.execPath, ['--input-type=module', '-e', program])).toContain('EACCES');
    chmodSync(path, 0o666);
    expect(await as_nobody(process.execPath, ['--input-type=module', '-e', program])).toContain(
      'user 0 listens at the path, and not user 65534',
    );
    // One that does not look itself is refused by the offer.
    const raw = `import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(${JSON.stringify(path)}); print(s.recv(1000).decode())`;
    expect(await as_nobody('python3', ['-c', raw])).toContain('hands over to user 0 only, not to user 65534');
    await predecessor_at();
  });
});

describe('what is no protocol', () => {
  test.each([
    ['garbage', 'hello\n', 'no message of a handover'],
    ['bytes', Buffer.from([0, 255, 10, 3]), 'no message of a handover'],
    ['no line', '{"handover":1,"type":"take","pid":1}', 'no message of a handover'],
    ['another type', '{"handover":1,"type":"give","pid":1}\n', 'no message of a handover'],
    ['a wrong pid', '{"handover":1,"type":"take","pid":-1}\n', 'no message of a handover'],
    ['null', 'null\n', 'no message of a handover'],
    [
      'another version',
      '{"handover":2,"type":"take","pid":1}\n',
      'by version 2 of the protocol, this one by version 1',
    ],
    ['an early ready', '{"handover":1,"type":"ready"}\n', 'must ask for the sockets first'],
  ])('to the old process: %s', async (_name, sent, told) => {
    await offer({ main: serve('old') });
    const silent = await stranger();
    const sock = await stranger();
    await sock.send(sent);
    expect(String(await sock.recv(1000))).toContain(told);
    expect((await sock.recv(1000)).length).toBe(0);
    const before = open_descriptors();
    const again = await stranger();
    await promises.send_fds(again, [sent], [sock, sock]);
    await again.recv(1000);
    await vi.waitFor(() => expect(open_descriptors()).toBeLessThanOrEqual(before + 1), 15_000);
    // Meanwhile a real successor comes.
    await (await predecessor_at()).ready();
    silent.close();
  });

  test.each([
    ['garbage', 'hello\n', 'no message of a handover'],
    [
      'another version',
      '{"handover":3,"type":"sockets","names":[]}\n',
      'by version 3 of the protocol, this one by version 1',
    ],
    [
      'a refusal of any version',
      '{"handover":3,"type":"refused","reason":"too old"}\n',
      'take_over: too old',
    ],
    ['an early acknowledgement', '{"handover":1,"type":"yours"}\n', 'must send its sockets first'],
    [
      'names without sockets',
      '{"handover":1,"type":"sockets","pid":1,"names":["main"],"place":"","more":false}\n',
      'no message of a handover',
    ],
  ])('to the new process: %s', async (_name, answer, told) => {
    false_predecessor(answer);
    await expect(take_over(path)).rejects.toThrow(told);
    // It may try again.
    await expect(take_over(path, { timeout: 0.05 })).rejects.toThrow();
  });

  test('an old process that does not answer', async () => {
    false_predecessor();
    await expect(take_over(path, { timeout: 0.05 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});

describe('idle connections', () => {
  async function pair(): Promise<{ made: HandoverOffer; predecessor: Predecessor }> {
    const made = await offer({ main: serve('old') });
    const predecessor = await predecessor_at();
    await predecessor.ready();
    await made.successor;
    return { made, predecessor };
  }

  test('go on in the new process, with their state', async () => {
    let made: HandoverOffer | undefined;
    class Counter extends AsyncStreamRequestHandler {
      override async handle() {
        let count = 0;
        try {
          for (;;) {
            const line = await this.request.recv(100, { signal: made?.signal });
            if (line.length === 0) return;
            await this.request.sendall(`${++count}`);
          }
        } catch (error) {
          if (made?.signal.aborted !== true) throw error;
          await made.pass(this.request, `${count}`);
        }
      }
    }
    const old = new AsyncTCPServer(['127.0.0.1', 0], Counter);
    const errors: unknown[] = [];
    old.handle_error = (_request, _address, error) => void errors.push(error);
    const served = old.serve_forever();
    left_open.push(() => old.server_close());
    made = await offer({ main: old });
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => promises.create_connection(old.server_address as [string, number])),
    );
    left_open.push(() => {
      for (const client of clients) client.close();
    });
    for (const [i, client] of clients.entries()) {
      for (let asked = 0; asked < i % 3; asked++) {
        await client.sendall('?');
        await client.recv(10, { timeout: 15 });
      }
    }
    const predecessor = await predecessor_at();
    await predecessor.ready();
    const drained = made.successor.then(async () => {
      await old.shutdown({ drain: 15 });
      await made?.close();
    });
    let passed = 0;
    for await (const [conn, data] of predecessor.connections) {
      passed++;
      left_open.push(() => conn.close());
      void (async () => {
        for await (const _ of conn) await conn.sendall(`new ${Number(data) + 1}`);
      })().catch(() => {});
    }
    await drained;
    await served;
    expect(passed).toBe(50);
    expect(errors).toEqual([]);
    for (const [i, client] of clients.entries()) {
      await client.sendall('?');
      expect(String(await client.recv(10, { timeout: 15 }))).toBe(`new ${(i % 3) + 1}`);
    }
  });

  test('the largest state', async () => {
    const { made, predecessor } = await pair();
    const [a, b] = promises.socketpair();
    left_open.push(() => b.close());
    const state = Buffer.alloc(65_536, 'state');
    await made.pass(a, state);
    expect(a.fileno()).toBe(-1);
    const { value } = await predecessor.connections.next();
    expect(value?.[1].equals(state)).toBe(true);
    await b.sendall('hello');
    expect(String(await value?.[0].recv(10))).toBe('hello');
    value?.[0].close();
  });

  test('misuse', async () => {
    const early = await offer({ main: serve('old') });
    const [a, b] = promises.socketpair();
    const [blocking, other] = socket.socketpair();
    left_open.push(
      () => a.close(),
      () => b.close(),
      () => blocking.close(),
      () => other.close(),
    );
    await expect(early.pass(a)).rejects.toThrow('no successor is ready');
    await early.close();
    const { made, predecessor } = await pair();
    await expect(made.pass(blocking as never)).rejects.toThrow('conn must be a socket of promises');
    await expect(made.pass(a, 5 as never)).rejects.toThrow('data must be a string or bytes');
    await expect(made.pass(a, Buffer.alloc(65_537))).rejects.toThrow(
      'data must have at most 65536 bytes, not 65537',
    );
    const datagrams = new promises.socket(socket.AF_INET, socket.SOCK_DGRAM);
    await expect(made.pass(datagrams)).rejects.toThrow('conn must be a connection of a stream');
    datagrams.close();
    await expect(made.pass(datagrams)).rejects.toThrow('conn is closed');
    predecessor.close();
    await vi.waitFor(() => expect(made.pass(a)).rejects.toMatchObject({ code: 'EPIPE' }), 15_000);
    expect(a.fileno()).toBeGreaterThanOrEqual(0);
  });

  test('that nobody wants are closed', async () => {
    const { made, predecessor } = await pair();
    const pairs = [promises.socketpair(), promises.socketpair()] as const;
    left_open.push(() => {
      for (const [, peer] of pairs) peer.close();
    });
    await made.pass(pairs[0][0]);
    for await (const [conn] of predecessor.connections) {
      conn.close();
      break;
    }
    await made.pass(pairs[1][0]);
    for (const [, peer] of pairs) expect((await peer.recv(10, { timeout: 15 })).length).toBe(0);
  });
});

describe('systemd', () => {
  test('learns the main process, not that the service ends; the watchdog is the successor’s', async () => {
    const name = `bsd-sockets-handover-${process.pid}`;
    const manager = new promises.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
    manager.settimeout(15);
    manager.bind(Buffer.from(`\0${name}`));
    left_open.push(() => manager.close());
    vi.stubEnv('NOTIFY_SOCKET', `@${name}`);
    const told = async () => String(await manager.recv(1000));
    const old = new AsyncTCPServer(['127.0.0.1', 0], async () => {}, { sd_notify: true });
    const served = old.serve_forever();
    left_open.push(() => old.server_close());
    expect(await told()).toBe('READY=1');
    const made = await offer({ main: old });
    // As a child of the old process has it.
    vi.stubEnv('WATCHDOG_PID', String(process.pid));
    const predecessor = await predecessor_at();
    await predecessor.ready();
    await made.successor;
    expect(await told()).toBe(`MAINPID=${process.pid}`);
    await old.shutdown({ drain: 5 });
    await served;
    await manager.sendto('end', Buffer.from(`\0${name}`));
    expect(await told()).toBe('end');
    expect(process.env.WATCHDOG_PID).toBe(String(process.pid));
  });
});

test('misuse', async () => {
  const server = new TCPServer(['127.0.0.1', 0], StreamRequestHandler);
  left_open.push(() => server.server_close());
  for (const call of [take_over, (where: never) => offer_handover(where, { server })]) {
    await expect(call(5 as never)).rejects.toThrow(TypeError);
    await expect(call('' as never)).rejects.toThrow('path must not be empty');
    await expect(call('a\0b' as never)).rejects.toThrow('zero byte');
    await expect(call('x'.repeat(120) as never)).rejects.toThrow('path must have at most 107 bytes');
  }
  await expect(take_over(path, { timeout: -1 })).rejects.toThrow(RangeError);
  await expect(take_over(path, { time: 1 } as never)).rejects.toThrow('unknown option "time"');
  await expect(take_over(join(folder, 'none', 'control'))).resolves.toBeNull();
  const wrong = (servers: unknown, options?: unknown) =>
    offer_handover(path, servers as never, options as never);
  await expect(wrong(server)).rejects.toThrow('servers must be an object of servers by their names');
  await expect(wrong([server])).rejects.toThrow('servers must be an object of servers by their names');
  await expect(wrong(null)).rejects.toThrow(TypeError);
  await expect(wrong({})).rejects.toThrow('servers must be 1 to 1000, not 0');
  await expect(wrong({ server: 5 })).rejects.toThrow('servers: server must be a server or a socket, not 5');
  await expect(wrong({ '': server })).rejects.toThrow('1 to 255 characters');
  await expect(wrong({ server }, { ready_timeout: 'long' })).rejects.toThrow(
    'ready_timeout must be a number of seconds',
  );
  await expect(wrong({ server }, 5)).rejects.toThrow('options must be an object');
  await expect(offer_handover(join(folder, 'none', 'control'), { server })).rejects.toMatchObject({
    code: 'ENOENT',
  });
  const closed = socket.create_server(['127.0.0.1', 0]);
  closed.close();
  await expect(wrong({ closed })).rejects.toThrow('servers: closed is closed');
  expect(readdirSync(folder)).toEqual([]);
});
