// The text of LLC (IEEE 802.2) and SNAP, in the words of tcpdump. Without -e, a frame is told by what it carries, if that is known.
import type { Layer, Layers } from '../../../../packet/index.js';
import { ipv4_header_missing } from '../internet/missing.js';
import { ETHERTYPES, hex, type Names, ORGANIZATIONS } from '../names.js';
import type { Place } from '../place.js';
import { cdp_text, dtp_text, udld_text } from './cisco.js';
import { carried_by_ethertype } from './ethertypes.js';
import { stp_text } from './stp.js';

const [IP_SAP, STP_SAP, SNAP_SAP] = [0x06, 0x42, 0xaa];
const SAPS: Names = {
  0: 'Null',
  2: '802.1B I',
  4: 'SNA',
  [IP_SAP]: 'IP',
  14: 'ProWay NM',
  [STP_SAP]: 'STP',
  78: 'RS511',
  126: 'ISO8208',
  142: 'ProWay',
  [SNAP_SAP]: 'SNAP',
  224: 'IPX',
  240: 'NetBeui',
  254: 'OSI',
};
/** Commands of unnumbered frames, without the bit that asks for an answer. */
const COMMANDS: Names = {
  3: 'ui',
  15: 'dm',
  67: 'disc',
  99: 'ua',
  111: 'sabme',
  135: 'frmr',
  175: 'xid',
  227: 'test',
};
const SUPERVISORY = ['Receiver Ready', 'Receiver not Ready', 'Reject'];
const [UI, XID, XID_FORMAT] = [0x03, 0xaf, 0x81];
const [POLL, NUMBERED_POLL] = [0x10, 0x100];
const MAC_POSITIONS = { 0: [2, 1], 1: [2, 3], 2: [3, 1], 3: [4, 3] } as const;

/** Returns the addresses of the source and the destination of the frame around; undefined behind a header that has none. */
function addresses({ layers, at }: Place): readonly [src: string | undefined, dst: string] | undefined {
  const frame: Layer | undefined = layers
    .slice(0, at)
    .findLast(({ layer }) => layer !== 'vlan' && layer !== 'llc');
  if (frame?.layer === 'ethernet') return [frame.src, frame.dst];
  if (frame?.layer !== 'wlan') return undefined;
  const [src, dst] = MAC_POSITIONS[(frame.flags & 3) as 0 | 1 | 2 | 3];
  return [frame[`address${src}`], frame[`address${dst}`] ?? ''];
}

/** Returns the addresses and the service access points, of a frame whose content is not known. */
function ends_text(dsap: number, ssap: number, place: Place): string {
  const macs = addresses(place);
  const to = SAPS[dsap] ?? `Unknown DSAP ${hex(dsap, 2)}`;
  const from = SAPS[ssap] ?? `Unknown SSAP ${hex(ssap, 2)}`;
  if (macs === undefined) return dsap === ssap ? `${to} ` : `${from} > ${to} `;
  const [src, dst] = macs;
  return dsap === ssap ? `${src} > ${dst} ${to} ` : `${src} ${from} > ${dst} ${to} `;
}

/** Returns the text of a frame without numbers, and the bytes behind it. */
function unnumbered_text(control: number, flags: string, place: Place, inner: Place): string {
  const command = control & ~POLL;
  const text = `Unnumbered, ${COMMANDS[command] ?? command.toString(16).padStart(2, '0')}, Flags [${flags}], length ${place.length}`;
  const [format, ...values] = inner.bytes;
  if (command !== XID) return text + place.dump();
  if (inner.length === 0) return text;
  if (format !== XID_FORMAT) return text + place.dump();
  if (values.length < 2) return `${text} [|llc]${inner.all_dumped()}`;
  const [first = 0, second = 0] = values.map((value) => value.toString(16).padStart(2, '0'));
  return `${text}: ${first} ${second}`;
}

/** Returns what a frame with this control field is. */
function frame_text(control: number, is_response: boolean, place: Place, inner: Place): string {
  const names = is_response ? ['Response', 'Final'] : ['Command', 'Poll'];
  if ((control & 3) === 3) return unnumbered_text(control, names[(control & POLL) >>> 4] ?? '', place, inner);
  const flags = names[(control & NUMBERED_POLL) >>> 8];
  const received = `rcv seq ${(control >>> 9) & 0x7f}, Flags [${flags}], length ${place.length}`;
  if (control & 1) return `Supervisory, ${SUPERVISORY[(control >>> 2) & 3] ?? '?'}, ${received}`;
  return `Information, send seq ${(control >>> 1) & 0x7f}, ${received}${place.dump()}`;
}

/** Returns the bytes of the header. */
export function llc_size({ control }: Layers['llc']): number {
  return (control & 3) === 3 ? 3 : 4;
}

export function llc_text(layer: Layers['llc'], place: Place): string {
  if (layer.cut !== undefined) return ` [|llc]${place.all_dumped()}`;
  const { dsap: to, ssap: from, control } = layer;
  const [dsap, ssap] = [to & ~1, from & ~1];
  const size = llc_size(layer);
  const inner = place.next(size);
  let text = '';
  if (place.style.link) {
    const destination = `${SAPS[dsap] ?? 'Unknown'} (${hex(dsap, 2)}) ${to & 1 ? 'Group' : 'Individual'}`;
    const source = `${SAPS[ssap] ?? 'Unknown'} (${hex(ssap, 2)}) ${from & 1 ? 'Response' : 'Command'}`;
    text = `LLC, dsap ${destination}, ssap ${source}, ctrl ${hex(control, size === 3 ? 2 : 4)}: `;
  }
  if (dsap === ssap && control === UI) {
    if (dsap === SNAP_SAP) return text + (inner.text() ?? ' [|snap]');
    if (dsap === STP_SAP) return text + stp_text(inner);
    if (dsap === IP_SAP) return text + (inner.text() ?? ipv4_header_missing(inner));
  }
  if (!place.style.link) text += ends_text(dsap, ssap, place);
  return text + frame_text(control, (from & 1) === 1, place, inner);
}

const [ETHERTYPE, CISCO, BRIDGED, CISCO_BRIDGED] = [0, 0x00000c, 0x0080c2, 0x0000f8];
const BRIDGE_MESSAGE = 14;
/** The numbers that organizations give. */
const PROTOCOLS: Readonly<Record<number, Names>> = {
  [ETHERTYPE]: ETHERTYPES,
  [CISCO_BRIDGED]: ETHERTYPES,
  [CISCO]: {
    267: 'PVST',
    268: 'VLAN Bridge',
    273: 'UDLD',
    8192: 'CDP',
    8195: 'VTP',
    8196: 'DTP',
  },
  [BRIDGED]: {
    1: 'Ethernet + FCS',
    2: '802.4 + FCS',
    3: 'Token Ring + FCS',
    4: 'FDDI + FCS',
    5: '802.6 + FCS',
    7: 'Ethernet w/o FCS',
    8: '802.4 w/o FCS',
    9: 'Token Ring w/o FCS',
    10: 'FDDI w/o FCS',
    11: '802.6 w/o FCS',
    14: 'BPDU',
  },
};
/** What Cisco's numbers stand for. */
const CISCO_TEXTS: Readonly<Record<number, (place: Place) => string>> = {
  267: stp_text,
  268: stp_text,
  273: udld_text,
  8192: cdp_text,
  8196: dtp_text,
};
const SNAP = 5;
const LLC = 3;

/** Returns the text of what a SNAP header announces; undefined for a protocol that is not known. */
function carried_by_snap(oui: number, protocol: number, inner: Place): string | undefined {
  switch (oui) {
    case ETHERTYPE:
    case CISCO_BRIDGED:
      return carried_by_ethertype(protocol, inner);
    case CISCO:
      return CISCO_TEXTS[protocol]?.(inner);
    case BRIDGED:
      return protocol === BRIDGE_MESSAGE ? stp_text(inner) : inner.text();
  }
  return inner.text();
}

export function snap_text(layer: Layers['snap'], place: Place): string {
  if (layer.cut !== undefined) return ' [|snap]';
  const { oui, protocol } = layer;
  const inner = place.next(SNAP);
  const organization = `oui ${ORGANIZATIONS[oui] ?? 'Unknown'} (${hex(oui, 6)})`;
  const kind = oui === ETHERTYPE ? 'ethertype' : 'pid';
  const name = `${kind} ${PROTOCOLS[oui]?.[protocol] ?? 'Unknown'} (${hex(protocol, 4)}), length ${inner.length}: `;
  const text = place.style.link ? `${organization}, ${name}` : '';
  const carried = carried_by_snap(oui, protocol, inner);
  if (carried !== undefined) return text + carried;
  if (place.style.link) return text + place.before(LLC).dump();
  const [src, dst] = addresses(place) ?? [];
  const ends = src === undefined ? '' : `${src} > ${dst} `;
  const unknown = oui === ETHERTYPE ? `${ends}SNAP, ${name}` : `${ends}SNAP, ${organization}, ${name}`;
  return unknown + place.before(LLC).dump();
}
