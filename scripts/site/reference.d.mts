// The types of reference.mjs for tests.
export function missing(project: object): string[];
export function stale(project: object): string[];
