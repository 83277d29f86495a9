// What a DiskFileSystem was told, each with a value; its parts share it.
import type { Quota } from '../../guard/types.js';
import type { Permission } from '../types.js';

export interface Settings {
  /** path of the machine */
  readonly home: string;
  readonly permissions: ReadonlySet<Permission>;
  /** whose broken uploads go on */
  readonly user: string;
  readonly quota: Quota | undefined;
  /** fsync before an upload has its name */
  readonly sync: boolean;
  /** seconds after which what is left of an upload is removed */
  readonly leftovers_s: number;
  /** bytes from which a file is not copied for an APPE */
  readonly in_place_bytes: number;
}
