// Machines for tests: each is a network, mount, PID and host name namespace with a first process that ends when the test does, and the kernel
// ends everything else of the machine with it: nothing stays, also if the test is killed. They are linked by bridges in a namespace of
// their own; addresses from 10.0.0.0/8 are in these namespaces alone.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';

/** Returns why there can be no such machines here; undefined: there can. */
export function lacks(): string | undefined {
  if (process.platform !== 'linux') return 'needs network namespaces of Linux';
  for (const program of ['unshare', 'nsenter', 'ip', 'tc', 'mount', 'openssl', '/usr/sbin/sshd']) {
    const found = program.startsWith('/')
      ? existsSync(program)
      : spawnSync(program, ['--version']).status !== null;
    if (!found) return `needs ${program}`;
  }
  const tried = spawnSync('unshare', [
    '-mnpuf',
    'sh',
    '-c',
    'ip link add bridge0 type bridge && tc qdisc add dev lo root tbf rate 8mbit burst 16k latency 1s && mount -t tmpfs none /mnt',
  ]);
  return tried.status === 0 ? undefined : 'needs namespaces, bridges and mounts: root';
}

const FIRST_PROCESS = `hostname "$1" && ip link set lo up && echo ready && exec cat`;

/** A machine. */
export class Machine {
  private constructor(
    readonly name: string,
    private readonly unshare: ChildProcess,
    /** of its first process, as the test sees it */
    readonly pid: number,
  ) {}

  static async start(name: string): Promise<Machine> {
    const namespaces = ['--net', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc'];
    const unshare = spawn('unshare', [...namespaces, 'sh', '-c', FIRST_PROCESS, 'sh', name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(unshare.stdout, 'data');
    const children = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8');
    return new Machine(name, unshare, Number(children));
  }

  /** Runs a program there, and returns what it prints. @throws Error if it fails */
  run(program: string, ...args: readonly string[]): string {
    return execFileSync('nsenter', ['-t', String(this.pid), '-a', '--', program, ...args], {
      encoding: 'utf8',
    });
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', ['-t', String(this.pid), '-a', '--', program, ...args], options);
  }

  /** Takes the plug of its first network out, or puts it in. */
  plug(state: 'up' | 'down'): void {
    this.run('ip', 'link', 'set', 'eth0', state);
  }

  async stop(): Promise<void> {
    if (this.unshare.exitCode !== null || this.unshare.signalCode !== null) return;
    const ended = once(this.unshare, 'exit');
    this.unshare.stdin?.end();
    await ended;
  }
}

/** Machines that are linked. */
export class Network {
  readonly #machines: Machine[] = [];
  #links = 0;

  private constructor(private readonly bridges: Machine) {
    this.#machines.push(bridges);
  }

  /** @param names of the bridges: networks that have no way to each other */
  static async start(names: readonly string[]): Promise<Network> {
    const bridges = await Machine.start('bridges');
    for (const name of names) {
      bridges.run('ip', 'link', 'add', name, 'type', 'bridge');
      bridges.run('ip', 'link', 'set', name, 'up');
    }
    return new Network(bridges);
  }

  /**
   * Starts a machine.
   *
   * @param addresses its address, as 10.77.0.1/24, by the bridge; its interfaces are eth0, eth1, … in this order
   * @param rate of its links in both directions, as 8mbit. Default: as fast as they are
   */
  async machine(
    name: string,
    addresses: Readonly<Record<string, string>>,
    rate?: string | undefined,
  ): Promise<Machine> {
    const machine = await Machine.start(name);
    this.#machines.push(machine);
    for (const [index, [bridge, address]] of Object.entries(addresses).entries()) {
      const port = `port${this.#links++}`;
      // Names of processes in "netns PID" are those of the test: only the network namespace is the bridges'.
      const ip = (...args: readonly string[]) =>
        execFileSync('nsenter', ['-t', String(this.bridges.pid), '-n', '--', 'ip', ...args]);
      const interface_name = `eth${index}`;
      ip('link', 'add', port, 'type', 'veth', 'peer', 'name', interface_name, 'netns', String(machine.pid));
      ip('link', 'set', port, 'master', bridge, 'up');
      machine.run('ip', 'address', 'add', address, 'dev', interface_name);
      machine.run('ip', 'link', 'set', interface_name, 'up');
      if (rate === undefined) continue;
      const shape = (device: string) =>
        [
          'tc',
          'qdisc',
          'add',
          'dev',
          device,
          'root',
          'tbf',
          'rate',
          rate,
          'burst',
          '16k',
          'latency',
          '1s',
        ] as const;
      this.bridges.run(...shape(port));
      machine.run(...shape(interface_name));
    }
    return machine;
  }

  async close(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.stop()));
  }
}
