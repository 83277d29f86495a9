// JSON for files and terminals.

/**
 * Returns JSON without characters that a terminal obeys or that change the order of the text, which JSON.stringify leaves: DEL, C1, marks of
 * direction and lines. Its value is the same.
 */
export function json_text(value: unknown, replace?: (name: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replace).replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
