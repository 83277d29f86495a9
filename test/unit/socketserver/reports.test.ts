// What a worker may send to its manager, and what is no report.
import { expect, test } from 'vitest';
import { pack_error, unpack_error } from '../../../lib/socketserver/pool/packed_error.js';
import { to_report } from '../../../lib/socketserver/pool/protocol.js';

const ERROR = { name: 'Error', message: 'x', fields: {} };

test.each([
  { type: 'loaded', task: '/proc/1/task/2' },
  { type: 'loaded', task: undefined },
  { type: 'load_error', message: 'x' },
  { type: 'finished' },
  { type: 'ended' },
  { type: 'shutdown', drain: undefined },
  { type: 'shutdown', drain: 1.5 },
  { type: 'error', client_address: ['::1', 1], error: { ...ERROR, stack: undefined } },
  {
    type: 'error',
    client_address: null,
    error: pack_error(new AggregateError([new TypeError('a')], 'b', { cause: 'c' })),
  },
])('%j is a report', (report) => {
  expect(to_report(report)).toEqual(report);
  expect(to_report({ ...report, more: 1 })).toEqual(report);
});

test.each([
  undefined,
  null,
  0,
  'finished',
  [],
  {},
  { type: 'children', pids: [1] },
  { type: ['finished'] },
  { type: 'loaded', task: 5 },
  { type: 'loaded', task: '/tmp/x' },
  { type: 'loaded', task: '/proc/1/task/2/../../../../tmp' },
  { type: 'load_error' },
  { type: 'shutdown', drain: -1 },
  { type: 'shutdown', drain: 1e300 },
  { type: 'shutdown', drain: '1' },
  { type: 'error' },
  { type: 'error', error: null },
  { type: 'error', error: { ...ERROR, name: 1 } },
  { type: 'error', error: { ...ERROR, fields: null } },
  { type: 'error', error: { ...ERROR, cause: null } },
  { type: 'error', error: { ...ERROR, errors: 'x' } },
  { type: 'error', error: { ...ERROR, errors: [1] } },
])('%j is none', (value) => {
  expect(() => to_report(value)).toThrow(Error);
});

test('fields that cannot be those of an error are left out, and causes below the eighth', () => {
  let error: object = ERROR;
  for (let depth = 0; depth < 20; depth++) error = { ...ERROR, cause: error };
  const report = to_report({ type: 'error', error });
  let found: unknown = report.type === 'error' && unpack_error(report.error);
  let depth = 0;
  for (; found instanceof Error && found.cause !== undefined; depth++) found = found.cause;
  expect(depth).toBe(8);
  const own = to_report({
    type: 'error',
    error: { ...ERROR, fields: JSON.parse('{"__proto__":[],"code":"X","deep":{"a":1},"list":[1]}') },
  });
  const unpacked = own.type === 'error' && unpack_error(own.error);
  expect(unpacked).toBeInstanceOf(Error);
  expect(Object.keys(Object(unpacked))).toEqual(['code', 'list']);
});
