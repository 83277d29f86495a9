// npm start: runs several examples in turn, each as its own program. Their output is the result of real calls.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const examples = ['tcp_upper', 'udp', 'unix_datagram', 'pass_descriptor', 'icmp_echo'];

for (const name of examples) {
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const { status, error } = spawnSync(process.execPath, [file], { stdio: 'inherit', timeout: 30_000 });
  if (status === 0) continue;
  console.error(`examples/${name}.mjs failed${error ? `: ${error.message}` : ''}`);
  process.exitCode = 1;
}
