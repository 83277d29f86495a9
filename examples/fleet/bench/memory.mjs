// The memory of a process and all its descendants, at its peak: what is private to each of them, and the shared pages of the one that has the most
// (of the program and its libraries), from /proc/PID/smaps_rollup. Of one process alone that is its whole resident set. Proportional
// sizes (Pss) would depend on what else runs here: another Node.js takes half of this one's pages. The sampling is in a process
// of its own, so that its load is not in the measured one's event loop.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds between samples. */
const INTERVAL = 50;

/**
 * Begins to sample.
 *
 * @param {number} pid
 * @returns {{ stop(): Promise<number> }} stop() returns the peak in bytes
 */
export function peak_memory(pid) {
  const child = spawn(process.execPath, [import.meta.filename, String(pid)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  return {
    async stop() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
      return Number(text);
    },
  };
}

/** @param {string} pid @returns {string[]} it and its descendants */
function tree_of(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [pid, ...children.flatMap(tree_of)];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** @param {string} pid @returns {{ own: number, shared: number }} bytes */
function memory_of(pid) {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch {
    // It has ended meanwhile.
  }
  const sum = (kind) =>
    [...text.matchAll(new RegExp(`^${kind}_(?:Clean|Dirty): +(\\d+) kB`, 'gm'))].reduce(
      (total, [, kilobytes]) => total + Number(kilobytes) * 1024,
      0,
    );
  return { own: sum('Private'), shared: sum('Shared') };
}

if (process.argv[1] === import.meta.filename) {
  const [, , pid] = process.argv;
  let peak = 0;
  const timer = setInterval(() => {
    const all = tree_of(pid).map(memory_of);
    const own = all.reduce((sum, process) => sum + process.own, 0);
    peak = Math.max(peak, own + Math.max(0, ...all.map(({ shared }) => shared)));
  }, INTERVAL);
  process.stdin.resume().on('end', () => {
    clearInterval(timer);
    process.stdout.write(String(peak));
  });
}
