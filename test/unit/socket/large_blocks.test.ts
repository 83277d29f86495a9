// Blocks of 64 KiB that recv makes and the program drops: malloc is taught to keep their memory (native/memory.cc), instead of returning it to
// the kernel, which would give it back page by page. What shows it is where malloc takes a block of 20 MiB from: from its heap if it would keep
// so much, from a mapping of its own if not.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it } from 'vitest';

const SIZE = 20 * 2 ** 20;

/** Returns by how many bytes the heap grows for a block, before large blocks are received and after. */
function growths(env: Record<string, string>): number[] {
  const script = `
    import { readFileSync } from 'node:fs';
    import * as socket from 'bsd-sockets/socket';
    const heap = () => {
      const [, begin, end] = /^(\\w+)-(\\w+) .*\\[heap\\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'));
      return Number('0x' + end) - Number('0x' + begin);
    };
    const kept = [];
    const growth = () => {
      const before = heap();
      kept.push(Buffer.allocUnsafeSlow(${SIZE}));
      return heap() - before;
    };
    const [from, to] = socket.socketpair();
    const receive = () => {
      from.sendall(Buffer.alloc(65536));
      for (let left = 65536; left > 0; ) left -= to.recv(65536).length;
    };
    const growths = [growth()];
    receive();
    receive();
    growths.push(growth());
    console.log(JSON.stringify(growths));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: { ...process.env, ...env },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

beforeEach((ctx) => {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  ctx.skip(header.glibcVersionRuntime === undefined, 'needs the malloc of glibc');
  ctx.skip(process.env.ASAN_OPTIONS !== undefined, 'sanitizers have a malloc of their own');
  ctx.skip(['arm', 'ia32'].includes(process.arch), 'malloc learns less in 32 bits');
});

it('after large receives malloc keeps what is freed', () => {
  const [before = 0, after = 0] = growths({});
  expect(before).toBeLessThan(SIZE / 2);
  expect(after).toBeGreaterThan(SIZE / 2);
});

it('but not if the user says how much it keeps', () => {
  const [before = 0, after = 0] = growths({ MALLOC_TRIM_THRESHOLD_: '131072' });
  expect(before).toBeLessThan(SIZE / 2);
  expect(after).toBeLessThan(SIZE / 2);
});
