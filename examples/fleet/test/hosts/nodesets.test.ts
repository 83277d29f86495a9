// Sets of hosts: what they mean, beside clush's own command `nodeset`, and what is wrong with those that mean nothing.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { NodeSet, type Resolver } from '../../dist/hosts/nodesets.js';

/** What ClusterShell makes of a set: [folded, names], or its error. */
type Theirs = readonly [string, readonly string[]] | string;

/** One process for all sets: a start of it takes half a second on a busy machine. */
const PROGRAM = `
import json, sys
from ClusterShell.NodeSet import NodeSet
def answer(text):
    try:
        nodes = NodeSet(text)
        return [str(nodes), list(nodes)]
    except Exception as error:
        return str(error)
print(json.dumps([answer(text) for text in json.load(sys.stdin)]))
`;

/** Returns what ClusterShell says of each set; undefined: it is not installed. */
function clustershell(texts: readonly string[]): Theirs[] | undefined {
  const { status, stdout } = spawnSync('/usr/bin/python3', ['-c', PROGRAM], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

const SETS = [
  'web[01-12,20]',
  'web[1-3],db1',
  'b1,a1,a3,a2,c',
  'n001,n100,n1,n01',
  'n[099-101],n[98-103]',
  'n[0-10/3]',
  'n1[0-3]',
  'n[1-2]0',
  'a[1-5]!a2,a9&a[3-9]^a1',
  'a[1-3]!a[2-9]',
  'a[1-4]^a[3-6]',
  'a[1-9]&a[8-12]',
  '10.0.0.[1-2],10.0.1.1',
  'n-1,n-2,n1-x,n2-x',
  'n[1-2]-ib[0-1],n3-ib[1-2],n1-ib5',
  'r[1-3]n[01-04],r4n[01-04]',
  'a[1-3]b,ab',
  'n[00-02],n[0-2]',
  'a[1-5/2]b[1-2]',
  'a[ 1 , 2 ]',
  'b10,b9,b1,a',
  'c[9-11],c[7]',
  '::1,fe80::1',
  'x[1-2]y[1-2]z[1-2]!x1y1z1',
];

const WRONG = [
  'a[',
  'a]',
  'a[]',
  'a[x]',
  'a[5-1]',
  'a[01-9]',
  'n[8-010]',
  'a,,b',
  ',a',
  'a!',
  '!a',
  'a[1-3]&',
];

const answers = clustershell([...SETS, ...WRONG]);

describe.skipIf(!answers)('beside ClusterShell (apt-get install clustershell)', () => {
  const answer_to = new Map([...SETS, ...WRONG].map((text, index) => [text, answers?.[index]]));

  it.each(SETS)('%s has the same hosts, folded to the same text', (text) => {
    const set = NodeSet.parse(text);
    const theirs = answer_to.get(text);
    expect([set.fold(), [...set].sort()]).toEqual([theirs?.[0], [...(theirs?.[1] ?? [])].sort()]);
  });

  it.each(WRONG)('%s is refused, as there', (text) => {
    expect(answer_to.get(text)).toBeTypeOf('string');
    expect(() => NodeSet.parse(text)).toThrow(`"${text.replace('&', '')}`);
  });

  it('folds random sets to what ClusterShell expands to the same hosts', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const name = () => `r${random(4)}n${String(random(12)).padStart(1 + random(2), '0')}`;
    const sets = Array.from({ length: 50 }, () => NodeSet.of(Array.from({ length: 40 }, name)));
    const theirs = clustershell(sets.map((set) => set.fold()));
    for (const [index, set] of sets.entries()) {
      expect([...(theirs?.[index]?.[1] ?? [])].sort()).toEqual([...set].sort());
      expect([...NodeSet.parse(set.fold())]).toEqual([...set]);
    }
  });
});

describe('a set of hosts', () => {
  const groups = new Map([
    ['web', ['web1', 'web2']],
    ['db', ['db1', 'web2']],
    ['rack1', ['web1']],
    ['rack2', ['db1']],
  ]);
  const resolver: Resolver = {
    group: (name) => groups.get(name),
    group_names: () => groups.keys(),
    all: () => ['db1', 'web1', 'web2'],
  };

  it.each([
    ['@web', 'web[1-2]'],
    ['@web&@db', 'web2'],
    ['@rack[1-2]', 'db1,web1'],
    ['@rack*', 'db1,web1'],
    ['@*!@web', 'db1'],
    ['web*', 'web[1-2]'],
    ['?b1', 'db1'],
    ['w.b1', 'w.b1'],
    ['a[1-3] - a2', 'a[1,3]'],
    ['a1 b1', 'a1,b1'],
    ['', ''],
  ])('%j is %j', (text, folded) => {
    expect(NodeSet.parse(text, resolver).fold()).toBe(folded);
  });

  it('names a group that is missing, and those that are there', () => {
    expect(() => NodeSet.parse('@wbe', resolver)).toThrow(
      'there is no group "wbe": the inventory has web, db, rack1, rack2',
    );
    expect(() => NodeSet.parse('@wbe')).toThrow('the inventory has none');
    expect(() => NodeSet.parse('@')).toThrow('"@" must be followed by the name of a group');
  });

  it('does not fill the memory at a slip', () => {
    expect(() => NodeSet.parse('a[1-99999999999]')).toThrow('"a[1-99999999999]" has more than 200000 names');
    expect(() => NodeSet.parse('a[1-9999]b[1-9999]')).toThrow('has more than 200000 names');
    expect(() => NodeSet.parse('a[0-9/0]')).toThrow('the step of "0-9/0" must be 1 or more');
  });

  it('picks at random, each host at most once', () => {
    const set = NodeSet.parse('a[1-9]');
    expect(set.pick(3).size).toBe(3);
    expect([...set.pick(99)]).toEqual([...set]);
    expect(set.pick(2, () => 0).fold()).toBe('a[1-2]');
    expect(() => set.pick(0)).toThrow('--pick must be an integer of 1 or more, not 0');
    expect(() => set.pick(1.5)).toThrow('--pick');
  });

  it('is without others, and in common with them', () => {
    expect(NodeSet.parse('a[1-5]').without(['a3']).fold()).toBe('a[1-2,4-5]');
    expect(NodeSet.parse('a[1-5]').intersection(['a3', 'b']).fold()).toBe('a3');
    expect(NodeSet.parse('a[1-5]').has('a3')).toBe(true);
  });
});
