// Folders for a test of transfers, here and "there", on the same machine, and sessions of sshd between them; tools on the target that lie.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { Remote } from '../../src/files/index.js';
import { type SessionOptions, sshd_lacks, TestSSHD } from './sshd.js';

/** Gives each test of a file a place of its own, behind one sshd; skips them where there is none. */
export function use_place(): Place {
  const lacks = sshd_lacks();
  const place = new Place();
  beforeEach((ctx) => {
    if (lacks !== undefined) ctx.skip(lacks);
    place.begin();
  });
  afterEach(() => place.end());
  beforeAll(() => {
    if (lacks === undefined) place.start();
  });
  afterAll(() => place.stop());
  return place;
}

class Place {
  #sshd: TestSSHD | undefined;
  #folder = '';

  get here(): string {
    return join(this.#folder, 'here');
  }

  get there(): string {
    return join(this.#folder, 'there');
  }

  start(): void {
    this.#sshd = new TestSSHD();
  }

  async stop(): Promise<void> {
    await this.#sshd?.stop();
  }

  /** Makes the folders of a test. */
  begin(): void {
    this.#folder = mkdtempSync(join(tmpdir(), `fleet-files-${process.pid}-`));
    mkdirSync(this.here);
    mkdirSync(this.there);
  }

  end(): void {
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits until no server runs any more. */
  async quiet(): Promise<void> {
    await this.#sshd?.quiet();
  }

  /** Runs something on a connection of its own. */
  async session<T>(work: (remote: Remote) => Promise<T>, options: SessionOptions = {}): Promise<T> {
    if (this.#sshd === undefined) throw new Error('the place has not been started');
    const client = await this.#sshd.connect(options);
    try {
      return await work(await Remote.open(client));
    } finally {
      client.destroy();
    }
  }

  /** Returns a folder for PATH that has these programs and no other. */
  tools(names: readonly string[]): string {
    const folder = mkdtempSync(join(this.#folder, 'tools-'));
    for (const name of names) {
      const path = ['/usr/bin', '/bin'].map((bin) => join(bin, name)).find((known) => existsSync(known));
      if (path === undefined) throw new Error(`there is no ${name}`);
      symlinkSync(path, join(folder, name));
    }
    return folder;
  }

  /** Returns a folder for PATH that has a program of sh; of `split` the probe of fleet goes to the right one. */
  tool(name: string, script: string): string {
    const folder = mkdtempSync(join(this.#folder, 'tool-'));
    const probe = name === 'split' ? 'case "$*" in *fleet:*) exec /usr/bin/split "$@";; esac\n' : '';
    writeFileSync(join(folder, name), `#!/bin/sh\n${probe}${script}\n`);
    chmodSync(join(folder, name), 0o755);
    return folder;
  }

  /** Returns a folder for PATH whose `split` says of every file that its blocks are those of this one. */
  lying_split(path: string): string {
    return this.tool(
      'split',
      `case "$*" in *sha256sum*) exec /usr/bin/split -b "$2" "$3" '${path}';; esac\nexec /usr/bin/split "$@"`,
    );
  }
}
