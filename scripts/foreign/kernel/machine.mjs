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
 * @property {string} folder a folder for temporary files that host and guest both see
 * @property {string} node a program that stands for the guest's Node.js
 * @property {Record<string, string>} env what programs take from the environment
 * @property {() => Promise<void>} end ends the machine, and removes the folder
 */

/**
 * Boots a machine.
 *
 * @param {string} name of a board
 * @param {number} limit ms after which the machine is ended whatever it does, once it is up
 * @returns {Promise<Machine>}
 * @throws {SetupError} that says what cannot be had; of a machine that does not boot, with the end of its console
 */
export async function boot(name, limit) {
  const guest = prepare(name);
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-vm-'));
  const { gone, kill } = start_emulator(guest, folder);
  // This process is ended by a signal, for example. Were it killed, the agent would turn the machine off at the end of the port.
  const abandon = () => {
    kill();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  const end = async () => {
    kill();
    await gone;
    process.off('exit', abandon);
    rmSync(folder, { recursive: true });
  };
  try {
    const socket = join(folder, 'link');
    const { ready } = await serve_relays(await connected(port_of(folder), gone), socket);
    const { release, node: version } = await up(ready, gone);
    console.log(
      `Linux ${release}, Node.js ${version}: up after ${Math.round((Date.now() - started) / 1000)} s`,
    );
    const timer = setTimeout(kill, limit);
    void gone.then(() => clearTimeout(timer));
    const node = join(folder, 'node');
    write_stand_in(node);
    return { folder, node, env: { ...guest.env, FOREIGN_LINK: socket }, end };
  } catch (error) {
    const text = existsSync(console_of(folder)) ? readFileSync(console_of(folder), 'utf8') : '';
    await end();
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError([error.message, ...text.trim().split('\n').slice(-20)].join('\n'));
  }
}

/**
 * @param {import('./prepare.mjs').Guest} guest
 * @param {string} folder that host and guest share
 * @returns {{ gone: Promise<string>, kill: () => void }} gone: the emulator has ended, and what it said
 */
function start_emulator(guest, folder) {
  const initramfs = join(folder, 'initramfs');
  const settings = {
    PROJECT: root,
    FOLDER: folder,
    BINARY: guest.binary,
    NODE: guest.node,
    NOW: String(Math.round(Date.now() / 1000)),
  };
  writeFileSync(initramfs, initramfs_of(guest, settings));
  const places = { kernel: guest.kernel, initramfs, system: guest.system, project: root, folder };
  const [program = '', ...args] = [...guest.qemu, ...arguments_of(guest.board, places)];
  const qemu = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  qemu.stderr.on('data', (data) => {
    said += data;
  });
  /** @type {Promise<string>} */
  const gone = new Promise((resolve) => {
    qemu.once('close', () => resolve(said.trim()));
    qemu.once('error', (error) => resolve(error.message));
  });
  return { gone, kill: () => qemu.kill('SIGKILL') };
}

/**
 * Waits for the agent.
 *
 * @param {Promise<import('./link.mjs').What>} ready
 * @param {Promise<string>} gone the machine has ended
 */
async function up(ready, gone) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const failed = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new SetupError(`not up after ${BOOT / 60_000} minutes.`)), BOOT);
    void gone.then((said) => reject(new SetupError(`the machine did not boot. ${said}`)));
  });
  try {
    return await Promise.race([ready, failed]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Connects to a Unix socket as soon as the machine listens there.
 *
 * @param {string} path
 * @param {Promise<string>} gone the machine has ended
 * @returns {Promise<import('node:net').Socket>}
 */
async function connected(path, gone) {
  /** @type {string | undefined} */
  let said;
  void gone.then((text) => {
    said = text;
  });
  while (said === undefined) {
    const socket = connect(path);
    const there = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (there) return socket.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new SetupError(`the emulator did not start. ${said}`);
}
