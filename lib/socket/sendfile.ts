// Sending a file: by sendfile(2), or by reading and sending if the kernel cannot send from that file.
import {
  check_file,
  check_sendfile,
  is_not_sent,
  move_position,
  raise_of_file,
  read_bytes,
  type SendfileArguments,
  type SendfileSource,
  seek_begin,
} from '../calls/moving/sendfile.js';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import { is_on_disk } from '../calls/waiting/file.js';
import { addon } from '../native/addon.js';
import type { Bytes } from '../util/validate.js';

// The most bytes of one system call, so that a signal or a termination never waits long.
const BLOCK_SIZE = 2 ** 30;
const CHUNK_SIZE = 64 * 1024;

/** See Socket.sendfile. */
export function sendfile(sock: SocketBase, file: SendfileSource, offset: number, count: unknown): number {
  const checked = check_sendfile(sock, file, offset, count, sock.gettimeout());
  let sent = 0;
  try {
    for (const result of parts(sock, checked)) {
      check_file(sock, checked.fd, result, sent);
      if (result < 0) sock._raise_with(result, 'sendfile', { bytes_sent: sent });
      sent += result;
    }
    return sent;
  } finally {
    if (sent > 0) move_position(file, checked.begin + sent);
  }
}

/** Sends the file, one part a step. Yields the bytes of each part, or a negative number, which is the last. */
function* parts(sock: SocketBase, checked: SendfileArguments): Generator<number, void> {
  const { fd, begin, wanted } = checked;
  if (fd < 0) return yield* parts_by_hand(sock, checked);
  let result = -1;
  for (let sent = 0; result !== 0 && sent < wanted; sent += result) {
    const block = Math.min(wanted - sent, BLOCK_SIZE);
    result = addon.sendfile(sock._fd, sock._generation, fd, begin + sent, block, sock._timeout_ms);
    if (sent === 0 && is_not_sent(result)) return yield* parts_by_hand(sock, checked);
    yield result;
  }
}

/** Sends a file that sendfile(2) does not take (a pipe, a terminal, one of /proc): reads a chunk, sends it, and so on. */
function* parts_by_hand(sock: SocketBase, checked: SendfileArguments): Generator<number, void> {
  const read = reader_of(sock, checked);
  seek_begin(checked);
  for (let sent = 0; sent < checked.wanted; ) {
    let rest = read(Math.min(CHUNK_SIZE, checked.wanted - sent), sent);
    if (rest.length === 0) return;
    while (rest.length > 0) {
      const result = transfer.send(sock, rest, 0, sock._timeout_ms);
      yield result;
      sent += result;
      rest = rest.subarray(result);
    }
  }
}

/** Returns the function that reads the next bytes of the file, none at its end. `sent` is the number of bytes before them. */
function reader_of(
  sock: SocketBase,
  { fd, reader, begin }: SendfileArguments,
): (length: number, sent: number) => Bytes {
  if (reader !== undefined) return (length) => read_bytes(reader.read(length));
  const has_positions = is_on_disk(fd);
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
  return (length, sent) => {
    const position = has_positions ? begin + sent : -1;
    const count = addon.read(fd, buffer.subarray(0, length), position, sock._timeout_ms);
    return count < 0 ? raise_of_file(fd, count, sent) : buffer.subarray(0, count);
  };
}
