// A large file to many hosts and back, each an sshd whose folder only it sees, by a fleet in a process of its own, whose memory is bounded.
// FLEET_BYTES=1000000000 FLEET_HOSTS=10 are the whole, and print what it took.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { has_sshd, Site } from '../sshd.js';

const BYTES = Number(process.env.FLEET_BYTES ?? 17_000_000);
const HOSTS = Number(process.env.FLEET_HOSTS ?? 3);
/** Megabytes of a Node.js with what fleet loads, and of each host: requests under way, and what ssh2 makes of them. */
const MEMORY = { alone: 200, host: 40 };
const LONG_MS = 3_600_000;

async function hash_of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

describe.skipIf(!has_sshd)(`${BYTES} bytes, ${HOSTS} hosts`, () => {
  let site: Site;
  let inventory: string;
  const names = Array.from({ length: HOSTS }, (_, index) => `h${index + 1}`);
  beforeAll(async () => {
    site = new Site();
    const hosts: Record<string, object> = {};
    mkdirSync(join(site.folder, 'target'));
    for (const name of names) {
      const folder = join(site.folder, 'hosts', name);
      mkdirSync(folder, { recursive: true });
      const before = `mount --bind '${folder}' '${join(site.folder, 'target')}'`;
      const server = await site.sshd(name, [], ['unshare', '-m', 'sh', '-c', `${before} && exec "$@"`, 'sh']);
      const { address, port, user, identity_files, known_hosts_files } = server.host();
      hosts[name] = { address, port, user, identity_files, known_hosts_files };
    }
    inventory = site.write('inventory.json', JSON.stringify({ hosts }));
  });
  afterAll(() => site.close());

  /** Runs an operation in a process of its own. */
  async function move(action: 'put' | 'get', source: string, target: string): Promise<void> {
    const program = new URL('move_much.mjs', import.meta.url).pathname;
    const began = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      inventory,
      action,
      source,
      target,
    ]);
    const { outcomes, states, sent, megabytes } = JSON.parse(stdout);
    const seconds = (performance.now() - began) / 1000;
    console.log(`${action}: ${seconds.toFixed(1)} s, ${sent} bytes moved, at most ${megabytes} MB resident`);
    expect(outcomes).toEqual(names.map((host) => ({ host, ok: true })));
    expect(states).toEqual({ sent: HOSTS });
    expect(sent).toBe(BYTES * HOSTS);
    expect(megabytes).toBeLessThan(MEMORY.alone + HOSTS * MEMORY.host);
  }

  test(
    'there and back, to equal hashes',
    async () => {
      const source = join(site.folder, 'source');
      const descriptor = openSync(source, 'w');
      for (let left = BYTES; left > 0; ) left -= writeSync(descriptor, randomBytes(Math.min(left, 8 << 20)));
      closeSync(descriptor);
      const digest = await hash_of(source);
      await move('put', source, join(site.folder, 'target', 'file'));
      for (const name of names) expect(await hash_of(join(site.folder, 'hosts', name, 'file'))).toBe(digest);
      rmSync(source);
      await move('get', join(site.folder, 'target', 'file'), join(site.folder, 'back', '%h'));
      for (const name of names) expect(await hash_of(join(site.folder, 'back', name))).toBe(digest);
    },
    LONG_MS,
  );
});
