// The types of record.mjs for tests.
import type { Measured } from './measure.mjs';

export type Costs = Pick<Measured, 'environment' | 'paths'>;
export function read_record(): Costs;
export function compare(
  measured: Costs,
  recorded: Costs,
): { worse: string[]; better: string[]; left_out: string[] };
export function table(costs: Costs): string;
