// Three network namespaces in a row, joined by veth pairs: near — router — far. They have IPv4 and IPv6.
// The router reports one network as unreachable and one as prohibited, and drops all packets to a third.
import { execFileSync, spawnSync } from 'node:child_process';

const FORWARDING = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];

/** Returns whether a program is installed. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Returns the reason why the topology cannot be made here; undefined if it can. */
export function missing_for_topology(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  if (!has('ip')) return 'needs iproute2';
  if (!has('nft')) return 'needs nftables';
  const name = `bsdc-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]);
  if (made.status !== 0) return `needs network namespaces: ${made.stderr}`;
  const veth = spawnSync('ip', ['-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
  spawnSync('ip', ['netns', 'del', name]);
  return veth.status === 0 ? undefined : `needs veth: ${veth.stderr}`;
}

export class Topology {
  readonly near = `bsdc-near-${process.pid}`;
  readonly router = `bsdc-router-${process.pid}`;
  readonly far = `bsdc-far-${process.pid}`;

  constructor() {
    const { near, router, far } = this;
    for (const name of [near, router, far]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    ip('link', 'add', 'near0', 'netns', near, 'type', 'veth', 'peer', 'name', 'left0', 'netns', router);
    ip('link', 'add', 'far0', 'netns', far, 'type', 'veth', 'peer', 'name', 'right0', 'netns', router);
    const addresses: [string, string, string, string][] = [
      [near, 'near0', '10.77.1.2/24', 'fd77:1::2/64'],
      [router, 'left0', '10.77.1.1/24', 'fd77:1::1/64'],
      [router, 'right0', '10.77.2.1/24', 'fd77:2::1/64'],
      [far, 'far0', '10.77.2.2/24', 'fd77:2::2/64'],
    ];
    for (const [name, device, v4, v6] of addresses) {
      ip('-n', name, 'addr', 'add', v4, 'dev', device);
      ip('-n', name, 'addr', 'add', v6, 'dev', device, 'nodad');
      ip('-n', name, 'link', 'set', device, 'up');
    }
    for (const [name, v4, v6] of [
      [near, '10.77.1.1', 'fd77:1::1'],
      [far, '10.77.2.1', 'fd77:2::1'],
    ] as const) {
      ip('-n', name, 'route', 'add', 'default', 'via', v4);
      ip('-n', name, '-6', 'route', 'add', 'default', 'via', v6);
    }
    for (const setting of FORWARDING) this.in(router, 'sysctl', '-qw', setting);
    // The kernel sends errors without its limit of one a second.
    for (const name of [router, far]) {
      this.in(name, 'sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000');
      this.in(name, 'sysctl', '-qw', 'net.ipv6.icmp.ratelimit=0');
    }
    ip('-n', router, 'route', 'add', 'blackhole', '10.77.5.0/24');
    ip('-n', router, '-6', 'route', 'add', 'unreachable', 'fd77:3::/64');
    ip('-n', router, 'route', 'add', '10.77.3.0/24', 'via', '10.77.2.2');
    ip('-n', router, 'route', 'add', '10.77.4.0/24', 'via', '10.77.2.2');
    // A firewall rejects these packets: the errors of routes have a limit that only the first namespace can change.
    this.in(
      router,
      'nft',
      `add table ip t; add chain ip t forward { type filter hook forward priority 0; };
       add rule ip t forward ip daddr 10.77.3.0/24 reject with icmp type host-unreachable;
       add rule ip t forward ip daddr 10.77.4.0/24 reject with icmp type admin-prohibited;`,
    );
    this.permit_ping(false);
    // The first packet of a test then needs no neighbour discovery.
    for (const target of ['10.77.2.2', 'fd77:2::2'])
      spawnSync('ip', this.behind(near).slice(1).concat('ping', '-c1', '-W5', target));
  }

  /** The link-local address of the router, as `near` sees it. */
  get link_local(): string {
    return (
      /inet6 (fe80\S+)\//.exec(this.in(this.router, 'ip', '-6', 'addr', 'show', 'dev', 'left0'))?.[1] ?? ''
    );
  }

  /** Returns the arguments that run a command in a namespace, as another user if `uid` is set. */
  behind(name: string, uid?: number): string[] {
    const user = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    return ['ip', 'netns', 'exec', name, ...user];
  }

  /** Runs a command in a namespace to its end. @returns its output */
  in(name: string, ...command: string[]): string {
    const [file = '', ...args] = [...this.behind(name), ...command];
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs a command that may fail in a namespace. @returns its output */
  try_in(name: string, ...command: string[]): { code: number | null; stdout: string; stderr: string } {
    const [file = '', ...args] = [...this.behind(name), ...command];
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 30_000 });
    return { code: status, stdout, stderr };
  }

  /** Lets every group, or no group, ping by datagram sockets in `near`. */
  permit_ping(permitted: boolean): void {
    const range = permitted ? '0 2147483647' : '1 0';
    this.in(this.near, 'sysctl', '-qw', `net.ipv4.ping_group_range=${range}`);
  }

  remove(): void {
    for (const name of [this.near, this.router, this.far]) spawnSync('ip', ['netns', 'del', name]);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}
