// Checksums of the Internet protocols, as -v tells them: whether they are right, and what would be.
import { checksum } from '../../../packet/index.js';
import { AF_INET, AF_INET6, inet_pton } from '../../../socket/index.js';
import type { Network } from './place.js';

/** A checksum that is wrong. */
export interface WrongSum {
  readonly found: number;
  readonly right: number;
}

function pseudo_header({ version, src, final_dst }: Network, protocol: number, length: number): Buffer {
  const family = version === 4 ? AF_INET : AF_INET6;
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(length, 0);
  rest[7] = protocol;
  return Buffer.concat([inet_pton(family, src), inet_pton(family, final_dst), rest]);
}

/**
 * Returns the checksum of a message if it is wrong; undefined if it is right.
 *
 * @param bytes the whole message
 * @param at the offset of the checksum
 * @param pseudo the IP header and the protocol number, for a checksum that covers a pseudo-header
 */
export function wrong_sum(
  bytes: Buffer,
  at: number,
  pseudo?: { readonly network: Network; readonly protocol: number },
): WrongSum | undefined {
  const head =
    pseudo === undefined ? Buffer.alloc(0) : pseudo_header(pseudo.network, pseudo.protocol, bytes.length);
  const sum = checksum(Buffer.concat([head, bytes]));
  if (sum === 0) return undefined;
  const found = bytes.readUInt16BE(at);
  // The difference that is left is added in ones' complement.
  const total = found + sum;
  return { found, right: total > 0xffff ? total - 0xffff : total };
}
