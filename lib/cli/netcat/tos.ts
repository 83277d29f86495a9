// The words of nc -T: the type of service of IPv4 (RFC 1349, RFC 791) and the code points of RFC 2474, 2597 and 3246.

import { UsageError } from '../terminal/errors.js';
import { read_number } from '../terminal/options.js';

const WORDS: Readonly<Record<string, number>> = {
  critical: 0xa0,
  inetcontrol: 0xc0,
  lowcost: 0x02,
  lowdelay: 0x10,
  netcontrol: 0xe0,
  reliability: 0x04,
  throughput: 0x08,
  ef: 0xb8,
};

/** The code points are the upper six bits. */
function code_point(word: string): number | undefined {
  const [, class_selector] = /^cs([0-7])$/.exec(word) ?? [];
  if (class_selector !== undefined) return Number(class_selector) << 5;
  const [, forwarding, drop] = /^af([1-4])([1-3])$/.exec(word) ?? [];
  return forwarding === undefined ? undefined : (Number(forwarding) << 5) | (Number(drop) << 3);
}

/** Returns the byte of a word, or of a number: 16, 0x10. @param what the name of the option @throws UsageError */
export function parse_tos(text: string, what: string): number {
  const word = (Object.hasOwn(WORDS, text) ? WORDS[text] : undefined) ?? code_point(text);
  if (word !== undefined) return word;
  if (/^0x[\da-f]{1,2}$/i.test(text)) return Number(text);
  if (/^\d+$/.test(text)) return read_number(what, text, [0, 255]);
  throw new UsageError(
    `illegal tos value ${JSON.stringify(text)}: ${what} takes ${Object.keys(WORDS).join(', ')}, af11 to af43, cs0 to cs7, or 0 to 255`,
  );
}
