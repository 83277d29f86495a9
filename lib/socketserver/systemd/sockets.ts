// Socket activation: listening sockets that systemd, or systemd-socket-activate, opened for this process. See sd_listen_fds(3).

import { socket as Socket } from '../../socket/index.js';
import { c_string } from '../../util/validate.js';

/** The first descriptor that is passed: SD_LISTEN_FDS_START. */
const FIRST = 3;
/** Variables with the process id, number and names of the sockets. They are removed, so that no child process takes them up. */
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** A socket that was passed, and its name in the unit. */
interface Passed {
  readonly sock: Socket<number>;
  readonly name: string;
}

let passed: Passed[] | undefined;

function passed_sockets(): Passed[] {
  const [pid, count, names = ''] = VARIABLES.map((name) => process.env[name]);
  for (const name of VARIABLES) delete process.env[name];
  if (Number(pid) !== process.pid || !/^\d+$/.test(count ?? '')) return [];
  const name_of = names.split(':');
  return Array.from({ length: Number(count) }, (_, i) => {
    const sock = new Socket<number>(null, null, null, FIRST + i);
    sock.set_inheritable(false);
    return { sock, name: name_of[i] || 'unknown' };
  });
}

/**
 * systemd_sockets(name = null) -> the sockets that socket activation passed to this process; none if it was started otherwise. `new
 * TCPServer(sock, Handler)` serves one. They belong to the caller; each call returns the same ones. See sd_listen_fds(3).
 *
 * @param name only those of this name (FileDescriptorName= of the unit); null or left out: all
 * @returns the sockets, in the order of the unit
 * @throws OSError EBADF, ENOTSOCK if a passed descriptor is no socket; TypeError
 * @example
 * console.log(systemd_sockets().length); // for example 0
 */
export function systemd_sockets(name?: string | null): Socket<number>[] {
  const wanted = name === undefined || name === null ? null : c_string(name, 'name');
  passed ??= passed_sockets();
  return passed.filter((one) => wanted === null || one.name === wanted).map(({ sock }) => sock);
}
