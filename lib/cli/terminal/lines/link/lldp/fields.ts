// What several organizations have in their fields of LLDP.
import { type Flags, flag_names, type Names } from '../../names.js';
import type { Walk } from '../../walk.js';

/** Tells the name of a field. @returns its number; undefined if the field is too short to have one */
export function say_subtype(walk: Walk, names: Names, at: number, size: number): number | undefined {
  if (size < 4) return undefined;
  const type = walk.u8(at + 3);
  walk.say(`\n\t  ${names[type] ?? 'unknown'} Subtype (${type})`);
  return type;
}

export const STATES: Flags = [
  [1, 'supported'],
  [2, 'enabled'],
];

export function aggregation_text(walk: Walk, at: number): string {
  const status = flag_names(STATES, walk.u8(at + 4));
  return `\n\t    aggregation status [${status}], aggregation port ID ${walk.u32(at + 5)}`;
}
