// The ports of nc: names, numbers and ranges, as the operands behind the host.
import { randomInt } from 'node:crypto';
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';

const PORT_MAX = 65_535;

function port_number(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new UsageError(`port number invalid: ${JSON.stringify(text)}`);
  if (number < 1) throw new UsageError(`port number too small: ${text}; the first is 1`);
  if (number > PORT_MAX) throw new UsageError(`port number too large: ${text}; the last is ${PORT_MAX}`);
  return number;
}

/** Returns the ports of an operand. A name may have a hyphen (http-alt); a range begins with a digit. */
async function ports_of(text: string, protocol: string): Promise<number[]> {
  const [, low, high] = /^(\d[^-]*)-(.*)$/.exec(text) ?? [];
  if (low !== undefined && high !== undefined) {
    const ends = [port_number(low), port_number(high)] as const;
    const [first, last] = [Math.min(...ends), Math.max(...ends)];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }
  if (/^[+-]?\d/.test(text)) return [port_number(text)];
  const found = await socket.getservbyname(text, protocol).catch((error: unknown) => {
    if (error instanceof socket.OSError) return undefined;
    throw error;
  });
  return [found ?? port_number(text)];
}

function shuffle(ports: number[]): void {
  for (let i = ports.length - 1; i > 0; i--) {
    const other = randomInt(i + 1);
    [ports[i], ports[other]] = [ports[other] as number, ports[i] as number];
  }
}

/**
 * parse_ports(['http', '20-22'], { protocol, random }) -> [80, 20, 21, 22].
 *
 * @param protocol 'tcp' or 'udp', for names
 * @param random true: in random order
 * @throws UsageError
 */
export async function parse_ports(
  operands: readonly string[],
  { protocol, random }: { readonly protocol: string; readonly random: boolean },
): Promise<number[]> {
  const ports: number[] = [];
  for (const each of operands) ports.push(...(await ports_of(each, protocol)));
  if (random) shuffle(ports);
  return ports;
}
