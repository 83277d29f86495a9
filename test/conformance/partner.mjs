// The other end of a connection, on a thread of its own: adopts a descriptor and takes the steps it is told.
// oracle.py has the same steps. One such thread serves a test file; stage.ts starts it.
import { parentPort } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';

/**
 * @param {{ fd: number, steps: [string, unknown][], done: Int32Array }} job the descriptor is ours from here; `done`
 *   becomes 1 when the steps are taken and it is closed
 */
function run({ fd, steps, done }) {
  const sock = new socket.socket(null, null, null, fd);
  sock.settimeout(5);
  /** @type {Record<string, (argument: any) => unknown>} */
  const step = {
    wait: (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    send: (text) => sock.sendall(text),
    receive(count) {
      for (let left = count; left > 0; ) {
        const { length } = sock.recv(Math.min(left, 65536));
        if (length === 0) return;
        left -= length;
      }
    },
    connect: (address) => sock.connect(address),
    accept: () => sock.accept()[0].close(),
    shutdown: (how) => sock.shutdown(how),
    reset: () =>
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer)),
  };

  try {
    for (const [name, argument] of steps) step[name]?.(argument);
  } finally {
    sock.close();
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  }
}

parentPort?.on('message', run);
