// How nc listens: its server socket, and the connections, or senders of datagrams, that it serves. -v prints what happens.
import { lstatSync, unlinkSync } from 'node:fs';
import * as socket from '../../promises/index.js';
import { type RelayOptions, relay } from '../netcat/relay.js';
import { line_of, UsageError } from '../terminal/errors.js';
import { read_number } from '../terminal/options.js';
import { print_stderr } from '../terminal/output.js';
import { look_up } from './connect.js';
import type { Options } from './options.js';
import { address_text, type Sock, set_options, type_of, unix_address } from './sockets.js';

const DATAGRAM_MAX = 65_535;

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

async function unix_listener(path: string, options: Options): Promise<Sock> {
  const sock = socket.socket(socket.AF_UNIX, type_of(options)) as Sock;
  set_options(sock, options);
  await bind_path(sock, path);
  return sock;
}

async function internet_listener(operands: readonly string[], options: Options): Promise<Sock> {
  const [host, operand] = operands.length === 2 ? operands : [options.source ?? null, operands[0]];
  const port = operand ?? (options.port === undefined ? undefined : String(options.port));
  if (port === undefined) throw new UsageError('missing port number: nc -l [HOST] PORT');
  // getaddrinfo() would take a port modulo 65,536.
  if (/^[+-]?\d+$/.test(port)) read_number('the port', port, [0, 65_535]);
  const found = await look_up(host ?? null, options, { port, flags: socket.AI_PASSIVE });
  // Without -4 and -6, IPv4 is preferred, as in OpenBSD's nc.
  const first = found.find((each) => each.family === socket.AF_INET) ?? found[0];
  const { family, address } = first as (typeof found)[number];
  const sock = socket.socket(family, type_of(options)) as Sock;
  sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true);
  set_options(sock, options);
  if (family === socket.AF_INET6 && options.ipv6)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, true);
  await sock.bind(address);
  return sock;
}

async function serve_streams(server: Sock, options: Options, relay_options: RelayOptions): Promise<void> {
  server.listen();
  if (options.verbose) print_stderr(`Listening on ${await address_text(server.getsockname(), options)}`);
  do {
    const [conn, peer] = await server.accept({ signal: relay_options.interrupted });
    try {
      set_options(conn, options);
      const from = options.unix ? server.getsockname() : peer;
      if (options.verbose) print_stderr(`Connection received on ${await address_text(from, options)}`);
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
  const { interrupted: signal } = relay_options;
  const [first, peer] = await server.recvfrom(DATAGRAM_MAX, { signal });
  if (options.verbose) print_stderr(`Connection received on ${await address_text(peer, options)}`);
  const named = Array.isArray(peer) || (peer as string | Buffer | null)?.length;
  if (!options.keep && named) await server.connect(peer as socket.Address);
  await relay(server, {
    ...relay_options,
    first,
    input: options.keep || !named ? undefined : relay_options.input,
  });
}

/** Listens at the address of the operands, and serves the first peer; with -k one after the other. @throws OSError */
export async function serve(
  operands: readonly string[],
  options: Options,
  relay_options: RelayOptions,
): Promise<void> {
  const server = options.unix
    ? await unix_listener(operands[0] as string, options)
    : await internet_listener(operands, options);
  try {
    if (options.verbose && (options.udp || options.unix))
      print_stderr(`Bound on ${await address_text(server.getsockname(), options)}`);
    const serve_one = options.udp ? serve_datagrams : serve_streams;
    await serve_one(server, options, relay_options);
  } finally {
    server.close();
    if (options.unix && !operands[0]?.startsWith('@')) unlinkSync(operands[0] as string);
  }
}
