// class Fleet: what the command `fleet` does, for programs. Hosts are chosen by node sets of an inventory, and operations on them
// report FleetEvents as they go and Outcomes at the end.

import { get, host_target, LocalSource, put } from './files/index.js';
import { Inventory } from './hosts/inventory.js';
import type { NodeSet } from './hosts/nodesets.js';
import { run_command } from './run/command.js';
import { fan_out } from './run/fan_out.js';
import { type Move, transfer_operation } from './run/transfer.js';
import { SshConfig } from './ssh/config.js';
import { Connector } from './ssh/connect.js';
import { CONFIG_FILES, host_of, type Overrides } from './ssh/hosts.js';
import type { Credentials } from './ssh/keys.js';
import type { FleetEvent, Host, Limits, Outcome } from './types.js';

export interface FleetOptions {
  readonly inventory?: Inventory | undefined;
  /** files of ssh_config(5); those of ssh if left out */
  readonly config_files?: readonly string[] | undefined;
  readonly credentials?: Credentials | undefined;
  /** add the keys of unknown hosts to known_hosts */
  readonly accept_new?: boolean | undefined;
  /** before all that inventory and files say */
  readonly overrides?: Overrides | undefined;
}

/** Options of each operation. */
export interface OperationOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** ends commands that run */
  readonly signal?: AbortSignal | undefined;
  /** lets no further host begin */
  readonly drain?: AbortSignal | undefined;
  /** hears what happens; of output it may return a promise, and until that is settled the host is made to wait */
  readonly on_event?: ((event: FleetEvent) => void | Promise<void>) | undefined;
}

export interface RunOptions extends OperationOptions {
  /** given to each command, whole */
  readonly stdin?: Uint8Array | undefined;
  readonly pty?: boolean | undefined;
}

export interface MoveOptions extends OperationOptions {
  /** only says what would go. Default: false */
  readonly dry_run?: boolean | undefined;
}

/** What holds if nothing else is said: 64 hosts at once, no time-out but that to connect, no retries. */
export const DEFAULT_LIMITS: Limits = { fanout: 64, retries: 0 };

/**
 * Many machines by SSH.
 *
 * @example
 * const fleet = new Fleet({ inventory: await Inventory.load('inventory.json') });
 * const outcomes = await fleet.run('@web', 'uptime', { on_event: (event) => console.log(event) });
 */
export class Fleet {
  readonly inventory: Inventory;
  readonly #config: SshConfig;
  readonly #connector: Connector;
  readonly #overrides: Overrides;

  /** @throws SshConfigError if a file of ssh is wrong */
  constructor({ inventory, config_files, credentials = {}, accept_new, overrides = {} }: FleetOptions = {}) {
    this.inventory = inventory ?? Inventory.empty();
    this.#config = SshConfig.load(config_files ?? CONFIG_FILES());
    this.#connector = new Connector({ credentials, accept_new });
    this.#overrides = overrides;
  }

  /**
   * Returns the names that a node set selects.
   *
   * @throws NodeSetError for wrong syntax or an unknown group
   */
  nodes(where: string): NodeSet {
    return this.inventory.select(where);
  }

  /**
   * Returns hosts as inventory and ~/.ssh/config describe them together.
   *
   * @throws SshConfigError if that cannot be done
   */
  hosts(names: Iterable<string>): Host[] {
    return [...names].map((name) => host_of(name, this.inventory, this.#config, this.#overrides));
  }

  /**
   * Runs a command on hosts.
   *
   * @param where a node set, or names
   * @param command for each user's shell
   * @returns an outcome for each host, in the order of the set
   * @throws NodeSetError, SshConfigError, RangeError before anything has begun; failures of hosts are outcomes
   */
  async run(where: string | Iterable<string>, command: string, options: RunOptions = {}): Promise<Outcome[]> {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const emit = options.on_event ?? (() => {});
    const { stdin, pty } = options;
    const { command_timeout, inactivity_timeout } = limits;
    const operation = async (host: Host, signal: AbortSignal) => {
      const connection = await this.#connector.connect(host, limits.connect_timeout, signal);
      try {
        await run_command(connection, command, {
          stdin,
          pty,
          command_timeout,
          inactivity_timeout,
          signal,
          on_output: (stream, data) => emit({ type: 'output', host: host.name, stream, data }),
        });
      } finally {
        connection.close();
      }
    };
    const names = typeof where === 'string' ? this.nodes(where) : where;
    return fan_out(this.hosts(names), limits, operation, emit, options.signal, options.drain);
  }

  /**
   * Puts a file or a folder on hosts: atomic there, skipped where it is equal, resumed where it was cut, verified by hash.
   *
   * @param where a node set, or names
   * @param source here
   * @param target there; what a / at its end means, files/put.ts says
   * @returns an outcome for each host, in the order of the set
   * @throws TransferError if there is no source; NodeSetError, SshConfigError, RangeError before anything has begun
   */
  async put(
    where: string | Iterable<string>,
    source: string,
    target: string,
    options: MoveOptions = {},
  ): Promise<Outcome[]> {
    const local = await LocalSource.open(source);
    return this.#move(where, options, (remote, _host, moving) => put(remote, local, target, moving));
  }

  /**
   * Gets a file or a folder of each host.
   *
   * @param where a node set, or names
   * @param source there
   * @param target here: `%h` becomes the host's name; without it, a folder of that name is made in `target`
   * @returns an outcome for each host, in the order of the set
   * @throws NodeSetError, SshConfigError, RangeError before anything has begun
   */
  async get(
    where: string | Iterable<string>,
    source: string,
    target: string,
    options: MoveOptions = {},
  ): Promise<Outcome[]> {
    const names = typeof where === 'string' ? this.nodes(where) : [...where];
    // A name that cannot be a folder ends it before anything has begun.
    const targets = new Map([...names].map((name) => [name, host_target(target, name)]));
    return this.#move(names, options, (remote, { name }, moving) =>
      get(remote, source, targets.get(name) ?? '', moving),
    );
  }

  #move(where: string | Iterable<string>, options: MoveOptions, move: Move): Promise<Outcome[]> {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const emit = options.on_event ?? (() => {});
    const operation = transfer_operation(this.#connector, limits, options.dry_run ?? false, move, emit);
    const names = typeof where === 'string' ? this.nodes(where) : where;
    return fan_out(this.hosts(names), limits, operation, emit, options.signal, options.drain);
  }
}
