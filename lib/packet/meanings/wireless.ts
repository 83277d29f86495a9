// Numbers of Wi-Fi, IEEE 802.11, and of radiotap.
import { radiotap } from '../layers/wireless/radiotap.js';
import { bits, type Meaning, type Meanings, one_of } from './meaning.js';

/** What frames are, by their type. */
const SUBTYPES: readonly (readonly string[])[] = [
  [
    ...['association request', 'association response', 'reassociation request', 'reassociation response'],
    ...['probe request', 'probe response', 'timing advertisement', '', 'beacon', 'ATIM', 'disassociation'],
    ...['authentication', 'deauthentication', 'action', 'action without acknowledgement'],
  ],
  [
    ...['', '', 'trigger', 'TACK', 'beamforming report poll', 'NDP announcement', 'extension', 'wrapper'],
    ...['block ack request', 'block ack', 'PS-poll', 'RTS', 'CTS', 'ack', 'CF-end', 'CF-end and ack'],
  ],
  [
    ...['data', 'data and CF-ack', 'data and CF-poll', 'data, CF-ack and CF-poll'],
    ...['no data', 'CF-ack', 'CF-poll', 'CF-ack and CF-poll'],
    ...['QoS data', 'QoS data and CF-ack', 'QoS data and CF-poll', 'QoS data, CF-ack and CF-poll'],
    ...['QoS without data', '', 'QoS CF-poll', 'QoS CF-ack and CF-poll'],
  ],
];
const subtype: Meaning = (value, fields) => {
  const type = 'type' in fields && typeof fields.type === 'number' ? fields.type : -1;
  return SUBTYPES[type]?.[value] || undefined;
};

export const WIRELESS: Meanings = {
  'wlan.type': one_of({ 0: 'management', 1: 'control', 2: 'data', 3: 'extension' }),
  'wlan.subtype': subtype,
  'wlan.flags': bits({
    TO_DS: 0x01,
    FROM_DS: 0x02,
    'more fragments': 0x04,
    retry: 0x08,
    'power management': 0x10,
    'more data': 0x20,
    PROTECTED: 0x40,
    order: 0x80,
  }),
  'wlan.capabilities': bits({
    ESS: 0x01,
    IBSS: 0x02,
    privacy: 0x10,
    'short preamble': 0x20,
    'spectrum management': 0x100,
    QoS: 0x200,
    'short slot time': 0x400,
    APSD: 0x800,
    'radio measurement': 0x1000,
  }),
  'wlan.algorithm': one_of({ 0: 'open system', 1: 'shared key', 2: 'fast transition', 3: 'SAE' }),
  'wlan.status': one_of({
    0: 'success',
    1: 'unspecified failure',
    10: 'capabilities not supported',
    12: 'refused for another reason',
    13: 'algorithm not supported',
    14: 'transaction out of sequence',
    15: 'challenge failed',
    16: 'timeout',
    17: 'too many stations',
    18: 'rates not supported',
    30: 'try again later',
    37: 'declined',
    53: 'invalid PMKID',
    76: 'anti-clogging token required',
    77: 'finite group not supported',
    126: 'SAE by hash to element',
  }),
  'wlan.reason': one_of({
    1: 'unspecified',
    2: 'authentication no longer valid',
    3: 'the sender leaves',
    4: 'inactivity',
    5: 'too many stations',
    6: 'class 2 frame before authentication',
    7: 'class 3 frame before association',
    8: 'the sender leaves the network',
    9: 'association before authentication',
    14: 'message integrity failure',
    15: 'timeout of the 4-way handshake',
    16: 'timeout of the group key handshake',
    17: 'elements differ in the 4-way handshake',
    18: 'invalid group cipher',
    19: 'invalid pairwise cipher',
    20: 'invalid key management',
    23: '802.1X authentication failed',
    24: 'cipher suite rejected',
    34: 'too many frames without acknowledgement',
    45: 'cipher suite not supported by the peer',
  }),
  'wlan.erp.flags': bits({ 'non-ERP present': 1, protection: 2, 'long preamble': 4 }),
  'radiotap.flags': bits({
    CFP: 0x01,
    SHORT_PREAMBLE: radiotap.SHORT_PREAMBLE,
    WEP: 0x04,
    fragmented: 0x08,
    FCS: radiotap.FCS,
    DATA_PAD: radiotap.DATA_PAD,
    BAD_FCS: radiotap.BAD_FCS,
    'short guard interval': 0x80,
  }),
  'radiotap.channel_flags': bits({
    turbo: 0x10,
    CCK: 0x20,
    OFDM: 0x40,
    '2 GHz': 0x80,
    '5 GHz': 0x100,
    passive: 0x200,
    'CCK and OFDM': 0x400,
    GFSK: 0x800,
    'half rate': 0x4000,
    'quarter rate': 0x8000,
  }),
};
