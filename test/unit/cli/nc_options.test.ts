// The options of bsd-sockets nc for data, sockets and several ports, beside OpenBSD's nc.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { AsyncTCPServer } from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
import { LineEnds, lines_of, Telnet } from '../../../lib/cli/netcat/filters.js';
import { parse_ports } from '../../../lib/cli/netcat/ports.js';
import { parse_tos } from '../../../lib/cli/netcat/tos.js';
import { program, Running, run } from './run.js';

const has_nc = spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr?.startsWith('OpenBSD');
const OURS = [process.execPath, program, 'nc'];
const THEIRS = ['nc'];
/** Both programs, or ours alone. */
const BOTH: [string, string[]][] = [
  ['ours', OURS],
  ...(has_nc ? [['theirs', THEIRS] as [string, string[]]] : []),
];

async function server_of() {
  const server = await promises.create_server(['127.0.0.1', 0]);
  return [server, String(server.getsockname()[1])] as const;
}

function start([file = '', ...args]: readonly string[], more: readonly string[]) {
  const child = spawn(file, [...args, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  return child;
}

describe('-C', () => {
  test.each(BOTH)('%s', async (_, nc) => {
    const [server, port] = await server_of();
    start(nc, ['-C', '-N', '127.0.0.1', port]).stdin.end('a\nb\r\nc\r');
    const [conn] = await server.accept();
    expect(String(await buffer(conn as unknown as AsyncIterable<Buffer>))).toBe('a\r\nb\r\nc\r');
    conn.close();
    server.close();
  });

  test('a CR LF in two chunks stays as it is', () => {
    const ends = new LineEnds();
    const chunks = ['a\r', '\nb\n', '\n', '', '\r', 'x\n'].map((each) =>
      ends.convert(Buffer.from(each)).toString(),
    );
    expect(chunks).toEqual(['a\r', '\nb\r\n', '\r\n', '', '\r', 'x\r\n']);
  });
});

test('lines of a chunk', () => {
  const lines = (each: string) => [...lines_of(Buffer.from(each))].map(String);
  expect(lines('a\nb\n')).toEqual(['a\n', 'b\n']);
  expect(lines('\n\nx')).toEqual(['\n', '\n', 'x']);
  expect(lines('')).toEqual([]);
});

test('-i: a pause between the lines, in both directions', async () => {
  const [server, port] = await server_of();
  const client = new Running(['nc', '-N', '-i', '0.3', '127.0.0.1', port], { input: 'a\nb\nc\n' });
  const [conn] = await server.accept();
  const times: number[] = [];
  const chunks: string[] = [];
  for await (const chunk of conn) {
    chunks.push(String(chunk));
    times.push(performance.now());
  }
  // A pause is never shorter; on a busy machine two lines may arrive in one chunk.
  expect(chunks.join('')).toBe('a\nb\nc\n');
  await conn.sendall('1\n2\n3');
  const answered = performance.now();
  conn.close();
  expect(await client.ended()).toMatchObject({ code: 0, stdout: '1\n2\n3' });
  expect(performance.now() - answered).toBeGreaterThan(550);
  server.close();
});

describe('-t', () => {
  test.each(BOTH)('%s', async (_, nc) => {
    const [server, port] = await server_of();
    const child = start(nc, ['-t', '127.0.0.1', port]);
    const output = buffer(child.stdout);
    const [conn] = await server.accept();
    const data = Buffer.from([255, 251, 1, 255, 253, 3, 104, 105]);
    await conn.sendall(data);
    // DON'T echo, WON'T suppress go-ahead.
    expect([...(await conn.recv_exactly(6))]).toEqual([255, 254, 1, 255, 252, 3]);
    conn.close();
    child.stdin.end();
    expect(await output).toEqual(data);
    server.close();
  });

  test('requests in two chunks, escaped bytes, and what asks for no answer', () => {
    const telnet = new Telnet();
    const refusals = (...values: number[]) => [...telnet.refusals(Buffer.from(values))];
    expect(refusals(255)).toEqual([]);
    expect(refusals(253)).toEqual([]);
    expect(refusals(24, 255, 255, 253, 24)).toEqual([255, 252, 24]);
    expect(refusals(255, 254, 24, 255, 252, 24, 255, 241, 251)).toEqual([]);
  });
});

describe('-W', () => {
  test.each(BOTH)('%s: ends after so many packets', async (_, nc) => {
    const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    server.bind(['127.0.0.1', 0]);
    server.settimeout(30);
    const child = start(nc, ['-u', '-W', '2', '127.0.0.1', String(server.getsockname()[1])]);
    child.stdin.write('hello');
    const [, peer] = server.recvfrom(100);
    for (const each of ['one ', 'two ', 'three']) server.sendto(each, peer);
    expect(await text(child.stdout)).toBe('one two ');
    expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(0);
    server.close();
  });
});

describe('several ports', () => {
  test.each(BOTH)('%s: one connection after the other', async (_, nc) => {
    const servers = [await server_of(), await server_of()] as const;
    const ports = servers.map(([, port]) => port);
    const child = start(nc, ['-N', '127.0.0.1', ...ports]);
    const output = text(child.stdout);
    child.stdin.end('input');
    const received: string[] = [];
    for (const [server, port] of servers) {
      const [conn] = await server.accept();
      let data = '';
      for await (const chunk of conn) data += String(chunk);
      received.push(data);
      await conn.sendall(`${port} `);
      conn.close();
      server.close();
    }
    expect(received).toEqual(['input', '']);
    expect(await output).toBe(`${ports[0]} ${ports[1]} `);
  });

  test.for([
    '-z OPEN CLOSED OPEN',
    '-z CLOSED CLOSED',
    '-w 5 OPEN OPEN',
    'http-no-such',
    '-z 1-',
    '-z 1-x',
    '-z 0',
    '-z 70000',
    '-n -z http',
  ])('%s, beside nc', async (line, ctx) => {
    if (!has_nc) ctx.skip('needs netcat-openbsd');
    const server = socket.create_server(['127.0.0.1', 0]);
    const closed = socket.create_server(['127.0.0.1', 0]);
    const ports = { OPEN: server.getsockname()[1], CLOSED: closed.getsockname()[1] };
    closed.close();
    const words = line.replaceAll(/OPEN|CLOSED/g, (name) => String(ports[name as 'OPEN'])).split(' ');
    const at = words.findLastIndex((each, i) => each.startsWith('-') && words[i - 1] !== '-w') + 1;
    const args = ['-v', ...words.toSpliced(words.includes('-w') ? 2 : at, 0, '127.0.0.1')];
    // A service that accepts and is silent: each connection ends by -w or by the end of the server.
    if (line.startsWith('-w')) args.unshift('-d');
    const other = spawnSync(
      'nc',
      args.map((each) => (each === '5' ? '1' : each)),
      { encoding: 'utf8', input: '' },
    );
    const mine = await run(['nc', ...args.map((each) => (each === '5' ? '1' : each))]);
    // Wrong arguments have the exit code 2 in all commands, and their text is put in quotation marks.
    const plain = (stderr: string) =>
      stderr
        .replace(/^bsd-sockets nc --help.*\n/m, '')
        .replace(/^(bsd-sockets nc|nc): /gm, '')
        .replace(/"|;.*$/gm, '');
    expect(plain(mine.stderr)).toBe(plain(other.stderr));
    expect(mine.code === 2 ? 1 : mine.code).toBe(other.status);
    server.close();
  });

  test('names, ranges either way, in random order', async () => {
    const parse = (line: string, random = false) => parse_ports(line.split(' '), { protocol: 'tcp', random });
    expect(await parse('22-20 http 5')).toEqual([20, 21, 22, 80, 5]);
    expect(await parse('http-alt')).toEqual([8080]);
    const many = await parse('1-1000', true);
    expect(many).not.toEqual(await parse('1-1000'));
    expect(many.toSorted((a, b) => a - b)).toEqual(await parse('1-1000'));
    expect(await parse('1-65535')).toHaveLength(65_535);
    for (const wrong of ['', '-1', '1-70000', '0-5', '1.5', '1-2-3', 'no such', '0x50'])
      await expect(parse(wrong || ' ')).rejects.toThrow(/^port number /);
  });
});

describe('-T', () => {
  const WORDS = [
    'critical',
    'inetcontrol',
    'lowcost',
    'lowdelay',
    'netcontrol',
    'reliability',
    'throughput',
    'ef',
  ];
  const CLASSES = [1, 2, 3, 4].flatMap((each) => [1, 2, 3].map((drop) => `af${each}${drop}`));
  const SELECTORS = [0, 1, 2, 3, 4, 5, 6, 7].map((each) => `cs${each}`);

  /** Returns the type of service of a datagram that a program sends. */
  async function sent_by(nc: readonly string[], word: string): Promise<number> {
    const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    server.bind(['127.0.0.1', 0]);
    server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1);
    server.settimeout(30);
    const child = start(nc, ['-u', '-w', '1', '-T', word, '127.0.0.1', String(server.getsockname()[1])]);
    child.stdin.end('x');
    const [, ancdata] = server.recvmsg(10, 100);
    server.close();
    child.kill();
    return ancdata[0]?.[2][0] as number;
  }

  test.for([...WORDS, ...CLASSES, ...SELECTORS, '16', '0x1c', '255', '0'])(
    "%s, as OpenBSD's nc",
    async (word, ctx) => {
      if (!has_nc) ctx.skip('needs netcat-openbsd');
      expect(parse_tos(word, '-T')).toBe(await sent_by(THEIRS, word));
    },
  );

  test('ours sends it', async () => {
    expect(await sent_by(OURS, 'af41')).toBe(0x88);
  });

  test.each(['foo', '256', '-1', '0x100', 'af51', 'cs8', '', 'toString'])('%j is refused', (word) => {
    expect(() => parse_tos(word, 'option -T')).toThrow(
      /illegal tos value|takes a whole number from 0 to 255/,
    );
  });
});

test('-I -O -M -m -b -D: the options of the socket', async () => {
  const [server, port] = await server_of();
  const args = ['-I', '5000', '-O', '5000', '-M', '5', '-m', '1', '-b', '-D', '-N', '127.0.0.1', port];
  expect(await run(['nc', ...args.filter((each) => each !== '-N')].concat('-q', '0'))).toMatchObject({
    code: 0,
  });
  server.close();
  const trace = spawnSync('strace', ['-V']);
  if (trace.status !== 0 || !has_nc) return;
  const calls = (nc: readonly string[]) => {
    const { stderr } = spawnSync(
      'strace',
      ['-f', '-e', 'trace=setsockopt', ...nc, ...args.slice(0, -1), '1'],
      {
        encoding: 'utf8',
        input: '',
      },
    );
    const found = [
      ...stderr.matchAll(/SO_(?:RCVBUF|SNDBUF|BROADCAST|DEBUG), \[\d+\]|IP_(?:TTL|MINTTL), \[\d+\]/g),
    ];
    return found.map(([call]) => call).sort();
  };
  expect(calls(OURS)).toEqual(calls(THEIRS));
});

describe('-F', () => {
  test.each(BOTH)('%s: the program behind standard output gets the connection', async (_, nc) => {
    const [server, port] = await server_of();
    // A program with a UNIX socket for the standard output of nc.
    const receiver = `import array, fcntl, os, socket, subprocess, sys
a, b = socket.socketpair()
p = subprocess.Popen(sys.argv[1:], stdout=b, stdin=subprocess.DEVNULL)
b.close()
data, fds, _, _ = socket.recv_fds(a, 10, 2)
s = socket.socket(fileno=fds[0])
print(data, len(fds), fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK, p.wait())
s.sendall(b'hello')`;
    const child = spawn('python3', ['-c', receiver, ...nc, '-F', '127.0.0.1', port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = text(child.stdout);
    const [conn] = await server.accept();
    expect(String(await conn.recv_exactly(5))).toBe('hello');
    const [passed = ''] = /^b'\\x00' 1 \d+ 0\n$/.exec(await output) ?? [];
    expect(passed).not.toBe('');
    // OpenBSD's nc passes one that does not block.
    if (nc === OURS) expect(passed).toContain("' 1 0 0");
    conn.close();
    server.close();
  });

  test('standard output that is no UNIX socket', async () => {
    const shell = `${OURS.join(' ')} -F 127.0.0.1 1 | cat`;
    const { stderr, stdout } = spawnSync('sh', ['-c', shell], { encoding: 'utf8', input: '' });
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^bsd-sockets nc: -F sends the descriptor over standard output, which is not a UNIX socket\n/,
    );
  });
});

test('-S: signed segments need the same key on both sides', async (ctx) => {
  const sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  const known = (() => {
    try {
      sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MD5SIG, 4);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOPROTOOPT' && existsSync('/dev/tty');
    } finally {
      sock.close();
    }
  })();
  if (!known) ctx.skip('needs a kernel with CONFIG_TCP_MD5SIG');
  // Without a terminal there is no key.
  expect(await run(['nc', '-S', '127.0.0.1', '1'], { behind: ['setsid', '-w'] })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no terminal'),
  });
});

describe('-q', () => {
  test.each(BOTH)('%s: a negative time is no limit', async (_, nc) => {
    const [server, port] = await server_of();
    const child = start(nc, ['-q', '-1', '127.0.0.1', port]);
    child.stdin.end('x');
    const [conn] = await server.accept();
    expect(String(await conn.recv(10))).toBe('x');
    await expect(conn.recv(1, { timeout: 1 })).rejects.toThrow('timed out');
    await conn.sendall('late');
    conn.close();
    expect(await text(child.stdout)).toBe('late');
    server.close();
  });

  test('a time implies -N', async () => {
    const [server, port] = await server_of();
    const child = start(OURS, ['-q', '30', '127.0.0.1', port]);
    child.stdin.end('x');
    const [conn] = await server.accept();
    expect(String(await conn.recv(10))).toBe('x');
    expect(await conn.recv(1)).toHaveLength(0);
    await conn.sendall('answer');
    conn.close();
    expect(await text(child.stdout)).toBe('answer');
    server.close();
  });
});

describe('what -l -v says', () => {
  test.for([
    ['-l', '-v', '127.0.0.1', 'PORT'],
    ['-l', '-n', '-v', '127.0.0.1', 'PORT'],
    ['-l', '-v', 'PORT'],
    ['-l', '-v', '-p', 'PORT'],
    ['-l', '-v', '-s', '127.0.0.1', '-p', 'PORT'],
  ])("%j as OpenBSD's nc", async (args, ctx) => {
    if (!has_nc) ctx.skip('needs netcat-openbsd');
    const said: string[] = [];
    for (const nc of [OURS, THEIRS]) {
      const probe = socket.create_server(['127.0.0.1', 0]);
      const port = String(probe.getsockname()[1]);
      probe.close();
      const [file = '', ...rest] = nc;
      const child = spawn(file, [...rest, ...args.map((each) => (each === 'PORT' ? port : each))]);
      const closed = once(child, 'close');
      let stderr = '';
      const listens = new Promise((resolve) =>
        child.stderr.on('data', (chunk) => {
          stderr += chunk;
          resolve(undefined);
        }),
      );
      await listens;
      const conn = await promises.create_connection(['127.0.0.1', Number(port)]);
      const own = conn.getsockname()[1];
      conn.close();
      child.stdin.end();
      await closed;
      said.push(stderr.replace(port, 'PORT').replace(String(own), 'OWN'));
    }
    expect(said[0]).toBe(said[1]);
    expect(said[0]).toMatch(/^Listening on \S+ PORT\nConnection received on \S+ OWN\n$/);
  });

  test.for(['/tmp/bsd-sockets-nc-says', '@bsd-sockets-nc-says'])(
    "-U %s as OpenBSD's nc",
    async (base, ctx) => {
      if (!has_nc) ctx.skip('needs netcat-openbsd');
      const name = `${base}-${process.pid}`;
      const said: string[] = [];
      for (const nc of [OURS, THEIRS]) {
        const [file = '', ...rest] = nc;
        const child = spawn(file, [...rest, '-l', '-U', '-v', name]);
        const closed = once(child, 'close');
        let stderr = '';
        await new Promise<void>((resolve) =>
          child.stderr.on('data', (chunk) => {
            stderr += chunk;
            if (stderr.includes('Listening')) resolve();
          }),
        );
        await run(['nc', '-N', '-U', name]);
        child.stdin.end();
        await closed;
        said.push(stderr);
        spawnSync('rm', ['-f', name]);
      }
      expect(said[0]).toBe(said[1]);
    },
  );
});

test.each(['1', '2'])(
  '--proxy-header %s says whose connection it is, in front of the input',
  async (version) => {
    const server = new AsyncTCPServer(
      ['127.0.0.1', 0],
      async (request, client_address) => {
        const peer = request.getpeername();
        await request.sendall(`${String(peer) === String(client_address)} ${await request.recv(100)}`);
      },
      { proxy_protocol: { trusted: ['127.0.0.1'] } },
    );
    const served = server.serve_forever();
    const port = String(server.server_address[1]);
    const { code, stdout } = await run(['nc', '-N', '--proxy-header', version, '127.0.0.1', port], {
      input: 'input',
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true input' });
    await server.server_close();
    await served;
  },
);

test.each([
  [['-i', 'soon', '127.0.0.1', '1'], /option -i takes a number from 0 to 86400, not "soon"/],
  [['-W', '0', '127.0.0.1', '1'], /option -W takes a whole number from 1 to/],
  [['-I', '0', '127.0.0.1', '1'], /option -I takes a whole number from 1 to/],
  [['-M', '256', '127.0.0.1', '1'], /option -M takes a whole number from 1 to 255, not "256"/],
  [['-m', '256', '127.0.0.1', '1'], /option -m takes a whole number from 0 to 255, not "256"/],
  [['-V', '1', '127.0.0.1', '1'], /no alternate routing table support available/],
  [['-F', '-U', '/a'], /cannot use -F and -U/],
  [['-F', '-l', '1'], /cannot use -F and -l/],
  [['-z', '-l', '1'], /cannot use -z and -l/],
  [['-S', '-u', '127.0.0.1', '1'], /cannot use -S and -l, -U or -u/],
  [['--proxy-header', '3', '127.0.0.1', '1'], /takes one of 1, 2, not "3"/],
  [['--proxy-header', '1', '-u', '127.0.0.1', '1'], /cannot use --proxy-header and -l, -U or -u/],
  [['-l', '1', '2', '3'], /nc -l takes \[HOST\] PORT/],
])('%j fails with a line', async (args, message) => {
  const { code, stdout, stderr } = await run(['nc', ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('    at ');
});
