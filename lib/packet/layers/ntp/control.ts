// The control messages of NTP, mode 6: RFC 9327. Their data are a payload.
import { integer } from '../../../util/validate.js';
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import type { Protocol } from '../../registry.js';

/** A control message of NTP, RFC 9327. */
export interface NtpControl {
  /** The name of the layer. */
  readonly layer: 'ntp_control';
  /** the leap indicator */
  leap: number;
  /** the version: 2 to 4 */
  version: number;
  /** bits of the 8 in front of the operation: ntp_control.RESPONSE, .ERROR, .MORE */
  flags: number;
  /** 2: read variables */
  opcode: number;
  /** the number of the request, which the answer repeats */
  sequence: number;
  /** the status of the system or of the association */
  status: number;
  /** the number of the association that is meant; 0 is the system */
  association_id: number;
  /** of the data in all data of the answer, in bytes */
  offset: number;
  /** of the data, in bytes, without padding */
  count: number;
}
/** The fields of a control message of NTP to build: what is left out is worked out, or has a default. */
export type NtpControlFields = Fields<NtpControl>;
/** A control message of NTP to build. */
export type NtpControlDraft = { readonly layer: 'ntp_control' } & NtpControlFields;

const HEADER = 12;
const MODE = 6;
const FLAGS = 0xe0;
const FIELDS: FieldNames<keyof NtpControlFields> = field_names(
  'leap version flags opcode sequence status association_id offset count',
);
const NUMBERS = ['sequence', 'status', 'association_id', 'offset'] as const;
const ENDS: Ends = [
  [1, 'leap', 'version'],
  [2, 'flags', 'opcode'],
  ...NUMBERS.map((name, i) => [4 + 2 * i, name] as const),
  [HEADER, 'count'],
];

/**
 * Makes the header of a control message of NTP; its data are a payload.
 *
 * @param fields version is 2 unless given, count is the length of the payload, all others are 0
 * @throws TypeError for a field that the message does not have
 */
export const ntp_control = Object.assign(maker<'ntp_control', NtpControlFields>('ntp_control', FIELDS), {
  RESPONSE: 0x80,
  ERROR: 0x40,
  MORE: 0x20,
} as const);

export const ntp_control_protocol: Protocol = {
  name: 'ntp_control',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    const { view, at } = input;
    if (at + HEADER > input.end)
      return input.is_cut(HEADER) ? read_cut(input, ntp_control_protocol, HEADER) : undefined;
    const [first, second] = [view.getUint8(at), view.getUint8(at + 1)];
    input.layers.push({
      layer: 'ntp_control',
      leap: first >>> 6,
      version: (first >>> 3) & 7,
      flags: second & FLAGS,
      opcode: second & ~FLAGS,
      sequence: view.getUint16(at + 2),
      status: view.getUint16(at + 4),
      association_id: view.getUint16(at + 6),
      offset: view.getUint16(at + 8),
      count: view.getUint16(at + 10),
    });
    input.at += HEADER;
    return undefined;
  },

  build(layer: NtpControlDraft, output: Output) {
    const size = output.length;
    const at = output.prepend(HEADER);
    const leap = integer(layer.leap ?? 0, 'ntp_control.leap', 0, 3);
    const version = integer(layer.version ?? 2, 'ntp_control.version', 0, 7);
    const flags = integer(layer.flags ?? 0, 'ntp_control.flags', 0, 0xff);
    if ((flags & ~FLAGS) !== 0)
      throw new RangeError(
        `ntp_control.flags must be within 0xe0 (opcode is a field), not 0x${flags.toString(16)}`,
      );
    output.view.setUint8(at, (leap << 6) | (version << 3) | MODE);
    output.view.setUint8(at + 1, flags | integer(layer.opcode ?? 0, 'ntp_control.opcode', 0, 31));
    for (const [i, name] of NUMBERS.entries())
      output.u16(at + 2 + 2 * i, layer[name] ?? 0, `ntp_control.${name}`);
    output.u16(at + 10, layer.count ?? size, 'ntp_control.count');
  },
};
