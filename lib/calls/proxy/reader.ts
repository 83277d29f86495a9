// Reads a PROXY header from a stream, and no byte more: what follows belongs to others, such as TLS. The caller peeks (MSG_PEEK) at the
// bytes that have come, and then receives as many as take() says. Each round consumes bytes, so no wait ends at once again.
import { decode_proxy_header, type ProxyHeader } from './header.js';

/** Bytes to peek at: most headers have fewer. */
export const PEEK = 512;

export class ProxyHeaderReader {
  #before: Buffer = Buffer.alloc(0);
  /** The header, once it is complete. */
  header: ProxyHeader | undefined;

  /**
   * Takes the bytes that have come. Returns how many of them belong to the header.
   *
   * @throws ProxyHeaderError if they belong to no header
   */
  take(peeked: Buffer): number {
    const bytes = Buffer.concat([this.#before, peeked]);
    const found = decode_proxy_header(bytes);
    if (found === null) {
      this.#before = bytes;
      return peeked.length;
    }
    this.header = found[0];
    return found[1] - this.#before.length;
  }
}
