// The registry of workers: the same answers as in one process, in order and in few messages; and nothing is left of a worker that dies.
import { fork } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Endpoint, endpoint_of } from '../../dist/guard/channel/endpoint.js';
import { RemoteRegistry } from '../../dist/guard/channel/remote.js';
import { serve_registry } from '../../dist/guard/channel/service.js';
import { LocalRegistry, type RegistryOptions } from '../../dist/guard/registry.js';
import type { AuditRecord } from '../../dist/guard/types.js';
import { DiskFileSystem } from '../../dist/store/disk.js';
import { begin, code, make_home, put } from '../store/home.js';

/** An audit log that keeps its records. */
function make_audit() {
  const records: Record<string, unknown>[] = [];
  const append = (lines: string) => {
    records.push(
      ...lines
        .trimEnd()
        .split('\n')
        .map((line): Record<string, unknown> => JSON.parse(line)),
    );
  };
  const write = (record: AuditRecord) => void records.push(record);
  return { records, audit: { append, write } };
}

/** A registry and a remote one, in this thread. */
function make_pair(options?: RegistryOptions) {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const local = new LocalRegistry(options);
  serve_registry(local, endpoint_of(port1), 'worker 1');
  return { local, remote: new RemoteRegistry(endpoint_of(port2)), port1, port2 };
}

/** Another worker of the same registry. */
function make_remote(local: LocalRegistry, name: string): RemoteRegistry {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  serve_registry(local, endpoint_of(port1), name);
  return new RemoteRegistry(endpoint_of(port2));
}

async function enter(registry: RemoteRegistry, address = '192.0.2.1'): Promise<string> {
  const entered = await registry.enter(address, 1);
  if ('refused' in entered) throw new Error(entered.refused);
  return entered.id;
}

describe('a remote registry', () => {
  it('answers as the local one', async () => {
    const { records, audit } = make_audit();
    const { local, remote } = make_pair({
      max_connections: 1,
      bans: { failures: 2, delay_s: 1 },
      audit,
    });
    const id = await enter(remote);
    expect(await remote.enter('192.0.2.2', 1)).toEqual({ refused: 'too many connections' });
    expect(await remote.log_in(id, { name: 'alice', max_sessions: undefined })).toBeUndefined();
    expect(await remote.log_in(id, { name: 'alice', max_sessions: 0 })).toBe(
      'too many sessions of this user',
    );
    remote.log_out(id);
    const transfer = { direction: 'upload', path: '/\udcff\0', bytes: 1, size: undefined } as const;
    remote.update(id, { command: 'STOR', transfer });
    remote.count('ftp_replies_total', { code: '150' });
    remote.audit({ event: 'upload', session: id, address: '192.0.2.1', user: undefined, path: '/ü' });
    expect(await remote.who()).toEqual(await local.who());
    expect(await remote.who()).toMatchObject([
      { id, worker: 'worker 1', command: 'STOR', transfer, user: undefined },
    ]);
    remote.update(id, { transfer: undefined });
    expect((await remote.who())[0]).toHaveProperty('transfer', undefined);
    expect(await remote.metrics()).toContain('ftp_replies_total{code="150"} 1\n');
    expect(await remote.log_in_failed(id, 'x')).toEqual({ delay_s: 1, banned: false });
    expect(await remote.log_in_failed(id, 'x')).toEqual({ delay_s: 2, banned: true });
    expect(records.map(({ event }) => event)).toEqual(['upload', 'banned']);
    remote.leave(id);
    expect(await remote.who()).toEqual([]);
    await expect(remote.log_in('nobody', { name: 'x' })).rejects.toThrow('there is no session nobody');
    expect(() => remote.throttle('alice', 'download', 0)).toThrow('rate must be above 0');
  });

  it('says no to nobody for whom a place has become free, on whichever worker', async () => {
    const { local, remote: one } = make_pair({ max_connections: 2, max_connections_per_address: 1 });
    const other = make_remote(local, 'worker 2');
    for (let i = 0; i < 20; i++) {
      const [first, second] = i % 2 === 0 ? [one, other] : [other, one];
      const id = await enter(first);
      expect(await second.enter('192.0.2.1', 1)).toEqual({
        refused: 'too many connections from this address',
      });
      expect(await first.log_in(id, { name: 'alice', max_sessions: 1 })).toBeUndefined();
      const rest = await enter(second, '192.0.2.2');
      expect(await second.log_in(rest, { name: 'alice', max_sessions: 1 })).toBe(
        'too many sessions of this user',
      );
      // What has just been said is not asked about before it is needed.
      if (i % 3 === 0) first.log_out(id);
      else first.leave(id);
      expect(await second.log_in(rest, { name: 'alice', max_sessions: 1 })).toBeUndefined();
      first.leave(id);
      second.leave(rest);
    }
    expect(await local.who()).toEqual([]);
    const counted = await local.metrics();
    expect(counted).toContain('ftp_refusals_total{reason="too many connections from this address"} 20\n');
    expect(counted).toContain('ftp_refusals_total{reason="too many sessions of this user"} 20\n');
    expect(counted).toContain('ftp_logins_total 40\n');
  });

  it('knows a ban on every worker when its cause is answered, and what log-ins have forgiven', async () => {
    const { local, remote: one } = make_pair({ bans: { failures: 3, delay_s: 1, ban_s: 60 } });
    const other = make_remote(local, 'worker 2');
    const [guess, open] = [await enter(one), await enter(other)];
    expect(await one.log_in_failed(guess, 'alice')).toEqual({ delay_s: 1, banned: false });
    expect(await other.log_in(open, { name: 'alice' })).toBeUndefined();
    expect(await one.log_in_failed(guess, 'alice')).toEqual({ delay_s: 1, banned: false });
    expect(await one.log_in_failed(guess, 'alice')).toEqual({ delay_s: 2, banned: false });
    expect(await one.log_in_failed(guess, 'alice')).toEqual({ delay_s: 4, banned: true });
    expect(await other.log_in(open, { name: 'alice' })).toBe('banned');
    expect(await one.log_in(guess, { name: 'alice' })).toBe('banned');
    expect(await other.enter('192.0.2.1', 1)).toEqual({ refused: 'banned' });
    // Another client is not.
    expect(await other.log_in(await enter(other, '192.0.2.2'), { name: 'alice' })).toBeUndefined();
  });

  it('a worker that says nothing keeps others waiting for a second at most', async () => {
    const { local, remote } = make_pair({ max_connections: 1 });
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    port2.on('message', () => {});
    serve_registry(local, endpoint_of(port1), 'worker 2');
    await enter(remote);
    expect(await remote.enter('192.0.2.2', 1)).toEqual({ refused: 'too many connections' });
    expect((await remote.who()).length).toBe(1);
  });

  it('keeps the order of all calls', async () => {
    const { records, audit } = make_audit();
    const { remote } = make_pair({ audit });
    const id = await enter(remote);
    for (let n = 0; n < 300; n++) {
      remote.audit({ event: 'command', session: id, address: 'a', n });
      if (n % 7 === 0) remote.who().catch(() => undefined);
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      remote.update(id, { command: String(n) });
    }
    expect((await remote.who())[0]?.command).toBe('299');
    expect(records.map(({ n }) => n)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });

  it('sends what one turn of the event loop brings in one message', async () => {
    const { local } = make_pair();
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serve_registry(local, endpoint_of(port1), 'worker 1');
    const inner = endpoint_of(port2);
    let posts = 0;
    const counting: Endpoint = {
      listen: (on_message, on_close) => inner.listen(on_message, on_close),
      post: (message) => {
        posts += 1;
        inner.post(message);
      },
    };
    const remote = new RemoteRegistry(counting);
    for (let i = 0; i < 1000; i++) remote.count('ftp_replies_total', { code: '200' });
    expect(await remote.metrics()).toContain('ftp_replies_total{code="200"} 1000\n');
    // The question, and what the main thread asks back.
    expect(posts).toBe(2);
  });

  it('leaves the messages of others on its channel alone', async () => {
    const { remote, port1, port2 } = make_pair();
    for (const message of [null, 1, 'text', {}, { ftp_registry: 1 }, [1]]) {
      port1.postMessage(message);
      port2.postMessage(message);
    }
    expect(await remote.who()).toEqual([]);
  });

  it('a mistake of a worker is a warning, and not the end of the server', async () => {
    const { remote } = make_pair();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    remote.count('not a name', {});
    expect(await remote.who()).toEqual([]);
    expect(warn.mock.calls.map(([warning]) => String(warning))).toEqual([
      expect.stringContaining('"not a name"'),
    ]);
  });

  it('rejects what nobody will answer when the main thread has gone', async () => {
    const { remote, port1 } = make_pair();
    const id = await enter(remote);
    const waiting = expect(remote.throttle('a', 'download', 1).take(1000)).rejects.toThrow(
      'the registry has gone',
    );
    port1.close();
    await waiting;
    await expect(remote.who()).rejects.toThrow('the registry has gone');
    remote.leave(id);
    remote.update(id, {});
  });

  it('a quota through it is the same quota', async () => {
    const { local, remote } = make_pair();
    const { home } = await make_home();
    const limits = { home, max_bytes: 1000, max_files: Infinity };
    const here = new DiskFileSystem(home, { quota: local.quota(limits) });
    const there = new DiskFileSystem(home, { quota: remote.quota(limits) });
    await put(there, '/a', Buffer.alloc(600));
    const upload = await begin(here, '/b', Buffer.alloc(300));
    expect(await code(put(there, '/c', Buffer.alloc(101)))).toBe('EDQUOT');
    await upload.commit();
    await put(there, '/c', Buffer.alloc(100));
    const full = { bytes: 1000, files: 3, max_bytes: 1000, max_files: Infinity };
    expect(await there.usage()).toEqual(full);
    expect(await here.usage()).toEqual(full);
  });
});

const FIXTURE = new URL('fixtures/worker.mjs', import.meta.url);

/** A worker of either kind: has it do something, or kills it. */
interface Subject {
  ask(command: string, ...args: unknown[]): Promise<unknown>;
  kill(): Promise<void>;
}

/** What a worker says to a test. */
function is_reply(message: unknown): message is { done: number; result?: unknown; error?: string } {
  return typeof message === 'object' && message !== null && 'done' in message;
}

const KINDS = {
  thread: () => {
    const worker = new Worker(FIXTURE);
    return {
      peer: worker,
      send: (message: object) => worker.postMessage(message),
      kill: () => void worker.terminate(),
    };
  },
  process: () => {
    const child = fork(FIXTURE);
    return {
      peer: child,
      send: (message: object) => void child.send(message),
      kill: () => void child.kill('SIGKILL'),
    };
  },
};

async function start(kind: keyof typeof KINDS, registry: LocalRegistry, name = 'worker 1'): Promise<Subject> {
  const { peer, send, kill } = KINDS[kind]();
  // Both are emitters; `on` of the two has no common type.
  const emitter: EventEmitter = peer;
  const exited = once(emitter, 'exit');
  onTestFinished(() => {
    kill();
    return exited.then(() => undefined);
  });
  serve_registry(registry, endpoint_of(peer), name);
  const waiting = new Map<number, (message: { result?: unknown; error?: string }) => void>();
  const ready = new Promise<void>((resolve) => {
    emitter.on('message', (message: unknown) => {
      if (is_reply(message)) waiting.get(message.done)?.(message);
      else if (typeof message === 'object' && message !== null && 'ready' in message) resolve();
    });
  });
  await ready;
  let last = 0;
  return {
    ask: (command, ...args) => {
      const id = ++last;
      send({ command, args, id });
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result, error }) =>
          error === undefined ? resolve(result) : reject(new Error(error)),
        );
      });
    },
    kill: async () => {
      kill();
      await exited;
    },
  };
}

describe.each(['thread', 'process'] as const)('a worker that is a %s', (kind) => {
  it('shares limits with the others, and leaves nothing when it dies', async () => {
    const registry = new LocalRegistry({ max_connections_per_address: 2 });
    const { home, files } = await make_home();
    await put(files, '/a', Buffer.alloc(100));
    const limits = { home, max_bytes: 1000, max_files: 10 };
    const worker = await start(kind, registry);
    const entered = await worker.ask('enter', '192.0.2.1');
    expect(entered).toEqual({ id: expect.any(String) });
    const id = (await registry.who())[0]?.id;
    expect(await worker.ask('log_in', id, { name: 'alice', max_sessions: 1 })).toBeUndefined();
    const here = await registry.enter('192.0.2.1', 2);
    if ('refused' in here) throw new Error(here.refused);
    expect(await worker.ask('enter', '192.0.2.1')).toEqual({
      refused: 'too many connections from this address',
    });
    expect(await registry.log_in(here.id, { name: 'alice', max_sessions: 1 })).toBe(
      'too many sessions of this user',
    );
    expect(await worker.ask('take', limits, 700, 700, 3)).toBe(700);
    expect(await worker.ask('take', limits, 300, 300, 0)).toBeUndefined();
    expect(await registry.quota(limits).take(300, 300, 0)).toBeUndefined();
    expect(await worker.ask('usage', { ...limits, max_files: 12 })).toMatchObject({
      bytes: 100,
      max_files: 12,
    });
    expect(await worker.ask('who')).toMatchObject([
      { worker: 'worker 1', user: 'alice' },
      { worker: 'main' },
    ]);
    // It dies while it waits for bytes, for which others then do not wait.
    await worker.ask('wait', 'alice', 1000);
    await worker.kill();
    await vi.waitFor(async () => expect(await registry.who()).toMatchObject([{ worker: 'main' }]), 10_000);
    await registry.throttle('alice', 'download', 1000).take(1);
    expect(await registry.log_in(here.id, { name: 'alice', max_sessions: 1 })).toBeUndefined();
    expect(await registry.enter('192.0.2.1', 3)).toHaveProperty('id');
    expect(await registry.quota(limits).take(900, 900, 9)).toBe(900);
  });

  it('one that ends by itself leaves as well', async () => {
    const registry = new LocalRegistry();
    const worker = await start(kind, registry);
    await worker.ask('enter', '192.0.2.1');
    worker.ask('exit').catch(() => undefined);
    await vi.waitFor(async () => expect(await registry.who()).toEqual([]), 10_000);
  });

  it('shares the rate of a user', async () => {
    const registry = new LocalRegistry();
    const rate = 400_000;
    const workers = await Promise.all(['1', '2'].map((name) => start(kind, registry, name)));
    const begun = performance.now();
    await Promise.all(
      workers.flatMap((worker) => [
        worker.ask('send', 'alice', rate, 20_000, 100_000),
        worker.ask('send', 'alice', rate, 5000, 100_000),
      ]),
    );
    const seconds = (performance.now() - begun) / 1000;
    expect(400_000).toBeLessThanOrEqual(rate * (seconds + 0.05));
  });
});
