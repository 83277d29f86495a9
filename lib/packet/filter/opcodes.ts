// The instructions of classic BPF: a class, and for most classes a size, a mode or an operator. See linux/filter.h and bpf(4) of BSD.

export const LD = 0x00;
export const LDX = 0x01;
export const ST = 0x02;
export const STX = 0x03;
export const ALU = 0x04;
export const JMP = 0x05;
export const RET = 0x06;
export const MISC = 0x07;

/** Sizes of loads. */
export const W = 0x00;
export const H = 0x08;
export const B = 0x10;

/** Modes of loads. */
export const IMM = 0x00;
export const ABS = 0x20;
export const IND = 0x40;
export const MEM = 0x60;
export const LEN = 0x80;
export const MSH = 0xa0;

/** Operators of ALU. */
export const ADD = 0x00;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const NEG = 0x80;
export const MOD = 0x90;
export const XOR = 0xa0;

/** Operators of JMP. */
export const JA = 0x00;
export const JEQ = 0x10;
export const JGT = 0x20;
export const JGE = 0x30;
export const JSET = 0x40;

/** Operands: the number of the instruction, register X, register A (of RET). */
export const K = 0x00;
export const X = 0x08;
export const A = 0x10;

export const TAX = 0x00;
export const TXA = 0x80;

/** Words of scratch memory. */
export const SCRATCH_WORDS = 16;
/** The most instructions that Linux takes. */
export const MAX_INSTRUCTIONS = 4096;

/** Offsets from here on are no offsets of the packet: Linux keeps these beside it. */
export const SKF_LL_OFF = 0xffe00000;
export const SKF_AD_PROTOCOL = 0xfffff000;
export const SKF_AD_PKTTYPE = 0xfffff004;
export const SKF_AD_IFINDEX = 0xfffff008;
export const SKF_AD_HATYPE = 0xfffff01c;
export const SKF_AD_VLAN_TAG = 0xfffff02c;
export const SKF_AD_VLAN_TAG_PRESENT = 0xfffff030;
