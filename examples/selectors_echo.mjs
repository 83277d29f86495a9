// The echo server from Python's documentation of selectors, line by line: one thread, any number of connections.
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';

/** @typedef {socket.socket<typeof socket.AF_INET | typeof socket.AF_INET6>} Socket */
/** @type {selectors.EpollSelector<(sock: Socket, mask: number) => void, Socket>} */
const sel = selectors.DefaultSelector();

/** @param {Socket} sock */
function accept(sock) {
  const [conn] = sock.accept(); // should be ready
  conn.setblocking(false);
  sel.register(conn, selectors.EVENT_READ, read);
}

/** @param {Socket} conn */
function read(conn) {
  const data = conn.recv(1000); // should be ready
  if (data.length > 0) {
    conn.send(data); // hope it won't block
    return;
  }
  sel.unregister(conn);
  conn.close();
}

const sock = socket.socket();
sock.bind(['127.0.0.1', 0]);
sock.listen(100);
sock.setblocking(false);
sel.register(sock, selectors.EVENT_READ, accept);

// The clients run on the same thread, in the same selector. Each sends a word, and closes once it has the answer.
/** @type {string[]} */
const answers = [];
/** @param {Socket} client */
function answered(client) {
  answers.push(client.recv(1000).toString());
  sel.unregister(client);
  client.close();
}
for (const word of ['one', 'two', 'three']) {
  const client = socket.create_connection(sock.getsockname());
  client.sendall(word);
  sel.register(client, selectors.EVENT_READ, answered);
}

// In Python: while True.
while ((sel.get_map()?.size ?? 0) > 1) {
  for (const [key, mask] of sel.select(5)) {
    const callback = key.data;
    callback(key.fileobj, mask);
  }
}
console.log(`selectors   ${answers.length} connections answered: ${answers.sort().join(', ')}`);
sel.close();
sock.close();
