// Which calls of the kernel a transfer makes, as strace sees them: a download goes by sendfile(2), and an upload is on the disk before it has its name.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Client, children_of, make_place, start_command, until } from './harness.js';

const SIZE = 5_000_000;
const has_strace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

describe.runIf(has_strace).each(['loop', 'threads', 'processes'])('%s', (kind) => {
  test('sendfile down; fsync, rename and fsync up', async () => {
    const place = await make_place({ kind, workers: 1 });
    onTestFinished(() => place.remove());
    place.write('down', Buffer.alloc(SIZE, 'x'));
    const server = await start_command(place);
    onTestFinished(() => server.stop());
    const pid = server.child.pid as number;
    const file = join(place.folder, 'calls');
    const traced = [pid, ...children_of(pid)].flatMap((one) => ['-p', String(one)]);
    const calls = 'trace=sendfile,fsync,rename,renameat,renameat2';
    const strace = spawn('strace', ['-f', '-y', '-e', calls, '-o', file, ...traced], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    strace.stderr.on('data', (text) => {
      errors += text;
    });
    const ended = once(strace, 'close');
    onTestFinished(() => void strace.kill('SIGKILL'));
    await until(() => errors.includes('attached'), 'strace has attached');

    const client = await Client.log_in(server.port);
    await client.expect(200, 'TYPE I');
    expect((await client.fetch('RETR down')).length).toBe(SIZE);
    expect((await client.store('STOR up', 'text')).code).toBe(226);
    client.close();
    await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('fsync'), 'calls are traced');
    strace.kill('SIGINT');
    await ended;

    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !line.includes('resumed') && line.includes('('));
    expect(lines.some((line) => /sendfile\(\d+<.*>, \d+<.*\/down>/.test(line))).toBe(true);
    const order = lines.flatMap((line) => {
      if (/fsync\(\d+<.*\/\.ftpd-[^>]*>/.test(line)) return ['the file'];
      if (/rename\w*\(.*\.ftpd-.*\/up"/.test(line)) return ['the name'];
      return line.includes(`<${place.home}>`) && line.includes('fsync') ? ['the folder'] : [];
    });
    expect(order).toEqual(['the file', 'the name', 'the folder']);
  });
});
