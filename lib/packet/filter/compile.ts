// compile_filter: turns a filter expression into a program of classic BPF.
//
// lexer.ts divides the expression into tokens. parser.ts makes conditions of them (condition.ts), of values that are computed from the packet
// (value.ts). The conditions become a graph of tests (graph.ts) whose paths are shortened (simplify.ts), and the graph becomes instructions
// (emit.ts, assemble.ts).

import type { FilterRow } from '../../util/filter_program.js';
import { integer_or, options_of, shown } from '../../util/validate.js';
import { is_ipv4, write_ipv4 } from '../bytes/address.js';
import * as linktypes from '../linktypes.js';
import { assemble } from './code/assemble.js';
import { blocks_of, ScratchError } from './code/emit.js';
import { Graph, in_order } from './code/graph.js';
import { simplified } from './code/simplify.js';
import { ALWAYS, lower } from './conditions/condition.js';
import { Context, type Resolve } from './conditions/context.js';
import { ETHERNET_HEADERS, type Headers } from './conditions/place.js';
import { behind_starts, wlan_headers } from './conditions/wlan.js';
import { FilterError } from './error.js';
import { tokens_of } from './language/lexer.js';
import { Parser } from './language/parser.js';
import { MAX_INSTRUCTIONS } from './opcodes.js';

/** A program of classic BPF: rows `[code, jt, jf, k]`. It is frozen, and so are its rows. */
export type FilterProgram = readonly FilterRow[];

/** Options of compile_filter. */
export interface CompileFilterOptions {
  /** the number of the outermost layer's type in capture files; LINKTYPE_ETHERNET unless given */
  readonly linktype?: number | undefined;
  /** bytes of a packet to keep, which the program returns if it accepts the packet; 262144 unless given */
  readonly snaplen?: number | undefined;
  /**
   * whether the program is for a packet socket, by attach_filter: VLAN tags are taken where the kernel keeps them, and a cooked header where
   * the kernel has its fields. A socket of type SOCK_RAW has the link type of its interface, one of type SOCK_DGRAM LINKTYPE_LINUX_SLL2
   */
  readonly live?: boolean | undefined;
  /** the mask of the network, for `ip broadcast`: '255.255.255.0'. Unless given, only 255.255.255.255 and 0.0.0.0 are broadcast */
  readonly netmask?: string | undefined;
  /** looks up the name of a host: its address, or an array of its addresses; without it, a name is an error */
  readonly resolve?: Resolve | undefined;
}

const OPTION_NAMES = ['linktype', 'snaplen', 'live', 'netmask', 'resolve'] as const;
/** As many bytes as tcpdump keeps. */
const DEFAULT_SNAPLEN = 262_144;
const LONGEST_EXPRESSION = 65_536;

const plain = (framing: Headers['framing'], payload = 0): Headers => ({
  ...ETHERNET_HEADERS,
  framing,
  has_addresses: false,
  payload,
  network_after_llc: framing === 'cooked' ? ETHERNET_HEADERS.network_after_llc : 0,
});

/** A link type: its name, its headers, and the headers as the kernel shows them if they are others. */
interface LinkType {
  readonly name?: string;
  readonly headers: Headers;
  readonly live?: Headers | undefined;
}

/** Frames of Wi-Fi: the type stands behind LLC and the organization of SNAP, the network layer behind it. */
const WLAN: Headers = {
  ...plain('wlan'),
  has_addresses: true,
  type: 6,
  network: 8,
  network_after_llc: ETHERNET_HEADERS.network_after_llc,
};

const LINK_TYPES: ReadonlyMap<number, LinkType> = new Map<number, LinkType>([
  [linktypes.LINKTYPE_ETHERNET, { name: 'LINKTYPE_ETHERNET', headers: ETHERNET_HEADERS }],
  [linktypes.LINKTYPE_NULL, { name: 'LINKTYPE_NULL', headers: plain('loopback', 4) }],
  [linktypes.LINKTYPE_LOOP, { name: 'LINKTYPE_LOOP', headers: plain('loopback', 4) }],
  [linktypes.LINKTYPE_RAW, { name: 'LINKTYPE_RAW', headers: plain('raw') }],
  // 12 and 14 are LINKTYPE_RAW of other systems.
  [12, { headers: plain('raw') }],
  [14, { headers: plain('raw') }],
  [linktypes.LINKTYPE_PPP, { name: 'LINKTYPE_PPP', headers: { ...plain('ppp', 4), type: 2 } }],
  [linktypes.LINKTYPE_PPP_HDLC, { name: 'LINKTYPE_PPP_HDLC', headers: { ...plain('ppp', 4), type: 2 } }],
  [linktypes.LINKTYPE_PPP_ETHER, { name: 'LINKTYPE_PPP_ETHER', headers: { ...plain('ppp', 8), type: 6 } }],
  [linktypes.LINKTYPE_IPV4, { name: 'LINKTYPE_IPV4', headers: plain('ipv4') }],
  [linktypes.LINKTYPE_IPV6, { name: 'LINKTYPE_IPV6', headers: plain('ipv6') }],
  [
    linktypes.LINKTYPE_LINUX_SLL,
    {
      name: 'LINKTYPE_LINUX_SLL',
      headers: { ...plain('cooked', 16), type: 14 },
      live: { ...plain('cooked'), link: undefined, type: undefined },
    },
  ],
  [
    linktypes.LINKTYPE_LINUX_SLL2,
    {
      name: 'LINKTYPE_LINUX_SLL2',
      headers: { ...plain('cooked', 20), type: 0 },
      live: { ...plain('cooked'), link: undefined, type: undefined },
    },
  ],
  [linktypes.LINKTYPE_IEEE802_11, { name: 'LINKTYPE_IEEE802_11', headers: WLAN }],
  [linktypes.LINKTYPE_IEEE802_11_RADIOTAP, { name: 'LINKTYPE_IEEE802_11_RADIOTAP', headers: WLAN }],
  [linktypes.LINKTYPE_CAN_SOCKETCAN, { name: 'LINKTYPE_CAN_SOCKETCAN', headers: plain('unknown') }],
  [linktypes.LINKTYPE_NFLOG, { name: 'LINKTYPE_NFLOG', headers: plain('unknown') }],
  [linktypes.LINKTYPE_NETLINK, { name: 'LINKTYPE_NETLINK', headers: plain('unknown') }],
]);

/**
 * compile_filter(expression, { linktype, snaplen, live, netmask, resolve }) -> a program of classic BPF.
 *
 * The language is that of tcpdump: pcap-filter(7). Names of ports and protocols are those of the system. The program can be given to
 * `matches`, or to `attach_filter` of a socket.
 *
 * @param expression such as 'tcp port 80 and not host 192.0.2.1'; an empty one accepts all packets
 * @returns the program, rows `[code, jt, jf, k]`
 * @throws FilterError with the column at which the expression is wrong
 * @throws TypeError, RangeError naming the argument
 * @example
 * const program = compile_filter('udp port 53', { linktype: LINKTYPE_RAW });
 * console.log(matches(program, build(ipv4({ dst: '192.0.2.1' }), udp({ dst_port: 53 })))); // true
 */
export function compile_filter(expression: string, options: CompileFilterOptions = {}): FilterProgram {
  if (typeof expression !== 'string')
    throw new TypeError(`expression must be a string, not ${shown(expression)}`);
  if (expression.length > LONGEST_EXPRESSION)
    throw new RangeError(`expression must have at most ${LONGEST_EXPRESSION} characters`);
  const {
    linktype: number,
    snaplen: bytes,
    live = false,
    netmask,
    resolve,
  } = options_of(options, OPTION_NAMES);
  const linktype = integer_or(linktypes.LINKTYPE_ETHERNET, number, 'linktype', 0, 0xffffffff);
  const snaplen = integer_or(DEFAULT_SNAPLEN, bytes, 'snaplen', 1, 0xffffffff);
  if (typeof live !== 'boolean') throw new TypeError(`live must be a boolean, not ${shown(live)}`);
  if (resolve !== undefined && typeof resolve !== 'function')
    throw new TypeError(`resolve must be a function, not ${shown(resolve)}`);
  const link = LINK_TYPES.get(linktype);
  if (link === undefined) throw new RangeError(`linktype must be ${link_type_names()}, not ${linktype}`);
  const headers = live ? (link.live ?? link.headers) : link.headers;
  const mask = netmask === undefined ? undefined : netmask_number(netmask);
  const context = new Context(expression, headers, { linktype, live, netmask: mask, resolve });
  const has_radiotap = linktype === linktypes.LINKTYPE_IEEE802_11_RADIOTAP;
  context.move((each) => (each.framing === 'wlan' ? wlan_headers(context, each, has_radiotap) : each));
  return Object.freeze(program_of(context, snaplen));
}

function link_type_names(): string {
  return [...LINK_TYPES]
    .flatMap(([number, { name }]) => (name === undefined ? [] : [`${name} (${number})`]))
    .join(', ')
    .replace(/, ([^,]+)$/, ' or $1');
}

function netmask_number(netmask: unknown): number {
  if (typeof netmask !== 'string' || !is_ipv4(netmask))
    throw new TypeError(`netmask must be a mask such as '255.255.255.0', not ${shown(netmask)}`);
  const view = new DataView(new ArrayBuffer(4));
  write_ipv4(view, 0, netmask, 'netmask');
  return view.getUint32(0);
}

function program_of(context: Context, snaplen: number): FilterRow[] {
  const { expression, values } = context;
  const tokens = tokens_of(expression);
  const { headers } = context;
  const parsed = tokens.length === 1 ? ALWAYS : new Parser(context, tokens).parse();
  const condition = behind_starts(context, headers, parsed);
  const graph = new Graph(values);
  const paths = context.paths.map(() => undefined);
  const [accept, refuse] = [graph.result(snaplen), graph.result(0)];
  const [first = refuse] = lower(
    condition,
    paths.map(() => accept),
    paths.map(() => refuse),
    graph,
  );
  try {
    const program = assemble(blocks_of(in_order(simplified(first, graph))));
    if (program.length <= MAX_INSTRUCTIONS) return program;
    const reason = `the program has ${program.length} instructions: Linux takes ${MAX_INSTRUCTIONS}`;
    throw new FilterError(reason, expression, 1);
  } catch (error) {
    if (!(error instanceof ScratchError)) throw error;
    throw new FilterError('the arithmetic needs too much scratch memory', expression, 1);
  }
}
