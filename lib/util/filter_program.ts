// Classic BPF programs as the kernel takes them: an array of struct sock_filter. See bpf in linux/filter.h, tcpdump(1) -ddd.
import { array, elements, integer, shown } from './validate.js';

/** One instruction: opcode, jump if true, jump if false, operand. */
export type FilterRow = readonly [code: number, jt: number, jf: number, k: number];

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
    typeof program === 'string' ? filter_rows(program) : elements(program, 'program', MAX_INSTRUCTIONS + 1);
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

/** Returns the rows of the text that `tcpdump -ddd` prints. @throws RangeError for another text */
export function filter_rows(text: string): number[][] {
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
