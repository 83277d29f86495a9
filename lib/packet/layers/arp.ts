// ARP, RFC 826, and its use to find IPv4 addresses on Ethernet, RFC 5227.
import { hardware_length, read_hardware, read_ipv4 } from '../bytes/address.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { Protocol } from '../registry.js';

/** An ARP or RARP packet, RFC 826, as parsed. */
export interface Arp {
  /** The name of the layer. */
  readonly layer: 'arp';
  /** 1: Ethernet */
  hardware_type: number;
  /** an ethertype: 0x0800 is IPv4 */
  protocol_type: number;
  /** of the hardware addresses, in bytes */
  hardware_length: number;
  /** of the protocol addresses, in bytes */
  protocol_length: number;
  /** arp.REQUEST, arp.REPLY */
  operation: number;
  /** the hardware address of the sender, and its protocol address: bytes with colons if the protocol is not IPv4 */
  sender_mac: string;
  /** The IPv4 address of the sender. */
  sender_ip: string;
  /** The hardware address of the target; zeros in a request. */
  target_mac: string;
  /** The IPv4 address that is asked for, or that of the asker in a reply. */
  target_ip: string;
}
/** The fields of an ARP packet to build: what is left out is worked out, or has a default. */
export type ArpFields = Fields<Arp>;
/** An ARP packet to build. */
export type ArpDraft = { readonly layer: 'arp' } & ArpFields;

const HEADER = 8;
const IPV4 = 0x0800;
const FIELDS: FieldNames<keyof ArpFields> = field_names(
  'hardware_type protocol_type hardware_length protocol_length operation sender_mac',
  'sender_ip target_mac target_ip',
);
const REQUEST = 1;

/**
 * Makes an ARP message.
 *
 * @param fields unless given, a request for an IPv4 address on Ethernet, with all addresses zero; the lengths are those of the
 *   sender's addresses
 * @throws TypeError for a field that ARP does not have
 */
export const arp = Object.assign(maker<'arp', ArpFields>('arp', FIELDS), { REQUEST, REPLY: 2 } as const);

const ENDS: Ends = [
  [2, 'hardware_type'],
  [4, 'protocol_type'],
  [5, 'hardware_length'],
  [6, 'protocol_length'],
  [HEADER, 'operation'],
];

function ends({ hardware_length: hardware = 6, protocol_length: protocol = 4 }: ArpDraft): Ends {
  const half = HEADER + hardware + protocol;
  return [
    ...ENDS,
    [HEADER + hardware, 'sender_mac'],
    [half, 'sender_ip'],
    [half + hardware, 'target_mac'],
    [half + hardware + protocol, 'target_ip'],
  ];
}

export const arp_protocol: Protocol = {
  name: 'arp',
  fields: FIELDS,
  ends,

  parse(input: Input) {
    if (!input.has('arp', HEADER)) return read_cut(input, arp_protocol, HEADER);
    const { view, at } = input;
    const protocol_type = view.getUint16(at + 2);
    const hardware_length = view.getUint8(at + 4);
    const protocol_length = view.getUint8(at + 5);
    const size = HEADER + 2 * (hardware_length + protocol_length);
    if (!input.has('arp', size)) return read_cut(input, arp_protocol, size);
    const is_ipv4 = protocol_type === IPV4 && protocol_length === 4;
    const hardware = (offset: number) => read_hardware(view, offset, hardware_length);
    const protocol = (offset: number) =>
      is_ipv4 ? read_ipv4(view, offset) : read_hardware(view, offset, protocol_length);
    const sender = at + HEADER;
    const target = sender + hardware_length + protocol_length;
    input.layers.push({
      layer: 'arp',
      hardware_type: view.getUint16(at),
      protocol_type,
      hardware_length,
      protocol_length,
      operation: view.getUint16(at + 6),
      sender_mac: hardware(sender),
      sender_ip: protocol(sender + hardware_length),
      target_mac: hardware(target),
      target_ip: protocol(target + hardware_length),
    });
    // Bytes behind the message pad the frame.
    input.at = at + size;
    input.limit('arp', at, 'the message', input.at);
    return undefined;
  },

  build(layer: ArpDraft, output: Output) {
    const protocol_type = layer.protocol_type ?? IPV4;
    const hardware = hardware_length(layer.sender_mac ?? '00:00:00:00:00:00') ?? 6;
    const of_bytes = hardware_length(layer.sender_ip ?? '');
    const is_ipv4 = protocol_type === IPV4 && (layer.sender_ip === undefined || of_bytes === undefined);
    const protocol = is_ipv4 ? 4 : (of_bytes ?? 0);
    const at = output.prepend(HEADER + 2 * (hardware + protocol));
    output.u16(at, layer.hardware_type ?? 1, 'arp.hardware_type');
    output.u16(at + 2, protocol_type, 'arp.protocol_type');
    output.u8(at + 4, layer.hardware_length ?? hardware, 'arp.hardware_length');
    output.u8(at + 5, layer.protocol_length ?? protocol, 'arp.protocol_length');
    output.u16(at + 6, layer.operation ?? REQUEST, 'arp.operation');
    const zeros = (length: number): string => Array.from({ length }, () => '00').join(':');
    const write_protocol = (offset: number, value: string | undefined, name: string): void => {
      if (is_ipv4) output.ipv4(offset, value ?? '0.0.0.0', name);
      else output.hardware(offset, value ?? zeros(protocol), name, protocol);
    };
    const sender = at + HEADER;
    const target = sender + hardware + protocol;
    output.hardware(sender, layer.sender_mac ?? zeros(hardware), 'arp.sender_mac', hardware);
    write_protocol(sender + hardware, layer.sender_ip, 'arp.sender_ip');
    output.hardware(target, layer.target_mac ?? zeros(hardware), 'arp.target_mac', hardware);
    write_protocol(target + hardware, layer.target_ip, 'arp.target_ip');
  },
};
