// Replies as the server sends them (RFC 959, section 4.2): a code and text, in one line or in several.

import { encode_name } from '../store/names.js';

/** A reply: its code, and its text; of several lines all are shown, those in the middle behind a space. */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Returns a reply. @param code three digits @param lines its text, a line each */
export function reply(code: number, ...lines: string[]): Reply {
  return { code, lines };
}

/** An error that is the answer to a command. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';

  constructor(readonly reply: Reply) {
    super(`${reply.code} ${reply.lines.join(' ')}`);
  }
}

/** @throws ReplyError, always */
export function refuse(code: number, ...lines: string[]): never {
  throw new ReplyError(reply(code, ...lines));
}

/** Returns text for a reply: a name must not be able to end the line and begin another reply. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
  return text.replace(/[\x00-\x1f\x7f\x85\u2028\u2029]/g, '?');
}

/** Returns a path within double quotes, those in it doubled (RFC 959, appendix II). */
export function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

/** Returns the bytes of text with names in it: those whose bytes are not UTF-8 keep them. */
export function encode_text(text: string): Buffer {
  return encode_name(text) ?? Buffer.from(text);
}

/**
 * Returns a reply as it is sent. Of several lines the first has '-' behind the code, and the last has the code again; the lines between
 * begin with a space, so that none looks like the last.
 */
export function encode_reply({ code, lines }: Reply): Buffer {
  const text = lines.map(printable);
  const last = text.at(-1) ?? '';
  if (text.length <= 1) return encode_text(`${code} ${last}\r\n`);
  const [first, ...between] = text.slice(0, -1);
  return encode_text(
    `${code}-${first}\r\n${between.map((line) => ` ${line}\r\n`).join('')}${code} ${last}\r\n`,
  );
}
