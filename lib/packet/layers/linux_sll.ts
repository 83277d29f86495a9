// The header of Linux "cooked" captures (tcpdump -i any), in place of the link layer's: LINKTYPE_LINUX_SLL and LINUX_SLL2.
import { bytes } from '../../util/validate.js';
import { hardware_length, read_hardware } from '../bytes/address.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, joined, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, protocol_of_ethertype, protocol_of_name } from '../registry.js';
import { ethertype_of_next } from './vlan.js';

interface Cooked {
  /** the kind of destination: PACKET_HOST (0), PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING (4) */
  packet_type: number;
  /** the ARPHRD_ number of the interface */
  arphrd_type: number;
  /** of the sender's address, in bytes; the header holds only the first 8 */
  address_length: number;
  /** the sender's address */
  src: string;
  /** the bytes behind src in its field of 8 bytes */
  padding: Buffer;
  /** the ethertype of the layer carried */
  protocol: number;
}

/** The cooked header of a capture on all interfaces (LINKTYPE_LINUX_SLL), as parsed; see packet(7). */
export interface LinuxSll extends Cooked {
  /** The name of the layer. */
  readonly layer: 'linux_sll';
}
/** The cooked header, version 2 (LINKTYPE_LINUX_SLL2), as parsed. */
export interface LinuxSll2 extends Cooked {
  /** The name of the layer. */
  readonly layer: 'linux_sll2';
  /** 0 from all senders */
  reserved: number;
  /** The index of the interface on which the packet was seen. */
  interface_index: number;
}
/** The fields of a cooked header to build: what is left out is worked out, or has a default. */
export type LinuxSllFields = Fields<LinuxSll, { padding: Uint8Array }>;
/** A cooked header to build. */
export type LinuxSllDraft = { readonly layer: 'linux_sll' } & LinuxSllFields;
/** The fields of a cooked header, version 2 to build: what is left out is worked out, or has a default. */
export type LinuxSll2Fields = Fields<LinuxSll2, { padding: Uint8Array }>;
/** A cooked header, version 2 to build. */
export type LinuxSll2Draft = { readonly layer: 'linux_sll2' } & LinuxSll2Fields;

const SLL = 16;
const SLL2 = 20;
const ADDRESS = 8;
const ETHERNET = 1;
/** The type of a frame that has LLC. */
const LLC = 4;
const FIELDS: FieldNames<keyof LinuxSllFields> = field_names(
  'packet_type arphrd_type address_length src padding protocol',
);
const FIELDS2: FieldNames<keyof LinuxSll2Fields> = joined(field_names('reserved interface_index'), FIELDS);

/**
 * Makes a cooked header.
 *
 * @param fields unless given, the packet is for this host and came from the Ethernet address zero; lengths and protocol are worked out
 * @throws TypeError for a field that cooked headers do not have
 */
export const linux_sll: (fields?: LinuxSllFields) => LinuxSllDraft = maker('linux_sll', FIELDS);

/** Makes a cooked header of the second version, with interface_index and reserved bytes. */
export const linux_sll2: (fields?: LinuxSll2Fields) => LinuxSll2Draft = maker('linux_sll2', FIELDS2);

/** Returns the sender's address, up to 8 bytes of it, and the rest of its field of 8 bytes. */
function read_address(input: Input, at: number, length: number): { src: string; padding: Buffer } {
  const used = Math.min(length, ADDRESS);
  return { src: read_hardware(input.view, at, used), padding: input.slice(at + used, at + ADDRESS) };
}

/** Writes the sender's address; returns its length. */
function write_address(layer: LinuxSllDraft | LinuxSll2Draft, output: Output, at: number): number {
  const src = layer.src ?? '00:00:00:00:00:00';
  const length = Math.min(hardware_length(src) ?? 6, ADDRESS);
  output.bytes.fill(0, at, at + ADDRESS);
  output.hardware(at, src, `${layer.layer}.src`, length);
  const padding = bytes(layer.padding ?? new Uint8Array(0), `${layer.layer}.padding`);
  if (padding.length > ADDRESS - length) {
    throw new RangeError(`${layer.layer}.padding is longer than the ${ADDRESS - length} bytes behind src`);
  }
  output.bytes.set(padding, at + length);
  return length;
}

const protocol_of_next = (output: Output): number =>
  output.next?.layer === 'llc' ? LLC : ethertype_of_next(output);

const ENDS: Ends = [
  [2, 'packet_type'],
  [4, 'arphrd_type'],
  [6, 'address_length'],
  [14, 'src', 'padding'],
  [16, 'protocol'],
];

export const linux_sll_protocol: Protocol = {
  name: 'linux_sll',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('linux_sll', SLL)) return read_cut(input, linux_sll_protocol, SLL);
    const { view, at } = input;
    const address_length = view.getUint16(at + 4);
    const protocol = view.getUint16(at + 14);
    input.layers.push({
      layer: 'linux_sll',
      packet_type: view.getUint16(at),
      arphrd_type: view.getUint16(at + 2),
      address_length,
      ...read_address(input, at + 6, address_length),
      protocol,
    });
    input.at += SLL;
    return protocol === LLC ? protocol_of_name('llc') : protocol_of_ethertype(protocol);
  },

  build(layer: LinuxSllDraft, output: Output) {
    const at = output.prepend(SLL);
    const length = write_address(layer, output, at + 6);
    output.u16(at, layer.packet_type ?? 0, 'linux_sll.packet_type');
    output.u16(at + 2, layer.arphrd_type ?? ETHERNET, 'linux_sll.arphrd_type');
    output.u16(at + 4, layer.address_length ?? length, 'linux_sll.address_length');
    output.u16(at + 14, layer.protocol ?? protocol_of_next(output), 'linux_sll.protocol');
  },
};

const ENDS2: Ends = [
  [2, 'protocol'],
  [4, 'reserved'],
  [8, 'interface_index'],
  [10, 'arphrd_type'],
  [11, 'packet_type'],
  [12, 'address_length'],
  [20, 'src', 'padding'],
];

export const linux_sll2_protocol: Protocol = {
  name: 'linux_sll2',
  fields: FIELDS2,
  ends: () => ENDS2,

  parse(input: Input) {
    if (!input.has('linux_sll2', SLL2)) return read_cut(input, linux_sll2_protocol, SLL2);
    const { view, at } = input;
    const protocol = view.getUint16(at);
    const address_length = view.getUint8(at + 11);
    input.layers.push({
      layer: 'linux_sll2',
      reserved: view.getUint16(at + 2),
      interface_index: view.getUint32(at + 4),
      packet_type: view.getUint8(at + 10),
      arphrd_type: view.getUint16(at + 8),
      address_length,
      ...read_address(input, at + 12, address_length),
      protocol,
    });
    input.at += SLL2;
    return protocol === LLC ? protocol_of_name('llc') : protocol_of_ethertype(protocol);
  },

  build(layer: LinuxSll2Draft, output: Output) {
    const at = output.prepend(SLL2);
    const length = write_address(layer, output, at + 12);
    output.u16(at, layer.protocol ?? protocol_of_next(output), 'linux_sll2.protocol');
    output.u16(at + 2, layer.reserved ?? 0, 'linux_sll2.reserved');
    output.u32(at + 4, layer.interface_index ?? 0, 'linux_sll2.interface_index');
    output.u16(at + 8, layer.arphrd_type ?? ETHERNET, 'linux_sll2.arphrd_type');
    output.u8(at + 10, layer.packet_type ?? 0, 'linux_sll2.packet_type');
    output.u8(at + 11, layer.address_length ?? length, 'linux_sll2.address_length');
  },
};
