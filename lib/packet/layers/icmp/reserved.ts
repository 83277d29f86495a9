// The reserved bits of ICMP and ICMPv6 messages: kept, so that a parsed message is built as it came.
import { integer } from '../../../util/validate.js';
import { type FieldNames, field_names } from '../../bytes/fields.js';

export interface Reserved {
  /** the four bytes behind the checksum as a number, without the bits that have a meaning; senders leave it 0 */
  reserved: number;
}
export const RESERVED: FieldNames<keyof Reserved> = field_names('reserved');
type Named<Name> = Partial<Reserved> & { readonly name: Name };

/** Reads and writes the reserved bits of the messages of a layer, by the mask of these bits in each message. */
export function reserved_bits<Name extends string>(layer: string, masks: Readonly<Record<Name, number>>) {
  return {
    read: (name: Name, rest: number): Reserved => ({ reserved: (rest & masks[name]) >>> 0 }),

    /** @throws TypeError; RangeError for bits that have a meaning */
    write({ name, reserved = 0 }: Named<Name>): number {
      integer(reserved, `${layer}.reserved`, 0, 0xffffffff);
      if ((reserved & ~masks[name]) !== 0) {
        const hex = [masks[name], reserved].map((number) => `0x${number.toString(16)}`);
        throw new RangeError(`${layer}.reserved must be within ${hex[0]}, not ${hex[1]}`);
      }
      return reserved;
    },
  };
}
