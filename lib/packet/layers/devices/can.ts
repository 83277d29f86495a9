// CAN and CAN FD, ISO 11898-1, as Linux captures them. The data are the payload behind the header.
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import { field, type Sizes } from '../../define/own_fields.js';
import type { Protocol } from '../../registry.js';

/** The header of a frame of a CAN bus, as Linux captures it. */
export interface Can {
  /** The name of the layer. */
  readonly layer: 'can';
  /** can.EXTENDED, can.REMOTE, can.ERROR */
  flags: number;
  /** of 11 bits; of 29 with can.EXTENDED; of an error its class */
  id: number;
  /** of the data, in bytes */
  length: number;
  /** can.FD, can.BIT_RATE_SWITCH, can.ERROR_STATE; 0 in frames of CAN without FD */
  fd_flags: number;
  /** what is reserved for later use */
  reserved: number;
  /** the length code of CAN frames of 8 bytes, if it is 9 to 15; else 0 */
  length_code: number;
}
/** The fields of a frame of a CAN bus to build: what is left out is worked out, or has a default. */
export type CanFields = Fields<Can>;
/** A frame of a CAN bus to build. */
export type CanDraft = { readonly layer: 'can' } & CanFields;

const FIELDS: FieldNames<keyof CanFields> = field_names('flags id length fd_flags reserved length_code');

/**
 * Makes the header of a CAN frame; a payload of up to 8 bytes follows, of up to 64 with CAN FD.
 *
 * @param fields numbers are 0 unless given; length is worked out
 * @throws TypeError for a field that CAN does not have
 */
export const can = Object.assign(maker<'can', CanFields>('can', FIELDS), {
  EXTENDED: 4,
  REMOTE: 2,
  ERROR: 1,
  BIT_RATE_SWITCH: 1,
  ERROR_STATE: 2,
  FD: 4,
} as const);

export const can_protocol: Protocol = header<Can, CanDraft>(
  'can',
  FIELDS,
  {
    flags: field.uint(3),
    id: field.uint(29),
    length: field.uint(8, ({ data }: Sizes) => data),
    fd_flags: field.uint(8),
    reserved: field.uint(8),
    length_code: field.uint(8),
  },
  {
    read({ length }, input) {
      input.limit('can', input.at - 4, 'length', input.at + length);
      return undefined;
    },
  },
);
