// Shortens the paths through the graph of a program. The tests that every path to a test has passed are known there; if they decide it,
// the way leads past it. A test that both ways leave to the same node is left out.
//
// A test that is passed over loads nothing that was not loaded before: what decides it is the same value. So a packet that is too short for
// a load is refused as before, unless the result did not depend on that load.
import { type Graph, in_order, type Node, type Store, type Test } from './graph.js';
import type { Value } from './value.js';

const MOST_ROUNDS = 20;
const ALL_ONES = 0xffffffff;

/** Returns the first node of a graph that gives the same results by shorter paths. */
export function simplified(root: Node, graph: Graph): Node {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = shortened(root, graph);
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

/** A place in the tree of dominators: every path to the place leads through the place above it. */
interface Place {
  readonly above: Place | undefined;
  readonly depth: number;
  /** The way that leads here; undefined for a node. */
  readonly way: Way | undefined;
}

function shortened(root: Node, graph: Graph): Node {
  const order = in_order(root);
  const ways = new Map<Node, Place[]>();
  const leave = (next: Node, above: Place, way: Way | undefined): Place => {
    const place = { above, depth: above.depth + 1, way };
    const known = ways.get(next);
    if (known === undefined) ways.set(next, [place]);
    else known.push(place);
    return place;
  };
  const leaving = new Map<Test, readonly [yes: Place, no: Place]>();
  for (const node of order) {
    const place = dominator(ways.get(node) ?? []);
    if (node.kind === 'store') leave(node.next, place, undefined);
    if (node.kind !== 'test') continue;
    const yes = leave(node.yes, place, { from: node, outcome: true });
    const no = leave(node.no, place, { from: node, outcome: false });
    leaving.set(node, [yes, no]);
  }
  const built = new Map<Node, Node>();
  const target = (node: Node, place: Place): Node => {
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

const TOP: Place = { above: undefined, depth: 0, way: undefined };

/** Returns the place of a node to which these places lead. */
function dominator(places: readonly Place[]): Place {
  const above = places.reduce<Place | undefined>((a, b) => (a === undefined ? b : common(a, b)), undefined);
  return above === undefined ? TOP : { above, depth: above.depth + 1, way: undefined };
}

function common(a: Place, b: Place): Place {
  while (a !== b) {
    if (a.depth >= b.depth) a = a.above ?? TOP;
    else b = b.above ?? TOP;
  }
  return a;
}

/** Returns the outcome of a test at the end of a path, if the tests on the path decide it. */
function known_outcome(test: Test, place: Place | undefined): boolean | undefined {
  const known: Range = { low: 0, high: ALL_ONES };
  for (; place !== undefined; place = place.above) {
    if (place.way === undefined) continue;
    const { from, outcome } = place.way;
    if (from.left !== test.left) continue;
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
