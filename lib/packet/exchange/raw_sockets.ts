// The sockets of send_receive: raw sockets send; packet sockets receive, because only these deliver whole packets of both IP
// versions and of any protocol. The addresses that a packet leaves out, and the header fields that the kernel rewrites, are
// here as well. The matching of answers is in answers.ts, the timing in send_receive.ts.
import { hardware_text, link_layer, source_address } from '../../calls/own_address.js';
import * as promises from '../../promises/index.js';
import * as socket from '../../socket/index.js';
import { decode_control } from '../../structs/index.js';
import { add_words } from '../bytes/checksum.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../linktypes.js';

/** The first layer of a packet, and the destination, which the kernel routes an IP packet to. */
export interface Route {
  readonly kind: 'ethernet' | 'ipv4' | 'ipv6';
  readonly dst: string;
}

/** Called with each received packet: its bytes, their link type, and its time of arrival by performance.now(). */
export type Receiver = (data: Buffer, linktype: number, at_ms: number) => void;

const RECEIVE_BUFFER = 4 << 20;
/** Bytes for the control messages of a packet. */
const ANCILLARY = 64;
/** The most bytes of a packet: of IP, and of Ethernet with a VLAN tag. */
const LARGEST = 65_535 + 18;
/** The port of the discard service, for looking a route up. */
const DISCARD = 9;
const MAC_SIZE = 6;
/** Packets that a socket receives before it yields a turn of the event loop. */
const BATCH = 64;
/** Kernel time stamps older than this are ignored: the clock was set meanwhile. */
const PLAUSIBLE_MS = 10_000;

/** Returns the milliseconds from performance.now() to the clock of the kernel's stamps, read when Date.now() changes. */
function clock_offset(): number {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now - performance.now();
}

type Sock = promises.socket<number>;

export class RawSockets {
  readonly #sockets: Sock[] = [];
  readonly #senders = new Map<Route['kind'], Sock>();
  readonly #offset = clock_offset();
  #closed = false;

  /**
   * Opens the sockets for some kinds of packets, and starts receiving.
   *
   * @param interface_name the only interface to use; Ethernet needs it
   * @param fail called with an error of receiving
   * @throws OSError: PermissionError without CAP_NET_RAW, ENODEV for an unknown interface
   */
  constructor(
    kinds: ReadonlySet<Route['kind']>,
    readonly interface_name: string | undefined,
    receiver: Receiver,
    fail: (error: unknown) => void,
  ) {
    try {
      for (const kind of kinds) this.#senders.set(kind, this.#add(open_sender(kind, interface_name)));
      for (const [protocol, type] of receivers(kinds)) {
        const [sock, linktype] = open_receiver(type, protocol, interface_name);
        this.#listen(this.#add(sock), linktype, receiver).catch((error: unknown) => {
          if (!this.#closed) fail(error);
        });
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #add(sock: socket.socket<number>): Sock {
    const added = promises.from_socket(sock);
    this.#sockets.push(added);
    return added;
  }

  async #listen(sock: Sock, linktype: number, receiver: Receiver): Promise<void> {
    for (let count = 1; !this.#closed; count++) {
      const [data, ancdata] = await sock.recvmsg(LARGEST, ANCILLARY);
      const at_ms = this.#arrival_ms(ancdata);
      if (!this.#closed) receiver(data, linktype, at_ms);
      if (count % BATCH === 0) await new Promise(setImmediate);
    }
  }

  /** Returns the time of arrival: the kernel's stamp, or the present if the stamp is implausible. */
  #arrival_ms(ancdata: Parameters<typeof decode_control>[0]): number {
    const now = performance.now();
    const stamp = decode_control(ancdata).find(({ type }) => type === 'SCM_TIMESTAMPNS');
    if (stamp?.type !== 'SCM_TIMESTAMPNS') return now;
    const { sec, nsec } = stamp.value;
    const at_ms = Number(sec) * 1000 + Number(nsec) / 1e6 - this.#offset;
    return at_ms <= now && at_ms > now - PLAUSIBLE_MS ? at_ms : now;
  }

  /** Sends a packet. @throws OSError; the signal's reason */
  async send(bytes: Uint8Array, { kind, dst }: Route, signal: AbortSignal): Promise<void> {
    const sock = this.#senders.get(kind);
    if (sock === undefined) throw new Error(`no socket for ${kind}`);
    if (kind === 'ethernet') await sock.send(bytes, { signal });
    else await sock.sendto(bytes, address_of(kind, dst, 0, this.interface_name), { signal });
  }

  close(): void {
    this.#closed = true;
    for (const sock of this.#sockets) sock.close();
  }
}

function open_sender(kind: Route['kind'], interface_name: string | undefined): socket.socket<number> {
  if (kind === 'ethernet') {
    // Protocol 0 receives no packets.
    return set_up(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0), (sock) => {
      sock.bind([interface_name ?? '', 0]);
    });
  }
  // With IPPROTO_RAW, the sent bytes include the IP header (IP_HDRINCL), and the socket receives no packets.
  const family = kind === 'ipv4' ? socket.AF_INET : socket.AF_INET6;
  return set_up(socket.socket<number>(family, socket.SOCK_RAW, socket.IPPROTO_RAW), (sock) => {
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    if (interface_name !== undefined)
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface_name);
  });
}

/** Runs `prepare` on a socket, and closes the socket if that fails. @returns the socket */
function set_up<F extends number>(sock: socket.socket<F>, prepare: (sock: socket.socket<F>) => void) {
  try {
    prepare(sock);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Returns the protocol and type of each packet socket to open: one for whole frames, or one for each IP version. */
function receivers(kinds: ReadonlySet<Route['kind']>): [protocol: number, type: number][] {
  if (kinds.has('ethernet')) return [[socket.ETH_P_ALL, socket.SOCK_RAW]];
  return [...kinds].map((kind) => [kind === 'ipv4' ? socket.ETH_P_IP : socket.ETH_P_IPV6, socket.SOCK_DGRAM]);
}

function open_receiver(
  type: number,
  protocol: number,
  interface_name: string | undefined,
): [sock: socket.socket<number>, linktype: number] {
  // A socket with a protocol receives from all interfaces at once. For one interface, bind() sets the protocol.
  const sock = socket.socket(
    socket.AF_PACKET,
    type,
    interface_name === undefined ? socket.htons(protocol) : 0,
  );
  set_up(sock, () => {
    sock.setsockopt(socket.SOL_PACKET, socket.PACKET_IGNORE_OUTGOING, 1);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER);
    if (interface_name !== undefined) sock.bind([interface_name, protocol]);
  });
  if (interface_name === undefined) return [sock, LINKTYPE_RAW];
  const [, , , hatype] = sock.getsockname();
  const has_frames =
    type === socket.SOCK_RAW && [socket.ARPHRD_ETHER, socket.ARPHRD_LOOPBACK].includes(hatype);
  return [sock, has_frames ? LINKTYPE_ETHERNET : LINKTYPE_RAW];
}

/** Returns the address of a destination; a local IPv6 address with the interface as its scope. */
function address_of(kind: 'ipv4' | 'ipv6', dst: string, port: number, interface_name: string | undefined) {
  if (kind === 'ipv4') return [dst, port] as const;
  const is_local = /^f[ef]/i.test(dst) && interface_name !== undefined;
  return [dst, port, 0, is_local ? socket.if_nametoindex(interface_name) : 0] as const;
}

/** Returns the source address of packets to a destination; undefined if there is no route. */
export function source_for(
  kind: 'ipv4' | 'ipv6',
  dst: string,
  interface_name: string | undefined,
): string | undefined {
  const family = kind === 'ipv4' ? socket.AF_INET : socket.AF_INET6;
  try {
    return source_address(family, address_of(kind, dst, DISCARD, interface_name), interface_name);
  } catch (error) {
    if (error instanceof socket.OSError) return undefined;
    throw error;
  }
}

/** Returns the MAC address of an interface; undefined if its link-layer address has another size. @throws OSError */
export function hardware_of(interface_name: string): string | undefined {
  const { address } = link_layer(interface_name);
  return address.length === MAC_SIZE ? hardware_text(address) : undefined;
}

/** Returns the field of an IPv4 header that the kernel would rewrite: it sets length and checksum itself. Undefined if both fit. */
export function rewritten_field(bytes: Buffer): 'total_length' | 'checksum' | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(2) !== bytes.length) return 'total_length';
  const size = (view.getUint8(0) & 15) * 4;
  return add_words(view, 0, Math.min(size, bytes.length), 0) === 0xffff ? undefined : 'checksum';
}
