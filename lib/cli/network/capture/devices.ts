// The interfaces in the order and with the words of tcpdump -D, and their numbers, which -i takes.
import { existsSync, readFileSync } from 'node:fs';
import { if_nameindex } from '../../../socket/index.js';

const [UP, LOOPBACK, RUNNING] = [0x1, 0x8, 0x40];
const ANY = 'any';

interface Device {
  readonly name: string;
  readonly words: readonly string[];
  /** Devices are sorted by this number. */
  readonly rank: number;
}

/** Returns the content of a file of /sys about an interface; undefined if it cannot be read. */
function attribute(name: string, file: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function device(name: string): Device {
  const flags = Number(attribute(name, 'flags') ?? 0);
  const is_up = (flags & UP) !== 0;
  const is_loopback = (flags & LOOPBACK) !== 0;
  // The flag in the file is not the one of getifaddrs: it follows from the state of the link.
  const state = attribute(name, 'operstate');
  const is_running = (flags & RUNNING) !== 0 || (is_up && (state === 'up' || state === 'unknown'));
  const is_wireless = existsSync(`/sys/class/net/${name}/wireless`);
  const is_connected = is_up && attribute(name, 'carrier') === '1';
  const words = [
    is_up ? 'Up' : 'none',
    is_running ? 'Running' : '',
    is_loopback ? 'Loopback' : '',
    is_wireless ? 'Wireless' : '',
    connection(is_loopback, is_wireless, is_connected),
  ];
  const rank =
    (is_running ? 0 : 8) +
    (is_up ? 0 : 4) +
    (is_connected || is_loopback || is_wireless ? 0 : 2) +
    (is_loopback ? 1 : 0);
  return { name, words: words.filter(Boolean), rank };
}

function connection(is_loopback: boolean, is_wireless: boolean, is_connected: boolean): string {
  if (is_loopback) return '';
  if (is_wireless) return is_connected ? 'Associated' : 'Not associated';
  return is_connected ? 'Connected' : 'Disconnected';
}

/** Returns the interfaces: those that are up first, then `any`, then loopback, then those that are down. */
function devices(): Device[] {
  const any: Device = { name: ANY, words: ['Up', 'Running'], rank: 0.5 };
  const names = if_nameindex().map(([, name]) => name);
  return [...names.map(device), any].sort((a, b) => a.rank - b.rank);
}

/** Returns "1.eth0 [Up, Running, Connected]": a line for each interface. */
export function device_lines(): string[] {
  return devices().map(({ name, words }, i) => {
    const description = name === ANY ? ' (Pseudo-device that captures on all interfaces)' : '';
    return `${i + 1}.${name}${description} [${words.join(', ')}]`;
  });
}

/** Returns the name of an interface that is given by its name or by its number in the list. */
export function device_of(text: string): string {
  if (!/^[1-9]\d*$/.test(text) || if_nameindex().some(([, name]) => name === text)) return text;
  return devices()[Number(text) - 1]?.name ?? text;
}
