// `fleet nodes`: what a node set selects. Nothing is connected.

import { inventory_of, parse_nodes, UsageError } from './options.js';
import { select } from './select.js';

/** fleet nodes [WHERE]. Returns the exit code. */
export async function nodes(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse_nodes(args);
  const forms = [values.fold, values.expand, values.count, values.json].filter(Boolean);
  if (forms.length > 1) throw new UsageError('only one of --fold, --expand, --count and --json can be given');
  const inventory = await inventory_of(values.inventory);
  const set = select({ nodes: (where) => inventory.select(where) }, positionals.join(' ') || '@*', values);
  if (values.count) console.log(set.size);
  else if (values.json) console.log(JSON.stringify([...set]));
  else if (values.fold) console.log(set.fold());
  else for (const name of set) console.log(name);
  return 0;
}
