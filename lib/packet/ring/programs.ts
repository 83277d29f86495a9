// The filter program of a ring: that of the user, behind instructions which look at the direction of a packet, and which leave out what
// leaves by loopback, as it comes in again. What the program returns is how many bytes the kernel keeps.
import * as c from '../../constants.js';
import { array, integer, shown } from '../../util/validate.js';
import { compile_filter, type FilterProgram } from '../filter/compile.js';
import { FilterError } from '../filter/error.js';
import type { RingDirection } from './options.js';

type Row = FilterProgram[number];

const LOAD_BYTE = 0x30;
const LOAD_HALF = 0x28;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** Fields of the kernel's record of a packet: SKF_AD_OFF + SKF_AD_PKTTYPE, and SKF_AD_HATYPE. */
const PACKET_TYPE = 0xfffff004;
const HARDWARE_TYPE = 0xfffff01c;

export const REFUSE_ALL: FilterProgram = [[RETURN, 0, 0, 0]];

/** The instructions for the direction: each ends at `return 0`, or goes on behind them. */
const DIRECTIONS: Readonly<Record<RingDirection, readonly Row[]>> = {
  inout: [
    [LOAD_BYTE, 0, 0, PACKET_TYPE],
    [JUMP_IF_EQUAL, 0, 3, c.PACKET_OUTGOING],
    [LOAD_HALF, 0, 0, HARDWARE_TYPE],
    [JUMP_IF_EQUAL, 0, 1, c.ARPHRD_LOOPBACK],
    [RETURN, 0, 0, 0],
  ],
  in: [
    [LOAD_BYTE, 0, 0, PACKET_TYPE],
    [JUMP_IF_EQUAL, 0, 1, c.PACKET_OUTGOING],
    [RETURN, 0, 0, 0],
  ],
  out: [
    [LOAD_BYTE, 0, 0, PACKET_TYPE],
    [JUMP_IF_EQUAL, 0, 2, c.PACKET_OUTGOING],
    [LOAD_HALF, 0, 0, HARDWARE_TYPE],
    [JUMP_IF_EQUAL, 0, 1, c.ARPHRD_LOOPBACK],
    [RETURN, 0, 0, 0],
  ],
};

/** Returns the user's program. @throws FilterError; TypeError, RangeError naming the row */
function rows_of(filter: string | FilterProgram | undefined, linktype: number): FilterProgram {
  if (filter === undefined) return [[RETURN, 0, 0, 0xffffffff]];
  if (typeof filter !== 'string') return filter;
  try {
    return compile_filter(filter, { linktype, live: true });
  } catch (error) {
    if (error instanceof FilterError) throw error;
    throw new TypeError(`filter is no expression: ${shown(filter)}`, { cause: error });
  }
}

/**
 * Returns the program of a ring.
 *
 * @param filter an expression, or the program of one
 * @param snaplen bytes that are kept of a packet at most
 * @throws FilterError; TypeError, RangeError naming the row
 */
export function ring_program(
  filter: string | FilterProgram | undefined,
  linktype: number,
  direction: RingDirection,
  snaplen: number,
): FilterProgram {
  const rows = rows_of(filter, linktype).map((row, index): Row => {
    const [code, jt, jf, k] = array(row, `filter[${index}]`, 4, 4) as Row;
    return code === RETURN
      ? [code, jt, jf, Math.min(integer(k, `filter[${index}]: k`, 0, 0xffffffff), snaplen)]
      : row;
  });
  return [...DIRECTIONS[direction], ...rows];
}
