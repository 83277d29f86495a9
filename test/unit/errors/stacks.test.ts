// The stacks of errors: the functions of the program that await the call, or that called it, and none of the library's inside.
import { spawnSync } from 'node:child_process';
import { inspect, types } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import * as promises from '../../../lib/promises/index.js';
import * as socket from '../../../lib/socket/index.js';
import { thrown } from './failing.js';

const dist = new URL('../../../dist/', import.meta.url).href;
/** Functions of the library and of Node.js that say nothing to a program. */
const INSIDE =
  /Queue|Poller|PendingCall|Call\.|perform|error_of|raise|build|\bmake\b|finish|Timer|Timeout\.|listOnTimeout|Attempts/;
const opened: { close(): void }[] = [];

/** The lines of a stack that should not be there. Of two timers in one turn, the first one's promises react beneath Node's own function. */
function inside(stack = ''): string[] {
  return stack.split('\n').filter((frame) => INSIDE.test(frame) && !frame.includes('(node:internal/timers:'));
}

afterEach(() => {
  for (const sock of opened.splice(0)) sock.close();
});

function pair(): [promises.socket<number>, promises.socket<number>] {
  const both = promises.socketpair();
  opened.push(...both);
  return both;
}

/** The error of a call that two functions await. */
async function failure(call: () => Promise<unknown>): Promise<Error> {
  async function the_callee(): Promise<void> {
    await call();
  }
  async function the_caller(): Promise<void> {
    await the_callee();
  }
  try {
    await the_caller();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing failed');
}

/** Checks that the stack is the header, and the functions that await. */
function check_frames(error: Error): void {
  const header = `${error.name}: ${error.message}\n`;
  expect(error.stack?.startsWith(header)).toBe(true);
  const frames = error.stack?.slice(header.length).split('\n') ?? [];
  expect(inside(frames.join('\n'))).toEqual([]);
  // Node.js writes `at async the_callee`, the source maps of the tests' runner leave `async` out.
  const callee = frames.findIndex((frame) => /at (async )?the_callee/.test(frame));
  expect(callee).toBeGreaterThanOrEqual(0);
  expect(frames[callee + 1]).toMatch(/at (async )?the_caller/);
}

/** A port where nobody listens. */
function closed_port(): number {
  const sock = socket.create_server(['127.0.0.1', 0]);
  const [, port] = sock.getsockname();
  sock.close();
  return port;
}

describe('a call that has waited', () => {
  const calls: [string, () => Promise<unknown>, code: string][] = [
    ['a time-out', () => pair()[0].recv(1, { timeout: 0.001 }), 'ETIMEDOUT'],
    [
      'the end of the stream',
      () => {
        const [a, b] = pair();
        setImmediate(() => b.close());
        return a.recv_exactly(5);
      },
      'EOF',
    ],
    [
      'connect',
      () => {
        const sock = new promises.socket();
        opened.push(sock);
        return sock.connect(['127.0.0.1', closed_port()]);
      },
      'ECONNREFUSED',
    ],
    ['create_connection', () => promises.create_connection(['127.0.0.1', closed_port()]), 'ECONNREFUSED'],
    [
      'close()',
      () => {
        const [a] = pair();
        setImmediate(() => a.close());
        return a.recv(1);
      },
      'ECANCELED',
    ],
    ['a file', () => pair()[0].makefile('rb').read(1, { timeout: 0.001 }), 'ETIMEDOUT'],
    [
      'a file of a socket with a time-out',
      () => {
        const [a] = pair();
        a.settimeout(0.001);
        return a.makefile('r').readline();
      },
      'ETIMEDOUT',
    ],
    ['a lookup', () => promises.getaddrinfo('no host', 80, { timeout: 10 }), 'EAI_NONAME'],
    [
      'a lookup within its time',
      () => promises.getaddrinfo('nobody.invalid', 80, { timeout: 1e-7 }),
      'ETIMEDOUT',
    ],
    ['Promise.all', () => Promise.all([pair()[0].recv(1, { timeout: 0.001 })]), 'ETIMEDOUT'],
  ];
  test.each(calls)('%s', async (_name, call, code) => {
    const error = await failure(call);
    expect(error).toMatchObject({ code });
    check_frames(error);
  });

  test('all_errors', async () => {
    const call = () => promises.create_connection(['127.0.0.1', closed_port()], { all_errors: true });
    const error = await failure(call);
    expect(error).toBeInstanceOf(AggregateError);
    check_frames(error);
  });

  test('for await', async () => {
    const [a] = pair();
    a.settimeout(0.001);
    const error = await failure(async () => {
      for await (const _chunk of a);
    });
    check_frames(error);
  });

  test('close() gives each of the calls an error of its own', async () => {
    const [a] = pair();
    const errors = Promise.all([
      failure(() => a.recv(1)),
      failure(() => a.recv(1)),
      failure(() => a.recvfrom(1)),
    ]);
    a.close();
    for (const error of await errors) check_frames(error);
    expect(new Set(await errors).size).toBe(3);
  });

  test('nobody awaits it yet: the header alone', async () => {
    const result = pair()[0].recv(1, { timeout: 0.001 });
    result.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    const error: Error = await result.then(
      () => expect.unreachable(),
      (reason: Error) => reason,
    );
    expect(inside(error.stack)).toEqual([]);
    expect(error.stack).toMatch(/^TimeoutError: recv on <socket fd=\d+> timed out after 0\.001 s/);
  });

  test('an error is told before the results of the calls behind it', async () => {
    const [a, b] = pair();
    const order: string[] = [];
    const memory = Buffer.from(new ArrayBuffer(10));
    const first = a.recv_into(memory).catch((error: Error) => order.push(error.name));
    const second = a.recv(5).then((bytes: Buffer) => order.push(String(bytes)));
    // Both are done in one wake-up.
    structuredClone(memory.buffer, { transfer: [memory.buffer] });
    await b.send('later');
    await Promise.all([first, second]);
    expect(order).toEqual(['TypeError', 'later']);
  });
});

describe('a call that fails at once', () => {
  test.each<[string, (sock: promises.socket<number>) => Promise<unknown>]>([
    ['a call that never waits', (sock) => sock.recv(1, { timeout: 0 })],
    [
      'a closed socket',
      (sock) => {
        sock.close();
        return sock.recv(1);
      },
    ],
  ])('%s has its caller behind the method', async (_name, call) => {
    const [a] = pair();
    async function the_program(): Promise<unknown> {
      return await call(a);
    }
    const error: Error = await the_program().then(
      () => expect.unreachable(),
      (reason: Error) => reason,
    );
    expect(inside(error.stack)).toEqual([]);
    expect(error.stack).toContain('the_program');
    expect(error.stack).toMatch(/^[^\n]*\n\s+at Socket\.recv/);
  });

  test('blocking: the method, and its caller', () => {
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    a.settimeout(0.001);
    function the_program(): void {
      a.recv(1);
    }
    const [header, method, caller] = thrown(the_program).stack?.split('\n') ?? [];
    expect(header).toMatch(/^TimeoutError: recv on/);
    expect(method).toMatch(/at Socket\.recv /);
    expect(caller).toContain('the_program');
  });

  test('blocking: a lookup has no steps of its own', () => {
    const { stack } = thrown(() => socket.getaddrinfo('no host', 80));
    expect(stack).toMatch(/^gaierror: /);
    expect(inside(stack)).toEqual([]);
    expect(stack).not.toContain('.next');
  });
});

describe('what is not the library’s stays as it is', () => {
  test.each<[string, unknown]>([
    ['an error', new Error('mine')],
    ['a frozen error', Object.freeze(new Error('mine'))],
    ['a text', 'mine'],
    ['an OSError', new socket.OSError('mine')],
    ['null', null],
  ])('the reason of an abort: %s', async (_name, reason) => {
    const stack = reason instanceof Error ? reason.stack : undefined;
    const aborter = new AbortController();
    const [a] = pair();
    const waiting = a.recv(1, { signal: aborter.signal });
    const found = promises.getaddrinfo('nobody.invalid', 80, { signal: aborter.signal });
    aborter.abort(reason);
    const [received, looked_up] = await Promise.allSettled([waiting, found]);
    expect(received).toEqual({ status: 'rejected', reason });
    // The thread may have done the lookup before the abort.
    const is_done = looked_up.status === 'rejected' && looked_up.reason instanceof socket.gaierror;
    if (!is_done) expect(looked_up).toEqual({ status: 'rejected', reason });
    if (reason instanceof Error) expect(reason.stack).toBe(stack);
  });

  test('Error.stackTraceLimit is kept, 0 too', async () => {
    const { stackTraceLimit } = Error;
    try {
      for (const limit of [0, 1, 3]) {
        Error.stackTraceLimit = limit;
        const error = await failure(() => pair()[0].recv(1, { timeout: 0.001 }));
        const blocking = thrown(() => socket.socketpair(99));
        expect(Error.stackTraceLimit).toBe(limit);
        for (const { stack } of [error, blocking]) {
          expect(stack).toMatch(/^\w+: /);
          expect(stack?.split('\n').length).toBeLessThanOrEqual(limit + 1);
        }
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
});

describe('an error that a program expects', () => {
  const memory = Buffer.alloc(8);
  const address: [string, number] = ['127.0.0.1', 9];
  const calls: [string, (sock: socket.socket) => unknown][] = [
    ['recv', (sock) => sock.recv(8)],
    ['recv_into', (sock) => sock.recv_into(memory)],
    ['recvfrom', (sock) => sock.recvfrom(8)],
    ['recvfrom_into', (sock) => sock.recvfrom_into(memory)],
    ['recvmsg', (sock) => sock.recvmsg(8)],
    ['recv_chunk', (sock) => sock.recv_chunk(8)],
    ['send', (sock) => sock.send(memory)],
    ['sendto', (sock) => sock.sendto(memory, address)],
    ['accept', (sock) => sock.accept()],
  ];

  test.each(calls)('%s: the method, then the line of the program', (name, call) => {
    const sock = socket.socket();
    opened.push(sock);
    if (name === 'accept') sock.listen();
    if (name.startsWith('send')) sock.close();
    else sock.setblocking(false);
    function the_program(): void {
      call(sock);
    }
    for (let round = 0; round < 3; round++) {
      const error = thrown(the_program);
      const [header, method, ...callers] = error.stack?.split('\n') ?? [];
      expect(header).toBe(`${error.name}: ${error.message}`);
      expect(method).toMatch(new RegExp(`at Socket\\.${name} `));
      // The first caller is the arrow of the table.
      expect(callers[0]).toContain('stacks.test.ts');
      expect(callers[1]).toContain('the_program');
    }
  });

  test('is an ordinary error: its own message, its fields, its text in the console, a clone', () => {
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    a.setblocking(false);
    const error = thrown(() => a.recv(1));
    const { message } = error;
    expect(message).toBe(`[EAGAIN] recv(fd ${a.fileno()}): Resource temporarily unavailable`);
    const own = { value: message, writable: true, enumerable: false, configurable: true };
    expect(Object.getOwnPropertyDescriptor(error, 'message')).toEqual(own);
    expect(Object.getOwnPropertyDescriptor(error, 'stack')).toMatchObject({ enumerable: false });
    expect(Object.keys(error)).toEqual(['errno', 'code', 'strerror', 'syscall']);
    expect(types.isNativeError(error)).toBe(true);
    expect(inspect(error)).toContain(`${error.stack}`);
    expect(structuredClone(error)).toMatchObject({ message, stack: error.stack });
    error.message = 'mine';
    expect(String(error)).toBe('BlockingIOError: mine');
  });

  test.each<[string, () => void]>([
    ['of 4 functions', () => Object.assign(Error, { stackTraceLimit: 4 })],
    ['that a program has taken away', () => Reflect.deleteProperty(Error, 'stackTraceLimit')],
    ['that is no number', () => Object.assign(Error, { stackTraceLimit: '7' })],
  ])('leaves a limit %s as it was', (_name, set) => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    a.setblocking(false);
    try {
      set();
      const { stackTraceLimit } = Error;
      expect(thrown(() => a.recv(1)).code).toBe('EAGAIN');
      expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    } finally {
      if (before !== undefined) Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });

  test.each([[[]], [['--enable-source-maps']], [['--stack-trace-limit=2']]])(
    'names the line of a program, as node shows it: %j',
    (flags) => {
      const program = `
        const { socketpair } = require('bsd-sockets/socket');
        const [a] = socketpair();
        a.setblocking(false);
        function my_function() {
          a.recv(1);
        }
        my_function();`;
      const cwd = new URL('../../..', import.meta.url);
      const child = spawnSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8', cwd });
      expect(child.status).toBe(1);
      expect(child.stderr).toMatch(
        /\nBlockingIOError: \[EAGAIN\] recv\(fd \d+\): .*\n +at Socket\S*\.recv .*\n +at my_function \(\[eval\]:6:\d+\)/,
      );
    },
  );

  test('is the same when a program has frozen Error', () => {
    const program = `
      const { socketpair } = require('bsd-sockets/socket');
      const [a] = socketpair();
      a.setblocking(false);
      Object.freeze(Error);
      function my_function() {
        a.recv(1);
      }
      my_function();`;
    const cwd = new URL('../../..', import.meta.url);
    const { stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', cwd });
    expect(stderr).toMatch(/\nBlockingIOError: \[EAGAIN\].*\n.*\.recv .*\n +at my_function \(\[eval\]:7/);
  });
});

test('a rejection that nobody handles is told once, with the call and its function', () => {
  const program = `
    import { socketpair } from '${dist}promises/index.mjs';
    const [a, b] = socketpair();
    a.settimeout(0.01);
    let count = 0;
    process.on('unhandledRejection', (error) => { count++; console.error(error); });
    process.on('exit', () => { console.log(count); });
    async function my_function() { await a.recv(1); }
    my_function();
    setTimeout(() => { a.close(); b.close(); }, 200);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect([stdout, stderr]).toEqual([
    '1\n',
    expect.stringMatching(/TimeoutError: recv on .* timed out after 0.01 s\n\s+at async my_function/),
  ]);
});
