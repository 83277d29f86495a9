// Numbers shown as the constants they stand for, in messages: nothing here is called unless something went wrong.
import * as c from '../constants.js';

// The protocols that the third argument of socket() can be, by family.
const PROTOCOLS = new Map<number, RegExp>([
  [c.AF_INET, /^IPPROTO_/],
  [c.AF_INET6, /^IPPROTO_/],
  [c.AF_NETLINK, /^NETLINK_(ROUTE|USERSOCK|SOCK_DIAG|XFRM|AUDIT|NETFILTER|KOBJECT_UEVENT|GENERIC|CRYPTO)$/],
  [c.AF_CAN, /^CAN_(RAW|BCM|ISOTP|J1939)$/],
  [c.AF_BLUETOOTH, /^BTPROTO_/],
]);

const LEVELS = /^SOL_(?!HCI|L2CAP|SCO$|RFCOMM|ICMP$)/;

// The options of a level. Some prefixes also name values and states, which are left out.
const OPTIONS = new Map<number, RegExp>([
  [c.SOL_SOCKET, /^SO_(?!EE_|J1939_|VM_|RDS_|ORIGINAL_DST)/],
  [c.SOL_IP, /^(IP_(?!PMTUDISC_|DEFAULT_|MAX_)|MCAST_(?!EXCLUDE|INCLUDE)|SO_ORIGINAL_DST)/],
  [c.SOL_IPV6, /^IPV6_(?!PMTUDISC_|PREFER_|RTHDR_TYPE_)/],
  [
    c.SOL_TCP,
    /^TCP_(?!CA_|REPAIR_O|(NO|RECV|SEND)_QUEUE|MD5SIG_[FM]|ESTABL|SYN_|FIN_|TIME_W|CLOS|LAST_|LISTEN)/,
  ],
  [c.SOL_UDP, /^UDP_(?!ENCAP_)/],
  [c.SOL_PACKET, /^PACKET_(ADD|DROP|RX|TX|[SACOVRLTIQ]\w+|HDRLEN|FANOUT$|FANOUT_DATA)/],
  [c.SOL_CAN_RAW, /^CAN_RAW_(?!FILTER_MAX)/],
]);

const cache = new Map<RegExp, Map<number, string>>();

function name_of(pattern: RegExp | undefined, value: number): string {
  if (pattern === undefined) return `${value}`;
  let names = cache.get(pattern);
  if (names === undefined) {
    names = new Map();
    for (const [name, number] of Object.entries(c)) {
      if (typeof number === 'number' && pattern.test(name)) names.set(number, name);
    }
    cache.set(pattern, names);
  }
  return names.get(value) ?? `${value}`;
}

/** The arguments of socket() as a program writes them: 'AF_INET, SOCK_RAW, IPPROTO_ICMP'. */
export function socket_arguments(family: number, type: number, proto: number): string {
  const flags = c.SOCK_CLOEXEC | c.SOCK_NONBLOCK;
  const kind = c.SocketKind[type & ~flags] ?? `${type & ~flags}`;
  const protocol = proto === 0 ? '0' : name_of(PROTOCOLS.get(family), proto);
  return `${c.AddressFamily[family] ?? family}, ${kind}, ${protocol}`;
}

/** The level and name of an option: 'SOL_TCP, TCP_NODELAY'. */
export function option_arguments(level: number, option: number): string {
  return `${name_of(LEVELS, level)}, ${name_of(OPTIONS.get(level), option)}`;
}
