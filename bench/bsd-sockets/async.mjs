// async.mjs echo|server|datagrams|datagrams_into|joined|iterate: the work of floor/async.c, as a program awaits it; of `server` AsyncTCPServer's
// handlers do.
import * as promises from 'bsd-sockets/promises';
import { AsyncBaseRequestHandler, AsyncTCPServer } from 'bsd-sockets/socketserver';

const BLOCK = 65536;
const CREDIT = 64;

async function serve(conn) {
  conn.setsockopt(promises.IPPROTO_TCP, promises.TCP_NODELAY, 1);
  try {
    for (let data = await conn.recv(BLOCK); data.length > 0; data = await conn.recv(BLOCK)) {
      await conn.sendall(data);
    }
  } catch (error) {
    if (!(error instanceof promises.ConnectionError)) throw error; // a client that was ended
  }
  conn.close();
}

async function echo() {
  const server = await promises.create_server(['127.0.0.1', 0], { backlog: 4096 });
  console.log(`ready ${server.getsockname()[1]}`);
  for await (const [conn] of server) serve(conn);
}

class Echo extends AsyncBaseRequestHandler {
  async handle() {
    const { request } = this;
    request.setsockopt(promises.IPPROTO_TCP, promises.TCP_NODELAY, 1);
    for (let data = await request.recv(BLOCK); data.length > 0; data = await request.recv(BLOCK)) {
      await request.sendall(data);
    }
  }
}

async function server() {
  const server = new AsyncTCPServer(['127.0.0.1', 0], Echo, { request_queue_size: 4096 });
  server.handle_error = () => {}; // a client that was ended
  console.log(`ready ${server.server_address[1]}`);
  await server.serve_forever();
}

async function bound() {
  const sock = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
  await sock.bind(['127.0.0.1', 0]);
  console.log(`ready ${sock.getsockname()[1]}`);
  return sock;
}

async function datagrams() {
  const sock = await bound();
  for (let received = 0; ; ) {
    for (const [, , , from] of await sock.recvmmsg(CREDIT, 64)) {
      if (++received % CREDIT === 0) await sock.sendto('!', from);
    }
  }
}

async function datagrams_into() {
  const sock = await bound();
  await receive_into(sock, new promises.MessageBatch(CREDIT, 64));
}

async function receive_into(sock, batch) {
  for (let received = 0; ; ) {
    const count = await sock.recvmmsg_into(batch);
    for (let i = 0; i < count; i++) {
      if (++received % CREDIT === 0) await sock.sendto('!', batch.address(i));
    }
  }
}

async function joined() {
  const sock = await bound();
  sock.setsockopt(promises.IPPROTO_UDP, promises.UDP_GRO, 1);
  await receive_into(sock, new promises.MessageBatch(1024, 64));
}

async function iterate() {
  const sock = await bound();
  let received = 0;
  for await (const [, from] of sock) {
    if (++received % CREDIT === 0) await sock.sendto('!', from);
  }
}

await { echo, server, datagrams, datagrams_into, joined, iterate }[process.argv[2]]();
