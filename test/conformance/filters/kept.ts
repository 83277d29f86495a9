// What the kernel keeps beside a packet, put into a live program: its loads become numbers, so that `matches` can run it.
import type { FilterRow } from 'bsd-sockets/socket';

export interface Kept {
  readonly protocol: number;
  readonly packet_type: number;
  readonly interface_index: number;
  /** The VLAN tag that was taken off; undefined if there was none. */
  readonly tag: number | undefined;
}

const SKF_AD_OFF = 0xfffff000;
const LOADS = [0x20, 0x28, 0x30];

const made = new WeakMap<readonly FilterRow[], Map<string, readonly FilterRow[]>>();

export function with_kept(program: readonly FilterRow[], kept: Kept): readonly FilterRow[] {
  const programs = made.get(program) ?? new Map<string, readonly FilterRow[]>();
  made.set(program, programs);
  const key = JSON.stringify(kept);
  const known = programs.get(key) ?? replaced(program, kept);
  programs.set(key, known);
  return known;
}

function replaced(program: readonly FilterRow[], kept: Kept): readonly FilterRow[] {
  const numbers = new Map([
    [0, kept.protocol],
    [4, kept.packet_type],
    [8, kept.interface_index],
    [44, kept.tag ?? 0],
    [48, kept.tag === undefined ? 0 : 1],
  ]);
  const rows = program.map((row): FilterRow => {
    const [code, , , k] = row;
    if (!LOADS.includes(code) || k < SKF_AD_OFF) return Object.freeze<FilterRow>([...row]);
    const number = numbers.get(k - SKF_AD_OFF);
    if (number === undefined) throw new Error(`no number for ${k - SKF_AD_OFF}`);
    return Object.freeze<FilterRow>([0, 0, 0, number]);
  });
  return Object.freeze(rows);
}

/** A frame as a packet socket sees it. */
export interface Seen {
  readonly data: Buffer;
  readonly tag: number | undefined;
}

/** Returns a frame as the kernel shows it: without the tag if it is one of those that the kernel takes off. */
export function untagged(frame: Buffer): Seen {
  const type = frame.length >= 18 ? frame.readUInt16BE(12) : 0;
  if (type !== 0x8100 && type !== 0x88a8) return { data: frame, tag: undefined };
  return { data: Buffer.concat([frame.subarray(0, 12), frame.subarray(16)]), tag: frame.readUInt16BE(14) };
}
