// The hosts of a command line: WHERE, --exclude and --pick together.

import type { NodeSet } from '../hosts/nodesets.js';
import { integer_of } from './options.js';

/** Returns the hosts of WHERE, without --exclude, or --pick of them. */
export function select(
  fleet: { nodes(where: string): NodeSet },
  where: string,
  values: { readonly exclude?: string | undefined; readonly pick?: string | undefined },
): NodeSet {
  const all =
    values.exclude === undefined
      ? fleet.nodes(where)
      : fleet.nodes(where).without(fleet.nodes(values.exclude));
  const pick = integer_of('pick', values.pick);
  return pick === undefined ? all : all.pick(pick);
}
