// The packet socket of sniff. It delivers packets as a capture file has them: with the kernel's time, and with the VLAN tag
// that the kernel removed back in its place. On all interfaces, it receives packets without their link layer, and puts a
// header of LINUX_SLL2 in front of each.
import { hardware_text, link_layer } from '../../calls/own_address.js';
import {
  build,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW,
  linux_sll2,
} from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { decode_control, packet_mreq, type tpacket_auxdata, tpacket_stats } from '../../structs/index.js';
import { passing_errors } from './passing_errors.js';

type Sock = socket.socket<typeof socket.AF_PACKET>;

/** A filter program: rows, or the text that `tcpdump -ddd` prints. */
export type Filter = Parameters<Sock['attach_filter']>[0];

/** A captured packet. */
export interface Captured {
  readonly data: Buffer;
  readonly time_ns: bigint;
  /** Bytes of the packet on the wire. */
  readonly length: number;
  /** Returns the origin of the packet. It is a function, because the name of the interface costs a system call. */
  source(): { readonly interface: string; readonly outgoing: boolean };
}

export interface PacketSocketOptions {
  /** The name of the interface; undefined: all interfaces. */
  readonly interface: string | undefined;
  /** The most bytes of a packet that are kept. */
  readonly snaplen: number;
  /** A filter program for the packets of this socket: see `socket_linktype`. */
  readonly filter: Filter | undefined;
  /** True: packets for other hosts are received as well. */
  readonly promiscuous: boolean;
  /** Bytes of packets that may wait in the kernel. */
  readonly buffer_size: number;
}

const BATCH = 64;
const ANCILLARY_SIZE = socket.CMSG_SPACE(64) * 2;
const ETHERNET_ADDRESSES = 12;
const TAG_SIZE = 4;

/** Returns the link type of an interface's packets. @throws PermissionError; OSError ENODEV */
function linktype_of(name: string): number {
  const { type } = link_layer(name);
  return type === socket.ARPHRD_ETHER || type === socket.ARPHRD_LOOPBACK ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
}

/**
 * Returns the link type of the packets of a socket, and of its filter.
 *
 * @param name the interface; undefined: all interfaces
 * @throws PermissionError; OSError ENODEV
 */
export function socket_linktype(name: string | undefined): number {
  return name === undefined ? LINKTYPE_LINUX_SLL2 : linktype_of(name);
}

export class PacketSocket {
  readonly linktype: number;
  readonly #sock: Sock;
  readonly #batch: socket.MessageBatch<typeof socket.AF_PACKET>;
  readonly #cooked: boolean;

  readonly #interface: string | undefined;

  private constructor(
    sock: Sock,
    linktype: number,
    { interface: name, snaplen }: Pick<PacketSocketOptions, 'interface' | 'snaplen'>,
  ) {
    this.#sock = sock;
    this.#interface = name;
    this.linktype = linktype;
    this.#cooked = linktype === LINKTYPE_LINUX_SLL2;
    this.#batch = new socket.MessageBatch(BATCH, snaplen, ANCILLARY_SIZE);
  }

  /** @throws PermissionError; OSError ENODEV; RangeError for a malformed filter */
  static async open(options: PacketSocketOptions): Promise<PacketSocket> {
    const { interface: name, filter, promiscuous, buffer_size } = options;
    const linktype = socket_linktype(name);
    // A socket for one interface receives no packets until it is bound, so no packet bypasses the filter.
    const [type, proto] =
      name === undefined ? [socket.SOCK_DGRAM, socket.htons(socket.ETH_P_ALL)] : [socket.SOCK_RAW, 0];
    const sock = socket.socket(socket.AF_PACKET, type, proto);
    try {
      if (filter !== undefined) sock.attach_filter(filter);
      sock.setsockopt(socket.SOL_PACKET, socket.PACKET_AUXDATA, 1);
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
      set_buffer(sock, buffer_size);
      if (name === undefined) await drain(sock);
      else {
        await sock.bind([name, socket.ETH_P_ALL]);
        if (promiscuous) {
          const membership = { ifindex: socket.if_nametoindex(name), type: socket.PACKET_MR_PROMISC };
          sock.setsockopt(socket.SOL_PACKET, socket.PACKET_ADD_MEMBERSHIP, packet_mreq.encode(membership));
        }
      }
      return new PacketSocket(sock, linktype, options);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  /**
   * Waits for packets, and returns the ones that have come. Their bytes are valid until the next call. A link that goes down
   * is waited for.
   *
   * @throws the signal's reason; OSError ENODEV if the interface is gone; OSError
   */
  async receive(signal: AbortSignal): Promise<Captured[]> {
    const count = await passing_errors(signal, () => this.#sock.recvmmsg_into(this.#batch, 0, { signal }));
    if (count === undefined) {
      // An interface that is removed goes down before.
      if (this.#interface !== undefined) socket.if_nametoindex(this.#interface);
      return [];
    }
    return Array.from({ length: count }, (_, i) => this.#captured(i));
  }

  #captured(i: number): Captured {
    let data = this.#batch.data(i);
    let length = data.length;
    let time_ns = 0n;
    let tag: tpacket_auxdata | undefined;
    for (const { type, value } of decode_control(this.#batch.ancdata(i))) {
      if (type === 'SCM_TIMESTAMPNS') time_ns = BigInt(value.sec) * 1_000_000_000n + BigInt(value.nsec);
      if (type !== 'PACKET_AUXDATA') continue;
      length = value.len;
      if (value.status & socket.TP_STATUS_VLAN_VALID) tag = value;
    }
    const source = () => {
      const [name, , type] = this.#batch.address(i);
      return { interface: name, outgoing: type === socket.PACKET_OUTGOING };
    };
    if (!this.#cooked) {
      // The tag follows the two MAC addresses.
      if (tag !== undefined)
        data = insert_bytes(data, ETHERNET_ADDRESSES, tag_bytes(tpid_of(tag), tag.vlan_tci));
      return { data, time_ns, length: tag === undefined ? length : length + TAG_SIZE, source };
    }
    const [name, proto, packet_type, arphrd_type, address] = this.#batch.address(i);
    // The header of LINUX_SLL2 is followed by the tag, then by the payload.
    if (tag !== undefined) data = insert_bytes(data, 0, tag_bytes(tag.vlan_tci, proto));
    const header = build(
      linux_sll2({
        interface_index: index_of(name),
        packet_type,
        arphrd_type,
        src: hardware_text(address),
        protocol: tag === undefined ? proto : tpid_of(tag),
      }),
    );
    const added = header.length + (tag === undefined ? 0 : TAG_SIZE);
    return { data: Buffer.concat([header, data]), time_ns, length: length + added, source };
  }

  /** Returns the numbers of packets that came, and that the kernel dropped for lack of room, since the last call. */
  statistics(): { packets: number; drops: number } {
    const bytes = this.#sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
    return tpacket_stats.decode(bytes);
  }

  close(): void {
    this.#sock.close();
  }
}

/** Returns the index of an interface; 0 for one that is gone. Its packets may still be read. */
function index_of(name: string): number {
  try {
    return socket.if_nametoindex(name);
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    return 0;
  }
}

/** Returns the EtherType that announces the tag. */
function tpid_of({ status, vlan_tpid }: tpacket_auxdata): number {
  return status & socket.TP_STATUS_VLAN_TPID_VALID ? vlan_tpid : socket.ETH_P_8021Q;
}

function tag_bytes(first: number, second: number): Buffer {
  const words = Buffer.alloc(TAG_SIZE);
  words.writeUInt16BE(first, 0);
  words.writeUInt16BE(second, 2);
  return words;
}

function insert_bytes(data: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([data.subarray(0, at), bytes, data.subarray(at)]);
}

/** Sets the receive buffer to the size, or to the largest size that is allowed. */
function set_buffer(sock: Sock, size: number): void {
  try {
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, size);
  } catch (error) {
    // SO_RCVBUFFORCE needs CAP_NET_ADMIN. SO_RCVBUF is limited by net.core.rmem_max.
    if (!(error instanceof socket.PermissionError)) throw error;
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size);
  }
}

/** Discards the packets that came before the filter was attached, and their count. */
async function drain(sock: Sock): Promise<void> {
  try {
    for (;;) await sock.recv(1, { timeout: 0 });
  } catch (error) {
    if (!(error instanceof socket.BlockingIOError)) throw error;
  }
  sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
}
