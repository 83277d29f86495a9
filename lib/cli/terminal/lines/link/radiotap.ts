// What a radio measured, in front of the line of a frame, as tcpdump writes it.
import type { Layers } from '../../../../packet/index.js';
import type { Place } from '../place.js';

type Radiotap = Layers['radiotap'];

const FLAGS = [
  [0x01, 'cfp '],
  [0x02, 'short preamble '],
  [0x04, 'wep '],
  [0x08, 'fragmented '],
  [0x40, 'bad-fcs '],
] as const;
/** The bits of a channel: of 2 and 5 GHz, of its modulations, of its width. */
const [TURBO, CCK, OFDM, GHZ_2, GHZ_5, DYNAMIC, GFSK, HALF, QUARTER] = [
  0x10, 0x20, 0x40, 0x80, 0x100, 0x400, 0x800, 0x4000, 0x8000,
];

function rate_text(rate: number): string {
  return rate >= 0x80 && rate <= 0x8f ? `MCS ${rate & 0x7f} ` : `${(rate / 2).toFixed(1)} Mb/s `;
}

function channel_text(frequency: number, flags: number): string {
  const has = (...bits: number[]) => bits.every((bit) => (flags & bit) !== 0);
  const width = has(HALF) ? '/10Mhz' : has(QUARTER) ? '/5Mhz' : '';
  const words = [`${frequency} MHz`];
  if (has(GHZ_2, GFSK)) words.push('FHSS');
  if (has(GHZ_5, OFDM)) words.push(`11a${width}`);
  if (has(GHZ_2, OFDM) || has(GHZ_2, DYNAMIC)) words.push(`11g${width}`);
  else if (has(GHZ_2, CCK)) words.push('11b');
  if (has(TURBO)) words.push('Turbo');
  return `${words.join(' ')} `;
}

/** Returns what the radio measured; it ends with a space unless it is empty. */
function measured_text(layer: Radiotap): string {
  const { flags = 0, hop, channel_frequency, channel_flags = 0 } = layer;
  const with_unit = (value: number | bigint | undefined, unit: string) =>
    value === undefined ? '' : `${value}${unit} `;
  const without = (value: number | undefined) => (value === undefined ? undefined : -value);
  return [
    with_unit(layer.tsft, 'us tsft'),
    ...FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word),
    layer.rate === undefined ? '' : rate_text(layer.rate),
    channel_frequency === undefined ? '' : channel_text(channel_frequency, channel_flags),
    hop === undefined ? '' : `fhset ${hop & 0xff} fhpat ${hop >> 8} `,
    with_unit(layer.signal, 'dBm signal'),
    with_unit(layer.noise, 'dBm noise'),
    with_unit(layer.lock_quality, ' sq'),
    with_unit(without(layer.attenuation), ' tx power'),
    with_unit(without(layer.attenuation_db), 'dB tx attenuation'),
    with_unit(layer.transmit_power, 'dBm tx power'),
    layer.antenna === undefined ? '' : `antenna ${layer.antenna} `,
    with_unit(layer.signal_db, 'dB signal'),
    with_unit(layer.noise_db, 'dB noise'),
  ].join('');
}

/** Returns what the radio measured, and the text of the frame. */
export function radiotap_text(layer: Radiotap, place: Place): string {
  if (layer.cut !== undefined) return ' [|802.11_radio]';
  const frame = place.next(layer.length);
  return measured_text(layer) + (frame.text() ?? ' [|802.11]');
}
