// Selectors against a model: random registrations, data, closings and waits, on all three kinds, blocking and not.
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { open_descriptors } from '../native/descriptors.js';

const SOCKETS = 4;
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Selector = selectors.BaseSelector<number, socket.socket>;
type Told = [index: number, events: number][];

/** What is known of one pair of sockets: what it is registered for, and whether there is something to read. */
interface Known {
  readonly sock: socket.socket;
  readonly other: socket.socket;
  events: number;
  readable: boolean;
}

/** What a selector has to tell. */
const expected = (all: readonly Known[]): Told =>
  all
    .map(({ events, readable }, index): [number, number] => [
      index,
      events & (readable ? 3 : selectors.EVENT_WRITE),
    ])
    .filter(([, events]) => events !== 0);

const told = (ready: selectors.Ready<number, socket.socket>): Told =>
  ready.map(([key, events]): [number, number] => [key.data, events]).sort(([x], [y]) => x - y);

type Step = readonly [
  kind: 'change' | 'send' | 'recv' | 'end' | 'select' | 'select_async' | 'turn',
  index: number,
  events: number,
];
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('change', 'change', 'send', 'recv', 'end', 'select', 'select_async', 'turn'),
  fc.nat(SOCKETS - 1),
  fc.nat(3),
);

function change(sel: Selector, known: Known, index: number, events: number): void {
  if (known.events === 0 && events !== 0) sel.register(known.sock, events, index);
  else if (events === 0 && known.events !== 0) sel.unregister(known.sock);
  else if (events !== 0) sel.modify(known.sock, events, index);
  known.events = events;
}

/** Whether the promise settles: by another thread's doing where libuv is not used, hence not within so many turns. */
async function settles(waiting: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  waiting.then(done, done);
  const deadline = performance.now() + 10_000;
  while (!settled && performance.now() < deadline) await turn();
  return settled;
}

async function play(sel: Selector, steps: readonly Step[]): Promise<void> {
  const all = Array.from({ length: SOCKETS }, (): Known => {
    const [sock, other] = socket.socketpair();
    return { sock, other, events: 0, readable: false };
  });
  let waiting: Promise<selectors.Ready<number, socket.socket>> | undefined;
  try {
    for (const [kind, index, events] of steps) {
      const known = all[index] as Known;
      if (kind === 'change') change(sel, known, index, events);
      if (kind === 'send' && known.other.fileno() >= 0) {
        known.other.send('x');
        known.readable = true;
      }
      if (kind === 'recv' && known.readable && known.other.fileno() >= 0) {
        known.sock.recv(1_000);
        known.readable = false;
      }
      if (kind === 'end') {
        known.other.close();
        known.readable = true;
      }
      if (kind === 'select') expect(told(sel.select(0))).toEqual(expected(all));
      if (kind === 'select_async') waiting ??= sel.select_async();
      if (kind !== 'turn' || waiting === undefined) continue;
      if (expected(all).length === 0) {
        await turn();
        continue;
      }
      expect(await settles(waiting)).toBe(true);
      // It may have been told before the last step.
      for (const [one] of told(await waiting)) expect(one).toBeLessThan(SOCKETS);
      waiting = undefined;
      expect(told(await sel.select_async(0))).toEqual(expected(all));
    }
    if (waiting !== undefined) {
      const outcome = waiting.then(told, (error: { code: string }) => error.code);
      sel.close();
      const result = await outcome;
      if (result !== 'ECANCELED') expect(result.length).toBeGreaterThan(0);
    }
  } finally {
    sel.close();
    for (const { sock, other } of all) {
      sock.close();
      other.close();
    }
  }
}

test.each(
  [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector].map((Class) => ({
    name: Class.name,
    Class,
  })),
)(
  '$name tells what is ready, whatever happens',
  async ({ Class }) => {
    // The first wait of an environment makes the descriptor that all waits share.
    const first = new Class();
    await first.select_async(0);
    first.close();
    const before = open_descriptors();
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await play(new Class<number, socket.socket>(), steps);
    });
    await fc.assert(property, { numRuns: 300 });
    expect(open_descriptors()).toBe(before);
    expect(unhandled).toEqual([]);
  },
  60_000,
);
