// What a failed system call most often means, and what to do: the part of an error's message after the system's text.
//
// HINTS is a table by error code; the first row that fits gives the words. A row says only what is true whenever the
// kernel gives this error to that call.

/** A call that failed. */
export interface FailedCall {
  /** As the system names it: 'socket', 'bind'. */
  readonly syscall: string;
  /** Its arguments as the message shows them: 'AF_INET, SOCK_RAW, IPPROTO_ICMP'. */
  readonly text: string;
  /** The address that was given, if any. */
  readonly address: unknown;
}

interface Hint {
  /** The calls it is for; every one where left out. */
  readonly calls?: RegExp;
  /** What must hold beside. */
  readonly when?: (call: FailedCall) => boolean;
  readonly hint: string | ((call: FailedCall) => string);
}

const setcap = (capability: string) => `(run as root, or: setcap ${capability}+ep "$(command -v node)")`;

const is_path = ({ address }: FailedCall) => typeof address === 'string' || ArrayBuffer.isView(address);
const is_ip = ({ address }: FailedCall) =>
  Array.isArray(address) && typeof address[0] === 'string' && typeof address[1] === 'number';
const is_vsock = ({ address }: FailedCall) => Array.isArray(address) && typeof address[0] === 'number';
const is_privileged = ({ address }: FailedCall) =>
  Array.isArray(address) && Number(address[1]) > 0 && Number(address[1]) < 1024;
const lacks_scope = ({ address }: FailedCall) =>
  Array.isArray(address) && /^fe[89ab][^%]*$/i.test(String(address[0])) && !address[3];

const NO_INTERFACE = 'there is no such interface: `ip link` shows those that there are';
const CONNECT = /^connect/;
const SEND = /^send/;
const RECEIVE = /^recv/;

// The kernel's modules of what socket() may ask for.
const MODULES: readonly [RegExp, string][] = [
  [/CAN_ISOTP/, 'can-isotp'],
  [/CAN_J1939/, 'can-j1939'],
  [/CAN_BCM/, 'can-bcm'],
  [/AF_CAN.*CAN_RAW/, 'can-raw'],
  [/AF_CAN/, 'can'],
  [/AF_TIPC/, 'tipc'],
  [/AF_RDS/, 'rds'],
  [/AF_VSOCK/, 'vsock'],
  [/AF_BLUETOOTH/, 'bluetooth'],
  [/AF_ALG/, 'af_alg'],
  [/AF_QIPCRTR/, 'qrtr'],
  [/AF_KCM/, 'kcm'],
  [/AF_SMC/, 'smc'],
  [/AF_LLC/, 'llc2'],
  [/AF_X25/, 'x25'],
  [/AF_PACKET/, 'af_packet'],
  [/IPPROTO_SCTP/, 'sctp'],
  [/IPPROTO_DCCP|SOCK_DCCP/, 'dccp'],
];

function lacks_module({ text }: FailedCall): string {
  const module = MODULES.find(([pattern]) => pattern.test(text))?.[1];
  return module === undefined
    ? 'this kernel has no such family, type and protocol together'
    : `this kernel does not have it, or not loaded (modprobe ${module})`;
}

const HINTS: Readonly<Record<string, readonly Hint[]>> = {
  EPERM: [
    { calls: /^fromshare$/, hint: 'it is meant for another process, or another user' },
    {
      calls: /^socket$/,
      when: ({ text }) => /AF_PACKET|SOCK_PACKET/.test(text),
      hint: `packet sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`,
    },
    {
      calls: /^socket$/,
      when: ({ text }) => text.includes('SOCK_RAW'),
      hint: `raw sockets need CAP_NET_RAW ${setcap('cap_net_raw')}`,
    },
    {
      calls: /^setsockopt$/,
      when: ({ text }) => !text.includes('FILTER'),
      hint: 'this option needs CAP_NET_ADMIN or CAP_NET_RAW',
    },
    { calls: /^sethostname/, hint: 'this needs CAP_SYS_ADMIN' },
    { calls: /^epoll_ctl/, hint: 'a file is always ready; poll and select take it' },
    { calls: SEND, when: is_ip, hint: 'most likely a firewall rule of this machine refuses it' },
  ],
  EACCES: [
    {
      calls: /^socket$/,
      when: ({ text }) => /SOCK_DGRAM, IPPROTO_ICMP/.test(text),
      hint: 'ping sockets are for the groups in net.ipv4.ping_group_range (sysctl)',
    },
    {
      calls: /^bind/,
      when: (call) => is_ip(call) && is_privileged(call),
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
      when: ({ text }) => text.startsWith('file'),
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
    { calls: /^fromshare$/, hint: 'already taken, or the thread or process that shared it has ended' },
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
      when: ({ text }) => !text.includes('SO_BINDTODEVICE'),
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

/** hint(code, call) -> what is worth saying beside the system's text of the error, or undefined. */
export function hint(code: string | undefined, call: FailedCall): string | undefined {
  if (code === undefined) return undefined;
  const row = HINTS[code]?.find(
    ({ calls, when }) => (calls?.test(call.syscall) ?? true) && (when?.(call) ?? true),
  );
  return typeof row?.hint === 'function' ? row.hint(call) : row?.hint;
}
