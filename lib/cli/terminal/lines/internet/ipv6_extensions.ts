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

function option_text({ type, name, data }: Ipv6Option): string {
  if (name === 'malformed') return ` [|hbhopt]`;
  switch (type) {
    case PAD1:
      return '(pad1)';
    case PADN:
      return '(padn)';
    case ROUTER_ALERT:
      return data.length === 2
        ? `(rtalert: ${hex(data.readUInt16BE(), 4)}) `
        : `(rtalert: invalid len ${data.length})`;
    case JUMBO:
      return data.length === 4 ? `(jumbo: ${data.readUInt32BE()}) ` : `(jumbo: invalid len ${data.length})`;
    case HOME_ADDRESS:
      if (data.length < 16) return `(homeaddr: invalid len ${data.length})`;
      return `(homeaddr: ${inet_ntop(AF_INET6, data.subarray(0, 16))})`;
  }
  return `(opt_type ${hex(type, 2)}: len=${data.length})`;
}

function options_text(options: readonly Ipv6Option[], { verbose }: Style): string {
  return verbose > 0 ? `${options.map(option_text).join('')} ` : '';
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

/**
 * Returns the text of an extension header.
 *
 * @param left bytes of the packet on the wire behind it
 */
export function extension_text(extension: Ipv6Extension, style: Style, left: number): Shown {
  switch (extension.name) {
    case 'hop_by_hop':
      return { text: `HBH ${options_text(extension.options, style)}`, ends: false };
    case 'destination_options':
      return { text: `DSTOPT ${options_text(extension.options, style)}`, ends: false };
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
