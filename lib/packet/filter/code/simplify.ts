// Shortens the paths through the graph of a program. The tests that every path to a test has passed are known there; if they decide it,
// the way leads past it. A test that both ways leave to the same node is left out. Of tests that lead to the same node, those of one value
// come one behind the other, so that the value is loaded once.
//
// A test that is passed over, or that comes earlier, loads nothing that was not loaded before. So a packet that is too short for a load is
// refused as before, unless the result does not depend on that load.
import { type Graph, in_order, type Node, type Store, successors, type Test } from './graph.js';
import type { Value } from './value.js';

const MOST_ROUNDS = 20;
const ALL_ONES = 0xffffffff;

/** Returns the first node of a graph that gives the same results by shorter paths. */
export function simplified(root: Node, graph: Graph): Node {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = grouped(shortened(root, graph), graph);
    if (next === root) break;
    root = next;
  }
  return root;
}

/** One way out of a test. */
interface Way {
  readonly from: Test;
  readonly outcome: boolean;
}

/** A place in the tree of dominators: every path to it leads through the place above it. */
class Dominator {
  readonly above: Dominator | undefined;
  readonly depth: number;
  /** The way that leads here; undefined for a node. */
  readonly way: Way | undefined;
  /** The nearest places at or above this one whose ways are from tests of a value. */
  readonly #nearest = new Map<Value, Dominator | undefined>();

  constructor(above: Dominator | undefined, way: Way | undefined) {
    this.above = above;
    this.depth = above === undefined ? 0 : above.depth + 1;
    this.way = way;
  }

  /** Returns the nearest place at or above this one whose way is from a test of a value. */
  nearest(value: Value): Dominator | undefined {
    const passed: Dominator[] = [];
    let place: Dominator | undefined = this;
    for (; place !== undefined && place.way?.from.left !== value; place = place.above) {
      if (place.#nearest.has(value)) {
        place = place.#nearest.get(value);
        break;
      }
      passed.push(place);
    }
    for (const each of passed) each.#nearest.set(value, place);
    return place;
  }
}

function shortened(root: Node, graph: Graph): Node {
  const order = in_order(root);
  const ways = new Map<Node, Dominator[]>();
  const leave = (next: Node, above: Dominator, way: Way | undefined): Dominator => {
    const place = new Dominator(above, way);
    const known = ways.get(next);
    if (known === undefined) ways.set(next, [place]);
    else known.push(place);
    return place;
  };
  const leaving = new Map<Test, readonly [yes: Dominator, no: Dominator]>();
  for (const node of order) {
    const place = place_behind(ways.get(node) ?? []);
    if (node.kind === 'store') leave(node.next, place, undefined);
    if (node.kind !== 'test') continue;
    const yes = leave(node.yes, place, { from: node, outcome: true });
    const no = leave(node.no, place, { from: node, outcome: false });
    leaving.set(node, [yes, no]);
  }
  const built = new Map<Node, Node>();
  const target = (node: Node, place: Dominator): Node => {
    for (;;) {
      const outcome = node.kind === 'test' ? known_outcome(node, place) : undefined;
      if (node.kind !== 'test' || outcome === undefined) return built.get(node) ?? node;
      node = outcome ? node.yes : node.no;
    }
  };
  for (const node of order.toReversed()) {
    const places = node.kind === 'test' ? leaving.get(node) : undefined;
    if (node.kind === 'test' && places !== undefined) {
      const yes = target(node.yes, places[0]);
      const no = target(node.no, places[1]);
      built.set(node, graph.test(node.comparison, node.left, node.right, yes, no));
    } else built.set(node, node.kind === 'store' ? rebuilt(node, built, graph) : node);
  }
  return built.get(root) ?? root;
}

function rebuilt({ stored, value, next }: Store, built: ReadonlyMap<Node, Node>, graph: Graph): Node {
  return graph.store(stored, value, built.get(next) ?? next);
}

/** Returns the place of a node to which these places lead; of the first node a new one. */
function place_behind(places: readonly Dominator[]): Dominator {
  const above = places.reduce<Dominator | undefined>(
    (a, b) => (a === undefined ? b : common(a, b)),
    undefined,
  );
  return new Dominator(above, undefined);
}

/** Returns the nearest place above both. */
function common(a: Dominator, b: Dominator): Dominator {
  while (a !== b) {
    // The place of the first node is above all others: none of them is asked for what is above it.
    if (a.depth >= b.depth) a = a.above ?? a;
    else b = b.above ?? b;
  }
  return a;
}

/** Returns the outcome of a test at the end of a path, if the tests on the path decide it. */
function known_outcome(test: Test, place: Dominator | undefined): boolean | undefined {
  const known: Range = { low: 0, high: ALL_ONES };
  for (place = place?.nearest(test.left); place !== undefined; place = place.above?.nearest(test.left)) {
    if (place.way === undefined) break;
    const { from, outcome } = place.way;
    if (from.right === test.right && from.comparison === test.comparison) return outcome;
    if (from.right.kind !== 'number' || test.right.kind !== 'number') continue;
    const decided = implied(test, test.right.number, from, from.right.number, outcome, known);
    if (decided !== undefined) return decided;
  }
  return undefined;
}

/** What is known of a value. */
interface Range {
  low: number;
  high: number;
}

/** Returns the outcome of a test that follows from the outcome of another test of the same value. */
function implied(
  test: { readonly comparison: Test['comparison']; readonly left: Value },
  number: number,
  from: Test,
  other: number,
  outcome: boolean,
  known: Range,
): boolean | undefined {
  const { comparison } = test;
  if (from.comparison === 'has_bits') {
    if (comparison === 'equal' && ((number & other) !== 0) !== outcome) return false;
    if (comparison !== 'has_bits') return undefined;
    if (outcome) return (other & ~number) === 0 ? true : undefined;
    return (number & ~other) === 0 ? false : undefined;
  }
  if (from.comparison === 'equal') {
    if (!outcome) return undefined;
    known.low = known.high = other;
  } else if (outcome) known.low = Math.max(known.low, from.comparison === 'greater' ? other + 1 : other);
  else known.high = Math.min(known.high, from.comparison === 'greater' ? other : other - 1);
  if (comparison === 'has_bits') return known.low === known.high ? (known.low & number) !== 0 : undefined;
  if (comparison === 'equal') {
    if (number < known.low || number > known.high) return false;
    return known.low === known.high ? true : undefined;
  }
  const least = comparison === 'greater' ? number + 1 : number;
  if (known.low >= least) return true;
  return known.high < least ? false : undefined;
}

/** Puts tests of one value together where the order does not matter: each leads to the same node if it is true, or each if it is false. */
function grouped(root: Node, graph: Graph): Node {
  const order = in_order(root);
  const arrivals = new Map<Node, number>();
  for (const node of order)
    for (const next of successors(node)) arrivals.set(next, (arrivals.get(next) ?? 0) + 1);
  const built = new Map<Node, Node>();
  const in_chain = new Set<Node>();
  const chains = new Map<Node, readonly Test[]>();
  for (const node of order) {
    if (node.kind !== 'test' || in_chain.has(node)) continue;
    const chain = longest([true, false].map((outcome) => chain_of(node, outcome, arrivals)));
    for (const each of chain) in_chain.add(each);
    chains.set(node, chain);
  }
  const now = (node: Node): Node => built.get(node) ?? node;
  for (const node of order.toReversed()) {
    const chain = chains.get(node);
    if (chain !== undefined) built.set(node, rebuilt_chain(chain, now, graph));
    else if (node.kind === 'store') built.set(node, rebuilt(node, built, graph));
  }
  return now(root);
}

const longest = (chains: readonly (readonly Test[])[]): readonly Test[] =>
  chains.reduce((a, b) => (b.length > a.length ? b : a), []);

/** Returns the tests from one on that all leave to the same node by an outcome, and to the next test by the other. */
function chain_of(first: Test, outcome: boolean, arrivals: ReadonlyMap<Node, number>): readonly Test[] {
  const exit = outcome ? first.yes : first.no;
  const chain = [first];
  for (let last = first; ; ) {
    const next = outcome ? last.no : last.yes;
    if (next.kind !== 'test' || arrivals.get(next) !== 1 || (outcome ? next.yes : next.no) !== exit)
      return chain;
    chain.push(next);
    last = next;
  }
}

function rebuilt_chain(chain: readonly Test[], now: (node: Node) => Node, graph: Graph): Node {
  const [first] = chain;
  const last = chain.at(-1);
  if (first === undefined || last === undefined) throw new Error('an empty chain');
  const groups = new Map<Value | Test, Test[]>();
  for (const test of chain) {
    // A test of two values loads both: it keeps its place.
    const key = test.right.kind === 'number' ? test.left : test;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [test]);
    else group.push(test);
  }
  const leaves_if_true = chain.length > 1 ? last.yes === first.yes : true;
  const exit = now(leaves_if_true ? first.yes : first.no);
  const tests = [...groups.values()].flat();
  return tests.reduceRight(
    (next, { comparison, left, right }) =>
      leaves_if_true
        ? graph.test(comparison, left, right, exit, next)
        : graph.test(comparison, left, right, next, exit),
    now(leaves_if_true ? last.no : last.yes),
  );
}
