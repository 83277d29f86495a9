// Filters against libpcap, the library of tcpdump: the same expressions, compiled here and there, must accept the same packets.
//
// FILTER_PACKETS, FILTER_EXPRESSIONS and FILTER_SEED say how many packets of a link type are filtered, how many random expressions are
// compiled, and which.
import {
  type CompileFilterOptions,
  compile_filter,
  FilterError,
  type FilterProgram,
  matches,
} from 'bsd-sockets/packet';
import type { FilterRow } from 'bsd-sockets/socket';
import fc from 'fast-check';
import { describe, expect, type TestContext, test } from 'vitest';
import { expressions_of } from './filters/expressions.js';
import { expression } from './filters/generate.js';
import { untagged, with_kept } from './filters/kept.js';
import { compile_by_libpcap, missing_libpcap } from './filters/libpcap.js';
import { LINK_TYPES, type LinkType, type Sample, sample } from './filters/samples.js';

const SEED = Number(process.env.FILTER_SEED ?? 18);
const PACKETS = Number(process.env.FILTER_PACKETS ?? 300);
const EXPRESSIONS = Number(process.env.FILTER_EXPRESSIONS ?? 150);
const REFUSE_ALL: readonly FilterRow[] = [[6, 0, 0, 0]];
const missing = missing_libpcap();

const names = Object.keys(LINK_TYPES) as LinkType[];

interface Outcome {
  expressions: number;
  compared: number;
  accepted: number;
  /** Instructions of our programs and of libpcap's. */
  ours: number;
  theirs: number;
  /** Packets that are too short for a test, on which libpcap's optimizer changes the verdict: it puts the test later. */
  reordered: number;
  /** Packets that are too short for a test that their verdict does not depend on: ours does without the test. */
  undecided: number;
  not_run: number;
  readonly differences: string[];
}

/** A packet as a program sees it: `adapt` puts into the program what is not in the packet. */
interface Case extends Sample {
  readonly adapt?: (program: readonly FilterRow[]) => readonly FilterRow[];
}

/** Compares the verdicts of our programs with libpcap's, for files of a link type or for an interface. */
function compare(
  name: LinkType,
  expressions: readonly string[],
  samples: readonly Case[],
  device?: string,
): Outcome {
  const options = { linktype: LINK_TYPES[name], live: device !== undefined };
  const answers = compile_by_libpcap(device ?? options.linktype, expressions);
  const outcome: Outcome = {
    expressions: expressions.length,
    compared: 0,
    accepted: 0,
    ours: 0,
    theirs: 0,
    reordered: 0,
    undecided: 0,
    not_run: 0,
    differences: [],
  };
  for (const [i, text] of expressions.entries()) {
    const { program, unoptimized, error } = answers[i]!;
    const rejects_all = error === 'expression rejects all packets';
    const ours = compiled(text, options);
    if (ours instanceof FilterError) {
      if (error === undefined || rejects_all) outcome.differences.push(`${text}: ${ours.reason}`);
      continue;
    }
    // libpcap takes bytes at offset 0 for the number 0: `ip[8] / ip[0]`.
    if (error?.endsWith(' by zero') && /[/%] [-\w( ]*\[/.test(text)) {
      outcome.not_run++;
      continue;
    }
    if (error !== undefined && !rejects_all) {
      outcome.differences.push(`${text}: libpcap says ${error}`);
      continue;
    }
    const theirs = Object.freeze((program ?? REFUSE_ALL).map(Object.freeze)) as FilterProgram;
    if (!can_run(samples[0]?.adapt?.(theirs) ?? theirs)) {
      outcome.not_run++;
      continue;
    }
    outcome.ours += ours.length;
    outcome.theirs += theirs.length;
    outcome.compared += samples.length;
    for (const each of samples) {
      const { adapt = (program) => program } = each;
      const verdict = matches(adapt(ours), each.data, each);
      if (verdict) outcome.accepted++;
      if (verdict === matches(adapt(theirs), each.data, each)) continue;
      const in_order = adapt(unoptimized ?? theirs);
      if (verdict === matches(in_order, each.data, each)) outcome.reordered++;
      else if (verdict && accepts_all_longer(in_order, each)) outcome.undecided++;
      else {
        outcome.differences.push(`${text}: a packet of ${each.length} bytes, ${each.data.toString('hex')}`);
        break;
      }
    }
  }
  return outcome;
}

function compiled(text: string, options: CompileFilterOptions): FilterProgram | FilterError {
  try {
    return compile_filter(text, options);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
}

/** Returns whether Linux would run a program: some of libpcap's read memory that they may not have written. */
function can_run(program: readonly FilterRow[]): boolean {
  try {
    matches(program, Buffer.alloc(0));
    return true;
  } catch {
    return false;
  }
}

const LOAD_LENGTH = [0x80, 0x81];
const LOAD_NUMBER = [0x00, 0x01];

/** Returns whether a program accepts a packet whatever the bytes are that the packet lacks. */
function accepts_all_longer(program: readonly FilterRow[], { data, length }: Sample): boolean {
  const of_this_length = program.map(([code, jt, jf, k]): FilterRow => {
    const i = LOAD_LENGTH.indexOf(code);
    return i < 0 ? [code, jt, jf, k] : [LOAD_NUMBER[i]!, 0, 0, length];
  });
  const fillings = fc.sample(fc.uint8Array({ minLength: 300, maxLength: 300 }), { numRuns: 20, seed: SEED });
  return fillings.every((filling) => matches(of_this_length, Buffer.concat([data, filling])));
}

function report(name: string, { differences, ...outcome }: Outcome): void {
  if (process.env.FILTER_EXPRESSIONS !== undefined) console.log(name, JSON.stringify(outcome));
  expect(differences).toEqual([]);
  expect(outcome.compared).toBeGreaterThan(outcome.expressions);
  expect(outcome.reordered + outcome.undecided).toBeLessThan(outcome.compared / 100);
}

describe.skipIf(missing)('as libpcap compiles them', { timeout: 3_600_000 }, () => {
  test.each(names)('%s: expressions of the page', (name) => {
    const samples = fc.sample(sample(name), { numRuns: PACKETS, seed: SEED });
    const outcome = compare(name, expressions_of[name], samples);
    report(name, outcome);
    // Programs are not much longer than libpcap's. LINKTYPE_NULL has each family in both byte orders.
    if (name !== 'NULL') expect(outcome.ours).toBeLessThan(outcome.theirs * 1.1);
  });

  test.each(names)('%s: random expressions', (name) => {
    const samples = fc.sample(sample(name), { numRuns: PACKETS, seed: SEED + 1 });
    const expressions = fc.sample(expression(name), { numRuns: EXPRESSIONS, seed: SEED });
    report(name, compare(name, expressions, samples));
  });
});

/** Frames as a packet socket sees them: of two with a tag, one has it beside the packet. */
function seen(samples: readonly Sample[]): Case[] {
  return samples.map(({ data, length }, i) => {
    const { data: bytes, tag } = i % 2 === 0 ? untagged(data) : { data, tag: undefined };
    const kept = { protocol: 0, packet_type: i % 5, interface_index: 1, tag };
    return { data: bytes, length, adapt: (program) => with_kept(program, kept) };
  });
}

describe.skipIf(missing)('as libpcap compiles them for an interface', { timeout: 3_600_000 }, () => {
  const samples = () => seen(fc.sample(sample('ETHERNET'), { numRuns: PACKETS, seed: SEED + 2 }));
  const on_an_interface = [
    'inbound',
    'outbound and vlan 10',
    'ifindex 1',
    'ip or vlan 10',
    'vlan and not inbound',
  ];

  test('expressions of the page', (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root to open an interface');
    report('live', compare('ETHERNET', [...expressions_of.ETHERNET, ...on_an_interface], samples(), 'lo'));
  });

  test('random expressions', (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root to open an interface');
    // libpcap keeps the offsets behind vlan in words of scratch memory that arithmetic before it uses, too.
    const texts = expression('ETHERNET').filter((text) => !/[<>=].*vlan/.test(text));
    const expressions = fc.sample(texts, { numRuns: EXPRESSIONS, seed: SEED });
    report('live', compare('ETHERNET', expressions, samples(), 'lo'));
  });
});

test('libpcap is there', (ctx: TestContext) => {
  if (missing !== undefined) ctx.skip(missing);
});
