// AF_UNIX datagrams: messages between programs on one machine, addressed by a path. Unlike datagrams of UDP they are never lost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as socket from 'bsd-sockets/socket';

const directory = mkdtempSync(join(tmpdir(), 'bsd-sockets-'));
const server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
server.bind(join(directory, 'server'));
const client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
client.bind(join(directory, 'client')); // else the sender is null, and cannot be answered

client.sendto('ping', server.getsockname());
const [message, sender] = server.recvfrom(1024);
if (sender !== null) server.sendto('pong', sender);
const answer = client.recv(1024);
console.log(`AF_UNIX     sent the datagram "${message}" to ${server.getsockname()}, got "${answer}"`);

client.close();
server.close();
rmSync(directory, { recursive: true }); // closing leaves the socket files behind
