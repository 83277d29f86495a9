// A packet of SCTP as tcpdump tells it: its chunks, with -vv each on a line of its own, and the data.
import { dumped } from '../dump.js';
import { hex, type Names } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';

const NAMES: Names = {
  0: 'DATA',
  1: 'INIT',
  2: 'INIT ACK',
  3: 'SACK',
  4: 'HB REQ',
  5: 'HB ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN ACK',
  9: 'OP ERR',
  10: 'COOKIE ECHO',
  11: 'COOKIE ACK',
  12: 'ECN ECHO',
  13: 'ECN CWR',
  14: 'SHUTDOWN COMPLETE',
  192: 'FOR CUM TSN',
  193: 'REL CTRL',
  194: 'REL CTRL ACK',
};
/** What data are, by their payload protocol identifier. */
const PROTOCOLS: readonly string[] = [
  ...['', 'ISDN Q.921', 'M2UA', 'M3UA', 'SUA', 'M2PA', 'V5.2', 'H.248', 'BICC', 'TALI', 'DUA', 'ASAP'],
  ...['ENRP', 'H.323', 'Q.IPC', 'SIMCO', 'DDPSC', 'DDPSSC', 'S1AP', 'RUA', 'HNBAP', 'ForCES HP'],
  ...['ForCES MP', 'ForCES LP', 'SBc-AP', 'NBAP', '', 'X2AP'],
];
const [DATA, INIT, INIT_ACK, SACK] = [0, 1, 2, 3];
/** The letters of a data chunk's flags. */
const LETTERS = [
  [4, '(U)'],
  [2, '(B)'],
  [1, '(E)'],
] as const;
const [HEADER, CHUNK, DATA_HEADER, INIT_SIZE, SACK_SIZE] = [12, 4, 12, 16, 12];

/** Tells a chunk that is shorter than its kind, and ends the walk. */
function bogus(walk: Walk, length: number): never {
  return walk.stop(`bogus chunk length ${length}]`);
}

function say_data(walk: Walk, at: number, size: number, flags: number): void {
  const letters = LETTERS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
  if (letters.length > 0) walk.say(`${letters.join('')} `);
  if (size < DATA_HEADER) bogus(walk, size + CHUNK);
  const protocol = walk.u32(at + 8);
  walk.say(`[TSN: ${walk.u32(at)}] [SID: ${walk.u16(at + 4)}] [SSEQ ${walk.u16(at + 6)}] `);
  walk.say(`[PPID ${PROTOCOLS[protocol] || hex(protocol)}] `);
  if (size === DATA_HEADER) bogus(walk, size + CHUNK);
  if (walk.verbose < 2) return;
  const data = walk.bytes.subarray(at + DATA_HEADER, at + size);
  walk.say(`[Payload${walk.place.style.dumps ? `:${dumped(data, '\n\t')}` : ''}]`);
}

function say_init(walk: Walk, at: number, size: number): void {
  if (size < INIT_SIZE) bogus(walk, size + CHUNK);
  walk.say(`[init tag: ${walk.u32(at)}] [rwnd: ${walk.u32(at + 4)}] [OS: ${walk.u16(at + 8)}] `);
  walk.say(`[MIS: ${walk.u16(at + 10)}] [init TSN: ${walk.u32(at + 12)}] `);
}

function say_sack(walk: Walk, start: number, size: number): void {
  if (size < SACK_SIZE) bogus(walk, size + CHUNK);
  const [cumulative, gaps, duplicates] = [walk.u32(start), walk.u16(start + 8), walk.u16(start + 10)];
  walk.say(`[cum ack ${cumulative}] [a_rwnd ${walk.u32(start + 4)}] `);
  walk.say(`[#gap acks ${gaps}] [#dup tsns ${duplicates}] `);
  const end = start + size;
  const tsn = (at: number) => (cumulative + walk.u16(at)) >>> 0;
  let at = start + SACK_SIZE;
  for (let i = 1; i <= gaps && at !== end; i++, at += 4) {
    if (end - at < 4) bogus(walk, size + CHUNK);
    walk.say(`\n\t\t[gap ack block #${i}: start = ${tsn(at)}, end = ${tsn(at + 2)}] `);
  }
  for (let i = 1; i <= duplicates && at !== end; i++, at += 4) {
    if (end - at < 4) bogus(walk, size + CHUNK);
    walk.say(`\n\t\t[dup TSN #${i}: ${walk.u32(at)}] `);
  }
}

/** Tells a chunk behind `head`. @returns bytes of it with its padding; undefined if none can follow */
function say_chunk(walk: Walk, at: number, left: number, head: string): number | undefined {
  if (left < CHUNK) {
    walk.say(`${head}[chunk descriptor cut off at end of packet]`);
    return undefined;
  }
  if (!walk.has(at, CHUNK)) walk.cut();
  const [type, flags, size] = [walk.u8(at), walk.u8(at + 1), walk.u16(at + 2)];
  if (size < CHUNK) {
    walk.say(`${head}[Bad chunk length ${size}, < size of chunk descriptor]`);
    return undefined;
  }
  const padding = (4 - (size % 4)) % 4;
  if (left < padding) {
    walk.say(`${head}[Bad chunk length ${size}, > remaining data in packet]`);
    return undefined;
  }
  if (!walk.has(at, size)) walk.cut();
  walk.say(`${head}[${NAMES[type] ?? `Unknown chunk type: ${hex(type)}`}] `);
  const [data, data_size] = [at + CHUNK, size - CHUNK];
  if (type === DATA) say_data(walk, data, data_size, flags);
  else if (type === INIT || type === INIT_ACK) say_init(walk, data, data_size);
  else if (type === SACK) say_sack(walk, data, data_size);
  return size + padding;
}

/** Returns the text of an SCTP packet: its chunks. */
export function sctp_text(place: Place): string {
  const { length, network } = place;
  if (length < HEADER) return `truncated-sctp - ${HEADER - length} bytes missing!`;
  return walked(place, 'sctp', (walk) => {
    if (!walk.has(0, HEADER)) walk.cut();
    walk.say(`${network?.src}.${walk.u16(0)} > ${network?.dst}.${walk.u16(2)}: sctp`);
    let separator = walk.verbose > 1 ? '\n\t' : ' (';
    let at = HEADER;
    for (let number = 1; at !== length; number++) {
      // A length that goes beyond the packet wraps around in tcpdump; the bytes end first.
      const left = (length - at) >>> 0;
      const size = say_chunk(walk, at, left, `${separator}${number}) `);
      if (size === undefined) return;
      if (walk.verbose < 2) separator = ', (';
      if (!walk.has(at, size)) walk.cut();
      at += size;
    }
  });
}
