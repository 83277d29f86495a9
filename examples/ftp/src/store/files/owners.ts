// The names of owners and groups, from /etc/passwd and /etc/group: read once, and again when the files have changed, at most once in a while.
import { readFile, stat } from 'node:fs/promises';

/** How old an answer may be, ms. */
const LOOK_AGAIN_MS = 10_000;

/** One of the two files. */
class Names {
  #names = new Map<number, string>();
  #modified_ms = -1;
  #looked_ms = Number.NEGATIVE_INFINITY;

  constructor(private readonly file: string) {}

  async refresh(): Promise<void> {
    if (performance.now() - this.#looked_ms < LOOK_AGAIN_MS) return;
    this.#looked_ms = performance.now();
    try {
      const { mtimeMs } = await stat(this.file);
      if (mtimeMs === this.#modified_ms) return;
      this.#names = parse(await readFile(this.file, 'utf8'));
      this.#modified_ms = mtimeMs;
    } catch {
      // A machine without the file, as a small container, has numbers.
      this.#names.clear();
    }
  }

  of(id: number): string {
    return this.#names.get(id) ?? String(id);
  }
}

/** Both files have the name first and the number third. */
function parse(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    const number = Number.parseInt(id ?? '', 10);
    if (name && Number.isInteger(number) && !names.has(number)) names.set(number, name);
  }
  return names;
}

const users = new Names('/etc/passwd');
const groups = new Names('/etc/group');

/** Returns a function from numbers to names; a number that has none is its own. */
export async function owner_names(): Promise<(uid: number, gid: number) => { owner: string; group: string }> {
  await Promise.all([users.refresh(), groups.refresh()]);
  return (uid, gid) => ({ owner: users.of(uid), group: groups.of(gid) });
}
