// fan_out without a network: how many at once, batches, canaries, failures that stop it, retries, a stop by the user.

import { describe, expect, it } from 'vitest';
import { FleetFailure } from '../../dist/failure.js';
import { fan_out, type Operation } from '../../dist/run/fan_out.js';
import type { FailureClass, FleetEvent, Host, Limits } from '../../dist/types.js';

const hosts = (count: number): Host[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    address: '',
    port: 22,
    user: '',
    groups: [],
    variables: {},
    jumps: [],
    identity_files: [],
    known_hosts_files: [],
  }));

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function run(count: number, limits: Partial<Limits>, operation: Operation, signal?: AbortSignal) {
  const events: FleetEvent[] = [];
  const all = { connect_timeout: 1, fanout: 4, retries: 0, ...limits };
  const outcomes = await fan_out(hosts(count), all, operation, (event) => events.push(event), signal);
  const words = outcomes.map(({ ok, failure }) => (ok ? 'ok' : (failure ?? '')));
  return { outcomes, words, events };
}

const failing =
  (names: readonly string[], failure: FailureClass = 'refused'): Operation =>
  async ({ name }) => {
    await turn();
    if (names.includes(name)) throw new FleetFailure(failure, 'why');
  };

describe('fan_out', () => {
  it('has at most fanout hosts at once, and all in the end', async () => {
    let now = 0;
    let most = 0;
    const { words } = await run(20, { fanout: 3 }, async () => {
      most = Math.max(most, ++now);
      await turn();
      now--;
    });
    expect(most).toBe(3);
    expect(words).toEqual(Array(20).fill('ok'));
  });

  it('ends a batch before the next one', async () => {
    const { events } = await run(5, { serial: 2 }, failing([]));
    const order = events.map((event) =>
      event.type === 'begin' ? `+${event.host}` : event.type === 'end' ? '-' : '',
    );
    expect(order).toEqual(['+h1', '+h2', '-', '-', '+h3', '+h4', '-', '-', '+h5', '-']);
  });

  it('stops after a canary that fails, and after too many failures', async () => {
    expect((await run(4, { canary: 2 }, failing(['h2']))).words).toEqual([
      'ok',
      'refused',
      'stopped',
      'stopped',
    ]);
    expect((await run(4, { canary: 2 }, failing(['h3']))).words).toEqual(['ok', 'ok', 'refused', 'ok']);
    const two = await run(5, { fanout: 1, max_failures: 2 }, failing(['h1', 'h2', 'h4']));
    expect(two.words).toEqual(['refused', 'refused', 'stopped', 'stopped', 'stopped']);
    expect(two.outcomes[2]).toMatchObject({ reason: 'not begun: 2 failed before', attempts: 0 });
    const percent = await run(10, { fanout: 1, max_failures: '20%' }, failing(['h1', 'h3']));
    expect(percent.words.slice(0, 4)).toEqual(['refused', 'ok', 'refused', 'stopped']);
  });

  it('tries again what may pass, and not what will not', async () => {
    let left = 2;
    const passing = await run(1, { retries: 3 }, async () => {
      if (left-- > 0) throw new FleetFailure('cut-off', 'why');
    });
    expect(passing.outcomes[0]).toMatchObject({ ok: true, attempts: 3 });
    const lasting = await run(1, { retries: 3 }, failing(['h1'], 'host-key'));
    expect(lasting.outcomes[0]).toMatchObject({ failure: 'host-key', attempts: 1 });
    expect((await run(1, { retries: 1 }, failing(['h1']))).outcomes[0]).toMatchObject({ attempts: 2 });
  });

  it('gives each host a signal of its own, so that Node warns of no leak', async () => {
    const warnings: Error[] = [];
    const on_warning = (warning: Error) => warnings.push(warning);
    process.on('warning', on_warning);
    const stop = new AbortController();
    let stopped = 0;
    const waiting: Operation = (_host, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped++;
          reject(new FleetFailure('stopped', 'why'));
        });
      });
    const running = run(40, { fanout: 40 }, waiting, stop.signal);
    await turn();
    stop.abort();
    expect((await running).words).toEqual(Array(40).fill('stopped'));
    await turn();
    process.removeListener('warning', on_warning);
    expect([stopped, warnings]).toEqual([40, []]);
  });

  it('keeps one host with a fault of ours from ending the others', async () => {
    const { outcomes } = await run(2, {}, async ({ name }) => {
      if (name === 'h1') throw new TypeError('slip');
    });
    expect(outcomes).toMatchObject([{ ok: false, reason: 'internal error: slip' }, { ok: true }]);
  });

  it('begins no more after a stop', async () => {
    const stop = new AbortController();
    const { words } = await run(
      3,
      { fanout: 1 },
      async () => {
        stop.abort();
      },
      stop.signal,
    );
    expect(words).toEqual(['ok', 'stopped', 'stopped']);
  });

  it('lets those go on that have begun if it is to drain', async () => {
    const drain = new AbortController();
    const ends = async () => {
      drain.abort();
      await turn();
    };
    const limits = { connect_timeout: 1, fanout: 2, retries: 0 };
    const outcomes = await fan_out(hosts(4), limits, ends, () => {}, undefined, drain.signal);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false, false]);
  });

  it.each([
    [{ fanout: 0 }, 'fanout must be an integer of 1 or more, not 0'],
    [{ serial: 1.5 }, 'serial must be an integer of 1 or more, not 1.5'],
    [{ canary: -1 }, 'canary must be'],
    [{ retries: -1 }, 'retries must be an integer of 0 or more, not -1'],
    [{ max_failures: 0 }, 'max_failures must be an integer of 1 or more, or a percentage as "10%", not 0'],
    [{ max_failures: '101%' as const }, 'max_failures must be'],
    [{ connect_timeout: 0 }, 'connect_timeout must be seconds above 0'],
    [{ command_timeout: Number.NaN }, 'command_timeout must be seconds'],
  ])('refuses %j', async (limits, message) => {
    await expect(run(1, limits, failing([]))).rejects.toThrow(message);
  });
});
