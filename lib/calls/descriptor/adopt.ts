// Adopts a descriptor that is open already for a socket, and asks the kernel what it is. socket_base.ts and create.ts call it.
import * as c from '../../constants.js';
import { raise } from '../../errors/raise.js';
import { addon, cells, VALUE } from '../../native/addon.js';
import { OwnedDescriptor } from '../../util/owned_descriptor.js';
import { integer } from '../../util/validate.js';

/** Begins to own an open descriptor. @throws OSError EBADF; TypeError, RangeError */
export function adopt(fileno: number): OwnedDescriptor {
  const given = integer(fileno, 'fileno');
  if (given < 0) throw new RangeError(`negative file descriptor: fileno is ${given}`);
  const fd = addon.adopt(given);
  if (fd < 0) raise(fd, { syscall: 'socket', args: { fileno } });
  return check_socket(new OwnedDescriptor(fd));
}

/** Refuses a descriptor that is no socket, as Python does. @throws OSError, ENOTSOCK */
export function check_socket(owned: OwnedDescriptor): OwnedDescriptor {
  detect(owned.fd, owned.generation, c.SO_TYPE);
  return owned;
}

/** Returns an option of an adopted descriptor. If that fails, the descriptor stays its owner's. @throws OSError */
export function detect(fd: number, generation: number, option: number): number {
  const result = addon.getsockopt_int(fd, generation, c.SOL_SOCKET, option);
  if (result >= 0) return cells[VALUE] as number;
  addon.disown(fd);
  return raise(result, { syscall: 'socket', args: { fileno: fd } });
}
