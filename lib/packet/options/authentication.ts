// The fields of AH behind next header and length, RFC 4302: AH is a layer in IPv4 and an extension header in IPv6.
import { bytes, integer } from '../../util/validate.js';
import { type FieldNames, field_names } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { units } from '../bytes/output.js';
import { bytes_of } from './option_values.js';

export interface Authentication {
  reserved: number;
  spi: number;
  seq: number;
  /** the integrity check value */
  icv: Buffer;
}
/** The fields to build. */
type AuthenticationFields = Partial<Omit<Authentication, 'icv'> & { readonly icv: Uint8Array }>;

/** Bytes of AH without icv. */
export const AH_HEADER = 12;
export const AUTHENTICATION: FieldNames<keyof Authentication> = field_names('reserved', 'spi', 'seq', 'icv');

/** Returns the size of the AH at an offset, in bytes. Its length byte counts units of 4 bytes, two fewer than there are. */
export function ah_length(view: DataView, at: number): number {
  return (view.getUint8(at + 1) + 2) * 4;
}

/** Returns the length byte for a size in bytes. @throws TypeError, RangeError naming the field */
export function ah_length_byte(length: unknown, name: string): number {
  return units(length, name, 4, 257) - 2;
}

/** Reads the AH between two offsets. */
export function read_authentication(input: Input, at: number, end: number): Authentication {
  const { view } = input;
  return {
    reserved: view.getUint16(at + 2),
    spi: view.getUint32(at + 4),
    seq: view.getUint32(at + 8),
    icv: input.slice(at + AH_HEADER, end),
  };
}

/** Returns the bytes behind the length byte. @throws TypeError, RangeError naming the field */
export function authentication_bytes(fields: AuthenticationFields, field: string): Buffer {
  const icv = bytes(fields.icv ?? new Uint8Array(0), `${field}.icv`);
  const head = bytes_of(AH_HEADER - 2, (view) => {
    view.setUint16(0, integer(fields.reserved ?? 0, `${field}.reserved`, 0, 0xffff));
    view.setUint32(2, integer(fields.spi ?? 0, `${field}.spi`, 0, 0xffffffff));
    view.setUint32(6, integer(fields.seq ?? 0, `${field}.seq`, 0, 0xffffffff));
  });
  return Buffer.concat([head, icv]);
}
