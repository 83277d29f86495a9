// Selectors against a model: random registrations, data, closings and waits, on all three classes, blocking and not.
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

const SOCKETS = 4;
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Selector = selectors.BaseSelector<number, socket.socket>;
type Events = [index: number, events: number][];

/** The model of one pair of sockets: the events it is registered for, and true in `readable` if data waits. */
interface Pair {
  readonly sock: socket.socket;
  readonly other: socket.socket;
  events: number;
  readable: boolean;
}

/** Returns the correct result of a select(). */
const expected = (all: readonly Pair[]): Events =>
  all
    .map(({ events, readable }, index): [number, number] => [
      index,
      events & (readable ? 3 : selectors.EVENT_WRITE),
    ])
    .filter(([, events]) => events !== 0);

const events_of = (ready: selectors.Ready<number, socket.socket>): Events =>
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

function change(sel: Selector, pair: Pair, index: number, events: number): void {
  if (pair.events === 0 && events !== 0) sel.register(pair.sock, events, index);
  else if (events === 0 && pair.events !== 0) sel.unregister(pair.sock);
  else if (events !== 0) sel.modify(pair.sock, events, index);
  pair.events = events;
}

/**
 * Returns true if the promise settles. Without libuv another thread settles it, so no fixed number of turns of the event loop is
 * enough.
 */
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
  const all = Array.from({ length: SOCKETS }, (): Pair => {
    const [sock, other] = socket.socketpair();
    return { sock, other, events: 0, readable: false };
  });
  let waiting: Promise<selectors.Ready<number, socket.socket>> | undefined;
  try {
    for (const [kind, index, events] of steps) {
      const pair = all[index] as Pair;
      if (kind === 'change') change(sel, pair, index, events);
      if (kind === 'send' && pair.other.fileno() >= 0) {
        pair.other.send('x');
        pair.readable = true;
      }
      if (kind === 'recv' && pair.readable && pair.other.fileno() >= 0) {
        pair.sock.recv(1_000);
        pair.readable = false;
      }
      if (kind === 'end') {
        pair.other.close();
        pair.readable = true;
      }
      if (kind === 'select') expect(events_of(sel.select(0))).toEqual(expected(all));
      if (kind === 'select_async') waiting ??= sel.select_async();
      if (kind !== 'turn' || waiting === undefined) continue;
      if (expected(all).length === 0) {
        await turn();
        continue;
      }
      expect(await settles(waiting)).toBe(true);
      // The promise may have resolved before the last step, so its events may be outdated.
      for (const [one] of events_of(await waiting)) expect(one).toBeLessThan(SOCKETS);
      waiting = undefined;
      expect(events_of(await sel.select_async(0))).toEqual(expected(all));
    }
    if (waiting !== undefined) {
      const outcome = waiting.then(events_of, (error: { code: string }) => error.code);
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
    // The first wait of an environment opens the descriptor that all waits share.
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
