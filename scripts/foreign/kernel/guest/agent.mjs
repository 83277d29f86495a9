// @ts-check
// Runs in the guest, for as long as the host's end of the port is there.
//
//   agent.mjs PORT NODE    PORT: the character device, NODE: the Node.js that processes get
import { createReadStream, createWriteStream, openSync } from 'node:fs';
import { start_processes } from './processes.mjs';

const [path = '', node = ''] = process.argv.slice(2);
const fd = openSync(path, 'r+');
const input = createReadStream('', { fd, autoClose: false });
start_processes(input, createWriteStream('', { fd, autoClose: false }), node);
// The host's end is gone, and with it the reason to be here.
input.on('end', () => process.exit());
