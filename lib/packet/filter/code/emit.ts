// Instructions of the nodes of a graph. Each node becomes a block: loads into the registers, then a jump, a store or a result. What the
// registers hold on every way to a block is not loaded again. assemble.ts places the blocks and works out the jumps.

import * as op from '../opcodes.js';
import type { Node, Test } from './graph.js';
import { ALU_OF, is_commutative, type Size, type Stored, type Value } from './value.js';

/** An instruction without a jump. */
export interface Instruction {
  readonly code: number;
  readonly k: number;
}
/** The instructions of a node, and the jump at its end. */
export interface Block {
  readonly node: Node;
  readonly instructions: readonly Instruction[];
  /** The code and number of a test's jump. */
  readonly jump: Instruction | undefined;
}

/** What the registers hold. */
interface Registers {
  readonly a: Value | undefined;
  readonly x: Value | undefined;
}

const NOTHING: Registers = { a: undefined, x: undefined };
const SIZE_CODES: Readonly<Record<Size, number>> = { 1: op.B, 2: op.H, 4: op.W };
const JUMPS: Readonly<Record<Test['comparison'], number>> = {
  equal: op.JEQ,
  greater: op.JGT,
  at_least: op.JGE,
  has_bits: op.JSET,
};

/** The expression needs more scratch memory than there is. */
export class ScratchError extends Error {}

/**
 * Returns the blocks of nodes.
 *
 * @param order the nodes, each one before its successors
 * @throws ScratchError
 */
export function blocks_of(order: readonly Node[]): Block[] {
  const incoming = new Map<Node, Registers>();
  const arrive = (node: Node, { a, x }: Registers) => {
    const known = incoming.get(node);
    if (known === undefined) incoming.set(node, { a, x });
    else incoming.set(node, { a: known.a === a ? a : undefined, x: known.x === x ? x : undefined });
  };
  const stored = order.flatMap((node) => (node.kind === 'store' ? [node.stored.word] : []));
  const first_free = Math.max(-1, ...stored) + 1;
  return order.map((node) => {
    const writer = new Writer(incoming.get(node) ?? NOTHING, first_free);
    if (node.kind === 'result') return { node, instructions: [], jump: undefined };
    const jump = node.kind === 'test' ? writer.test(node) : writer.store(node.stored, node.value);
    for (const next of node.kind === 'test' ? [node.yes, node.no] : [node.next]) arrive(next, writer);
    return { node, instructions: writer.instructions, jump };
  });
}

/** Writes the instructions of one block. */
class Writer implements Registers {
  readonly instructions: Instruction[] = [];
  a: Value | undefined;
  x: Value | undefined;
  #free: number;

  constructor({ a, x }: Registers, first_free: number) {
    this.a = a;
    this.x = x;
    this.#free = first_free;
  }

  #write(code: number, k = 0): void {
    this.instructions.push({ code, k });
  }

  test({ comparison, left, right }: Test): Instruction {
    const code = op.JMP | JUMPS[comparison];
    if (right.kind === 'number') {
      this.#to_a(left);
      return { code: code | op.K, k: right.number };
    }
    this.#to_a_and_x(left, right);
    return { code: code | op.X, k: 0 };
  }

  store(stored: Stored, value: Value): undefined {
    this.#to_a(value);
    this.#write(op.ST, stored.word);
    this.a = stored;
  }

  #to_a(value: Value): void {
    if (this.a === value) return;
    if (this.x === value) this.#write(op.MISC | op.TXA);
    else this.#compute(value);
    this.a = value;
  }

  /** Writes the instructions that compute a value in A. */
  #compute(value: Value): void {
    switch (value.kind) {
      case 'number':
        this.#write(op.LD | op.IMM, value.number);
        break;
      case 'length':
        this.#write(op.LD | op.W | op.LEN);
        break;
      case 'stored':
        this.#write(op.LD | op.MEM, value.word);
        break;
      case 'load': {
        const code = op.LD | SIZE_CODES[value.size];
        if (value.index !== undefined) this.#to_x(value.index);
        this.#write(code | (value.index === undefined ? op.ABS : op.IND), value.at);
        break;
      }
      case 'header_length':
        this.#write(op.LD | op.B | op.ABS, value.at);
        this.#write(op.ALU | op.AND | op.K, 0x0f);
        this.#write(op.ALU | op.LSH | op.K, 2);
        break;
      case 'negative':
        this.#to_a(value.of);
        this.#write(op.ALU | op.NEG);
        break;
      case 'binary': {
        const code = op.ALU | ALU_OF[value.operator];
        if (value.right.kind === 'number') {
          this.#to_a(value.left);
          this.#write(code | op.K, value.right.number);
          break;
        }
        const swapped = is_commutative(value.operator) && loads_into_x(value.left);
        if (swapped) this.#to_a_and_x(value.right, value.left);
        else this.#to_a_and_x(value.left, value.right);
        this.#write(code | op.X);
        break;
      }
    }
  }

  #to_x(value: Value): void {
    if (this.x === value) return;
    if (value.kind === 'number') this.#write(op.LDX | op.IMM, value.number);
    else if (value.kind === 'stored') this.#write(op.LDX | op.MEM, value.word);
    else if (value.kind === 'length') this.#write(op.LDX | op.W | op.LEN);
    else if (value.kind === 'header_length') this.#write(op.LDX | op.B | op.MSH, value.at);
    else {
      this.#to_a(value);
      this.#write(op.MISC | op.TAX);
    }
    this.x = value;
  }

  #to_a_and_x(a: Value, x: Value): void {
    if (loads_into_x(x)) {
      this.#to_a(a);
      this.#to_x(x);
    } else if (!uses_x(a)) {
      this.#to_x(x);
      this.#to_a(a);
    } else {
      const word = this.#free++;
      if (word >= op.SCRATCH_WORDS) throw new ScratchError();
      this.#to_a(x);
      this.#write(op.ST, word);
      this.#to_a(a);
      this.#write(op.LDX | op.MEM, word);
      this.x = x;
      this.#free--;
    }
  }
}

/** Returns whether X can be loaded with the value without A. */
function loads_into_x({ kind }: Value): boolean {
  return kind === 'number' || kind === 'stored' || kind === 'length' || kind === 'header_length';
}

/** Returns whether computing the value in A changes X. */
function uses_x(value: Value): boolean {
  switch (value.kind) {
    case 'load':
      return value.index !== undefined;
    case 'negative':
      return uses_x(value.of);
    case 'binary':
      return value.right.kind !== 'number' || uses_x(value.left);
    default:
      return false;
  }
}
