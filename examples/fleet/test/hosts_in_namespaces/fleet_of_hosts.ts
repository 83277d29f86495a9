// A fleet of machines, each with Debian's sshd and a misfortune of its own, or none. A client in the same network, where `fleet` runs.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetEvent } from '../../dist/types.js';
import { MAIN, type Result } from '../cli/fleet.js';
import { Site } from '../sshd.js';
import { type Machine, Network } from './network.js';

/** How each host is: what its machine, its sshd and its entry in the inventory have that others do not. */
interface Kind {
  /** by which network it is reached. Default: outer */
  readonly network?: 'inner';
  /** lines of sshd_config(5); 'none': there is no sshd, 'silent': something accepts and says nothing */
  readonly sshd?: readonly string[] | 'none' | 'silent';
  /** false: there is no machine at all */
  readonly machine?: false;
  /** bytes of its disk, with the unit of mount(8). Default: 64m */
  readonly disk?: string;
  /** what known_hosts has of it. Default: its key */
  readonly known?: 'authority' | 'another key';
  readonly user?: 'ann';
  readonly jump?: string;
  /** how fast its first link is, with the unit of tc(8) */
  readonly rate?: string;
}

export const PASSWORD = 'open sesame';

const KINDS: Readonly<Record<string, Kind>> = {
  good: {},
  certified: { known: 'authority' },
  gate: {},
  behind: { network: 'inner', jump: 'gate' },
  password: { sshd: ['PubkeyAuthentication no', 'PasswordAuthentication yes'], user: 'ann' },
  user: { user: 'ann' },
  down: { machine: false },
  closed: { sshd: 'none' },
  silent: { sshd: 'silent' },
  hangs: { sshd: ['Subsystem sftp /bin/sleep 600'] },
  changed: { known: 'another key' },
  keyless: { sshd: ['AuthorizedKeysFile none', 'PasswordAuthentication no'] },
  crashes: { sshd: ['Subsystem sftp ACT sftp'], rate: '8mbit' },
  unplugged: { rate: '8mbit' },
  full: { disk: '1m' },
  loud: {},
  failing: {},
};

/** What a command does on each host: `sh ACT`, and as the SFTP server of `crashes`. */
const ACT = `#!/bin/sh
# Ends the sshd that serves this, as a crash of it would: not its listener. By the numbers of its processes.
crash() {
  pid=$$ session=
  while pid=$(ps -o ppid= -p $pid | tr -d ' ') && [ -n "$pid" ] && [ "$pid" -gt 1 ]; do
    case $(ps -o args= -p $pid) in *listener*) break;; sshd*) session="$session $pid";; esac
  done
  kill -KILL $session
}
case $1.$(hostname) in
  # When about 2 MB have been moved: each byte is read and written.
  sftp.*)
    while sleep 0.1; do
      set -- $(cat /proc/$$/io) || exit
      [ $(($2 + $4)) -lt 4000000 ] || crash
    done </dev/null >/dev/null 2>&1 &
    exec /usr/lib/openssh/sftp-server;;
  run.hangs) echo begun; exec sleep 600;;
  run.crashes) echo begun; crash;;
  run.unplugged) echo begun; exec sleep 600;;
  run.loud) yes $(printf %099d 0) | head -c 200000000;;
  run.failing) echo "what went wrong" >&2; exit 3;;
  *) echo "fine on $(hostname)";;
esac
`;

/** Only the hosts that are meant to be too slow have short time-outs: this machine may be busy. */
const SSH_CONFIG = `
Host silent
  ConnectTimeout 15
Host unplugged
  ServerAliveInterval 4
  ServerAliveCountMax 3
Host *
  ConnectTimeout 120
`;

export class FleetOfHosts {
  readonly machines = new Map<string, Machine>();
  readonly #children = new Set<ChildProcess>();

  private constructor(
    readonly site: Site,
    private readonly network: Network,
    private readonly client: Machine,
    /** options that all commands need */
    readonly options: readonly string[],
    readonly log: string,
    /** the program that does on each host what its misfortune is: `ACT run` */
    readonly act: string,
    /** a folder on each host, on a disk of its own */
    readonly disk: string,
  ) {}

  static async start(): Promise<FleetOfHosts> {
    const site = new Site();
    // Another user's sshd session reads its authorized keys.
    chmodSync(site.folder, 0o755);
    const network = await Network.start(['outer', 'inner']);
    try {
      return await build(site, network);
    } catch (error) {
      await network.close();
      site.close();
      throw error;
    }

    async function build(site: Site, network: Network): Promise<FleetOfHosts> {
      const client = await network.machine('client', { outer: '10.77.0.1/24' });
      const disk = join(site.folder, 'disk');
      mkdirSync(disk);
      const act = site.write('act', ACT);
      chmodSync(act, 0o755);
      const log = join(site.folder, 'log.jsonl');
      const config = site.write('ssh_config', SSH_CONFIG);
      const authority = site.make_key('authority');
      const users = users_of(site);
      const known = [`@cert-authority 10.77.0.* ${site.public_key(authority)}`];
      const hosts: Record<string, object> = {};
      const fleet = new FleetOfHosts(
        site,
        network,
        client,
        ['-i', join(site.folder, 'inventory.json'), '-F', config, '--log', log],
        log,
        act,
        disk,
      );
      for (const [index, [name, kind]] of Object.entries(KINDS).entries()) {
        const address = `${kind.network === 'inner' ? '10.78' : '10.77'}.0.${index + 10}`;
        const host_key = site.make_key(`host-${name}`);
        hosts[name] = {
          address,
          user: kind.user ?? 'root',
          jump: kind.jump,
          identity_files: [site.key],
          known_hosts_files: [join(site.folder, 'known_hosts')],
        };
        const shown = kind.known === 'another key' ? authority : host_key;
        if (kind.known !== 'authority') known.push(`${address} ${site.public_key(shown)}`);
        if (kind.known === 'authority') certify(authority, host_key, address);
        if (kind.machine === false) continue;
        const networks: Record<string, string> = { [kind.network ?? 'outer']: `${address}/24` };
        if (name === 'gate') networks.inner = '10.78.0.1/24';
        const machine = await network.machine(name, networks, kind.rate);
        fleet.machines.set(name, machine);
        machine.run('mount', '-t', 'tmpfs', '-o', `size=${kind.disk ?? '64m'},mode=777`, 'disk', disk);
        for (const [file, content] of Object.entries(users)) machine.run('mount', '--bind', content, file);
        await fleet.#serve(machine, kind.sshd ?? [], host_key, kind.known === 'authority');
      }
      site.write('known_hosts', `${known.join('\n')}\n`);
      site.write('inventory.json', JSON.stringify({ hosts }));
      return fleet;
    }
  }

  async #serve(machine: Machine, sshd: NonNullable<Kind['sshd']>, host_key: string, certified: boolean) {
    if (sshd === 'none') return;
    if (sshd === 'silent') {
      const program = "require('net').createServer(() => {}).listen(22, () => console.log('listens'))";
      const child = machine.spawn(process.execPath, ['-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      if (child.stdout) await once(child.stdout, 'data');
      return;
    }
    const { site } = this;
    // Of two lines of a keyword the first one counts, but two of Subsystem are an error.
    const has_sftp = sshd.some((line) => line.startsWith('Subsystem'));
    const lines = [
      ...sshd.map((line) => line.replace('ACT', this.act)),
      `HostKey ${host_key}`,
      ...(certified ? [`HostCertificate ${host_key}-cert.pub`] : []),
      ...(has_sftp ? [] : ['Subsystem sftp internal-sftp']),
      `AuthorizedKeysFile ${site.key}.pub`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'PidFile none',
    ];
    const config = site.write(`sshd-${machine.name}`, `${lines.join('\n')}\n`);
    mkdirSync('/run/sshd', { recursive: true });
    const child = machine.spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    const listens = new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (data) => {
        log += data;
        if (log.includes('Server listening')) resolve();
      });
      child.on('exit', () => reject(new Error(`sshd of ${machine.name}: ${log}`)));
    });
    await listens;
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** Starts `fleet` on the client's machine. */
  start(args: readonly string[], input?: string): ChildProcess {
    const [command = '', ...words] = args;
    const in_network = ['-t', String(this.client.pid), '-n', '--', process.execPath, MAIN];
    const child = spawn('nsenter', [...in_network, command, ...this.options, ...words], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => {}).end(input ?? '');
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  /** Runs `fleet`, and returns what it prints. @param see is told of each line of standard output */
  async fleet(
    args: readonly string[],
    input?: string,
    see: (line: string) => void = () => {},
  ): Promise<Result> {
    const child = this.start(args, input);
    let [stdout, stderr, rest] = ['', '', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) see(line);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, 'close');
    return { code, stdout, stderr };
  }

  /** Runs `fleet --json`, and returns its events. */
  async events(args: readonly string[], input?: string, see: (event: FleetEvent) => void = () => {}) {
    const [command = '', ...words] = args;
    const events: FleetEvent[] = [];
    const { code, stderr } = await this.fleet([command, '--json', ...words], input, (line) => {
      const event: FleetEvent = JSON.parse(line);
      events.push(event);
      see(event);
    });
    const ends = events.flatMap((event) => (event.type === 'end' ? [event.outcome] : []));
    const begun = events.flatMap((event) => (event.type === 'begin' ? [event.host] : []));
    return {
      code,
      stderr,
      events,
      begun: [...new Set(begun)].sort(),
      outcomes: new Map(ends.map((end) => [end.host, end])),
    };
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.network.close();
    this.site.close();
  }
}

/** Returns files that are mounted over those of this machine: with the user ann, and the password of both. */
function users_of(site: Site): Record<string, string> {
  const hash = execFileSync('openssl', ['passwd', '-6', PASSWORD], { encoding: 'utf8' }).trim();
  const lines = readFileSync('/etc/passwd', 'utf8');
  const shadow = readFileSync('/etc/shadow', 'utf8');
  return {
    '/etc/passwd': readable(site.write('passwd', `${lines}ann:x:54321:54321::/:/bin/sh\n`)),
    '/etc/shadow': site.write('shadow', `${shadow}ann:${hash}:20000:0:99999:7:::\n`),
  };
}

function readable(path: string): string {
  chmodSync(path, 0o644);
  return path;
}

/** Makes the certificate of a host. */
function certify(authority: string, host_key: string, address: string): void {
  const options = ['-q', '-s', authority, '-I', address, '-h', '-n', address, `${host_key}.pub`];
  execFileSync('ssh-keygen', options, { stdio: 'ignore' });
}
