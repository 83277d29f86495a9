// The options that take a filter program: see setsockopt(2), socket(7), packet(7).
import * as c from '../constants.js';
import { integer_or, options_of } from '../util/validate.js';

/** Options of attach_filter and detach_filter. */
export interface FilterOptions {
  /**
   * SO_ATTACH_FILTER: which packets come in. SO_ATTACH_REUSEPORT_CBPF: which socket of a SO_REUSEPORT group gets a packet, by
   * the order of their bind or listen. PACKET_FANOUT_DATA: which socket of a PACKET_FANOUT_CBPF group.
   */
  option?: number | null | undefined;
}

/** An option that takes a program: its level, and the option that removes the program. */
interface FilterOption {
  readonly option: number;
  readonly level: number;
  readonly detach?: number | undefined;
}

const FILTER_OPTIONS: readonly FilterOption[] = [
  { option: c.SO_ATTACH_FILTER, level: c.SOL_SOCKET, detach: c.SO_DETACH_FILTER },
  { option: c.SO_ATTACH_REUSEPORT_CBPF, level: c.SOL_SOCKET, detach: c.SO_DETACH_REUSEPORT_BPF },
  { option: c.PACKET_FANOUT_DATA, level: c.SOL_PACKET },
];

/** Returns the option that takes the program. @throws TypeError, RangeError */
export function filter_option(options: FilterOptions): FilterOption {
  const number = integer_or(c.SO_ATTACH_FILTER, options_of(options, ['option']).option, 'option');
  const found = FILTER_OPTIONS.find(({ option }) => option === number);
  if (found !== undefined) return found;
  throw new RangeError(
    `option must be SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF or PACKET_FANOUT_DATA, not ${number}`,
  );
}
