// Targets of scans: addresses, ranges and names, as a list without repeats.
import { AF_INET, AF_INET6 } from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { AddressList, find_addresses } from '../../../lib/cli/network/address_list.js';
import { address_at, index_of, parse_range } from '../../../lib/cli/network/address_range.js';

const all = (list: AddressList) => Array.from({ length: list.count }, (_, i) => list.address_at(i));

describe('parse_range', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1', 1],
    ['10.0.0.0/30', '10.0.0.1', 2],
    ['10.0.0.0/31', '10.0.0.0', 2],
    ['10.0.0.7/255.255.255.252', '10.0.0.5', 2],
    ['10.0.0.7:255.255.255.252', '10.0.0.5', 2],
    ['10.0.0.0:32', '10.0.0.0', 1],
    ['10.0.0.1-9', '10.0.0.1', 9],
    ['10.0.0.250-10.0.1.5', '10.0.0.250', 12],
    ['200.0.0.0/30', '200.0.0.1', 2],
    ['fd00::/126', 'fd00::', 4],
    ['fd00::1-fd00::3', 'fd00::1', 3],
  ])('%s', (text, first, count) => {
    const range = parse_range(text);
    expect(range.count).toBe(count);
    expect(address_at(range, 0)).toBe(first);
    for (const i of [0, count - 1]) expect(index_of(range, address_at(range, i))).toBe(i);
    expect(index_of(range, address_at(range, count))).toBeUndefined();
  });

  test('with the ends of a network', () => {
    expect(parse_range('10.0.0.0/30', true)).toMatchObject({ count: 4 });
  });

  test('an address of the other family is in no range', () => {
    expect(index_of(parse_range('10.0.0.0/24'), 'fd00::1')).toBeUndefined();
    expect(index_of(parse_range('fd00::/120'), '10.0.0.1')).toBeUndefined();
  });
});

describe('find_addresses', () => {
  test('in the order of the texts, each address once', async () => {
    const list = await find_addresses([
      '10.0.0.3',
      '10.0.0.1-5',
      '10.0.0.4',
      '10.0.0.0/29',
      'fd00::1',
      '127.0.0.1',
    ]);
    const expected = '10.0.0.3 10.0.0.1 10.0.0.2 10.0.0.4 10.0.0.5 10.0.0.6 fd00::1 127.0.0.1'.split(' ');
    expect(all(list)).toEqual(expected);
    for (const [i, address] of expected.entries()) expect(list.index_of(address)).toBe(i);
    expect(list.index_of('10.0.0.7')).toBeUndefined();
    expect([...list.families()].sort()).toEqual([AF_INET, AF_INET6].sort());
    expect(list.range_of(0).name).toBe('10.0.0.3');
    expect(list.range_of(1).name).toBeUndefined();
  });

  test('names of hosts', async () => {
    const list = await find_addresses(['localhost'], { family: AF_INET });
    expect(all(list)).toEqual(['127.0.0.1']);
    expect(list.range_of(0).name).toBe('localhost');
  });

  test('a name without an address is told, and the others are taken', async () => {
    const messages: string[] = [];
    const list = await find_addresses(['no-such-host.invalid', '10.0.0.1'], {}, (message) =>
      messages.push(message),
    );
    expect(all(list)).toEqual(['10.0.0.1']);
    expect(messages).toEqual([expect.stringMatching(/^no-such-host\.invalid: /)]);
    await expect(find_addresses(['no-such-host.invalid'])).rejects.toThrow();
  });

  test.each([
    '10.0.0.1-',
    '10.0.0.256',
    '10.0.0',
    '1.2.3.4.5',
    '10.0.0.1/8/8',
    '10.0.0.0/-1',
    '10.0.0.1-3/24',
    '/24',
    'fd00::/129',
  ])('%s is wrong', async (text) => {
    await expect(find_addresses([text])).rejects.toThrow(/not an address|not a network|not a range/);
  });

  test('many ranges that overlap', () => {
    const list = new AddressList();
    const range = (first: bigint, count: number) =>
      list.add({ family: AF_INET, first, count, name: undefined, scope: 0 });
    for (let i = 0; i < 200; i++) range(BigInt((i * 37) % 500), 1 + ((i * 7) % 20));
    const addresses = all(list);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses.every((address, i) => list.index_of(address) === i)).toBe(true);
  });
});
