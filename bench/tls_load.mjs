// tls_load.mjs download|upload|handshakes PORT: what all servers of TLS are measured with, a client of node:tls.
//
//   download    takes what the server sends on one connection
//   upload      sends 64 KiB, and again, on one connection
//   handshakes  connects, without a session to resume, and closes
//
// Says "ready". For each line "SECONDS" on stdin it loads the server for that long and prints "NANOSECONDS COUNT": the time of 64 KiB, or of a
// handshake, and how many there were. Between the lines the connection stays, and nothing moves on it.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';

const BLOCK = Buffer.alloc(65536, 'x');
const [task, port] = process.argv.slice(2);

async function connected() {
  const sock = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
  await once(sock, 'secureConnect');
  return sock;
}

/** Each returns how many units were done until `end`. */
const tasks = {
  async download(sock, end) {
    let count = 0;
    const take = ({ length }) => {
      count += length / BLOCK.length;
    };
    sock.on('data', take);
    sock.resume();
    await new Promise((resolve) => setTimeout(resolve, end - performance.now()));
    sock.pause();
    sock.off('data', take);
    return count;
  },

  async upload(sock, end) {
    let count = 0;
    for (; performance.now() < end; count++) await new Promise((resolve) => sock.write(BLOCK, resolve));
    return count;
  },

  async handshakes(_sock, end) {
    let count = 0;
    for (; performance.now() < end; count++) {
      const sock = await connected();
      sock.destroy();
    }
    return count;
  },
};

const sock = task === 'handshakes' ? undefined : await connected();
sock?.pause();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const count = await tasks[task](sock, start + Number(line) * 1e3);
  console.log(`${((performance.now() - start) * 1e6) / count} ${count}`);
}
