// The messages of bridges: STP, RSTP and MSTP, IEEE 802.1D and 802.1Q, clause 14.
import { array, shown } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, known, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { header, only } from '../../define/header.js';
import { type Before, field, type OwnField } from '../../define/own_fields.js';
import { exact_bytes, type Field, layout, mac_address, u8, u16, u32 } from '../../options/option_values.js';
import type { Protocol } from '../../registry.js';

/** One spanning tree instance of MSTP. */
export interface MstInstance {
  /** the state of the port, as `flags` of `stp` */
  flags: number;
  /** priority and number of the instance */
  regional_root_priority: number;
  /** the address of the root of this tree */
  regional_root_mac: string;
  /** the cost of the path to the root of this tree */
  internal_path_cost: number;
  /** the priority of the bridge that sends, in the highest 4 bits */
  bridge_priority: number;
  /** the priority of the port, in the highest 4 bits */
  port_priority: number;
  /** how many bridges may still pass it on */
  remaining_hops: number;
}
/** The part of MSTP behind RSTP's. */
export interface Mst {
  /** the format of the name of the region: 0 */
  format_selector: number;
  /** the name of the region: text of at most 32 bytes */
  region: string;
  /** the revision of the configuration of the region */
  revision: number;
  /** 16 bytes */
  digest: Buffer;
  /** the cost of the path to the root of the region */
  internal_path_cost: number;
  /** the priority of the bridge that sends */
  bridge_priority: number;
  /** the address of the bridge that sends */
  bridge_mac: string;
  /** how many bridges may still pass it on */
  remaining_hops: number;
  /** the spanning trees of the region */
  instances: readonly MstInstance[];
}
/** What MSTP adds to the message of STP, to build. */
export type MstFields = Partial<
  Omit<Mst, 'digest' | 'instances'> & { digest: Uint8Array; instances: readonly Partial<MstInstance>[] }
>;

/** A message of STP, RSTP or MSTP, IEEE 802.1Q. */
export interface Stp {
  /** The name of the layer. */
  readonly layer: 'stp';
  /** 0 */
  protocol_id: number;
  /** 0 STP, 2 RSTP, 3 MSTP */
  version: number;
  /** stp.CONFIGURATION, stp.TOPOLOGY_CHANGE (which has no other fields), stp.RAPID */
  type: number;
  /** the bits of the state of the port and of changes of the topology */
  flags: number | undefined;
  /** with the number of the VLAN in its low 12 bits */
  root_priority: number | undefined;
  /** the address of the root bridge */
  root_mac: string | undefined;
  /** the cost of the path to the root */
  root_path_cost: number | undefined;
  /** the priority of the bridge that sends */
  bridge_priority: number | undefined;
  /** the address of the bridge that sends */
  bridge_mac: string | undefined;
  /** priority and number */
  port: number | undefined;
  /** in seconds, of which the field has 256ths */
  message_age: number | undefined;
  /** how long a message is valid, in seconds */
  max_age: number | undefined;
  /** between two messages of the root, in seconds */
  hello_time: number | undefined;
  /** how long a port listens and learns, in seconds */
  forward_delay: number | undefined;
  /** of version 2 and above: 0 */
  version1_length: number | undefined;
  /** of version 3: the bytes of mst */
  version3_length: number | undefined;
  /** what MSTP adds; undefined in other versions */
  mst: Mst | undefined;
}
/** The fields of an STP message to build: what is left out is worked out, or has a default. */
export type StpFields = Fields<Stp, { mst: MstFields }>;
/** An STP message to build. */
export type StpDraft = { readonly layer: 'stp' } & StpFields;

const FIELDS: FieldNames<keyof StpFields> = field_names(
  'protocol_id version type flags root_priority root_mac root_path_cost bridge_priority bridge_mac port',
  'message_age max_age hello_time forward_delay version1_length version3_length mst',
);
const [CONFIGURATION, RAPID, TOPOLOGY_CHANGE] = [0, 2, 0x80];

/**
 * Makes a message of bridges; it stands behind `llc`.
 *
 * @param fields unless given, a configuration message with the priority 32768, the times of the standard and all else zero; with `mst`,
 *   of version 3; type and lengths are worked out
 * @throws TypeError for a field that the message does not have
 */
export const stp = Object.assign(maker<'stp', StpFields>('stp', FIELDS), {
  CONFIGURATION,
  RAPID,
  TOPOLOGY_CHANGE,
} as const);

/** Seconds in 256ths. */
const seconds = (standard: number): OwnField<number> => ({
  bits: 16,
  is_whole: true,
  standard: () => standard,
  read: (view, bit) => view.getUint16(bit / 8) / 256,
  write(view, bit, _bits, value, name) {
    if (typeof value !== 'number')
      throw new TypeError(`${name} must be a number of seconds, not ${shown(value)}`);
    const units = value * 256;
    if (!Number.isInteger(units) || units < 0 || units > 0xffff)
      throw new RangeError(`${name} must be between 0 and 255 seconds, in 256ths, not ${value}`);
    view.setUint16(bit / 8, units);
  },
});

const has_bridges = ({ type }: Before): boolean => type === CONFIGURATION || type === RAPID;
const is_rapid = ({ type, version }: Before): boolean => type === RAPID && Number(version) >= 2;
const is_mst = (before: Before): boolean => is_rapid(before) && before.version === 3;

const region: Field<string> = {
  size: 32,
  read(view, at) {
    const all = Buffer.from(view.buffer, view.byteOffset + at, 32);
    const name = all.toString('utf8', 0, all.indexOf(0) < 0 ? 32 : all.indexOf(0));
    return Buffer.compare(padded(name), all) === 0 ? name : undefined;
  },
  write(value, name) {
    const given: unknown = value ?? '';
    if (typeof given !== 'string') throw new TypeError(`${name} must be a string, not ${shown(given)}`);
    const size = Buffer.byteLength(given);
    if (size > 32) throw new RangeError(`${name} must have at most 32 bytes, not ${size}`);
    return padded(given);
  },
};
const padded = (name: string): Buffer => Buffer.concat([Buffer.from(name), Buffer.alloc(32)], 32);

const mst_layout = layout({
  format_selector: u8(0),
  region,
  revision: u16(0),
  digest: exact_bytes(16),
  internal_path_cost: u32(0),
  bridge_priority: u16(0x8000),
  bridge_mac: mac_address,
  remaining_hops: u8(20),
});
const instance_layout = layout({
  flags: u8(0),
  regional_root_priority: u16(0x8000),
  regional_root_mac: mac_address,
  internal_path_cost: u32(0),
  bridge_priority: u8(0x80),
  port_priority: u8(0x80),
  remaining_hops: u8(20),
});
const MST = 64;
const INSTANCE = 16;
const MST_FIELDS = field_names(
  'format_selector region revision digest internal_path_cost bridge_priority bridge_mac remaining_hops instances',
);

function read_mst({ view, at, end }: Input, length: number): Mst | undefined {
  if (length < MST || (length - MST) % INSTANCE !== 0 || at + length > end) return undefined;
  const slice = (start: number, size: number) => Buffer.from(view.buffer, view.byteOffset + start, size);
  const mst = mst_layout.read(slice(at, MST), view, at);
  if (mst === undefined) return undefined;
  const instances: MstInstance[] = [];
  for (let start = at + MST; start < at + length; start += INSTANCE) {
    const instance = instance_layout.read(slice(start, INSTANCE), view, start);
    if (instance !== undefined) instances.push(instance);
  }
  return { ...mst, instances };
}

function mst_bytes(mst: MstFields): Buffer {
  const { instances = [], ...fields } = known(mst, 'stp.mst', MST_FIELDS);
  const all = array(instances, 'stp.mst.instances').map((instance, i) =>
    instance_layout.write(
      known(instance as object, `stp.mst.instances[${i}]`, instance_layout.names),
      `stp.mst.instances[${i}]`,
    ),
  );
  return Buffer.concat([mst_layout.write(fields as Partial<Omit<Mst, 'instances'>>, 'stp.mst'), ...all]);
}

export const stp_protocol: Protocol = header<Stp, StpDraft>(
  'stp',
  FIELDS,
  {
    protocol_id: field.uint(16),
    version: field.uint(8),
    type: field.uint(8),
    flags: only(has_bridges, field.uint(8)),
    root_priority: only(has_bridges, field.uint(16, 0x8000)),
    root_mac: only(has_bridges, field.mac()),
    root_path_cost: only(has_bridges, field.uint(32)),
    bridge_priority: only(has_bridges, field.uint(16, 0x8000)),
    bridge_mac: only(has_bridges, field.mac()),
    port: only(has_bridges, field.uint(16, 0x8001)),
    message_age: only(has_bridges, seconds(0)),
    max_age: only(has_bridges, seconds(20)),
    hello_time: only(has_bridges, seconds(2)),
    forward_delay: only(has_bridges, seconds(15)),
    version1_length: only(is_rapid, field.uint(8)),
    version3_length: only(is_mst, field.uint(16)),
  },
  {
    read({ version3_length }, input) {
      const length = version3_length ?? 0;
      const mst = length === 0 ? undefined : read_mst(input, length);
      if (mst !== undefined) input.at += length;
      else if (length > 0 && !input.partial && input.end === input.wire_end)
        input.problem('stp', input.at - 2, `version3_length is ${length}, which does not fit`);
      return { mst };
    },
    write(
      { mst, version, type = version === undefined || version < 2 ? CONFIGURATION : RAPID },
      output: Output,
    ) {
      if (mst === undefined || mst === null) return { type };
      const data = mst_bytes(mst);
      output.prepend_bytes(data);
      return { version: 3, type: RAPID, version3_length: data.length };
    },
  },
);
