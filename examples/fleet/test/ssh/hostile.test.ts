// Hosts that mean harm, or are broken, at each stage of SSH: their connections settle, in time and with a class, and nobody else waits for them.
// The servers are of ssh2: what they should not send they send by its inner parts.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { ServerChannel, Connection as ServerConnection } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetFailure } from '../../dist/failure.js';
import { Fleet, Inventory } from '../../dist/index.js';
import { type CommandOptions, run_command } from '../../dist/run/command.js';
import { Connector } from '../../dist/ssh/connect.js';
import { ssh2 } from '../../dist/ssh/ssh2.js';
import type { Host } from '../../dist/types.js';
import { Site } from '../sshd.js';
import { left_out } from '../whole.js';

let site: Site;
let host_key: Buffer;
let known_hosts: string;
beforeAll(() => {
  site = new Site();
  const path = site.make_key('host');
  host_key = readFileSync(path);
  known_hosts = site.write('known_hosts', `* ${site.public_key(path)}\n`);
});
afterAll(() => site.close());

const host = (port: number): Host => ({ ...site.host('hostile', port), known_hosts_files: [known_hosts] });

/** Starts a server that lets everybody in. @param on_ready does with a connection what is tested */
function serve(on_ready: (connection: ServerConnection, socket: Socket) => void): Promise<number> {
  return site.listen((socket) => {
    const server = new ssh2.Server({ hostKeys: [host_key] }, (connection) => {
      connection.on('error', () => {});
      connection.on('authentication', (context) => context.accept());
      connection.on('ready', () => on_ready(connection, socket));
    });
    server.injectSocket(socket);
  });
}

/** Starts a server on which each command does what is given. */
const serve_commands = (
  act: (channel: ServerChannel, connection: ServerConnection, socket: Socket) => void,
) =>
  serve((connection, socket) => {
    connection.on('session', (accept) => {
      accept().on('exec', (accept_command) => act(accept_command(), connection, socket));
    });
  });

/** Returns an inner part of ssh2. */
function part_of(object: object, path: string): object {
  const found = path.split('.').reduce((part, name) => Reflect.get(part, name), object);
  if (!found) throw new Error(`ssh2 has no ${path} any more`);
  return found;
}

/** Calls a method of an inner part of ssh2. */
function call(object: object, path: string, method: string, ...args: readonly unknown[]): unknown {
  const owner = part_of(object, path);
  return Reflect.get(owner, method).apply(owner, args);
}

/** Sends a message of SSH as it is. */
function send(connection: ServerConnection, message: Uint8Array): void {
  const start = Number(Reflect.get(part_of(connection, '_protocol._packetRW.write'), 'allocStart'));
  const packet = call(connection, '_protocol._packetRW.write', 'alloc', message.length);
  if (!(packet instanceof Uint8Array)) throw new Error('ssh2 makes no packet any more');
  packet.set(message, start);
  const whole = call(connection, '_protocol._packetRW.write', 'finalize', packet);
  call(connection, '_protocol._cipher', 'encrypt', whole);
}

/** Returns the number that the client has given a channel. */
function id_of(channel: ServerChannel): number {
  return Number(Reflect.get(part_of(channel, 'outgoing'), 'id'));
}

/** Returns a string of RFC 4251, section 5. */
function text(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Connects and runs a command. Returns how that failed, and what came. */
async function attempt(port: number, timeout: number, options: Partial<CommandOptions> = {}) {
  let output = '';
  try {
    const connection = await new Connector({ credentials: {} }).connect(host(port), timeout);
    try {
      const on_output = (_stream: string, data: Uint8Array) => {
        output += Buffer.from(data).toString('latin1');
      };
      await run_command(connection, 'command', { on_output, ...options });
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof FleetFailure) return { failure: error.failure, reason: error.message, output };
    throw error;
  }
  return { failure: undefined, reason: '', output };
}

/** What can become of a connection behind some bytes of the server. */
const SABOTAGE: Readonly<Record<string, (socket: Socket) => void>> = {
  'is reset': (socket) => socket.resetAndDestroy(),
  'is ended': (socket) => socket.end(),
  'falls silent': () => {},
  'brings garbage': (socket) => socket.write(randomBytes(1 << 16)),
  'brings garbage without end': (socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(randomBytes(1 << 16))) {}
    };
    socket.on('drain', more);
    more();
  },
};

describe('a connection that', () => {
  let server: number;
  /** bytes of the server until the connection is ready, and until a command has ended */
  let ready = 0;
  let all = 0;
  beforeAll(async () => {
    server = await serve_commands((channel) => {
      channel.write('output\n');
      channel.exit(0);
      channel.end();
    });
    const counted = await proxy(Number.POSITIVE_INFINITY, () => {});
    const connection = await new Connector({ credentials: {} }).connect(host(counted.port), 30);
    ready = counted.bytes();
    await run_command(connection, 'command', { on_output: () => {} });
    all = counted.bytes();
    connection.close();
  });

  /** Passes so many bytes of the server on, and sabotages what follows. */
  async function proxy(limit: number, sabotage: (socket: Socket) => void) {
    let passed = 0;
    const port = await site.listen((socket) => {
      const upstream = connect(server, '127.0.0.1');
      upstream.on('error', () => {});
      socket.on('data', (data) => void upstream.write(data));
      socket.on('close', () => upstream.destroy());
      upstream.on('data', (data) => {
        if (passed >= limit) return;
        const part = data.subarray(0, limit - passed);
        passed += part.length;
        socket.write(part);
        if (passed >= limit) sabotage(socket);
      });
      if (limit === 0) sabotage(socket);
    });
    return { port, bytes: () => passed };
  }

  it.each(Object.keys(SABOTAGE))('%s at any stage settles', async (how) => {
    const places = [
      ...Array.from({ length: 24 }, (_, index) => Math.floor((ready * index) / 24)),
      // Without the last messages, behind which all is well.
      ...Array.from({ length: 8 }, (_, index) => ready + Math.floor(((all - 100 - ready) * index) / 8)),
    ];
    const is_silent = how === 'falls silent';
    const found = await Promise.all(
      places.map(async (place) => {
        const { port } = await proxy(place, SABOTAGE[how] ?? (() => {}));
        const { failure, reason } = await attempt(port, is_silent ? 4 : 40, {
          inactivity_timeout: is_silent ? 3 : 40,
        });
        expect(reason).not.toMatch(/\p{Cc}|internal error/u);
        return failure;
      }),
    );
    const expected: Readonly<Record<string, readonly string[]>> = {
      'is reset': ['cut-off'],
      'is ended': ['cut-off'],
      'falls silent': ['timed-out'],
    };
    // What is garbage depends on where it begins: a signature of nobody, a message that is too long.
    for (const failure of found)
      expect(expected[how] ?? ['protocol', 'host-key', 'cut-off']).toContain(failure);
  });
});

describe('a host that', () => {
  it('sends banners of authentication without end is left in time', async () => {
    const port = await site.listen((socket) => {
      const server = new ssh2.Server({ hostKeys: [host_key] }, (connection) => {
        connection.on('error', () => {});
        connection.on('authentication', () => {
          const banner = Buffer.concat([Buffer.from([53]), text('Welcome!\r\n'.repeat(1000)), text('')]);
          const timer = setInterval(() => {
            if (socket.writableLength < 1 << 20) send(connection, banner);
          }, 1);
          socket.on('close', () => clearInterval(timer));
        });
      });
      server.injectSocket(socket);
    });
    expect(await attempt(port, 2)).toMatchObject({
      failure: 'timed-out',
      reason: expect.stringContaining('no SSH session within 2 s'),
    });
  });

  it('sends more than it may is left, before that fills the memory', async () => {
    const port = await serve_commands((channel, connection, socket) => {
      const timer = setInterval(() => {
        if (socket.writableLength < 1 << 20)
          call(connection, '_protocol', 'channelData', id_of(channel), Buffer.alloc(32_000));
      }, 1);
      socket.on('close', () => clearInterval(timer));
    });
    const never = new Promise<void>(() => {});
    expect(await attempt(port, 30, { on_output: () => never })).toMatchObject({
      failure: 'protocol',
      reason: 'the host sends more than it was allowed to',
    });
  });

  it('does not answer whether it runs a command, or refuses it, is left', async () => {
    const mute = await serve((connection) => {
      connection.on('session', (accept) => accept().on('exec', () => {}));
    });
    expect(await attempt(mute, 30, { inactivity_timeout: 1 })).toMatchObject({
      failure: 'timed-out',
      reason: 'no output for 1 s',
    });
    const refusing = await serve((connection) => {
      connection.on('session', (accept) => accept().on('exec', (_accept, reject) => reject()));
    });
    expect(await attempt(refusing, 30)).toMatchObject({
      failure: 'cut-off',
      reason: expect.stringMatching(/^the host opens no channel: /),
    });
  });

  it('ends the channel without saying how the command ended is cut off', async () => {
    const port = await serve_commands((channel) => {
      channel.write('output\n');
      channel.close();
    });
    expect(await attempt(port, 30)).toEqual({
      failure: 'cut-off',
      reason: 'the host ended the channel while the command ran',
      output: 'output\n',
    });
  });

  it('has escapes in what it says of its end cannot send them to the terminal', async () => {
    const escapes = '\x1b]0;owned\x07\x1b[2J\u202e\x9b1m';
    const signalled = await serve_commands((channel, connection) => {
      const id = Buffer.alloc(4);
      id.writeUInt32BE(id_of(channel));
      const end = [
        Buffer.from([98]),
        id,
        text('exit-signal'),
        Buffer.from([0]),
        text(escapes),
        Buffer.from([0]),
        text(escapes),
        text(''),
      ];
      send(connection, Buffer.concat(end));
      channel.close();
    });
    expect(await attempt(signalled, 30)).toMatchObject({
      failure: 'signal',
      reason: expect.not.stringMatching(/\p{Cc}|\p{Cf}/u),
    });
    const leaving = await serve_commands((_channel, connection) => {
      send(connection, Buffer.concat([Buffer.from([1, 0, 0, 0, 2]), text(escapes), text('')]));
    });
    const left = await attempt(leaving, 30);
    expect(left.failure).toBe('cut-off');
    expect(left.reason).toContain('the host ended the connection: ');
    expect(left.reason).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect(new FleetFailure('signal', '', { signal: escapes }).signal).not.toMatch(/\p{Cc}|\p{Cf}/u);
  });

  it('wants a connection to somewhere else gets none', async () => {
    const port = await serve_commands((channel, connection) => {
      connection.forwardOut('127.0.0.1', 1, '127.0.0.1', 2, (error) => {
        channel.write(error ? 'refused' : 'open');
        channel.exit(0);
        channel.end();
      });
    });
    expect(await attempt(port, 30)).toEqual({ failure: undefined, reason: '', output: 'refused' });
  });

  it('is slow or loud delays no other', async (context) => {
    if (left_out !== undefined) context.skip(left_out);
    const drip = await site.listen((socket) => {
      const version = [...'SSH-2.0-drip\r\n'];
      const timer = setInterval(() => {
        const next = version.shift();
        if (next !== undefined) socket.write(next);
      }, 1000);
      socket.on('close', () => clearInterval(timer));
    });
    const slow = await serve_commands((channel, _connection, socket) => {
      const timer = setInterval(() => channel.write('x'), 1000);
      socket.on('close', () => clearInterval(timer));
    });
    const loud = await serve_commands((channel, _connection, socket) => {
      const timer = setInterval(() => {
        if (socket.writableLength < 1 << 20) channel.write(Buffer.alloc(32_000, 'x\n'));
      }, 2);
      socket.on('close', () => clearInterval(timer));
    });
    const good = await serve_commands((channel) => {
      channel.exit(0);
      channel.end();
    });
    const of = (port: number) => {
      const { address, user, identity_files, known_hosts_files } = host(port);
      return { address, port, user, identity_files, known_hosts_files };
    };
    const hosts = { drip: of(drip), slow: of(slow), loud: of(loud), good1: of(good), good2: of(good) };
    const fleet = new Fleet({ inventory: new Inventory({ hosts }, 'test'), config_files: [] });
    const outcomes = await fleet.run('@*', 'command', {
      limits: { connect_timeout: 20, command_timeout: 20, inactivity_timeout: 15 },
    });
    const found = Object.fromEntries(
      outcomes.map(({ host, failure, reason, seconds }) => [host, { failure, reason, seconds }]),
    );
    expect(found).toMatchObject({
      drip: { failure: 'timed-out', reason: expect.stringContaining('no SSH session within 20 s') },
      slow: { failure: 'timed-out', reason: expect.stringContaining('the command took more than 20 s') },
      loud: { failure: 'timed-out', reason: expect.stringContaining('the command took more than 20 s') },
      good1: { failure: undefined },
      good2: { failure: undefined },
    });
    for (const name of ['good1', 'good2']) expect(found[name]?.seconds).toBeLessThan(20);
  });
});
