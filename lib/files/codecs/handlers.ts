// Python's error handlers: what takes the place of bytes that are no text, and of characters that an encoding lacks.
import { escaped, LookupError, UnicodeDecodeError, UnicodeEncodeError } from '../errors.js';
import type { Bytes } from '../steps.js';

/** What could not be decoded: `end` is behind the last bad byte of `bytes`. */
export interface DecodeProblem {
  encoding: string;
  bytes: Bytes;
  start: number;
  end: number;
  reason: string;
}

/** What could not be encoded: `end` is behind the last bad character of `text`, both as indexes of the string. */
export interface EncodeProblem {
  encoding: string;
  text: string;
  start: number;
  end: number;
  reason: string;
}

/** One error handler: what stands for the problem. */
export interface ErrorHandler {
  /** The text that stands for the bytes, and where decoding goes on. */
  decode(problem: DecodeProblem): [text: string, next: number];
  /** Text to be encoded instead, or the bytes themselves. */
  encode(problem: EncodeProblem): string | Uint8Array;
}

function fail_decode({ encoding, bytes, start, end, reason }: DecodeProblem): never {
  throw new UnicodeDecodeError(encoding, bytes, start, end, reason);
}

function fail_encode({ encoding, text, start, end, reason }: EncodeProblem): never {
  throw new UnicodeEncodeError(encoding, text, start, end, reason);
}

/** Each bad character by itself. */
function each({ text, start, end }: EncodeProblem, replace: (code_point: number) => string): string {
  return Array.from(text.slice(start, end), (character) => replace(character.codePointAt(0) ?? 0)).join('');
}

/** Bytes beyond ASCII become U+DC80 to U+DCFF, which surrogateescape turns back when it encodes. */
function escape_bytes(problem: DecodeProblem): [string, number] {
  let text = '';
  let next = problem.start;
  for (; next < problem.end; next++) {
    const byte = problem.bytes[next] ?? 0;
    if (byte < 0x80) break;
    text += String.fromCharCode(0xdc00 + byte);
  }
  return text === '' ? fail_decode(problem) : [text, next];
}

function unescape_bytes(problem: EncodeProblem): Uint8Array {
  const { text, start, end } = problem;
  const bytes = new Uint8Array(end - start);
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc80 || unit > 0xdcff) fail_encode(problem);
    bytes[i - start] = unit - 0xdc00;
  }
  return bytes;
}

function only_encodes(): never {
  throw new TypeError(
    "don't know how to handle UnicodeDecodeError in error callback: xmlcharrefreplace only encodes",
  );
}

const HANDLERS: ReadonlyMap<string, ErrorHandler> = new Map([
  ['strict', { decode: fail_decode, encode: fail_encode }],
  ['ignore', { decode: ({ end }: DecodeProblem) => ['', end], encode: () => '' }],
  [
    'replace',
    {
      decode: ({ end }: DecodeProblem) => ['\ufffd', end],
      encode: (problem: EncodeProblem) => each(problem, () => '?'),
    },
  ],
  [
    'backslashreplace',
    {
      decode: ({ bytes, start, end }: DecodeProblem) => [
        Array.from(bytes.subarray(start, end), escaped).join(''),
        end,
      ],
      encode: (problem: EncodeProblem) => each(problem, escaped),
    },
  ],
  ['surrogateescape', { decode: escape_bytes, encode: unescape_bytes }],
  [
    'xmlcharrefreplace',
    {
      decode: only_encodes,
      encode: (problem: EncodeProblem) => each(problem, (code_point) => `&#${code_point};`),
    },
  ],
] satisfies [string, ErrorHandler][]);

/**
 * The error handler of a name.
 *
 * @throws LookupError, naming it, if there is none
 */
export function find_handler(name: string): ErrorHandler {
  const handler = HANDLERS.get(name);
  if (handler === undefined) {
    throw new LookupError(`unknown error handler name '${name}' (known: ${[...HANDLERS.keys()].join(', ')})`);
  }
  return handler;
}
