// The options of nc, as OpenBSD's nc spells them, and what excludes what.

import { FAMILY_OPTIONS } from '../network/hosts.js';
import { UsageError } from '../terminal/errors.js';
import { flag, integer, number, type Option, text, type Values } from '../terminal/options.js';
import { parse_tos } from './tos.js';

const DAY = 86_400;
const PORT = [1, 65_535] as const;
const SIZE = [1, 2 ** 30] as const;

const tos: Option<number | undefined> = {
  ...text('T', 'TOS', 'the type of service, or traffic class: lowdelay, ef, af11, cs1, …, 0x10'),
  standard: undefined,
  read(argument, what) {
    if (argument === undefined) throw new UsageError(`${what} needs a value: TOS`);
    return parse_tos(argument, what);
  },
};

export const options = {
  listen: flag('l', 'wait for a connection'),
  keep: flag('k', 'with -l: go on with the next when one has ended'),
  udp: flag('u', 'UDP; with -U, UNIX datagrams'),
  unix: flag('U', 'a UNIX socket: the operand is a path, or @NAME for an abstract name'),
  ...FAMILY_OPTIONS,
  numeric: flag('n', 'no names: addresses and port numbers only'),
  source: text('s', 'ADDRESS', 'the own address'),
  port: integer('p', 'PORT', PORT, 'the own port'),
  half_close: flag(
    'N',
    'shut the sending side down at the end of the input, and let each direction end by itself',
  ),
  quit: number(
    'q',
    'SECONDS',
    [-DAY, DAY],
    'as -N, and end so long after the end of the input; -1: no limit',
  ),
  wait: number('w', 'SECONDS', [0, DAY], 'how long to try to connect, and to wait with nothing going on'),
  no_input: flag('d', 'do not read standard input'),
  crlf: flag('C', 'send CR LF for each end of a line'),
  interval: number('i', 'SECONDS', [0, DAY], 'the pause between lines, and between ports'),
  receive_limit: integer('W', 'N', [1, 2 ** 31 - 1], 'end after so many packets from the network'),
  telnet: flag('t', 'refuse the options that a server of Telnet offers or asks for'),
  scan: flag('z', 'only see whether the ports are open'),
  random: flag('r', 'the ports in random order'),
  proxy: text('x', 'HOST[:PORT]', 'connect by a proxy; port 1080, or 3128 of HTTP'),
  proxy_protocol: text('X', 'PROTOCOL', "the proxy's: SOCKS 4 or 5, or HTTP", '5', ['4', '5', 'connect']),
  proxy_user: text('P', 'USER', "of HTTP's proxy, if it asks; the password is read from the terminal"),
  proxy_header: text(
    '',
    'VERSION',
    "send a PROXY header of the connection's own addresses first",
    undefined,
    ['1', '2'],
  ),
  pass: flag('F', 'send the connected descriptor over standard output, a UNIX socket, and end'),
  broadcast: flag('b', 'permit broadcast'),
  tos,
  receive_buffer: integer('I', 'BYTES', SIZE, 'the receive buffer'),
  send_buffer: integer('O', 'BYTES', SIZE, 'the send buffer'),
  ttl: integer('M', 'TTL', [1, 255], 'the time to live, or hop limit, of what is sent'),
  min_ttl: integer('m', 'TTL', [0, 255], 'the least of what is received'),
  signature: flag('S', 'TCP segments with the MD5 signature of RFC 2385; the key is read from the terminal'),
  debug: flag('D', 'the socket option SO_DEBUG'),
  routing_table: text('V', 'TABLE', 'is refused: Linux chooses the routing table by its rules'),
  verbose: flag('v', 'say what happens, on standard error'),
};

export type Options = Values<typeof options>;

/** Checks which options and operands go together. @throws UsageError, with the words of OpenBSD's nc */
export function check(options: Options, operands: readonly string[]): void {
  const { signature, listen, keep, unix, udp, scan, proxy, pass, source, routing_table } = options;
  const { proxy_header } = options;
  const refused: readonly (readonly [boolean, string])[] = [
    [keep && !listen, 'must use -l with -k'],
    [scan && listen, 'cannot use -z and -l'],
    [scan && unix, 'cannot use -z and -U'],
    [pass && unix, 'cannot use -F and -U'],
    [pass && listen, 'cannot use -F and -l'],
    [proxy !== undefined && listen, 'no proxy support for listen'],
    [proxy !== undefined && udp, 'no proxy support for UDP mode'],
    [proxy !== undefined && unix, 'no proxy support for unix sockets'],
    [proxy !== undefined && source !== undefined, 'no proxy support for local source address'],
    [proxy_header !== undefined && (listen || unix || udp), 'cannot use --proxy-header and -l, -U or -u'],
    [signature && (listen || unix || udp), 'cannot use -S and -l, -U or -u'],
    [routing_table !== undefined, 'no alternate routing table support available'],
    [unix && operands.length !== 1, '-U takes one path'],
    [!unix && !listen && operands.length === 1, 'missing port number'],
    [!unix && !listen && operands.length === 0, 'nc takes HOST and PORT'],
    [listen && operands.length > 2, 'nc -l takes [HOST] PORT'],
  ];
  for (const [is_wrong, message] of refused) if (is_wrong) throw new UsageError(message);
}
