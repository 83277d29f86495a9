// struct ifreq, the argument of the requests SIOCGIF* and SIOCSIF* of ioctl. See netdevice(7).
import { c_string } from '../util/validate.js';
import { sockaddr } from './addresses.js';
import {
  type Codec,
  type Decoded,
  define,
  type Encodable,
  fields_of,
  int,
  octets,
  type Struct,
} from './struct.js';

/** The codec of the name of an interface: text, and a zero byte behind it. */
const interface_name: Codec<string> = {
  read: (bytes, [offset, size]) =>
    Buffer.from(bytes.subarray(offset, offset + size))
      .toString()
      .split('\0', 1)[0] ?? '',
  write(bytes, [offset, size], value, name) {
    const text = Buffer.from(c_string(value, name));
    if (text.length >= size)
      throw new RangeError(`${name} must have at most ${size - 1} bytes, not ${text.length}`);
    bytes.set(text, offset);
  },
};

const HARDWARE_ADDRESS = {
  /** The type of the hardware, ARPHRD_*. */
  family: int,
  /** The address, and zero bytes behind it. */
  data: octets,
};
/** The fields of hardware_address as decode gives them; the constant hardware_address says what the struct is for. */
export interface hardware_address extends Decoded<typeof HARDWARE_ADDRESS> {}
const hardware_address = define<hardware_address, object>('sockaddr', HARDWARE_ADDRESS);

const hwaddr: Codec<hardware_address> = {
  read: (bytes, [offset, size]) => hardware_address.decode(bytes.subarray(offset, offset + size)),
  write: (bytes, [offset], value, name) =>
    bytes.set(hardware_address.encode(fields_of(value, name, Object.keys(HARDWARE_ADDRESS))), offset),
};

const MEMBERS = {
  /** The address of the interface: SIOCGIFADDR. */
  addr: sockaddr,
  /** The address of the other end: SIOCGIFDSTADDR. */
  dstaddr: sockaddr,
  /** The broadcast address: SIOCGIFBRDADDR. */
  broadaddr: sockaddr,
  /** The network mask, as an address: SIOCGIFNETMASK. */
  netmask: sockaddr,
  /** The hardware address: SIOCGIFHWADDR. */
  hwaddr,
  /** The flags of the interface, IFF_*: SIOCGIFFLAGS. */
  flags: int,
  /** The index of the interface: SIOCGIFINDEX. */
  ifindex: int,
  /** The metric: SIOCGIFMETRIC. */
  metric: int,
  /** The MTU, in bytes: SIOCGIFMTU. */
  mtu: int,
  /** The length of the transmit queue, in packets: SIOCGIFTXQLEN. */
  qlen: int,
  /** The name to be: SIOCSIFNAME. */
  newname: interface_name,
};
const IFREQ = {
  /** The name of the interface. */
  name: interface_name,
  ...MEMBERS,
};
/** The fields of ifreq as decode gives them; the constant ifreq says what the struct is for. */
export interface ifreq extends Decoded<typeof IFREQ> {}
/** The fields of ifreq as encode takes them: the name, and one other. */
export interface ifreq_like extends Omit<Encodable<ifreq>, 'hwaddr'> {
  /** The hardware address: its type, and its bytes. */
  readonly hwaddr?: Encodable<hardware_address> | undefined;
}

const plain = define<ifreq, ifreq_like>('ifreq', IFREQ);

/**
 * struct ifreq: SIOCGIFADDR, SIOCGIFFLAGS, …, SIOCSIFMTU, … of ioctl. All fields but `name` share their memory: decode reads
 * it as each of them, and only the one of the request means anything; encode takes one. See netdevice(7).
 */
export const ifreq: Struct<ifreq, ifreq_like> = Object.freeze({
  ...plain,
  encode(value: ifreq_like): Buffer {
    const fields = fields_of(value, 'ifreq', Object.keys(IFREQ));
    const given = Object.keys(MEMBERS).filter((name) => fields[name] !== undefined);
    if (given.length > 1)
      throw new TypeError(`ifreq has room for one of ${given.join(', ')}: they share their memory`);
    return plain.encode(value);
  },
});
