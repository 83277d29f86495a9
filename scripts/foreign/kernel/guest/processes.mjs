// @ts-check
// The guest's end of the port: starts the processes that come by it, and carries their output and their IPC channels.
import { spawn } from 'node:child_process';
import { release } from 'node:os';
import { EXIT, frame, frame_reader, json, KILL, READY, START } from '../frames.mjs';

/** How long output may come after the end of a process, in ms, from others that have its descriptors. */
const LATE = 2_000;

/** Variables that name files, which are others in the guest. */
const OWN = ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS'];

/**
 * @typedef {object} Request
 * @property {string[]} args
 * @property {string} cwd
 * @property {Record<string, string>} env of the host, from which the guest's own differs: see OWN
 * @property {boolean} channel whether the process has an IPC channel
 */

/**
 * Starts processes until there is no more input.
 *
 * @param {import('node:stream').Readable} input
 * @param {import('node:stream').Writable} output
 * @param {string} node the program that is started
 */
export function start_processes(input, output, node) {
  /** @type {Map<number, import('node:child_process').ChildProcess>} */
  const processes = new Map();
  const own = Object.fromEntries(OWN.map((name) => [name, process.env[name]]));

  /** @param {number} id @param {Request} request */
  const start = (id, { args, cwd, env, channel }) => {
    const child = spawn(node, args, {
      cwd,
      env: { ...env, ...own, ...(channel ? { NODE_CHANNEL_FD: '3' } : {}) },
      stdio: ['ignore', 'pipe', 'pipe', ...(channel ? [/** @type {const} */ ('pipe')] : [])],
      detached: true,
    });
    processes.set(id, child);
    child.stdio.forEach((stream, kind) => {
      stream?.on('data', (/** @type {Buffer} */ data) => output.write(frame(id, kind, data)));
      stream?.on('error', () => {});
    });
    /** @param {number | null} code @param {string | null} signal */
    const end = (code, signal) => {
      if (!processes.delete(id)) return;
      for (const stream of child.stdio) stream?.destroy();
      output.write(frame(id, EXIT, { code, signal }));
    };
    child.on('error', (error) => {
      output.write(frame(id, 2, Buffer.from(`${error}\n`)));
      end(1, null);
    });
    child.on('close', end);
    child.on('exit', (code, signal) => setTimeout(end, LATE, code, signal));
  };

  const read = frame_reader();
  input.on('data', (chunk) => {
    for (const { id, kind, data } of read(chunk)) {
      const child = processes.get(id);
      if (kind === START) start(id, json(data));
      else if (kind === KILL) kill(child?.pid);
      /** @type {import('node:net').Socket | undefined} */ else child?.stdio[kind]?.write(data);
    }
  });
  output.write(frame(0, READY, { release: release(), arch: process.arch, node: process.version }));
}

/** Ends a process and those of its group. @param {number | undefined} pid */
function kill(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended just now.
  }
}
