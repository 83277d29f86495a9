/**
 * The selectors: what is registered and how, what select() tells, closed file objects, closed selectors, wrong arguments.
 */
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import {
  attempt,
  bound,
  connected,
  content,
  file_fd,
  keep,
  listener,
  make,
  pair,
  partner,
  waited,
} from './stage.js';

const { scenario } = theme('selectors');
const { EVENT_READ, EVENT_WRITE } = selectors;
const BOTH = EVENT_READ | EVENT_WRITE;

type AnySelector = selectors.BaseSelector<unknown, unknown>;

/** What select() gave as sorted [data, events]. */
const told = (ready: selectors.Ready<unknown, unknown>) =>
  ready.map(([key, events]) => [key.data, events]).sort();
/** The same in Python, and what both sides of a scenario begin with. */
const BEGIN = py`
sel = keep(selectors.NAME())
def told(ready):
    return sorted([key.data, events] for key, events in ready)
`;

for (const Selector of [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector]) {
  /** A scenario for each class; it gets a selector. */
  function each(title: string, python: string, here: (sel: AnySelector) => unknown): void {
    const begin = BEGIN.replace('NAME', Selector.name);
    const indent = /^\n( *)/.exec(python)?.[1] ?? '';
    const body = python.replaceAll(`\n${indent}`, '\n');
    scenario(`${Selector.name}: ${title}`, `${begin}${body}`, () =>
      here(keep(new Selector<unknown, unknown>())),
    );
  }

  each(
    'reads, writes, both; again until it is read',
    py`
      a, b = pair()
      sel.register(a, selectors.EVENT_READ, 'a')
      sel.register(b, selectors.EVENT_READ | selectors.EVENT_WRITE, 'b')
      results = [told(sel.select(0))]
      b.send(b'x')
      results += [told(sel.select()), told(sel.select())]
      a.recv(1)
      return results + [told(sel.select(-1))]
    `,
    (sel) => {
      const [a, b] = pair();
      sel.register(a, EVENT_READ, 'a');
      sel.register(b, BOTH, 'b');
      const results = [told(sel.select(0))];
      b.send('x');
      results.push(told(sel.select()), told(sel.select()));
      a.recv(1);
      return [...results, told(sel.select(-1))];
    },
  );

  each(
    'what hangs up: the peer closes, resets, refuses, shuts down',
    py`
      results = []
      def both(sock):
        key = sel.register(sock, 3, 'x')
        results.append(told(sel.select(0)))
        sel.modify(sock, selectors.EVENT_READ, 'x')
        results.append(told(sel.select(0)))
        sel.modify(sock, selectors.EVENT_WRITE, 'x')
        results.append(told(sel.select(0)))
        sel.unregister(sock)
      for steps in ('close', 'reset', 'write'):
        client, conn = connected()
        if steps == 'reset':
          conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ints(1, 0))
        if steps == 'write':
          conn.shutdown(socket.SHUT_WR)
        else:
          conn.close()
        both(client)
      a, b = pair()
      b.close()
      both(a)
      both(make())
      both(listener())
      both(bound())
      return results
    `,
    (sel) => {
      const results: unknown[] = [];
      const both = (sock: socket.socket) => {
        sel.register(sock, 3, 'x');
        results.push(told(sel.select(0)));
        sel.modify(sock, EVENT_READ, 'x');
        results.push(told(sel.select(0)));
        sel.modify(sock, EVENT_WRITE, 'x');
        results.push(told(sel.select(0)));
        sel.unregister(sock);
      };
      for (const steps of ['close', 'reset', 'write']) {
        const [client, conn] = connected();
        if (steps === 'reset') {
          conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer));
        }
        if (steps === 'write') conn.shutdown(socket.SHUT_WR);
        else conn.close();
        both(client);
      }
      const [a, b] = pair();
      b.close();
      both(a);
      both(make());
      both(listener());
      both(bound());
      return results;
    },
  );

  each(
    'keys, as given back and as found',
    py`
      a, b = pair()
      key = sel.register(a, 1, {'x': 1})
      same = [key.fileobj is a, key.fd == a.fileno(), key.events, key.data, key[2], len(key), key == sel.get_key(a)]
      fileobj, fd, events, data = key
      same += [fileobj is a, fd == a.fileno(), events, data]
      changed = sel.modify(a, 3)
      same += [changed.events, changed.data, sel.modify(a, 3, 'y').data, sel.get_key(a.fileno()).data]
      m = sel.get_map()
      same += [len(m), a in m, b in m, m.get(b), m[a].data, list(m) == [a.fileno()], [k.data for k in m.values()]]
      return same + [sel.unregister(a.fileno()).data, len(m), sel.register(b.fileno(), 1).data]
    `,
    (sel) => {
      const [a, b] = pair();
      const key = sel.register(a, 1, { x: 1 });
      const same: unknown[] = [key.fileobj === a, key.fd === a.fileno(), key.events, key.data];
      same.push(key[2], key.length, key === sel.get_key(a));
      const [fileobj, fd, events, data] = key;
      same.push(fileobj === a, fd === a.fileno(), events, data);
      const changed = sel.modify(a, 3);
      same.push(changed.events, changed.data, sel.modify(a, 3, 'y').data, sel.get_key(a.fileno()).data);
      const map = sel.get_map() as selectors.SelectorMap<unknown, unknown>;
      same.push(map.size, map.has(a), map.has(b), map.get(b), map.get(a)?.data);
      same.push(
        [...map.keys()][0] === a.fileno(),
        [...map.values()].map((one) => one.data),
      );
      return [...same, sel.unregister(a.fileno()).data, map.size, sel.register(b.fileno(), 1).data];
    },
  );

  each(
    'a file object that is closed: found by itself, not by its number',
    py`
      a, b = pair()
      fd = a.fileno()
      sel.register(a, 1, 'a')
      a.close()
      results = [sel.get_key(a).data, a in sel.get_map(), sel.modify(a, 1, 'again').data]
      results += [sel.unregister(a).data, attempt(lambda: sel.unregister(a)), attempt(lambda: sel.unregister(fd))]
      return results + [attempt(lambda: sel.register(a, 1)), attempt(lambda: sel.get_key(a)), len(sel.get_map())]
    `,
    (sel) => {
      const [a] = pair();
      const fd = a.fileno();
      sel.register(a, 1, 'a');
      a.close();
      const results: unknown[] = [sel.get_key(a).data, sel.get_map()?.has(a), sel.modify(a, 1, 'again').data];
      results.push(sel.unregister(a).data);
      results.push(
        attempt(() => sel.unregister(a)),
        attempt(() => sel.unregister(fd)),
      );
      results.push(
        attempt(() => sel.register(a, 1)),
        attempt(() => sel.get_key(a)),
      );
      return [...results, sel.get_map()?.size];
    },
  );

  each(
    'a closed file object that stays registered',
    py`
      a, b = pair()
      sel.register(a, 1, 'a')
      a.close()
      return [attempt(lambda: told(sel.select(0))), sel.unregister(a).data, told(sel.select(0))]
    `,
    (sel) => {
      const [a] = pair();
      sel.register(a, 1, 'a');
      a.close();
      return [attempt(() => told(sel.select(0))), sel.unregister(a).data, told(sel.select(0))];
    },
  );

  each(
    'unknown, and registered twice',
    py`
      a, b = pair()
      sel.register(a, 1)
      calls = [lambda: sel.register(a, 1), lambda: sel.register(a.fileno(), 2), lambda: sel.unregister(b),
               lambda: sel.modify(b, 1), lambda: sel.get_key(b), lambda: sel.get_key(a.fileno() + 500)]
      return [attempt(call) for call in calls] + [len(sel.get_map())]
    `,
    (sel) => {
      const [a, b] = pair();
      sel.register(a, 1);
      const calls = [
        () => sel.register(a, 1),
        () => sel.register(a.fileno(), 2),
        () => sel.unregister(b),
        () => sel.modify(b, 1),
        () => sel.get_key(b),
        () => sel.get_key(a.fileno() + 500),
      ];
      return [...calls.map(attempt), sel.get_map()?.size];
    },
  );

  each(
    'a file',
    py`
      fd = file_fd(content('file', b'x'))
      return [attempt(lambda: sel.register(fd, 3, 'file').data), told(sel.select(0)), len(sel.get_map())]
    `,
    (sel) => {
      const fd = file_fd(content('file', 'x'));
      return [attempt(() => sel.register(fd, 3, 'file').data), told(sel.select(0)), sel.get_map()?.size];
    },
  );

  for (const [events, negative] of [[0], [4], [7], [-1, true]] as const) {
    each(
      `register with events ${events}`,
      py`return [attempt(lambda: sel.register(make(), ${events})), len(sel.get_map())]`,
      (sel) => [attempt(() => sel.register(make(), negative ? -1 : events)), sel.get_map()?.size],
    );
  }

  each(
    'register with events that are no number',
    py`return attempt(lambda: sel.register(make(), '1'))`,
    (sel) => invoke(sel, 'register', make(), '1'),
  );

  each(
    'modify with wrong events',
    py`
      sock = make()
      sel.register(sock, 1)
      return [attempt(lambda: sel.modify(sock, events) and 'modified') for events in (0, 4, 8)]
    `,
    (sel) => {
      const sock = make();
      sel.register(sock, 1);
      return [0, 4, 8].map((events) => attempt(() => sel.modify(sock, events) && 'modified'));
    },
  );

  for (const [python, here] of [
    ["'x'", 'x'],
    ['None', null],
    ['1.5', 1.5],
    ['{}', {}],
    ['-1', -1],
    ['-5', -5],
  ] as const) {
    each(
      `wrong file object ${python}`,
      py`
        value = ${python}
        return [attempt(lambda: sel.register(value, 1)), attempt(lambda: sel.unregister(value)),
                attempt(lambda: sel.modify(value, 1)), attempt(lambda: sel.get_key(value))]
      `,
      (sel) => [
        attempt(() => sel.register(here, 1)),
        attempt(() => sel.unregister(here)),
        attempt(() => sel.modify(here, 1)),
        attempt(() => sel.get_key(here)),
      ],
    );
  }

  each(
    'fileno() that fails, or gives something else',
    py`
      class Object:
        def __init__(self, result):
          self.result = result
        def fileno(self):
          return self.result() if callable(self.result) else self.result
      def fail():
        raise OSError(5, 'its own')
      return [attempt(lambda: sel.register(Object(value), 1)) for value in (-1, fail)]
    `,
    (sel) => {
      const fail = () => {
        throw new socket.OSError(5, 'its own');
      };
      return [() => -1, fail].map((fileno) => attempt(() => sel.register({ fileno }, 1)));
    },
  );

  each(
    'time-outs: waits that long, and not at all for 0 and less',
    py`
      a, b = pair()
      sel.register(a, 1)
      return [waited(0.03, lambda: sel.select(0.03)), sel.select(0), sel.select(-0.5), sel.select(-100)]
    `,
    (sel) => {
      const [a] = pair();
      sel.register(a, 1);
      return [waited(0.03, () => sel.select(0.03)), sel.select(0), sel.select(-0.5), sel.select(-100)];
    },
  );

  for (const [python, here] of [
    ["float('nan')", Number.NaN],
    ["'1'", '1'],
    ['1e300', 1e300],
  ] as const) {
    each(`a time-out of ${python}`, py`return sel.select(${python})`, (sel) => invoke(sel, 'select', here));
  }

  each(
    'waits until a partner sends, connects, ends',
    py`
      results = []
      for steps in ([('wait', 30), ('send', 'x'), ('wait', 30)], [('wait', 30)]):
        a, b = pair()
        sel.register(a, 1, 'a')
        partner(b, steps)
        results.append(told(sel.select()))
        sel.unregister(a)
      server = listener()
      sel.register(server, 1, 'server')
      partner(make(), [('wait', 30), ('connect', server.getsockname())])
      results.append(told(sel.select(5)))
      keep(server.accept()[0])
      return results
    `,
    (sel) => {
      const results: unknown[] = [];
      const endings = [
        [['wait', 30] as const, ['send', 'x'] as const, ['wait', 30] as const],
        [['wait', 30] as const],
      ];
      for (const steps of endings) {
        const [a, b] = pair();
        sel.register(a, 1, 'a');
        partner(b, steps);
        results.push(told(sel.select()));
        sel.unregister(a);
      }
      const server = listener();
      sel.register(server, 1, 'server');
      partner(make(), [
        ['wait', 30],
        ['connect', server.getsockname()],
      ]);
      results.push(told(sel.select(5)));
      // Without this the partner would see its connection reset.
      keep(server.accept()[0]);
      return results;
    },
  );

  each(
    'a closed selector',
    py`
      sock = make()
      sel.register(sock, 1)
      sel.close()
      sel.close()
      return [sel.get_map(), attempt(lambda: sel.get_key(sock)), attempt(lambda: sel.unregister(sock) and 'unregistered'),
              attempt(lambda: sel.modify(sock, 2)), attempt(lambda: sel.register(sock, 1) and 'registered'),
              attempt(lambda: told(sel.select(0)))]
    `,
    (sel) => {
      const sock = make();
      sel.register(sock, 1);
      sel.close();
      sel.close();
      return [
        sel.get_map(),
        attempt(() => sel.get_key(sock)),
        attempt(() => sel.unregister(sock)),
        attempt(() => sel.modify(sock, 2)),
        attempt(() => sel.register(sock, 1) && 'registered'),
        attempt(() => sel.select(0)),
      ];
    },
  );
}

scenario(
  'DefaultSelector is EpollSelector, and BaseSelector abstract',
  py`
    return [selectors.DefaultSelector is selectors.EpollSelector,
            issubclass(selectors.DefaultSelector, selectors.BaseSelector), attempt(selectors.BaseSelector)]
  `,
  () => [
    selectors.DefaultSelector === selectors.EpollSelector,
    selectors.DefaultSelector.prototype instanceof selectors.BaseSelector,
    attempt(() => Reflect.construct(selectors.BaseSelector, [])),
  ],
);
