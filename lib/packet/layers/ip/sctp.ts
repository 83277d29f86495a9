// SCTP, RFC 9260: a header, and chunks (sctp_chunks.ts).
import { crc32c } from '../../../util/crc32c.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import type { Protocol } from '../../registry.js';
import { type SctpChunk, type SctpChunkFields, sctp_chunks } from './sctp_chunks.js';

/** A packet of SCTP, RFC 9260. */
export interface Sctp {
  /** The name of the layer. */
  readonly layer: 'sctp';
  /** the port of the sender */
  src_port: number;
  /** the port of the receiver */
  dst_port: number;
  /** the receiver's tag of the association; 0 with INIT */
  verification_tag: number;
  /** CRC32c, the least significant byte first: the four bytes as one number, the first one the highest */
  checksum: number;
  /** whether the checksum is right; undefined if bytes are missing */
  checksum_ok: boolean | undefined;
  /** the chunks, one behind the other */
  chunks: readonly SctpChunk[];
}
/** The fields of an SCTP packet to build: what is left out is worked out, or has a default. */
export type SctpFields = Fields<Sctp, { chunks: readonly SctpChunkFields[] }>;
/** An SCTP packet to build. */
export type SctpDraft = { readonly layer: 'sctp' } & SctpFields;

const FIELDS: FieldNames<keyof SctpFields> = field_names(
  'src_port dst_port verification_tag checksum checksum_ok chunks',
);
const CHECKSUM = 8;

/**
 * Makes an SCTP packet.
 *
 * @param fields numbers are 0 and chunks none unless given; the checksum is worked out
 * @throws TypeError for a field that SCTP does not have
 */
export const sctp: (fields?: SctpFields) => SctpDraft = maker('sctp', FIELDS);

/** Returns the checksum of a packet, as the number of its four bytes in the order in which they are sent. */
function checksum_of(bytes: Uint8Array, start: number, end: number): number {
  const at = start + CHECKSUM;
  let crc = crc32c(bytes.subarray(start, at));
  crc = crc32c(new Uint8Array(4), crc);
  crc = crc32c(bytes.subarray(at + 4, end), crc);
  const swapped = new DataView(new ArrayBuffer(4));
  swapped.setUint32(0, crc, true);
  return swapped.getUint32(0);
}

export const sctp_protocol: Protocol = header<Sctp, SctpDraft>(
  'sctp',
  FIELDS,
  {
    src_port: field.uint(16),
    dst_port: field.uint(16),
    verification_tag: field.uint(32),
    checksum: field.uint(32),
  },
  {
    read({ checksum }, input, start) {
      const is_whole = !input.partial && input.end === input.wire_end;
      const checksum_ok = is_whole ? checksum_of(input.bytes, start, input.end) === checksum : undefined;
      return { checksum_ok, chunks: sctp_chunks.take(input) as readonly SctpChunk[] };
    },
    write({ chunks = [] }, output) {
      output.prepend_bytes(sctp_chunks.bytes(chunks, 'sctp.chunks'));
      return undefined;
    },
    finish({ checksum }, output, at) {
      if (checksum !== undefined && checksum !== null) return;
      output.view.setUint32(at + CHECKSUM, checksum_of(output.bytes, at, output.end));
    },
  },
);
