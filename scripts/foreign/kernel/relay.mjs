// @ts-check
// Stands on the host for a Node.js process of the guest, in place of the program that vitest forks: it hands on arguments, environment and
// working folder, carries its output and its IPC channel, ends as it ended, and the guest's process ends with it.
//
//   FOREIGN_LINK      the Unix socket of the host's end of the port: machine.mjs
//   FOREIGN_CHANNEL   the descriptor of the IPC channel, if there is one; Node.js must not take it for this process's own
import { connect, Socket } from 'node:net';
import { EXIT, frame, frame_reader, json, START } from './frames.mjs';

const { FOREIGN_LINK: path = '', FOREIGN_CHANNEL: number, ...env } = process.env;
const link = connect(path);
const channel = number ? new Socket({ fd: Number(number) }) : undefined;
// The guest's process tells who it is by the number of the process that can be ended here: scripts/vitest/announce.ts.
Object.assign(env, { BSD_SOCKETS_TEST_PID: String(process.pid) });
link.write(
  frame(0, START, { args: process.argv.slice(2), cwd: process.cwd(), env, channel: channel !== undefined }),
);

const outputs = [undefined, process.stdout, process.stderr, channel];
/** @type {{ code: number | null, signal: NodeJS.Signals | null }} */
let end = { code: 1, signal: null };
const read = frame_reader();
link.on('data', (chunk) => {
  for (const { kind, data } of read(chunk)) {
    if (kind === EXIT) end = json(data);
    else outputs[kind]?.write(data);
  }
});
// Without the machine there is no process, either.
link.on('error', () => {});
link.on('close', () => {
  channel?.destroySoon();
  process.exitCode = end.code ?? 1;
});
channel?.on('data', (data) => link.write(frame(0, 3, data)));
channel?.on('error', () => {});
// Whoever started this process is gone, or wants nothing more of it.
channel?.on('close', () => link.end());
// Last of all, when its output has been written.
process.on('exit', () => {
  if (end.signal) process.kill(process.pid, end.signal);
});
