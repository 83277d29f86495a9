// Commands for a target's shell. Whatever shell the user has there, sh reads the script.

/** Returns the text as one word of a shell; a \\ is outside of the quotes, as fish takes it for more than itself within them. */
export function shell_word(text: string): string {
  return `'${text.replace(/['\\]/g, "'\\$&'")}'`;
}

/** Returns the command that runs a script of sh, to which the words are $1, $2, … */
export function shell_command(script: string, ...words: readonly (string | number)[]): string {
  return ['exec sh -c', ...[script, 'fleet', ...words].map((word) => shell_word(String(word)))].join(' ');
}
