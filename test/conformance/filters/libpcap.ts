// libpcap beside ours: the library that tcpdump compiles by, in a python3 that answers one request after the other.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { write_capture } from 'bsd-sockets/packet';
import type { FilterRow } from 'bsd-sockets/socket';

export interface Answer {
  readonly program?: FilterRow[];
  /** The program before libpcap's optimizer changes the order of tests. */
  readonly unoptimized?: FilterRow[];
  readonly error?: string;
}

const SCRIPT = fileURLToPath(new URL('../fixtures/libpcap.py', import.meta.url));

/** Why there is no libpcap; undefined if there is. */
export function missing_libpcap(): string | undefined {
  const { status } = spawnSync('python3', ['-c', "import ctypes; ctypes.CDLL('libpcap.so.0.8')"]);
  return status === 0 ? undefined : 'needs python3 and libpcap';
}

/** Compiles expressions for files of a link type, or for an interface. */
export function compile_by_libpcap(where: number | string, expressions: readonly string[]): Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'filters-'));
  try {
    const file = join(folder, 'empty.pcap');
    if (typeof where === 'number') write_capture(file, { linktype: where }).close();
    const place = typeof where === 'number' ? { file } : { live: where };
    const input = expressions.map((expression) => JSON.stringify({ ...place, expression })).join('\n');
    const { stdout, stderr, status } = spawnSync('python3', [SCRIPT], {
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    if (status !== 0) throw new Error(stderr);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
