// Addresses: the tuples of README.md, checked and handed to the native encoders, and read back from the decoders.
//
// One entry of FAMILIES per family says which fields its address has. `encode` resolves host names by a function that its
// caller hands in, because blocking and promise callers wait differently.
import { isUtf8 } from 'node:buffer';
import * as c from '../constants.js';
import { raise } from '../errors/raise.js';
import { ADDRESS_LENGTH, addon, address_out, cells } from '../native/addon.js';
import { array, bytes, c_string, data, decoded, integer, integer_or, shown } from '../util/validate.js';

type Uint = number;

/** AF_INET, AF_RDS: a host name or dotted address, a port in host byte order. */
export type InetAddress = readonly [host: string, port: Uint];
/** AF_INET6. The scope may also be written into the host, `fe80::1%eth0`. */
export type Inet6Address = readonly [
  host: string,
  port: Uint,
  flowinfo?: Uint | undefined,
  scope_id?: Uint | undefined,
];
/** AF_UNIX: a path; bytes for one that is no UTF-8 and for abstract names, which begin with a zero byte. */
export type UnixAddress = string | Uint8Array;
/** AF_NETLINK. */
export type NetlinkAddress = readonly [pid: Uint, groups: Uint];
/** AF_PACKET: the protocol in host byte order. */
export type PacketAddress = readonly [
  ifname: string,
  proto: Uint,
  pkttype?: Uint | undefined,
  hatype?: Uint | undefined,
  addr?: string | Uint8Array | undefined,
];
/** AF_VSOCK. */
export type VsockAddress = readonly [cid: Uint, port: Uint];
/** AF_CAN: raw and BCM; ISO-TP; J1939. */
export type CanAddress =
  | readonly [ifname: string]
  | readonly [ifname: string, rx_id: Uint, tx_id: Uint]
  | readonly [ifname: string, name: number | bigint, pgn: Uint, addr: Uint];
/** AF_TIPC: for TIPC_ADDR_NAMESEQ type, lower, upper; TIPC_ADDR_NAME type, instance, domain; TIPC_ADDR_ID node, ref. */
export type TipcAddress = readonly [addr_type: Uint, v1: Uint, v2: Uint, v3: Uint, scope?: Uint | undefined];
/** AF_ALG. */
export type AlgAddress = readonly [
  type: string,
  name: string,
  feat?: Uint | undefined,
  mask?: Uint | undefined,
];
/** AF_QIPCRTR. */
export type QipcrtrAddress = readonly [node: Uint, port: Uint];
/** AF_BLUETOOTH: L2CAP with a PSM, RFCOMM with a channel; HCI; SCO. */
export type BluetoothAddress =
  | readonly [bdaddr: string, port: Uint, cid?: Uint | undefined, bdaddr_type?: Uint | undefined]
  | readonly [device_id: Uint, channel?: Uint | undefined]
  | Uint
  | string
  | Uint8Array;
/** Every other family: a whole sockaddr. */
export type RawAddress = Uint8Array;

/** The addresses of the families that have a form of their own. */
interface KnownAddresses {
  1: UnixAddress;
  2: InetAddress;
  10: Inet6Address;
  16: NetlinkAddress;
  17: PacketAddress;
  21: InetAddress;
  29: CanAddress;
  30: TipcAddress;
  31: BluetoothAddress;
  38: AlgAddress;
  40: VsockAddress;
  42: QipcrtrAddress;
}

/** An address of any family. */
export type AnyAddress = KnownAddresses[keyof KnownAddresses] | RawAddress;

interface AddressByFamily extends KnownAddresses {
  [family: number]: AnyAddress;
}

/** The addresses that the kernel gives, of the families that have a form of their own. */
interface KnownReturned {
  1: string | Buffer;
  2: [host: string, port: Uint];
  10: [host: string, port: Uint, flowinfo: Uint, scope_id: Uint];
  16: [pid: Uint, groups: Uint];
  17: [ifname: string, proto: Uint, pkttype: Uint, hatype: Uint, addr: Buffer];
  21: [host: string, port: Uint];
  29:
    | [ifname: string]
    | [ifname: string, rx_id: Uint, tx_id: Uint]
    | [ifname: string, name: number | bigint, pgn: Uint, addr: Uint];
  30: [addr_type: Uint, v1: Uint, v2: Uint, v3: Uint, scope: Uint];
  31:
    | [bdaddr: string, port: Uint, cid?: Uint | undefined, bdaddr_type?: Uint | undefined]
    | [device_id: Uint, channel: Uint]
    | Uint
    | string;
  38: [type: string, name: string, feat: Uint, mask: Uint];
  40: [cid: Uint, port: Uint];
  42: [node: Uint, port: Uint];
}

/** An address of any family; of one without a form of its own, a whole sockaddr. */
export type AnyReturnedAddress = KnownReturned[keyof KnownReturned] | Buffer;

interface ReturnedByFamily extends KnownReturned {
  [family: number]: AnyReturnedAddress;
}

/** The address that a socket of family F takes; any of them if the family is not known at compile time. */
export type Address<F extends number = number> = AddressByFamily[F];

/** The address that a socket of family F gives; any of them if the family is not known at compile time. */
export type ReturnedAddress<F extends number = number> = ReturnedByFamily[F];

/** null for a family whose connections have no address of the peer: AF_ALG. */
interface NoPeer extends Record<Exclude<keyof KnownReturned, 38>, never> {
  [family: number]: null;
}

/** The address of the peer that accept gives to a socket of family F, null if there is none. */
export type PeerAddress<F extends number = number> = ReturnedAddress<F> | NoPeer[F];

/** The families of TCP and UDP: which of them a host name has, only the resolver knows. */
export type InetFamily = typeof c.AF_INET | typeof c.AF_INET6;

/** Finds the numeric address of a host name; for IPv6 possibly with a `%scope`. */
export type ResolveHost = (host: string, family: number) => string;

const UINT_MAX = 2 ** 32 - 1;
const UNIX_PATH_MAX = 108;
const IFNAMSIZ = 16;

const uint = (value: unknown, name: string): number => integer(value, name, 0, UINT_MAX);
const uint_or_0 = (value: unknown, name: string): number => integer_or(0, value, name, 0, UINT_MAX);
// Python: "-1" stands for the all-ones values (VMADDR_PORT_ANY, TIPC ranges).
const word = (value: unknown, name: string): number => integer(value, name, -(2 ** 31), UINT_MAX) >>> 0;

/** Returns a text of an address, which may be UTF-8 bytes. @throws TypeError, RangeError */
function text(value: unknown, name: string): string {
  return c_string(decoded(value), name);
}

/** Returns a host name or numeric address. As in Python, a zero byte in it is a TypeError. */
function host_text(value: unknown, caller: string): string {
  const name = `${caller}: host`;
  const host = decoded(value);
  if (typeof host !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  if (host.includes('\0')) throw new TypeError(`${name} must not contain a zero byte: ${shown(host)}`);
  return host;
}

function port(value: unknown, caller: string): number {
  return integer(value, `${caller}: port`, 0, 65535);
}

/** The fields of an address for the native encoder. */
type Fields = (address: unknown, proto: number, caller: string) => unknown[];

function parts(address: unknown, caller: string, min: number, max: number, form: string): readonly unknown[] {
  return array(address, `${caller}: address`, min, max, form);
}

function inet_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const [host, number] = parts(address, caller, 2, 2, '[host, port]');
  return [host_text(host, caller), port(number, caller)];
}

function inet6_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const [host, number, flowinfo, scope_id] = parts(
    address,
    caller,
    2,
    4,
    '[host, port, flowinfo?, scope_id?]',
  );
  return [
    host_text(host, caller),
    port(number, caller),
    integer_or(0, flowinfo, `${caller}: flowinfo`, 0, 0xfffff),
    uint_or_0(scope_id, `${caller}: scope_id`),
  ];
}

function unix_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const path = data(address, `${caller}: path`);
  const abstract = path[0] === 0;
  if (path.length > UNIX_PATH_MAX - (abstract ? 0 : 1)) {
    throw new RangeError(
      `${caller}: AF_UNIX path too long (${path.length} bytes, at most 107): ${show_path(path)}`,
    );
  }
  if (!abstract && path.includes(0)) {
    throw new RangeError(`${caller}: AF_UNIX path with a zero byte: ${show_path(path)}`);
  }
  return [path];
}

function show_path(path: Uint8Array): string {
  return JSON.stringify(Buffer.from(path).toString('utf8'));
}

function packet_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const form = '[ifname, proto, pkttype?, hatype?, addr?]';
  const [ifname, proto, pkttype, hatype, addr] = parts(address, caller, 2, 5, form);
  const hardware = addr === undefined || addr === null ? new Uint8Array(0) : data(addr, `${caller}: addr`);
  if (hardware.length > 8)
    throw new RangeError(`${caller}: addr must be at most 8 bytes, not ${hardware.length}`);
  return [
    text(ifname, `${caller}: ifname`),
    integer(proto, `${caller}: proto`, 0, 65535),
    integer_or(0, pkttype, `${caller}: pkttype`, 0, 255),
    integer_or(0, hatype, `${caller}: hatype`, 0, 65535),
    hardware,
  ];
}

function can_interface(value: unknown, caller: string): string {
  const ifname = text(value, `${caller}: ifname`);
  if (Buffer.byteLength(ifname) < IFNAMSIZ) return ifname;
  throw new RangeError(`${caller}: ifname must have fewer than ${IFNAMSIZ} bytes, not ${shown(ifname)}`);
}

function can_fields(address: unknown, proto: number, caller: string): unknown[] {
  if (proto === c.CAN_ISOTP) {
    const [ifname, rx_id, tx_id] = parts(address, caller, 3, 3, '[ifname, rx_id, tx_id]');
    return [can_interface(ifname, caller), uint(rx_id, `${caller}: rx_id`), uint(tx_id, `${caller}: tx_id`)];
  }
  if (proto === c.CAN_J1939) {
    const [ifname, name, pgn, addr] = parts(address, caller, 4, 4, '[ifname, name, pgn, addr]');
    return [
      can_interface(ifname, caller),
      j1939_name(name, `${caller}: name`),
      uint(pgn, `${caller}: pgn`),
      integer(addr, `${caller}: addr`, 0, 255),
    ];
  }
  const [ifname] = parts(address, caller, 1, 1, '[ifname]');
  return [can_interface(ifname, caller)];
}

function j1939_name(value: unknown, name: string): bigint {
  const number = typeof value === 'bigint' ? value : BigInt(integer(value, name, 0, Number.MAX_SAFE_INTEGER));
  if (number < 0n || number >= 2n ** 64n)
    throw new RangeError(`${name} must have 64 bits, not ${shown(value)}`);
  return number;
}

function bluetooth_address(value: unknown, name: string): string {
  const bdaddr = text(value, name);
  if (/^(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(bdaddr)) return bdaddr;
  throw new RangeError(`${name} must be like 00:AA:01:02:03:04, not ${shown(bdaddr)}`);
}

// Python 3.13's forms, and the optional fields that 3.14 added.
function bluetooth_fields(address: unknown, proto: number, caller: string): unknown[] {
  if (proto === c.BTPROTO_HCI) {
    const [device_id, channel] = Array.isArray(address)
      ? parts(address, caller, 1, 2, '[device_id, channel?]')
      : [address];
    return [
      integer(device_id, `${caller}: device_id`, 0, 65535),
      integer_or(0, channel, `${caller}: channel`, 0, 65535),
    ];
  }
  if (proto === c.BTPROTO_SCO) return [bluetooth_address(address, `${caller}: bdaddr`)];
  if (proto === c.BTPROTO_L2CAP) {
    const form = '[bdaddr, psm, cid?, bdaddr_type?]';
    const [bdaddr, psm, cid, bdaddr_type] = parts(address, caller, 2, 4, form);
    return [
      bluetooth_address(bdaddr, `${caller}: bdaddr`),
      integer(psm, `${caller}: psm`, 0, 65535),
      integer_or(0, cid, `${caller}: cid`, 0, 65535),
      integer_or(0, bdaddr_type, `${caller}: bdaddr_type`, 0, 255),
    ];
  }
  const [bdaddr, channel] = parts(address, caller, 2, 2, '[bdaddr, channel]');
  return [bluetooth_address(bdaddr, `${caller}: bdaddr`), integer(channel, `${caller}: channel`, 0, 255)];
}

function tipc_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const form = '[addr_type, v1, v2, v3, scope?]';
  const [addr_type, v1, v2, v3, scope] = parts(address, caller, 4, 5, form);
  return [
    integer(addr_type, `${caller}: addr_type`, c.TIPC_ADDR_NAMESEQ, c.TIPC_ADDR_ID),
    word(v1, `${caller}: v1`),
    word(v2, `${caller}: v2`),
    word(v3, `${caller}: v3`),
    integer_or(c.TIPC_CLUSTER_SCOPE, scope, `${caller}: scope`, 0, 255),
  ];
}

function alg_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const [type, name, feat, mask] = parts(address, caller, 2, 4, '[type, name, feat?, mask?]');
  const type_text = text(type, `${caller}: type`);
  const name_text = text(name, `${caller}: name`);
  // The kernel's fields of 14 and 64 bytes end with a zero.
  if (type_text.length > 13) throw new RangeError(`${caller}: type too long: ${shown(type)}`);
  if (name_text.length > 63) throw new RangeError(`${caller}: name too long: ${shown(name)}`);
  return [type_text, name_text, uint_or_0(feat, `${caller}: feat`), uint_or_0(mask, `${caller}: mask`)];
}

function two_words(first: string, second: string): Fields {
  return (address, _proto, caller) => {
    const [a, b] = parts(address, caller, 2, 2, `[${first}, ${second}]`);
    return [word(a, `${caller}: ${first}`), word(b, `${caller}: ${second}`)];
  };
}

function raw_fields(address: unknown, _proto: number, caller: string): unknown[] {
  const sockaddr = bytes(address, `${caller}: address`);
  if (sockaddr.length < 2 || sockaddr.length > 128) {
    throw new RangeError(`${caller}: a raw sockaddr must have 2 to 128 bytes, not ${sockaddr.length}`);
  }
  return [sockaddr];
}

const FAMILIES = new Map<number | undefined, Fields>([
  [c.AF_INET, inet_fields],
  [c.AF_RDS, inet_fields],
  [c.AF_INET6, inet6_fields],
  [c.AF_UNIX, unix_fields],
  [c.AF_NETLINK, two_words('pid', 'groups')],
  [c.AF_PACKET, packet_fields],
  [c.AF_VSOCK, two_words('cid', 'port')],
  [c.AF_CAN, can_fields],
  [c.AF_TIPC, tipc_fields],
  [c.AF_ALG, alg_fields],
  [c.AF_QIPCRTR, two_words('node', 'port')],
  [c.AF_BLUETOOTH, bluetooth_fields],
]);

const has_host = (family: number): boolean =>
  family === c.AF_INET || family === c.AF_INET6 || family === c.AF_RDS;

/**
 * Writes an address to the memory from which the next native call takes it.
 *
 * @param caller the call it is for, in messages
 * @returns its length
 * @throws TypeError, RangeError on a wrong form; OSError ENODEV for an unknown interface; the error of `resolve`
 */
export function encode(
  family: number,
  proto: number,
  address: unknown,
  caller: string,
  resolve: ResolveHost,
): number {
  if (is_last(family, address)) return last.length;
  const fields = (FAMILIES.get(family) ?? raw_fields)(address, proto, caller);
  if (has_host(family)) return encode_host(family, fields, resolve);
  const length = write_address(family, proto, ...fields);
  return length >= 0 ? length : raise(length, { syscall: caller, address });
}

/** Stands for the address of any host: a check does not resolve it. */
export const ANY_ADDRESS: ResolveHost = (_host, family) => (family === c.AF_INET6 ? '::' : '127.0.0.1');

/** Checks the form of an address. @throws TypeError, RangeError on a wrong form; OSError ENODEV for an unknown interface */
export function check_address(
  { family, proto }: { readonly family: number; readonly proto: number },
  address: unknown,
  caller: string,
): void {
  encode(family, proto, address, caller, ANY_ADDRESS);
}

/** Has the native encoder write an address; every use of it comes through here. */
export function write_address(family: number, proto: number, ...fields: unknown[]): number {
  last.length = addon.encode_address(family, proto, ...fields);
  const remember = family === c.AF_INET && last.length >= 0;
  last.host = remember ? fields[0] : undefined;
  last.port = fields[1];
  return last.length;
}

// Most datagrams go to the address of the last one, which is still in the memory for the native call.
const last: { host: unknown; port: unknown; length: number } = { host: undefined, port: 0, length: 0 };

function is_last(family: number, address: unknown): boolean {
  if (family !== c.AF_INET || !Array.isArray(address) || address.length !== 2) return false;
  return typeof address[0] === 'string' && address[0] === last.host && address[1] === last.port;
}

function encode_host(family: number, fields: unknown[], resolve: ResolveHost): number {
  // Most hosts are numeric already, and only the encoder knows. A host that it refuses is a name.
  const length = write_address(family, 0, ...fields);
  if (length >= 0) return length;
  const resolved = resolve(fields[0] as string, family === c.AF_INET6 ? c.AF_INET6 : c.AF_INET);
  const [host, scope] = resolved.split('%');
  // A scope in the host counts if none was given beside it.
  const scope_id = fields[3] === 0 && scope !== undefined ? Number(scope) : fields[3];
  return write_address(family, 0, host, fields[1], fields[2], scope_id);
}

/** Returns the address that the last native call wrote, in the form of this family; null if it wrote none. */
export function decode<F extends number>(family: F, proto: number): ReturnedAddress<F> {
  let address: unknown = null;
  const length = cells[ADDRESS_LENGTH];
  if (family === c.AF_INET && length === SOCKADDR_IN_SIZE) address = inet_address();
  else if (length !== 0) address = addon.decode_address(proto);
  if (family === c.AF_UNIX && Buffer.isBuffer(address)) address = unix_path(address);
  // The native decoder goes by the family that the kernel wrote, which is the socket's.
  return address as ReturnedAddress<F>;
}

const SOCKADDR_IN_SIZE = 16;
const out_words = new Int32Array(address_out.buffer, address_out.byteOffset, 2);
let last_ip = 0;
let last_host = '0.0.0.0';

/** Returns an INET address. Keeps the text of the host: most datagrams come from the address of the last one. */
function inet_address(): unknown {
  if (out_words[1] !== last_ip) {
    const [host] = addon.decode_address(0) as [string, number];
    last_ip = out_words[1] as number;
    last_host = host;
  }
  return [last_host, ((address_out[2] as number) << 8) | (address_out[3] as number)];
}

/** Returns a path as text if it is UTF-8; abstract names stay bytes. */
function unix_path(path: Buffer): string | Buffer {
  return path.length > 0 && (path[0] === 0 || !isUtf8(path)) ? path : path.toString('utf8');
}
