// ssh-agent for tests.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Site } from '../sshd.js';

export class SshAgent {
  private constructor(
    readonly path: string,
    private readonly site: Site,
    private readonly process: ReturnType<typeof spawn>,
  ) {}

  /** Starts an agent. @param name unique in the site */
  static async start(site: Site, name: string): Promise<SshAgent> {
    const path = `${site.folder}/${name}`;
    const child = spawn('ssh-agent', ['-D', '-a', path], { stdio: 'ignore' });
    const agent = new SshAgent(path, site, child);
    // The file is there before anybody listens. 2: it cannot be reached.
    while (spawnSync('ssh-add', ['-l'], { env: agent.#env() }).status === 2) {
      if (child.exitCode !== null) throw new Error('ssh-agent has ended');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return agent;
  }

  /** Adds a key, with FILE-cert.pub if there is one. */
  add(key: string, passphrase = ''): void {
    execFileSync('ssh-add', ['-q', key], { env: this.#env(passphrase), stdio: 'ignore' });
  }

  remove_all(): void {
    execFileSync('ssh-add', ['-q', '-D'], { env: this.#env(), stdio: 'ignore' });
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  #env(passphrase = ''): NodeJS.ProcessEnv {
    const askpass = this.site.write('askpass', `#!/bin/sh\necho '${passphrase}'\n`, 0o700);
    return { ...process.env, SSH_AUTH_SOCK: this.path, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  }
}
