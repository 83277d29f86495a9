// Many hosts in one process, on ssh2's server: it lets one key in, and answers the commands of the benchmark without running them.
// What it listens on comes as a line of JSON: { addresses, port, host_key, user_key, sshd }. With `sshd`, a file of sshd_config(5), each
// connection gets a real `sshd -i`. It prints `ready`, and ends with its standard input.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import ssh2 from 'ssh2';

/** What the commands of run.mjs print. */
const OUTPUTS = { true: '', 'printf %1023d 7; echo': `${'7'.padStart(1023)}\n` };

const lines = createInterface({ input: process.stdin });
lines.once('line', async (line) => {
  const { addresses, port, sshd, ...keys } = JSON.parse(line);
  const on_connection = sshd === undefined ? fake(keys) : real(sshd);
  await Promise.all(
    addresses.map(
      (address) =>
        new Promise((resolve, reject) => {
          createServer({ pauseOnConnect: sshd !== undefined }, on_connection)
            .on('error', reject)
            .listen(port, address, resolve);
        }),
    ),
  );
  process.stdout.write('ready\n');
});
lines.on('close', () => process.exit());

const real = (config) => (socket) => {
  spawn('/usr/sbin/sshd', ['-i', '-f', config], { stdio: [socket, socket, 'ignore'] });
  socket.on('error', () => {}).destroy();
};

function fake({ host_key, user_key }) {
  const known = ssh2.utils.parseKey(readFileSync(user_key));
  const server = new ssh2.Server({ hostKeys: [readFileSync(host_key)] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => {
      const { method, key, signature, blob } = context;
      if (method !== 'publickey' || !key.data.equals(known.getPublicSSH()))
        return context.reject(['publickey']);
      if (signature && known.verify(blob, signature, context.hashAlgo) !== true) return context.reject();
      context.accept();
    });
    client.on('session', (accept) => {
      accept().on('exec', (accept_command, refuse, { command }) => {
        const output = OUTPUTS[command];
        if (output === undefined) return refuse();
        const channel = accept_command();
        if (output !== '') channel.write(output);
        channel.exit(0);
        channel.end();
      });
    });
  });
  return (socket) => server.injectSocket(socket);
}
