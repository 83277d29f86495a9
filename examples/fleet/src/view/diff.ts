// Differences of two texts by lines, in the form of `diff -u`: Myers' greedy algorithm, E. W. Myers, "An O(ND) Difference Algorithm and Its
// Variations" (1986). The number of differences is bounded: beyond it nobody reads them, and memory would grow with its square.

/** A line of a unified difference; `text` of a hunk is its whole line (@@ -1,2 +1,3 @@). */
export interface DiffLine {
  readonly kind: 'hunk' | 'same' | 'removed' | 'added';
  readonly text: string;
}

const CONTEXT = 3;
const MOST_DIFFERENCES = 1000;

interface Edit {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/**
 * Returns what changes `from` into `to`, empty if they are equal; undefined if there are more than 1,000 differences.
 *
 * @example
 * diff_lines(['a', 'b'], ['a', 'c']).map(({ kind, text }) => kind + ' ' + text);
 */
export function diff_lines(from: readonly string[], to: readonly string[]): DiffLine[] | undefined {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < from.length - start && end < to.length - start && from.at(-1 - end) === to.at(-1 - end))
    end += 1;
  const middle = edits_of(from.slice(start, from.length - end), to.slice(start, to.length - end));
  if (middle === undefined) return undefined;
  const same = (text: string): Edit => ({ kind: 'same', text });
  // Only the context of the equal beginning and end can be printed.
  const skipped = Math.max(0, start - CONTEXT);
  const before = from.slice(skipped, start).map(same);
  const after = from.slice(from.length - end, from.length - end + CONTEXT).map(same);
  return hunks([...before, ...middle, ...after], skipped);
}

/** Returns the shortest script of edits. */
function edits_of(from: readonly string[], to: readonly string[]): Edit[] | undefined {
  // reach.get(k): how far `from` is used up on the diagonal k with so many differences; one map for each number of them.
  let reach = new Map<number, number>([[1, 0]]);
  const history: Map<number, number>[] = [];
  for (
    let differences = 0;
    differences <= Math.min(from.length + to.length, MOST_DIFFERENCES);
    differences += 1
  ) {
    history.push(reach);
    const next = new Map<number, number>();
    for (let k = -differences; k <= differences; k += 2) {
      let x = step(reach, k, differences);
      while (x < from.length && x - k < to.length && from[x] === to[x - k]) x += 1;
      next.set(k, x);
      if (x >= from.length && x - k >= to.length) return walk_back(history, from, to);
    }
    reach = next;
  }
  return undefined;
}

/** Returns where the diagonal k begins with one difference more: from above (a line that was added) or from the left (removed). */
function step(reach: ReadonlyMap<number, number>, k: number, differences: number): number {
  return goes_down(reach, k, differences) ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
}

function goes_down(reach: ReadonlyMap<number, number>, k: number, differences: number): boolean {
  if (k === -differences) return true;
  return k !== differences && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1);
}

function walk_back(
  history: readonly Map<number, number>[],
  from: readonly string[],
  to: readonly string[],
): Edit[] {
  const edits: Edit[] = [];
  let x = from.length;
  let y = to.length;
  for (let differences = history.length - 1; differences >= 0; differences -= 1) {
    const reach = history[differences] ?? new Map();
    const k = x - y;
    const down = goes_down(reach, k, differences);
    const begin = step(reach, k, differences);
    for (; x > begin; x -= 1) edits.push({ kind: 'same', text: from[x - 1] ?? '' });
    y = x - k;
    if (differences === 0) break;
    if (down) edits.push({ kind: 'added', text: to[--y] ?? '' });
    else edits.push({ kind: 'removed', text: from[--x] ?? '' });
  }
  return edits.reverse();
}

/** Groups edits with the lines around them. @param skipped equal lines before the first edit */
function hunks(edits: readonly Edit[], skipped: number): DiffLine[] {
  const lines: DiffLine[] = [];
  let from = skipped;
  let to = skipped;
  for (let at = 0; at < edits.length; ) {
    if (edits.slice(at, at + CONTEXT + 1).every(({ kind }) => kind === 'same')) {
      at += 1;
      from += 1;
      to += 1;
      continue;
    }
    const hunk = edits.slice(at, end_of_hunk(edits, at));
    const removed = hunk.filter(({ kind }) => kind !== 'added').length;
    const added = hunk.filter(({ kind }) => kind !== 'removed').length;
    lines.push({ kind: 'hunk', text: `@@ -${range(from, removed)} +${range(to, added)} @@` }, ...hunk);
    at += hunk.length;
    from += removed;
    to += added;
  }
  return lines;
}

/** A hunk goes on as long as less than twice the context is equal, and ends with the context. */
function end_of_hunk(edits: readonly Edit[], start: number): number {
  let last = start;
  for (
    let at = start;
    at < edits.length && at - last <= 2 * CONTEXT + (last === start ? CONTEXT : 0);
    at += 1
  ) {
    if (edits[at]?.kind !== 'same') last = at;
  }
  return Math.min(edits.length, last + 1 + CONTEXT);
}

/** Lines count from 1; an empty range names the line before it. */
function range(before: number, count: number): string {
  if (count === 1) return String(before + 1);
  return `${count === 0 ? before : before + 1},${count}`;
}
