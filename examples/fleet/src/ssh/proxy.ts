// ProxyCommand of ssh_config(5): a command whose standard input and output are the connection. It is run by the user's shell, as ssh does, with one
// end of a pair of sockets; it is in a session of its own, so that ^C at the terminal is not for it, and ends with its connection.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { from_socket } from 'bsd-sockets/promises';
import { socketpair } from 'bsd-sockets/socket';
import { FleetFailure } from '../failure.js';
import { shell } from './config.js';

/** A stream to a host. */
export interface Line {
  readonly stream: Duplex;
  /** Returns what is known better of a failure of SSH on this stream. */
  explain(failure: FleetFailure): Promise<FleetFailure>;
}

/** Characters of its standard error that are kept, for the reason of a failure. */
const KEPT = 1000;
/** Milliseconds for the command to end, when its connection has. */
const PATIENCE_MS = 2000;

/**
 * Runs a ProxyCommand.
 *
 * @param command for the shell, its tokens expanded
 * @throws OSError if there are no descriptors left
 */
export function run_proxy(command: string): Line {
  const [ours, theirs] = socketpair();
  const fd = theirs.fileno();
  const child = spawn(shell(), ['-c', `exec ${command}`], {
    stdio: [fd, fd, 'pipe'],
    detached: true,
  });
  theirs.close();
  const stream = from_socket(ours).to_stream();
  const ended = ending_of(child);
  let at_end = false;
  const note_end = () => {
    at_end = true;
  };
  // An error is the end, too: what was sent to it and not read.
  stream.once('end', note_end).once('error', note_end);
  stream.once('close', () => void hang_up(child, ended));
  return {
    stream,
    async explain(failure) {
      // Without an end of the stream the command works, and what failed is SSH.
      if (!at_end) return failure;
      const how = await Promise.race([ended, patience()]);
      return how === undefined ? failure : new FleetFailure('unreachable', `the ProxyCommand ${how}`);
    },
  };
}

/** Returns how the command ended. */
function ending_of(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.on('data', (data: Buffer) => {
    said = (said + data.toString('utf8')).slice(-KEPT);
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`cannot be run: ${error.message}`));
    child.on('exit', (code, signal) => {
      // What it said is there when its standard error has ended; a process that it left behind may keep that open.
      const last = () => said.trim().split('\n').at(-1) ?? '';
      const how = `ended with ${code === null ? signal : `exit code ${code}`}`;
      const say = () => resolve(last() === '' ? how : `${how}: ${last()}`);
      child.once('close', say);
      patience().then(say);
    });
  });
}

/**
 * Ends the command and what it has started: SIGHUP, as from a terminal that ends, and SIGKILL if that is not enough. When it has ended before, its
 * number may be another process's: what it may have left has no connection any more.
 */
async function hang_up(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const send = (signal: 'SIGHUP' | 'SIGKILL') => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It ends at this moment.
    }
  };
  send('SIGHUP');
  await Promise.race([ended, patience()]);
  send('SIGKILL');
  child.stderr?.destroy();
}

const patience = () =>
  new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined).unref());
