// The line of an answer, and the form of --format: text with ${field} or ${field;width}.
import { UsageError } from '../terminal/errors.js';

/** The fields of an answer. One that the answer lacks is undefined. */
export interface Answer {
  readonly ip: string;
  readonly mac: string;
  /** The source address of the frame, if it is another one. */
  readonly hdrmac: string | undefined;
  readonly vendor: string | undefined;
  /** The name of the host, by -d. */
  readonly name: string | undefined;
  readonly vlan: number | undefined;
  /** The bytes behind the ARP packet in hexadecimal, if they are not zero. */
  readonly padding: string | undefined;
  /** The number of the answers of the address so far, from the second on. */
  readonly dup: number | undefined;
  /** Milliseconds, by -D. */
  readonly rtt: string | undefined;
}

const FIELDS: readonly (keyof Answer)[] = [
  'ip',
  'name',
  'mac',
  'hdrmac',
  'vendor',
  'padding',
  'vlan',
  'dup',
  'rtt',
];
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Returns the line of arp-scan, with its tabulators. */
export function line_of_answer(answer: Answer): string {
  const { ip, name, mac, hdrmac, vendor, vlan, dup, rtt } = answer;
  const columns = [name ?? ip, hdrmac === undefined ? mac : `${mac} (${hdrmac})`];
  if (vendor !== undefined) {
    const notes = [
      vlan === undefined ? '' : ` (802.1Q VLAN=${vlan})`,
      dup === undefined ? '' : ` (DUP: ${dup})`,
    ];
    columns.push(vendor + notes.join(''));
  }
  if (rtt !== undefined) columns.push(`RTT=${rtt} ms`);
  return columns.join('\t');
}

type Part = (answer: Answer) => string;

function field_part(text: string): Part {
  const [name = '', width = '0', more] = text.split(';');
  const field = FIELDS.find((each) => each === name.toLowerCase());
  if (field === undefined)
    throw new UsageError(`--format has no field ${JSON.stringify(name)}, only ${FIELDS.join(', ')}`);
  if (!/^-?\d{1,4}$/.test(width) || more !== undefined)
    throw new UsageError(`--format takes \${${name};WIDTH}, not ${JSON.stringify(text)}`);
  const columns = Number(width);
  return (answer) => {
    const value = String(answer[field] ?? '');
    return columns < 0 ? value.padEnd(-columns) : value.padStart(columns);
  };
}

/**
 * parse_format('${ip;-15}\\t${mac}') -> a function that returns the text of an answer. A positive width aligns to the right.
 *
 * @throws UsageError
 */
export function parse_format(format: string): Part {
  const parts: Part[] = [];
  for (let rest = format; rest !== ''; ) {
    const [token = rest, escaped, field] = /^(?:\\(.)|\$\{([^}]*)\}|.)/s.exec(rest) ?? [];
    rest = rest.slice(token.length);
    if (escaped !== undefined) parts.push(() => ESCAPES[escaped] ?? escaped);
    else if (field !== undefined) parts.push(field_part(field));
    else if (token === '$' && rest.startsWith('{')) throw new UsageError('--format lacks a closing brace');
    else parts.push(() => token);
  }
  return (answer) => parts.map((part) => part(answer)).join('');
}
