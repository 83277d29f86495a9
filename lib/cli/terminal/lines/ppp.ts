// The lines of PPPoE, PPP and the protocols that configure it, as tcpdump writes them.
import type { Layers } from '../../../packet/index.js';
import { printable } from './values.js';

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
  if (count > data.length - count) return ` [${name} "${printable(data.subarray(0, MOST_CHARACTERS))}"]`;
  return ` [${name} 0x${data.toString('hex').toUpperCase()}]`;
}

function head_text({ code, session_id }: { code: number; session_id: number }): string {
  const name = PPPOE_CODES[code] ?? `PAD-${code.toString(16).toUpperCase()}`;
  return `PPPoE ${name}${session_id === 0 ? '' : ` [ses 0x${session_id.toString(16)}]`}`;
}

/** pppoe_text(layer) -> the text of a PPPoE header; behind that of a session stands what it carries. */
export function pppoe_text(layer: Layers['pppoed'] | Layers['pppoes']): string {
  return head_text(layer) + ('tags' in layer ? layer.tags.map(tag_text).join('') : ' ');
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

/**
 * control_text(layer, length) -> the text of a message that configures PPP.
 *
 * @param length of the message on the wire, in bytes
 */
export function control_text(
  layer: Layers['lcp'] | Layers['ipcp'] | Layers['ipv6cp'],
  length: number,
): string {
  const { code, id } = layer;
  return `${CONTROL_NAMES[layer.layer]}, ${coded(CONTROL_CODES, code, 'Unknown Opcode')}, id ${id}, length ${length + 2}`;
}

/** pap_text(layer) -> the text of a message of PAP. */
export function pap_text({ code, id, peer_id, password, message }: Layers['pap']): string {
  const head = `PAP, ${coded(PAP_CODES, code)}, id ${id}`;
  if (peer_id !== undefined)
    return `${head}, Peer ${printable(Buffer.from(peer_id))}, Name ${printable(Buffer.from(password ?? ''))}`;
  return message === undefined ? head : `${head}, Msg ${printable(Buffer.from(message))}`;
}

/** chap_text(layer) -> the text of a message of CHAP. */
export function chap_text({ code, id, value, sender, message }: Layers['chap']): string {
  const head = `CHAP, ${coded(CHAP_CODES, code)}, id ${id}`;
  if (value !== undefined)
    return `${head}, Value ${value.toString('hex')}, Name ${printable(Buffer.from(sender ?? ''))}`;
  return message === undefined ? head : `${head}, Msg ${printable(Buffer.from(message))}`;
}
