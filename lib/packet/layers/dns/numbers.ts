// The types and classes of DNS by name: the parameters of the IANA registry "Domain Name System (DNS) Parameters". A number without a
// name is TYPE65280 or CLASS42, RFC 3597, section 5.
import { shown } from '../../../util/validate.js';

const TYPES = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  'NSAP-PTR': 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  SRV: 33,
  ATMA: 34,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  A6: 38,
  DNAME: 39,
  SINK: 40,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  EUI48: 108,
  EUI64: 109,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  AMTRELAY: 260,
  TA: 32768,
  DLV: 32769,
} as const;
const CLASSES = { IN: 1, CS: 2, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

/** A type with a name. */
export type NamedType = keyof typeof TYPES;
/** The name of a type, or its number behind TYPE. */
export type DnsType = NamedType | `TYPE${number}`;
/** The name of a class, or its number behind CLASS. */
export type DnsClass = keyof typeof CLASSES | `CLASS${number}`;

/** Names of numbers, both ways. */
class Numbers<Name extends string> {
  readonly #of_name: ReadonlyMap<unknown, number>;
  readonly #of_number: ReadonlyMap<number, Name>;

  constructor(
    names: Readonly<Record<string, number>>,
    readonly other: string,
    readonly example: string,
    readonly max: number,
  ) {
    this.#of_name = new Map(Object.entries(names));
    // The keys of the table are the names.
    this.#of_number = new Map(Object.entries(names).map(([name, number]) => [number, name as Name]));
  }

  name(number: number): Name {
    // A name of this form stands for any number.
    return this.#of_number.get(number) ?? (`${this.other}${number}` as Name);
  }

  /** @throws TypeError, RangeError naming the field */
  number(name: unknown, field: string): number {
    const known = this.#of_name.get(name);
    if (known !== undefined) return known;
    const message = `${field} must be ${this.example}, or ${this.other}0 to ${this.other}${this.max}, not ${shown(name)}`;
    if (typeof name !== 'string') throw new TypeError(message);
    const digits = name.startsWith(this.other) ? name.slice(this.other.length) : '';
    if (!/^(0|[1-9]\d{0,4})$/.test(digits) || Number(digits) > this.max) throw new RangeError(message);
    return Number(digits);
  }
}

export const types = new Numbers<DnsType>(TYPES, 'TYPE', 'a type such as A or AAAA', 0xffff);
/** Of 15 bits: the top bit of a class is a flag of multicast DNS. */
export const classes = new Numbers<DnsClass>(CLASSES, 'CLASS', 'a class such as IN', 0x7fff);
