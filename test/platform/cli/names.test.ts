// Names that other machines, other users or the kernel give: every command prints them with their control characters escaped.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Running, run } from '../../unit/cli/run.js';
import { missing_for_topology } from './topology.js';

// Clears the screen, in a form of 7 bits and in one of 8.
const NAME = 'e\u001b[2Jx\u009b2J';
const PRINTED = 'e\\u001b[2Jx\\u009b2J';

const dir = mkdtempSync(join(tmpdir(), 'bsdc-names-'));
const hosts = join(dir, 'hosts');
writeFileSync(hosts, `127.0.0.1 ${NAME}.test good.test\n`);
/** Namespaces of their own: /etc/hosts calls 127.0.0.1 by that name, and an interface has it. */
const behind = [
  ...['unshare', '-mn', 'sh', '-c'],
  `ip link set lo up && mount --bind ${hosts} /etc/hosts &&
   ip link add '${NAME}' type veth peer name peer0 && ip addr add 10.9.8.1/30 dev '${NAME}' &&
   ip link set '${NAME}' up && ip link set peer0 up && exec "$@"`,
  'sh',
];
const missing =
  missing_for_topology() ??
  (spawnSync(behind[0] as string, [...behind.slice(1), 'true']).status === 0
    ? undefined
    : 'needs mount namespaces, and interfaces with any name');

/** Everything but the line end that a terminal would obey. */
const CONTROL = /[^\P{Cc}\n]/u;

afterAll(() => rmSync(dir, { recursive: true }));
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

describe('a name with control characters', () => {
  test.each([
    [
      'ping: the name of the host that answers',
      'ping -c1 good.test',
      `bytes from ${PRINTED}.test (127.0.0.1)`,
    ],
    [
      'ping: the interface of an address',
      `ping -c1 -w1 ff02::1%${NAME}`,
      `PING ff02::1%${PRINTED}(ff02::1%${PRINTED})`,
    ],
    ['ping: the interface of -I', `ping -c1 -w1 -I ${NAME} 10.9.8.2`, ` from 10.9.8.1 ${PRINTED}: `],
    ['traceroute: the name of a hop', 'traceroute -q1 127.0.0.1', ` ${PRINTED}.test (127.0.0.1) `],
    ['doctor: an interface', 'doctor', PRINTED],
    ['doctor --json: an interface', 'doctor --json', '"name":"e\\u001b[2Jx\\u009b2J"'],
    ['arp-scan: the interface', 'arp-scan -r 1 -t 10 10.9.8.2', `Interface: ${PRINTED}, type: `],
    ['sweep: the interfaces that there are', 'sweep -I none 127.0.0.1', PRINTED],
  ])('%s', async (_title, line, printed) => {
    const { stdout, stderr } = await run(line.split(' '), { behind });
    expect(stdout + stderr).toContain(printed);
    expect(stdout + stderr).not.toMatch(CONTROL);
  });

  test('sniff: the interface of a packet', async () => {
    const sniff = new Running(['sniff'], { behind });
    await sniff.prints(/listening/);
    // The program itself runs under the first process id, as unshare and sh are replaced by it.
    const inside = ['nsenter', '-t', String(sniff.child.pid), '-mn'];
    await run(['arp-scan', '-r', '1', '-t', '10', '10.9.8.2'], { behind: inside });
    await sniff.prints(/ e\\u001b\[2Jx\\u009b2J Out /);
    sniff.child.kill('SIGINT');
    const { stdout, stderr } = await sniff.ended();
    expect(stdout + stderr).not.toMatch(CONTROL);
  });

  test('serve: the path of its socket', async () => {
    const path = join(dir, NAME);
    const server = new Running(['serve', '-U', path, 'echo']);
    await server.prints(/serves echo on .*\n/);
    server.child.kill('SIGINT');
    const { stdout, stderr } = await server.ended();
    expect(stdout).toContain(join(dir, PRINTED));
    expect(stdout + stderr).not.toMatch(CONTROL);
  });

  test('nc: the path of its socket, which is all that it tells of a client', async () => {
    const path = join(dir, NAME);
    const server = new Running(['nc', '-lvU', path]);
    await server.prints(/Listening on .*\n/);
    const client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
    client.bind(Buffer.from(`\0${NAME}\nConnection received on localhost`));
    client.connect(path);
    await server.prints(/received/);
    client.close();
    const { stdout, stderr } = await server.ended();
    expect(stderr).toContain(`Connection received on ${join(dir, PRINTED)}\n`);
    expect(stdout + stderr).not.toMatch(CONTROL);
  });

  test('every command: an argument in an error', async () => {
    const { code, stderr } = await run(['ping', `${NAME}.invalid`]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${PRINTED}.invalid`);
    expect(stderr).not.toMatch(CONTROL);
  });
});
