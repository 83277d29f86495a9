// The inventory: groups, settings and exclusions; a program that prints it; and what it says of a wrong one.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Inventory } from '../../dist/hosts/inventory.js';

const folder = mkdtempSync(join(tmpdir(), 'fleet-inventory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = `{
  // all machines
  "hosts": {
    "web[01-03]": { "user": "deploy", "variables": { "rack": 1 } },
    "web02": { "address": "10.0.0.2", "port": 2222, "variables": { "slot": "b" } },
    "spare": {}, /* not in a group */
  },
  "groups": {
    "web": { "hosts": "web[01-03]", "jump": "gate", "identity_files": ["~/.ssh/web"] },
    "db": "db[1-2]",
    "site": { "hosts": "@web,@db", "user": "root", "jump": "outer", "variables": { "url": "http://x//y", "rack": 9 } },
  },
  "exclude": "web03",
}`;

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

describe('an inventory', () => {
  it('has groups, nested groups, wildcards and excluded hosts', async () => {
    const inventory = await Inventory.load(file('a.json', TEXT));
    expect(inventory.select('@web').fold()).toBe('web[01-02]');
    expect(inventory.select('@site').fold()).toBe('db[1-2],web[01-02]');
    expect(inventory.select('@site!@db').fold()).toBe('web[01-02]');
    expect(inventory.select('@*').fold()).toBe('db[1-2],spare,web[01-02]');
    expect(inventory.select('web*,other').fold()).toBe('other,web[01-02]');
    expect(inventory.groups_of('web01')).toEqual(['web', 'site']);
  });

  it('sets for a host what it says itself, then its smaller group, then the larger one', async () => {
    const inventory = await Inventory.load(file('a.json', TEXT));
    expect(inventory.settings_of('web02')).toEqual({
      address: '10.0.0.2',
      port: 2222,
      user: 'deploy',
      jump: 'gate',
      identity_files: ['~/.ssh/web'],
      variables: { url: 'http://x//y', rack: '1', slot: 'b' },
    });
    expect(inventory.settings_of('db1')).toMatchObject({ user: 'root', jump: 'outer' });
    expect(inventory.settings_of('unknown')).toEqual({ variables: {} });
  });

  it('comes from a program that prints it', async () => {
    const path = file('dynamic', '#!/bin/sh\necho \'{"groups": {"all": "h[1-3]"}}\'\n', 0o700);
    expect((await Inventory.load(path)).select('@all').fold()).toBe('h[1-3]');
    await expect(
      Inventory.load(file('failing', '#!/bin/sh\necho no such token >&2; exit 3\n', 0o700)),
    ).rejects.toThrow('no such token');
  });

  it.each([
    ['{"hots": {}}', 'hots is unknown; known are hosts, groups, exclude'],
    ['[]', 'the inventory must be an object, not []'],
    ['{"hosts": {"a": {"port": "22"}}}', 'hosts.a.port must be an integer from 1 to 65535, not "22"'],
    ['{"hosts": {"a": {"port": 70000}}}', 'hosts.a.port must be an integer from 1 to 65535, not 70000'],
    ['{"hosts": {"a": {"pot": 1}}}', 'hosts.a.pot is unknown; known are address, port'],
    ['{"hosts": {"a[1-": {}}}', 'hosts.a[1-: "a[1-": "[" is not closed'],
    ['{"groups": {"g": {}}}', 'groups.g.hosts must be a string that is not empty, not missing'],
    ['{"groups": {"g": "@h", "h": "@g"}}', 'groups.g contains itself: g → h → g'],
    ['{"groups": {"g": "@x"}}', 'groups.g: there is no group "x": the inventory has g'],
    ['{"groups": {"a b": "x"}}', 'groups.a b must have a name without spaces'],
    [
      '{"hosts": {"a": {"variables": {"v": []}}}}',
      'hosts.a.variables.v must be a string, a number or a boolean, not []',
    ],
    [
      '{"hosts": {"a": {"identity_files": "x"}}}',
      'hosts.a.identity_files must be an array of strings, not "x"',
    ],
    ['{\n"hosts": {}\n"groups": {}\n}', 'line 3'],
  ])('says what is wrong with %s', async (text, message) => {
    const path = file('wrong.json', text);
    await expect(Inventory.load(path)).rejects.toThrow(message);
    await expect(Inventory.load(path)).rejects.toThrow(path);
  });

  it('says which file is missing', async () => {
    await expect(Inventory.load(join(folder, 'none.json'))).rejects.toThrow('none.json');
  });
});
