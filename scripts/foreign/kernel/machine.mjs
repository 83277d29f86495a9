// @ts-check
// A virtual machine with a kernel of another processor, in which Node.js processes are started as if they were on this machine: vitest
// stays here, and forks a program that stands for the process there (relay.mjs). They meet at a Unix socket; the frames of all go through
// one serial port of the machine, at whose other end is guest/agent.mjs.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, SetupError } from '../../setup.mjs';
import { serve_relays, write_stand_in } from './link.mjs';
import { arguments_of, console_of, port_of } from './machines.mjs';
import { initramfs_of, prepare } from './prepare.mjs';

/** Until the agent is up, in ms. */
const BOOT = 15 * 60_000;

/**
 * @typedef {object} Machine
 * @property {import('./link.mjs').What} what the guest is
 * @property {string} folder a folder for temporary files that host and guest both see
 * @property {string} node a program that stands for the guest's Node.js
 * @property {Record<string, string>} env what programs take from the environment
 * @property {() => Promise<void>} end ends the machine, and removes the folder
 */

/**
 * Boots a machine.
 *
 * @param {string} name of a board
 * @param {{ limit: number, tell?: (line: string) => void }} options limit: ms after which the machine is ended whatever it does
 * @returns {Promise<Machine>}
 * @throws {SetupError} that says what cannot be had; of a machine that does not boot, with the end of its console
 */
export async function boot(name, { limit, tell = console.log }) {
  const guest = prepare(name);
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-vm-'));
  const initramfs = join(folder, 'initramfs');
  const settings = { PROJECT: root, FOLDER: folder, BINARY: guest.binary, NODE: guest.node };
  const now = { NOW: String(Math.round(Date.now() / 1000)) };
  writeFileSync(initramfs, initramfs_of(guest, { ...settings, ...now }));
  const places = { kernel: guest.kernel, initramfs, system: guest.system, project: root, folder };
  const [program = '', ...args] = [...guest.qemu, ...arguments_of(guest.board, places)];
  const started = Date.now();
  const qemu = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  // Should this process end by itself, or be ended: the agent turns the machine off, when there is one.
  const kill = () => qemu.kill('SIGKILL');
  process.once('exit', kill);
  const timer = setTimeout(kill, limit);
  let complaint = '';
  qemu.stderr.on('data', (data) => {
    complaint += data;
  });
  /** @type {Promise<void>} */
  const gone = new Promise((resolve) => {
    qemu.once('close', () => resolve());
    qemu.once('error', (error) => {
      complaint += error.message;
      resolve();
    });
  });
  /** @type {import('./link.mjs').Link | undefined} */
  let relays;
  const end = async () => {
    clearTimeout(timer);
    process.off('exit', kill);
    kill();
    await gone;
    relays?.close();
    rmSync(folder, { recursive: true });
  };
  try {
    const link = join(folder, 'link');
    relays = await serve_relays(await connected(port_of(folder), gone), link);
    const what = await up(relays.ready, gone);
    tell(
      `Linux ${what.release}, Node.js ${what.node}: up after ${((Date.now() - started) / 1000).toFixed(0)} s`,
    );
    const node = join(folder, 'node');
    write_stand_in(node);
    return { what, folder, node, env: { ...guest.env, FOREIGN_LINK: link }, end };
  } catch (error) {
    const console_text = existsSync(console_of(folder)) ? readFileSync(console_of(folder), 'utf8') : '';
    await end();
    if (!(error instanceof SetupError)) throw error;
    const last = console_text.trim().split('\n').slice(-20).join('\n');
    throw new SetupError(`${error.message} ${complaint.trim()}\n${last}`);
  }
}

/**
 * Waits for the agent.
 *
 * @param {Promise<import('./link.mjs').What>} ready
 * @param {Promise<void>} gone the machine has ended
 */
async function up(ready, gone) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new SetupError(`not up after ${BOOT / 60_000} minutes.`)), BOOT);
  });
  const early = gone.then(() => {
    throw new SetupError('the machine did not boot.');
  });
  try {
    return /** @type {import('./link.mjs').What} */ (await Promise.race([ready, late, early]));
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more.
    early.catch(() => {});
  }
}

/**
 * Connects to a Unix socket as soon as the machine listens there.
 *
 * @param {string} path
 * @param {Promise<void>} gone
 * @returns {Promise<import('node:net').Socket>}
 */
async function connected(path, gone) {
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  while (!ended) {
    const socket = connect(path);
    const there = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (there) return socket.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new SetupError('the emulator did not start.');
}
