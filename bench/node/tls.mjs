// tls.mjs download|upload|handshakes DIRECTORY: what Node itself offers for the work of bsd-sockets/tls.mjs: node:tls.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:tls';

const BLOCK = Buffer.alloc(65536, 'x');
const [task, directory] = process.argv.slice(2);

function download(conn) {
  const more = () => {
    while (!conn.destroyed && conn.write(BLOCK));
  };
  conn.on('drain', more);
  more();
}

function upload(conn) {
  conn.on('data', () => {});
}

const serve = { download, upload, handshakes: upload }[task];
const key = readFileSync(join(directory, 'key.pem'));
const cert = readFileSync(join(directory, 'cert.pem'));
const server = createServer({ key, cert }, (conn) => {
  conn.on('error', () => {}); // a client that was ended
  serve(conn);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () =>
  console.log(`ready ${server.address().port}`),
);
