// The native walk over received control messages, compiled alone under sanitizers and fed with random bytes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('fixtures/control_walk.cc', import.meta.url));

it('stays within the bytes, whatever they are', { timeout: 120_000 }, (ctx) => {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-control-'));
  try {
    const program = join(folder, 'walk');
    const flags = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
    const compiler = process.env.CXX ?? 'g++';
    const compiled = spawnSync(compiler, [...flags, '-fno-sanitize-recover=all', SOURCE, '-o', program]);
    if (compiled.error) ctx.skip(`${compiler} is not installed`);
    expect(compiled.stderr.toString()).toBe('');
    const seed = Math.floor(Math.random() * 2 ** 31);
    // The options of the sanitizers that the tests run under are not for this program, which brings its own.
    const env = { ...process.env, ASAN_OPTIONS: '', UBSAN_OPTIONS: '' };
    const run = spawnSync(program, [String(seed)], { env });
    expect(`${run.stdout}${run.stderr}`, `seed ${seed}`).toBe('0 failures\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
