// tls.mjs download|upload|handshakes DIRECTORY: a server of TLS on this library, as python/tls.py and node/tls.mjs. The directory has its certificate.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsyncBaseRequestHandler, AsyncTCPServer } from 'bsd-sockets/socketserver';

const BLOCK = Buffer.alloc(65536, 'x');
const [task, directory] = process.argv.slice(2);

class Download extends AsyncBaseRequestHandler {
  async handle() {
    for (;;) await this.request.sendall(BLOCK);
  }
}

class Upload extends AsyncBaseRequestHandler {
  async handle() {
    while ((await this.request.recv(BLOCK.length)).length > 0);
  }
}

const handlers = { download: Download, upload: Upload, handshakes: Upload };
const ssl = {
  key: readFileSync(join(directory, 'key.pem')),
  cert: readFileSync(join(directory, 'cert.pem')),
};
const server = new AsyncTCPServer(['127.0.0.1', 0], handlers[task], { ssl, request_queue_size: 1024 });
server.handle_error = () => {}; // a client that was ended
console.log(`ready ${server.server_address[1]}`);
await server.serve_forever();
