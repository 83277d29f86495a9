// async.mjs echo|datagrams: what Node itself offers for the work of floor/async.c: node:net and node:dgram.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const CREDIT = 64;

function echo() {
  const server = createServer({ noDelay: true }, (conn) => {
    conn.on('error', () => {}); // a client that was ended
    conn.on('data', (data) => conn.write(data));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    console.log(`ready ${server.address().port}`);
  });
}

function datagrams() {
  const sock = createSocket('udp4');
  let received = 0;
  sock.on('message', (_data, from) => {
    if (++received % CREDIT === 0) sock.send('!', from.port, from.address);
  });
  sock.bind(0, '127.0.0.1', () => console.log(`ready ${sock.address().port}`));
}

({ echo, datagrams })[process.argv[2]]();
