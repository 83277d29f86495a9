// What stands in for bytes/native.ts, exchange/ and ring/ in bundles for browsers (package.json, "browser"), which build, parse and show packets.

/** Returns that there is no addon. */
export const is_loaded = (): boolean => false;

/** @throws (rejects) Error: a browser sends no packets */
export async function exchange_packets(): Promise<never> {
  throw new Error('bsd-sockets: send_receive needs Node.js on Linux');
}

/** @throws Error: a browser receives no packets */
export function open_packet_ring(): never {
  throw new Error('bsd-sockets: packet_ring needs Node.js on Linux');
}
