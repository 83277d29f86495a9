// TCP: a server on a worker thread answers in upper case to its client on the main thread. Both block.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';

function server() {
  const listener = socket.create_server(['127.0.0.1', 0]);
  parentPort?.postMessage(listener.getsockname());
  const [conn] = listener.accept();
  for (let data = conn.recv(1024); data.length > 0; data = conn.recv(1024)) {
    conn.sendall(data.toString().toUpperCase());
  }
  conn.close();
  listener.close();
}

/** @param {socket.ReturnedAddress<typeof socket.AF_INET>} address */
function client(address) {
  const sock = socket.create_connection(address);
  sock.sendall('hello, sockets');
  const answer = sock.recv(1024);
  console.log(
    `TCP         sent "hello, sockets" to ${address.join(':')}, a worker thread answered "${answer}"`,
  );
  sock.close();
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const [address] = await once(worker, 'message');
  client(address);
} else {
  server();
}
