// Python's error handlers: they replace bytes that are no text, and characters that an encoding lacks, or throw.
import { escaped, LookupError, UnicodeDecodeError, UnicodeEncodeError } from '../../errors/builtins.js';
import type { Bytes } from '../steps.js';

interface Problem {
  encoding: string;
  start: number;
  end: number;
  reason: string;
}

/** Bytes that could not be decoded: bytes[start..end). */
export interface DecodeProblem extends Problem {
  bytes: Bytes;
}

/** Characters that could not be encoded: text[start..end), as indexes of the string. */
interface EncodeProblem extends Problem {
  text: string;
}

/** One error handler: it returns the replacement of the bad part, or throws. */
export interface ErrorHandler {
  /** Returns the text for the bytes, and the index at which decoding goes on. */
  decode(problem: DecodeProblem): [text: string, next: number];
  /** Returns a text to encode instead, or bytes to use as they are. */
  encode(problem: EncodeProblem): string | Uint8Array;
}

function fail_decode({ encoding, bytes, start, end, reason }: DecodeProblem): never {
  throw new UnicodeDecodeError(encoding, bytes, start, end, reason);
}

function fail_encode({ encoding, text, start, end, reason }: EncodeProblem): never {
  throw new UnicodeEncodeError(encoding, text, start, end, reason);
}

/** Replaces each bad character by itself. */
function each({ text, start, end }: EncodeProblem, replace: (code_point: number) => string): string {
  return Array.from(text.slice(start, end), (character) => replace(character.codePointAt(0) ?? 0)).join('');
}

/** Turns bytes beyond ASCII into U+DC80 to U+DCFF; encoding with surrogateescape turns them back. */
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

const HANDLERS = new Map(
  Object.entries<ErrorHandler>({
    strict: { decode: fail_decode, encode: fail_encode },
    ignore: { decode: ({ end }) => ['', end], encode: () => '' },
    replace: { decode: ({ end }) => ['\ufffd', end], encode: (problem) => each(problem, () => '?') },
    backslashreplace: {
      decode: ({ bytes, start, end }) => [Array.from(bytes.subarray(start, end), escaped).join(''), end],
      encode: (problem) => each(problem, escaped),
    },
    surrogateescape: { decode: escape_bytes, encode: unescape_bytes },
    xmlcharrefreplace: {
      decode: () => {
        throw new TypeError(
          "don't know how to handle UnicodeDecodeError in error callback: xmlcharrefreplace only encodes",
        );
      },
      encode: (problem) => each(problem, (code_point) => `&#${code_point};`),
    },
  }),
);

/** Returns the error handler of a name. @throws LookupError for an unknown name */
export function find_handler(name: string): ErrorHandler {
  const handler = HANDLERS.get(name);
  if (handler === undefined) {
    throw new LookupError(`unknown error handler name '${name}' (known: ${[...HANDLERS.keys()].join(', ')})`);
  }
  return handler;
}
