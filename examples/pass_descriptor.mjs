// Passing a descriptor: this process opens a listening socket and passes it, over an AF_UNIX socket pair, to a child process. The
// child accepts the connection. Servers pass descriptors to spread work over processes, or to restart without closing their port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as socket from 'bsd-sockets/socket';

const CHANNEL = 3; // the child's end of the pair: the first descriptor after stdin, stdout and stderr

async function parent() {
  const [ours, theirs] = socket.socketpair();
  const child = spawn(process.execPath, [import.meta.filename, 'child'], {
    stdio: ['ignore', 'inherit', 'inherit', theirs.fileno()],
  });
  theirs.close();

  const listener = socket.create_server(['127.0.0.1', 0]);
  const address = listener.getsockname();
  socket.send_fds(ours, ['take this'], [listener.fileno()]);
  listener.close(); // only this process's copy: the child's copy keeps the port open

  const conn = socket.create_connection(address);
  console.log(
    `descriptor  process ${process.pid} opened ${address.join(':')} and passed it on; there ${conn.recv(1024)}`,
  );
  conn.close();
  ours.close();
  await once(child, 'exit');
}

function child() {
  const channel = socket.socket(null, null, null, CHANNEL);
  const [, [fd]] = socket.recv_fds(channel, 1024, 1);
  const listener = socket.socket(null, null, null, fd);
  const [conn] = listener.accept();
  conn.sendall(`process ${process.pid} answered`);
  for (const sock of [conn, listener, channel]) sock.close();
}

if (process.argv[2] === 'child') child();
else await parent();
