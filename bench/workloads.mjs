// What is measured: one row a workload. Each contender starts one program for it ("server", measured from outside by
// floor/client.c; "async", servers on an event loop, measured by floor/load.c; "requests", servers with threads or
// processes, by floor/connections.c; "tls", servers of TLS, by tls_load.mjs; "capture", which capture.mjs runs; or "calls", which measures
// itself) and is asked for one figure per round.

/**
 * @typedef {object} Workload
 * @property {string} name what `npm run bench -- NAME` selects by
 * @property {string} title what is done, and what one unit of the result is
 * @property {'server' | 'async' | 'requests' | 'tls' | 'calls' | 'capture'} program
 * @property {string} task the program's first argument
 * @property {'tcp' | 'unix'} [family] servers: what they listen on
 * @property {'echo' | 'send' | 'receive'} [client] servers: what the client does
 * @property {number} [connections] async servers and requests: on how many at once the load goes
 * @property {Record<string, string>} [tasks] the program's argument for one contender, where it is another
 * @property {boolean} [server_only] whether a unit is the server's processor time alone, because the load costs more
 * @property {boolean} [threads] whether the contenders have threads of their own, so that C with an idle one is no other
 * @property {number} [size] captures: bytes of a packet
 * @property {boolean} [node] whether Node's own modules can do this work at all
 * @property {string[]} [only] ids of the only contenders, where C is none: the others are compared with the first
 * @property {[task: string, title: string][]} [variants] tasks of this library that are compared with the first of them, in place of others
 * @property {boolean} [bun] whether Bun's own interface can
 */

/** @type {Workload[]} */
export const workloads = [
  ping_pong('tcp'),
  ping_pong('unix'),
  bulk('recv', 'send', true),
  bulk('recv_into', 'send', false),
  { ...bulk('recv_chunk', 'send', false), tasks: { cpython: 'recv_into' } },
  bulk('sendall', 'receive', true),
  bulk('sendfile', 'receive', true),
  {
    ...bulk('pump', 'send', false),
    title: '64 KiB by pump (splice) from TCP to AF_UNIX, which a process reads',
  },
  async_echo(1),
  async_echo(200),
  async_echo(2000),
  async_server_echo(200),
  async_datagrams('recvmmsg_into', 'datagrams_into'),
  async_datagrams('recvmmsg', 'datagrams'),
  {
    ...async_datagrams('iterate', 'iterate'),
    title:
      "64 B received over UDP by `for await` (C: recvmmsg), on the event loop: the receiver's processor time",
  },
  {
    ...async_datagrams('joined', 'joined'),
    title:
      "64 B received over UDP from a sender of runs, joined by UDP_GRO (asyncio, node: not), on the event loop: the receiver's processor time",
    task: 'joined',
    tasks: { 'bsd-sockets': 'joined', cpython: 'datagrams', node: 'datagrams', bun: 'datagrams' },
  },
  requests('threads', 'ThreadingTCPServer'),
  requests('processes', 'ForkingTCPServer'),
  { ...requests('threads', 'AsyncTCPServer'), name: 'requests-async', tasks: { 'bsd-sockets': 'async' } },
  watching(),
  tls('download', '64 KiB sent by TLS'),
  tls('upload', '64 KiB received by TLS'),
  tls('handshakes', 'a full handshake of TLS 1.3, and close'),
  capture(64),
  capture(1400),
  call('getsockopt', 'getsockopt(SOL_SOCKET, SO_TYPE)'),
  call('recv-empty', 'recv(64) on an empty non-blocking socket (EAGAIN)'),
  call('send', 'send of 64 B on a socketpair'),
  call('send-recv', 'send and recv of 64 B on a socketpair'),
  call('send-recv_into', 'send and recv_into of 64 B on a socketpair'),
  call('udp', 'sendto and recvfrom of 64 B over UDP loopback', true),
  {
    ...call('udp-burst', '64 datagrams of 64 B to one peer by sendmmsg (in C one by one)', true),
    bun: true,
  },
  call('select', 'send of 64 B to one of 200 registered sockets, select(), recv'),
];

/** @returns {Workload} */
function ping_pong(family) {
  const title = `64 B there and back, ${family === 'tcp' ? 'TCP' : 'UNIX'}`;
  return {
    name: `ping-pong-${family}`,
    title,
    program: 'server',
    task: 'echo',
    family,
    client: 'echo',
    node: true,
  };
}

/** @returns {Workload} */
function bulk(task, client, node) {
  const title = `64 KiB by ${task}, TCP`;
  return { name: `bulk-${task}`, title, program: 'server', task, family: 'tcp', client, node };
}

/** @returns {Workload} */
function async_echo(connections) {
  const title = `64 B there and back on ${connections} TCP connection${connections === 1 ? '' : 's'}, on the event loop`;
  return {
    name: `async-echo-${connections}`,
    title,
    program: 'async',
    task: 'echo',
    connections,
    node: true,
    bun: true,
  };
}

/** @returns {Workload} */
function async_server_echo(connections) {
  return {
    ...async_echo(connections),
    name: `async-server-${connections}`,
    title: `64 B there and back on ${connections} TCP connections, AsyncTCPServer`,
    tasks: { 'bsd-sockets': 'server' },
  };
}

/** @returns {Workload} */
function async_datagrams(call, task) {
  return {
    name: `async-udp-${call}`,
    title: `64 B received over UDP by ${call} of up to 64, on the event loop: the receiver's processor time`,
    program: 'async',
    task: 'datagrams',
    tasks: { 'bsd-sockets': task },
    connections: 1,
    server_only: true,
    node: true,
    bun: true,
  };
}

/** @returns {Workload} */
function requests(task, server) {
  return {
    name: `requests-${task}`,
    title: `connect, 64 B there and back, close; 64 at once, ${server}; on all processors`,
    program: 'requests',
    task,
    connections: 64,
    threads: true,
    node: true,
  };
}

/** @returns {Workload} */
function watching() {
  return {
    ...requests('async', 'AsyncTCPServer'),
    name: 'watching',
    title:
      "connect, 64 B there and back, close; AsyncTCPServer, watched or limited: the server's processor time",
    server_only: true,
    variants: [
      ['async', 'unwatched'],
      ['statistics', 'statistics'],
      ['events', 'events'],
      ['context', 'request_context'],
      ['limits', 'limits'],
    ],
  };
}

/** @returns {Workload} */
function tls(task, title) {
  return {
    name: `tls-${task}`,
    title: `${title}: the server's processor time`,
    program: 'tls',
    task,
    server_only: true,
    only: ['node', 'bsd-sockets', 'cpython'],
  };
}

/** @returns {Workload} */
function capture(size) {
  return {
    name: `capture-${size}`,
    title: `packets of ${size} B written to /dev/null, or taken as objects (packets), 150,000 a second: processor time of one`,
    program: 'capture',
    task: 'capture',
    size,
    only: ['bsd-sockets'],
  };
}

/** @returns {Workload} */
function call(task, title, node = false) {
  return { name: `call-${task}`, title, program: 'calls', task, node };
}
