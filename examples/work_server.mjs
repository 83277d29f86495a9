// A server that computes: each request counts the primes below a number, on a worker thread, so that all cores work.
import * as socket from 'bsd-sockets/socket';
import { is_main, StreamRequestHandler, ThreadingTCPServer } from 'bsd-sockets/socketserver';

export class Primes extends StreamRequestHandler {
  handle() {
    const below = Number(this.rfile.readline());
    let count = 0;
    for (let n = 2; n < below; n++) {
      let divisor = 2;
      while (divisor * divisor <= n && n % divisor !== 0) divisor++;
      if (divisor * divisor > n) count++;
    }
    this.wfile.write(Buffer.from(`${count}\n`));
  }
}

if (is_main(import.meta)) {
  const server = new ThreadingTCPServer(['127.0.0.1', 0], Primes, { max_threads: 4 });
  const served = server.serve_forever();
  // All clients send before the first receives. They block this thread, while the server's threads go on.
  const clients = [100, 1000, 10_000, 100_000].map((below) => {
    const client = socket.create_connection(server.server_address);
    client.sendall(`${below}\n`);
    return client;
  });
  const answers = clients.map((client) => client.recv(100).toString().trim());
  for (const client of clients) client.close();
  console.log(`work        primes below 100, 1000, 10000, 100000: ${answers.join(', ')}`);
  await server.shutdown({ drain: 5 });
  await served;
  await server.server_close();
}
