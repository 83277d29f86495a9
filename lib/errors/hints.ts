// Hints: the usual cause of an error, and the remedy. A hint follows the system's text in the message.
//
// HINTS is a table by error code; the first row that fits gives the words. A row says only what is true whenever the
// kernel gives this error to that call. Rows look at the call's name, at the numbers of its arguments and at its address.
import * as c from '../constants.js';
import { type Arguments, type_of } from './names.js';

/** A call that failed. */
export interface FailedCall {
  /** The system call, or the method that makes it: 'socket', 'recv'. */
  readonly syscall: string;
  /** The arguments that the message shows. */
  readonly args?: Arguments | undefined;
  /** The address that the call got. */
  readonly address?: unknown;
}

/** A row of HINTS: the names of the calls, the hint, and a second condition. */
type Hint = readonly [
  calls: RegExp,
  hint: string | ((call: FailedCall) => string),
  when?: (call: FailedCall) => boolean,
];

/** A kind of socket: the arguments of socket() that count. Any value fits one that is left out. */
type Kind = Pick<Arguments, 'family' | 'type' | 'proto'>;

const is_kind = (args: Kind, { family, type, proto }: Kind) =>
  (family === undefined || family === args.family) &&
  (type === undefined || (args.type !== undefined && type === type_of(args.type))) &&
  (proto === undefined || proto === args.proto);

const makes =
  (...kinds: readonly Kind[]) =>
  ({ args = {} }: FailedCall) =>
    kinds.some((kind) => is_kind(args, kind));

type Option = readonly [level: number, option: number];

const sets =
  (...options: readonly Option[]) =>
  ({ args = {} }: FailedCall) =>
    options.some(([level, option]) => level === args.level && option === args.option);

const not = (condition: (call: FailedCall) => boolean) => (call: FailedCall) => !condition(call);

const setcap = (capability: string) => `(run as root, or: setcap ${capability}+ep "$(command -v node)")`;

const is_path = ({ address }: FailedCall) => typeof address === 'string' || ArrayBuffer.isView(address);
const is_ip = ({ address }: FailedCall) =>
  Array.isArray(address) && typeof address[0] === 'string' && typeof address[1] === 'number';
const is_broadcast = ({ address }: FailedCall) =>
  Array.isArray(address) && ['<broadcast>', '255.255.255.255'].includes(String(address[0]));
const is_vsock = ({ address }: FailedCall) => Array.isArray(address) && typeof address[0] === 'number';
const has_low_port = ({ address }: FailedCall) =>
  Array.isArray(address) && address[1] > 0 && address[1] < 1024;
const lacks_scope = ({ address }: FailedCall) => {
  if (!Array.isArray(address) || address[3]) return false;
  const host: unknown = Buffer.isBuffer(address[0]) ? address[0].toString() : address[0];
  return typeof host === 'string' && /^fe[89ab][^%]*$/i.test(host);
};

const PING_SOCKETS: readonly Kind[] = [c.AF_INET, c.AF_INET6].flatMap((family) =>
  [c.IPPROTO_ICMP, c.IPPROTO_ICMPV6].map((proto) => ({ family, type: c.SOCK_DGRAM, proto })),
);

// Options that need no privilege. EPERM has other reasons for these, such as a locked filter.
const FILTERS: readonly Option[] = [
  [c.SOL_SOCKET, c.SO_ATTACH_FILTER],
  [c.SOL_SOCKET, c.SO_DETACH_FILTER],
  [c.SOL_SOCKET, c.SO_LOCK_FILTER],
  [c.SOL_IP, c.IP_MSFILTER],
  [c.SOL_IP, c.MCAST_MSFILTER],
  [c.SOL_CAN_RAW, c.CAN_RAW_FILTER],
  [c.SOL_CAN_RAW, c.CAN_RAW_ERR_FILTER],
  [c.SOL_CAN_RAW, c.CAN_RAW_JOIN_FILTERS],
];

const NO_INTERFACE = 'there is no such interface: `ip link` shows those that there are';
const CONNECT = /^connect/;
const SEND = /^send/;
const RECEIVE = /^recv/;
const ANY = /^/;

// Kernel modules, by the kind of socket that a module makes. The first row that fits counts.
const MODULES: readonly [Kind, module: string][] = [
  [{ family: c.AF_CAN, proto: c.CAN_ISOTP }, 'can-isotp'],
  [{ family: c.AF_CAN, proto: c.CAN_J1939 }, 'can-j1939'],
  [{ family: c.AF_CAN, proto: c.CAN_BCM }, 'can-bcm'],
  [{ family: c.AF_CAN, proto: c.CAN_RAW }, 'can-raw'],
  [{ family: c.AF_CAN }, 'can'],
  [{ family: c.AF_TIPC }, 'tipc'],
  [{ family: c.AF_RDS }, 'rds'],
  [{ family: c.AF_VSOCK }, 'vsock'],
  [{ family: c.AF_BLUETOOTH }, 'bluetooth'],
  [{ family: c.AF_ALG }, 'af_alg'],
  [{ family: c.AF_QIPCRTR }, 'qrtr'],
  [{ family: c.AF_KCM }, 'kcm'],
  [{ family: c.AF_SMC }, 'smc'],
  [{ family: c.AF_LLC }, 'llc2'],
  [{ family: c.AF_X25 }, 'x25'],
  [{ family: c.AF_PACKET }, 'af_packet'],
  [{ family: c.AF_INET, proto: c.IPPROTO_SCTP }, 'sctp'],
  [{ family: c.AF_INET6, proto: c.IPPROTO_SCTP }, 'sctp'],
  [{ family: c.AF_INET, proto: c.IPPROTO_DCCP }, 'dccp'],
  [{ family: c.AF_INET6, proto: c.IPPROTO_DCCP }, 'dccp'],
  [{ type: c.SOCK_DCCP }, 'dccp'],
];

/** module_of(args) -> the name of the kernel module that makes such sockets; undefined if none is known. See modprobe(8). */
export function module_of(args: Kind): string | undefined {
  return MODULES.find(([kind]) => is_kind(args, kind))?.[1];
}

function lacks_module({ args = {} }: FailedCall): string {
  const module = module_of(args);
  return module === undefined
    ? 'this kernel has no such family, type and protocol together'
    : `this kernel does not have it, or not loaded (modprobe ${module})`;
}

const HINTS: Readonly<Record<string, readonly Hint[]>> = {
  EPERM: [
    [/^fromshare$/, 'it is meant for another process, or another user'],
    [
      /^socket$/,
      `packet sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`,
      makes({ family: c.AF_PACKET }, { type: c.SOCK_PACKET }),
    ],
    [/^socket$/, `raw sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`, makes({ type: c.SOCK_RAW })],
    [/^setsockopt$/, 'this option needs CAP_NET_ADMIN or CAP_NET_RAW', not(sets(...FILTERS))],
    [/^ioctl/, 'this request needs CAP_NET_ADMIN'],
    [/^sethostname/, 'this needs CAP_SYS_ADMIN'],
    [/^epoll_ctl/, 'a file is always ready; poll and select take it'],
    [SEND, 'most likely a firewall rule of this machine refuses it', is_ip],
  ],
  EACCES: [
    [
      /^socket$/,
      'ping sockets are for the groups in net.ipv4.ping_group_range (sysctl)',
      makes(...PING_SOCKETS),
    ],
    [
      /^bind/,
      'ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE ' +
        setcap('cap_net_bind_service'),
      (call) => is_ip(call) && has_low_port(call),
    ],
    [/^bind/, 'the directory of the path may not be written', is_path],
    [/^(connect|send)/, 'the socket file, or its directory, does not permit it', is_path],
    [
      /^(connect|send)/,
      'a broadcast address needs setsockopt(SOL_SOCKET, SO_BROADCAST, 1) first',
      is_broadcast,
    ],
    [
      /^(connect|send)/,
      'a route prohibits it (`ip route get`); or it is a broadcast address, which needs SO_BROADCAST',
      is_ip,
    ],
  ],
  EADDRINUSE: [
    [/^bind/, 'the file is there: remove it if no server uses it', is_path],
    [
      /^(bind|listen)/,
      'another socket has this address; if that one has ended, set SO_REUSEADDR before bind',
    ],
  ],
  EADDRNOTAVAIL: [
    [/^bind/, 'no interface of this machine has this address', is_ip],
    [CONNECT, 'no address, or no free port, to connect from', is_ip],
    [/^ioctl/, 'the interface has no IPv4 address'],
  ],
  EAFNOSUPPORT: [
    [/^socket/, lacks_module],
    [/^(bind|connect|send)/, "the address is not of the socket's family"],
  ],
  EPROTONOSUPPORT: [[/^socket/, lacks_module]],
  ESOCKTNOSUPPORT: [[/^socket/, lacks_module]],
  EPROTOTYPE: [
    [/^socket/, 'the protocol is not of this socket type'],
    [/^(connect|send)/, "the other side's socket is of another type", is_path],
  ],
  EBADF: [
    [/^serve_forever/, 'server_close() ends serving before it closes the socket'],
    [
      ANY,
      'the object is not connected, bound or listening yet, or closed',
      ({ args }) => args?.closed === 'handle',
    ],
    [/^sendfile$/, 'the file is closed, or not open for reading', ({ args }) => args?.file_fd !== undefined],
  ],
  EMFILE: [[ANY, 'this process has too many open descriptors: close some, or raise ulimit -n']],
  ENFILE: [[ANY, 'the whole system has too many open files (sysctl fs.file-max)']],
  ETOOMANYREFS: [[ANY, 'too many descriptors are under way: receive some']],
  EMSGSIZE: [[SEND, 'the message is longer than the protocol, or the path, takes at once']],
  ENOBUFS: [
    [RECEIVE, 'messages were lost, as the receive buffer was full: enlarge SO_RCVBUF'],
    [SEND, "the interface's queue is full"],
  ],
  ENOTCONN: [[ANY, 'connect, or accept, first; or the peer has ended the connection']],
  EDESTADDRREQ: [[ANY, 'connect first, or give the address']],
  EISCONN: [
    [CONNECT, 'the socket is connected already'],
    [SEND, 'a connected socket takes no address'],
  ],
  EALREADY: [[CONNECT, 'it is connecting already']],
  EINPROGRESS: [[CONNECT, 'it goes on: once the socket is writable, SO_ERROR has the result']],
  EAGAIN: [[CONNECT, "the server's backlog is full", is_path]],
  EEXIST: [[/^epoll_ctl/, 'it is registered already: modify it']],
  ENOENT: [
    [/^(epoll_ctl|poll)/, 'it is not registered'],
    [/^ioctl/, 'no packet has come since the first call, which switches the stamps on'],
    [
      /^fromshare$/,
      'already taken, or the thread or process that shared it has ended, or another copy of the package shared it for its threads',
    ],
    [/^(connect|send)/, 'there is no such socket', is_path],
    [/^bind/, 'the directory of the path does not exist', is_path],
    [
      /^bind/,
      'the kernel has no such algorithm',
      ({ address }) => Array.isArray(address) && typeof address[1] === 'string',
    ],
  ],
  ECONNREFUSED: [
    [/^(connect|send)/, 'nobody listens: the file may be left from a server that ended', is_path],
    [CONNECT, 'nobody listens there', is_ip],
  ],
  ETIMEDOUT: [[CONNECT, 'there was no answer']],
  ENETUNREACH: [[ANY, 'there is no route to it']],
  ENETDOWN: [[ANY, 'the interface is down']],
  ENODEV: [
    [CONNECT, 'there is no way to this machine', is_vsock],
    [/^setsockopt/, 'no interface fits: name one', not(sets([c.SOL_SOCKET, c.SO_BINDTODEVICE]))],
    [/^(bind|connect|if_nametoindex|ioctl|send|setsockopt)/, NO_INTERFACE],
  ],
  EINVAL: [
    [/^(bind|connect|send)/, "a link-local address needs its scope: ['fe80::1%eth0', port]", lacks_scope],
    [/^accept/, 'call listen first; or the listener was shut down'],
    [
      /^setsockopt$/,
      'the value is a struct: structs.linger.encode({ onoff, linger })',
      sets([c.SOL_SOCKET, c.SO_LINGER]),
    ],
    [
      /^setsockopt$/,
      'the value is a struct: structs.timeval.encode({ sec, usec }); or settimeout(seconds), which needs no option',
      sets([c.SOL_SOCKET, c.SO_RCVTIMEO], [c.SOL_SOCKET, c.SO_SNDTIMEO]),
    ],
    [
      /^setsockopt$/,
      'the group has another mode, other flags or another interface, or the interface is down',
      sets([c.SOL_PACKET, c.PACKET_FANOUT]),
    ],
    [/^(serve_forever|handle_request)/, 'the socket was shut down, or does not listen'],
    [/^disconnect/, 'only a datagram socket has an association to dissolve'],
  ],
  ENOMEM: [
    [
      /^setsockopt$/,
      'the kernel has no memory for the ring: ask for fewer or smaller blocks',
      sets([c.SOL_PACKET, c.PACKET_RX_RING]),
    ],
  ],
  ENOSPC: [
    [/^setsockopt$/, 'a fan-out group has at most 256 sockets', sets([c.SOL_PACKET, c.PACKET_FANOUT])],
  ],
  ENOTTY: [[/^ioctl/, 'this kind of socket has no such request']],
  EFAULT: [[/^ioctl/, 'the request works on memory: give bytes, or null for an int']],
  ENOTSUP: [[/^(listen|accept)/, 'this type of socket has no connections to accept']],
  ENOPROTOOPT: [[ANY, 'this protocol, or this kernel, has no such option']],
  ENOTSOCK: [[ANY, 'the descriptor is not a socket']],
  EAI_AGAIN: [[ANY, 'no name server answered']],
};

const hints = new Map(Object.entries(HINTS));

/** hint(code, call) -> the hint for an error of a call; undefined if no row fits. */
export function hint(code: string | undefined, call: FailedCall): string | undefined {
  if (code === undefined) return undefined;
  const row = hints.get(code)?.find(([calls, , when]) => calls.test(call.syscall) && (when?.(call) ?? true));
  return typeof row?.[1] === 'function' ? row[1](call) : row?.[1];
}
