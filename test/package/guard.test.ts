// The guard of the hot paths: no path takes more than the record in git says, in figures that a busy machine does not change.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { find_valgrind, type Measured, measure } from '../../bench/guard/measure.mjs';
import { read_profile } from '../../bench/guard/profile.mjs';
import { type Costs, compare, read_record, table } from '../../bench/guard/record.mjs';

const binary = fileURLToPath(new URL('../../build/Release/bsd_sockets.node', import.meta.url));

describe('npm run guard', () => {
  let measured: Measured | undefined;
  let valgrind: string | undefined;

  beforeAll(async () => {
    if (process.env.BSD_SOCKETS_BINARY !== undefined || !existsSync(binary)) return;
    valgrind = await find_valgrind();
    measured = await measure(valgrind !== undefined);
  }, 240_000);

  function taken(ctx: TestContext): Measured {
    return measured ?? ctx.skip('needs the binary of build/Release');
  }

  test('no path takes more than recorded', (ctx) => {
    const now = taken(ctx);
    const { worse, left_out } = compare(now, read_record());
    for (const line of left_out) console.log(`not compared: ${line}`);
    expect(worse, `${table(now)}\nIf that is meant: npm run guard -- --record`).toEqual([]);
    if (valgrind === undefined) ctx.skip('needs valgrind: only the bytes were compared');
  });

  test('finds an object and a call of the addon more', (ctx) => {
    const { environment, paths, planted } = taken(ctx);
    const costs = { environment, paths };
    const { worse } = compare({ environment, paths: { ...paths, send: planted } }, costs);
    expect(worse[0]).toMatch(/^send: [\d.]+ bytes of the heap a call, recorded [\d.]+$/);
    if (valgrind === undefined) ctx.skip('needs valgrind: only the bytes were compared');
    for (const unit of ['instructions a', 'instructions of the addon', 'calls of Node-API']) {
      expect(worse.filter((line) => line.includes(unit))).toHaveLength(1);
    }
    expect(compare(costs, costs)).toEqual({ worse: [], better: [], left_out: [] });
  });
});

describe('the record', () => {
  const environment = { node: '20.0.0', arch: 'x64', compiler: 'GCC: (Debian) 12.2.0' };
  const cost = { bytes: 100, code: 5000, native: 200, napi: 2, system: { send: 1 }, news: 0 };
  const recorded: Costs = { environment, paths: { send: cost } };
  const now = (changed: Partial<Measured['planted']>, place = environment) =>
    compare({ environment: place, paths: { send: { ...cost, ...changed } } }, recorded);

  test.each<[Partial<Measured['planted']>, string]>([
    [{ bytes: 112 }, 'send: 112 bytes of the heap a call, recorded 100'],
    [{ code: 5200 }, 'send: 5200 instructions a call, recorded 5000'],
    [{ native: 220 }, 'send: 220 instructions of the addon a call, recorded 200'],
    [{ napi: 3 }, 'send: 3 calls of Node-API a call, recorded 2'],
    [{ system: { send: 2 } }, 'send: 2 system calls send a call, recorded 1'],
    [{ system: { send: 1, poll: 1 } }, 'send: 1 system calls poll a call, recorded 0'],
    [{ news: 1 }, 'send: 1 blocks of memory a call, recorded 0'],
  ])('%j is worse', (changed, line) => {
    expect(now(changed)).toEqual({ worse: [line], better: [], left_out: [] });
  });

  test('small differences are none, and less is better', () => {
    expect(now({ bytes: 104, code: 5090, native: 207 })).toEqual({ worse: [], better: [], left_out: [] });
    expect(now({ napi: 1 }).better).toEqual(['send: 1 calls of Node-API a call, recorded 2']);
    expect(now({ napi: 1 }).worse).toEqual([]);
  });

  test('paths that only one side has', () => {
    const other = compare({ environment, paths: { recv: cost } }, recorded);
    expect(other.worse).toEqual(['send: no such path any more', 'recv: not in the record']);
  });

  test('another compiler: the bytes are compared', () => {
    const other = now({ bytes: 500, native: 500 }, { ...environment, compiler: 'x' });
    expect(other.worse).toEqual(['send: 500 bytes of the heap a call, recorded 100']);
    expect(other.left_out).toHaveLength(3);
  });

  test('another compiler and Node.js: what does not depend on them is compared', () => {
    const other = now(
      { bytes: 500, native: 500, napi: 9 },
      { ...environment, node: '24.0.0', compiler: 'x' },
    );
    expect(other.worse).toEqual(['send: 9 calls of Node-API a call, recorded 2']);
    expect(other.left_out).toEqual([
      'bytes: recorded with node 20.0.0, this is 24.0.0',
      'code: recorded with node 20.0.0, this is 24.0.0',
      'native: recorded with node 20.0.0, this is 24.0.0',
      'news: recorded with node 20.0.0, this is 24.0.0',
    ]);
  });

  test('has every path with all its figures', () => {
    const { paths } = read_record();
    expect(Object.keys(paths).length).toBeGreaterThanOrEqual(10);
    for (const figures of Object.values(paths))
      expect(Object.keys(figures).sort()).toEqual(Object.keys(cost).sort());
  });
});

test('a profile: instructions in all and of the object file, and its calls of others', () => {
  const text = `desc: Trigger: --dump-before=hstrerror
ob=(1) /usr/bin/node
fn=(1) main
16 100
cob=(2) /x/own.node
cfi=(3) own.cc
cfn=(2) Send
calls=2 50
16 70
+3 5

ob=(2)
fn=(2)
50 40
cob=(1)
cfn=(3) napi_get_cb_info
calls=2 7
50 20
cfn=(4) inside
calls=1 8
* 4
ob=(2)
fn=(4)
8 6
ob=(1)
fn=(3)
7 20
totals: 171
`;
  const { trigger, total, own, calls } = read_profile(text, 'own.node');
  expect({ trigger, total, own, calls: [...calls] }).toEqual({
    trigger: '--dump-before=hstrerror',
    total: 171,
    own: 46,
    calls: [['napi_get_cb_info', 2]],
  });
});
