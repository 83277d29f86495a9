// Everything that has a name in Python's modules socket, select and selectors is here: constants with their values, the
// enums, functions, classes, and the methods and attributes of the classes. What is left out stands in a table with the reason.
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, pythons } from './python.js';

const ours: Record<string, unknown> = { ...socket };

/** Names of dir(socket), beside those that begin with an underscore, that have no meaning here. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  CAPI: "the interface of Python's C extensions",
  IntEnum: "Python's enum module, imported",
  IntFlag: "Python's enum module, imported",
  array: 'module, imported',
  errno: 'module, imported; node:os has constants.errno',
  io: 'module, imported',
  os: 'module, imported',
  selectors: 'module, imported; here bsd-sockets/selectors',
  sys: 'module, imported',
};

/** Names of dir(socket.socket) that have another form here. */
const LEFT_OUT_OF_CLASS: Readonly<Record<string, string>> = {};

const found = pythons();

if (found.length === 0) {
  test("the names of Python's socket module", (ctx) => ctx.skip('there is no python3 (3.11 or newer)'));
}

describe.each(found)('Python $version', ({ path }) => {
  const program = `
import json, socket
def kind(v):
    if isinstance(v, bool): return ['bool', v]
    if isinstance(v, int): return ['int', int(v)]
    if isinstance(v, str): return ['str', v]
    if isinstance(v, type): return ['class', [m for m in dir(v)]]
    return ['function' if callable(v) else 'other', None]
names = {n: kind(getattr(socket, n)) for n in dir(socket) if not n.startswith('_')}
enums = {e: {n: int(m) for n, m in getattr(socket, e).__members__.items()}
         for e in ('AddressFamily', 'SocketKind', 'MsgFlag', 'AddressInfo')}
canonical = {e: {int(m): m.name for m in getattr(socket, e)} for e in enums}
print(json.dumps([names, enums, canonical]))`;
  type Names = Record<string, [kind: string, value: unknown]>;
  type Enums = Record<string, Record<string, number>>;
  let names: Names;
  let enums: Enums;
  let canonical: Record<string, Record<string, string>>;
  beforeAll(() => {
    [names, enums, canonical] = ask<[Names, Enums, typeof canonical]>(path, program);
  });

  test('every constant, with the same value', () => {
    const theirs = Object.entries(names).filter(([, [kind]]) => ['int', 'str', 'bool'].includes(kind));
    expect(theirs.length).toBeGreaterThan(300);
    const differing = theirs.filter(([name, [, value]]) => !(name in LEFT_OUT) && ours[name] !== value);
    expect(differing.map(([name, [, value]]) => `${name}: ${value}, here ${ours[name]}`)).toEqual([]);
  });

  test('every member of the enums, by name and by number', () => {
    for (const [name, members] of Object.entries(enums)) {
      expect(ours[name], name).toMatchObject(members);
      expect(ours[name], name).toMatchObject(canonical[name] ?? {});
    }
  });

  test('every function and class', () => {
    const theirs = Object.entries(names).filter(([, [kind]]) => kind === 'function' || kind === 'class');
    expect(theirs.length).toBeGreaterThan(40);
    const missing = theirs.filter(([name]) => !(name in LEFT_OUT) && !(name in ours));
    expect(missing.map(([name]) => name)).toEqual([]);
    const uncallable = theirs.filter(
      ([name]) => name in ours && !(name in enums) && typeof ours[name] !== 'function',
    );
    expect(uncallable.map(([name]) => name)).toEqual([]);
  });

  test('nothing left out that Python does not have, and nothing else', () => {
    const others = Object.entries(names).filter(([, [kind]]) => kind === 'other');
    expect(others.filter(([name]) => !(name in LEFT_OUT)).map(([name]) => name)).toEqual([]);
  });

  describe('the class', () => {
    let sock: socket.socket;
    beforeAll(() => {
      sock = socket.socket();
    });
    afterAll(() => sock.close());

    test('every method and attribute', () => {
      const [, members] = names.socket ?? [];
      const theirs = (members as string[]).filter((name) => !name.startsWith('_'));
      expect(theirs.length).toBeGreaterThan(30);
      const missing = theirs.filter((name) => !(name in LEFT_OUT_OF_CLASS) && !(name in sock));
      expect(missing).toEqual([]);
    });

    test('the protocols behind the underscores: with, repr', () => {
      expect(sock[Symbol.dispose]).toBeTypeOf('function');
      expect(`${sock}`).toContain('socket');
    });
  });

  describe('the modules selectors and select', () => {
    const theirs = `
import json, select, selectors
def members(value):
    return [m for m in dir(value) if not m.startswith('_')]
names = {n: getattr(m, n) for m in (selectors, select) for n in members(m)}
print(json.dumps({n: v if isinstance(v, int) else members(v) if isinstance(v, type) else None for n, v in names.items()}))`;
    const imported = ['ABCMeta', 'Mapping', 'abstractmethod', 'math', 'namedtuple', 'sys'];
    // An exception of Python's has these; see lib/errors/classes.ts for ours. A namedtuple has those of a tuple.
    const OF_ANOTHER_FORM = [
      'add_note args characters_written errno filename filename2 strerror with_traceback'.split(' '),
      ['count', 'index'],
    ].flat();

    test('every constant, function, class, method and attribute', () => {
      const names = ask<Record<string, number | string[] | null>>(path, theirs);
      expect(Object.keys(names).length).toBeGreaterThan(40);
      const here: Record<string, unknown> = { ...selectors };
      const objects: Record<string, object> = {
        // Where its abstract methods are.
        BaseSelector: selectors.EpollSelector.prototype,
        SelectorKey: selectors.SelectorKey(0, 0, 1, null),
      };
      for (const [name, value] of Object.entries(names)) {
        if (imported.includes(name)) continue;
        expect(here, name).toHaveProperty(name);
        if (typeof value === 'number') expect(here[name], name).toBe(value);
        else expect(here[name], name).toBeTypeOf('function');
        if (!Array.isArray(value)) continue;
        const object = objects[name] ?? Reflect.get(here[name] as object, 'prototype');
        const missing = value.filter(
          (member) =>
            !(member in object) && !(member in (here[name] as object)) && !OF_ANOTHER_FORM.includes(member),
        );
        expect(missing, name).toEqual([]);
      }
      expect(names.SelectorKey).toContain('fileobj');
    });
  });
});
