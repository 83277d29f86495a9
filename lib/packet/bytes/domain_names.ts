// Domain names in the form of DNS, RFC 1035, 3.1: labels, each behind its length; a label of no bytes ends a name. Never compressed.
import { array, shown } from '../../util/validate.js';

const LABEL_MAX = 63;
const NAME_MAX = 253;
/** A label, which contains no dot: in text, a dot ends a label. */
const LABEL = /^[!--/-~]+$/;

function is_domain(name: string): boolean {
  const is_label = (label: string) => label.length <= LABEL_MAX && LABEL.test(label);
  return name.length <= NAME_MAX && name.split('.').every(is_label);
}

/** Returns the names in bytes, up to padding of zeros; undefined if one is no domain name in printable ASCII. */
export function read_domains(bytes: Buffer): string[] | undefined {
  const domains: string[] = [];
  let labels: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt8(at);
    if (size > 0) labels.push(bytes.toString('latin1', at + 1, at + 1 + size));
    else if (labels.length === 0) break;
    else {
      domains.push(labels.join('.'));
      labels = [];
    }
    at += 1 + size;
  }
  return domains.every(is_domain) ? domains : undefined;
}

/** Returns the bytes of names. @throws TypeError, RangeError naming the item that is no name */
export function write_domains(domains: unknown, field: string): Buffer {
  return Buffer.concat(array(domains, field).map((domain, i) => write_domain(domain, `${field}[${i}]`)));
}

function write_domain(domain: unknown, field: string): Buffer {
  if (typeof domain !== 'string') throw new TypeError(`${field} must be a string, not ${shown(domain)}`);
  if (!is_domain(domain))
    throw new RangeError(`${field} must be a domain name in ASCII, not ${shown(domain)}`);
  const labels = domain.split('.').map((label) => String.fromCharCode(label.length) + label);
  return Buffer.from(`${labels.join('')}\0`, 'latin1');
}
