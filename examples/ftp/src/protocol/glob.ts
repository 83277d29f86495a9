// Patterns of names, as `NLST *.txt` has them: '*', '?' and '[a-z]'. Matching takes no more steps than the product of both lengths, whatever
// the pattern is.

/** Whether a name is a pattern. */
export function is_pattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** One place of a pattern: any number of characters, or one that passes the test. */
type Part = '*' | ((char: string) => boolean);

function in_set(text: string): (char: string) => boolean {
  const is_negated = text.startsWith('!') || text.startsWith('^');
  const chars = [...(is_negated ? text.slice(1) : text)];
  return (char) => {
    let found = false;
    for (let i = 0; i < chars.length; i++) {
      const [first = '', dash, last] = chars.slice(i, i + 3);
      if (dash === '-' && last !== undefined) {
        found ||= first <= char && char <= last;
        i += 2;
      } else found ||= first === char;
    }
    return found !== is_negated;
  };
}

function parse(pattern: string): Part[] {
  const parts: Part[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    const end = char === '[' ? chars.indexOf(']', i + 2) : -1;
    if (char === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (char === '?') parts.push(() => true);
    else if (end > 0) {
      parts.push(in_set(chars.slice(i + 1, end).join('')));
      i = end;
    } else parts.push((other) => other === char);
  }
  return parts;
}

/** Returns a function that tells whether a name matches. A name that begins with '.' needs a pattern that does. */
export function matcher(pattern: string): (name: string) => boolean {
  const parts = parse(pattern);
  return (name) => {
    if (name.startsWith('.') && !pattern.startsWith('.')) return false;
    const chars = [...name];
    let [at, part] = [0, 0];
    let [star, star_at] = [-1, 0];
    while (at < chars.length) {
      const test = parts[part];
      if (test === '*') {
        star = part++;
        star_at = at;
      } else if (test?.(chars[at] ?? '')) {
        at++;
        part++;
      } else if (star >= 0) {
        part = star + 1;
        at = ++star_at;
      } else return false;
    }
    while (parts[part] === '*') part++;
    return part === parts.length;
  };
}
