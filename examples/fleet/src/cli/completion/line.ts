// The command line that a shell completes, up to the cursor: its words without quotes, and what of the last one the shell itself would replace.

/** A line up to the cursor. */
export interface Line {
  /** the words before the one at the cursor, without quotes */
  readonly words: readonly string[];
  /** the word at the cursor, without quotes; empty behind a space */
  readonly current: string;
  /** the same word as it is typed, from where the shell begins to replace it: behind an open quote, or the last character that breaks words */
  readonly typed: string;
}

/** Of the characters that break words, those that belong to the word behind them: rl_special_prefixes of bash. */
const PREFIXES = '@';

interface Word {
  value: string;
  typed: string;
}

/**
 * Splits a line as a shell does: '…', "…" and backslashes. Variables and substitutions stay as they are written.
 *
 * @param text up to the cursor
 * @param breaks characters that end a word of the shell's completion, COMP_WORDBREAKS of bash; '' for shells that only know spaces
 */
export function line_of(text: string, breaks = ''): Line {
  const words: string[] = [];
  let word: Word | undefined;
  let quote = '';
  /** what is in front of an open quote, with it */
  let before = '';
  const open = (): Word => {
    word ??= { value: '', typed: '' };
    return word;
  };
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (quote === '' && /\s/.test(character)) {
      if (word) words.push(word.value);
      word = undefined;
    } else if (character === quote) {
      quote = '';
      open().typed = before + open().typed + character;
    } else if (quote === '' && (character === "'" || character === '"')) {
      quote = character;
      before = open().typed + character;
      open().typed = '';
    } else if (character === '\\' && quote !== "'" && characters[at + 1] !== undefined) {
      at++;
      open().value += characters[at];
      open().typed += `\\${characters[at]}`;
    } else {
      open().value += character;
      const is_break = quote === '' && breaks.includes(character);
      if (is_break) open().typed = PREFIXES.includes(character) ? character : '';
      else open().typed += character;
    }
  }
  return { words, current: word?.value ?? '', typed: word?.typed ?? '' };
}
