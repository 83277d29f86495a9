// A peer for programs that only send datagrams: it does not read, so its queue is full after the first ones.
import { AF_INET, SOCK_DGRAM, socket } from 'bsd-sockets/socket';

/** @returns {{ sock: object, address: string, port: number }} the socket has to be kept */
export function silent_peer() {
  const sock = socket(AF_INET, SOCK_DGRAM);
  sock.bind(['127.0.0.1', 0]);
  const [address, port] = sock.getsockname();
  return { sock, address, port };
}
