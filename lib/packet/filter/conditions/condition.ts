// Conditions: what a packet must fulfil, before it becomes instructions. A condition may depend on the path on which the program came to it
// (see place.ts), and may move the program to another path.
import type { Comparison, Graph, Node } from '../code/graph.js';
import type { Stored, Value } from '../code/value.js';

export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean }
  | {
      readonly kind: 'test';
      readonly comparison: Comparison;
      readonly left: Value;
      readonly right: Value;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly of: Condition }
  /** The condition for each path by its number. */
  | { readonly kind: 'by_path'; readonly of: ReadonlyMap<number, Condition> }
  /** True; the program goes on on another path. */
  | { readonly kind: 'move'; readonly to: number }
  /** True; a word of scratch memory is written. */
  | { readonly kind: 'store'; readonly stored: Stored; readonly value: Value };

export const ALWAYS: Condition = { kind: 'constant', value: true };
export const NEVER: Condition = { kind: 'constant', value: false };

/** Returns a condition that is true if all are true; they are tested in this order. */
export function and(first: Condition, ...others: readonly Condition[]): Condition {
  return others.reduce((left, right) => ({ kind: 'and', left, right }), first);
}

/** Returns a condition that is true if one is true; they are tested in this order. */
export function or(first: Condition, ...others: readonly Condition[]): Condition {
  return others.reduce((left, right) => ({ kind: 'or', left, right }), first);
}

export function not(of: Condition): Condition {
  return { kind: 'not', of };
}

export function test(comparison: Comparison, left: Value, right: Value): Condition {
  return { kind: 'test', comparison, left, right };
}

/**
 * Adds the tests of a condition to the graph.
 *
 * @param yes the nodes that follow if the condition is true, by the number of the path
 * @param no the nodes that follow if it is false
 * @returns the nodes at which testing begins
 */
export function lower(
  condition: Condition,
  yes: readonly Node[],
  no: readonly Node[],
  graph: Graph,
): readonly Node[] {
  // The left sides of a long chain are followed by this loop, so that chains do not make the stack deep.
  for (;;) {
    switch (condition.kind) {
      case 'and':
        yes = lower(condition.right, yes, no, graph);
        condition = condition.left;
        continue;
      case 'or':
        no = lower(condition.right, yes, no, graph);
        condition = condition.left;
        continue;
      case 'not':
        [yes, no] = [no, yes];
        condition = condition.of;
        continue;
      case 'constant':
        return condition.value ? yes : no;
      case 'move':
        return repeated(yes, condition.to);
      default:
        return lower_leaf(condition, yes, no, graph);
    }
  }
}

/** Returns as many nodes as there are, each the one of the path. */
function repeated(nodes: readonly Node[], path: number): readonly Node[] {
  const node = nodes[path];
  return node === undefined ? nodes : nodes.map(() => node);
}

type Leaf = Extract<Condition, { kind: 'test' | 'store' | 'by_path' }>;

function lower_leaf(leaf: Leaf, yes: readonly Node[], no: readonly Node[], graph: Graph): readonly Node[] {
  return yes.map((node, path) => {
    const other = no[path] ?? node;
    if (leaf.kind === 'test') return graph.test(leaf.comparison, leaf.left, leaf.right, node, other);
    if (leaf.kind === 'store') return graph.store(leaf.stored, leaf.value, node);
    // A path that the condition does not know begins behind it.
    return lower(leaf.of.get(path) ?? NEVER, yes, no, graph)[path] ?? other;
  });
}
