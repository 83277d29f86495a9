// A packet ring on loopback, and datagrams for it: only those of one port come in.
import { type PacketRing, type PacketRingOptions, packet_ring } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';

/** Headers of Ethernet, IPv4 and UDP. */
export const HEADERS = 14 + 20 + 8;

/** Returns the reason why there can be no ring here; undefined if there can. */
export function missing_for_ring(): string | undefined {
  try {
    packet_ring('lo', { block_size: 65_536, blocks: 2 }).close();
    return undefined;
  } catch (error) {
    if (error instanceof socket.PermissionError) return 'needs CAP_NET_RAW';
    throw error;
  }
}

/** A ring and a socket that sends to itself. */
export class Loopback implements Disposable {
  readonly ring: PacketRing;
  readonly sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  readonly port: number;

  constructor(options: PacketRingOptions = {}) {
    this.sock.bind(['127.0.0.1', 0]);
    [, this.port] = this.sock.getsockname();
    this.ring = packet_ring('lo', {
      block_size: 65_536,
      blocks: 4,
      retire_ms: 1,
      filter: `udp dst port ${this.port}`,
      ...options,
    });
  }

  send(...texts: string[]): void {
    for (const text of texts) this.sock.sendto(text, ['127.0.0.1', this.port]);
  }

  [Symbol.dispose](): void {
    this.ring.close();
    this.sock.close();
  }
}

/** Returns the payload of a datagram. */
export const text_of = ({ data }: { data: Buffer }): string => data.subarray(HEADERS).toString();
