// What a user may do: the presets of the user file, and the test that the file system makes before each call.
import { FileError } from './errors.js';
import type { Permission } from './types.js';

export const PERMISSIONS: readonly Permission[] = [
  'list',
  'read',
  'write',
  'overwrite',
  'append',
  'delete',
  'rename',
  'mkdir',
  'rmdir',
  'modify',
];

/** Sets of permissions that have a name. */
export const PRESETS = {
  /** everything */
  full: PERMISSIONS,
  /** looks and takes */
  'read-only': ['list', 'read'],
  /** brings new files; sees none, takes none, changes none */
  'drop-box': ['write'],
} as const satisfies Record<string, readonly Permission[]>;

export type Preset = keyof typeof PRESETS;

export function is_preset(name: string): name is Preset {
  return Object.hasOwn(PRESETS, name);
}

export function is_permission(name: string): name is Permission {
  return PERMISSIONS.some((permission) => permission === name);
}

/** @throws FileError EACCES if none of `wanted` is permitted */
export function demand(
  permissions: ReadonlySet<Permission>,
  path: string,
  ...wanted: readonly Permission[]
): void {
  if (!wanted.some((permission) => permissions.has(permission))) throw new FileError('EACCES', path);
}
