// A UDP time server: it answers each datagram with the time. The data written to wfile is the answer.
import * as socket from 'bsd-sockets/socket';
import { DatagramRequestHandler, is_main, UDPServer } from 'bsd-sockets/socketserver';

export class Time extends DatagramRequestHandler {
  handle() {
    this.wfile.write(Buffer.from(new Date().toISOString()));
  }
}

if (is_main(import.meta)) {
  const server = new UDPServer(['127.0.0.1', 0], Time);
  const client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  client.settimeout(5);
  client.sendto('what is the time?', server.server_address);
  server.handle_request();
  console.log(`time        ${server.server_address.join(':')} says ${client.recv(100)}`);
  client.close();
  await server.server_close();
}
