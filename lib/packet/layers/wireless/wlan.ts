// Wi-Fi, IEEE 802.11: the header of each frame with its addresses, and the fields and elements of management frames. Data frames carry
// LLC. What is encrypted is a payload.
import { integer } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { header, little, only } from '../../define/header.js';
import { type Before, field, type OwnField } from '../../define/own_fields.js';
import { type Protocol, protocol_of_name } from '../../registry.js';
import { radiotap } from './radiotap.js';
import { type WlanElement, type WlanElementFields, wlan_elements } from './wlan_elements.js';

/** The header of a frame of Wi-Fi, IEEE 802.11; the whole of a management frame. */
export interface Wlan {
  /** The name of the layer. */
  readonly layer: 'wlan';
  /** what the frame is, of its type: wlan.BEACON and so on */
  subtype: number;
  /** wlan.MANAGEMENT, wlan.CONTROL, wlan.DATA */
  type: number;
  /** 0 */
  version: number;
  /** wlan.TO_DS, wlan.FROM_DS, … */
  flags: number;
  /** in microseconds, or the number of a station */
  duration: number;
  /** the receiver */
  address1: string;
  /** the sender */
  address2: string | undefined;
  /** the network, or the first sender or the last receiver */
  address3: string | undefined;
  /** the number of the fragment in the low 4 bits, that of the frame in the others */
  sequence_control: number | undefined;
  /** the first sender, in frames from one network to another */
  address4: string | undefined;
  /** of data frames with a quality of service: the traffic class and others */
  qos: number | undefined;
  /** the HT control field */
  ht_control: number | undefined;
  /** of beacons and probe responses: microseconds */
  timestamp: bigint | undefined;
  /** between beacons, in units of 1,024 microseconds */
  beacon_interval: number | undefined;
  /** of authentication frames: 0 open system, 1 shared key, 3 SAE */
  algorithm: number | undefined;
  /** the number of the message in its exchange, from 1 */
  transaction: number | undefined;
  /** bits of what the sender is able to do */
  capabilities: number | undefined;
  /** how often a station listens, in beacons */
  listen_interval: number | undefined;
  /** of responses: 0 success */
  status: number | undefined;
  /** the number that a station gets, with the two highest bits set */
  association_id: number | undefined;
  /** the access point from which a station moves */
  current_ap: string | undefined;
  /** why a station leaves */
  reason: number | undefined;
  /** of management frames */
  elements: readonly WlanElement[] | undefined;
}
/** The fields of a frame of Wi-Fi to build: what is left out is worked out, or has a default. */
export type WlanFields = Fields<Wlan, { elements: readonly WlanElementFields[] }>;
/** A frame of Wi-Fi to build. */
export type WlanDraft = { readonly layer: 'wlan' } & WlanFields;

const FIELDS: FieldNames<keyof WlanFields> = field_names(
  'subtype type version flags duration address1 address2 address3 sequence_control address4 qos ht_control',
  'timestamp beacon_interval algorithm transaction capabilities listen_interval status association_id',
  'current_ap reason elements',
);
const [MANAGEMENT, CONTROL, DATA] = [0, 1, 2] as const;
const [TO_DS, FROM_DS, PROTECTED, ORDER] = [0x01, 0x02, 0x40, 0x80] as const;
const SUBTYPES = {
  ASSOCIATION_REQUEST: 0,
  ASSOCIATION_RESPONSE: 1,
  REASSOCIATION_REQUEST: 2,
  REASSOCIATION_RESPONSE: 3,
  PROBE_REQUEST: 4,
  PROBE_RESPONSE: 5,
  BEACON: 8,
  ATIM: 9,
  DISASSOCIATION: 10,
  AUTHENTICATION: 11,
  DEAUTHENTICATION: 12,
} as const;
/** Control frames with a second address; QoS data and data without data. */
const [SECOND_ADDRESS, QOS, NO_DATA] = [[2, 4, 5, 8, 9, 10, 11, 14, 15], 8, 4] as const;
const FRAGMENT = 0x000f;
const SEVERAL_FRAMES = 0x80;

/**
 * Makes a frame of Wi-Fi.
 *
 * @param fields unless given, a data frame with the addresses zero, of a network if it carries nothing; numbers are 0. Fields that
 *   the frame's type does not have are refused by `build`
 * @throws TypeError for a field that 802.11 does not have
 */
export const wlan = Object.assign(maker<'wlan', WlanFields>('wlan', FIELDS), {
  ...SUBTYPES,
  MANAGEMENT,
  CONTROL,
  DATA,
  TO_DS,
  FROM_DS,
  PROTECTED,
} as const);

const has_flag = ({ flags }: Before, flag: number): boolean => (Number(flags) & flag) !== 0;
const is_long = ({ type }: Before): boolean => type === MANAGEMENT || type === DATA;
const has_second = (before: Before): boolean =>
  is_long(before) ||
  (before.type === CONTROL && SECOND_ADDRESS.some((subtype) => subtype === before.subtype));
const has_qos = ({ type, subtype }: Before): boolean => type === DATA && (Number(subtype) & QOS) !== 0;
const has_ht = (before: Before): boolean =>
  has_flag(before, ORDER) && (before.type === MANAGEMENT || has_qos(before));
/** Returns whether a frame is one of these management frames, and can be read. */
const manages =
  (...subtypes: readonly number[]) =>
  (before: Before): boolean =>
    before.type === MANAGEMENT && !has_flag(before, PROTECTED) && subtypes.includes(Number(before.subtype));
const { ASSOCIATION_REQUEST, ASSOCIATION_RESPONSE, AUTHENTICATION, BEACON, DEAUTHENTICATION } = SUBTYPES;
const { DISASSOCIATION, PROBE_REQUEST, PROBE_RESPONSE, REASSOCIATION_REQUEST, REASSOCIATION_RESPONSE } =
  SUBTYPES;
const announces = manages(BEACON, PROBE_RESPONSE);
const asks = manages(ASSOCIATION_REQUEST, REASSOCIATION_REQUEST);
const answers = manages(ASSOCIATION_RESPONSE, REASSOCIATION_RESPONSE);
const authenticates = manages(AUTHENTICATION);
const has_elements = (before: Before): boolean =>
  announces(before) ||
  asks(before) ||
  answers(before) ||
  manages(AUTHENTICATION, DEAUTHENTICATION, DISASSOCIATION, PROBE_REQUEST)(before);

const time: OwnField<bigint> = {
  bits: 64,
  is_whole: true,
  standard: () => 0n,
  read: (view, bit) => view.getBigUint64(bit / 8, true),
  write(view, bit, _bits, value, name) {
    const number =
      typeof value === 'bigint' ? value : BigInt(integer(value, name, 0, Number.MAX_SAFE_INTEGER));
    if (number < 0n || number >= 1n << 64n)
      throw new RangeError(`${name} must be between 0 and 2^64 - 1, not ${number}n`);
    view.setBigUint64(bit / 8, number, true);
  },
};

/** Returns whether the data of a frame is LLC: not encrypted, not a later fragment, not several frames in one. */
function carries_llc(
  { type, subtype, flags, sequence_control = 0, qos = 0 }: Wlan,
  { layers }: Input,
): boolean {
  const radio = layers.at(-2);
  const is_padded = radio?.layer === 'radiotap' && ((radio.flags ?? 0) & radiotap.DATA_PAD) !== 0;
  return (
    type === DATA &&
    (subtype & NO_DATA) === 0 &&
    (flags & PROTECTED) === 0 &&
    (sequence_control & FRAGMENT) === 0 &&
    (qos & SEVERAL_FRAMES) === 0 &&
    !is_padded
  );
}

export const wlan_protocol: Protocol = header<Wlan, WlanDraft>(
  'wlan',
  FIELDS,
  {
    subtype: field.uint(4),
    type: field.uint(2, DATA),
    version: field.uint(2),
    flags: field.uint(8),
    duration: little(16),
    address1: field.mac(),
    address2: only(has_second, field.mac()),
    address3: only(is_long, field.mac()),
    sequence_control: only(is_long, little(16)),
    address4: only(
      (before) => before.type === DATA && has_flag(before, TO_DS) && has_flag(before, FROM_DS),
      field.mac(),
    ),
    qos: only(has_qos, little(16)),
    ht_control: only(has_ht, little(32)),
    timestamp: only(announces, time),
    beacon_interval: only(announces, little(16, 100)),
    algorithm: only(authenticates, little(16)),
    transaction: only(authenticates, little(16, 1)),
    capabilities: only((before) => announces(before) || asks(before) || answers(before), little(16)),
    listen_interval: only(asks, little(16)),
    status: only((before) => answers(before) || authenticates(before), little(16)),
    association_id: only(answers, little(16)),
    current_ap: only(manages(REASSOCIATION_REQUEST), field.mac()),
    reason: only(manages(DEAUTHENTICATION, DISASSOCIATION), little(16)),
  },
  {
    read(fields, input) {
      if (!has_elements({ ...fields })) return { elements: undefined };
      const elements = wlan_elements.read(input, input.at, input.wire_end);
      input.at = input.end;
      return { elements };
    },
    write(layer, output) {
      const { elements } = layer;
      if (elements === undefined) return undefined;
      if (!has_elements({ flags: 0, ...layer }))
        throw new RangeError('wlan.elements are not there by type, subtype and flags, leave them out');
      output.prepend_bytes(wlan_elements.bytes(elements, 'wlan.elements'));
      return undefined;
    },
    next: (layer, input) => (carries_llc(layer, input) ? protocol_of_name('llc') : undefined),
  },
);
