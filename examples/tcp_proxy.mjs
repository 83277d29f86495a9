// A TCP proxy: what comes from a client goes to a server and back, inside of the kernel.
//
//   tcp_proxy.mjs PORT HOST SERVER_PORT   relays connections to PORT until it is stopped
//   tcp_proxy.mjs                         relays one connection to an echo server of its own, and says what was moved
import * as socket from 'bsd-sockets/promises';

/**
 * Relays one connection. Each end shuts the other one down, so that both directions end by themselves.
 * @param {socket.socket} client
 * @param {[string, number]} address the server's
 */
async function relay(client, address) {
  const server = await socket.create_connection(address, { timeout: 10 });
  try {
    return await socket.pump_both(client, server, { timeout: null });
  } finally {
    server.close();
  }
}

/** @param {socket.socket} listener @param {[string, number]} address */
async function proxy(listener, address) {
  for await (const [client, [host, port]] of /** @type {socket.ListeningSocket<2>} */ (listener)) {
    relay(client, address)
      .then(([up, down]) => console.log(`${host}:${port} sent ${up} bytes and received ${down}`))
      .catch((error) => console.error(`${host}:${port}: ${error.message}`))
      .finally(() => client.close());
  }
}

async function show() {
  const echo = await socket.create_server(['127.0.0.1', 0]);
  const listener = await socket.create_server(['127.0.0.1', 0]);
  const echoing = echo.accept().then(async ([conn]) => {
    await socket.pump(conn, conn);
    conn.close();
  });
  const relaying = listener.accept().then(([client]) => relay(client, echo.getsockname()));
  const sock = await socket.create_connection(listener.getsockname());
  await sock.sendall('through the kernel');
  await sock.shutdown(socket.SHUT_WR);
  const answer = await sock.recv_exactly(18);
  const [up, down] = await relaying;
  await echoing;
  console.log(`proxy       moved ${up} bytes there and ${down} back: "${answer}"`);
  for (const one of [sock, listener, echo]) one.close();
}

const [port, host, server_port] = process.argv.slice(2);
if (port === undefined) await show();
else if (host === undefined || server_port === undefined)
  console.error('usage: tcp_proxy.mjs [PORT HOST SERVER_PORT]');
else await proxy(await socket.create_server(['', Number(port)]), [host, Number(server_port)]);
