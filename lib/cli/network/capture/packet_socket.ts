// The packet socket of sniff, where there can be no ring (ring_source.ts). It delivers packets as a capture file has them: with the kernel's time, and with the VLAN tag
// that the kernel removed back in its place. On all interfaces, it receives packets without their link layer, and puts a
// header of LINUX_SLL2 in front of each.
import { hardware_text, link_layer } from '../../../calls/own_address.js';
import {
  build,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW,
  linux_sll2,
} from '../../../packet/index.js';
import * as socket from '../../../promises/index.js';
import { decode_control, packet_mreq, type tpacket_auxdata, tpacket_stats } from '../../../structs/index.js';
import { FAILED, Failure } from '../../terminal/errors.js';
import { passing_errors } from '../passing_errors.js';
import type { Captured, PacketSource, Statistics, Title } from './packet_source.js';

type Sock = socket.socket<typeof socket.AF_PACKET>;

/** A filter program: rows, or the text that `tcpdump -ddd` prints. */
export type Filter = Parameters<Sock['attach_filter']>[0];

export interface PacketSocketOptions {
  /** The name of the interface; undefined: all interfaces. */
  readonly interface: string | undefined;
  /** The most bytes of a packet that are kept. */
  readonly snaplen: number;
  /** A filter program for the packets of this socket: see `socket_linktype`. */
  readonly filter: Filter | undefined;
  /** True: packets for other hosts are received as well. */
  readonly promiscuous: boolean;
  /** Only packets that come in, or that go out. */
  readonly direction: Direction;
  /** Bytes of packets that may wait in the kernel. */
  readonly buffer_size: number;
  /** Ends the capture. */
  readonly signal: AbortSignal;
}

export type Direction = 'in' | 'out' | 'inout';

const BATCH = 64;
/** Bytes that are received of a packet, even if fewer are kept. */
const LEAST_RECEIVED = 64;
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

export class PacketSocket implements PacketSource {
  readonly title: Title;
  readonly #sock: Sock;
  readonly #batch: socket.MessageBatch<typeof socket.AF_PACKET>;
  readonly #cooked: boolean;
  readonly #options: PacketSocketOptions;
  #counted = { packets: 0, drops: 0 };

  private constructor(sock: Sock, linktype: number, options: PacketSocketOptions) {
    const { interface: name = 'any', snaplen } = options;
    this.#sock = sock;
    this.#options = options;
    this.title = { text: `listening on ${name}`, linktype, snaplen };
    this.#cooked = linktype === LINKTYPE_LINUX_SLL2;
    this.#batch = new socket.MessageBatch(BATCH, Math.max(snaplen, LEAST_RECEIVED), ANCILLARY_SIZE);
  }

  /** @throws PermissionError; OSError ENODEV; RangeError for a malformed filter */
  static async open(options: PacketSocketOptions): Promise<PacketSocket> {
    const { interface: name, filter, promiscuous, direction, buffer_size } = options;
    const linktype = socket_linktype(name);
    // A socket for one interface receives no packets until it is bound, so no packet bypasses the filter.
    const [type, proto] =
      name === undefined ? [socket.SOCK_DGRAM, socket.htons(socket.ETH_P_ALL)] : [socket.SOCK_RAW, 0];
    const sock = socket.socket(socket.AF_PACKET, type, proto);
    try {
      if (filter !== undefined) sock.attach_filter(filter);
      sock.setsockopt(socket.SOL_PACKET, socket.PACKET_AUXDATA, 1);
      if (direction === 'in') sock.setsockopt(socket.SOL_PACKET, socket.PACKET_IGNORE_OUTGOING, 1);
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

  /** The packets. A link that goes down is waited for. @throws Failure if the interface is gone; OSError */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Captured[], void, undefined> {
    const { signal, interface: name } = this.#options;
    try {
      while (!signal.aborted) {
        const count = await passing_errors(signal, () =>
          this.#sock.recvmmsg_into(this.#batch, 0, { signal }),
        );
        // An interface that is removed goes down before.
        if (count === undefined && name !== undefined) check_presence(name);
        const packets: Captured[] = [];
        for (let i = 0; i < (count ?? 0); i++) if (this.#is_wanted(i)) packets.push(this.#captured(i));
        if (packets.length > 0) yield packets;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Returns whether a packet has the direction that is wanted. Loopback shows each packet twice: that which leaves is left out. */
  #is_wanted(i: number): boolean {
    const { direction } = this.#options;
    const [, , type, arphrd_type] = this.#batch.address(i);
    const outgoing = type === socket.PACKET_OUTGOING;
    if (outgoing) return direction !== 'in' && arphrd_type !== socket.ARPHRD_LOOPBACK;
    return direction !== 'out';
  }

  #captured(i: number): Captured {
    const { linktype, snaplen } = this.title;
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
      length += tag === undefined ? 0 : TAG_SIZE;
      return { data: data.subarray(0, snaplen), time_ns, length, linktype, source };
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
    data = Buffer.concat([header, data]).subarray(0, snaplen);
    return { data, time_ns, length: length + added, linktype, source };
  }

  statistics(): Statistics {
    // The kernel counts from 0 again each time.
    const bytes = this.#sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
    const { packets, drops } = tpacket_stats.decode(bytes);
    this.#counted = { packets: this.#counted.packets + packets, drops: this.#counted.drops + drops };
    return this.#counted;
  }

  close(): void {
    this.#sock.close();
  }
}

/** @throws Failure if an interface is gone */
export function check_presence(name: string): void {
  if (index_of(name) === 0) throw new Failure(`the interface ${name} is gone`, FAILED);
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

/** Returns the name of an interface; '' for one that is gone. */
export function name_of(index: number): string {
  try {
    return socket.if_indextoname(index);
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    return '';
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
