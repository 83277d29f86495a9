// Reads a filter expression: `and`, `or`, `not` and parentheses, and the words that are conditions or qualify what follows. The parts are in
// operands.ts (addresses, ports, protocols), arithmetic.ts and encapsulation.ts. The grammar is libpcap's.

import { ALU_OF, type Operator, type Size } from '../code/value.js';
import { abbreviation } from '../conditions/abbreviations.js';
import { and, type Condition, not, or, test } from '../conditions/condition.js';
import type { Context } from '../conditions/context.js';
import { geneve, mpls, pppoed, pppoes, vlan } from '../conditions/encapsulation.js';
import { LLC_TYPES, llc } from '../conditions/link.js';
import type { Direction } from '../conditions/network.js';
import * as special from '../conditions/special.js';
import { check_frames, frame_direction, frame_type, WLAN_SIDES, type WlanSide } from '../conditions/wlan.js';
import {
  type Arithmetic,
  binary,
  bytes_of,
  constant,
  length,
  negative,
  RELATIONS,
  relation,
} from './arithmetic.js';
import type { Token } from './lexer.js';
import { condition_of, type Mask, type Qualifiers } from './operands.js';
import { FOREIGN_WORDS, LINK_WORDS, type Protocol, protocol_of_word } from './words.js';

/** A part of the expression, and the qualifiers that an operand behind it has if it has no own ones. */
interface Part {
  readonly condition: Condition;
  readonly qualifiers: Qualifiers | undefined;
}

const DEEPEST = 200;
const OPERAND_KINDS: readonly Token['kind'][] = ['name', 'number', 'ipv4', 'ipv6', 'mac'];
const TYPES = ['host', 'net', 'port', 'portrange', 'proto', 'protochain'] as const;

const FRAME_WORDS: readonly string[] = ['type', 'subtype', 'dir', 'direction'];

/** Binary operators, those that bind less first. */
const PRECEDENCE = [['|'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/']] as const;
/** libpcap's grammar gives these no precedence: their right side is as long as it can be. */
const GREEDY: readonly string[] = ['%', '^'];

export class Parser {
  readonly #context: Context;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(context: Context, tokens: readonly Token[]) {
    this.#context = context;
    this.#tokens = tokens;
  }

  /** Returns the condition of the whole expression. @throws FilterError */
  parse(): Condition {
    const { condition } = this.#expression(undefined);
    if (this.#token.kind !== 'end') throw this.#unexpected('and, or, or the end');
    return condition;
  }

  get #token(): Token {
    return this.#at(0);
  }

  #at(distance: number): Token {
    const token = this.#tokens[Math.min(this.#next + distance, this.#tokens.length - 1)];
    if (token === undefined) throw new Error('no tokens');
    return token;
  }

  #take(): Token {
    const token = this.#token;
    this.#next++;
    return token;
  }

  /** Takes the next token if it is this word or symbol. */
  #took(...texts: readonly string[]): boolean {
    const { kind, text } = this.#token;
    const is_one = (kind === 'word' || kind === 'symbol') && texts.includes(text);
    if (is_one) this.#next++;
    return is_one;
  }

  #unexpected(expected: string): Error {
    const { kind, text } = this.#token;
    const found = kind === 'end' ? 'the expression ends' : `there is ${text}`;
    return this.#context.error(`${found}, where ${expected} is expected`, this.#token);
  }

  #expect(symbol: string): void {
    if (!this.#took(symbol)) throw this.#unexpected(symbol);
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > DEEPEST)
      throw this.#context.error(`more than ${DEEPEST} levels of parentheses and signs`, this.#token);
    const result = read();
    this.#depth--;
    return result;
  }

  /** Parts with `and` and `or` between them, from left to right: both bind equally. */
  #expression(inherited: Qualifiers | undefined): Part {
    let part = this.#part(inherited);
    for (;;) {
      const join = this.#token.text === 'and' ? and : or;
      if (!this.#took('and', 'or')) return part;
      const next = this.#part(part.qualifiers);
      part = { condition: join(part.condition, next.condition), qualifiers: next.qualifiers };
    }
  }

  #part(inherited: Qualifiers | undefined): Part {
    if (this.#took('not')) {
      const { condition, qualifiers } = this.#deeper(() => this.#part(inherited));
      return { condition: not(condition), qualifiers };
    }
    if (this.#begins_arithmetic()) return alone(this.#relation());
    if (this.#took('(')) {
      const { condition } = this.#deeper(() => this.#expression(inherited));
      this.#expect(')');
      return { condition, qualifiers: inherited };
    }
    if (!OPERAND_KINDS.includes(this.#token.kind)) return this.#primitive();
    if (inherited !== undefined) return { condition: this.#operand(inherited), qualifiers: inherited };
    throw this.#unexpected(`a word that says what ${this.#token.text} is (host, net, port, proto)`);
  }

  /** Returns whether a relation follows. A parenthesis belongs to arithmetic if an operator follows its end. */
  #begins_arithmetic(): boolean {
    const { kind, text } = this.#token;
    if (kind === 'symbol' && text === '-') return true;
    if (kind === 'word' && (text === 'len' || text === 'length')) return true;
    if (kind === 'word') return protocol_of_word(text) !== undefined && this.#at(1).text === '[';
    if (kind === 'number') return is_operator(this.#at(1));
    if (text !== '(' || kind !== 'symbol') return false;
    let level = 0;
    for (let i = 0; ; i++) {
      const token = this.#at(i);
      if (token.kind === 'end') return false;
      if (token.kind !== 'symbol') continue;
      if (token.text === '(') level++;
      if (token.text === ')' && --level === 0) return is_operator(this.#at(i + 1));
    }
  }

  /** One operand, or several in parentheses: `host (a or b)`. */
  #operands(qualifiers: Qualifiers): Condition {
    if (this.#took('not')) return not(this.#deeper(() => this.#operands(qualifiers)));
    if (!this.#took('(')) return this.#operand(qualifiers);
    let condition = this.#deeper(() => this.#operands(qualifiers));
    for (;;) {
      const join = this.#token.text === 'and' ? and : or;
      if (!this.#took('and', 'or')) break;
      condition = join(
        condition,
        this.#deeper(() => this.#operands(qualifiers)),
      );
    }
    this.#expect(')');
    return condition;
  }

  #operand(qualifiers: Qualifiers): Condition {
    const token = this.#take();
    if (OPERAND_KINDS.includes(token.kind)) {
      return condition_of(this.#context, token, this.#mask(token), qualifiers);
    }
    const { type } = qualifiers;
    // The word of a protocol is its name there; libpcap wants a \ before it.
    if (token.kind === 'word' && (type === 'proto' || type === 'protochain'))
      return condition_of(this.#context, { ...token, kind: 'name' }, undefined, qualifiers);
    this.#next--;
    throw this.#unexpected(`what ${type ?? qualifiers.direction ?? 'the word before'} means`);
  }

  #mask({ kind }: Token): Mask | undefined {
    if (kind !== 'ipv4' && kind !== 'ipv6') return undefined;
    if (this.#token.kind === 'symbol' && this.#took('/'))
      return { token: this.#number('a length'), is_length: true };
    if (!this.#took('mask')) return undefined;
    if (this.#token.kind !== 'ipv4') throw this.#unexpected('an IPv4 mask');
    return { token: this.#take(), is_length: false };
  }

  #number(what: string): Token {
    if (this.#token.kind !== 'number') throw this.#unexpected(what);
    return this.#take();
  }

  /** A number that may be left out, and may be in parentheses. */
  #optional_number(): number | undefined {
    if (this.#token.kind === 'number') return this.#take().number;
    let open = 0;
    while (this.#at(open).text === '(') open++;
    if (open === 0 || this.#at(open).kind !== 'number' || this.#at(open + 1).text !== ')') return undefined;
    this.#next += open;
    const { number } = this.#take();
    for (; open > 0; open--) this.#expect(')');
    return number;
  }

  #primitive(): Part {
    const token = this.#token;
    this.#context.at(token);
    if (token.kind !== 'word') throw this.#unexpected('a condition');
    const protocol = protocol_of_word(token.text);
    if (protocol !== undefined) return this.#of_protocol(protocol);
    const qualified = this.#qualified(undefined);
    if (qualified !== undefined) return qualified;
    const condition = this.#special(token.text);
    if (condition !== undefined) return alone(condition);
    const foreign = FOREIGN_WORDS.get(token.text);
    if (foreign === undefined) throw this.#unexpected('a condition');
    throw this.#context.error(`${token.text} is of ${foreign}, for which there are no filters here`);
  }

  #of_protocol(protocol: Protocol): Part {
    const token = this.#take();
    const { text } = this.#token;
    if (this.#took('broadcast')) return alone(special.broadcast(this.#context, protocol));
    if (this.#took('multicast')) return alone(special.multicast(this.#context, protocol));
    const of_frame = protocol === 'ether' ? this.#of_frame() : undefined;
    if (of_frame !== undefined) return alone(of_frame);
    const qualified = this.#qualified(protocol);
    if (qualified !== undefined) return qualified;
    const condition = abbreviation(protocol);
    if (condition !== undefined)
      return alone(this.#context.on_each_path((place) => condition(this.#context, place)));
    if (LINK_WORDS.includes(token.text)) throw this.#unexpected(`what ${token.text} means (host, proto, [)`);
    const foreign = FOREIGN_WORDS.get(text) ?? FOREIGN_WORDS.get(token.text);
    throw this.#context.error(`${token.text} is of ${foreign}, for which there are no filters here`, token);
  }

  /** Qualifiers with their operands: `src host 10.1.2.3`, `port 80`. */
  #qualified(protocol: Protocol | undefined): Part | undefined {
    const direction = this.#direction();
    const word = this.#token.kind === 'word' ? this.#token.text : undefined;
    const type = TYPES.find((each) => each === word);
    if (word === 'gateway')
      throw this.#context.error('gateway: write "ether host ADDRESS and not host ADDRESS"', this.#token);
    if (type !== undefined) this.#next++;
    if (direction === undefined && type === undefined) return undefined;
    const qualifiers = { protocol, direction, type };
    return { condition: this.#operands(qualifiers), qualifiers };
  }

  #direction(): Direction | WlanSide | undefined {
    const { kind, text } = this.#token;
    const side = kind === 'word' ? WLAN_SIDES[text] : undefined;
    if (side !== undefined) {
      this.#next++;
      return side;
    }
    if (kind !== 'word' || (text !== 'src' && text !== 'dst')) return undefined;
    this.#next++;
    const other = text === 'src' ? 'dst' : 'src';
    const [join, second] = [this.#at(0), this.#at(1)];
    if (second.kind !== 'word' || second.text !== other || join.kind !== 'word') return text;
    if (join.text !== 'or' && join.text !== 'and') return text;
    this.#next += 2;
    return join.text === 'or' ? 'src or dst' : 'src and dst';
  }

  #special(word: string): Condition | undefined {
    const context = this.#context;
    const { values } = context;
    switch (word) {
      case 'vlan':
        this.#next++;
        return vlan(context, this.#optional_number());
      case 'mpls':
        this.#next++;
        return mpls(context, this.#optional_number());
      case 'pppoed':
        this.#next++;
        return pppoed(context);
      case 'pppoes':
        this.#next++;
        return pppoes(context, this.#optional_number());
      case 'geneve':
        this.#next++;
        return geneve(context, this.#optional_number());
      case 'broadcast':
        this.#next++;
        return special.broadcast(context, undefined);
      case 'multicast':
        this.#next++;
        return special.multicast(context, undefined);
      case 'less':
        this.#next++;
        return not(test('greater', values.length(), context.number(this.#number('a length').number)));
      case 'greater':
        this.#next++;
        return test('at_least', values.length(), context.number(this.#number('a length').number));
      case 'inbound':
      case 'outbound':
        this.#next++;
        return special.direction(context, word === 'outbound');
      case 'ifindex':
        this.#next++;
        return special.interface_index(context, this.#number('the number of an interface').number);
      case 'llc':
        this.#next++;
        return this.#llc();
      case 'byte':
        throw context.error('byte: write "ether[OFFSET] = VALUE"');
      default:
        return this.#of_frame();
    }
  }

  /** type TYPE subtype SUBTYPE, dir DIRECTION: of frames of 802.11. */
  #of_frame(): Condition | undefined {
    const context = this.#context;
    if (!FRAME_WORDS.includes(this.#token.text)) return undefined;
    context.at(this.#token);
    check_frames(context);
    if (this.#took('dir', 'direction')) return frame_direction(context, this.#word_or_number('a direction'));
    const type = this.#took('type') ? this.#word_or_number('a type') : undefined;
    const subtype = this.#took('subtype') ? this.#word_or_number('a subtype') : undefined;
    return frame_type(context, type, subtype);
  }

  #word_or_number(what: string): { text: string; number: number | undefined } {
    const { kind, text, number } = this.#token;
    if (kind !== 'name' && kind !== 'number') throw this.#unexpected(`${what} of 802.11`);
    this.#context.at(this.#take());
    return { text, number: kind === 'number' ? number : undefined };
  }

  #llc(): Condition {
    const context = this.#context;
    const { kind, text } = this.#token;
    if (kind !== 'name' && text !== 'rnr')
      return context.on_each_path((place) => llc(context, place, undefined));
    const type = text.toLowerCase();
    if (!LLC_TYPES.includes(type)) throw this.#unexpected(`one of ${LLC_TYPES.join(', ')}`);
    this.#next++;
    return context.on_each_path((place) => llc(context, place, type));
  }

  #relation(): Condition {
    const left = this.#arithmetic(0);
    const { text } = this.#token;
    if (!this.#took(...RELATIONS.keys())) throw this.#unexpected('a comparison (=, !=, <, <=, >, >=)');
    return relation(this.#context, text, left, this.#arithmetic(0));
  }

  /** Operators that bind at least as strongly as the level, with their operands. */
  #arithmetic(level: number): Arithmetic {
    let left = this.#term();
    for (;;) {
      const token = this.#token;
      const own = PRECEDENCE.findIndex((operators) => operators.some((each) => each === token.text));
      const is_greedy = GREEDY.includes(token.text);
      if (token.kind !== 'symbol' || (own < level && !is_greedy) || !is_arithmetic(token.text)) return left;
      this.#next++;
      const right = this.#deeper(() => this.#arithmetic(is_greedy ? 0 : own + 1));
      left = binary(this.#context, token.text, left, right, token);
    }
  }

  #term(): Arithmetic {
    const token = this.#token;
    if (token.kind === 'number') return constant(this.#context, this.#take().number);
    if (this.#took('len', 'length')) return length(this.#context);
    // The sign binds more than the operators with a precedence, and less than those without.
    if (this.#took('-'))
      return negative(
        this.#context,
        this.#deeper(() => this.#arithmetic(PRECEDENCE.length)),
      );
    if (this.#took('(')) {
      const inner = this.#deeper(() => this.#arithmetic(0));
      this.#expect(')');
      return inner;
    }
    const protocol = token.kind === 'word' ? protocol_of_word(token.text) : undefined;
    if (protocol === undefined) throw this.#unexpected('a number, len or the bytes of a header');
    this.#next++;
    this.#expect('[');
    const index = this.#deeper(() => this.#arithmetic(0));
    const size = this.#took(':') ? this.#size() : 1;
    this.#expect(']');
    return bytes_of(this.#context, protocol, index, size, token);
  }

  #size(): Size {
    const { number } = this.#number('1, 2 or 4');
    if (number === 1 || number === 2 || number === 4) return number;
    this.#next--;
    throw this.#unexpected('1, 2 or 4');
  }
}

/** Returns a part whose qualifiers no operand behind it has. */
function alone(condition: Condition): Part {
  return { condition, qualifiers: undefined };
}

function is_arithmetic(text: string): text is Operator {
  return Object.hasOwn(ALU_OF, text);
}

function is_operator({ kind, text }: Token): boolean {
  return kind === 'symbol' && (is_arithmetic(text) || RELATIONS.has(text));
}
