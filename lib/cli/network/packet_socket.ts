// A packet socket, and what it receives as packets of a capture file: with the kernel's time, the VLAN tag that the kernel took off
// put back in its place, and a header in front where it listens on all interfaces.
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

/** A packet that was captured. */
export interface Captured {
  readonly data: Buffer;
  readonly time_ns: bigint;
  /** On the wire. */
  readonly length: number;
  /** Where it came from; asked for, since the name of the interface costs a system call. */
  source(): { readonly interface: string; readonly outgoing: boolean };
}

export interface PacketSocketOptions {
  /** All interfaces where it is left out. */
  readonly interface: string | undefined;
  /** Bytes of a packet. */
  readonly snaplen: number;
  /** What `tcpdump -ddd` prints; see `filter_linktype`. */
  readonly filter: string | undefined;
  /** Also what is meant for others. */
  readonly promiscuous: boolean;
  /** Bytes that may wait in the kernel. */
  readonly buffer_size: number;
}

type Sock = socket.socket<typeof socket.AF_PACKET>;

const BATCH = 64;
const ANCILLARY_SIZE = socket.CMSG_SPACE(64) * 2;
const ETHERNET_ADDRESSES = 12;
const TAG_SIZE = 4;

/** Returns the link type of an interface's packets. @throws PermissionError; OSError ENODEV */
function linktype_of(name: string): number {
  const { type } = link_layer(name);
  return type === socket.ARPHRD_ETHER || type === socket.ARPHRD_LOOPBACK ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
}

/** The link type that a filter has to be written for: on all interfaces it sees packets without their link layer. */
export function filter_linktype(name: string | undefined): 'EN10MB' | 'RAW' {
  return name !== undefined && linktype_of(name) === LINKTYPE_ETHERNET ? 'EN10MB' : 'RAW';
}

export class PacketSocket {
  readonly linktype: number;
  readonly #sock: Sock;
  readonly #batch: socket.MessageBatch<typeof socket.AF_PACKET>;
  readonly #cooked: boolean;

  private constructor(sock: Sock, linktype: number, snaplen: number) {
    this.#sock = sock;
    this.linktype = linktype;
    this.#cooked = linktype === LINKTYPE_LINUX_SLL2;
    this.#batch = new socket.MessageBatch(BATCH, snaplen, ANCILLARY_SIZE);
  }

  /** @throws PermissionError; OSError ENODEV; RangeError for a filter that is none */
  static async open(options: PacketSocketOptions): Promise<PacketSocket> {
    const { interface: name, snaplen, filter, promiscuous, buffer_size } = options;
    const linktype = name === undefined ? LINKTYPE_LINUX_SLL2 : linktype_of(name);
    // A socket for one interface receives nothing before it is bound, so that nothing passes by the filter.
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
      return new PacketSocket(sock, linktype, snaplen);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  /**
   * Waits for packets, and gives those that are there. Their bytes are good until the next call.
   *
   * @throws the signal's reason; OSError
   */
  async receive(signal: AbortSignal): Promise<Captured[]> {
    const count = await this.#sock.recvmmsg_into(this.#batch, 0, { signal });
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
      // The tag stands behind the addresses.
      if (tag !== undefined)
        data = insert_bytes(data, ETHERNET_ADDRESSES, tag_bytes(tpid_of(tag), tag.vlan_tci));
      return { data, time_ns, length: tag === undefined ? length : length + TAG_SIZE, source };
    }
    const [name, proto, packet_type, arphrd_type, address] = this.#batch.address(i);
    // A cooked header is followed by what is in the tag, then by what the packet carries.
    if (tag !== undefined) data = insert_bytes(data, 0, tag_bytes(tag.vlan_tci, proto));
    const header = build(
      linux_sll2({
        interface_index: socket.if_nametoindex(name),
        packet_type,
        arphrd_type,
        src: hardware_text(address),
        protocol: tag === undefined ? proto : tpid_of(tag),
      }),
    );
    const added = header.length + (tag === undefined ? 0 : TAG_SIZE);
    return { data: Buffer.concat([header, data]), time_ns, length: length + added, source };
  }

  /** How many packets came, and how many of these the kernel had no room for, since the last call. */
  statistics(): { packets: number; drops: number } {
    const bytes = this.#sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
    return tpacket_stats.decode(bytes);
  }

  close(): void {
    this.#sock.close();
  }
}

/** What says that a tag follows. */
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

/** As much as is allowed. */
function set_buffer(sock: Sock, size: number): void {
  try {
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, size);
  } catch (error) {
    // That needs CAP_NET_ADMIN; the other one stops at net.core.rmem_max.
    if (!(error instanceof socket.PermissionError)) throw error;
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size);
  }
}

/** Throws away what came before the filter was there. */
async function drain(sock: Sock): Promise<void> {
  try {
    for (;;) await sock.recv(1, { timeout: 0 });
  } catch (error) {
    if (!(error instanceof socket.BlockingIOError)) throw error;
  }
  sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
}
