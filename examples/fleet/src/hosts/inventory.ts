// The inventory: hosts, groups and what is set for them, from a JSON file with comments or from a program that prints JSON.
//
//   { "hosts":   { "web[01-12]": { "user": "deploy", "variables": { "rack": "1" } } },
//     "groups":  { "web": "web[01-12]", "all-web": { "hosts": "@web,proxy1", "port": 2222 } },
//     "exclude": "web07" }
//
// A group's members are a node set (nodesets.ts), so a nested group is `@name`. How settings meet ~/.ssh/config: src/ssh/hosts.ts.

import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { json_of } from './json.js';
import { NodeSet, NodeSetError, type Resolver } from './nodesets.js';

/** What an inventory may set for a host or for a group's hosts; each overrides ~/.ssh/config. */
export interface Settings {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  /** as ProxyJump of ssh_config(5) */
  readonly jump?: string | undefined;
  readonly identity_files?: readonly string[] | undefined;
  readonly known_hosts_files?: readonly string[] | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

/** An inventory cannot be read, or says something that it may not. */
export class InventoryError extends Error {
  override name = 'InventoryError';
}

interface Group {
  readonly members: string;
  readonly settings: Settings;
}

/** Seconds that a program may take to print the inventory. */
const PROGRAM_TIMEOUT = 60;

/** Hosts and groups; the Resolver of node sets. */
export class Inventory implements Resolver {
  readonly #hosts = new Map<string, Settings>();
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #members = new Map<string, ReadonlySet<string>>();
  /** groups that are being worked out, the outermost first: a circle is found by them */
  readonly #open: string[] = [];
  readonly #excluded: ReadonlySet<string>;
  readonly #source: string;

  /**
   * @param value what the JSON says
   * @param source the file, for messages
   * @throws InventoryError naming the place and what it must be
   */
  constructor(value: unknown, source: string) {
    this.#source = source;
    const { hosts = {}, groups = {}, exclude, ...others } = this.#object(value, 'the inventory');
    this.#no_others(others, '', ['hosts', 'groups', 'exclude']);
    for (const [names, settings] of Object.entries(this.#object(hosts, 'hosts'))) {
      const read = this.#settings(settings, `hosts.${names}`);
      for (const name of this.#parse(names, `hosts.${names}`)) this.#add_host(name, read);
    }
    this.#groups = new Map(
      Object.entries(this.#object(groups, 'groups')).map(([name, group]) => [name, this.#group(name, group)]),
    );
    for (const name of this.#groups.keys())
      for (const host of this.group(name) ?? []) this.#add_host(host, {});
    this.#excluded = new Set(
      exclude === undefined ? [] : this.#parse(this.#text(exclude, 'exclude'), 'exclude', this),
    );
  }

  /** Returns an inventory of nothing. */
  static empty(): Inventory {
    return new Inventory({}, 'no inventory');
  }

  /**
   * Returns the inventory of a file. A file that may be executed is run, and prints it.
   *
   * @param path the file
   * @throws InventoryError if it cannot be read or run, or is wrong
   */
  static async load(path: string): Promise<Inventory> {
    let text: string;
    try {
      text = is_program(path) ? await output_of(path) : readFileSync(path, 'utf8');
    } catch (error) {
      throw new InventoryError(`${path}: ${error instanceof Error ? error.message.trim() : error}`);
    }
    let value: unknown;
    try {
      value = json_of(text);
    } catch (error) {
      throw new InventoryError(`${path}: ${error instanceof Error ? error.message : error}`);
    }
    return new Inventory(value, path);
  }

  group_names(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Returns a group's hosts, those that are excluded too; undefined: there is no such group. */
  group(name: string): ReadonlySet<string> | undefined {
    const group = this.#groups.get(name);
    if (!group) return undefined;
    const known = this.#members.get(name);
    if (known) return known;
    if (this.#open.includes(name)) {
      throw new InventoryError(
        `${this.#source}: groups.${name} contains itself: ${[...this.#open, name].join(' → ')}`,
      );
    }
    this.#open.push(name);
    try {
      const members = new Set(this.#parse(group.members, `groups.${name}`, this));
      this.#members.set(name, members);
      return members;
    } finally {
      this.#open.pop();
    }
  }

  all(): Iterable<string> {
    return this.#hosts.keys();
  }

  /**
   * Returns the hosts that `text` selects, without the excluded ones.
   *
   * @throws NodeSetError for wrong syntax or an unknown group
   */
  select(text: string): NodeSet {
    return NodeSet.parse(text, this).without(this.#excluded);
  }

  /** Returns the names of the groups that a host is in. */
  groups_of(host: string): string[] {
    return [...this.#groups.keys()].filter((name) => this.group(name)?.has(host));
  }

  /** Returns what is set for a host: by itself, else by its smallest group that sets it. */
  settings_of(host: string): Settings {
    const size = (name: string) => this.group(name)?.size ?? 0;
    const groups = this.groups_of(host).sort((a, b) => size(b) - size(a));
    const all = [
      ...groups.map((name) => this.#groups.get(name)?.settings ?? {}),
      this.#hosts.get(host) ?? {},
    ];
    return all.reduce(overlay, {});
  }

  #add_host(name: string, settings: Settings): void {
    this.#hosts.set(name, overlay(this.#hosts.get(name) ?? {}, settings));
  }

  #group(name: string, value: unknown): Group {
    const at = `groups.${name}`;
    if (!/^[^\s@,!&^*?[\]]+$/.test(name))
      throw this.#error(at, 'must have a name without spaces and without any of @,!&^*?[]');
    if (typeof value === 'string') return { members: value, settings: {} };
    const { hosts, ...settings } = this.#object(value, at);
    return { members: this.#text(hosts, `${at}.hosts`), settings: this.#settings(settings, at) };
  }

  #settings(value: unknown, at: string): Settings {
    const { address, port, user, jump, identity_files, known_hosts_files, variables, ...others } =
      this.#object(value, at);
    this.#no_others(others, `${at}.`, [
      'address',
      'port',
      'user',
      'jump',
      'identity_files',
      'known_hosts_files',
      'variables',
    ]);
    const text = (field: unknown, name: string) =>
      field === undefined ? undefined : this.#text(field, `${at}.${name}`);
    const list = (field: unknown, name: string) =>
      field === undefined ? undefined : this.#list(field, `${at}.${name}`);
    return {
      address: text(address, 'address'),
      port: port === undefined ? undefined : this.#port(port, `${at}.port`),
      user: text(user, 'user'),
      jump: text(jump, 'jump'),
      identity_files: list(identity_files, 'identity_files'),
      known_hosts_files: list(known_hosts_files, 'known_hosts_files'),
      variables: variables === undefined ? undefined : this.#variables(variables, `${at}.variables`),
    };
  }

  #parse(text: string, at: string, resolver?: Resolver): NodeSet {
    try {
      return NodeSet.parse(text, resolver);
    } catch (error) {
      if (error instanceof NodeSetError) throw new InventoryError(`${this.#source}: ${at}: ${error.message}`);
      throw error;
    }
  }

  #object(value: unknown, at: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw this.#error(at, `must be an object, not ${shown(value)}`);
  }

  #text(value: unknown, at: string): string {
    if (typeof value === 'string' && value !== '') return value;
    throw this.#error(at, `must be a string that is not empty, not ${shown(value)}`);
  }

  #list(value: unknown, at: string): string[] {
    if (Array.isArray(value)) return value.map((item, index) => this.#text(item, `${at}[${index}]`));
    throw this.#error(at, `must be an array of strings, not ${shown(value)}`);
  }

  #port(value: unknown, at: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
    throw this.#error(at, `must be an integer from 1 to 65535, not ${shown(value)}`);
  }

  #variables(value: unknown, at: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.#object(value, at)).map(([name, text]) => {
        if (!['string', 'number', 'boolean'].includes(typeof text)) {
          throw this.#error(`${at}.${name}`, `must be a string, a number or a boolean, not ${shown(text)}`);
        }
        return [name, String(text)];
      }),
    );
  }

  #no_others(others: Record<string, unknown>, prefix: string, known: readonly string[]): void {
    const [first] = Object.keys(others);
    if (first !== undefined)
      throw this.#error(`${prefix}${first}`, `is unknown; known are ${known.join(', ')}`);
  }

  #error(at: string, what: string): InventoryError {
    return new InventoryError(`${this.#source}: ${at} ${what}`);
  }
}

/** Returns `below` with what `above` sets. */
function overlay(below: Settings, above: Settings): Settings {
  const set = Object.fromEntries(Object.entries(above).filter(([, value]) => value !== undefined));
  return { ...below, ...set, variables: { ...below.variables, ...above.variables } };
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 60);
}

function is_program(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function output_of(path: string): Promise<string> {
  const options = { timeout: PROGRAM_TIMEOUT * 1000, maxBuffer: 64 * 1024 * 1024 };
  return (await promisify(execFile)(resolve(path), [], options)).stdout;
}
