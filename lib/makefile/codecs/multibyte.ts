// East Asian encodings of one to four bytes a character. Their tables are those of the runtime's TextDecoder, asked once
// a character; they are turned round for encoding.
import {
  BufferedDecoder,
  type Codec,
  decode_slowly,
  type Encoder,
  encode_slowly,
  type Sequence,
} from './codec.js';
import type { ErrorHandler } from './handlers.js';

const REASON = 'illegal multibyte sequence';

/** How long a character is that begins with these bytes; 0 if none does; undefined: one more byte is needed to tell. */
type LengthOf = (lead: number, second: number | undefined) => number | undefined;

const double_byte: LengthOf = (lead) => (lead < 0x81 || lead > 0xfe ? 0 : 2);
// 0xa1 to 0xdf are katakana of one byte.
const shift_jis: LengthOf = (lead) => (lead >= 0xa1 && lead <= 0xdf ? 1 : double_byte(lead, undefined));
const euc_jp: LengthOf = (lead) =>
  lead === 0x8f ? 3 : lead === 0x8e ? 2 : lead >= 0xa1 && lead <= 0xfe ? 2 : 0;
const gb18030: LengthOf = (lead, second) => {
  if (lead < 0x81 || lead > 0xfe) return 0;
  if (second === undefined) return undefined;
  return second >= 0x30 && second <= 0x39 ? 4 : 2;
};

/** Python's name: the label of TextDecoder, and how long characters are. */
const ENCODINGS: ReadonlyMap<string, [label: string, length_of: LengthOf]> = new Map([
  ['gbk', ['gbk', double_byte]],
  ['gb2312', ['gbk', double_byte]],
  ['gb18030', ['gb18030', gb18030]],
  ['big5', ['big5', double_byte]],
  ['big5hkscs', ['big5', double_byte]],
  ['cp950', ['big5', double_byte]],
  ['shift_jis', ['shift_jis', shift_jis]],
  ['cp932', ['shift_jis', shift_jis]],
  ['euc_jp', ['euc-jp', euc_jp]],
  ['euc_kr', ['euc-kr', double_byte]],
  ['cp949', ['euc-kr', double_byte]],
]);

class Table {
  private readonly texts = new Map<number, string | undefined>();
  private bytes_of: Map<string, Buffer> | undefined;

  constructor(
    readonly name: string,
    private readonly decoder: InstanceType<typeof TextDecoder>,
    private readonly length_of: LengthOf,
  ) {}

  /** The text of one character's bytes; undefined if they mean nothing. */
  private text_of(bytes: Buffer): string | undefined {
    const key = bytes.readUIntBE(0, bytes.length) + bytes.length * 2 ** 32;
    if (!this.texts.has(key)) {
      let text: string | undefined;
      try {
        text = this.decoder.decode(bytes);
      } catch {
        // The decoder is `fatal`: an error says that the bytes mean nothing.
      }
      this.texts.set(key, text);
    }
    return this.texts.get(key);
  }

  readonly look = (bytes: Buffer, at: number): Sequence => {
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

  /** All characters of up to three bytes and their bytes. */
  private turned_round(): Map<string, Buffer> {
    const bytes_of = new Map<string, Buffer>();
    const add = (...values: number[]): void => {
      const bytes = Buffer.from(values);
      const found = this.look(bytes, 0);
      if (found.kind === 'character' && found.length === bytes.length && !bytes_of.has(found.text)) {
        bytes_of.set(found.text, bytes);
      }
    };
    for (let lead = 0x81; lead <= 0xfe; lead++) {
      add(lead);
      for (let trail = 0x40; trail <= 0xfe; trail++) add(lead, trail);
    }
    if (this.length_of(0x8f, undefined) === 3) {
      for (let second = 0xa1; second <= 0xfe; second++) {
        for (let third = 0xa1; third <= 0xfe; third++) add(0x8f, second, third);
      }
    }
    return bytes_of;
  }

  /** The bytes of one character; undefined if the encoding lacks it. */
  encode(character: string): Buffer | undefined {
    if (character <= '\x7f') return Buffer.from(character, 'latin1');
    this.bytes_of ??= this.turned_round();
    return this.bytes_of.get(character);
  }
}

class MultibyteDecoder extends BufferedDecoder {
  constructor(
    private readonly table: Table,
    private readonly errors: ErrorHandler,
  ) {
    super();
  }

  protected override decode_bytes(bytes: Buffer, final: boolean): [string, number] {
    return decode_slowly(this.table.name, bytes, final, this.errors, this.table.look);
  }
}

class MultibyteEncoder implements Encoder {
  constructor(
    private readonly table: Table,
    private readonly errors: ErrorHandler,
  ) {}

  encode(text: string): Uint8Array {
    const bad = new Set([...text].filter((character) => this.table.encode(character) === undefined));
    const plain = (part: string): Buffer =>
      Buffer.concat(Array.from(part, (character) => this.table.encode(character) ?? Buffer.alloc(0)));
    if (bad.size === 0) return plain(text);
    const inside = Array.from(bad, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`).join('');
    const problem = { encoding: this.table.name, reason: REASON };
    return encode_slowly(text, new RegExp(`[${inside}]`, 'gu'), problem, this.errors, plain);
  }

  joinable(): number {
    return -1;
  }
}

/** The codec of a name that ENCODINGS has, if the runtime knows it (one without full ICU does not). */
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
    decoder: (errors) => new MultibyteDecoder(table, errors),
    encoder: (errors) => new MultibyteEncoder(table, errors),
  };
}
