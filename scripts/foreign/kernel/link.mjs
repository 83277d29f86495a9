// @ts-check
// The host's end of the machine's port: a Unix socket at which programs that stand for processes of the guest (relay.mjs) connect.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { EXIT, frame, frame_reader, json, KILL, READY } from './frames.mjs';

/** @typedef {{ release: string, arch: string, node: string }} What the guest is, as the agent says */

/**
 * @typedef {object} Link
 * @property {Promise<What>} ready the agent is there
 * @property {() => void} close relays end with exit code 1
 */

/**
 * Serves relays until the port closes.
 *
 * @param {import('node:stream').Duplex} port
 * @param {string} path of the socket
 * @returns {Promise<Link>} once relays can connect
 */
export async function serve_relays(port, path) {
  /** @type {Map<number, import('node:net').Socket>} */
  const relays = new Map();
  let last = 0;
  const server = createServer((relay) => {
    const id = ++last;
    relays.set(id, relay);
    const read = frame_reader();
    relay.on('data', (chunk) => {
      for (const { kind, data } of read(chunk)) port.write(frame(id, kind, data));
    });
    relay.on('error', () => {});
    relay.on('close', () => {
      if (relays.delete(id)) port.write(frame(id, KILL));
    });
  });
  const close = () => {
    server.close();
    for (const relay of relays.values()) relay.destroy();
    relays.clear();
  };
  port.on('close', close);
  await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
  /** @type {Promise<What>} */
  const ready = new Promise((resolve) => {
    const read = frame_reader();
    port.on('data', (chunk) => {
      for (const { id, kind, data } of read(chunk)) {
        const relay = relays.get(id);
        if (kind === READY) resolve(json(data));
        else if (kind === EXIT) {
          relays.delete(id);
          relay?.end(frame(0, kind, data));
        } else relay?.write(frame(0, kind, data));
      }
    });
  });
  return { ready, close };
}

/**
 * Writes a program that is started in place of the guest's Node.js.
 *
 * @param {string} path
 */
export function write_stand_in(path) {
  const relay = fileURLToPath(new URL('relay.mjs', import.meta.url));
  const lines = [
    '#!/bin/sh',
    // Node.js takes NODE_CHANNEL_FD for its own.
    'export FOREIGN_CHANNEL="$NODE_CHANNEL_FD"',
    'unset NODE_CHANNEL_FD',
    `exec '${process.execPath}' '${relay}' "$@"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755 });
}
