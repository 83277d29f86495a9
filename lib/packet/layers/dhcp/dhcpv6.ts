// DHCPv6, RFC 8415: messages of clients and servers, and of relays. dhcpv6_options.ts has the options, and reads and writes messages.

import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input, Parser } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import type { Protocol } from '../../registry.js';
import {
  type Dhcpv6Message,
  type Dhcpv6OptionFields,
  header_size,
  message_bytes,
  read_message,
} from './dhcpv6_options.js';

export interface Dhcpv6 extends Dhcpv6Message {
  /** The name of the layer. */
  readonly layer: 'dhcpv6';
}
/** The fields of a DHCPv6 message to build: what is left out is worked out, or has a default. */
export type Dhcpv6Fields = Fields<Dhcpv6, { options: readonly Dhcpv6OptionFields[] }>;
/** A DHCPv6 message to build. */
export type Dhcpv6Draft = { readonly layer: 'dhcpv6' } & Dhcpv6Fields;

const FIELDS: FieldNames<keyof Dhcpv6Fields> = field_names(
  'type transaction_id hop_count link_address peer_address options',
);
const OPTIONS = [Number.POSITIVE_INFINITY, 'options'] as const;
const ENDS: Ends = [[1, 'type'], [4, 'transaction_id'], OPTIONS];
const RELAY_ENDS: Ends = [[1, 'type'], [2, 'hop_count'], [18, 'link_address'], [34, 'peer_address'], OPTIONS];
/** The greatest type of a message that there is, RFC 8415 and its successors. */
const TYPE_MAX = 36;

/**
 * Makes a message of DHCPv6: `dhcpv6({ type: dhcpv6.SOLICIT, transaction_id, options: [{ name: 'ia_na', iaid: 1 }] })`.
 *
 * @param fields type is dhcpv6.SOLICIT unless given, numbers are 0 and addresses ::
 * @throws TypeError for a field that DHCPv6 does not have
 */
export const dhcpv6 = Object.assign(maker<'dhcpv6', Dhcpv6Fields>('dhcpv6', FIELDS), {
  SOLICIT: 1,
  ADVERTISE: 2,
  REQUEST: 3,
  CONFIRM: 4,
  RENEW: 5,
  REBIND: 6,
  REPLY: 7,
  RELEASE: 8,
  DECLINE: 9,
  RECONFIGURE: 10,
  INFORMATION_REQUEST: 11,
  RELAY_FORWARD: 12,
  RELAY_REPLY: 13,
} as const);

const is_relay = (type: number): boolean => header_size(type) > 4;

export const dhcpv6_protocol: Protocol = {
  name: 'dhcpv6',
  fields: FIELDS,
  ends: (layer) =>
    'type' in layer && typeof layer.type === 'number' && is_relay(layer.type) ? RELAY_ENDS : ENDS,

  parse(input: Input): Parser | undefined {
    const { view, at, end, wire_end } = input;
    const type = at < end ? view.getUint8(at) : 0;
    if (type === 0 || type > TYPE_MAX) return undefined;
    const size = header_size(type);
    if (at + size > end) return input.is_cut(size) ? read_cut(input, dhcpv6_protocol, size) : undefined;
    input.layers.push({ layer: 'dhcpv6', ...read_message(input, wire_end) });
    input.at = end;
    return undefined;
  },

  build(layer: Dhcpv6Draft, output: Output) {
    output.prepend_bytes(message_bytes(layer, 'dhcpv6'));
  },
};
