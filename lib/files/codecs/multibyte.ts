// East Asian encodings of one to four bytes a character. Their tables are taken from the runtime's TextDecoder, one character
// at a time, and inverted for encoding. The tables differ from Python's in a few symbols and in vendors' additions. cp949 and
// big5hkscs differ in much and are left out: no text is better than a wrong one.
import { BufferedDecoder, type Codec, decode_slowly, encode_slowly, type Sequence } from './codec.js';
import type { ErrorHandler } from './handlers.js';

const REASON = 'illegal multibyte sequence';

/** Returns the length of a character by its first bytes; 0 if no character begins so; undefined if `second` is needed. */
type LengthOf = (lead: number, second: number | undefined) => number | undefined;

const double_byte: LengthOf = (lead) => (lead < 0x81 || lead > 0xfe ? 0 : 2);
// 0xa1 to 0xdf are katakana of one byte; 0x80 and 0xa0 are single bytes, defined or not.
const shift_jis: LengthOf = (lead) => {
  return lead === 0x80 || (lead >= 0xa0 && lead <= 0xdf) ? 1 : double_byte(lead, undefined);
};
const euc_jp: LengthOf = (lead) =>
  lead === 0x8f ? 3 : lead === 0x8e ? 2 : lead >= 0xa1 && lead <= 0xfe ? 2 : 0;
const gb18030: LengthOf = (lead, second) => {
  if (lead < 0x81 || lead > 0xfe) return 0;
  if (second === undefined) return undefined;
  return second >= 0x30 && second <= 0x39 ? 4 : 2;
};

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Returns the four bytes in gb18030 of the character with this number; the characters are numbered from `lead` 30 81 30 on. */
function four_bytes(lead: number, number: number): [number, number, number, number] {
  const [third, second] = [Math.floor(number / 10), Math.floor(number / 1260)];
  return [lead + Math.floor(second / 10), 0x30 + (second % 10), 0x81 + (third % 126), 0x30 + (number % 10)];
}

/** By Python's name: the label of TextDecoder, and the lengths of characters. */
const ENCODINGS: ReadonlyMap<string, [label: string, length_of: LengthOf]> = new Map([
  ['gbk', ['gbk', double_byte]],
  ['gb2312', ['gbk', double_byte]],
  ['gb18030', ['gb18030', gb18030]],
  ['big5', ['big5', double_byte]],
  ['cp950', ['big5', double_byte]],
  ['shift_jis', ['shift_jis', shift_jis]],
  ['cp932', ['shift_jis', shift_jis]],
  ['euc_jp', ['euc-jp', euc_jp]],
  ['euc_kr', ['euc-kr', double_byte]],
]);

class Table {
  private readonly texts = new Map<number, string | undefined>();
  private bytes_of: Map<string, Buffer> | undefined;

  constructor(
    readonly name: string,
    private readonly decoder: InstanceType<typeof TextDecoder>,
    private readonly length_of: LengthOf,
  ) {}

  /** Returns the text of one character's bytes; undefined if the encoding does not define them. */
  private text_of(bytes: Buffer): string | undefined {
    const key = bytes.readUIntBE(0, bytes.length) + bytes.length * 2 ** 32;
    if (!this.texts.has(key)) {
      let text: string | undefined;
      try {
        text = this.decoder.decode(bytes);
      } catch {
        // The decoder is `fatal`: an error means that the encoding does not define the bytes.
      }
      this.texts.set(key, text);
    }
    return this.texts.get(key);
  }

  readonly sequence_at = (bytes: Buffer, at: number): Sequence => {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) return { kind: 'character', length: 1, text: String.fromCharCode(lead) };
    const length = this.length_of(lead, bytes[at + 1]);
    if (length === 0) return { kind: 'error', length: 1, reason: REASON };
    if (length === undefined || at + length > bytes.length) {
      return { kind: 'unfinished', reason: 'incomplete multibyte sequence' };
    }
    const text = this.text_of(bytes.subarray(at, at + length));
    if (text === undefined) return { kind: 'error', length: 1, reason: REASON };
    return { kind: 'character', length, text };
  };

  /** Returns the bytes of all characters (for gb18030: of the characters below U+10000). */
  private inverse(): Map<string, Buffer> {
    const bytes_of = new Map<string, Buffer>();
    const add = (...values: number[]): void => {
      const bytes = Buffer.from(values);
      const found = this.sequence_at(bytes, 0);
      if (found.kind === 'character' && found.length === bytes.length && !bytes_of.has(found.text)) {
        bytes_of.set(found.text, bytes);
      }
    };
    for (const lead of range(0x80, 0xff)) {
      add(lead);
      for (const trail of range(0x40, 0xfe)) add(lead, trail);
    }
    if (this.length_of === euc_jp) {
      for (const second of range(0xa1, 0xfe)) for (const third of range(0xa1, 0xfe)) add(0x8f, second, third);
    }
    if (this.length_of === gb18030) {
      // The last character, U+FFFF, is 84 31 a4 39.
      for (const number of range(0, 39419)) add(...four_bytes(0x81, number));
    }
    return bytes_of;
  }

  /** Returns the bytes of one character; undefined if the encoding lacks it. */
  encode(character: string): Buffer | undefined {
    if (character <= '\x7f') return Buffer.from(character, 'latin1');
    if (this.length_of === gb18030 && character.length === 2) {
      return Buffer.from(four_bytes(0x90, (character.codePointAt(0) ?? 0) - 0x10000));
    }
    this.bytes_of ??= this.inverse();
    return this.bytes_of.get(character);
  }
}

function encode(text: string, table: Table, errors: ErrorHandler): Uint8Array {
  const bad = new Set([...text].filter((character) => table.encode(character) === undefined));
  const plain = (part: string): Buffer =>
    Buffer.concat(Array.from(part, (character) => table.encode(character) ?? Buffer.alloc(0)));
  if (bad.size === 0) return plain(text);
  const inside = Array.from(bad, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`).join('');
  const encoding = {
    encoding: table.name,
    reason: REASON,
    bad: new RegExp(`[${inside}]`, 'gu'),
    encode: plain,
  };
  return encode_slowly(text, encoding, errors);
}

/** Returns the codec of a name in ENCODINGS; undefined for other names, and if the runtime lacks it (without full ICU). */
export function multibyte_codec(name: string): Codec | undefined {
  const entry = ENCODINGS.get(name);
  if (entry === undefined) return undefined;
  const [label, length_of] = entry;
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  } catch {
    return undefined;
  }
  const table = new Table(name, decoder, length_of);
  return {
    name,
    decoder: (errors) =>
      new BufferedDecoder((bytes, final) => decode_slowly(name, bytes, final, errors, table.sequence_at)),
    encoder: (errors) => ({ encode: (text) => encode(text, table, errors), joinable: () => -1 }),
  };
}
