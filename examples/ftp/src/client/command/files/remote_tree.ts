// All below a folder of the server. Depth and number are bounded: a server can list a folder within itself for ever.
import type { RemoteEntry } from '../../../protocol/listing_parser.js';
import type { FTPClient } from '../../client.js';
import { FTPError } from '../../errors.js';
import { remote_join } from '../../names.js';
import type { Filter } from './patterns.js';

const MAX_DEPTH = 64;
const MAX_ENTRIES = 1_000_000;

export interface RemoteFile {
  readonly names: readonly string[];
  readonly path: string;
  readonly entry: RemoteEntry;
}

export interface RemoteTree {
  /** each folder before what is in it */
  readonly entries: readonly RemoteFile[];
  /** false if some folder could not be listed, or has names that cannot be used */
  readonly is_complete: boolean;
}

export interface WalkOptions {
  readonly wanted: Filter;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
}

/** Lists all below `root`. @throws (rejects) FTPError if `root` cannot be listed, or if there is no end */
export async function walk_remote(
  client: FTPClient,
  root: string,
  options: WalkOptions,
): Promise<RemoteTree> {
  const { wanted, signal, warn } = options;
  const entries: RemoteFile[] = [];
  let is_complete = true;
  const visit = async (path: string, names: readonly string[]): Promise<void> => {
    if (names.length > MAX_DEPTH)
      throw new FTPError('protocol', `${path}: more than ${MAX_DEPTH} folders within each other`);
    const found = await client.list(path, {
      signal,
      on_bad_name: (name) => {
        is_complete = false;
        warn(
          `${path === '' ? '' : `${path}: `}the server lists a name that is none: ${JSON.stringify(name)}`,
        );
      },
    });
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of found) {
      const own = [...names, entry.name];
      const is_folder = entry.type === 'dir';
      if (!wanted(own, is_folder)) continue;
      if (entries.length >= MAX_ENTRIES) throw new FTPError('protocol', `more than ${MAX_ENTRIES} files`);
      const file = { names: own, path: remote_join(path, entry.name), entry };
      entries.push(file);
      if (!is_folder) continue;
      try {
        await visit(file.path, own);
      } catch (error) {
        const may_go_on = error instanceof FTPError && ['not-found', 'refused'].includes(error.kind);
        if (!may_go_on) throw error;
        is_complete = false;
        warn(`${file.path} cannot be listed: ${error.message}`);
      }
    }
  };
  await visit(root, []);
  return { entries, is_complete };
}
