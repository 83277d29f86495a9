// The graph of a program: tests with two successors each, stores with one, and results. Equal nodes are one object. A graph has no
// cycles: classic BPF jumps only forward.
import type { Stored, Value, Values } from './value.js';

/** What a test asks of two values: left = right, left > right, left >= right, left & right. */
export type Comparison = 'equal' | 'greater' | 'at_least' | 'has_bits';

export interface Test {
  readonly kind: 'test';
  readonly id: number;
  readonly comparison: Comparison;
  readonly left: Value;
  readonly right: Value;
  readonly yes: Node;
  readonly no: Node;
}
export interface Store {
  readonly kind: 'store';
  readonly id: number;
  readonly stored: Stored;
  readonly value: Value;
  readonly next: Node;
}
/** The end of a program: the bytes of the packet to keep, 0 to refuse the packet. */
export interface Result {
  readonly kind: 'result';
  readonly id: number;
  readonly bytes: number;
}
export type Node = Test | Store | Result;

/** Makes the nodes of one program. */
export class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly values: Values;

  constructor(values: Values) {
    this.values = values;
  }

  #once(key: string, make: (id: number) => Node): Node {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node = make(this.#nodes.size);
    this.#nodes.set(key, node);
    return node;
  }

  result(bytes: number): Node {
    return this.#once(`result ${bytes}`, (id) => ({ kind: 'result', id, bytes }));
  }

  store(stored: Stored, value: Value, next: Node): Node {
    return this.#once(`${stored.id} = ${value.id}, ${next.id}`, (id) => ({
      kind: 'store',
      id,
      stored,
      value,
      next,
    }));
  }

  test(comparison: Comparison, left: Value, right: Value, yes: Node, no: Node): Node {
    if (yes === no) return yes;
    if (left.kind === 'number' && right.kind !== 'number') {
      // n > v is not v >= n, and n >= v is not v > n.
      if (comparison === 'greater') return this.test('at_least', right, left, no, yes);
      if (comparison === 'at_least') return this.test('greater', right, left, no, yes);
      return this.test(comparison, right, left, yes, no);
    }
    if (right.kind === 'number') {
      if (left.kind === 'number') return compare(comparison, left.number, right.number) ? yes : no;
      const has_mask = left.kind === 'binary' && left.operator === '&' && left.right.kind === 'number';
      if (has_mask && comparison === 'equal' && right.number === 0)
        return this.test('has_bits', left.left, left.right, no, yes);
    }
    return this.#once(`${comparison} ${left.id} ${right.id} ${yes.id} ${no.id}`, (id) => ({
      kind: 'test',
      id,
      comparison,
      left,
      right,
      yes,
      no,
    }));
  }
}

function compare(comparison: Comparison, left: number, right: number): boolean {
  if (comparison === 'equal') return left === right;
  if (comparison === 'greater') return left > right;
  if (comparison === 'at_least') return left >= right;
  return (left & right) !== 0;
}

/** Returns the nodes that follow: of a test the one for false first. */
export function successors(node: Node): readonly Node[] {
  if (node.kind === 'test') return [node.no, node.yes];
  return node.kind === 'store' ? [node.next] : [];
}

/** Returns the nodes that can be reached, each one before its successors. */
export function in_order(root: Node): readonly Node[] {
  const finished = new Set<Node>();
  const entered = new Set<Node>();
  const stack = [root];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    if (entered.has(node)) {
      // All nodes behind it are finished. A node that was pushed twice is finished once.
      finished.add(node);
      stack.pop();
      continue;
    }
    entered.add(node);
    for (const next of successors(node)) if (!entered.has(next)) stack.push(next);
  }
  return [...finished].reverse();
}
