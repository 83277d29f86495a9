// The services of `bsd-sockets serve` for servers on the event loop: one function for streams and one for datagrams each, with
// promise sockets. blocking.ts has the same services as handler classes.
import { closeSync, constants, openSync } from 'node:fs';
import { ConnectionError, type socket as Socket, TimeoutError } from '../../promises/index.js';
import type { AsyncDatagramRequest, ServerView } from '../../socketserver/index.js';
import { log, type ServiceData } from './blocking.js';

type Service = (conn: Socket, data: ServiceData) => Promise<void>;
type Client = readonly unknown[] | string | Buffer | null;

const CHUNK_SIZE = 64 * 1024;

/** Returns the handler of a service for streams. It logs if `verbose` is set; time-outs and lost connections are no errors. */
function stream(service: Service) {
  return async (conn: Socket, client: Client, server: ServerView): Promise<void> => {
    const data = server.worker_data as ServiceData;
    conn.settimeout(data.idle);
    log(data, client, 'connected');
    try {
      await service(conn, data);
      log(data, client, 'ended');
    } catch (error) {
      if (!(error instanceof TimeoutError || error instanceof ConnectionError)) throw error;
      log(data, client, error.message);
    }
  };
}

export const echo = stream(async (conn) => {
  for await (const chunk of conn) await conn.sendall(chunk as Buffer);
});

export const discard = stream(async (conn) => {
  while ((await conn.recv(CHUNK_SIZE)).length > 0);
});

export const time = stream((conn) => conn.sendall(`${new Date().toISOString()}\n`));

export const send_file = stream(async (conn, { path }) => {
  // Opening a FIFO would wait for its writer; sendfile waits as well.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await conn.sendfile(fd);
  } finally {
    closeSync(fd);
  }
});

/** Answers a datagram. A client of AF_UNIX without a name cannot be answered. */
async function answer(sock: Socket, client: Client, data: Buffer | string): Promise<void> {
  if (client !== null && client.length !== 0) await sock.sendto(data, client as string);
}

export const echo_datagram = ([packet, sock]: AsyncDatagramRequest, client: Client) =>
  answer(sock, client, packet);

export const discard_datagram = (): void => {};

export const time_datagram = ([, sock]: AsyncDatagramRequest, client: Client) =>
  answer(sock, client, `${new Date().toISOString()}\n`);
