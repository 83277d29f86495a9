// The lines of PPPoE, PPP and the protocols that configure it, as tcpdump writes them.
import type { Layers } from '../../../../packet/index.js';
import { hexadecimal } from '../dump.js';
import { caret, hex, type Names } from '../names.js';
import type { Place } from '../place.js';

const PPPOE_CODES: Readonly<Record<number, string>> = {
  0: '',
  7: 'PADO',
  9: 'PADI',
  25: 'PADR',
  101: 'PADS',
  167: 'PADT',
};
const TAGS: Readonly<Record<number, string>> = {
  0: 'EOL',
  257: 'Service-Name',
  258: 'AC-Name',
  259: 'Host-Uniq',
  260: 'AC-Cookie',
  261: 'Vendor-Specific',
  272: 'Relay-Session-ID',
  288: 'PPP-Max-Payload',
  513: 'Service-Name-Error',
  514: 'AC-System-Error',
  515: 'Generic-Error',
};
/** Characters of a tag that are written. */
const MOST_CHARACTERS = 79;

const is_printable = (byte: number): boolean => byte >= 32 && byte < 127;

function tag_text({ type, data }: Layers['pppoed']['tags'][number]): string {
  const name = TAGS[type] ?? `TAG-0x${type.toString(16)}`;
  if (data.length === 0) return ` [${name}]`;
  const count = data.filter(is_printable).length;
  if (count > data.length - count) return ` [${name} "${caret(data.subarray(0, MOST_CHARACTERS))}"]`;
  return ` [${name} 0x${data.toString('hex').toUpperCase()}]`;
}

function head_text({ code, session_id }: { code: number; session_id: number }): string {
  const name = PPPOE_CODES[code] ?? `PAD-${code.toString(16).toUpperCase()}`;
  return `PPPoE ${name}${session_id === 0 ? '' : ` [ses 0x${session_id.toString(16)}]`}`;
}

/** Returns the text of a message that looks for a session. */
export function pppoed_text(layer: Layers['pppoed'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('pppoe');
  return head_text(layer) + layer.tags.map(tag_text).join('');
}

const PPPOE = 6;

/** Returns the text of a session's header, and of what it carries. */
export function pppoes_text(layer: Layers['pppoes'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('pppoe');
  const inner = place.next(PPPOE, Math.min(layer.length, place.length - PPPOE));
  return `${head_text(layer)} ${inner.text() ?? inner.broken('ppp')}`;
}

const PROTOCOLS: Names = {
  33: 'IP',
  35: 'OSI',
  37: 'NS',
  39: 'DECNET',
  41: 'APPLE',
  43: 'IPX',
  45: 'VJC IP',
  47: 'VJNC IP',
  49: 'BRPDU',
  51: 'STII',
  53: 'VINES',
  61: 'MLPPP',
  87: 'IP6',
  253: 'Compressed',
  513: 'HELLO',
  561: 'LUXCOM',
  563: 'SNS',
  641: 'MPLS',
  643: 'MPLS',
  32801: 'IPCP',
  32803: 'OSICP',
  32805: 'NSCP',
  32807: 'DECNETCP',
  32809: 'APPLECP',
  32811: 'IPXCP',
  32819: 'STIICP',
  32821: 'VINESCP',
  32855: 'IP6CP',
  33021: 'CCP',
  33409: 'MPLSCP',
  49185: 'LCP',
  49187: 'PAP',
  49189: 'LQM',
  49191: 'SPAP',
  49195: 'BACP',
  49197: 'BAP',
  49213: 'MLPPP-CP',
  49699: 'CHAP',
  49703: 'EAP',
};

/** Returns the bytes of PPP's header. */
export function ppp_size({ address, compressed }: Layers['ppp']): number {
  return (address === undefined ? 0 : 2) + (compressed ? 1 : 2);
}

/** Returns the text of what PPP carries; the header says nothing by itself without -e. */
export function ppp_text(layer: Layers['ppp'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('ppp');
  const { protocol } = layer;
  const { link } = place.style;
  const head = `${PROTOCOLS[protocol] ?? 'unknown'} (${hex(protocol, 4)}), length ${place.length}`;
  const inner = place.next(ppp_size(layer));
  const text = inner.text();
  if (text !== undefined) return link ? `${head}: ${text}` : text;
  if (link) return head;
  return `unknown PPP protocol (${hex(protocol, 4)}) ${hexadecimal(inner.bytes, '\n\t')}`;
}

const CONTROL_NAMES = { lcp: 'LCP', ipcp: 'IPCP', ipv6cp: 'IP6CP' } as const;
const CONTROL_CODES: Readonly<Record<number, string>> = {
  0: 'Vendor-Extension',
  1: 'Conf-Request',
  2: 'Conf-Ack',
  3: 'Conf-Nack',
  4: 'Conf-Reject',
  5: 'Term-Request',
  6: 'Term-Ack',
  7: 'Code-Reject',
  8: 'Prot-Reject',
  9: 'Echo-Request',
  10: 'Echo-Reply',
  11: 'Disc-Req',
  12: 'Ident',
  13: 'Time-Rem',
  14: 'Reset-Req',
  15: 'Reset-Ack',
};
const PAP_CODES: Readonly<Record<number, string>> = { 1: 'Auth-Req', 2: 'Auth-ACK', 3: 'Auth-NACK' };
const CHAP_CODES: Readonly<Record<number, string>> = {
  1: 'Challenge',
  2: 'Response',
  3: 'Success',
  4: 'Fail',
};

const coded = (names: Readonly<Record<number, string>>, code: number, unknown = 'unknown'): string =>
  `${names[code] ?? unknown} (0x${code.toString(16).padStart(2, '0')})`;

/** Returns the text of a message that configures PPP. */
export function control_text(layer: Layers['lcp'] | Layers['ipcp'] | Layers['ipv6cp'], place: Place): string {
  if (layer.cut !== undefined) return place.broken(layer.layer);
  const { code, id } = layer;
  return `${CONTROL_NAMES[layer.layer]}, ${coded(CONTROL_CODES, code, 'Unknown Opcode')}, id ${id}, length ${place.length + 2}`;
}

/** Returns the text of a message of PAP. */
export function pap_text(layer: Layers['pap'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('pap');
  const { code, id, peer_id, password, message } = layer;
  const head = `PAP, ${coded(PAP_CODES, code)}, id ${id}`;
  if (peer_id !== undefined)
    return `${head}, Peer ${caret(Buffer.from(peer_id))}, Name ${caret(Buffer.from(password ?? ''))}`;
  return message === undefined ? head : `${head}, Msg ${caret(Buffer.from(message))}`;
}

/** Returns the text of a message of CHAP. */
export function chap_text(layer: Layers['chap'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('chap');
  const { code, id, value, sender, message } = layer;
  const head = `CHAP, ${coded(CHAP_CODES, code)}, id ${id}`;
  if (value !== undefined)
    return `${head}, Value ${value.toString('hex')}, Name ${caret(Buffer.from(sender ?? ''))}`;
  return message === undefined ? head : `${head}, Msg ${caret(Buffer.from(message))}`;
}
