// requests.mjs threads|processes: what Node itself offers for the work of python/requests.py: one event loop with node:net.
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (conn) => {
  conn.on('error', () => {});
  conn.once('data', (data) => conn.end(data));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () =>
  console.log(`ready ${server.address().port}`),
);
