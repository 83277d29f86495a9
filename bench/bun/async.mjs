// async.mjs echo|datagrams, for Bun: what it offers for the work of floor/async.c, Bun.listen and Bun.udpSocket.
const CREDIT = 64;

function echo() {
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (conn) => conn.setNoDelay(true),
      data: (conn, data) => void conn.write(data),
      error() {}, // a client that was ended
    },
  });
  console.log(`ready ${server.port}`);
}

async function datagrams() {
  let received = 0;
  const sock = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(to, _data, port, address) {
        if (++received % CREDIT === 0) to.send('!', port, address);
      },
    },
  });
  console.log(`ready ${sock.port}`);
}

await { echo, datagrams }[process.argv[2]]();
