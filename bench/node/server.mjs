// server.mjs TASK tcp|unix PATH FILE: what Node itself offers for the work of python/server.py: node:net and streams.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:net';

const BLOCK = 65536;

const tasks = {
  echo(conn) {
    conn.on('data', (data) => conn.write(data));
  },

  recv(conn) {
    conn.on('data', () => {});
  },

  sendall(conn) {
    const data = Buffer.alloc(BLOCK);
    const fill = () => {
      while (conn.write(data));
    };
    conn.on('drain', fill);
    fill();
  },

  sendfile(conn, filename) {
    const again = () => {
      if (!conn.destroyed) createReadStream(filename).on('end', again).pipe(conn, { end: false });
    };
    again();
  },
};

const [task, family, path, filename] = process.argv.slice(2);
const server = createServer({ noDelay: true }, (conn) => {
  conn.on('error', () => {}); // how a client that has measured enough ends sendall and sendfile
  tasks[task](conn, filename);
});
if (family === 'unix') server.listen(path, () => console.log(`ready ${path}`));
else server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
