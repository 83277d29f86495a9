// Answers of a server, from bytes as they come: RFC 959, section 4.2. Whatever a server sends, the parser holds a bounded number of bytes: a
// line without an end, an answer without an end, or bytes that are no answer throw a ReplyFormatError.

/** One answer. */
export interface Reply {
  /** three digits, the first of them 1 to 5 */
  readonly code: number;
  /** the lines without the code, and without the ends of lines */
  readonly lines: readonly string[];
}

/** The server sent what is not an answer. */
export class ReplyFormatError extends Error {
  override readonly name = 'ReplyFormatError';
}

/** Bytes. Long paths come in answers to PWD and MLST. */
const MAX_LINE = 16 * 1024;
/** Lines, and bytes, of one answer. FEAT and HELP of large servers have some hundred lines. */
const MAX_LINES = 2000;
const MAX_REPLY = 512 * 1024;

const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

/** Takes bytes and gives whole answers. */
export class ReplyParser {
  readonly #encoding: BufferEncoding;
  #rest: Buffer = EMPTY;
  #code = 0;
  #lines: string[] = [];
  #bytes = 0;

  /** @param encoding of names in answers: 'utf8' or 'latin1' */
  constructor(encoding: BufferEncoding = 'utf8') {
    this.#encoding = encoding;
  }

  /** Whether bytes are kept that are not yet a whole answer. */
  get has_rest(): boolean {
    return this.#rest.length > 0 || this.#lines.length > 0;
  }

  /** Returns the answers that `chunk` completes. @throws ReplyFormatError */
  push(chunk: Uint8Array): Reply[] {
    let bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const replies: Reply[] = [];
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF)) {
      if (end > MAX_LINE) throw new ReplyFormatError(`a line of an answer is longer than ${MAX_LINE} bytes`);
      const reply = this.#take(bytes.subarray(0, end > 0 && bytes[end - 1] === CR ? end - 1 : end));
      if (reply !== undefined) replies.push(reply);
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > MAX_LINE)
      throw new ReplyFormatError(`a line of an answer has no end within ${MAX_LINE} bytes`);
    this.#rest = bytes;
    return replies;
  }

  #take(bytes: Buffer): Reply | undefined {
    const line = bytes.toString(this.#encoding);
    const first = /^([1-5][0-9]{2})(?:([ -])(.*))?$/s.exec(line);
    if (this.#lines.length === 0) {
      if (first === null) {
        if (line === '') return undefined;
        throw new ReplyFormatError(`not an answer of an FTP server: ${JSON.stringify(line.slice(0, 200))}`);
      }
      if (first[2] !== '-') return { code: Number(first[1]), lines: [first[3] ?? ''] };
      this.#code = Number(first[1]);
      this.#lines = [first[3] ?? ''];
      this.#bytes = bytes.length;
      return undefined;
    }
    const is_last = first !== null && Number(first[1]) === this.#code && first[2] !== '-';
    const continued = first !== null && Number(first[1]) === this.#code ? (first[3] ?? '') : line;
    this.#lines.push(continued);
    this.#bytes += bytes.length;
    if (is_last) {
      const reply = { code: this.#code, lines: this.#lines };
      this.#lines = [];
      return reply;
    }
    if (this.#lines.length >= MAX_LINES || this.#bytes > MAX_REPLY)
      throw new ReplyFormatError(`an answer ${this.#code} has no end within ${this.#lines.length} lines`);
    return undefined;
  }
}

/** Returns the port of an answer 229 to EPSV; undefined if it has none. RFC 2428, section 3. */
export function extended_passive_port({ lines }: Reply): number | undefined {
  const found = /\(([\x21-\x7e])\1\1([0-9]{1,5})\1\)/.exec(lines.join(' '));
  return found === null ? undefined : port(Number(found[2]));
}

/** Returns the port of an answer 227 to PASV; undefined if it has none. */
export function passive_port({ lines }: Reply): number | undefined {
  const found = /([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})/.exec(
    lines.join(' '),
  );
  if (found === null) return undefined;
  const [high, low] = [Number(found[5]), Number(found[6])];
  return high > 255 || low > 255 ? undefined : port(high * 256 + low);
}

function port(value: number): number | undefined {
  return value >= 1 && value <= 65535 ? value : undefined;
}

/** Returns the path of an answer 257, whose quotation marks are doubled; undefined if it has none. RFC 959, appendix II. */
export function quoted_path({ lines }: Reply): string | undefined {
  const found = /"((?:[^"]|"")*)"/s.exec(lines.join('\n'));
  return found?.[1]?.replaceAll('""', '"');
}

/**
 * Returns what FEAT lists: upper-case names, each with its parameters. RFC 2389, section 3.
 *
 * @param reply an answer 211
 */
export function features_of({ lines }: Reply): Map<string, string> {
  const features = new Map<string, string>();
  for (const line of lines.slice(1, -1)) {
    const [, name, parameters] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    const key = name.toUpperCase();
    // MODE Z and MODE B may be two lines.
    const before = features.get(key);
    features.set(key, before === undefined ? (parameters ?? '') : `${before};${parameters}`);
  }
  return features;
}

/** Returns the hash in an answer 213 to HASH: "SHA-256 0-49 6169… name". Older drafts and XSHA256 answer with the digits alone. */
export function hash_of({ lines }: Reply): { name: string | undefined; digits: string } | undefined {
  const text = lines.join(' ');
  const [, name, digits] = /^\s*([A-Z0-9-]+)\s+[0-9]+-[0-9]*\s+([0-9a-fA-F]{8,128})(?:\s|$)/.exec(text) ?? [];
  if (name !== undefined && digits !== undefined) return { name, digits: digits.toLowerCase() };
  const alone = /(?:^|\s)([0-9a-fA-F]{8,128})(?:\s|$)/.exec(text)?.[1];
  return alone === undefined ? undefined : { name: undefined, digits: alone.toLowerCase() };
}
