// matches: runs a program in JavaScript, as the kernel runs it for a socket. A load beyond the end of the packet and a division by zero
// refuse the packet. Programs are checked as the kernel checks them (bpf_check_classic in net/core/filter.c), once each.
import { type FilterRow, parse_filter } from '../../util/filter_program.js';
import { type BytesLike, integer_or, shown, bytes as to_bytes } from '../../util/validate.js';
import * as op from './opcodes.js';

/** A checked program: four numbers for each instruction, as in struct sock_filter. */
type Checked = Int32Array;

const checked_programs = new WeakMap<object, Checked>();

/**
 * matches(program, bytes, { length }) -> whether a classic BPF program accepts a packet. See pcap-filter(7).
 *
 * It needs neither a socket nor the kernel. A program is checked at its first use; only one whose rows can still change (they are not
 * frozen) is checked each time. compile_filter's are frozen.
 *
 * @param program what compile_filter returns, rows `[code, jt, jf, k]`, or the text that `tcpdump -ddd` prints. A program that was compiled
 *   with `live` is refused: what it asks the kernel for is not in the packet
 * @param bytes a packet as it was captured
 * @param options length: that of the packet on the wire, in bytes; that of `bytes` unless given
 * @returns true if the program returns something other than 0
 * @throws TypeError, RangeError naming the argument or the row
 * @example
 * console.log(matches(compile_filter('arp'), build(ethernet(), arp({ target_ip: '192.0.2.1' })))); // true
 */
export function matches(
  program: string | Iterable<FilterRow>,
  bytes: BytesLike,
  options: { readonly length?: number | undefined } = {},
): boolean {
  const code = checked(program);
  const data = to_bytes(bytes, 'bytes');
  // Unknown options are allowed: a packet of a capture, which has more fields, can be handed over as it is.
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options must be an object with length, not ${shown(options)}`);
  const length = integer_or(data.length, options.length, 'length', 0, 0xffffffff);
  return run(code, data, Math.max(length, data.length)) !== 0;
}

/** Returns the checked program. */
function checked(program: string | Iterable<FilterRow>): Checked {
  if (typeof program === 'string') return checked_bytes(program);
  const known = checked_programs.get(program);
  if (known !== undefined) return known;
  const fresh = checked_bytes(program);
  const is_frozen = Array.isArray(program) && Object.isFrozen(program) && program.every(Object.isFrozen);
  if (is_frozen) checked_programs.set(program, fresh);
  return fresh;
}

function checked_bytes(program: string | Iterable<FilterRow>): Checked {
  const bytes = parse_filter(program);
  const rows = new DataView(bytes.buffer);
  // The rows are in the machine's byte order.
  const is_little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const code = new Int32Array(bytes.length / 2);
  for (let at = 0, i = 0; at < bytes.length; at += 8, i += 4) {
    code[i] = rows.getUint16(at, is_little);
    code[i + 1] = rows.getUint8(at + 2);
    code[i + 2] = rows.getUint8(at + 3);
    code[i + 3] = rows.getInt32(at + 4, is_little);
  }
  check(code);
  return code;
}

const LOADS = [op.ABS, op.IND].flatMap((mode) => [op.W, op.H, op.B].map((size) => op.LD | size | mode));
const PACKET_LOADS = new Set(LOADS);
const ALU_OPERATORS = Object.values([
  op.ADD,
  op.SUB,
  op.MUL,
  op.DIV,
  op.MOD,
  op.AND,
  op.OR,
  op.XOR,
  op.LSH,
  op.RSH,
]);
const JUMPS = [op.JEQ, op.JGT, op.JGE, op.JSET];
const WORD_ACCESSES = new Set([op.LD | op.MEM, op.LDX | op.MEM, op.ST, op.STX]);
/** All instructions of classic BPF. */
const CODES = new Set([
  ...LOADS,
  ...WORD_ACCESSES,
  op.LD | op.IMM,
  op.LD | op.LEN,
  op.LDX | op.IMM,
  op.LDX | op.LEN,
  op.LDX | op.B | op.MSH,
  op.ALU | op.NEG,
  ...[op.K, op.X].flatMap((source) => [
    ...ALU_OPERATORS.map((operator) => op.ALU | operator | source),
    ...JUMPS.map((jump) => op.JMP | jump | source),
  ]),
  op.JMP | op.JA,
  op.RET | op.K,
  op.RET | op.A,
  op.MISC | op.TAX,
  op.MISC | op.TXA,
]);

/** @throws RangeError for a program that the kernel would refuse, or that asks for what only a socket has */
function check(code: Checked): void {
  const count = code.length / 4;
  for (let i = 0; i < count; i++) {
    const problem = problem_of(code, i, count);
    if (problem !== undefined) throw new RangeError(`program[${i}] ${problem}`);
  }
  if (!is_return(code[code.length - 4] ?? 0)) throw new RangeError('program must end with a return');
  check_scratch(code, count);
}

const is_return = (code: number): boolean => (code & 7) === op.RET;

function problem_of(program: Checked, i: number, count: number): string | undefined {
  const [code = 0, jt = 0, jf = 0, signed = 0] = program.subarray(i * 4, i * 4 + 4);
  const k = signed >>> 0;
  if (!CODES.has(code)) return `has the code ${code}, which is no instruction of classic BPF`;
  if (PACKET_LOADS.has(code) && (code & 0xe0) === op.ABS && k >= op.SKF_LL_OFF)
    return `loads from offset ${signed}, which only a socket has: compile the filter without live`;
  if ((code === (op.ALU | op.DIV) || code === (op.ALU | op.MOD)) && k === 0) return 'divides by zero';
  if ((code === (op.ALU | op.LSH) || code === (op.ALU | op.RSH)) && k > 31) return `shifts by ${k} bits`;
  if (WORD_ACCESSES.has(code) && k >= op.SCRATCH_WORDS)
    return `uses M[${k}]: there are ${op.SCRATCH_WORDS} words of scratch memory`;
  if ((code & 7) !== op.JMP) return undefined;
  const farthest = code === (op.JMP | op.JA) ? k : Math.max(jt, jf);
  return i + 1 + farthest < count ? undefined : 'jumps beyond the end of the program';
}

/**
 * Takes an instruction behind a return for one that follows it, as the kernel does.
 *
 * @throws RangeError for a program that may read a word of scratch memory before it was written
 */
function check_scratch(program: Checked, count: number): void {
  // For each instruction the words that were written on every way to it, as bits.
  const written = new Uint16Array(count + 1).fill(0xffff);
  written[0] = 0;
  for (let i = 0; i < count; i++) {
    const [code = 0, jt = 0, jf = 0, k = 0] = program.subarray(i * 4, i * 4 + 4);
    let words = written[i] ?? 0;
    const arrive = (at: number) => {
      written[at] = (written[at] ?? 0) & words;
    };
    if (code === op.ST || code === op.STX) words |= 1 << k;
    if ((code === (op.LD | op.MEM) || code === (op.LDX | op.MEM)) && !(words & (1 << k)))
      throw new RangeError(`program[${i}] reads M[${k}], which may not have been written`);
    if (code === (op.JMP | op.JA)) arrive(i + 1 + k);
    else if ((code & 7) === op.JMP) {
      arrive(i + 1 + jt);
      arrive(i + 1 + jf);
    } else arrive(i + 1);
  }
}

/** Scratch memory. A program writes a word before it reads the word, so its content need not be cleared. */
const scratch = new Int32Array(op.SCRATCH_WORDS);

/** Runs a checked program. Returns the bytes of the packet to keep, 0 if the packet is refused. */
function run(program: Checked, data: Uint8Array, wire_length: number): number {
  const end = data.length;
  let a = 0;
  let x = 0;
  for (let at = 0; ; at += 4) {
    const k = program[at + 3] as number;
    switch (program[at]) {
      case op.LD | op.W | op.ABS:
      case op.LD | op.W | op.IND: {
        const from = (program[at] === (op.LD | op.W | op.IND) ? k + x : k) >>> 0;
        if (from + 4 > end) return 0;
        a =
          ((data[from] as number) << 24) |
          ((data[from + 1] as number) << 16) |
          ((data[from + 2] as number) << 8) |
          (data[from + 3] as number);
        break;
      }
      case op.LD | op.H | op.ABS:
      case op.LD | op.H | op.IND: {
        const from = (program[at] === (op.LD | op.H | op.IND) ? k + x : k) >>> 0;
        if (from + 2 > end) return 0;
        a = ((data[from] as number) << 8) | (data[from + 1] as number);
        break;
      }
      case op.LD | op.B | op.ABS:
      case op.LD | op.B | op.IND: {
        const from = (program[at] === (op.LD | op.B | op.IND) ? k + x : k) >>> 0;
        if (from + 1 > end) return 0;
        a = data[from] as number;
        break;
      }
      case op.LD | op.LEN:
        a = wire_length | 0;
        break;
      case op.LD | op.IMM:
        a = k;
        break;
      case op.LD | op.MEM:
        a = scratch[k] as number;
        break;
      case op.LDX | op.IMM:
        x = k;
        break;
      case op.LDX | op.MEM:
        x = scratch[k] as number;
        break;
      case op.LDX | op.LEN:
        x = wire_length | 0;
        break;
      case op.LDX | op.B | op.MSH:
        if (k < 0 || k >= end) return 0;
        x = ((data[k] as number) & 0x0f) << 2;
        break;
      case op.ST:
        scratch[k] = a;
        break;
      case op.STX:
        scratch[k] = x;
        break;
      case op.JMP | op.JA:
        at += k * 4;
        break;
      case op.JMP | op.JEQ | op.K:
        at += 4 * (program[at + (a === k ? 1 : 2)] as number);
        break;
      case op.JMP | op.JEQ | op.X:
        at += 4 * (program[at + (a === x ? 1 : 2)] as number);
        break;
      case op.JMP | op.JGT | op.K:
        at += 4 * (program[at + (a >>> 0 > k >>> 0 ? 1 : 2)] as number);
        break;
      case op.JMP | op.JGT | op.X:
        at += 4 * (program[at + (a >>> 0 > x >>> 0 ? 1 : 2)] as number);
        break;
      case op.JMP | op.JGE | op.K:
        at += 4 * (program[at + (a >>> 0 >= k >>> 0 ? 1 : 2)] as number);
        break;
      case op.JMP | op.JGE | op.X:
        at += 4 * (program[at + (a >>> 0 >= x >>> 0 ? 1 : 2)] as number);
        break;
      case op.JMP | op.JSET | op.K:
        at += 4 * (program[at + (a & k ? 1 : 2)] as number);
        break;
      case op.JMP | op.JSET | op.X:
        at += 4 * (program[at + (a & x ? 1 : 2)] as number);
        break;
      case op.RET | op.K:
        return k >>> 0;
      case op.RET | op.A:
        return a >>> 0;
      case op.MISC | op.TAX:
        x = a;
        break;
      case op.MISC | op.TXA:
        a = x;
        break;
      case op.ALU | op.NEG:
        a = -a | 0;
        break;
      default: {
        const code = program[at] as number;
        const right = code & op.X ? x : k;
        if (right === 0 && is_division(code)) return 0;
        a = calculated(code & 0xf0, a, right);
      }
    }
  }
}

const is_division = (code: number): boolean => (code & 0xf0) === op.DIV || (code & 0xf0) === op.MOD;

function calculated(operator: number, a: number, right: number): number {
  switch (operator) {
    case op.ADD:
      return (a + right) | 0;
    case op.SUB:
      return (a - right) | 0;
    case op.MUL:
      return Math.imul(a, right);
    case op.DIV:
      return ((a >>> 0) / (right >>> 0)) | 0;
    case op.MOD:
      return ((a >>> 0) % (right >>> 0)) | 0;
    case op.AND:
      return a & right;
    case op.OR:
      return a | right;
    case op.XOR:
      return a ^ right;
    case op.LSH:
      return a << right;
    default:
      return a >>> right;
  }
}
