// bsd-sockets doctor: tries each kind of socket, reads limits and capabilities, and lists remedies for what is missing. It
// sends nothing. --json prints the findings as one object.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { module_of } from '../../errors/hints.js';
import * as socket from '../../socket/index.js';
import { effective_capabilities } from '../network/capabilities.js';
import { command } from '../terminal/command.js';
import { DONE } from '../terminal/errors.js';
import { flag } from '../terminal/options.js';
import { coloured, columns_of, fitted_table, print, print_json, printable } from '../terminal/output.js';
import { version } from '../terminal/version.js';

type Probe = readonly [what: string, family: number | undefined, type: number | undefined, proto?: number];

const PROBES: readonly Probe[] = [
  ['TCP over IPv4', socket.AF_INET, socket.SOCK_STREAM],
  ['TCP over IPv6', socket.AF_INET6, socket.SOCK_STREAM],
  ['UDP over IPv4', socket.AF_INET, socket.SOCK_DGRAM],
  ['UDP over IPv6', socket.AF_INET6, socket.SOCK_DGRAM],
  ['ping over IPv4', socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP],
  ['ping over IPv6', socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6],
  ['raw IPv4', socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP],
  ['raw IPv6', socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6],
  ['packets of interfaces', socket.AF_PACKET, socket.SOCK_RAW],
  ['UNIX stream', socket.AF_UNIX, socket.SOCK_STREAM],
  ['UNIX datagram', socket.AF_UNIX, socket.SOCK_DGRAM],
  ['UNIX seqpacket', socket.AF_UNIX, socket.SOCK_SEQPACKET],
  ['netlink', socket.AF_NETLINK, socket.SOCK_RAW, 0],
  ['MPTCP', socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP],
  ['SCTP', socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP],
  ['UDP-Lite', socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE],
  ['virtual machines (vsock)', socket.AF_VSOCK, socket.SOCK_STREAM],
  ['kernel crypto', socket.AF_ALG, socket.SOCK_SEQPACKET],
  ['CAN', socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW],
  ['CAN broadcast manager', socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_BCM],
  ['CAN ISO-TP', socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_ISOTP],
  ['CAN J1939', socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_J1939],
  ['TIPC', socket.AF_TIPC, socket.SOCK_RDM],
  ['RDS', socket.AF_RDS, socket.SOCK_SEQPACKET],
  ['Qualcomm IPC router', socket.AF_QIPCRTR, socket.SOCK_DGRAM],
  ['Bluetooth L2CAP', socket.AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP],
];

// The limits of input and output, and their meaning.
const SYSCTLS: readonly [name: string, meaning: string][] = [
  ['net.ipv4.ping_group_range', 'groups that may ping without raw sockets'],
  ['net.ipv4.ip_unprivileged_port_start', 'the first port that needs no privilege'],
  ['net.ipv4.ip_local_port_range', 'ports that the kernel picks from'],
  ['net.core.somaxconn', 'connections that may wait for accept()'],
  ['net.core.rmem_max', 'the largest SO_RCVBUF, bytes'],
  ['net.core.wmem_max', 'the largest SO_SNDBUF, bytes'],
  ['net.unix.max_dgram_qlen', 'UNIX datagrams that may wait'],
];

interface ProbeResult {
  readonly what: string;
  readonly family: string;
  readonly type: string;
  readonly usable: boolean;
  /** The code of the error, if the socket cannot be made. */
  readonly code?: string;
  /** The cause and the remedy. */
  readonly reason?: string;
}

/** Makes a socket and closes it. @returns whether it can be made, or the error */
function try_probe([what, family, type, proto]: Probe): ProbeResult {
  const names = {
    what,
    family: socket.AddressFamily[family ?? -1] ?? String(family),
    type: socket.SocketKind[type ?? -1] ?? String(type),
  };
  if (family === undefined || type === undefined)
    return { ...names, usable: false, reason: 'unknown to this build' };
  try {
    socket.socket(family, type, proto ?? 0).close();
    return { ...names, usable: true };
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    return { ...names, usable: false, code: error.code, reason: error.hint ?? error.strerror };
  }
}

function sysctl(name: string): string | undefined {
  try {
    const text = readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8');
    return text.trim().replaceAll(/\s+/g, ' ');
  } catch {
    return undefined;
  }
}

/** Returns the soft and the hard limit of open descriptors. */
function descriptors(): { soft: string; hard: string } {
  const [, soft = '?', hard = '?'] =
    /^Max open files\s+(\S+)\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return { soft, hard };
}

/** Returns the file of the loaded addon. */
function binary(): string | undefined {
  const report: unknown = process.report.getReport();
  const { sharedObjects } = report as { sharedObjects?: string[] };
  return sharedObjects?.find((file) => /bsd.sockets.*\.node$/.test(file));
}

function collect_findings() {
  const user = { uid: process.geteuid?.(), gid: process.getegid?.(), groups: process.getgroups?.() };
  return {
    version: version(),
    binary: binary(),
    node: process.version,
    kernel: release(),
    architecture: process.arch,
    user,
    capabilities: effective_capabilities(),
    sockets: PROBES.map(try_probe),
    interfaces: socket.if_nameindex().map(([index, name]) => ({ index, name })),
    limits: {
      nofile: descriptors(),
      sysctl: Object.fromEntries(SYSCTLS.map(([name]) => [name, sysctl(name) ?? null])),
    },
    remedies: [] as Remedy[],
  };
}

type Findings = ReturnType<typeof collect_findings>;

interface Remedy {
  readonly missing: string;
  readonly commands: string[];
}

const setcap = (names: string) => `sudo setcap ${names}+ep "$(command -v node)"`;

/** The codes of the sockets that a kernel cannot make without a module. */
const UNSUPPORTED = ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'];

/** Returns the privileges, modules and limits that a user most likely lacks, with the commands that provide them. */
function remedies({ sockets, capabilities, limits, user }: Findings): Remedy[] {
  const lacks = (what: string, code: string) =>
    sockets.some((each) => each.what === what && each.code === code);
  const found: Remedy[] = [];
  if (lacks('raw IPv4', 'EPERM')) {
    const missing = 'raw and packet sockets (sniff, arp-scan, traceroute -I and -T): CAP_NET_RAW';
    found.push({ missing, commands: [setcap('cap_net_raw')] });
  }
  // A raw socket serves ping as well, so this remedy is for users without one.
  if (lacks('raw IPv4', 'EPERM') && lacks('ping over IPv4', 'EACCES')) {
    const missing = `ping without raw sockets: your group ${user.gid} is not in net.ipv4.ping_group_range`;
    found.push({ missing, commands: ['sudo sysctl net.ipv4.ping_group_range="0 2147483647"'] });
  }
  const first = Number(limits.sysctl['net.ipv4.ip_unprivileged_port_start'] ?? 1024);
  if (!capabilities.includes('CAP_NET_BIND_SERVICE') && first > 0) {
    const by_sysctl = 'sudo sysctl net.ipv4.ip_unprivileged_port_start=0';
    found.push({ missing: `ports below ${first}`, commands: [setcap('cap_net_bind_service'), by_sysctl] });
  }
  if (!capabilities.includes('CAP_NET_ADMIN')) {
    const missing = 'options such as SO_MARK, IP_TRANSPARENT, SO_RCVBUFFORCE: CAP_NET_ADMIN';
    found.push({ missing, commands: [setcap('cap_net_admin')] });
  }
  const modules = PROBES.flatMap(([what, family, type, proto]) =>
    UNSUPPORTED.some((code) => lacks(what, code)) ? (module_of({ family, type, proto }) ?? []) : [],
  );
  if (modules.length > 0) {
    const each = [...new Set(modules)].map((module) => `sudo modprobe ${module}`);
    found.push({ missing: 'families of which the kernel has, or may have, a module', commands: each });
  }
  const { soft, hard } = limits.nofile;
  if (soft !== hard)
    found.push({ missing: `more than ${soft} descriptors`, commands: [`ulimit -n ${hard}`] });
  return found;
}

function heading(text: string): void {
  print();
  print(coloured('bold', text));
}

/** The marks of what can be had and what cannot. */
const [YES, NO] = ['  yes', '  no '];

function show(findings: Findings): void {
  const columns = process.stdout.isTTY ? columns_of(process.stdout) : Number.POSITIVE_INFINITY;
  const { kernel, architecture, node, user, capabilities, sockets, interfaces, limits } = findings;
  print(`bsd-sockets ${findings.version}, Node.js ${node}, Linux ${kernel}, ${architecture}`);
  print(`addon ${findings.binary ?? 'not found among the loaded objects'}`);
  print(
    `user ${user.uid}, group ${user.gid}, interfaces ${interfaces.map(({ name }) => printable(name)).join(', ')}`,
  );

  heading('Sockets');
  const kinds = sockets.map(({ what, family, type, usable, code = '', reason = '' }) => [
    `${usable ? YES : NO} ${what}`,
    `${family} ${type}`,
    usable ? '' : `${code} ${reason}`.trim(),
  ]);
  fitted_table(kinds, columns).forEach(([head = '', ...below], i) => {
    const { usable, code = '' } = sockets[i] as ProbeResult;
    const failure = ['EPERM', 'EACCES'].includes(code) ? 'yellow' : 'red';
    print(coloured(usable ? 'green' : failure, head.slice(0, YES.length)) + head.slice(YES.length));
    for (const line of below) print(line);
  });

  heading('Capabilities');
  const net = ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_ADMIN'];
  for (const name of net)
    print(`${capabilities.includes(name) ? coloured('green', YES) : coloured('yellow', NO)} ${name}`);
  print(`  ${capabilities.length} in all${capabilities.length > 0 ? `: ${abbreviated(capabilities)}` : ''}`);

  heading('Limits');
  const rows = SYSCTLS.map(([name, meaning]) => [`  ${name}`, limits.sysctl[name] ?? '-', meaning]);
  rows.unshift(['  open descriptors', `${limits.nofile.soft} (hard ${limits.nofile.hard})`, 'ulimit -n']);
  for (const line of fitted_table(rows, columns).flat()) print(line);

  heading(findings.remedies.length > 0 ? 'How to get what is missing' : 'Nothing is missing');
  for (const { missing, commands } of findings.remedies) {
    print(`  ${missing}`);
    for (const line of commands) print(`    ${line}`);
  }
}

/** Returns a list of names as text; a long list only by its ends. */
function abbreviated(names: readonly string[]): string {
  if (names.length <= 8) return names.join(' ');
  return `${names.slice(0, 3).join(' ')} … ${names.at(-1)} (--json has all)`;
}

export const { help, main } = command({
  detail: 'and how to get what is missing',
  usage: ['[--json]'],
  operands: [0, 0],
  options: {
    json: flag('', 'one JSON object'),
  },
  notes: 'Each socket is tried for real, and closed again; nothing is sent.',
  async run({ json }) {
    const findings = collect_findings();
    findings.remedies.push(...remedies(findings));
    if (json) print_json(findings);
    else show(findings);
    return DONE;
  },
});
