// The shared state of a pool: two objects on one memory, as its threads and processes have them; and the waits on it.
import { expect, test } from 'vitest';
import { Condition, Room } from '../../../lib/socketserver/pool/condition.js';
import { ProcessPoolState } from '../../../lib/socketserver/pool/state/process_state.js';
import { allocate_state, SharedState } from '../../../lib/socketserver/pool/state/shared_state.js';
import { LongTotals } from '../../../lib/socketserver/watch/totals.js';

function pair(workers = 2): [SharedState, SharedState] {
  const memory = allocate_state(workers);
  return [new SharedState(memory), new SharedState(memory)];
}

/** Returns the state of a pool with `count` child processes: as its manager has it, and as each child has its own. */
function processes(count: number, on_nonsense = () => {}) {
  const manager = new ProcessPoolState(allocate_state(0));
  const children = Array.from({ length: count }, () => {
    const child = manager.add_child(on_nonsense);
    const own = new SharedState({ fd: child.fd });
    child.close();
    manager.add_ready(1);
    return { child, own, slot: own.slot(0) };
  });
  return { manager, children };
}

test('a thread sees what another writes', () => {
  const [manager, worker] = pair();
  const slot = worker.slot(1);
  const seen = manager.slot(1);
  manager.add_ready(1);
  expect([worker.ready, worker.has_room(), seen.client_address]).toEqual([1, true, null]);

  slot.begin(['127.0.0.1', 80], false);
  expect([seen.is_busy, seen.serial, seen.client_address]).toEqual([true, 1, ['127.0.0.1', 80]]);
  expect([manager.in_flight, manager.has_room(), manager.has_room(1)]).toEqual([1, false, true]);
  slot.finish();
  expect([seen.is_busy, manager.in_flight, manager.finished, manager.take_peak()]).toEqual([false, 0, 1, 1]);
  expect(manager.slot(0).is_busy).toBe(false);

  slot.begin(Buffer.from('\0abstract'), false);
  expect(seen.client_address).toEqual(Buffer.from('\0abstract'));
  slot.begin('x'.repeat(300), false);
  expect(seen.client_address).toBe(null);
});

test('the manager sees what child processes do, and each its own memory', () => {
  const { manager, children } = processes(2);
  const [{ child, own, slot } = {}, other] = children;
  if (child === undefined || own === undefined || slot === undefined) throw new Error();
  for (let i = 0; i < 3; i++) manager.count_dispatched();
  expect([manager.in_flight, manager.has_room(), manager.has_room(2)]).toEqual([3, false, true]);
  slot.begin(['127.0.0.1', 80], true);
  expect([child.slot.is_busy, child.slot.client_address]).toEqual([true, ['127.0.0.1', 80]]);
  expect([other?.child.slot.is_busy, manager.in_flight, manager.finished]).toEqual([false, 3, 0]);
  slot.finish();
  expect([manager.in_flight, manager.finished, manager.take_peak(), manager.take_peak()]).toEqual([
    2, 1, 1, 0,
  ]);
  manager.set_handled_signals(5);
  expect([...own.handled_signals]).toEqual([5, 0, 0, 0]);
  slot.begin('x', true);
  slot.finish();
  manager.remove_child(child);
  expect([manager.in_flight, manager.reset_in_flight(), manager.in_flight]).toEqual([1, 1, 0]);
});

test('the manager counts what child processes take from the listener by themselves', () => {
  const { manager, children } = processes(2);
  const [first, second] = children;
  expect(manager.is_taking).toBe(false);
  expect([first?.slot.take(), manager.is_taking]).toEqual([true, true]);
  first?.slot.begin(['127.0.0.1', 80], false);
  expect([manager.is_taking, manager.in_flight, manager.dispatched, manager.ready]).toEqual([false, 1, 1, 2]);
  // One that was on the queue is counted by whoever has put it there.
  manager.count_dispatched();
  second?.slot.begin('', true);
  expect([manager.in_flight, manager.take_peak()]).toEqual([2, 2]);
  first?.slot.finish();
  second?.slot.finish();
  first?.slot.begin('', false);
  first?.slot.finish();
  expect([manager.in_flight, manager.dispatched, manager.finished]).toEqual([0, 3, 3]);
});

test('a worker that is retired takes no further request', () => {
  const { children } = processes(2);
  const [retired, other] = children;
  retired?.child.slot.retire();
  expect([retired?.slot.take(), other?.slot.take()]).toEqual([false, true]);
  retired?.child.slot.reset();
  expect(retired?.slot.take()).toBe(true);
});

test('each of the child processes notifies once, when it has finished its next request', () => {
  const { manager, children } = processes(2);
  const handle = (index: number) => {
    children[index]?.slot.begin('', false);
    children[index]?.slot.finish();
    return children[index]?.own.must_notify();
  };
  expect(handle(0)).toBe(false);
  // Nothing is in flight: whoever asks need not wait.
  manager.notify_below(1);
  expect(handle(0)).toBe(false);
  children[1]?.slot.begin('', false);
  manager.notify_below(1);
  children[1]?.slot.finish();
  expect([children[1]?.own.must_notify(), children[1]?.own.must_notify()]).toEqual([true, false]);
  expect([handle(0), handle(0)]).toEqual([true, false]);
});

test.each([
  ['zeros', (words: Int32Array) => words.fill(0)],
  ['ones', (words: Int32Array) => words.fill(-1)],
  ['noise', (words: Int32Array) => words.set(words.map((_, i) => i * 2654435761))],
])('a child that overwrites its memory with %s is found out, and counts nothing', (_, overwrite) => {
  let found = 0;
  const { manager, children } = processes(2, () => found++);
  const [mad, sane] = children;
  for (let i = 0; i < 4; i++) manager.count_dispatched();
  mad?.slot.begin('', true);
  mad?.slot.finish();
  expect([manager.in_flight, found]).toEqual([3, 0]);
  overwrite(new Int32Array(mad?.own.handled_signals.buffer ?? new ArrayBuffer(0)));
  sane?.slot.begin('', true);
  sane?.slot.finish();
  expect([manager.in_flight, found > 0, manager.ready]).toEqual([2, true, 2]);
  expect([null, 0, -1]).toContain(mad?.child.slot.client_address ?? null);
});

test('the totals of children are those of the pool, also of one that has ended', () => {
  const { manager, children } = processes(2);
  const totals = new LongTotals();
  const counts = () => {
    manager.collect_totals();
    return totals.counts(manager.totals, manager);
  };
  for (const { own, slot } of children) {
    slot.begin('', false);
    own.totals.count_time(0.25);
    own.totals.count_time(0.75);
    own.totals.count_error();
    slot.finish();
    slot.begin('', false);
    own.totals.count_refused(0);
    slot.finish();
  }
  const sums = { accepted: 4, handled: 2, errors: 2, active: 0, request_seconds: 0.002, workers: 2 };
  expect(counts()).toMatchObject(sums);
  expect(counts().refused.proxy_protocol).toBe(2);
  manager.remove_child(children[0]?.child as never);
  expect(counts()).toMatchObject(sums);
});

test.each<[string, (own: SharedState) => void]>([
  ['more errors than requests', ({ totals }) => totals.count_error()],
  ['more time than it lives', ({ totals }) => totals.count_time(1e7)],
  ['refusals that go back', ({ totals }) => totals.add_all(new Int32Array([0, 0, 0, 0, -1]))],
])('a child that counts %s is found out, and its totals count nothing', (_, count) => {
  let found = 0;
  const { manager, children } = processes(1, () => found++);
  count(children[0]?.own as SharedState);
  manager.collect_totals();
  expect(found).toBe(1);
  expect(new LongTotals().counts(manager.totals, manager)).toMatchObject({ errors: 0, request_seconds: 0 });
});

test('events that are listened to are known in children that start later, too', () => {
  const { manager, children } = processes(1);
  manager.set_events(5);
  expect(children[0]?.own.totals.events).toBe(5);
  const late = manager.add_child(() => {});
  expect(new SharedState({ fd: late.fd }).totals.events).toBe(5);
  late.close();
});

test('a child cannot finish more than is in flight', () => {
  const { manager, children } = processes(1);
  manager.count_dispatched();
  for (let i = 0; i < 5; i++) {
    children[0]?.slot.begin('', true);
    children[0]?.slot.finish();
  }
  expect(manager.in_flight).toBe(0);
  manager.count_dispatched();
  expect(manager.in_flight).toBe(1);
});

test('the words of the state do not overlap', () => {
  const [state] = pair(3);
  state.set_handled_signals(-1);
  for (let index = 0; index < 3; index++) state.slot(index).begin('y'.repeat(254), true);
  expect([...state.handled_signals]).toEqual([255, 255, 255, 255]);
  expect([state.ready, state.in_flight, state.finished, state.take_peak()]).toEqual([0, 0, 0, 3]);
  for (let index = 0; index < 3; index++) expect(state.slot(index).client_address).toBe('y'.repeat(254));
});

test('lost requests are no longer in flight', () => {
  const [state] = pair();
  for (let i = 0; i < 5; i++) state.count_dispatched();
  state.count_discarded(2);
  expect([state.in_flight, state.reset_in_flight(), state.in_flight]).toEqual([3, 3, 0]);
});

test('one worker notifies the manager, once fewer requests are in flight', () => {
  const [state] = pair();
  for (let i = 0; i < 2; i++) state.count_dispatched();
  expect(state.must_notify()).toBe(false);
  state.notify_below(2);
  state.notify_below(1);
  expect(state.must_notify()).toBe(false);
  state.count_finished();
  expect([state.must_notify(), state.must_notify()]).toEqual([true, false]);
});

test('a waiter tests its condition again when it is notified', async () => {
  const [state] = pair();
  const changed = new Condition(state);
  let holds = false;
  const waited = changed.until(() => holds);
  changed.notify_all();
  expect(
    await changed.until(
      () => false,
      () => 0,
      10,
    ),
  ).toBe(false);
  holds = true;
  changed.notify_all();
  expect(await waited).toBe(true);
});

test('a request that waits for room makes workers short', async () => {
  const [state] = pair();
  const changed = new Condition(state);
  const closing = new AbortController();
  const room = new Room(state, changed, closing.signal);
  const waited = room.wait(new AbortController().signal);
  expect(room.is_short).toBe(true);
  state.add_ready(1);
  changed.notify_all();
  await waited;
  state.count_dispatched();
  expect(room.is_short).toBe(false);
  const stopped = new AbortController();
  const again = room.wait(stopped.signal);
  stopped.abort();
  await again;
  expect(room.is_short).toBe(false);
});
