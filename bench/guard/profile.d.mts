// The types of profile.mjs for tests.
export function read_profile(
  text: string,
  file: string,
): { trigger: string; total: number; own: number; calls: Map<string, number> };
