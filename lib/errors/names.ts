// Arguments of failed calls as text, for messages: a number is shown as the constant that it stands for.
//
// Callers pass numbers and names (Arguments), and only this file makes text of them. PRINTERS has a row for each argument.
// A call that succeeds runs nothing of this file. The table of all constants comes from calls/constant_names.ts.
import { inspect } from 'node:util';
import * as c from '../constants.js';
import { shown } from '../util/validate.js';

type Constants = typeof c;

// The constants by name. None without the calls that take them: loading the table costs as much as the rest of selectors.
let constants: Partial<Constants> = {};

/**
 * name_constants(all). Has messages show the constants that numbers stand for. It is called when the calls on sockets are loaded, and not for the first message:
 * EMFILE is the error of a process that can open no file.
 *
 * @param all the exports of constants.ts
 */
export function name_constants(all: Constants): void {
  constants = all;
}

/** The arguments of a failed call that its message shows. */
export interface Arguments {
  /** The kind of an object that was closed before the call, in place of its descriptor. */
  readonly closed?: 'socket' | 'selector' | 'handle' | undefined;
  /** The same, if the program took the descriptor away by detach() or a method that does. */
  readonly detached?: 'socket' | undefined;
  /** A descriptor: of a socket or an epoll object, or the argument of a function such as dup(). */
  readonly fd?: number | undefined;
  /** The descriptor of the file that is sent or read. */
  readonly file_fd?: number | undefined;
  /** The descriptor that a socket object should adopt. */
  readonly fileno?: number | undefined;
  /** The first argument of socket(), AF_*. */
  readonly family?: number | undefined;
  /** The second argument of socket(), SOCK_*, with or without the flags SOCK_NONBLOCK and SOCK_CLOEXEC. */
  readonly type?: number | undefined;
  /** The third argument of socket(). Its names depend on `family`. */
  readonly proto?: number | undefined;
  /** The level of an option, SOL_*. */
  readonly level?: number | undefined;
  /** The number of an option. Its names depend on `level`. */
  readonly option?: number | undefined;
  /** The first argument of ioctl(). */
  readonly request?: number | undefined;
  /** The host of a lookup, as the C library got it. */
  readonly host?: string | null | undefined;
  /** The service or port of a lookup, as the C library got it. */
  readonly service?: string | null | undefined;
  /** The name of a host or an interface. */
  readonly name?: string | undefined;
  /** The argument of sethostname(). */
  readonly hostname?: string | Uint8Array | undefined;
  /** The number of an interface. */
  readonly index?: number | undefined;
  /** The first argument of inet_pton(), shown as a number. */
  readonly address_family?: number | undefined;
  /** The only family that has such a call, AF_*. */
  readonly only_family?: number | undefined;
  /** The number of buffers, if the call got too many. */
  readonly buffers?: number | undefined;
  /** The most buffers that the kernel takes in one call. */
  readonly limit?: number | undefined;
}

// Names of the third argument of socket(), by family.
const PROTOCOLS = new Map<number, RegExp>([
  [c.AF_INET, /^IPPROTO_/],
  [c.AF_INET6, /^IPPROTO_/],
  [c.AF_NETLINK, /^NETLINK_(ROUTE|USERSOCK|SOCK_DIAG|XFRM|AUDIT|NETFILTER|KOBJECT_UEVENT|GENERIC|CRYPTO)$/],
  [c.AF_CAN, /^CAN_(RAW|BCM|ISOTP|J1939)$/],
  [c.AF_BLUETOOTH, /^BTPROTO_/],
]);

// Names of levels, without ICMP and the levels of Bluetooth: nearly all of these have the number of another level.
const LEVELS = /^SOL_(?!HCI|L2CAP|SCO$|RFCOMM|ICMP$)/;

// Names of options, by level. The patterns leave out constants that are values or states and have the
// same prefix, and second names: each number has one name.
const OPTIONS = new Map<number, RegExp>([
  [c.SOL_SOCKET, /^SO_(?!EE_|J1939_|VM_|RDS_|ORIGINAL_DST|GET_FILTER|DETACH_BPF|\w+_OLD$)/],
  [
    c.SOL_IP,
    /^(IP_(?!PMTUDISC_|DEFAULT_|MAX_|ORIGDST|RECVRETOPTS)|MCAST_(?!EXCLUDE|INCLUDE)|SO_ORIGINAL_DST)/,
  ],
  [c.SOL_IPV6, /^IPV6_(?!PMTUDISC_|PREFER_|RTHDR_TYPE_|ORIGDST|(ADD|DROP)_MEMBERSHIP)/],
  [
    c.SOL_TCP,
    /^TCP_(?!CA_|CM_INQ|REPAIR_O|(NO|RECV|SEND)_QUEUE|MD5SIG_[FM]|ESTABL|SYN_|FIN_|TIME_W|CLOS|LAST_|LISTEN)/,
  ],
  [c.SOL_UDP, /^UDP_(?!ENCAP_)/],
  [c.SOL_PACKET, /^PACKET_(?!LOOPBACK|OTHERHOST)(ADD|DROP|RX|TX|[SACOVRLTIQ]\w+|HDRLEN|FANOUT$|FANOUT_DATA)/],
  [c.SOL_CAN_RAW, /^CAN_RAW_(?!FILTER_MAX)/],
]);

// SIOCINQ is FIONREAD.
const REQUESTS = /^(FIO|SIOC(?!INQ))/;

// Names by number, for each pattern that a message needed.
const cache = new Map<RegExp, Map<number, string>>();

/** name_of(pattern, value) -> the name of the constant that matches and has the value; the value as text if none does. */
function name_of(pattern: RegExp | undefined, value: number): string {
  if (pattern === undefined) return `${value}`;
  let names = cache.get(pattern);
  if (names === undefined) {
    names = new Map();
    for (const [name, number] of Object.entries(constants)) {
      if (typeof number === 'number' && pattern.test(name)) names.set(number, name);
    }
    cache.set(pattern, names);
  }
  return names.get(value) ?? `${value}`;
}

/** type_of(type) -> the socket type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
export function type_of(type: number): number {
  return type & ~(c.SOCK_CLOEXEC | c.SOCK_NONBLOCK);
}

// The text of each argument. A row gets the whole record: a protocol depends on the family, an option on the level.
const PRINTERS = new Map(
  Object.entries({
    closed: ({ closed }) => `closed ${closed}`,
    detached: ({ detached }) => `detached ${detached}`,
    fd: ({ fd }) => `fd ${fd}`,
    file_fd: ({ file_fd }) => `file fd ${file_fd}`,
    fileno: ({ fileno }) => `fileno=${fileno}`,
    family: ({ family = 0 }) => constants.AddressFamily?.[family] ?? `${family}`,
    type: ({ type = 0 }) => constants.SocketKind?.[type_of(type)] ?? `${type_of(type)}`,
    proto: ({ family = 0, proto = 0 }) => (proto === 0 ? '0' : name_of(PROTOCOLS.get(family), proto)),
    level: ({ level = 0 }) => name_of(LEVELS, level),
    option: ({ level = 0, option = 0 }) => name_of(OPTIONS.get(level), option),
    request: ({ request = 0 }) => name_of(REQUESTS, request),
    host: ({ host }) => shown(host),
    service: ({ service }) => shown(service),
    name: ({ name }) => shown(name),
    hostname: ({ hostname }) => JSON.stringify(hostname),
    index: ({ index }) => `${index}`,
    address_family: ({ address_family }) => `${address_family}`,
    only_family: ({ only_family = 0 }) => `only sockets of family ${constants.AddressFamily?.[only_family]}`,
    buffers: ({ buffers }) => `argument 1 is too long: ${buffers} buffers`,
    limit: ({ limit }) => `at most ${limit}`,
  } satisfies Record<keyof Arguments, (args: Arguments) => string>),
);

/**
 * show_arguments(args) -> the arguments as a program writes them, in the order of the record: 'fd 5, SOL_TCP, TCP_NODELAY'.
 */
export function show_arguments(args: Arguments): string {
  let text = '';
  for (const name of Object.keys(args)) text += `${text === '' ? '' : ', '}${PRINTERS.get(name)?.(args)}`;
  return text;
}

/** show_value(value) -> an address or a file name as a message shows it: short, on one line. */
export function show_value(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show_value).join(', ')}]`;
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, maxStringLength: 128 });
}
