// The line of SCTP, as tcpdump writes it.
import type { Layers } from '../../../../packet/index.js';
import type { Place } from '../place.js';

type Chunk = Layers['sctp']['chunks'][number];

const NAMES: Readonly<Record<number, string>> = {
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
};
/** The letters of a data chunk's flags. */
const LETTERS = [
  [4, '(U)'],
  [2, '(B)'],
  [1, '(E)'],
] as const;

function chunk_text(chunk: Chunk): string {
  const { type, flags = 0 } = chunk;
  const name = NAMES[type] ?? `Unknown chunk type: 0x${type.toString(16)}`;
  switch (chunk.name) {
    case 'data': {
      const letters = LETTERS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
      const marks = letters.length === 0 ? '' : `${letters.join('')} `;
      const { tsn, stream, stream_seq, protocol } = chunk;
      return `[DATA] ${marks}[TSN: ${tsn}] [SID: ${stream}] [SSEQ ${stream_seq}] [PPID 0x${protocol.toString(16)}] `;
    }
    case 'init':
    case 'init_ack': {
      const { initiate_tag, window, outbound_streams, inbound_streams, tsn } = chunk;
      return `[${name}] [init tag: ${initiate_tag}] [rwnd: ${window}] [OS: ${outbound_streams}] [MIS: ${inbound_streams}] [init TSN: ${tsn}] `;
    }
    case 'sack': {
      const { cumulative_tsn, window, gaps, duplicates } = chunk;
      const tsn = (offset: number) => (cumulative_tsn + offset) >>> 0;
      const blocks = gaps.map(
        ([first, last], i) => `\n\t\t[gap ack block #${i + 1}: start = ${tsn(first)}, end = ${tsn(last)}] `,
      );
      const again = duplicates.map((each, i) => `\n\t\t[dup TSN #${i + 1}: ${each}] `);
      return `[SACK] [cum ack ${cumulative_tsn}] [a_rwnd ${window}] [#gap acks ${gaps.length}] [#dup tsns ${duplicates.length}] ${blocks.join('')}${again.join('')}`;
    }
    default:
      return `[${name}] `;
  }
}

const SCTP = 132;

/** Returns the text of an SCTP packet: its chunks. */
export function sctp_text({ src_port, dst_port, chunks, cut }: Layers['sctp'], place: Place): string {
  if (cut !== undefined) return place.broken('sctp');
  const start = place.endpoints(SCTP, src_port, dst_port);
  return chunks.length === 0
    ? `${start}sctp`
    : `${start}sctp ${chunks.map((chunk, i) => `(${i + 1}) ${chunk_text(chunk)}`).join(', ')}`;
}
