// Classic BPF programs as the kernel takes them: an array of struct sock_filter. See bpf in linux/filter.h, tcpdump(1) -ddd.
// And the options that take a program.
import * as c from '../constants.js';
import { array, elements, integer, integer_or, options_of, shown } from '../util/validate.js';

/** One instruction: opcode, jump if true, jump if false, operand. */
export type FilterRow = readonly [code: number, jt: number, jf: number, k: number];

/** Options of attach_filter and detach_filter. */
export interface FilterOptions {
  /**
   * SO_ATTACH_FILTER: which packets come in. SO_ATTACH_REUSEPORT_CBPF: which socket of a SO_REUSEPORT group gets a packet, by
   * the order of their bind or listen. PACKET_FANOUT_DATA: which socket of a PACKET_FANOUT_CBPF group.
   */
  option?: number | null;
}

/** An option that takes a program: its level, and the option that removes the program. */
interface FilterOption {
  readonly option: number;
  readonly level: number;
  readonly detach?: number;
}

const FILTER_OPTIONS: readonly FilterOption[] = [
  { option: c.SO_ATTACH_FILTER, level: c.SOL_SOCKET, detach: c.SO_DETACH_FILTER },
  { option: c.SO_ATTACH_REUSEPORT_CBPF, level: c.SOL_SOCKET, detach: c.SO_DETACH_REUSEPORT_BPF },
  { option: c.PACKET_FANOUT_DATA, level: c.SOL_PACKET },
];

/** Returns the option that takes the program. @throws TypeError, RangeError */
export function filter_option(options: FilterOptions): FilterOption {
  const number = integer_or(c.SO_ATTACH_FILTER, options_of(options, ['option']).option, 'option');
  const found = FILTER_OPTIONS.find(({ option }) => option === number);
  if (found !== undefined) return found;
  throw new RangeError(
    `option must be SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF or PACKET_FANOUT_DATA, not ${number}`,
  );
}

const MAX_INSTRUCTIONS = 4096;
const ROW_SIZE = 8;

/**
 * The bytes of a program.
 *
 * @param program rows, or the text that `tcpdump -ddd` prints: a count, then a row a line
 * @throws TypeError, RangeError naming the row
 */
export function parse_filter(program: string | Iterable<readonly number[]>): Uint8Array {
  const rows =
    typeof program === 'string' ? rows_of_text(program) : elements(program, 'program', MAX_INSTRUCTIONS + 1);
  if (rows.length < 1 || rows.length > MAX_INSTRUCTIONS) {
    throw new RangeError(`program must have 1 to ${MAX_INSTRUCTIONS} rows, not ${rows.length}`);
  }
  const bytes = new Uint8Array(rows.length * ROW_SIZE);
  rows.forEach((row, index) => {
    const name = `program[${index}]`;
    const [code, jt, jf, k] = array(row, name, 4, 4);
    const at = index * ROW_SIZE;
    // Typed arrays write in the machine's byte order, as the struct has it.
    new Uint16Array(bytes.buffer, at, 1)[0] = integer(code, `${name}: code`, 0, 0xffff);
    bytes[at + 2] = integer(jt, `${name}: jt`, 0, 0xff);
    bytes[at + 3] = integer(jf, `${name}: jf`, 0, 0xff);
    new Uint32Array(bytes.buffer, at + 4, 1)[0] = integer(k, `${name}: k`, 0, 0xffffffff);
  });
  return bytes;
}

function rows_of_text(text: string): number[][] {
  const lines = text.split(/[\n,]/).filter((line) => line.trim() !== '');
  const rows = lines.slice(1).map((line) => line.trim().split(/\s+/).map(Number));
  const count = Number(lines[0]);
  if (count !== rows.length || rows.some((row) => row.length !== 4 || row.some(Number.isNaN))) {
    throw new RangeError(
      `program is not the output of tcpdump -ddd: ${shown(text)}; compile_filter of bsd-sockets/packet compiles an expression`,
    );
  }
  return rows;
}
