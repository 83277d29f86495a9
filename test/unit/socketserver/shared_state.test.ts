// The shared state of a pool: two objects on one memory, as its threads and processes have them; and the waits on it.
import { expect, test } from 'vitest';
import { Condition, Room } from '../../../dist/socketserver/pool/condition.js';
import { allocate_state, close_memory, SharedState } from '../../../dist/socketserver/pool/shared_state.js';

function pair(kind: 'thread' | 'process', workers = 2): [SharedState, SharedState] {
  const memory = allocate_state(kind, workers);
  const states: [SharedState, SharedState] = [new SharedState(memory), new SharedState(memory)];
  close_memory(memory);
  return states;
}

test.each(['thread', 'process'] as const)('a %s sees what another writes', (kind) => {
  const [manager, worker] = pair(kind);
  const slot = worker.slot(1);
  const seen = manager.slot(1);
  manager.add_ready(1);
  expect([worker.ready, worker.has_room(), seen.client_address]).toEqual([1, true, null]);

  slot.begin(['127.0.0.1', 80], false);
  expect([seen.is_busy, seen.serial, seen.client_address]).toEqual([true, 1, ['127.0.0.1', 80]]);
  expect([manager.in_flight, manager.has_room(), manager.has_room(1)]).toEqual([1, false, true]);
  slot.finish();
  expect([seen.is_busy, manager.in_flight, manager.finished, manager.take_peak()]).toEqual([false, 0, 1, 1]);
  expect([manager.queuing, manager.slot(0).is_busy]).toEqual([1, false]);

  slot.begin(Buffer.from('\0abstract'), false);
  expect(seen.client_address).toEqual(Buffer.from('\0abstract'));
  slot.begin('x'.repeat(300), false);
  expect(seen.client_address).toBe(null);
});

test('the listener is one word of descriptor and generation', () => {
  const [manager, worker] = pair('thread');
  expect(worker.listener).toBe(undefined);
  for (const listener of [
    { fd: 0, generation: 0 },
    { fd: 2 ** 31 - 2, generation: 2 ** 32 - 1 },
  ]) {
    manager.listener = listener;
    expect(worker.listener).toEqual(listener);
  }
  manager.listener = undefined;
  expect(worker.listener).toBe(undefined);
});

test('the words of the state do not overlap', () => {
  const [state] = pair('thread', 3);
  state.listener = { fd: 7, generation: 9 };
  state.set_handled_signals(-1);
  for (let index = 0; index < 3; index++) state.slot(index).begin('y'.repeat(254), true);
  expect(state.listener).toEqual({ fd: 7, generation: 9 });
  expect([...state.handled_signals]).toEqual([255, 255, 255, 255]);
  expect([state.ready, state.in_flight, state.finished, state.take_peak()]).toEqual([0, 0, 0, 3]);
  for (let index = 0; index < 3; index++) expect(state.slot(index).client_address).toBe('y'.repeat(254));
});

test('lost requests are no longer in flight', () => {
  const [state] = pair('thread');
  for (let i = 0; i < 5; i++) state.count_dispatched();
  state.count_discarded(2);
  expect([state.in_flight, state.reset_in_flight(), state.in_flight]).toEqual([3, 3, 0]);
});

test('one worker notifies the manager, once fewer requests are in flight', () => {
  const [state] = pair('thread');
  for (let i = 0; i < 2; i++) state.count_dispatched();
  expect(state.must_notify()).toBe(false);
  state.notify_below(2);
  state.notify_below(1);
  expect(state.must_notify()).toBe(false);
  state.count_finished();
  expect([state.must_notify(), state.must_notify()]).toEqual([true, false]);
});

test('a waiter tests its condition again when it is notified', async () => {
  const [state] = pair('thread');
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
  const [state] = pair('thread');
  const changed = new Condition(state);
  const closing = new AbortController();
  const room = new Room(state, changed, closing.signal);
  const waited = room.wait(0, new AbortController().signal);
  expect(room.is_short).toBe(true);
  state.add_ready(1);
  changed.notify_all();
  await waited;
  room.request_queued();
  expect(room.is_short).toBe(false);
  const stopped = new AbortController();
  const again = room.wait(0, stopped.signal);
  stopped.abort();
  await again;
  expect(room.is_short).toBe(false);
});
