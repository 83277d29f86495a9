// The constants and the structs that the C headers decide: from the addon, or, where there is none, those of 64-bit Linux with the common
// numbers of options (linux64.ts). Hence structs can be encoded and decoded, and constants have their numbers, on other systems.
import type { FieldLayout, StructLayout } from './addon.js';
import { header_constants, header_structs } from './headers.js';
import { CONSTANTS, STRUCTS } from './linux64.js';
import type { PlatformConstants } from './platform_constants.js';

/** Processors whose Linux has the tables of linux64.ts. */
const COMMON: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];

/** Returns the table of the addon, or the other one if the addon is not there and the other one holds. @throws Error */
function table<T>(from_addon: () => T, otherwise: () => T): T {
  try {
    return from_addon();
  } catch (error) {
    if (process.platform === 'linux' && !COMMON.includes(process.arch)) throw error;
    return otherwise();
  }
}

/** Returns the constants in the text of linux64.ts. */
export function common_constants(): PlatformConstants {
  return JSON.parse(CONSTANTS) as PlatformConstants;
}

/** Returns the structs in the text of linux64.ts. */
export function common_structs(): Readonly<Record<string, StructLayout>> {
  const lines = STRUCTS.trim().split('\n');
  return Object.fromEntries(
    lines.map((line): [string, StructLayout] => {
      const [name = '', size, ...fields] = line.trim().split(' ');
      const layouts = fields.map((field): [string, FieldLayout] => {
        const [of = '', ...numbers] = field.split(',');
        const [offset = 0, bytes = 0, signed = 0, shift = 0, width = 0] = numbers.map(Number);
        return [of, [offset, bytes, signed, shift, width]];
      });
      return [name, { size: Number(size), fields: Object.fromEntries(layouts) }];
    }),
  );
}

/** Returns the constants that differ between machines. @throws Error if there is no addon on an unusual Linux */
export const platform_constants = (): PlatformConstants => table(header_constants, common_constants);

/** Returns the structs by their C names. @throws Error if there is no addon on an unusual Linux */
export const struct_layouts = (): Readonly<Record<string, StructLayout>> =>
  table(header_structs, common_structs);
