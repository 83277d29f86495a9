// Names of ports and IP protocols: those of this system (/etc/services, /etc/protocols), and common ones, so that they are known where a
// system has no such files.

/** The numbers of a service; undefined if it does not use the protocol. */
export interface Service {
  readonly tcp?: number | undefined;
  readonly udp?: number | undefined;
}

const COMMON_SERVICES =
  'ftp-data 20/tcp ftp 21/tcp ssh 22/tcp telnet 23/tcp smtp 25/tcp domain 53/tcp domain 53/udp bootps 67/udp bootpc 68/udp tftp 69/udp http 80/tcp kerberos 88/tcp kerberos 88/udp pop3 110/tcp sunrpc 111/tcp sunrpc 111/udp ntp 123/udp netbios-ns 137/udp netbios-dgm 138/udp netbios-ssn 139/tcp imap2 143/tcp snmp 161/tcp snmp 161/udp snmp-trap 162/tcp snmp-trap 162/udp bgp 179/tcp ldap 389/tcp ldap 389/udp https 443/tcp https 443/udp microsoft-ds 445/tcp microsoft-ds 445/udp isakmp 500/udp syslog 514/udp printer 515/tcp submission 587/tcp ipp 631/tcp ldaps 636/tcp imaps 993/tcp pop3s 995/tcp mysql 3306/tcp postgresql 5432/tcp mdns 5353/udp';
const COMMON_PROTOCOLS =
  'icmp 1 igmp 2 ipencap 4 tcp 6 egp 8 igp 9 udp 17 dccp 33 ipv6 41 ipv6-route 43 ipv6-frag 44 rsvp 46 gre 47 esp 50 ah 51 ipv6-icmp 58 ipv6-nonxt 59 ipv6-opts 60 eigrp 88 ospf 89 ipip 94 pim 103 ipcomp 108 vrrp 112 l2tp 115 sctp 132 udplite 136';

/** Returns the numbers of each name in lines of a name, a number and more names: "http 80/tcp www". */
function read_lines(lines: readonly string[]): Map<string, string[]> {
  const numbers = new Map<string, string[]>();
  for (const line of lines) {
    const [name = '', number = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    for (const each of [name, ...aliases]) {
      const known = numbers.get(each);
      if (known === undefined) numbers.set(each, [number]);
      else known.push(number);
    }
  }
  return numbers;
}

/** Returns a function that finds the numbers of a name in a file of the system, or among the common ones. */
function finder(path: string, common: string): (name: string) => readonly string[] {
  const common_lines = common.match(/\S+ \S+/g) ?? [];
  let known: ReadonlyMap<string, string[]> | undefined;
  return (name) => {
    known ??= new Map([...read_lines(common_lines), ...read_lines(lines_of(path))]);
    return known.get(name) ?? [];
  };
}

function lines_of(path: string): string[] {
  try {
    // No import: a bundle for browsers has no node:fs.
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8').split('\n');
  } catch {
    // The system has no such file, or the program may not read it.
    return [];
  }
}

const find_services = finder('/etc/services', COMMON_SERVICES);
const find_protocols = finder('/etc/protocols', COMMON_PROTOCOLS);

/** Returns the ports of a service, or undefined if no such service is known. */
export function service_of_name(name: string): Service | undefined {
  const ports = find_services(name).map((text) => text.split('/'));
  const port_of = (protocol: string) => ports.find(([, each]) => each === protocol)?.[0];
  const [tcp, udp] = [port_of('tcp'), port_of('udp')];
  if (tcp === undefined && udp === undefined) return undefined;
  return { ...(tcp && { tcp: Number(tcp) }), ...(udp && { udp: Number(udp) }) };
}

/** Returns the number of an IP protocol, or undefined if no such protocol is known. */
export function ip_protocol_of_name(name: string): number | undefined {
  const [number] = find_protocols(name);
  return number === undefined ? undefined : Number(number);
}
