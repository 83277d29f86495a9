// bsd-sockets nc: connects or listens by TCP, UDP and UNIX sockets, and joins the connection with standard input and output.
// Options and messages are those of OpenBSD's nc. The transfer of data is in network/relay.ts.
import { lstatSync, unlinkSync } from 'node:fs';
import * as socket from '../../promises/index.js';
import { FAMILY_OPTIONS, family_of } from '../network/hosts.js';
import { Input, type RelayOptions, relay } from '../network/relay.js';
import { command, until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED, line_of, UsageError } from '../terminal/errors.js';
import { flag, integer, number, read_number, text, type Values } from '../terminal/options.js';
import { print_stderr } from '../terminal/output.js';

const DAY = 86_400;
// The message of OpenBSD's nc.
const TIMED_OUT_TEXT = 'timed out: Operation now in progress';
const DATAGRAM_MAX = 65_535;
const PORT = [1, 65_535] as const;
// Seconds for the error that reports a closed UDP port.
const UDP_SILENCE_S = 1;

const options = {
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
    'shut the sending side down at the end of the input,\nand let each direction end by itself',
  ),
  quit: number('q', 'SECONDS', [0, DAY], 'end so long after the end of the input'),
  wait: number('w', 'SECONDS', [0, DAY], 'how long to try to connect, and to wait with nothing going on'),
  no_input: flag('d', 'do not read standard input'),
  scan: flag('z', 'only see whether the ports are open: PORT or FIRST-LAST'),
  verbose: flag('v', 'say what happens, on standard error'),
};

type Options = Values<typeof options>;
type Sock = socket.socket;

/** An address to connect to, and its text for messages. */
interface Target {
  readonly family: number;
  readonly address: socket.Address;
  /** The host of the command line; a name with its address: "localhost (127.0.0.1)". */
  readonly host: string;
  readonly port: string;
}

const protocol_of = ({ udp, unix }: Options) => (unix ? 'unix' : udp ? 'udp' : 'tcp');
const type_of = ({ udp }: Options) => (udp ? socket.SOCK_DGRAM : socket.SOCK_STREAM);

/** Returns the address of a path; `@name` stands for an abstract name. */
function unix_address(path: string): string | Buffer {
  return path.startsWith('@') ? Buffer.from(`\0${path.slice(1)}`) : path;
}

async function look_up(host: string | null, port: string, options: Options, flags = 0): Promise<Target[]> {
  const family = family_of(options);
  // getaddrinfo() would take a port modulo 65,536.
  if (/^[+-]?\d+$/.test(port)) read_number('the port', port, flags & socket.AI_PASSIVE ? [0, 65_535] : PORT);
  const numeric = options.numeric ? socket.AI_NUMERICHOST | socket.AI_NUMERICSERV : 0;
  const rows = await socket.getaddrinfo(host, port, family, type_of(options), 0, flags | numeric);
  return rows.map(([row_family, , , , address]) => ({
    family: row_family,
    address: address as socket.Address,
    host: host === null || host === address[0] ? String(address[0]) : `${host} (${address[0]})`,
    port: String(address[1]),
  }));
}

/** Returns a socket of the family, bound to the address of -s and -p. */
async function open_socket(family: number, options: Options): Promise<Sock> {
  const sock = socket.socket(family, type_of(options)) as Sock;
  try {
    if (options.unix && options.udp) await sock.bind(unix_address(options.source ?? ''));
    else if (options.source !== undefined || options.port !== undefined) {
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true);
      await sock.bind([options.source ?? '', options.port ?? 0]);
    }
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Returns the protocol and the service of a port, "[tcp/ssh]"; "*" for a port without a name. */
async function service(port: string, options: Options): Promise<string> {
  const protocol = protocol_of(options);
  const unnamed = '*';
  if (options.numeric) return `[${protocol}/${unnamed}]`;
  return `[${protocol}/${await socket.getservbyport(Number(port), protocol).catch(() => unnamed)}]`;
}

/** Connects to the first address that accepts; -v prints the error of each that does not. @returns null if none accepts */
async function connect(
  addresses: readonly Target[],
  options: Options,
  interrupted: AbortSignal,
): Promise<Sock | null> {
  for (const { family, address, host, port } of addresses) {
    const sock = await open_socket(family, options);
    try {
      const timeout = options.wait ?? null;
      await sock.connect(address, { signal: interrupted, timeout });
      if (options.udp && options.scan) await probe(sock, interrupted);
      if (options.verbose && !options.unix)
        print_stderr(`Connection to ${host} ${port} port ${await service(port, options)} succeeded!`);
      return sock;
    } catch (error) {
      sock.close();
      if (!(error instanceof socket.OSError)) throw error;
      // An error without errno is the time-out of -w.
      const why = error.errno === undefined ? TIMED_OUT_TEXT : `failed: ${error.strerror}`;
      if (options.unix) print_stderr(`nc: ${host}: ${error.strerror ?? 'timed out'}`);
      else if (options.verbose)
        print_stderr(`nc: connect to ${host} port ${port} (${protocol_of(options)}) ${why}`);
    }
  }
  return null;
}

/** Waits for an error that reports a closed UDP port. An open port need not answer. @throws ConnectionRefusedError */
async function probe(sock: Sock, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await sock.send('X', { signal });
    await sock.recv(1, { signal, timeout: UDP_SILENCE_S / 2 }).catch((error: unknown) => {
      if (!(error instanceof socket.TimeoutError)) throw error;
    });
  }
}

async function scan(
  host: string,
  ports: string,
  options: Options,
  interrupted: AbortSignal,
): Promise<number> {
  const range = /^(\d+)-(\d+)$/.exec(ports);
  const ends = range
    ? [
        read_number('the first port', range[1] as string, PORT),
        read_number('the last port', range[2] as string, PORT),
      ]
    : [];
  const [first, last] = ends.sort((a, b) => a - b);
  let code = FAILED;
  for (let port = first; ; port = Number(port) + 1) {
    const sock = await connect(await look_up(host, String(port ?? ports), options), options, interrupted);
    if (sock !== null) code = DONE;
    sock?.close();
    if (port === last || (port ?? 0) >= (last ?? 0)) return code;
  }
}

/** Binds a UNIX socket; a path whose socket nobody serves any more is removed before. @throws OSError */
async function bind_path(sock: Sock, path: string): Promise<void> {
  const address = unix_address(path);
  try {
    await sock.bind(address);
  } catch (error) {
    if (!(error instanceof socket.OSError) || error.code !== 'EADDRINUSE') throw error;
    const probe = socket.socket(socket.AF_UNIX, sock.type) as Sock;
    const refused = await probe.connect(address).then(
      () => false,
      (reason: unknown) => reason instanceof socket.ConnectionRefusedError,
    );
    probe.close();
    if (!refused || typeof address !== 'string' || !lstatSync(address).isSocket()) throw error;
    unlinkSync(address);
    await sock.bind(address);
  }
}

async function listener(operands: readonly string[], options: Options): Promise<Sock> {
  if (options.unix) {
    const sock = socket.socket(socket.AF_UNIX, type_of(options)) as Sock;
    await bind_path(sock, operands[0] as string);
    return sock;
  }
  const [host, port] = operands.length === 2 ? operands : [options.source ?? null, operands[0]];
  const wanted_port = port ?? (options.port === undefined ? undefined : String(options.port));
  if (wanted_port === undefined) throw new UsageError('which port? nc -l [HOST] PORT');
  const found = await look_up(host ?? null, wanted_port, options, socket.AI_PASSIVE);
  // Without -4 and -6, IPv4 is preferred, as in OpenBSD's nc.
  const { family, address } = (found.find((each) => each.family === socket.AF_INET) ?? found[0]) as Target;
  const sock = socket.socket(family, type_of(options)) as Sock;
  sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true);
  if (family === socket.AF_INET6 && options.ipv6)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, true);
  await sock.bind(address);
  return sock;
}

function address_text(address: unknown): string {
  if (Array.isArray(address)) return `${address[0]} ${address[1]}`;
  // The zero byte begins an abstract name.
  return String(address ?? '').replace('\0', '@') || 'unnamed';
}

async function serve_streams(server: Sock, options: Options, relay_options: RelayOptions): Promise<void> {
  server.listen();
  if (options.verbose) print_stderr(`Listening on ${address_text(server.getsockname())}`);
  do {
    const [conn, peer] = await server.accept({
      signal: relay_options.interrupted,
    });
    if (options.verbose) print_stderr(`Connection received on ${address_text(peer)}`);
    try {
      await relay(conn, relay_options);
    } catch (error) {
      if (!options.keep) throw error;
      print_stderr(`nc: ${line_of(error) ?? error}`);
    } finally {
      conn.close();
    }
  } while (options.keep && !relay_options.interrupted.aborted);
}

/** The sender of the first datagram becomes the only peer; with -k, any sender is a peer. */
async function serve_datagrams(server: Sock, options: Options, relay_options: RelayOptions): Promise<void> {
  if (options.verbose) print_stderr(`Bound on ${address_text(server.getsockname())}`);
  const { interrupted: signal } = relay_options;
  const [first, peer] = await server.recvfrom(DATAGRAM_MAX, { signal });
  if (options.verbose) print_stderr(`Connection received on ${address_text(peer)}`);
  const named = Array.isArray(peer) || (peer as string | Buffer | null)?.length;
  if (!options.keep && named) await server.connect(peer as socket.Address);
  await relay(server, {
    ...relay_options,
    first,
    input: options.keep || !named ? undefined : relay_options.input,
  });
}

/** Runs the command. @returns the exit code */
async function connect_or_listen(
  input: Input,
  options: Options,
  operands: readonly string[],
): Promise<number> {
  const interrupted = until_interrupted();
  const relay_options: RelayOptions = {
    input: options.no_input ? undefined : input,
    interrupted,
    idle: options.wait,
    half_close: options.half_close,
    // A person at a terminal sees that the peer has ended, and has nothing left to send.
    ends_with_peer: !options.half_close && (options.listen || process.stdin.isTTY === true),
    quit_after: options.quit,
  };
  try {
    if (options.listen) {
      const server = await listener(operands, options);
      try {
        await (options.udp
          ? serve_datagrams(server, options, relay_options)
          : serve_streams(server, options, relay_options));
      } finally {
        server.close();
        if (options.unix && !operands[0]?.startsWith('@')) unlinkSync(operands[0] as string);
      }
    } else {
      const [host = '', port = ''] = operands;
      if (options.scan) return await scan(host, port, options, interrupted);
      const addresses = options.unix
        ? [{ family: socket.AF_UNIX, address: unix_address(host), host, port: '' }]
        : await look_up(host, port, options);
      const sock = await connect(addresses, options, interrupted);
      if (sock === null) return interrupted.aborted ? INTERRUPTED : FAILED;
      try {
        await relay(sock, relay_options);
      } finally {
        sock.close();
      }
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  }
  return interrupted.aborted ? INTERRUPTED : DONE;
}

function check(options: Options, operands: readonly string[]): void {
  const { listen, keep, unix, scan: scans } = options;
  if (keep && !listen) throw new UsageError('-k goes with -l');
  if (scans && (listen || unix)) throw new UsageError('-z goes with HOST and PORT');
  if (unix && operands.length !== 1) throw new UsageError('-U takes one path');
  if (!listen && !unix && operands.length !== 2) throw new UsageError('nc takes HOST and PORT');
}

export const { help, main } = command({
  usage: [
    '[options] HOST PORT',
    '-l [options] [HOST] PORT',
    '-z [options] HOST PORT[-PORT]',
    '-U [-l] [options] PATH',
  ],
  operands: [0, 2],
  options,
  notes: `nc ends when the peer has ended and the input has been sent to its end; -l and a terminal do not wait for more input.
The end of the input alone does not end it, unless -q or -N say so.
Exit codes: 0, 1 not connected or cut off, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, operands) {
    check(values, operands);
    const input = new Input();
    try {
      return await connect_or_listen(input, values, operands);
    } finally {
      input.close();
    }
  },
});
