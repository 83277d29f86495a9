// A system call that the kernel does not have, or a sandbox or an emulator hides: a filter of seccomp(2), set by python3, makes it fail.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Numbers of preadv2 and pwritev2, by process.arch. */
const CALLS: Record<string, [number, number]> = { x64: [327, 328], arm64: [286, 287] };

/** Runs a program with these calls missing: ENOSYS, 38. */
const SANDBOX = `
import ctypes, os, struct, sys
calls = [int(text) for text in sys.argv[1].split(',')]
rows = [(0x20, 0, 0, 0)] + [(0x15, len(calls) - i, 0, call) for i, call in enumerate(calls)]
rows += [(0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050000 | 38)]
program = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in rows))
head = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(rows), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(head), 0, 0):
    sys.exit('no seccomp: ' + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
`;

const PROGRAM = `
import { build, ipv4, read_capture, udp, write_capture } from 'bsd-sockets/packet';
const path = process.argv[1];
const packet = build(ipv4({ dst: '127.0.0.1' }), udp());
for (const times of [1, 2]) {
  const writer = write_capture(path);
  for (let i = 0; i < times; i++) writer.write(packet);
  writer.close();
  console.log([...read_capture(path)].map(({ data }) => packet.equals(data)).join());
}
`;

test('without preadv2 and pwritev2 files are read and written all the same', (ctx) => {
  const calls = CALLS[process.arch];
  if (calls === undefined) return ctx.skip(`the numbers of the calls on ${process.arch} do not stand here`);
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-calls-'));
  try {
    const node = [process.execPath, '--input-type=module', '-e', PROGRAM, join(folder, 'file.pcap')];
    const args = ['-c', SANDBOX, calls.join(','), ...node];
    const { status, stdout, stderr } = spawnSync('python3', args, { cwd: root, encoding: 'utf8' });
    if (stderr.startsWith('no seccomp')) ctx.skip(stderr.trim());
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'true\ntrue,true\n', stderr: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
