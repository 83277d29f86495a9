// What stands in for bytes/native.ts and exchange/ in bundles for browsers (package.json, "browser"), which build, parse and show packets.

/** Returns that there is no addon. */
export const is_loaded = (): boolean => false;

/** @throws (rejects) Error: a browser sends no packets */
export async function exchange_packets(): Promise<never> {
  throw new Error('bsd-sockets: send_receive needs Node.js on Linux');
}
