// The options of ping, as iputils spells them.
import * as socket from '../../promises/index.js';
import { FAMILY_OPTIONS } from '../network/hosts.js';
import { bits, MTU_DISCOVERIES } from '../network/ip_options.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';

/** The most bytes of data, by the address family: what the length fields of the headers can say. */
export const SIZE_MAX = { [socket.AF_INET]: 65_507, [socket.AF_INET6]: 65_527 } as const;

export const TIMESTAMPS = ['tsonly', 'tsandaddr', 'tsprespec'] as const;

export const options = {
  count: integer('c', 'N', [1, 2 ** 31], 'end after so many answers'),
  interval: number('i', 'SECONDS', [0, 3600], 'between requests; 0: as fast as it goes; left out: 1'),
  flood: flag('f', 'as fast as answers come, or 100 a second; a dot for each request without an answer'),
  adaptive: flag('A', 'as fast as answers come, one request at a time'),
  preload: integer('l', 'N', [1, 65_536], 'requests before any answer', 1),
  size: integer('s', 'BYTES', [0, SIZE_MAX[socket.AF_INET6]], 'of data', 56),
  pattern: text('p', 'HEX', 'the data: up to 16 bytes, repeated'),
  wait: number('W', 'SECONDS', [0, 3600], 'for the last answers; 0: without a limit', 10),
  deadline: number(
    'w',
    'SECONDS',
    [0, 86_400],
    'end after so long; until then, -c counts answers; 0: none',
    0,
  ),
  ttl: integer('t', 'TTL', [1, 255], 'time to live'),
  tos: bits('Q', 'TOS', 255, 'type of service or traffic class'),
  discovery: text('M', 'HOW', 'fragments', undefined, MTU_DISCOVERIES),
  mark: bits('m', 'MARK', 2 ** 32 - 1, 'of the packets, for rules of routing'),
  interface: text('I', 'NAME', 'an interface, or an own address'),
  id: bits('e', 'ID', 65_535, 'of the requests'),
  broadcast: flag('b', 'the host may be a broadcast address'),
  no_loopback: flag('L', 'multicast packets do not come back to this machine'),
  send_buffer: integer('S', 'BYTES', [1, 2 ** 30], 'the send buffer of the socket'),
  record_route: flag('R', 'show the route that packets record (IPv4)'),
  stamps: text('T', 'WHICH', 'show the times that routers record (IPv4)', undefined, TIMESTAMPS),
  ...FAMILY_OPTIONS,
  numeric: flag('n', 'no names'),
  outstanding: flag('O', 'tell of a request without an answer before the next one'),
  user_times: flag('U', "the program's times, not the kernel's"),
  audible: flag('a', 'a bell for each answer'),
  verbose: flag('v', 'the id of each answer'),
  quiet: flag('q', 'the statistics only'),
  timestamps: flag('D', 'the time of day in front of each line'),
  live: flag('', 'a running chart on a terminal'),
  json: flag('', 'one JSON object a line'),
};

export type PingOptions = Values<typeof options>;
