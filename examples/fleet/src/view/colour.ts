// Colours of the views: of terminals only, and not where NO_COLOR is set.

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'dim' | 'bold';

const CODES: Readonly<Record<Colour, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

/** Paints a text, or leaves it as it is. */
export type Paint = (text: string, colour: Colour) => string;

export const painted: Paint = (text, colour) => `\x1b[${CODES[colour]}m${text}\x1b[0m`;
export const plain: Paint = (text) => text;

/** Returns whether a stream gets colours: https://no-color.org */
export function paint_for(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const wanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return wanted ? painted : plain;
}

/** Red is for failures. */
const OF_HOSTS: readonly Colour[] = ['cyan', 'green', 'yellow', 'blue', 'magenta'];

/** Returns the colour of a host, the same one each time. */
export function colour_of(host: string): Colour {
  let sum = 0;
  for (const character of host) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return OF_HOSTS[sum % OF_HOSTS.length] ?? 'cyan';
}
