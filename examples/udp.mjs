// UDP: a question and its answer. The kernel keeps datagrams until they are read, so one thread can run both sides.
import * as socket from 'bsd-sockets/socket';

const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
server.bind(['127.0.0.1', 0]);
const client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
client.settimeout(5); // a datagram may be lost, so a receive must not wait for ever

client.sendto('what is the time?', server.getsockname());
const [question, asker] = server.recvfrom(1024);
server.sendto(new Date().toISOString(), asker);
const [answer, [host, port]] = client.recvfrom(1024);
console.log(`UDP         asked "${question}", ${host}:${port} answered "${answer}"`);

client.close();
server.close();
