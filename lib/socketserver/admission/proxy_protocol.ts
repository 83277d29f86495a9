// The option `proxy_protocol` of servers: which clients are proxies whose header is believed, and how long it may take.
import type { BlockList } from 'node:net';
import { elements, options_of, timeout as seconds, shown } from '../../util/validate.js';

/** Options of a server behind a proxy that sends PROXY headers (HAProxy's send-proxy, nginx's proxy_protocol, …). */
export interface ProxyProtocolOptions {
  /**
   * The proxies that are trusted: addresses ('192.0.2.1', '::1'), networks ('10.0.0.0/8', 'fd00::/8'), and 'unix' for clients of
   * AF_UNIX. Their connections must begin with a PROXY header.
   */
  readonly trusted: Iterable<string>;
  /** Seconds in which the header must have come. Default: 3. */
  readonly timeout?: number | undefined;
  /** What is done with other clients: 'refuse', the default, closes their connections; 'serve' serves them as they are. */
  readonly others?: 'refuse' | 'serve' | undefined;
}

/** The options, checked: cloned for workers. */
export interface ProxyProtocol {
  readonly trusted: readonly string[];
  readonly timeout_ms: number;
  readonly others: 'refuse' | 'serve';
}

const TIMEOUT = 3;
const MAX_TRUSTED = 100_000;

/** Checks the option. @throws TypeError, RangeError */
export function check_proxy_protocol(value: ProxyProtocolOptions | undefined): ProxyProtocol | undefined {
  if (value === undefined) return undefined;
  const { trusted, timeout, others = 'refuse' } = options_of(value, ['trusted', 'timeout', 'others']);
  if (others !== 'refuse' && others !== 'serve')
    throw new RangeError(`proxy_protocol.others must be 'refuse' or 'serve', not ${shown(others)}`);
  const checked = {
    trusted: [...elements(trusted, 'proxy_protocol.trusted', MAX_TRUSTED)],
    timeout_ms: (seconds(timeout, 'proxy_protocol.timeout') ?? TIMEOUT) * 1000,
    others,
  };
  trusted_list(checked.trusted);
  return checked;
}

/** Returns the addresses and networks of a list. @throws TypeError, RangeError */
export function trusted_list(trusted: readonly string[]): BlockList {
  const list = new (net().BlockList)();
  for (const [i, one] of trusted.entries())
    if (one !== 'unix') add(list, one, `proxy_protocol.trusted[${i}]`);
  return list;
}

/** Loaded here, because few programs need it. */
const net = () => process.getBuiltinModule('node:net');

function add(list: BlockList, one: unknown, name: string): void {
  if (typeof one !== 'string') throw new TypeError(`${name} must be a string, not ${shown(one)}`);
  const [host = '', length, ...rest] = one.split('/');
  const version = net().isIP(host);
  const most = version === 6 ? 128 : 32;
  const is_length = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most);
  if (version === 0 || !is_length || rest.length > 0)
    throw new RangeError(
      `${name} must be an address, a network such as '10.0.0.0/8', or 'unix', not ${shown(one)}`,
    );
  const family = most === 128 ? 'ipv6' : 'ipv4';
  if (length === undefined) list.addAddress(host, family);
  else list.addSubnet(host, Number(length), family);
}
