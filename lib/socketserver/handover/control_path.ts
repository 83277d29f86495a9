// The socket of a control path: who listens there, a path that a dead process left behind, and the listener that a process got from its
// predecessor. A successor takes this listener over as well: so the path never changes hands, and there is no moment without it.
import { fchmodSync, linkSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { without_default_timeout } from '../../calls/waiting/default_timeout.js';
import { AF_UNIX, SOCK_SEQPACKET } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { from_socket } from '../../promises/index.js';
import { socket as Socket } from '../../socket/index.js';
import { c_string, shown } from '../../util/validate.js';
import type { ControlSocket } from './channel.js';

const { EADDRINUSE, EEXIST } = constants.errno;
/** Bytes of the longest path of an AF_UNIX socket. */
const PATH_LIMIT = 107;
/** Read and write for the owner alone: connect(2) needs write. */
const OWNER_ONLY = 0o600;
const BACKLOG = 32;

/** A listener on a control path. */
export interface ControlListener {
  readonly sock: ControlSocket;
  /** The device and inode of the path. */
  readonly place: string;
}

/** Listeners that came from predecessors, by path, until this process offers a handover there. */
const inherited = new Map<string, ControlListener>();

/** Checks a control path, and makes it absolute if it fits so. @throws TypeError, RangeError */
export function control_path(value: unknown): string {
  const path = c_string(value, 'path');
  if (path === '') throw new RangeError('path must not be empty');
  const absolute = resolve(path);
  const bytes = Buffer.byteLength(absolute);
  if (bytes <= PATH_LIMIT) return absolute;
  throw new RangeError(
    `path must have at most ${PATH_LIMIT} bytes, made absolute, not ${bytes}: ${shown(absolute)}`,
  );
}

function stats_of(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Returns the device and inode of a path; '' if there is nothing. */
function place_of(path: string): string {
  const stats = stats_of(path);
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`;
}

/** Throws if something other than a socket is at the path. @throws FileExistsError */
export function check_socket(path: string): void {
  const stats = stats_of(path);
  if (stats === undefined || stats.isSocket()) return;
  throw new OSError(EEXIST, 'this is no socket, and a handover needs a path of its own', path);
}

/** Keeps the listener of the path for the next offer of this process. */
export function inherit_listener(path: string, listener: ControlListener): void {
  inherited.get(path)?.sock.close();
  inherited.set(path, listener);
}

/** Returns the listener that came from a predecessor, if its path is there still. */
function take_inherited(path: string): ControlListener | undefined {
  const listener = inherited.get(path);
  inherited.delete(path);
  if (listener === undefined || listener.place === place_of(path)) return listener;
  listener.sock.close();
  return undefined;
}

/** Closes the listener that came from a predecessor, unless it is used. */
export function drop_inherited(path: string): void {
  inherited.get(path)?.sock.close();
  inherited.delete(path);
}

function new_socket(): Socket<typeof AF_UNIX, typeof SOCK_SEQPACKET> {
  return without_default_timeout(() => new Socket(AF_UNIX, SOCK_SEQPACKET));
}

/** Returns whether a process listens at the path. */
function is_alive(path: string): boolean {
  using probe = new_socket();
  probe.settimeout(0);
  try {
    probe.connect(path);
    return true;
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    return error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT';
  }
}

/**
 * Removes the path of a process that has ended. Two processes may do so at once, and one of them may listen there already: so the path
 * is moved aside first, and put back if somebody listens.
 *
 * @throws OSError EADDRINUSE if somebody does
 */
function remove_stale(path: string): void {
  const in_use = () => {
    throw new OSError(EADDRINUSE, 'another process offers its sockets here: take_over() gets them', path);
  };
  check_socket(path);
  if (is_alive(path)) in_use();
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    // Another process was first.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const is_mine = !is_alive(aside);
  if (!is_mine) linkSync(aside, path);
  unlinkSync(aside);
  if (!is_mine) in_use();
}

/** Returns a listener at the path, which only this user may connect to. @throws OSError EADDRINUSE, EACCES; FileExistsError */
export function listen_at(path: string): ControlListener {
  const known = take_inherited(path);
  if (known !== undefined) return known;
  const sock = new_socket();
  try {
    // Of a socket that is not bound yet Linux takes the mode for the path that bind(2) makes: there is no moment with another one.
    fchmodSync(sock.fileno(), OWNER_ONLY);
    try {
      sock.bind(path);
    } catch (error) {
      if (!(error instanceof OSError) || error.code !== 'EADDRINUSE') throw error;
      remove_stale(path);
      sock.bind(path);
    }
    sock.listen(BACKLOG);
    return { sock: from_socket(sock), place: place_of(path) };
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Removes the path of a listener, unless another one has it by now. */
export function remove_path(path: string, { place }: ControlListener): void {
  if (place_of(path) !== place) return;
  try {
    unlinkSync(path);
  } catch {
    // A path that nobody listens at is replaced by the next one who does.
  }
}
