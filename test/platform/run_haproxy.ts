// HAProxy as a process of its own, for tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as promises from 'bsd-sockets/promises';

/**
 * Runs HAProxy, and calls a function once it listens. Ends it afterwards.
 *
 * @param config the path of its configuration
 * @param port on which it will listen, of 127.0.0.1
 */
export async function run_haproxy(config: string, port: number, use: () => Promise<void>): Promise<void> {
  const child = spawn('haproxy', ['-db', '-q', '-f', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const closed = once(child, 'close');
  try {
    for (let tries = 0; ; tries++) {
      try {
        (await promises.create_connection(['127.0.0.1', port])).close();
        break;
      } catch (error) {
        if (tries > 300 || child.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    await use();
  } finally {
    child.kill('SIGTERM');
    await closed;
  }
}
