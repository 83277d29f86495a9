// The options of sweep, as fping spells them.
import { FAMILY_OPTIONS } from '../network/hosts.js';
import { bits } from '../network/ip_options.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';

/** Milliseconds. */
const TIME_MAX = 86_400_000;
/** The most requests to each target: the counts are 32 bits. */
const COUNT_MAX = 2 ** 31;
const SIZE_MAX = 65_507;

export const options = {
  alive: flag('a', 'only those that answer'),
  unreach: flag('u', 'only those that do not answer'),
  elapsed: flag('e', 'the time of each answer'),
  count: integer('c', 'N', [1, COUNT_MAX], 'N requests to each, and a line for each answer'),
  vcount: integer('C', 'N', [1, 100_000], 'the same, with all times in the summary'),
  loop: flag('l', 'requests without end'),
  file: text('f', 'FILE', 'targets from a file, a line each; -: standard input'),
  generate: flag('g', 'a network, or the first and the last address'),
  ...FAMILY_OPTIONS,
  addr: flag('A', 'addresses, where names were given'),
  name: flag('n', 'names, where addresses were given'),
  rdns: flag('d', 'the names of the addresses'),
  period: number('p', 'MSEC', [0, TIME_MAX], 'between requests to the same target, of -c, -C and -l', 1000),
  interval: number('i', 'MSEC', [0, 3_600_000], 'between any two requests; 0: as fast as it goes', 1),
  timeout: number(
    't',
    'MSEC',
    [1, 3_600_000],
    'for an answer; left out: 500; with -c, -C and -l the period, at most 2000',
  ),
  retry: integer('r', 'N', [0, 100], 'more requests to those that are silent', 3),
  backoff: number('B', 'FACTOR', [1, 5], 'by which each of them is waited for longer', 1.5),
  size: integer('b', 'BYTES', [0, SIZE_MAX], 'of data', 56),
  random: flag('R', 'random data'),
  ttl: integer('H', 'TTL', [1, 255], 'time to live'),
  tos: bits('O', 'TOS', 255, 'type of service'),
  dontfrag: flag('M', 'packets must not be fragmented'),
  iface: text('I', 'NAME', 'the interface'),
  src: text('S', 'ADDRESS', 'the own address'),
  timestamp: flag('D', 'the time of day in front of each line'),
  outage: flag('o', 'in the summary how long a target did not answer'),
  quiet: flag('q', 'no line for a target or an answer'),
  squiet: number('Q', 'SECONDS', [0.1, 86_400], 'the same, with a summary at that interval'),
  stats: flag('s', 'statistics at the end'),
  reachable: integer('x', 'N', [1, COUNT_MAX], 'whether at least N answer'),
  live: flag('', 'a picture of the network on a terminal'),
  json: flag('', 'one JSON object an answer, and one for the statistics'),
};

export type SweepOptions = Values<typeof options>;
