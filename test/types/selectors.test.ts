// The types of selectors: what is attached and what registers can be said, and keys know it.
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { expectTypeOf, test } from 'vitest';

test('keys have the types of the selector', async () => {
  type Callback = (sock: socket.socket, mask: number) => void;
  const sel = new selectors.DefaultSelector<Callback, socket.socket>();
  const sock = socket.socket();
  const called: unknown[] = [];
  const key = sel.register(sock, selectors.EVENT_WRITE, (one, mask) => called.push(one, mask));
  expectTypeOf(key).toEqualTypeOf<selectors.SelectorKey<Callback, socket.socket>>();
  expectTypeOf(sel.select).returns.toEqualTypeOf<selectors.Ready<Callback, socket.socket>>();
  expectTypeOf(sel.select_async).returns.toEqualTypeOf<Promise<selectors.Ready<Callback, socket.socket>>>();
  for (const [{ fileobj, data, fd }, mask] of sel.select(0)) {
    expectTypeOf(fd).toEqualTypeOf<number>();
    data(fileobj, mask);
  }
  expectTypeOf(key[0]).toEqualTypeOf<socket.socket>();
  expectTypeOf(key[3]).toEqualTypeOf<Callback>();
  expectTypeOf(sel.get_map()).toEqualTypeOf<selectors.SelectorMap<Callback, socket.socket> | null>();
  const wrong = [
    // @ts-expect-error data is a function
    () => sel.register(sock, selectors.EVENT_READ, 'x'),
    // @ts-expect-error only sockets register
    () => sel.register(3, selectors.EVENT_READ),
    // @ts-expect-error events are a number
    () => sel.register(sock, 'read'),
    // @ts-expect-error a time-out is a number
    () => sel.select('1'),
    // @ts-expect-error a signal is an AbortSignal
    () => sel.select_async(1, { signal: 1 }),
    // @ts-expect-error a time-out is a number, in the options as well
    () => sel.select_async({ timeout: '1' }),
    // @ts-expect-error the options are the last argument
    () => sel.select_async({ timeout: 1 }, {}),
  ];
  expectTypeOf(wrong).toBeArray();
  sel.close();
  sock.close();
});

test('without them anything is attached, and whatever has a descriptor registers', () => {
  const sel = selectors.PollSelector();
  const sock = promises.socket();
  const key = sel.register(sock, selectors.EVENT_WRITE, { any: 'thing' });
  sel.register(0, selectors.EVENT_READ);
  expectTypeOf(key.data).toBeUnknown();
  expectTypeOf(key.fileobj).toEqualTypeOf<selectors.FileObject>();
  // @ts-expect-error a path has no descriptor
  expectTypeOf(() => sel.register('/tmp/path', 1)).toBeFunction();
  sel.close();
  sock.close();
});

test('select gives the elements of the lists', () => {
  const [a, b] = socket.socketpair();
  const [readable, writable, exceptional] = selectors.select([a], [b.fileno()], [], 0);
  expectTypeOf(readable).toEqualTypeOf<(typeof a)[]>();
  expectTypeOf(writable).toEqualTypeOf<number[]>();
  expectTypeOf(exceptional).toEqualTypeOf<never[]>();
  // @ts-expect-error a socket is no list
  expectTypeOf(() => selectors.select(a, [], [])).toBeFunction();
  const poller = selectors.poll();
  expectTypeOf(poller).toEqualTypeOf<selectors.poll>();
  expectTypeOf(poller.poll).returns.toEqualTypeOf<[fd: number, events: number][]>();
  const watcher: selectors.epoll = selectors.epoll();
  expectTypeOf(watcher.closed).toBeBoolean();
  watcher.close();
  a.close();
  b.close();
});
