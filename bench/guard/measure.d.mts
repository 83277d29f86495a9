// The types of measure.mjs for tests.
export interface Cost {
  readonly bytes: number;
  readonly code?: number;
  readonly native?: number;
  readonly napi?: number;
  readonly system?: Readonly<Record<string, number>>;
  readonly news?: number;
}
export interface Environment {
  readonly node: string;
  readonly arch: string;
  readonly compiler: string;
}
export interface Measured {
  readonly environment: Environment;
  readonly paths: Readonly<Record<string, Cost>>;
  readonly planted: Cost;
}
export function find_valgrind(): Promise<string | undefined>;
export function measure(with_valgrind: boolean): Promise<Measured>;
