// JSON as people write it: with comments (// and /* */) and a comma behind the last entry. Strings stay as they are.

/**
 * Returns the value of `text`.
 *
 * @throws SyntaxError with the line
 */
export function json_of(text: string): unknown {
  // What is taken out becomes spaces, so that the place of an error is the same in the text.
  const plain = text.replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : blank(found)));
  const strict = plain.replace(STRING_OR_LAST_COMMA, (found) =>
    found.startsWith('"') ? found : blank(found),
  );
  try {
    return JSON.parse(strict);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(message)?.[1];
    const line =
      position === undefined ? '' : `line ${strict.slice(0, Number(position)).split('\n').length}: `;
    throw new SyntaxError(`${line}${message.replace(/ \(line .*\)$/, '')}`);
  }
}

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const STRING_OR_LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g;

const blank = (text: string) => text.replace(/[^\n]/g, ' ');
