// Places the blocks of a program one behind the other, and works out its jumps. A conditional jump has 8 bits for each way: a way that is
// longer goes through a jump of 32 bits behind it.
import type { FilterRow } from '../../../util/filter_program.js';
import * as op from '../opcodes.js';
import type { Block } from './emit.js';
import type { Node } from './graph.js';

const LONGEST_JUMP = 255;

/** The place of a block, and which of its ways need a long jump. */
interface Placed {
  readonly block: Block;
  start: number;
  long_yes: boolean;
  long_no: boolean;
}

/** Returns the rows of a program. Results come last, each one once. */
export function assemble(blocks: readonly Block[]): FilterRow[] {
  const results = blocks.filter(({ node }) => node.kind === 'result');
  results.sort((a, b) => Number(is_refusal(a)) - Number(is_refusal(b)));
  const ordered = [...blocks.filter(({ node }) => node.kind !== 'result'), ...results];
  const placed = ordered.map((block): Placed => ({ block, start: 0, long_yes: false, long_no: false }));
  const starts = new Map<Node, number>();
  do place(placed, starts);
  while (lengthen(placed, starts));
  return placed.flatMap((each, i) => rows_of(each, starts, placed[i + 1]));
}

const is_refusal = ({ node }: Block): boolean => node.kind === 'result' && node.bytes === 0;

function place(placed: readonly Placed[], starts: Map<Node, number>): void {
  let at = 0;
  for (const [i, each] of placed.entries()) {
    each.start = at;
    starts.set(each.block.node, at);
    at += size_of(each, placed[i + 1]);
  }
}

function size_of({ block, long_yes, long_no }: Placed, next: Placed | undefined): number {
  const { node, instructions } = block;
  if (node.kind === 'result') return 1;
  if (node.kind === 'store') return instructions.length + (next?.block.node === node.next ? 0 : 1);
  return instructions.length + 1 + Number(long_yes) + Number(long_no);
}

/** Gives long jumps to ways that are too long. Returns whether there was one. */
function lengthen(placed: readonly Placed[], starts: ReadonlyMap<Node, number>): boolean {
  let changed = false;
  for (const each of placed) {
    const { node, instructions } = each.block;
    if (node.kind !== 'test') continue;
    const behind = each.start + instructions.length + 1;
    const too_long = (to: Node) => (starts.get(to) ?? 0) - behind > LONGEST_JUMP;
    if (!each.long_yes && too_long(node.yes)) changed = each.long_yes = true;
    if (!each.long_no && too_long(node.no)) changed = each.long_no = true;
  }
  return changed;
}

function rows_of(each: Placed, starts: ReadonlyMap<Node, number>, next: Placed | undefined): FilterRow[] {
  const { node, instructions, jump } = each.block;
  if (node.kind === 'result') return [row(op.RET | op.K, node.bytes)];
  const rows = instructions.map(({ code, k }) => row(code, k));
  const start_of = (to: Node): number => starts.get(to) ?? 0;
  const always = (to: Node): void => {
    rows.push(row(op.JMP | op.JA, start_of(to) - (each.start + rows.length + 1)));
  };
  if (node.kind === 'store') {
    if (next?.block.node !== node.next) always(node.next);
    return rows;
  }
  if (jump === undefined) return rows;
  const behind = each.start + rows.length + 1;
  // The long jumps follow the conditional one: that of the true way first.
  const jt = each.long_yes ? 0 : start_of(node.yes) - behind;
  const jf = each.long_no ? Number(each.long_yes) : start_of(node.no) - behind;
  rows.push(Object.freeze<FilterRow>([jump.code, jt, jf, jump.k]));
  if (each.long_yes) always(node.yes);
  if (each.long_no) always(node.no);
  return rows;
}

function row(code: number, k: number): FilterRow {
  return Object.freeze<FilterRow>([code, 0, 0, k]);
}
