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
  readonly args?: Arguments;
  /** The address that the call got. */
  readonly address?: unknown;
}

interface Hint {
  /** The names of the calls; all calls if left out. */
  readonly calls?: RegExp;
  /** A second condition. */
  readonly when?: (call: FailedCall) => boolean;
  readonly hint: string | ((call: FailedCall) => string);
}

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
const is_vsock = ({ address }: FailedCall) => Array.isArray(address) && typeof address[0] === 'number';
const has_low_port = ({ address }: FailedCall) =>
  Array.isArray(address) && address[1] > 0 && address[1] < 1024;
const lacks_scope = ({ address }: FailedCall) => {
  if (!Array.isArray(address) || address[3]) return false;
  const host: unknown = Buffer.isBuffer(address[0]) ? address[0].toString() : address[0];
  return typeof host === 'string' && /^fe[89ab][^%]*$/i.test(host);
};

const PING_SOCKETS: readonly Kind[] = [
  { family: c.AF_INET, type: c.SOCK_DGRAM, proto: c.IPPROTO_ICMP },
  { family: c.AF_INET, type: c.SOCK_DGRAM, proto: c.IPPROTO_ICMPV6 },
  { family: c.AF_INET6, type: c.SOCK_DGRAM, proto: c.IPPROTO_ICMP },
  { family: c.AF_INET6, type: c.SOCK_DGRAM, proto: c.IPPROTO_ICMPV6 },
];

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
    { calls: /^fromshare$/, hint: 'it is meant for another process, or another user' },
    {
      calls: /^socket$/,
      when: makes({ family: c.AF_PACKET }, { type: c.SOCK_PACKET }),
      hint: `packet sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`,
    },
    {
      calls: /^socket$/,
      when: makes({ type: c.SOCK_RAW }),
      hint: `raw sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`,
    },
    {
      calls: /^setsockopt$/,
      when: not(sets(...FILTERS)),
      hint: 'this option needs CAP_NET_ADMIN or CAP_NET_RAW',
    },
    { calls: /^sethostname/, hint: 'this needs CAP_SYS_ADMIN' },
    { calls: /^epoll_ctl/, hint: 'a file is always ready; poll and select take it' },
    { calls: SEND, when: is_ip, hint: 'most likely a firewall rule of this machine refuses it' },
  ],
  EACCES: [
    {
      calls: /^socket$/,
      when: makes(...PING_SOCKETS),
      hint: 'ping sockets are for the groups in net.ipv4.ping_group_range (sysctl)',
    },
    {
      calls: /^bind/,
      when: (call) => is_ip(call) && has_low_port(call),
      hint:
        'ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE ' +
        setcap('cap_net_bind_service'),
    },
    { calls: /^bind/, when: is_path, hint: 'the directory of the path may not be written' },
    {
      calls: /^(connect|send)/,
      when: is_path,
      hint: 'the socket file, or its directory, does not permit it',
    },
    {
      calls: /^(connect|send)/,
      when: is_ip,
      hint: 'a broadcast address needs setsockopt(SOL_SOCKET, SO_BROADCAST, 1) first',
    },
  ],
  EADDRINUSE: [
    { calls: /^bind/, when: is_path, hint: 'the file is there: remove it if no server uses it' },
    {
      calls: /^(bind|listen)/,
      hint: 'another socket has this address; if that one has ended, set SO_REUSEADDR before bind',
    },
  ],
  EADDRNOTAVAIL: [
    { calls: /^bind/, when: is_ip, hint: 'no interface of this machine has this address' },
    { calls: CONNECT, when: is_ip, hint: 'no address, or no free port, to connect from' },
  ],
  EAFNOSUPPORT: [
    { calls: /^socket/, hint: lacks_module },
    { calls: /^(bind|connect|send)/, hint: "the address is not of the socket's family" },
  ],
  EPROTONOSUPPORT: [{ calls: /^socket/, hint: lacks_module }],
  ESOCKTNOSUPPORT: [{ calls: /^socket/, hint: lacks_module }],
  EPROTOTYPE: [
    { calls: /^socket/, hint: 'the protocol is not of this socket type' },
    { calls: /^(connect|send)/, when: is_path, hint: "the other side's socket is of another type" },
  ],
  EBADF: [
    {
      calls: /^sendfile$/,
      when: ({ args }) => args?.file_fd !== undefined,
      hint: 'the file is closed, or not open for reading',
    },
  ],
  EMFILE: [{ hint: 'this process has too many open descriptors: close some, or raise ulimit -n' }],
  ENFILE: [{ hint: 'the whole system has too many open files (sysctl fs.file-max)' }],
  ETOOMANYREFS: [{ hint: 'too many descriptors are under way: receive some' }],
  EMSGSIZE: [{ calls: SEND, hint: 'the message is longer than the protocol, or the path, takes at once' }],
  ENOBUFS: [
    { calls: RECEIVE, hint: 'messages were lost, as the receive buffer was full: enlarge SO_RCVBUF' },
    { calls: SEND, hint: "the interface's queue is full" },
  ],
  ENOTCONN: [{ hint: 'connect, or accept, first; or the peer has ended the connection' }],
  EDESTADDRREQ: [{ hint: 'connect first, or give the address' }],
  EISCONN: [
    { calls: CONNECT, hint: 'the socket is connected already' },
    { calls: SEND, hint: 'a connected socket takes no address' },
  ],
  EALREADY: [{ calls: CONNECT, hint: 'it is connecting already' }],
  EINPROGRESS: [{ calls: CONNECT, hint: 'it goes on: once the socket is writable, SO_ERROR has the result' }],
  EAGAIN: [{ calls: CONNECT, when: is_path, hint: "the server's backlog is full" }],
  EEXIST: [{ calls: /^epoll_ctl/, hint: 'it is registered already: modify it' }],
  ENOENT: [
    { calls: /^(epoll_ctl|poll)/, hint: 'it is not registered' },
    {
      calls: /^fromshare$/,
      hint: 'already taken, or the thread or process that shared it has ended, or another copy of the package shared it for its threads',
    },
    { calls: /^(connect|send)/, when: is_path, hint: 'there is no such socket' },
    { calls: /^bind/, when: is_path, hint: 'the directory of the path does not exist' },
    {
      calls: /^bind/,
      when: ({ address }) => Array.isArray(address) && typeof address[1] === 'string',
      hint: 'the kernel has no such algorithm',
    },
  ],
  ECONNREFUSED: [
    {
      calls: /^(connect|send)/,
      when: is_path,
      hint: 'nobody listens: the file may be left from a server that ended',
    },
    { calls: CONNECT, when: is_ip, hint: 'nobody listens there' },
  ],
  ETIMEDOUT: [{ calls: CONNECT, hint: 'there was no answer' }],
  ENETUNREACH: [{ hint: 'there is no route to it' }],
  ENETDOWN: [{ hint: 'the interface is down' }],
  ENODEV: [
    { calls: CONNECT, when: is_vsock, hint: 'there is no way to this machine' },
    {
      calls: /^setsockopt/,
      when: not(sets([c.SOL_SOCKET, c.SO_BINDTODEVICE])),
      hint: 'no interface fits: name one',
    },
    { calls: /^(bind|connect|if_nametoindex|send|setsockopt)/, hint: NO_INTERFACE },
  ],
  EINVAL: [
    {
      calls: /^(bind|connect|send)/,
      when: lacks_scope,
      hint: "a link-local address needs its scope: ['fe80::1%eth0', port]",
    },
    { calls: /^accept/, hint: 'call listen first' },
  ],
  ENOTSUP: [{ calls: /^(listen|accept)/, hint: 'this type of socket has no connections to accept' }],
  ENOPROTOOPT: [{ hint: 'this protocol, or this kernel, has no such option' }],
  ENOTSOCK: [{ hint: 'the descriptor is not a socket' }],
  EAI_AGAIN: [{ hint: 'no name server answered' }],
};

const hints = new Map(Object.entries(HINTS));

/** hint(code, call) -> the hint for an error of a call; undefined if no row fits. */
export function hint(code: string | undefined, call: FailedCall): string | undefined {
  if (code === undefined) return undefined;
  const row = hints
    .get(code)
    ?.find(({ calls, when }) => (calls?.test(call.syscall) ?? true) && (when?.(call) ?? true));
  return typeof row?.hint === 'function' ? row.hint(call) : row?.hint;
}
