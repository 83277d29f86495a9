// The line of a frame of 802.11, as tcpdump writes it. The line of a data frame is that of what it carries.
import type { Layers } from '../../../../packet/index.js';
import { caret } from '../names.js';
import type { Place } from '../place.js';
import { REASONS, RESULTS } from './wlan_words.js';

type Wlan = Layers['wlan'];

const [MANAGEMENT, CONTROL, DATA] = [0, 1, 2];
const [PROTECTED, NO_DATA, ESS, PRIVACY] = [0x40, 4, 0x01, 0x10];
const [SSID, RATES, CHANNEL] = [0, 1, 3];
const ALGORITHMS: readonly string[] = ['Open System', 'Shared Key', 'EAP'];
const SHARED_KEY = 1;
const CATEGORIES: Readonly<Record<number, string>> = {
  0: 'Spectrum Management',
  1: 'QoS',
  2: 'DLS',
  3: 'BA',
  7: 'HT',
  127: 'Vendor',
};
const BLOCK_ACK = 3;
const NONE = Buffer.alloc(0);
const BLOCK_ACK_ACTIONS: readonly string[] = ['ADDBA Request', 'ADDBA Response', 'DELBA'];

const data_of = ({ elements = [] }: Wlan, wanted: number): Buffer | undefined =>
  elements.find(({ type }) => type === wanted)?.data;

function ssid_text(layer: Wlan): string {
  const ssid = data_of(layer, SSID);
  return ssid === undefined ? '' : ` (${caret(ssid)})`;
}

function rates_text(layer: Wlan): string {
  const rates = data_of(layer, RATES);
  if (rates === undefined || rates.length === 0) return '';
  const each = Array.from(rates, (rate) => `${((rate & 0x7f) / 2).toFixed(1)}${rate & 0x80 ? '*' : ''}`);
  return ` [${each.join(' ')} Mbit]`;
}

function channel_text(layer: Wlan): string {
  const channel = data_of(layer, CHANNEL)?.[0];
  const is_private = ((layer.capabilities ?? 0) & PRIVACY) !== 0;
  return (channel === undefined ? '' : ` CH: ${channel}`) + (is_private ? ', PRIVACY' : '');
}

const result_text = (status = 0): string => RESULTS[status] ?? 'Reserved';
const reason_text = (reason = 0): string => REASONS[reason] ?? 'Reserved';

function response_text({ association_id = 0, capabilities = 0, status }: Wlan): string {
  const privacy = capabilities & PRIVACY ? ' PRIVACY ' : '';
  return ` AID(${(association_id & 0x3fff).toString(16)}) :${privacy}: ${result_text(status)}`;
}

function authentication_text({ algorithm = 0, transaction = 0, status }: Wlan): string {
  const head = ` (${ALGORITHMS[algorithm] ?? 'Reserved'})-${transaction.toString(16)}`;
  const result = transaction % 2 === 0 ? '' : result_text(status);
  const has_challenge = algorithm === SHARED_KEY && (transaction === 2 || transaction === 3);
  return `${head}${has_challenge ? ' [Challenge Text]' : ':'} ${result}`;
}

function encrypted_text(data: Buffer): string {
  if (data.length < 4) return ' [|802.11]';
  const iv = data.readUInt32LE();
  return ` IV:${(iv & 0xffffff).toString(16).padStart(3, ' ')} Pad ${((iv >>> 24) & 0x3f).toString(16)} KeyID ${(iv >>> 30).toString(16)}`;
}

function action_text(data: Buffer): string {
  const [category = 0, action = 0] = data;
  const name = CATEGORIES[category] ?? `Reserved(${category})`;
  const known = category === BLOCK_ACK ? BLOCK_ACK_ACTIONS[action] : undefined;
  return `${name} ${known ?? `Act#${action}`}`;
}

function management_text(layer: Wlan, data: Buffer): string {
  const { subtype, capabilities = 0, address2 } = layer;
  switch (subtype) {
    case 0:
      return `Assoc Request${ssid_text(layer)}${rates_text(layer)}`;
    case 1:
      return `Assoc Response${response_text(layer)}`;
    case 2:
      return `ReAssoc Request${ssid_text(layer)} AP : ${layer.current_ap}`;
    case 3:
      return `ReAssoc Response${response_text(layer)}`;
    case 4:
      return `Probe Request${ssid_text(layer)}${rates_text(layer)}`;
    case 5:
      return `Probe Response${ssid_text(layer)}${rates_text(layer)}${channel_text(layer)}`;
    case 8:
      return `Beacon${ssid_text(layer)}${rates_text(layer)} ${capabilities & ESS ? 'ESS' : 'IBSS'}${channel_text(layer)}`;
    case 9:
      return 'ATIM';
    case 10:
      return `Disassociation: ${reason_text(layer.reason)}`;
    case 11:
      return `Authentication${layer.flags & PROTECTED ? encrypted_text(data) : authentication_text(layer)}`;
    case 12:
      return `DeAuthentication (${address2}): ${reason_text(layer.reason)}`;
    case 13:
      return `Action (${address2}): ${action_text(data)}`;
    default:
      return `Unhandled Management subtype(${subtype.toString(16)})`;
  }
}

function control_text({ subtype, duration, address1, address2 }: Wlan, data: Buffer): string {
  switch (subtype) {
    case 7:
      return 'Control Wrapper';
    case 8: {
      const [control, sequence] = data.length < 4 ? [0, 0] : [data.readUInt16LE(), data.readUInt16LE(2)];
      return `BAR RA:${address1} TA:${address2} CTL(${control.toString(16)}) SEQ(${sequence}) `;
    }
    case 9:
      return `BA RA:${address1} `;
    case 10:
      return `Power Save-Poll AID(${duration.toString(16)})`;
    case 11:
      return `Request-To-Send TA:${address2} `;
    case 12:
      return `Clear-To-Send RA:${address1} `;
    case 13:
      return `Acknowledgment RA:${address1} `;
    case 14:
      return `CF-End RA:${address1} `;
    case 15:
      return `CF-End+CF-Ack RA:${address1} `;
    default:
      return `unknown 802.11 ctrl frame subtype (${subtype})`;
  }
}

/** Bytes of the headers of control frames, by their subtype. */
const CONTROL_SIZES: Readonly<Record<number, number>> = {
  8: 16,
  9: 16,
  10: 16,
  11: 16,
  12: 10,
  13: 10,
  14: 16,
  15: 16,
};

/** Returns the bytes of a frame's header. */
export function wlan_size({ type, subtype, address4, qos, ht_control }: Wlan): number {
  if (type === MANAGEMENT) return 24;
  if (type === CONTROL) return CONTROL_SIZES[subtype] ?? 0;
  return (
    24 + (address4 === undefined ? 0 : 6) + (qos === undefined ? 0 : 2) + (ht_control === undefined ? 0 : 4)
  );
}

/** Returns the text of a frame; a data frame says no more than what it carries. */
export function wlan_text(layer: Wlan, place: Place): string {
  if (layer.cut !== undefined) return ' [|802.11]';
  const { type, subtype, flags } = layer;
  const behind = place.layers[place.at + 1];
  const data = behind?.layer === 'payload' ? behind.data : NONE;
  if (type === MANAGEMENT) return management_text(layer, data);
  if (type === CONTROL) return control_text(layer, data);
  if (type !== DATA) return `unknown 802.11 frame type (${type})`;
  if (subtype & NO_DATA) return '';
  if (flags & PROTECTED) return `Data${encrypted_text(data)}`;
  const inner = place.next(wlan_size(layer));
  return inner.text() ?? inner.dump();
}
