// A server that restarts itself on SIGHUP: the new process takes the socket over, and no request fails.
//
// restart.mjs PORT serves until SIGTERM; without an argument, it starts such a server, asks it all the time, and restarts it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create_connection } from 'bsd-sockets/promises';
import {
  AsyncStreamRequestHandler,
  AsyncTCPServer,
  offer_handover,
  take_over,
} from 'bsd-sockets/socketserver';

class Upper extends AsyncStreamRequestHandler {
  async handle() {
    const line = await this.rfile.readline();
    await this.wfile.write(Buffer.from(`${process.pid} ${line.toString().toUpperCase()}`));
  }
}

/** @param {number} port */
async function serve(port) {
  const path = process.env.RESTART_PATH ?? join(tmpdir(), `restart-${port}.sock`);
  const predecessor = await take_over(path);
  const server = new AsyncTCPServer(predecessor?.sockets.get('upper') ?? ['127.0.0.1', port], Upper);
  const served = server.serve_forever();
  await predecessor?.ready();
  const [, bound] = /** @type {[string, number]} */ (server.server_address);

  const offer = await offer_handover(path, { upper: server });
  // The successor must not keep this process alive.
  process.on('SIGHUP', () => spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' }).unref());
  process.on('SIGTERM', () => offer.close());
  if (predecessor === null) console.log(bound);
  await offer.successor;
  await server.shutdown({ drain: 10 });
  await served;
  await server.server_close();
  await offer.close();
}

/** Asks the server. Returns the process that answered. @param {number} port */
async function ask(port) {
  const conn = await create_connection(['127.0.0.1', port]);
  await conn.sendall('hello\n');
  const [pid, text] = (await conn.recv(100)).toString().trim().split(' ');
  conn.close();
  if (text !== 'HELLO') throw new Error(`the answer was ${text}`);
  return Number(pid);
}

async function restart() {
  const folder = mkdtempSync(join(tmpdir(), 'restart-'));
  const env = { ...process.env, RESTART_PATH: join(folder, 'control.sock') };
  const server = spawn(process.execPath, [import.meta.filename, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  // The first one may end before the answer of the second is here.
  const exited = once(server, 'exit');
  const [line] = await once(server.stdout, 'data');
  const port = Number(line);
  const first = await ask(port);
  process.kill(first, 'SIGHUP');
  let requests = 1;
  let second = first;
  for (; second === first; requests++) second = await ask(port);
  await exited;
  // The second one has the output of the first, which ends with it.
  const ended = once(server.stdout, 'close');
  process.kill(second, 'SIGTERM');
  await ended;
  rmSync(folder, { recursive: true });
  console.log(
    `restart     process ${first} answered, then process ${second}: ${requests} requests, none failed`,
  );
}

if (process.argv[2] === undefined) await restart();
else await serve(Number(process.argv[2]));
