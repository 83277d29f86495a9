// A large file as the hashes of its blocks, and what has to be done so that an unfinished file becomes what is wanted: blocks that it has stay, blocks
// that an older file has are copied from there, the others go over the network. Who reads, copies and sends: delta.ts, put.ts, get.ts.

/** Smaller files go whole: bytes. */
export const DELTA_FROM = 16 << 20;
/** An older file smaller than this has nothing of use. */
export const LEAST_BLOCK = 1 << 20;
const MOST_BLOCKS = 1 << 16;

/** Returns the bytes of a block of a file of this size: 1 MiB, and more for files above 64 GiB. */
export function block_size(size: number): number {
  let block = LEAST_BLOCK;
  while (size / block > MOST_BLOCKS) block *= 2;
  return block;
}

export interface Blocks {
  /** bytes of a block; the last one may be shorter */
  readonly block: number;
  /** bytes of the file */
  readonly size: number;
  /** SHA-256 of each block */
  readonly hashes: readonly string[];
}

/** Whether two files that are cut in the same way are equal. */
export function equal_blocks(a: Blocks, b: Blocks): boolean {
  return a.size === b.size && a.hashes.every((hash, index) => hash === b.hashes[index]);
}

/** Bytes of a file. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** Bytes that come from `from` in the older file. */
export interface Copy extends Span {
  readonly from: number;
}

export interface Plan {
  /** bytes that the unfinished file has */
  readonly kept: number;
  readonly copies: readonly Copy[];
  /** what has to be sent, in order */
  readonly spans: readonly Span[];
}

/** Returns the plan for a file of which the first bytes are there. */
export function plan_from(start: number, size: number): Plan {
  return { kept: start, copies: [], spans: start < size ? [{ at: start, length: size - start }] : [] };
}

/** A copy is no longer than this: it tells that it goes on. */
const LONGEST_COPY = 64;

/**
 * Returns the plan that makes what is wanted of an unfinished and an older file, all cut in blocks of the same size. A block may have moved in the
 * older file by whole blocks.
 */
export function plan_of(wanted: Blocks, part: Blocks | undefined, old: Blocks | undefined): Plan {
  const { block, size } = wanted;
  const places = new Map(old?.hashes.map((hash, index) => [hash, index]));
  const spans: Span[] = [];
  const copies: Copy[] = [];
  let kept = 0;
  let next: number | undefined;
  wanted.hashes.forEach((hash, index) => {
    const at = index * block;
    const length = Math.min(block, size - at);
    if (part?.hashes[index] === hash) {
      kept += length;
      next = undefined;
      return;
    }
    // Of equal blocks the one that goes on with the copy before, else the one at the same place.
    const place = [next, index].find((known) => known !== undefined && old?.hashes[known] === hash);
    const from = place ?? places.get(hash);
    if (from === undefined) push_span(spans, { at, length });
    else push_copy(copies, { at, length, from: from * block }, block * LONGEST_COPY);
    next = from === undefined ? undefined : from + 1;
  });
  return { kept, copies, spans };
}

function push_span(spans: Span[], { at, length }: Span): void {
  const last = spans.at(-1);
  if (last !== undefined && last.at + last.length === at)
    spans.splice(-1, 1, { at: last.at, length: last.length + length });
  else spans.push({ at, length });
}

function push_copy(copies: Copy[], { at, length, from }: Copy, longest: number): void {
  const last = copies.at(-1);
  const goes_on =
    last !== undefined &&
    last.at + last.length === at &&
    last.from + last.length === from &&
    last.length + length <= longest;
  if (goes_on) copies.splice(-1, 1, { ...last, length: last.length + length });
  else copies.push({ at, length, from });
}

/** Returns the plan where the copies from the number `done` on could not be made: they are sent. */
export function without_copies(plan: Plan, done: number): Plan {
  if (done >= plan.copies.length) return plan;
  const spans: Span[] = [];
  const missing = plan.copies.slice(done).map(({ at, length }) => ({ at, length }));
  for (const span of [...plan.spans, ...missing].sort((a, b) => a.at - b.at)) push_span(spans, span);
  return { kept: plan.kept, copies: plan.copies.slice(0, done), spans };
}

/** Bytes of a request: as many as OpenSSH's server takes at once. */
const PIECE = 255 << 10;
const FIRST_PIECE = 32 << 10;
const PIECES_OF_A_SIZE = 16;

/**
 * Yields the pieces of spans, one for each request. Those of large files are small at first and grow: a connection that is cut soon has moved whole
 * ones all the same.
 */
export function* pieces_of(spans: readonly Span[], size: number): Generator<Span> {
  let count = 0;
  for (const { at, length } of spans) {
    for (let done = 0; done < length; ) {
      const grown = FIRST_PIECE * 2 ** Math.floor(count / PIECES_OF_A_SIZE);
      const most = size < LEAST_BLOCK ? PIECE : Math.min(PIECE, grown);
      const piece = Math.min(most, length - done);
      yield { at: at + done, length: piece };
      done += piece;
      count += 1;
    }
  }
}
