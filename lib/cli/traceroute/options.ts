// The options of traceroute, as traceroute(8) spells them.
import { FAMILY_OPTIONS } from '../network/hosts.js';
import { bits } from '../network/ip_options.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';
import { METHODS } from './probe.js';

/** The most seconds of -w and -z. */
export const SECONDS_MAX = 3600;

export const options = {
  icmp: flag('I', 'by ICMP echo requests'),
  tcp: flag('T', 'by TCP connections'),
  udp: flag('U', 'by UDP to one port, 53; left out: to a port of its own for each probe'),
  udplite: flag('L', 'with -U: by UDP-Lite'),
  dccp: flag('D', 'by DCCP connections'),
  protocol: text('P', 'PROTOCOL', 'by raw packets of a protocol, by number or name'),
  module: text('M', 'METHOD', 'the method by name', undefined, Object.keys(METHODS)),
  max_hops: integer('m', 'N', [1, 255], 'hops at most', 30),
  first: integer('f', 'N', [1, 255], 'the first hop', 1),
  queries: integer('q', 'N', [1, 10], 'probes a hop', 3),
  wait: text(
    'w',
    'MAX[,HERE,NEAR]',
    'seconds for an answer; as factors of the times of this hop and of the next ones',
    '5,3,10',
  ),
  sendwait: number(
    'z',
    'TIME',
    [0, SECONDS_MAX * 1000],
    'between probes: seconds, or milliseconds if more than 10',
    0,
  ),
  sim_queries: integer('N', 'N', [1, 256], 'probes under way', 16),
  port: integer(
    'p',
    'PORT',
    [0, 65_535],
    'of TCP (80), the first of UDP (33434), the first sequence number of ICMP (1)',
  ),
  sport: integer('', 'PORT', [1, 65_535], 'the own port; one probe is under way'),
  source: text('s', 'ADDRESS', 'the own address'),
  interface: text('i', 'NAME', 'the interface'),
  tos: bits('t', 'TOS', 255, 'type of service or traffic class'),
  fwmark: bits('', 'MARK', 2 ** 32 - 1, 'of the packets, for rules of routing'),
  dont_fragment: flag('F', 'packets must not be fragmented'),
  mtu: flag('', 'find the MTU of the path; with -F, one probe is under way'),
  extensions: flag('e', 'show what routers add to their answers, such as MPLS labels'),
  bypass: flag('r', 'no routers: the host is on a network of this machine'),
  as_path_lookups: flag('A', 'show the autonomous systems of each address, of a registry (RA_SERVER)'),
  ...FAMILY_OPTIONS,
  numeric: flag('n', 'no names'),
  json: flag('', 'one JSON object a hop'),
};

export type TraceOptions = Values<typeof options>;
