// What Node's permission model (--permission) has to allow for a pool.
import { PermissionError } from '../../errors/index.js';

/** Throws if Node's permission model forbids what the pool of this server needs. @throws PermissionError */
export function check_permission(name: string, kind: 'thread' | 'process'): void {
  const needed = kind === 'thread' ? ['worker'] : ['worker', 'child'];
  const missing = needed.filter((scope) => process.permission?.has(scope) === false);
  if (missing.length === 0) return;
  const flags = missing.map((scope) => (scope === 'worker' ? '--allow-worker' : '--allow-child-process'));
  throw new PermissionError(
    `${name}: node --permission forbids its ${kind === 'thread' ? 'threads' : 'processes'}; add ${flags.join(' and ')}`,
  );
}
