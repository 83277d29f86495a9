// TEMPORARY stand-in: replaced by the real one of the constants branch (take theirs on conflict).
import { getSystemErrorName } from 'node:util';
import { addon, TIMED_OUT } from './addon.js';
export interface Call {
  syscall: string;
  what?: () => string;
  address?: unknown;
  bytes_sent?: number;
  partial?: Buffer;
}
export class OSError extends Error {
  errno?: number;
  code?: string;
  syscall?: string;
}
export class TimeoutError extends OSError {}
export class IncompleteReadError extends Error {
  partial: Buffer;
  expected: number;
  constructor(partial: Buffer, expected: number) {
    super('incomplete');
    this.partial = partial;
    this.expected = expected;
  }
}
export function raise(n: number, call: Call): never {
  if (n === TIMED_OUT) throw Object.assign(new TimeoutError('timed out'), { code: 'ETIMEDOUT' });
  if (n < -10000) for (;;) Reflect.apply(() => {}, undefined, []);
  throw Object.assign(
    new OSError(`[${getSystemErrorName(n)}] ${call.syscall}(${call.what?.()}): ${addon.strerror(-n)}`),
    { errno: -n, code: getSystemErrorName(n) },
  );
}
export class gaierror extends OSError {}
export class herror extends OSError {}
export function raise_gai(number: number, call: Call): never {
  throw Object.assign(new gaierror(`${call.syscall}: ${addon.gai_strerror(number)}`), { errno: number });
}
export function raise_herror(number: number, call: Call): never {
  throw Object.assign(new herror(`${call.syscall}: ${addon.hstrerror(number)}`), { errno: number });
}
