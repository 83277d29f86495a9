// The socket of a ring: made, given its memory and its filter, and bound last, so that no packet gets by the filter.

import { if_nametoindex } from '../../calls/interfaces.js';
import { resolve_host_blocking } from '../../calls/lookup.js';
import { link_layer } from '../../calls/own_address.js';
import { SocketBase } from '../../calls/socket_base.js';
import * as c from '../../constants.js';
import { raise } from '../../errors/raise.js';
import {
  addon,
  address_in,
  type NativeRing,
  RING_COOKED,
  RING_ETHERNET,
  RING_PLAIN,
} from '../../native/addon.js';
import { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL2, LINKTYPE_RAW } from '../linktypes.js';
import type { FANOUT_MODES, FanoutSettings, RingSettings } from './options.js';
import { REFUSE_ALL, ring_program } from './programs.js';

/** The socket of a ring and its memory. */
export interface OpenRing {
  readonly sock: SocketBase<number>;
  readonly native: NativeRing;
  readonly linktype: number;
  /** What its packets begin with: RING_*. */
  readonly content: number;
}

/** sizeof(struct tpacket_req3): numbers of the machine's order. */
const REQUEST_WORDS = 7;
/** Bytes of a frame, which a ring of blocks does without; the kernel wants a number that divides the block. */
const FRAME_SIZE = 2048;
const MODE_NUMBERS: Readonly<Record<(typeof FANOUT_MODES)[number], number>> = {
  hash: c.PACKET_FANOUT_HASH,
  load_balance: c.PACKET_FANOUT_LB,
  cpu: c.PACKET_FANOUT_CPU,
  rollover: c.PACKET_FANOUT_ROLLOVER,
  random: c.PACKET_FANOUT_RND,
  queue: c.PACKET_FANOUT_QM,
  filter: c.PACKET_FANOUT_CBPF,
};

const SOCKADDR_LL_SIZE = 20;

/** Returns the link type of an interface's packets. @throws PermissionError; OSError ENODEV */
function linktype_of(name: string): number {
  const { type } = link_layer(name);
  return type === c.ARPHRD_ETHER || type === c.ARPHRD_LOOPBACK ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
}

/** Makes the ring of a socket. @throws OSError ENOMEM */
function make_ring(sock: SocketBase<number>, { block_size, blocks, retire_ms }: RingSettings): void {
  sock.setsockopt(c.SOL_PACKET, c.PACKET_VERSION, c.TPACKET_V3);
  const request = new Uint32Array(REQUEST_WORDS);
  request.set([block_size, blocks, FRAME_SIZE, (block_size / FRAME_SIZE) * blocks, retire_ms]);
  sock.setsockopt(c.SOL_PACKET, c.PACKET_RX_RING, request);
}

/** Binds to all interfaces: interface 0, which has no name. @throws OSError */
function bind_to_all(sock: SocketBase<number>): void {
  const address = new DataView(address_in.buffer, address_in.byteOffset, SOCKADDR_LL_SIZE);
  address_in.fill(0, 0, SOCKADDR_LL_SIZE);
  new Uint16Array(address_in.buffer, address_in.byteOffset, 1)[0] = c.AF_PACKET;
  address.setUint16(2, c.ETH_P_ALL);
  const result = addon.bind(sock._fd, sock._generation, SOCKADDR_LL_SIZE);
  if (result < 0) raise(result, { syscall: 'bind', args: { fd: sock._fd } });
}

/** Joins a fan-out group. @throws OSError; RangeError for a malformed program */
function join_group(sock: SocketBase<number>, settings: FanoutSettings): void {
  const { group, mode, program, rollover, defragment } = settings;
  const flags =
    (rollover ? c.PACKET_FANOUT_FLAG_ROLLOVER : 0) | (defragment ? c.PACKET_FANOUT_FLAG_DEFRAG : 0);
  const value = new Uint32Array([(group | ((MODE_NUMBERS[mode] | flags) << 16)) >>> 0]);
  sock.setsockopt(c.SOL_PACKET, c.PACKET_FANOUT, value);
  if (program !== undefined) sock.attach_filter(program, { option: c.PACKET_FANOUT_DATA });
}

/**
 * Opens a ring.
 *
 * @throws PermissionError without CAP_NET_RAW; OSError ENODEV, ENOMEM; FilterError; TypeError, RangeError
 */
export function open_ring(settings: RingSettings): OpenRing {
  const { interface: name, filter, direction, snaplen, fanout, promiscuous } = settings;
  const linktype = name === null ? LINKTYPE_LINUX_SLL2 : linktype_of(name);
  const program = ring_program(filter, linktype, direction, snaplen);
  // Protocol 0 receives no packets until the socket is bound.
  const type = name === null ? c.SOCK_DGRAM : c.SOCK_RAW;
  const sock = new SocketBase<number>(c.AF_PACKET, type, 0, null, false);
  let native: NativeRing | number = 0;
  try {
    // Until it has joined its group, a socket would receive the packets of all others.
    sock.attach_filter(fanout === undefined ? program : REFUSE_ALL);
    make_ring(sock, settings);
    native = addon.ring_map(sock._fd, sock._generation, settings.block_size, settings.blocks);
    if (typeof native === 'number') return raise(native, { syscall: 'mmap', args: { fd: sock._fd } });
    if (direction === 'in') sock.setsockopt(c.SOL_PACKET, c.PACKET_IGNORE_OUTGOING, 1);
    if (name === null) bind_to_all(sock);
    else sock._bind([name, c.ETH_P_ALL], resolve_host_blocking);
    if (promiscuous && name !== null) {
      const membership = new Int32Array(4);
      membership[0] = if_nametoindex(name);
      new Uint16Array(membership.buffer)[2] = c.PACKET_MR_PROMISC;
      sock.setsockopt(c.SOL_PACKET, c.PACKET_ADD_MEMBERSHIP, membership);
    }
    if (fanout !== undefined) {
      join_group(sock, fanout);
      sock.attach_filter(program);
    }
    const contents: Readonly<Record<number, number>> = {
      [LINKTYPE_ETHERNET]: RING_ETHERNET,
      [LINKTYPE_LINUX_SLL2]: RING_COOKED,
    };
    return { sock, native, linktype, content: contents[linktype] ?? RING_PLAIN };
  } catch (error) {
    if (typeof native !== 'number') addon.ring_close(native);
    sock.close();
    throw error;
  }
}
