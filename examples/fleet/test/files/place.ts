// Folders for a test of transfers, here and "there", on the same machine, and sessions of sshd between them; tools on the target that lie.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Remote } from '../../src/files/index.js';
import { type SessionOptions, TestSSHD } from './sshd.js';

export class Place {
  readonly #sshd = new TestSSHD();
  #folder = '';

  get here(): string {
    return join(this.#folder, 'here');
  }

  get there(): string {
    return join(this.#folder, 'there');
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

  stop(): Promise<void> {
    return this.#sshd.stop();
  }

  /** Waits until no server runs any more. */
  quiet(): Promise<void> {
    return this.#sshd.quiet();
  }

  /** Runs something on a connection of its own. */
  async session<T>(work: (remote: Remote) => Promise<T>, options: SessionOptions = {}): Promise<T> {
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
