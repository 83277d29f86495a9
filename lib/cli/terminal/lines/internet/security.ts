// The text of the headers of IPsec, AH and ESP, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { hex } from '../names.js';
import type { Place, Style } from '../place.js';
import { carried_by_ip } from './carried.js';
import { ah_cut_text } from './cut.js';

type Header = Pick<Layers['ah'], 'length' | 'reserved' | 'spi' | 'seq' | 'icv'>;

/** Returns "AH(spi=0x00000001,seq=0x1,icv=0x…): ". */
export function ah_header_text({ length, reserved, spi, seq, icv }: Header, { verbose }: Style): string {
  const size = verbose > 0 ? `length=${length / 4 - 2}(${length}-bytes),` : '';
  const filled = reserved > 0 ? `reserved=${hex(reserved)}[MustBeZero],` : '';
  return `AH(${size}${filled}spi=${hex(spi, 8)},seq=${hex(seq)},icv=0x${icv.toString('hex')}): `;
}

export function ah_text(ah: Layers['ah'], place: Place): string {
  if (ah.cut !== undefined || !place.holds(ah.length)) return ah_cut_text(place);
  return ah_header_text(ah, place.style) + carried_by_ip(ah.next_header, place.next(ah.length));
}

export function esp_text({ spi, seq, cut }: Layers['esp'], place: Place): string {
  if (cut !== undefined) return place.broken('esp');
  return `ESP(spi=${hex(spi, 8)},seq=${hex(seq)}), length ${place.length}`;
}
