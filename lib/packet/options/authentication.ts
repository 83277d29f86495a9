// The fields of AH behind next header and length, RFC 4302: AH is a layer in IPv4 and an extension header in IPv6.
import { bytes, integer } from '../../util/validate.js';
import { type FieldNames, field_names } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { units } from '../bytes/output.js';
import { bytes_of } from './option_values.js';

export interface Values {
  reserved: number;
  spi: number;
  seq: number;
  /** the integrity check value */
  icv: Buffer;
}
/** The fields to build. */
type Given = Partial<Omit<Values, 'icv'> & { readonly icv: Uint8Array }>;

/** Bytes of AH without icv. */
export const HEADER = 12;
export const NAMES: FieldNames<keyof Values> = field_names('reserved spi seq icv');

/** Returns the size of the AH at an offset, in bytes. Its length byte counts units of 4 bytes, two fewer than there are. */
export function length_of(view: DataView, at: number): number {
  return (view.getUint8(at + 1) + 2) * 4;
}

/** Returns the length byte for a size in bytes. @throws TypeError, RangeError naming the field */
export function length_byte(length: unknown, name: string): number {
  return units(length, name, 4, 257) - 2;
}

/** Reads the AH between two offsets. */
export function decode(input: Input, at: number, end: number): Values {
  const { view } = input;
  return {
    reserved: view.getUint16(at + 2),
    spi: view.getUint32(at + 4),
    seq: view.getUint32(at + 8),
    icv: input.slice(at + HEADER, end),
  };
}

/** Returns the bytes behind the length byte. @throws TypeError, RangeError naming the field */
export function encode(fields: Given, field: string): Buffer {
  const icv = bytes(fields.icv ?? new Uint8Array(0), `${field}.icv`);
  const head = bytes_of(HEADER - 2, (view) => {
    view.setUint16(0, integer(fields.reserved ?? 0, `${field}.reserved`, 0, 0xffff));
    view.setUint32(2, integer(fields.spi ?? 0, `${field}.spi`, 0, 0xffffffff));
    view.setUint32(6, integer(fields.seq ?? 0, `${field}.seq`, 0, 0xffffffff));
  });
  return Buffer.concat([head, icv]);
}
