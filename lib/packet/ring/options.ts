// The options of packet_ring, checked: what is wrong is told before the kernel sees it. Their values as the kernel takes them are made
// in open.ts.
import { c_string, integer, integer_or, options_of, shown } from '../../util/validate.js';
import type { FilterProgram } from '../filter/compile.js';

/** How a fan-out group divides the packets among its rings; see packet(7), PACKET_FANOUT. */
export type FanoutMode = 'hash' | 'load_balance' | 'cpu' | 'rollover' | 'random' | 'queue' | 'filter';

/** A fan-out group: rings, mostly one in each worker, that share the packets of an interface. */
export interface FanoutOptions {
  /** the number of the group in the network namespace, 0 to 65,535: the same in all of its rings */
  readonly group: number;
  /** 'hash' unless given: all packets of a flow to one ring; 'load_balance': in turn; 'filter': as `program` says */
  readonly mode?: FanoutMode | null | undefined;
  /** the program of mode 'filter': what it returns, modulo the number of rings, is the place of the ring in the group */
  readonly program?: FilterProgram | null | undefined;
  /** true: a ring that is full leaves its packets to the next one */
  readonly rollover?: boolean | null | undefined;
  /** true: fragments of IP are put together first, so that they go where their flow goes */
  readonly defragment?: boolean | null | undefined;
}

/** Which packets a ring receives, by their direction. */
export type RingDirection = 'in' | 'out' | 'inout';

/** Options of packet_ring. */
export interface PacketRingOptions {
  /** bytes of a block, a power of two from 65,536 to 2 ** 28: 1,048,576 unless given */
  readonly block_size?: number | null | undefined;
  /** number of blocks, 2 to 4,096: 8 unless given; all blocks together have less than 2 GiB */
  readonly blocks?: number | null | undefined;
  /** milliseconds after which a block that is not full is handed over, 1 to 10,000: 10 unless given */
  readonly retire_ms?: number | null | undefined;
  /** bytes kept of a packet, 1 to 262,144, which is the default */
  readonly snaplen?: number | null | undefined;
  /** an expression of pcap-filter(7), or a program of compile_filter with `live: true` */
  readonly filter?: string | FilterProgram | null | undefined;
  /** the group with whose rings this one shares the packets */
  readonly fanout?: FanoutOptions | null | undefined;
  /** true: packets for other machines are received, too; needs an interface */
  readonly promiscuous?: boolean | null | undefined;
  /** 'inout' unless given; loopback shows each packet twice, and the one that leaves is always left out */
  readonly direction?: RingDirection | null | undefined;
}

/** The options of packet_ring with their defaults. */
export interface RingSettings {
  /** null: all interfaces */
  readonly interface: string | null;
  readonly block_size: number;
  readonly blocks: number;
  readonly retire_ms: number;
  readonly snaplen: number;
  readonly filter: string | FilterProgram | undefined;
  readonly fanout: FanoutSettings | undefined;
  readonly promiscuous: boolean;
  readonly direction: RingDirection;
}

export interface FanoutSettings {
  readonly group: number;
  readonly mode: FanoutMode;
  readonly program: FilterProgram | undefined;
  readonly rollover: boolean;
  readonly defragment: boolean;
}

const OPTIONS = [
  'block_size',
  'blocks',
  'retire_ms',
  'snaplen',
  'filter',
  'fanout',
  'promiscuous',
  'direction',
] as const;
const FANOUT_OPTIONS = ['group', 'mode', 'program', 'rollover', 'defragment'] as const;
export const FANOUT_MODES = [
  'hash',
  'load_balance',
  'cpu',
  'rollover',
  'random',
  'queue',
  'filter',
] as const satisfies readonly FanoutMode[];
const DIRECTIONS = ['in', 'out', 'inout'] as const satisfies readonly RingDirection[];

/** A page of every Linux fits in it, and the largest packet, which is one that a device was to segment. */
const BLOCK_SIZE_MIN = 65_536;
const BLOCK_SIZE_MAX = 2 ** 28;
const BLOCKS_MAX = 4096;
const MEMORY_MAX = 2 ** 31 - 1;
const RETIRE_MAX_MS = 10_000;
const SNAPLEN_MAX = 262_144;
const GROUP_MAX = 65_535;

function boolean_or(fallback: boolean, value: unknown, name: string): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean, not ${shown(value)}`);
  return value;
}

function one_of<Word extends string>(
  words: readonly Word[],
  fallback: Word,
  value: unknown,
  name: string,
): Word {
  if (value === undefined || value === null) return fallback;
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const list = words.map((word) => `'${word}'`).join(', ');
  throw new TypeError(`${name} must be one of ${list}, not ${shown(value)}`);
}

function block_size_of(value: unknown): number {
  const size = integer_or(2 ** 20, value, 'block_size', BLOCK_SIZE_MIN, BLOCK_SIZE_MAX);
  if ((size & (size - 1)) === 0) return size;
  const above = 2 ** Math.ceil(Math.log2(size));
  throw new RangeError(`block_size must be a power of two, such as ${above}, not ${size}`);
}

function fanout_of(value: unknown): FanoutSettings | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new TypeError(`fanout must be an object with group and mode, not ${shown(value)}`);
  const given = options_of(value as { [K in keyof FanoutOptions]: unknown }, FANOUT_OPTIONS);
  const mode = one_of(FANOUT_MODES, 'hash', given.mode, 'fanout.mode');
  const program = (given.program ?? undefined) as FilterProgram | undefined;
  if (mode === 'filter' && program === undefined)
    throw new TypeError("fanout.program must be given with mode 'filter': rows of classic BPF");
  if (mode !== 'filter' && program !== undefined)
    throw new TypeError(`fanout.program is for mode 'filter', not '${mode}'`);
  const rollover = boolean_or(false, given.rollover, 'fanout.rollover');
  if (rollover && mode === 'rollover')
    throw new TypeError("fanout.rollover is for the other modes: 'rollover' is one itself");
  return {
    group: integer(given.group, 'fanout.group', 0, GROUP_MAX),
    mode,
    program,
    rollover,
    defragment: boolean_or(false, given.defragment, 'fanout.defragment'),
  };
}

function filter_of(value: unknown): string | FilterProgram | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  if (Array.isArray(value)) return value as unknown as FilterProgram;
  throw new TypeError(
    `filter must be an expression, or a program of compile_filter with live: true, not ${shown(value)}`,
  );
}

/** Returns the settings of a ring. @throws TypeError, RangeError naming the argument */
export function settings_of(name: unknown, options: PacketRingOptions): RingSettings {
  const given: { [K in keyof PacketRingOptions]: unknown } = options_of(options, OPTIONS);
  if (name !== null && (typeof name !== 'string' || name === ''))
    throw new TypeError(
      `interface must be the name of an interface, or null for all of them, not ${shown(name)}`,
    );
  const block_size = block_size_of(given.block_size);
  const blocks = integer_or(8, given.blocks, 'blocks', 2, BLOCKS_MAX);
  if (block_size * blocks > MEMORY_MAX)
    throw new RangeError(
      `blocks must be at most ${Math.floor(MEMORY_MAX / block_size)} of ${block_size} bytes, not ${blocks}`,
    );
  const promiscuous = boolean_or(false, given.promiscuous, 'promiscuous');
  if (promiscuous && name === null)
    throw new TypeError('promiscuous needs an interface: it is a mode of one, and null stands for all');
  return {
    interface: name === null ? null : c_string(name, 'interface'),
    block_size,
    blocks,
    retire_ms: integer_or(10, given.retire_ms, 'retire_ms', 1, RETIRE_MAX_MS),
    snaplen: integer_or(SNAPLEN_MAX, given.snaplen, 'snaplen', 1, SNAPLEN_MAX),
    filter: filter_of(given.filter),
    fanout: fanout_of(given.fanout),
    promiscuous,
    direction: one_of(DIRECTIONS, 'inout', given.direction, 'direction'),
  };
}
