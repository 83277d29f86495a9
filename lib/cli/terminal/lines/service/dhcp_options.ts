// The options of DHCP (RFC 2132 and others), as tcpdump tells them with -v.
import type { Names } from '../names.js';
import type { Walk } from '../walk.js';

/**
 * How the data of an option are told: numbers of 8 bits with dots, of 16 and 32 bits, of 32 with a sign, addresses, pairs of them, text,
 * switches (Y, N), or by a function of its own.
 */
type Form = 'bytes' | 'shorts' | 'longs' | 'signed' | 'addresses' | 'pairs' | 'text' | 'switches' | Teller;
/** Tells data; what is left behind the offset that it returns is told as trailing. */
type Teller = (walk: Walk, at: number, end: number) => number;

const [PAD, MESSAGE_TYPE, PARAMETERS, END] = [0, 53, 55, 255];

const MESSAGES: Names = {
  1: 'Discover',
  2: 'Offer',
  3: 'Request',
  4: 'Decline',
  5: 'ACK',
  6: 'NACK',
  7: 'Release',
  8: 'Inform',
  10: 'LeaseQuery',
  11: 'LeaseUnassigned',
  12: 'LeaseUnknown',
  13: 'LeaseActive',
};
const HARDWARE: Names = {
  1: 'ether',
  6: 'ieee802',
  7: 'arcnet',
  15: 'frelay',
  23: 'strip',
  24: 'ieee1394',
};
const NODES: Names = { 1: 'b-node', 2: 'p-node', 4: 'm-node', 8: 'h-node' };
const OVERLOADS: Names = { 1: 'file', 2: 'sname', 3: 'file+sname' };
const AGENT_OPTIONS: Names = { 1: 'Circuit-ID', 2: 'Remote-ID', 6: 'Subscriber-ID' };
const NAME_FLAGS = [
  [1, 'S'],
  [2, 'O'],
  [4, 'E'],
  [8, 'N'],
] as const;

const too_short = (least: number) => `[ERROR: length < ${least} bytes]`;

/** Returns the teller of a number of one byte with a name. */
function one_of(names: Names): Teller {
  return (walk, at, end) => {
    if (at === end) {
      walk.say(too_short(1));
      return at;
    }
    const value = walk.u8(at);
    walk.say(names[value] ?? `#${value}`);
    return at + 1;
  };
}

function say_client_id(walk: Walk, at: number, end: number): number {
  if (at === end) {
    walk.say(too_short(1));
    return at;
  }
  const type = walk.u8(at);
  if (type === 0) {
    walk.say('"');
    walk.say_some(at + 1, end - at - 1);
    walk.say('"');
  } else {
    const bytes = walk.hex(at + 1, end - at - 1).replace(/..\B/g, '$&:');
    walk.say(`${HARDWARE[type] ?? `hardware-type ${type},`} ${bytes}`);
  }
  return end;
}

function say_client_name(walk: Walk, at: number, end: number): number {
  if (end - at < 3) {
    walk.say(too_short(3));
    return end;
  }
  const flags = walk.u8(at);
  if (flags & 0xf0) walk.say(`[ERROR: MBZ nibble 0x${(flags >>> 4).toString(16)} != 0] `);
  const letters = NAME_FLAGS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
  if (letters.length > 0) walk.say(`[${letters.join('')}] `);
  const [first, second] = [walk.u8(at + 1), walk.u8(at + 2)];
  if (first !== 0 || second !== 0) walk.say(`${first}/${second} `);
  walk.say('"');
  walk.say_some(at + 3, end - at - 3);
  walk.say('"');
  return end;
}

function say_agent(walk: Walk, start: number, end: number): number {
  let at = start;
  while (end - at >= 2) {
    const [option, size] = [walk.u8(at), walk.u8(at + 1)];
    at += 2;
    const name = AGENT_OPTIONS[option];
    const head = `\n\t      ${name ?? 'Unknown'} SubOption ${option}, length ${size}: `;
    if (size > end - at) {
      walk.say(`${head}length goes past end of option`);
      return end;
    }
    walk.say(head);
    if (name === undefined) walk.say_unknown(at, size, '\n\t\t');
    else walk.say_some(at, size);
    at += size;
  }
  return at;
}

function say_routes(walk: Walk, start: number, end: number): number {
  if (end - start < 5) {
    walk.say(too_short(5));
    return end;
  }
  for (let at = start; at < end; ) {
    if (at > start) walk.say(',');
    const width = walk.u8(at++);
    if (width > 32) {
      walk.say(`[ERROR: Mask width (${width}) > 32]`);
      return end;
    }
    const size = Math.ceil(width / 8);
    if (end - at < size + 4) {
      walk.say(`[ERROR: Remaining length (${end - at}) < ${size + 4} bytes]`);
      return end;
    }
    const network = [...walk.bytes.subarray(at, at + size), 0, 0, 0, 0].slice(0, 4).join('.');
    walk.say(`(${width === 0 ? 'default' : `${network}/${width}`}:${walk.ipv4(at + size)})`);
    at += size + 4;
  }
  return end;
}

function say_user_classes(walk: Walk, start: number, end: number): number {
  if (end - start < 2) {
    walk.say(too_short(2));
    return end;
  }
  let number = 1;
  for (let at = start; at < end; number++) {
    const size = walk.u8(at++);
    walk.say(`\n\t      instance#${number}: `);
    if (size === 0 || size > end - at) {
      walk.say(size === 0 ? '[ERROR: suboption length must be non-zero]' : '[ERROR: invalid option]');
      return end;
    }
    walk.say('"');
    walk.say_some(at, size);
    walk.say(`", length ${size}`);
    at += size;
  }
  return end;
}

/** The options in tcpdump's words, and the form of their data; the others are told by their size. */
const OPTIONS: Readonly<Record<number, readonly [name: string, form: Form]>> = {
  [PAD]: ['PAD', 'bytes'],
  1: ['Subnet-Mask', 'addresses'],
  2: ['Time-Zone', 'signed'],
  3: ['Default-Gateway', 'addresses'],
  4: ['Time-Server', 'addresses'],
  5: ['IEN-Name-Server', 'addresses'],
  6: ['Domain-Name-Server', 'addresses'],
  7: ['LOG', 'addresses'],
  8: ['CS', 'addresses'],
  9: ['LPR-Server', 'addresses'],
  10: ['IM', 'addresses'],
  11: ['RL', 'addresses'],
  12: ['Hostname', 'text'],
  13: ['BS', 'shorts'],
  14: ['DP', 'text'],
  15: ['Domain-Name', 'text'],
  16: ['SS', 'addresses'],
  17: ['RP', 'text'],
  18: ['EP', 'text'],
  19: ['IPF', 'switches'],
  20: ['SRT', 'switches'],
  21: ['PF', 'pairs'],
  22: ['RSZ', 'shorts'],
  23: ['TTL', 'bytes'],
  24: ['MTU-Timeout', 'longs'],
  25: ['MTU-Table', 'shorts'],
  26: ['MTU', 'shorts'],
  27: ['LSN', 'switches'],
  28: ['BR', 'addresses'],
  29: ['MD', 'switches'],
  30: ['MS', 'switches'],
  31: ['Router-Discovery', 'switches'],
  32: ['RSA', 'addresses'],
  33: ['Static-Route', 'pairs'],
  34: ['UT', 'switches'],
  35: ['AT', 'longs'],
  36: ['IE', 'switches'],
  37: ['TT', 'bytes'],
  38: ['KI', 'longs'],
  39: ['KG', 'switches'],
  40: ['YD', 'text'],
  41: ['YS', 'addresses'],
  42: ['NTP', 'addresses'],
  43: ['Vendor-Option', 'bytes'],
  44: ['Netbios-Name-Server', 'addresses'],
  45: ['WDD', 'addresses'],
  46: ['Netbios-Node', one_of(NODES)],
  47: ['Netbios-Scope', 'text'],
  48: ['XFS', 'addresses'],
  49: ['XDM', 'addresses'],
  50: ['Requested-IP', 'addresses'],
  51: ['Lease-Time', 'longs'],
  52: ['OO', one_of(OVERLOADS)],
  [MESSAGE_TYPE]: ['DHCP-Message', 'bytes'],
  54: ['Server-ID', 'addresses'],
  [PARAMETERS]: ['Parameter-Request', 'bytes'],
  56: ['MSG', 'text'],
  57: ['MSZ', 'shorts'],
  58: ['RN', 'longs'],
  59: ['RB', 'longs'],
  60: ['Vendor-Class', 'text'],
  61: ['Client-ID', say_client_id],
  64: ['N+D', 'shorts'],
  65: ['N+S', 'addresses'],
  66: ['TFTP', 'text'],
  67: ['BF', 'text'],
  68: ['MH', 'addresses'],
  69: ['SMTP', 'addresses'],
  70: ['POP3', 'addresses'],
  71: ['NNTP', 'addresses'],
  72: ['WWW', 'addresses'],
  73: ['FG', 'addresses'],
  74: ['IRC', 'addresses'],
  75: ['STS', 'addresses'],
  76: ['STDA', 'addresses'],
  77: ['User-Class', say_user_classes],
  78: ['SLP-DA', 'bytes'],
  79: ['SLP-SCOPE', 'bytes'],
  80: ['SLP-NA', 'text'],
  81: ['FQDN', say_client_name],
  82: ['Agent-Information', say_agent],
  83: ['ARMT', 'bytes'],
  88: ['TZSTR', 'text'],
  89: ['FQDNS', 'bytes'],
  90: ['AUTH', 'bytes'],
  91: ['Last-Transaction-Time', 'signed'],
  92: ['Associated-IP', 'addresses'],
  93: ['ARCH', 'shorts'],
  94: ['NDI', 'bytes'],
  95: ['LDAP', 'text'],
  97: ['GUID', 'bytes'],
  98: ['UAP', 'text'],
  100: ['POSIX-TZ', 'text'],
  101: ['TZ-Name', 'text'],
  112: ['NI', 'addresses'],
  113: ['NITAG', 'text'],
  114: ['URL', 'text'],
  116: ['NOAUTO', 'switches'],
  117: ['NSSEARCH', 'shorts'],
  118: ['SUBNET', 'addresses'],
  121: ['Classless-Static-Route', say_routes],
  150: ['TFTP-Server-Address', 'addresses'],
  161: ['MUD-URL', 'text'],
  249: ['Classless-Static-Route-Microsoft', say_routes],
  [END]: ['END', 'bytes'],
};

/** How many bytes a value of a list has, what stands between two, and its text. */
const LISTS = {
  bytes: [1, '.', (walk: Walk, at: number) => `${walk.u8(at)}`],
  shorts: [2, ',', (walk: Walk, at: number) => `${walk.u16(at)}`],
  longs: [4, ',', (walk: Walk, at: number) => `${walk.u32(at)}`],
  signed: [4, ',', (walk: Walk, at: number) => `${walk.u32(at) | 0}`],
  addresses: [4, ',', (walk: Walk, at: number) => walk.ipv4(at)],
  pairs: [8, ',', (walk: Walk, at: number) => `(${walk.ipv4(at)}:${walk.ipv4(at + 4)})`],
  switches: [1, ',', (walk: Walk, at: number) => ['N', 'Y'][walk.u8(at)] ?? `${walk.u8(at)}?`],
} as const;

/** The form of an option that is not known. */
function form_of_size(size: number): Form {
  if (size & 1) return 'bytes';
  return size & 2 ? 'shorts' : 'longs';
}

/** Tells the data of an option. @returns the offset behind what is told */
function say_data(walk: Walk, form: Form, start: number, end: number): number {
  if (typeof form === 'function') return form(walk, start, end);
  if (form === 'text') {
    walk.say('"');
    walk.say_some(start, end - start);
    walk.say('"');
    return end;
  }
  const [size, separator, text] = LISTS[form];
  let at = start;
  for (; end - at >= size; at += size) walk.say((at > start ? separator : '') + text(walk, at));
  return at;
}

function say_parameters(walk: Walk, at: number, size: number): void {
  for (let i = 0; i < size; i++) {
    const option = walk.u8(at + i);
    walk.say(`${i % 4 === 0 ? '\n\t      ' : ', '}${OPTIONS[option]?.[0] ?? 'Unknown'} (${option})`);
  }
}

/** Tells the options behind the cookie at `start`. */
export function say_dhcp_options(walk: Walk, start: number): void {
  walk.say('\n\t  Vendor-rfc1048 Extensions');
  walk.say(`\n\t    Magic Cookie 0x${walk.hex(start, 4)}`);
  let at = start + 4;
  while (walk.has(at, 1)) {
    const option = walk.u8(at++);
    const is_alone = option === PAD || option === END;
    if (is_alone && walk.verbose < 3) {
      if (option === END) return;
      continue;
    }
    const size = is_alone ? 0 : walk.u8(at++);
    const [name, form] = OPTIONS[option] ?? ['Unknown', form_of_size(size)];
    walk.say(`\n\t    ${name} (${option}), length ${size}${size > 0 ? ': ' : ''}`);
    if (option === PAD) {
      const first = at;
      while (walk.has(at, 1) && walk.u8(at) === PAD) at++;
      if (at > first) walk.say(`, occurs ${at - first + 1}`);
    }
    if (!walk.has(at, size)) walk.cut();
    const end = at + size;
    if (option === MESSAGE_TYPE && size === 1) {
      const type = walk.u8(at);
      walk.say(MESSAGES[type] ?? `Unknown (${type})`);
    } else if (option === PARAMETERS) say_parameters(walk, at, size);
    else if (!is_alone) {
      const told = say_data(walk, form, at, end);
      if (told < end) walk.say(`\n\t  trailing data length ${end - told}`);
    }
    at = end;
  }
}
