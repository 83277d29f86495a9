// The library: what a program needs to do what the command `fleet` does.

export { FleetFailure } from './failure.js';
export { TransferError } from './files/index.js';
export {
  type CleanOptions,
  DEFAULT_LIMITS,
  Fleet,
  type FleetOptions,
  type GetOptions,
  type MoveOptions,
  type OperationOptions,
  type RunOptions,
} from './fleet.js';
export { Inventory, InventoryError, type Settings } from './hosts/inventory.js';
export { NodeSet, NodeSetError, type Resolver } from './hosts/nodesets.js';
export { SshConfigError } from './ssh/config.js';
export type { Overrides } from './ssh/hosts.js';
export type { Credentials } from './ssh/login/keys.js';
export type * from './types.js';
