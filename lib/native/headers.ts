// What the C headers decide, as the addon was compiled with them. dist/ has this file for itself, and loads it with the addon.
import { addon, type StructLayout } from './addon.js';
import type { PlatformConstants } from './platform_constants.js';

/** Returns the constants that differ between machines. */
export function header_constants(): PlatformConstants {
  return addon.constants();
}

/** Returns the structs by their C names. */
export function header_structs(): Readonly<Record<string, StructLayout>> {
  return addon.structs();
}
