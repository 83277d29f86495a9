// Servers with threads and processes: their requests, hooks, errors and ends. The scenarios are programs of their own
// (fixtures/pooled_server.mjs), because workers import the program they belong to.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

// Each scenario is a program of its own that mostly waits, so that two share the time of one.
vi.setConfig({ maxConcurrency: 2 });

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  code: number | null;
  output: string;
  errors: string;
}

/** Runs a program to its end. A program that hangs is killed after 100 s. */
async function run(...args: string[]): Promise<Ended> {
  return run_by([], ...args);
}

/** Runs a program under another command, such as prlimit. */
async function run_by(command: readonly string[], ...args: string[]): Promise<Ended> {
  const [program = process.execPath, ...rest] = [...command, process.execPath, ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 });
  const ended: Ended = { code: null, output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.errors += text;
  });
  [ended.code] = (await once(child, 'close')) as [number | null];
  return ended;
}

const has_prlimit = spawnSync('prlimit', ['--version']).status === 0;
const SCARCE = ['prlimit', '--nofile=160'];
const fixture = fileURLToPath(new URL('./fixtures/pooled_server.mjs', import.meta.url));

/** Runs a scenario. Returns its log, and the output before the log. */
async function log(
  kind: string,
  scenario: string,
  command: readonly string[] = [],
): Promise<{ log: unknown[]; printed: string; errors: string }> {
  const { code, output, errors } = await run_by(command, fixture, kind, scenario);
  if (code !== 0) throw new Error(`exit code ${code}: ${output}${errors}`);
  const lines = output.trimEnd().split('\n');
  return { log: JSON.parse(lines.pop() ?? ''), printed: lines.join('\n'), errors };
}

describe.concurrent.each(['Threading', 'Forking'])('%sMixIn', { timeout: 120_000 }, (kind) => {
  const worker = kind === 'Threading' ? 'thread' : 'process';

  test('a handler that prints to a full pipe does not keep the process', async () => {
    const loud = fileURLToPath(new URL('./fixtures/loud_server.mjs', import.meta.url));
    const child = spawn(process.execPath, [loud, kind], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 40_000,
    });
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  test('serves while the main thread is blocked; what fails costs its request', async () => {
    const { log: answers, printed, errors } = await log(kind, 'blocked');
    expect(answers).toEqual([
      'hello main',
      kind === 'Threading' ? 'thread true' : 'process',
      '',
      'hello again',
      '',
      'hello after',
      'false',
      'printed',
      'stopping',
    ]);
    expect(printed).toBe('first\nsecond\nthird 3');
    expect(errors).toMatch(
      /^-{40}\nException occurred during processing of request from \[ '127.0.0.1', \d+ \]\nFailure \[Error\]: failed/m,
    );
    expect(errors).toMatch(/at Handler\.handle .*pooled_server\.mjs/);
    expect(errors).toContain(`Handler ended its ${worker} (exit code 7)`);
  });

  test('handlers see the addresses', async () => {
    expect((await log(kind, 'addresses')).log).toEqual([true, '127.0.0.1']);
  });

  test('a hook sees four requests more than workers are free for', async () => {
    const greetings = Array.from({ length: 8 }, (_, i) => `hello ${i}`);
    expect((await log(kind, 'ahead')).log).toEqual([5, `done,${greetings.join()}`]);
  });

  test('hooks run on the server, in order', async () => {
    expect((await log(kind, 'hooks')).log).toEqual(
      [
        'get_request',
        'verify_request',
        'process_request',
        'hello you',
        'service_actions',
        'server_close',
      ].filter((name) => name !== 'service_actions'),
    );
  });

  test('verify_request refuses', async () => {
    expect((await log(kind, 'refused')).log).toEqual(['']);
  });

  test('handle_error gets errors as they were thrown', async () => {
    const { log: found, errors } = await log(kind, 'errors');
    expect(found).toContainEqual([true, 'Error', 'failed on purpose', 'FAILED']);
    expect(found).toContainEqual([
      true,
      'ConnectionRefusedError',
      expect.stringContaining('connect'),
      'ECONNREFUSED',
    ]);
    expect(found).toContainEqual([true, 'Error', `Handler ended its ${worker} (exit code 7)`, null]);
    if (kind === 'Forking')
      expect(found).toContainEqual([true, 'Error', 'Handler ended its process (SIGKILL)', null]);
    expect(found.at(-1)).toBe('hello then');
    expect(errors).toBe('');
  });

  test('requests run in parallel, more than there may be workers wait', async () => {
    const { log: found } = await log(kind, 'parallel');
    expect(found[0]).toBe([1, 2, 3, 4, 5, 6].map((i) => `slept ${400 + i}`).join('|'));
  });

  test('handle_request()', async () => {
    expect((await log(kind, 'request')).log).toEqual(['hello one', 'hello two', 'timeout']);
  });

  test('process_request() called by the program while it serves', async () => {
    const { log: found } = await log(kind, 'handed');
    expect(found).toEqual(['hello one', 'hello handed0', 'hello handed1', 'hello handed2', 'hello last']);
  });

  test('UDP', async () => {
    const same = kind === 'Threading';
    expect((await log(kind, 'udp')).log).toEqual([`one from ${same}`, `8000 from ${same}`]);
  });

  test('AF_UNIX', async () => {
    expect((await log(kind, 'unix')).log).toEqual(['hello unix', `packet from ${kind === 'Threading'}`]);
  });

  test('datagrams that are more than the queue of the workers holds', async () => {
    expect((await log(kind, 'large')).log).toEqual([true]);
  });

  test('workers that die take nothing with them but their request', async () => {
    const { log: found } = await log(kind, 'crowd');
    const greetings = Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 10 !== 5);
    expect(found.pop()).toEqual(greetings.map((i) => `hello ${i}`));
    expect(found).toEqual(Array(4).fill([true, 'Error', `Handler ended its ${worker} (exit code 7)`, null]));
  });

  test('a worker that dies after server_close() takes nothing with it but its request', async () => {
    const { log: found } = await log(kind, 'close_crowd');
    expect(found.pop()).toEqual(['x', expect.stringMatching(/^(ECONNRESET)?$/), 'hello one', 'hello two']);
  });

  test('server_close() ends listening at once, also while a handler is busy', async () => {
    const ended = expect.stringMatching(/^(ECONNRESET)?$/);
    expect((await log(kind, 'close_busy')).log).toEqual([ended, 'x', ended, 'x']);
  });

  test('process_request() called by the program does not wait for those that keep all busy', async () => {
    expect((await log(kind, 'handed_busy')).log).toEqual(['x', 'hello handed']);
  });

  test('a client_address that is too long for a worker costs its request', async () => {
    expect((await log(kind, 'long_address')).log).toEqual([
      [true, 'RangeError', 'client_address must be at most 2048 bytes of JSON, not 3029', null],
      ['', 'hello short'],
    ]);
  });

  test('handlers of datagrams may wait to send, after a drain, too', async () => {
    expect((await log(kind, 'drained_datagrams')).log).toEqual(['null', 'null', 'null']);
  });

  test('shutdown({ drain }) ends once what cannot be ended at once', async () => {
    const { log: found, errors } = await log(kind, 'cut_late');
    expect(found).toEqual([[true, 'Error', 'Handler was cut off: the server drained', null]]);
    expect(errors).toBe('');
  });

  test('shutdown({ drain }) lets requests finish', async () => {
    expect((await log(kind, 'drain')).log).toEqual(['slept 700']);
  });

  test('who waits for slow requests stays in the backlog of the server', async () => {
    const [waiting, ...answers] = (await log(kind, 'kept')).log;
    expect(waiting).toBe('00000000:00000003');
    expect(answers).toEqual(['slept 300', 'hello 0', 'hello 1', 'hello 2']);
  });

  test('a worker that dies after a drain is replaced', async () => {
    const { log: found } = await log(kind, 'after_drain');
    expect(found).toEqual([
      [false, 'Error', `Handler ended its ${worker} (exit code 7)`, null],
      ['hello one', expect.stringMatching(/^(ECONNRESET)?$/), 'hello two'],
    ]);
  });

  test('a shutdown() by a handler while the server drains ends nothing early', async () => {
    expect((await log(kind, 'drain_twice')).log).toEqual(['slept 300', 'stopping', 'hello one', 'hello two']);
  });

  test('shutdown({ drain }) cuts off what takes too long', async () => {
    const { log: found } = await log(kind, 'cut');
    expect(found.at(-1)).toMatch(/^(Connection reset by peer)?$/);
  });

  test('shutdown({ drain }) handles what waits in the backlog', async () => {
    const expected = ['slept 500', ...[0, 1, 2, 3, 4].map((i) => `hello ${i}`)];
    expect((await log(kind, 'backlog')).log).toEqual(expected);
    expect((await log(kind, 'backlog_hooks')).log).toEqual(expected);
  });

  test('shutdown({ drain }) ends in time where that takes too long', async () => {
    const { log: found } = await log(kind, 'backlog_cut');
    expect(found).toContainEqual([true, 'Error', expect.stringContaining('cut off'), null]);
    expect(found.slice(-2).every((answer) => ['', 'ECONNRESET'].includes(String(answer)))).toBe(true);
  });

  test('SIGTERM: no request is cut off', async () => {
    expect((await log(kind, 'sigterm')).log).toEqual(['slept 600']);
  });

  test('handler_timeout', async () => {
    const { log: found } = await log(kind, 'late');
    expect(found).toContain('hello next');
    expect(found).toContainEqual([true, 'Error', 'Handler took longer than handler_timeout, 0.3 s', null]);
  });

  test('a client that resets costs its request only', async () => {
    expect((await log(kind, 'reset')).log).toEqual([
      [true, 'ConnectionResetError', expect.stringContaining('recv'), 'ECONNRESET'],
      'hello next',
    ]);
  });

  test('more connections than the backlog holds', async () => {
    const greetings = Array.from({ length: 8 }, (_, i) => `hello ${i}`);
    expect((await log(kind, 'overflow')).log).toEqual([['slept 300', ...greetings].join('|')]);
  });

  test('serving that ends and begins many times loses nobody', async () => {
    expect((await log(kind, 'cycles')).log).toEqual([true, true]);
  });

  test('nobody spins while all are busy and requests wait', async () => {
    const slow = Array.from({ length: 4 }, (_, i) => `slept ${1200 + i}`).join('|');
    expect((await log(kind, 'busy')).log).toEqual(['slept 200|slept 201|slept 202', true, slow]);
  });

  test('SIGTERM before serve_forever() is not lost, nor who has connected', async () => {
    expect((await log(kind, 'sigterm_early')).log).toEqual(['hello early']);
  });

  test('without descriptors connections wait', async (ctx) => {
    if (!has_prlimit) ctx.skip('needs prlimit');
    const greetings = Array.from({ length: 20 }, (_, i) => `hello ${i}`);
    const { log: found, errors } = await log(kind, 'scarce', SCARCE);
    // Child processes have descriptors of their own.
    const warnings = errors.match(
      /ResourceWarning: \w+: the next request waits, .* all the 160 descriptors/g,
    );
    expect(warnings ?? []).toHaveLength(kind === 'Threading' ? 1 : 0);
    expect(found).toEqual(['hello first', 'EMFILE', true, greetings.join('|')]);
  });

  test('without descriptors serving begins later', async (ctx) => {
    if (!has_prlimit) ctx.skip('needs prlimit');
    expect((await log(kind, 'scarce_start', SCARCE)).log).toEqual(['EMFILE', true, 'hello 1|hello 2']);
  });

  test('leaves no descriptor', async () => {
    expect((await log(kind, 'leaks')).log).toEqual([true]);
  });

  test('a default time-out is that of requests, and of nothing else', async () => {
    const answers = (await log(kind, 'default_timeout')).log;
    expect(answers).toEqual([
      [0, '0', '0'],
      [0.2, '0.2', '0.2'],
      [5, '5', '5'],
    ]);
    expect((await log(kind, 'module_timeout')).log).toEqual([[3, '3', '3']]);
  });

  test('its own sockets are seen by no program that a handler starts, and their bytes by no wrapper of the class', async () => {
    const own_sockets = fileURLToPath(new URL('./fixtures/own_sockets.mjs', import.meta.url));
    const { code, output, errors } = await run(own_sockets, kind);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const [fds, ...rest] = JSON.parse(output) as [number];
    const methods = expect.not.arrayContaining([expect.stringMatching(/recv|send|time|block|inherit/)]);
    expect(rest).toEqual([[fds, methods], fds, [fds, methods], fds, methods]);
  });

  test('an entry in the error queue is no request', async () => {
    expect((await log(kind, 'error_queue')).log).toEqual(['x', true, 'x', 'x', true, 'x']);
  });

  test('a served socket that is shut down, closed or detached ends serving with an error', async () => {
    expect((await log(kind, 'ended')).log).toEqual([
      'EINVAL,EINVAL,EINVAL,EINVAL',
      'EBADF,EBADF',
      'EBADF,EBADF',
      'EBADF,EBADF,EBADF,EBADF',
    ]);
  });

  test('a worker that sends no report, or overwrites its memory, costs its request', async () => {
    const { log: found, errors } = await log(kind, 'rogue');
    expect(errors).toBe('');
    for (const line of found) {
      expect(line).toMatch(
        /^(?:\w+: Handler has sent the server what is no report of a worker|(?:zeros|noise): Handler has overwritten the memory of its worker|closed: Handler ended its process \(SIGKILL\)), hello you$/,
      );
    }
    expect(found).toHaveLength(kind === 'Threading' ? 6 : 8);
  });

  test('a worker that has gone wrong costs nobody who comes after its request', async () => {
    const count = kind === 'Threading' ? 6 : 7;
    expect((await log(kind, 'rogue_next')).log).toEqual(Array(count).fill('slept 5|slept 6|slept 7'));
  });

  test('an error longer than a report', async () => {
    expect((await log(kind, 'long_error')).log).toEqual([true, 'hello you']);
  });

  test('keeps no process alive when it does not serve', async () => {
    expect((await log(kind, 'left')).log).toEqual(['hello x']);
  });
});

test.concurrent('ForkingMixIn: children leave to the server the signals that it handles', {
  timeout: 120_000,
}, async () => {
  expect((await log('Forking', 'sigterm_group')).log).toEqual([
    'slept 600',
    [true, 'Error', 'Handler ended its process (SIGTERM)', null],
    '',
  ]);
});

test.concurrent('ForkingMixIn: a process without descriptors is replaced, and costs only a request that was handed to it', {
  timeout: 120_000,
}, async (ctx) => {
  if (!has_prlimit) ctx.skip('needs prlimit');
  expect((await log('Forking', 'hog', SCARCE)).log).toEqual([
    ['EMFILE', 'hello one', 'hello two'],
    [true, 'OSError', '[EMFILE] the worker had no descriptor left for the connection', 'EMFILE'],
    ['EMFILE', expect.stringMatching(/^(Connection reset by peer)?$/), 'hello two'],
  ]);
});

test.concurrent('ForkingMixIn: serves again when all processes were killed, those that only start, too', {
  timeout: 120_000,
}, async () => {
  expect((await log('Forking', 'killed')).log).toEqual(['hello first', 'hello next']);
});

test.concurrent('ForkingMixIn: a process that dies before it begins its request costs that only', {
  timeout: 120_000,
}, async () => {
  expect((await log('Forking', 'vanished')).log).toEqual([
    [false, 'Error', 'Handler ended its process (exit code 9)', null],
    ['', expect.stringMatching(/^(Connection reset by peer)?$/), 'hello next'],
  ]);
});

test.concurrent('TCPServer: without descriptors connections wait', { timeout: 120_000 }, async (ctx) => {
  if (!has_prlimit) ctx.skip('needs prlimit');
  const { log: found, errors } = await log('', 'scarce', SCARCE);
  expect(errors.match(/ResourceWarning: TCPServer: the next request waits/g)).toHaveLength(1);
  expect(found.slice(0, 3)).toEqual(['hello first', 'EMFILE', true]);
  expect(String(found[3]).split('|')).toHaveLength(20);
  expect(String(found[3])).not.toContain('||');
});

// The kernel wakes all of them for one request. In an earlier version who came too late stood still.
test.concurrent.each(['TCPServer', 'UDPServer', 'ThreadingTCPServer'])(
  'three processes that serve one socket by a %s all go on, and end',
  { timeout: 120_000 },
  async (name) => {
    const shared = fileURLToPath(new URL('./fixtures/shared_socket.mjs', import.meta.url));
    expect(await run(shared, name)).toEqual({ code: 0, output: '[30,0,0,0]\n', errors: '' });
  },
);

test.concurrent('process_request_thread() handles a request on the thread that calls it', {
  timeout: 120_000,
}, async () => {
  expect((await log('Threading', 'thread_hook')).log).toEqual([
    'true',
    [true, 'Failure', 'failed on purpose', 'FAILED'],
    '',
    'hello hook',
  ]);
});

test.concurrent('memory of worker_data that is shared is shared by threads', {
  timeout: 120_000,
}, async () => {
  expect((await log('Threading', 'shared')).log).toEqual(['0', '1', '2', 3]);
});

describe.concurrent('mistakes', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mistakes-'));
    symlinkSync(root, join(folder, 'bsd-sockets'));
    symlinkSync(folder, join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const IMPORT =
    "import { is_main, BaseRequestHandler, ThreadingTCPServer, ForkingTCPServer } from 'bsd-sockets/socketserver';";
  const serve = (kind: string, options = '{}') => `
    const server = new ${kind}TCPServer(['127.0.0.1', 0], Mine, ${options});
    try {
      await server.serve_forever();
    } catch (error) {
      console.log(String(error));
    }
    await server.server_close();
    process.exit();`;
  const guarded = (text: string) => `if (is_main(import.meta)) {${text}}`;

  async function program(name: string, text: string, ...options: string[]): Promise<Ended> {
    // Tests run at the same time, and their programs have the same names.
    const file = join(mkdtempSync(join(folder, 'program-')), name);
    writeFileSync(file, text);
    return await run(...options, file);
  }

  describe.each(['Threading', 'Forking'])('%s', (kind) => {
    test('a handler that is not exported', async () => {
      const { code, output } = await program(
        'unexported.mjs',
        `${IMPORT} class Mine extends BaseRequestHandler {} ${guarded(serve(kind))}`,
      );
      expect(output).toMatch(/Mine is not exported by file:.*unexported\.mjs: export it/);
      expect(code).toBe(0);
    });

    // In an earlier version the server passed `drain` on, and the rejection of its own shutdown() ended the program.
    test('a handler that calls shutdown() with a wrong drain', async () => {
      const body = `
        const { create_connection } = await import('bsd-sockets/socket');
        const server = new ${kind}TCPServer(['127.0.0.1', 0], Mine);
        server.handle_error = (request, client_address, error) => console.log(String(error));
        const served = server.serve_forever();
        const ask = (text) => {
          const client = create_connection(server.server_address);
          client.sendall(text);
          const answer = client.recv(9).toString();
          client.close();
          return answer;
        };
        console.log([ask('-1'), ask('null')].join());
        await served;
        await server.server_close();
        console.log('closed');`;
      const { output, errors } = await program(
        'drain.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {
          handle() {
            this.server.shutdown({ drain: JSON.parse(this.request.recv(9)) });
            this.request.sendall('down');
          }
        } ${guarded(body)}`,
      );
      expect(errors).toBe('');
      expect(output.split('\n').sort()).toEqual([
        '',
        ',down',
        'RangeError: drain must be 0 to 9223372036 seconds, not -1',
        'closed',
      ]);
    });

    test('a handler that throws what is no error, or cannot be looked at', async () => {
      const body = `
        const { create_connection } = await import('bsd-sockets/socket');
        const server = new ${kind}TCPServer(['127.0.0.1', 0], Mine);
        let told = 0;
        server.handle_error = (request, client_address, error) => {
          console.log(error);
          if (++told === 3) server.shutdown();
        };
        const served = server.serve_forever();
        for (let i = 0; i < 3; i++) {
          const client = create_connection(server.server_address);
          client.sendall(String(i));
          client.recv(9);
          client.close();
        }
        await served;
        await server.server_close();`;
      const { output, errors } = await program(
        'thrown.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {
          handle() {
            const unseen = { get message() { throw new Error('do not look'); } };
            const thrown = [{ code: 1 }, Object.create(null), Object.defineProperties(new Error(), Object.getOwnPropertyDescriptors(unseen))];
            throw thrown[Number(this.request.recv(9))];
          }
        } ${guarded(body)}`,
      );
      expect(errors).toBe('');
      expect(output.trimEnd().split('\n').sort()).toEqual([
        '[Object: null prototype] {}',
        'something that cannot be shown',
        '{ code: 1 }',
      ]);
    });

    test('an error with causes, and an AggregateError', async () => {
      const body = `
        const { create_connection } = await import('bsd-sockets/socket');
        const server = new ${kind}TCPServer(['127.0.0.1', 0], Mine);
        server.handle_error = (request, client_address, error) => {
          const { cause, errors } = error;
          console.log(error instanceof AggregateError, cause instanceof RangeError, cause.cause === 'text');
          console.log(errors.map(String).join(), errors[0].code, errors[1].cause.constructor.name, Object.keys(error).join());
          server.shutdown();
        };
        const served = server.serve_forever();
        const client = create_connection(server.server_address);
        client.recv(9);
        client.close();
        await served;
        await server.server_close();`;
      const { output, errors } = await program(
        'causes.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {
          handle() {
            const circular = new TypeError('circular');
            circular.cause = circular;
            const all = [Object.assign(new Error('one'), { code: 'ONE' }), circular];
            throw new AggregateError(all, 'all', { cause: new RangeError('why', { cause: 'text' }) });
          }
        } ${guarded(body)}`,
      );
      expect(errors).toBe('');
      expect(output.split('\n')).toEqual([
        'true true true',
        'Error: one,TypeError: circular ONE TypeError ',
        '',
      ]);
    });

    test('what a handler leaves behind ends its worker when it fails, and is told', async () => {
      const body = `
        const { create_connection } = await import('bsd-sockets/socket');
        const server = new ${kind}TCPServer(['127.0.0.1', 0], Mine, { max_threads: 1, max_children: 1 });
        const served = server.serve_forever();
        for (const text of ['reject', 'ask', 'ask']) {
          const client = create_connection(server.server_address);
          client.sendall(text);
          console.log(client.recv(9).toString());
          client.close();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        await server.server_close();
        await served;`;
      const { output, errors } = await program(
        'left.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {
          handle() {
            if (this.request.recv(9).toString() === 'reject') Promise.reject(new Error('left behind'));
            this.request.sendall('answered');
          }
        } ${guarded(body)}`,
      );
      expect(output).toBe('answered\nanswered\nanswered\n');
      expect(errors).toMatch(/Error: left behind\n {4}at Mine\.handle/);
      if (kind === 'Threading')
        expect(errors).toMatch(/^Exception in a worker thread, in what Mine left behind:\n/);
    });

    test('a module that cannot be imported', async () => {
      const { output } = await program(
        'unimportable.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler { static module = 'file:///no/such.mjs'; } ${guarded(serve(kind))}`,
      );
      expect(output).toMatch(
        /Mine: its module file:\/\/\/no\/such\.mjs cannot be imported: .*Cannot find module/,
      );
    });

    test('a program without the main guard', async () => {
      const { output } = await program(
        'unguarded.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {} ${serve(kind)}`,
      );
      expect(output).toMatch(/put what starts the server under `if \(is_main\(import\.meta\)\)/);
    });

    test('worker_data that cannot be cloned', async () => {
      const { output } = await program(
        'uncloneable.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {} ${guarded(serve(kind, '{ worker_data: () => 1 }'))}`,
      );
      expect(output).toMatch(
        /^TypeError: worker_data cannot be cloned for the .*: \(\) => 1 could not be cloned/,
      );
    });

    test('a handler class that workers cannot find, hooks that would run there, and limits that are none', async () => {
      const attempt = (text: string) => `try { ${text} } catch (error) { console.log(String(error)); }`;
      const address = "['127.0.0.1', 0]";
      const { output } = await program(
        'constructor.mjs',
        `${IMPORT} export class Mine extends BaseRequestHandler {}
        if (is_main(import.meta)) {
          ${attempt(`new ${kind}TCPServer(${address}, class extends BaseRequestHandler {})`)}
          ${attempt(`new ${kind}TCPServer(${address}, () => {})`)}
          ${attempt(`new ${kind}TCPServer(${address}, class Other extends Mine { static module = 5; })`)}
          ${attempt(`new (class S extends ${kind}TCPServer { finish_request() {} })(${address}, Mine)`)}
          ${attempt(`new (class S extends ThreadingTCPServer { process_request_thread() {} })(${address}, Mine)`)}
          ${attempt(`new ${kind}TCPServer(${address}, Mine, { max_threads: 0 })`)}
          ${attempt(`new ${kind}TCPServer(${address}, Mine, { handler_timeout: -1 })`)}
        }`,
      );
      expect(output.trimEnd().split('\n')).toEqual([
        expect.stringMatching(/^TypeError: RequestHandlerClass must be a class with a name/),
        expect.stringMatching(/^TypeError: RequestHandlerClass must be a class with a name/),
        expect.stringMatching(/^TypeError: Other\.module must be the URL/),
        expect.stringMatching(/^TypeError: S overrides finish_request\(\)/),
        expect.stringMatching(/^TypeError: S overrides process_request_thread\(\)/),
        expect.stringMatching(/^RangeError: max_threads/),
        expect.stringMatching(/^RangeError: handler_timeout/),
      ]);
    });

    test('programs in CommonJS, with a default export, and with a handler in a module of its own', async () => {
      const main = `
        const server = new (require('bsd-sockets/socketserver').${kind}TCPServer)(['127.0.0.1', 0], Mine);
        server.serve_forever();
        const client = require('bsd-sockets/socket').create_connection(server.server_address);
        console.log(client.makefile('r').read());
        client.close();
        server.server_close();`;
      const handle = "{ handle() { this.request.sendall('served'); } }";
      const { output: common, errors } = await program(
        'common.cjs',
        `const { is_main, BaseRequestHandler } = require('bsd-sockets/socketserver');
        class Mine extends BaseRequestHandler ${handle}
        module.exports = { Mine };
        if (is_main(module)) { ${main} }`,
      );
      expect({ common, errors }).toEqual({ common: 'served\n', errors: '' });
      const required = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;
      const { output: exported } = await program(
        'default.mjs',
        `${IMPORT} ${required} export default class Mine extends BaseRequestHandler ${handle} ${guarded(main)}`,
      );
      expect(exported).toBe('served\n');
      writeFileSync(
        join(folder, `own-${kind}.mjs`),
        `${IMPORT} export class Mine extends BaseRequestHandler { static module = import.meta.url; ${handle.slice(1)}`,
      );
      const { output: apart } = await program(
        'apart.mjs',
        `import { Mine } from '../own-${kind}.mjs'; ${required} ${main}`,
      );
      expect(apart).toBe('served\n');
    });
  });

  // A child gets its settings by standard input, which then may end anywhere. An earlier version printed a stack trace.
  test('a child whose server ends while it starts ends, too, without a word', async () => {
    const source = `
      import { readFileSync } from 'node:fs';
      import { create_connection } from 'bsd-sockets/socket';
      import { BaseRequestHandler, ForkingTCPServer, is_main } from 'bsd-sockets/socketserver';
      export class Command extends BaseRequestHandler {
        handle() {
          this.request.sendall(readFileSync('/proc/self/cmdline'));
        }
      }
      if (is_main(import.meta)) {
        const server = new ForkingTCPServer(['127.0.0.1', 0], Command);
        const served = server.serve_forever();
        process.stdout.write(create_connection(server.server_address).makefile('rb').read());
        await server.shutdown();
        await served;
        await server.server_close();
      }`;
    const { output, errors } = await program('command.mjs', source);
    const [node = '', ...args] = output.split('\0').slice(0, -1);
    expect(args, errors).toContain('-e');

    for (const input of [new Uint8Array(), serialize({ library: 'cut' }).subarray(0, -3)]) {
      const { status, stdout, stderr } = spawnSync(node, args, { input, encoding: 'utf8', timeout: 40_000 });
      expect([status, stdout, stderr]).toEqual([0, '', '']);
    }
  });

  test('a program that is no file', async () => {
    const { output } = await run(
      '--input-type=module',
      '-e',
      `import { BaseRequestHandler, ThreadingTCPServer } from '${root}dist/socketserver/index.js';
      class Mine extends BaseRequestHandler {}
      try { new ThreadingTCPServer(['127.0.0.1', 0], Mine); } catch (error) { console.log(String(error)); }`,
    );
    expect(output).toMatch(/^TypeError: Mine: workers cannot import it, for the program is no file/);
  });
});
