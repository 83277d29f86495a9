// The text of IPv6's extension headers and their options, in the words of tcpdump.
import type { Ipv6Extension, Ipv6Option } from '../../../../packet/index.js';
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';
import { hex } from '../names.js';
import type { Style } from '../place.js';
import { ah_header_text } from './security.js';

const [PAD1, PADN, ROUTER_ALERT, JUMBO, HOME_ADDRESS] = [0, 1, 5, 0xc2, 0xc9];

interface Shown {
  readonly text: string;
  /** Nothing is told behind it. */
  readonly ends: boolean;
}

/** Returns the text of an option with a length that it may not have, which ends the header; undefined for another one. */
function wrong_text({ type, name, data }: Ipv6Option): string | undefined {
  if (name === 'malformed') return '';
  const { length } = data;
  if (type === ROUTER_ALERT && length !== 2) return `(rtalert: invalid len ${length})`;
  if (type === JUMBO && length !== 4) return `(jumbo: invalid len ${length})`;
  return type === HOME_ADDRESS && length < 16 ? `(homeaddr: invalid len ${length})` : undefined;
}

function option_text({ type, data }: Ipv6Option): string {
  switch (type) {
    case PAD1:
      return '(pad1)';
    case PADN:
      return '(padn)';
    case ROUTER_ALERT:
      return `(rtalert: ${hex(data.readUInt16BE(), 4)}) `;
    case JUMBO:
      return `(jumbo: ${data.readUInt32BE()}) `;
    case HOME_ADDRESS:
      return `(homeaddr: ${inet_ntop(AF_INET6, data.subarray(0, 16))})`;
  }
  return `(opt_type ${hex(type, 2)}: len=${data.length})`;
}

/** Returns the text of options, with -v, up to one that is wrong, whose mark is told in any case. */
function options_text(options: readonly Ipv6Option[], { verbose }: Style, mark: string): Shown {
  let text = '';
  for (const option of options) {
    const wrong = wrong_text(option);
    if (wrong !== undefined) return { text: `${text}${wrong} [|${mark}]`, ends: true };
    if (verbose > 0) text += option_text(option);
  }
  return { text: verbose > 0 ? `${text} ` : '', ends: false };
}

function routing_text(
  routing: Extract<Ipv6Extension, { readonly name: 'routing' }>,
  { verbose }: Style,
): Shown {
  const { routing_type: type, segments_left, type_data, addresses, length } = routing;
  let text = `RT6 (len=${length / 8 - 1}, type=${type}${type === 0 ? ' [Deprecated]' : ''}, segleft=${segments_left}`;
  if (type === 4) {
    const flags = (type_data >>> 16) & 255;
    text += `, last-entry=${type_data >>> 24}${flags > 0 || verbose > 0 ? `, flags=${hex(flags)}` : ''}`;
    text += `, tag=${(type_data & 0xffff).toString(16)}`;
  } else if (type === 0 || type === 2) {
    if (type_data > 0 || verbose > 0) text += `, rsv=${hex(type_data)}`;
  } else return { text: `${text} (unknown type) (invalid)`, ends: true };
  if ((length / 8 - 1) % 2 === 1) {
    return { text: `${text} (invalid length ${length / 8 - 1}) (invalid)`, ends: true };
  }
  return { text: `${text}${addresses.map((each, i) => `, [${i}]${each}`).join('')}) `, ends: false };
}

const behind = (name: string, { text, ends }: Shown): Shown => ({ text: name + text, ends });

/**
 * Returns the text of an extension header.
 *
 * @param left bytes of the packet on the wire behind it
 */
export function extension_text(extension: Ipv6Extension, style: Style, left: number): Shown {
  switch (extension.name) {
    case 'hop_by_hop':
      return behind('HBH ', options_text(extension.options, style, 'hbhopt'));
    case 'destination_options':
      if (style.verbose === 0) return { text: 'DSTOPT ', ends: false };
      return behind('DSTOPT ', options_text(extension.options, style, 'dstopt'));
    case 'routing':
      return routing_text(extension, style);
    case 'fragment': {
      const { id, fragment_offset } = extension;
      const place = `${style.verbose > 0 ? `${hex(id, 8)}:` : ''}${fragment_offset}`;
      const ends = fragment_offset !== 0;
      return { text: `frag (${place}|${left})${ends ? '' : ' '}`, ends };
    }
    case 'ah':
      return { text: ah_header_text(extension, style), ends: false };
  }
  return { text: '', ends: true };
}
