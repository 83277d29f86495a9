// Divides a filter expression into tokens. Of several readings of the next characters the longest one counts, as in libpcap: `80-90` is one
// name, and `len-4`, too; with spaces around the sign it is a subtraction.
import { is_ipv6 } from '../../bytes/address.js';
import { FilterError } from '../error.js';
import { KEYWORDS, NAMED_NUMBERS } from './words.js';

export interface Token {
  /** word: a keyword. name: that of a host, port or protocol. symbol: an operator or a bracket. end: behind the last token. */
  readonly kind: 'word' | 'name' | 'number' | 'ipv4' | 'ipv6' | 'mac' | 'symbol' | 'end';
  /** Of a word its usual form: `and` for `&&`. */
  readonly text: string;
  /** The index of its first character. */
  readonly at: number;
  /** The value of a number. */
  readonly number: number;
}

const SPACE = /[ \r\n\t]+/y;
const SYMBOL = /&&|\|\||>=|<=|!=|==|<<|>>|[-+*/%:[\]!<>()&|^=]/y;
const BYTE = '[0-9A-Fa-f]{1,2}';
const MAC = new RegExp(
  [
    ...['-', ':', '\\.'].map((sign) => `${BYTE}(?:${sign}${BYTE}){5}`),
    '[0-9A-Fa-f]{4}(?:\\.[0-9A-Fa-f]{4}){2}',
    '[0-9A-Fa-f]{12}',
  ].join('|'),
  'y',
);
const BAD_MAC = new RegExp(`${BYTE}:+(?:${BYTE}:+)+`, 'y');
const NUMBER = /0[xX][0-9A-Fa-f]+|[0-9]+/y;
const IPV4 = /[0-9]+(?:\.[0-9]+){1,3}/y;
const IPV6 = /[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:\.[0-9]+)*/y;
const NAME = /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y;
const ESCAPED = /\\[^ !()\n\t]+/y;

/** The usual forms of symbols. */
const SYNONYMS = new Map([
  ['&&', 'and'],
  ['||', 'or'],
  ['!', 'not'],
  ['==', '='],
]);

/** Returns the tokens of an expression; the last one is the end. @throws FilterError */
export function tokens_of(expression: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += match(SPACE, expression, at).length;
    if (at === expression.length) break;
    const token = next_token(expression, at);
    tokens.push(token);
    at += token.length;
  }
  tokens.push({ kind: 'end', text: 'the end', at, number: 0 });
  return tokens;
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** The readings of the next characters; of two that are equally long the first one counts. */
const READINGS: readonly (readonly [kind: Token['kind'], pattern: RegExp])[] = [
  ['mac', MAC],
  ['number', NUMBER],
  ['ipv4', IPV4],
  ['ipv6', IPV6],
  ['name', NAME],
  ['symbol', SYMBOL],
];

function next_token(expression: string, at: number): Token & { length: number } {
  const token = (kind: Token['kind'], text: string, length = text.length, number = 0) => ({
    kind,
    text,
    at,
    number,
    length,
  });
  const escaped = match(ESCAPED, expression, at);
  if (escaped !== '') return token('name', escaped.slice(1), escaped.length);
  let kind: Token['kind'] = 'end';
  let text = '';
  for (const [each, pattern] of READINGS) {
    const found = match(pattern, expression, at);
    if (found.length <= text.length || (each === 'ipv6' && !is_ipv6(found))) continue;
    kind = each;
    text = found;
  }
  const bad_mac = match(BAD_MAC, expression, at);
  if (bad_mac.length > text.length)
    throw new FilterError(`${bad_mac} is no address: six bytes have colons between them`, expression, at + 1);
  const named = NAMED_NUMBERS.get(text);
  if (named !== undefined) return token('number', text, text.length, named);
  if (kind === 'number') return token('number', text, text.length, number_of(text, expression, at));
  if (kind === 'symbol') {
    const usual = SYNONYMS.get(text) ?? text;
    return token(KEYWORDS.has(usual) ? 'word' : 'symbol', usual, text.length);
  }
  if (kind === 'name') return token(KEYWORDS.has(text) ? 'word' : 'name', text);
  if (kind !== 'end') return token(kind, text);
  const character = String.fromCodePoint(expression.codePointAt(at) ?? 0);
  throw new FilterError(`${JSON.stringify(character)} has no meaning here`, expression, at + 1);
}

/** Reads a number as C does: 0x10 is hexadecimal, 010 is octal. */
function number_of(text: string, expression: string, at: number): number {
  const is_octal = /^0\d/.test(text);
  if (is_octal && /[89]/.test(text))
    throw new FilterError(
      `${text} begins with 0, so it is octal: 8 and 9 are no octal digits`,
      expression,
      at + 1,
    );
  const number = is_octal ? Number.parseInt(text, 8) : Number(text);
  if (number <= 0xffffffff) return number;
  throw new FilterError(`${text} is beyond 32 bits`, expression, at + 1);
}
