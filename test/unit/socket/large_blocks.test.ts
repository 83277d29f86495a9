// Blocks of 64 KiB that recv makes and the program drops: their memory is used again, without page faults for each.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const BLOCKS = 3000;
/** Of a block whose memory was returned to the kernel: one for each 4 KiB. */
const FAULTS_OF_NEW_MEMORY = 16;

it('recv does not fault in new memory for each block', (ctx) => {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  ctx.skip(header.glibcVersionRuntime === undefined, 'needs the malloc of glibc');
  ctx.skip(process.env.ASAN_OPTIONS !== undefined, 'sanitizers have a malloc of their own');
  const script = `
    import * as socket from 'bsd-sockets/socket';
    const [from, to] = socket.socketpair();
    const data = Buffer.alloc(65536);
    const pass = (count) => {
      for (let i = 0; i < count; i++) {
        from.sendall(data);
        for (let left = data.length; left > 0; ) left -= to.recv(65536).length;
      }
    };
    pass(${BLOCKS});
    const before = process.resourceUsage().minorPageFault;
    pass(${BLOCKS});
    console.log(process.resourceUsage().minorPageFault - before);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
  });
  expect(stderr).toBe('');
  expect(Number(stdout)).toBeLessThan((BLOCKS * FAULTS_OF_NEW_MEMORY) / 4);
});
