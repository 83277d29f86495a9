// Sockets handed to other threads and processes. native/share.cc keeps what was shared until it is taken; here is the
// data that goes from the one to the other: the native ticket, and what a socket is beside its descriptor.

import { raise } from '../errors/raise.js';
import { addon, TICKET_SIZE } from '../native/addon.js';
import { OwnedDescriptor } from '../util/owned_descriptor.js';
import { bytes, integer_or } from '../util/validate.js';
import type { SocketBase } from './socket_base.js';

const MAGIC = Buffer.from('bsdsock1');
const TIMEOUT_OFFSET = MAGIC.length;
const FAMILY_OFFSET = TIMEOUT_OFFSET + 8;
const TYPE_OFFSET = FAMILY_OFFSET + 4;
const PROTO_OFFSET = TYPE_OFFSET + 4;
const TICKET_OFFSET = PROTO_OFFSET + 4;
const SHARE_SIZE = TICKET_OFFSET + TICKET_SIZE;

/** Offers a duplicate of the descriptor. Returns the data for fromshare. See Socket.share. @throws OSError; TypeError, RangeError */
export function share(s: SocketBase, process_id?: number | null): Buffer {
  const wanted = integer_or(0, process_id, 'process_id', 1);
  const data = Buffer.alloc(SHARE_SIZE);
  MAGIC.copy(data);
  data.writeDoubleLE(s._timeout ?? Number.NaN, TIMEOUT_OFFSET);
  data.writeInt32LE(s.family, FAMILY_OFFSET);
  data.writeInt32LE(s.type, TYPE_OFFSET);
  data.writeInt32LE(s.proto, PROTO_OFFSET);
  const result = addon.share(s._fd, s._generation, wanted, data.subarray(TICKET_OFFSET));
  return result < 0 ? s._raise(result, 'share') : data;
}

/** Takes what was shared. @throws OSError; TypeError, RangeError for anything else than what share() returned */
export function take_shared(value: unknown) {
  const given = bytes(value, 'data');
  if (given.length !== SHARE_SIZE || !MAGIC.equals(given.subarray(0, MAGIC.length))) {
    throw new RangeError(`data must be what share() gave, ${SHARE_SIZE} bytes, not ${given.length} others`);
  }
  const data = Buffer.from(given);
  const timeout = data.readDoubleLE(TIMEOUT_OFFSET);
  const fd = addon.fromshare(data.subarray(TICKET_OFFSET));
  if (fd < 0) raise(fd, { syscall: 'fromshare' });
  const descriptor = new OwnedDescriptor(fd);
  return {
    family: data.readInt32LE(FAMILY_OFFSET),
    type: data.readInt32LE(TYPE_OFFSET),
    proto: data.readInt32LE(PROTO_OFFSET),
    timeout: Number.isNaN(timeout) ? null : timeout,
    descriptor,
  };
}
