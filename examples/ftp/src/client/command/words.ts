// The words of a line of the shell, as those of sh: quotes, and backslashes before single characters.

/** Returns the words; `open` says what is missing at the end. */
export function split_words(line: string): {
  words: string[];
  open: '"' | "'" | '\\' | undefined;
  at_word: boolean;
} {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quote !== undefined) {
      if (c === quote) quote = undefined;
      else if (c === '\\' && quote === '"' && /["\\]/.test(line.charAt(i + 1))) word += line.charAt(++i);
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\') {
      if (i + 1 === line.length) return { words: finished(words, word), open: '\\', at_word: true };
      word = (word ?? '') + line.charAt(++i);
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  return { words: finished(words, word), open: quote, at_word: word !== undefined };
}

function finished(words: string[], word: string | undefined): string[] {
  return word === undefined ? words : [...words, word];
}

/** Returns a name as it must be typed. */
export function quoted(name: string): string {
  return name.replace(/[\s"'\\]/g, '\\$&');
}
