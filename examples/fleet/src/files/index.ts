// Files to and from targets.
export { type CleanOptions, clean, clean_here } from './clean.js';
export { TransferError } from './errors.js';
export { type GetOptions, get, host_target } from './get.js';
export { put } from './put.js';
export { Remote, type RemoteClient } from './remote.js';
export { LocalSource } from './source.js';
export { Space } from './space.js';
export type { MovedFile, TransferOptions, TransferResult } from './transfer.js';
