// Sending a file: by sendfile(2), or by reading and sending if the kernel cannot send from that file.
import { fstatSync, readSync } from 'node:fs';
import {
  check_file,
  check_sendfile,
  is_not_sent,
  move_position,
  raise_of_file,
  type SendfileSource,
} from '../calls/sendfile.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { addon } from '../native/addon.js';

// The most bytes of one system call, so that a signal or a termination never waits long.
const BLOCK_SIZE = 2 ** 30;
const CHUNK_SIZE = 64 * 1024;

/** See Socket.sendfile. */
export function sendfile(sock: SocketBase, file: SendfileSource, offset: number, count: unknown): number {
  const { fd, begin, wanted } = check_sendfile(sock, file, offset, count, sock.gettimeout());
  let sent = 0;
  try {
    for (const result of parts(sock, fd, begin, wanted)) {
      check_file(sock, fd, result, sent);
      if (result < 0) sock._raise_with(result, 'sendfile', { bytes_sent: sent });
      sent += result;
    }
    return sent;
  } finally {
    if (sent > 0) move_position(file, begin + sent);
  }
}

/** Sends the file, one part a step. Yields the bytes of each part, or a negative number, which is the last. */
function* parts(sock: SocketBase, fd: number, begin: number, wanted: number): Generator<number, void> {
  let result = -1;
  for (let sent = 0; result !== 0 && sent < wanted; sent += result) {
    const block = Math.min(wanted - sent, BLOCK_SIZE);
    result = addon.sendfile(sock._fd, sock._generation, fd, begin + sent, block, sock._timeout_ms);
    if (sent === 0 && is_not_sent(result)) return yield* parts_by_hand(sock, fd, begin, wanted);
    yield result;
  }
}

/** Sends a file that sendfile(2) does not take (a pipe, a terminal, one of /proc): reads a chunk, sends it, and so on. */
function* parts_by_hand(
  sock: SocketBase,
  fd: number,
  begin: number,
  wanted: number,
): Generator<number, void> {
  const is_regular = fstatSync(fd).isFile();
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
  for (let sent = 0; sent < wanted; ) {
    const at = is_regular ? begin + sent : null;
    const count = read_file(fd, buffer, Math.min(CHUNK_SIZE, wanted - sent), at, sent);
    if (count === 0) return;
    for (let rest = buffer.subarray(0, count); rest.length > 0; ) {
      const result = transfer.send(sock, rest, 0, sock._timeout_ms);
      yield result;
      sent += result;
      rest = rest.subarray(result);
    }
  }
}

function read_file(fd: number, buffer: Buffer, length: number, at: number | null, sent: number): number {
  try {
    return readSync(fd, buffer, 0, length, at);
  } catch (error) {
    return raise_of_file(fd, error, sent);
  }
}
