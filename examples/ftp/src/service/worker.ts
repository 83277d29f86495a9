// The program of a worker, thread or process: it serves the listening sockets that it gets, with the registry of the main thread.
import { parentPort } from 'node:worker_threads';
import { fromshare, type ListeningSocket } from 'bsd-sockets/promises';
import type { Config } from '../config/config.js';
import { endpoint_of } from '../guard/channel/endpoint.js';
import { RemoteRegistry } from '../guard/channel/remote.js';
import { Shared } from '../server/shared.js';
import { FileUserDatabase } from '../store/users.js';
import { type Serving, serve_loop } from './loop.js';
import { type FromWorker, is_message, type SharedListener, type ToWorker } from './messages.js';
import { report } from './report.js';

const channel = parentPort ?? process;
const endpoint = endpoint_of(channel);
const registry = new RemoteRegistry(endpoint);
let serving: Serving | undefined;

function say(message: FromWorker): void {
  endpoint.post(message);
}

function open_users(config: Config): Promise<FileUserDatabase> {
  return FileUserDatabase.open(config.users, { quota: (limits) => registry.quota(limits), report });
}

async function start(config: Config, shared: readonly SharedListener[]): Promise<void> {
  registry.audits = config.audit !== null;
  const users = await open_users(config);
  const listeners = shared.map(({ name, listen, ticket }) => ({
    name,
    listen,
    sock: fromshare(Buffer.from(ticket, 'base64')) as ListeningSocket,
  }));
  serving = serve_loop(new Shared(config, users, registry), listeners);
}

/** Ends when all sessions have. */
async function drain(seconds: number): Promise<void> {
  await serving?.drain(seconds);
  registry.flush();
  // The flush is on its way; nothing else keeps the worker alive.
  if (parentPort !== null) parentPort.close();
  else process.disconnect();
}

async function take(message: ToWorker): Promise<void> {
  if (message.ftpd === 'drain') return drain(message.seconds);
  try {
    if (message.ftpd === 'start') await start(message.config, message.listeners);
    else await serving?.reload(message.config);
    say({ ftpd: 'ready' });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    say({ ftpd: 'failed', message: text, serves: serving !== undefined });
  }
}

endpoint.listen(
  (message) => {
    if (is_message(message)) void take(message as ToWorker);
  },
  // Without the main thread there are no limits: sessions end.
  () => void serving?.drain(0).then(() => process.exit()),
);
if (parentPort === null)
  // Ctrl-C and systemd signal all processes; the main one decides what it means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {});
say({ ftpd: 'loaded' });
