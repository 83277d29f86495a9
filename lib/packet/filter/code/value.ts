// Values: what a filter computes from a packet, as expressions without side effects. Equal expressions are one object, so that code that
// has a value in a register finds it again.
import * as op from '../opcodes.js';

export type Size = 1 | 2 | 4;
export type Operator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';

export type Value = { readonly id: number } & (
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'length' }
  /** The bytes at `at`, or at `at` plus an index. */
  | { readonly kind: 'load'; readonly size: Size; readonly at: number; readonly index?: Value | undefined }
  /** The length of the IPv4 header that begins at `at`. */
  | { readonly kind: 'header_length'; readonly at: number }
  | Stored
  | { readonly kind: 'negative'; readonly of: Value }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Value; readonly right: Value }
);
/** The content of a word of scratch memory, as one instruction wrote it. */
export type Stored = { readonly id: number; readonly kind: 'stored'; readonly word: number };

/** The instruction of each operator. */
export const ALU_OF: Readonly<Record<Operator, number>> = {
  '+': op.ADD,
  '-': op.SUB,
  '*': op.MUL,
  '/': op.DIV,
  '%': op.MOD,
  '&': op.AND,
  '|': op.OR,
  '^': op.XOR,
  '<<': op.LSH,
  '>>': op.RSH,
};

export const is_commutative = (operator: Operator): boolean => '+*&|^'.includes(operator);

/** Returns the result of an operator on numbers of 32 bits. Division by zero is refused before. */
function calculate(operator: Operator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return (left + right) >>> 0;
    case '-':
      return (left - right) >>> 0;
    case '*':
      return Math.imul(left, right) >>> 0;
    case '/':
      return Math.floor(left / right);
    case '%':
      return left % right;
    case '&':
      return (left & right) >>> 0;
    case '|':
      return (left | right) >>> 0;
    case '^':
      return (left ^ right) >>> 0;
    case '<<':
      return (left << right) >>> 0;
    case '>>':
      return left >>> right;
  }
}

const ALL_ONES = 0xffffffff;

/** Makes the values of one program. */
export class Values {
  readonly #known = new Map<string, Value>();
  #count = 0;

  #once(key: string, make: (id: number) => Value): Value {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = make(this.#count++);
    this.#known.set(key, value);
    return value;
  }

  number(number: number): Value {
    return this.#once(`#${number}`, (id) => ({ id, kind: 'number', number }));
  }

  length(): Value {
    return this.#once('length', (id) => ({ id, kind: 'length' }));
  }

  load(size: Size, at: number, index?: Value): Value {
    if (index === undefined) return this.#once(`load${size} ${at}`, (id) => ({ id, kind: 'load', size, at }));
    if (index.kind === 'number') return this.load(size, at + index.number);
    return this.#once(`load${size} ${at} ${index.id}`, (id) => ({ id, kind: 'load', size, at, index }));
  }

  header_length(at: number): Value {
    return this.#once(`header ${at}`, (id) => ({ id, kind: 'header_length', at }));
  }

  /** Returns a new content of a word of scratch memory. */
  stored(word: number): Stored {
    return { id: this.#count++, kind: 'stored', word };
  }

  negative(of: Value): Value {
    if (of.kind === 'number') return this.number(-of.number >>> 0);
    return this.#once(`- ${of.id}`, (id) => ({ id, kind: 'negative', of }));
  }

  binary(operator: Operator, left: Value, right: Value): Value {
    if (right.kind === 'number') {
      const { number } = right;
      if (left.kind === 'number') return this.number(calculate(operator, left.number, number));
      if (number === 0 && '+-|^<<>>'.includes(operator)) return left;
      if (number === 0 && '*&'.includes(operator)) return right;
      if (number === ALL_ONES && operator === '&') return left;
    } else if (left.kind === 'number' && is_commutative(operator)) return this.binary(operator, right, left);
    return this.#once(`${left.id} ${operator} ${right.id}`, (id) => ({
      id,
      kind: 'binary',
      operator,
      left,
      right,
    }));
  }
}
