// class Fleet: what the command `fleet` does, for programs. Hosts are chosen by node sets of an inventory, and operations on them
// report FleetEvents as they go and Outcomes at the end.

import { clean, get, host_target, LocalSource, put, Space } from './files/index.js';
import { Inventory } from './hosts/inventory.js';
import type { NodeSet } from './hosts/nodesets.js';
import { run_command } from './run/command.js';
import { fan_out } from './run/fan_out.js';
import { type Move, transfer_operation } from './run/transfer.js';
import { SshConfig } from './ssh/config.js';
import { Connector } from './ssh/connect.js';
import { CONFIG_FILES, host_of, type Overrides } from './ssh/hosts.js';
import type { Credentials } from './ssh/login/keys.js';
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
  /** by sudo on the hosts, whose password is that of the credentials; `user` is root if left out */
  readonly sudo?: { readonly user?: string | undefined } | undefined;
}

export interface MoveOptions extends OperationOptions {
  /** only says what would go. Default: false */
  readonly dry_run?: boolean | undefined;
  /** sends only what differs of a file of 16 MiB and more, where there is an older one. Default: true */
  readonly delta?: boolean | undefined;
}

export interface GetOptions extends MoveOptions {
  /** the most bytes that are taken from each host. Default: no limit but the space here */
  readonly max_bytes?: number | undefined;
}

export interface CleanOptions extends OperationOptions {
  /** only says what would be removed. Default: false */
  readonly dry_run?: boolean | undefined;
  /** parts that were touched after that stay. Default: a day ago */
  readonly before?: Date | undefined;
}

const DAY_MS = 86_400_000;

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
    const password = () => this.#connector.sudo_password();
    const sudo = options.sudo && { user: options.sudo.user, password };
    const { command_timeout, inactivity_timeout } = limits;
    const operation = async (host: Host, signal: AbortSignal) => {
      const connection = await this.#connector.connect(host, limits.connect_timeout, signal);
      try {
        await run_command(connection, command, {
          stdin,
          pty,
          sudo,
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
    return this.#move(where, options, (remote, _host, moving) =>
      put(remote, local, target, { ...moving, delta: options.delta }),
    );
  }

  /**
   * Gets a file or a folder of each host. What the hosts have has to fit here, or a host fails before anything of it comes.
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
    options: GetOptions = {},
  ): Promise<Outcome[]> {
    const names = typeof where === 'string' ? this.nodes(where) : [...where];
    // A name that cannot be a folder ends it before anything has begun.
    const targets = new Map([...names].map((name) => [name, host_target(target, name)]));
    const { delta, max_bytes } = options;
    const space = new Space();
    return this.#move(names, options, (remote, { name }, moving) =>
      get(remote, source, targets.get(name) ?? '', { ...moving, delta, max_bytes, space }),
    );
  }

  /**
   * Removes parts that transfers have left in a folder of hosts, and in the folders in it: unfinished files which nobody has resumed.
   *
   * @param where a node set, or names
   * @param folder there
   * @returns an outcome for each host, in the order of the set; the parts are events
   * @throws NodeSetError, SshConfigError, RangeError before anything has begun
   */
  clean(where: string | Iterable<string>, folder: string, options: CleanOptions = {}): Promise<Outcome[]> {
    const before = (options.before?.getTime() ?? Date.now() - DAY_MS) / 1000;
    return this.#move(where, options, (remote, _host, moving) =>
      clean(remote, folder, { ...moving, before }),
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
