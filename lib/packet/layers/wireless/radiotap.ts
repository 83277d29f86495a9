// Radiotap: what the radio measured, in front of a frame of 802.11. Its words of bits say which fields are there; each is aligned to its size.
import { bytes, integer } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { header, little } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import { type Protocol, protocol_of_name } from '../../registry.js';

interface Measured {
  /** microseconds of the radio's clock at the first bit */
  tsft: bigint | undefined;
  /** radiotap.FCS and others */
  flags: number | undefined;
  /** in units of 500 kb/s */
  rate: number | undefined;
  /** in MHz */
  channel_frequency: number | undefined;
  channel_flags: number | undefined;
  /** the hop set and pattern of radios that hop */
  hop: number | undefined;
  /** in dBm */
  signal: number | undefined;
  noise: number | undefined;
  lock_quality: number | undefined;
  attenuation: number | undefined;
  attenuation_db: number | undefined;
  /** in dBm */
  transmit_power: number | undefined;
  antenna: number | undefined;
  /** in dB above something */
  signal_db: number | undefined;
  noise_db: number | undefined;
  receive_flags: number | undefined;
}
/** A radiotap header: what the radio measured of a frame. */
export interface Radiotap extends Measured {
  /** The name of the layer. */
  readonly layer: 'radiotap';
  /** 0 */
  version: number;
  /** the byte behind the version: 0 */
  pad: number;
  /** of the header, in bytes */
  length: number;
  /** the words of bits that say which fields are there */
  present: readonly number[];
  /** the bytes behind the fields above: fields of other bits, or what cannot be understood */
  others: Buffer;
}
/** The fields of a radiotap header to build: what is left out is worked out, or has a default. */
export interface RadiotapFields extends Fields<Radiotap, { others: Uint8Array }> {}
/** A radiotap header to build. */
export type RadiotapDraft = { readonly layer: 'radiotap' } & RadiotapFields;

const FIELDS: FieldNames<keyof RadiotapFields> = field_names(
  'version pad length present tsft flags rate channel_frequency channel_flags hop signal noise lock_quality',
  'attenuation attenuation_db transmit_power antenna signal_db noise_db receive_flags others',
);
const [FCS, DATA_PAD] = [0x10, 0x20];

/**
 * Makes what a radio measured; a frame, `wlan`, follows.
 *
 * @param fields all that are given are there; present and length are worked out
 * @throws TypeError for a field that the header does not have
 */
export const radiotap = Object.assign(maker<'radiotap', RadiotapFields>('radiotap', FIELDS), {
  /** The frame ends with its check sequence: it is in the trailer. */
  FCS,
  /** Bytes between the header of the frame and its data align these. */
  DATA_PAD,
  BAD_FCS: 0x40,
  SHORT_PREAMBLE: 0x02,
} as const);

type Size = 'Uint8' | 'Int8' | 'Uint16' | 'BigUint64';
type Name = keyof Measured;
const SIZES: Readonly<Record<Size, number>> = { Uint8: 1, Int8: 1, Uint16: 2, BigUint64: 8 };
/** The fields of bits 0 to 14, with their alignment. */
const BITS: readonly (readonly [alignment: number, ...(readonly [Name, Size])[]])[] = [
  [8, ['tsft', 'BigUint64']],
  [1, ['flags', 'Uint8']],
  [1, ['rate', 'Uint8']],
  [2, ['channel_frequency', 'Uint16'], ['channel_flags', 'Uint16']],
  [2, ['hop', 'Uint16']],
  [1, ['signal', 'Int8']],
  [1, ['noise', 'Int8']],
  [2, ['lock_quality', 'Uint16']],
  [2, ['attenuation', 'Uint16']],
  [2, ['attenuation_db', 'Uint16']],
  [1, ['transmit_power', 'Int8']],
  [1, ['antenna', 'Uint8']],
  [1, ['signal_db', 'Uint8']],
  [1, ['noise_db', 'Uint8']],
  [2, ['receive_flags', 'Uint16']],
];
const HEADER = 4;
const MORE_WORDS = 0x80000000;

const alignment_behind = (at: number, alignment: number): number => -at & (alignment - 1);

/** Returns the fields of the first word, and the offset behind the last one; it stops where bytes align that are not zero. */
function read_fields({ view }: Input, start: number, from: number, end: number, present: number) {
  const values: Partial<Record<Name, number | bigint>> = {};
  let at = from;
  for (const [bit, [alignment, ...parts]] of BITS.entries()) {
    if (((present >>> bit) & 1) === 0) continue;
    const padding = alignment_behind(at - start, alignment);
    const size = parts.reduce((sum, [, part]) => sum + SIZES[part], 0);
    if (at + padding + size > end) return { values, at, is_whole: false };
    for (let i = 0; i < padding; i++) if (view.getUint8(at + i) !== 0) return { values, at, is_whole: false };
    at += padding;
    for (const [name, part] of parts) {
      values[name] = view[`get${part}`](at, true);
      at += SIZES[part];
    }
  }
  return { values, at, is_whole: true };
}

/** Returns the bytes of fields, `start` bytes behind the begin of the header. */
function field_bytes(layer: RadiotapDraft, start: number): { bits: number; bytes: Buffer } {
  const view = new DataView(new ArrayBuffer(64));
  let at = start;
  let bits = 0;
  for (const [bit, [alignment, ...parts]] of BITS.entries()) {
    if (parts.every(([name]) => layer[name] === undefined || layer[name] === null)) continue;
    at += alignment_behind(at, alignment);
    for (const [name, part] of parts) {
      write_field(view, at - start, part, layer[name] ?? 0, `radiotap.${name}`);
      at += SIZES[part];
    }
    bits |= 1 << bit;
  }
  return { bits, bytes: Buffer.from(view.buffer, 0, at - start) };
}

function write_field(view: DataView, at: number, size: Size, value: unknown, name: string): void {
  if (size === 'BigUint64') {
    if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) view.setBigUint64(at, value, true);
    else view.setBigUint64(at, BigInt(integer(value, name, 0, Number.MAX_SAFE_INTEGER)), true);
  } else if (size === 'Int8') view.setInt8(at, integer(value, name, -128, 127));
  else view[`set${size}`](at, integer(value, name, 0, size === 'Uint8' ? 0xff : 0xffff), true);
}

export const radiotap_protocol: Protocol = header<Radiotap, RadiotapDraft>(
  'radiotap',
  FIELDS,
  {
    version: field.uint(8),
    pad: field.uint(8),
    length: little(16),
  },
  {
    read({ length }, input, start) {
      const { view } = input;
      if (length < HEADER + 4 && !input.partial)
        input.problem('radiotap', start + 2, `length is ${length}, less than the header`);
      const wanted = start + Math.max(length, HEADER);
      if (wanted > input.wire_end && !input.partial)
        input.problem('radiotap', start + 2, `length goes ${wanted - input.wire_end} bytes beyond the end`);
      const end = Math.min(wanted, input.end);
      const present: number[] = [];
      let at = start + HEADER;
      for (let more = true; more && at + 4 <= end; at += 4) {
        const word = view.getUint32(at, true);
        present.push(word);
        more = word >= MORE_WORDS;
      }
      const found = read_fields(input, start, at, end, present[0] ?? 0);
      input.at = end;
      const flags = found.values.flags;
      if (typeof flags === 'number' && flags & FCS && input.wire_end - 4 >= input.at)
        input.limit('radiotap', start, 'the check sequence', input.wire_end - 4);
      // Every name is a field, of a number or of tsft's bigint.
      return { present, ...(found.values as Partial<Measured>), others: input.slice(found.at, end) };
    },
    write(layer, output) {
      const { present, others = new Uint8Array(0) } = layer;
      const words = present?.length ?? 1;
      const { bits, bytes: fields } = field_bytes(layer, HEADER + 4 * words);
      output.prepend_bytes(bytes(others, 'radiotap.others'));
      output.prepend_bytes(fields);
      for (let i = words - 1; i >= 0; i--) {
        const word = integer(present?.[i] ?? bits, `radiotap.present[${i}]`, 0, 0xffffffff);
        output.view.setUint32(output.prepend(4), word, true);
      }
      return { length: HEADER + 4 * words + fields.length + others.length };
    },
    next: () => protocol_of_name('wlan'),
  },
);
