// server.mjs TASK tcp|unix PATH FILE: the same server as python/server.py, line by line, on this library.
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';

const BLOCK = 65536;

let sink;

/** Returns a socket whose other end is the standard input of a process that drops all bytes. */
function make_sink() {
  const [near, far] = socket.socketpair();
  spawn('cat', { stdio: [far.fileno(), 'ignore', 'inherit'] });
  far.close();
  return near;
}

const tasks = {
  echo(conn) {
    for (let data = conn.recv(4096); data.length > 0; data = conn.recv(4096)) conn.sendall(data);
  },

  recv(conn) {
    while (conn.recv(BLOCK).length > 0);
  },

  recv_into(conn) {
    const buffer = Buffer.alloc(BLOCK);
    while (conn.recv_into(buffer) > 0);
  },

  recv_chunk(conn) {
    for (let count = 1; count > 0; ) {
      const chunk = conn.recv_chunk(BLOCK);
      count = chunk.data.length;
      chunk.release();
    }
  },

  sendall(conn) {
    const data = Buffer.alloc(BLOCK);
    for (;;) conn.sendall(data);
  },

  sendfile(conn, file) {
    for (;;) conn.sendfile(file, 0, BLOCK);
  },

  pump(conn) {
    sink ??= make_sink();
    socket.pump(conn, sink);
  },
};

const [task, family, path, filename] = process.argv.slice(2);
const serve = tasks[task];
let listener;
if (family === 'unix') {
  listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
  listener.bind(path);
} else {
  listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  listener.bind(['127.0.0.1', 0]);
}
listener.listen();
// Written at once: this thread never returns to its event loop.
writeSync(1, `ready ${family === 'unix' ? path : listener.getsockname()[1]}\n`);
const file = openSync(filename, 'r');
for (;;) {
  const [conn] = listener.accept();
  if (family === 'tcp') conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1);
  try {
    serve(conn, file);
  } catch (error) {
    if (!(error instanceof socket.ConnectionError)) throw error;
    // how a client that has measured enough ends sendall and sendfile
  }
  conn.close();
}
