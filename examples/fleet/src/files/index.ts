// Files to and from targets.
export { TransferError } from './errors.js';
export { get, host_target } from './get.js';
export { LocalSource, put } from './put.js';
export { Remote, type RemoteClient } from './remote.js';
export type { FileState, MovedFile, TransferOptions, TransferResult } from './transfer.js';
