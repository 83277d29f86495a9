// Clients that people have go on with an upload that broke: they ask SIZE, and send the rest by APPE or by REST and STOR. And what a server leaves
// behind them: no secret in its audit log, and metrics that count.
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SO_LINGER, SOL_SOCKET } from 'bsd-sockets/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask_control } from '../../dist/guard/control.js';
import { Client, FTPD, make_place, PASSWORD, start_command, start_here, until } from '../server/harness.js';
import { all_names } from './home.js';

const run = promisify(execFile);
const CONTENT = randomBytes(900_000);
const SENT = 300_000;

const FTPLIB = `
import ftplib, sys
port, name, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
ftp = ftplib.FTP()
ftp.connect('127.0.0.1', port)
ftp.login('ann', 'secret')
ftp.voidcmd('TYPE I')
done = ftp.size(name)
with open(path, 'rb') as file:
    file.seek(done)
    ftp.storbinary('STOR ' + name, file, rest=done)
ftp.quit()
print(done)`;

/** How each client goes on with a local file. */
const CLIENTS: Record<string, (port: number, name: string, path: string) => [string, string[]]> = {
  curl: (port, name, path) => [
    'curl',
    ['-sS', '-C', '-', '-T', path, `ftp://ann:${PASSWORD}@127.0.0.1:${port}/${name}`],
  ],
  lftp: (port, name, path) => [
    'lftp',
    [
      '-c',
      `set net:max-retries 1; open -u ann,${PASSWORD} ftp://127.0.0.1:${port}; put -c ${path} -o ${name}`,
    ],
  ],
  python3: (port, name, path) => ['python3', ['-c', FTPLIB, String(port), name, path]],
};

/** Begins an upload, and resets its data connection when all bytes have come. */
async function break_upload(port: number, name: string): Promise<void> {
  const client = await Client.log_in(port);
  await client.expect(200, 'TYPE I');
  const data = await client.passive();
  await client.expect(150, `STOR ${name}`);
  await data.sendall(CONTENT.subarray(0, SENT));
  await until(async () => (await client.command('STAT')).text.includes(`${SENT} bytes`), 'all bytes come');
  // A close with this option is a reset.
  data.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer));
  data.close();
  await client.expect(426);
  client.close();
}

describe('an upload that broke', () => {
  it.for(Object.keys(CLIENTS))('goes on by %s', async (name, context) => {
    if (spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0) context.skip(`${name} is missing`);
    const place = await make_place();
    const server = await start_here(place);
    onTestFinished(async () => {
      await server.stop();
      place.remove();
    });
    const path = join(place.folder, 'local');
    await writeFile(path, CONTENT);
    await break_upload(server.port, 'file');
    expect((await all_names(place.home)).filter((one) => !one.startsWith('.'))).toEqual([]);
    const [program, args] = CLIENTS[name]?.(server.port, 'file', path) ?? ['false', []];
    await run(program, args, { timeout: 40_000 });
    expect(place.read('file').equals(CONTENT)).toBe(true);
    expect(await all_names(place.home)).toEqual(['file']);
    // Only the rest was sent.
    await until(
      async () => (await audited(place.folder, 'upload')).length === 2,
      'both uploads are in the log',
    );
    const [, second] = await audited(place.folder, 'upload');
    // lftp compresses (MODE Z), which makes random bytes a little longer.
    expect(Number(second?.bytes)).toBeLessThan(CONTENT.length - SENT + 10_000);
    const client = await Client.log_in(server.port);
    const { text } = await client.expect(213, 'HASH file');
    expect(text.toLowerCase()).toContain(createHash('sha256').update(CONTENT).digest('hex'));
    client.close();
  });
});

async function audited(folder: string, event: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(folder, 'audit.jsonl'), 'utf8');
  const records: Record<string, unknown>[] = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return records.filter((record) => record.event === event);
}

describe.each(['loop', 'threads', 'processes'])('a server of the kind %s', (kind) => {
  it('says who is there, counts, shares bans and quotas over its workers, and writes no password down', async () => {
    const place = await make_place(
      {
        kind,
        workers: 2,
        control: 'control',
        bans: { delay: 0, failures: 3 },
        limits: { failed_logins: 10 },
      },
      { small: { max_bytes: 100_000 } },
    );
    const server = await start_command(place);
    onTestFinished(async () => {
      await server.stop();
      place.remove();
    });
    const control = join(place.folder, 'control');
    const metrics = async () => String(await ask_control(control, 'metrics'));
    const clients = await Promise.all(Array.from({ length: 4 }, () => Client.log_in(server.port, 'small')));
    const { stdout } = await run(process.execPath, [FTPD, 'who', '--json', '--control', control]);
    const sessions = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(sessions.map(({ user, address }) => `${user} ${address}`)).toEqual(
      Array(4).fill('small 127.0.0.1'),
    );
    // 4 × 40 kB at once into 100 kB, whatever workers they are on.
    const codes = await Promise.all(
      clients.map(async (client, i) => {
        await client.expect(200, 'TYPE I');
        return (await client.store(`STOR ${i}`, Buffer.alloc(40_000))).code;
      }),
    );
    const stored = codes.filter((code) => code === 226).length;
    expect([1, 2]).toContain(stored);
    expect(codes.filter((code) => code === 552).length).toBe(4 - stored);
    expect(await metrics()).toMatch(/^ftp_sessions 4$/m);
    // Two failures on one connection and one on another: the address is banned, on whichever worker.
    const guesser = await Client.connect(server.port);
    for (let i = 0; i < 2; i++) {
      await guesser.expect(331, 'USER ann');
      await guesser.expect(530, 'PASS hunter2');
    }
    const other = await Client.connect(server.port);
    await other.expect(331, 'USER ann');
    await other.expect(421, 'PASS hunter2');
    const banned = await Client.connect(server.port);
    expect((await banned.command('USER ann')).code).toBe(0);
    const counted = await metrics();
    expect(counted).toMatch(/^ftp_bans_total 1$/m);
    expect(counted).toMatch(/^ftp_login_failures_total 3$/m);
    expect(counted).toMatch(/^ftp_logins_total 4$/m);
    for (const client of [...clients, guesser, other, banned]) client.close();
    await until(async () => /^ftp_sessions 0$/m.test(await metrics()), 'all sessions have left');
    await server.stop();
    const log = await readFile(join(place.folder, 'audit.jsonl'), 'utf8');
    expect(log).not.toContain('hunter2');
    expect(log).not.toContain(PASSWORD);
    expect((await audited(place.folder, 'banned')).length).toBe(1);
  });
});
