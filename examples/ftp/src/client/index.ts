// The client as a library.
export type { RemoteEntry } from '../protocol/listing_parser.js';
export type { Reply } from '../protocol/reply_parser.js';
export {
  type DownloadOptions,
  FTPClient,
  type HashOptions,
  type RemoteHash,
  type Sink,
  type Source,
  type UploadOptions,
} from './client.js';
export { type FailureKind, FTPError } from './errors.js';
export type { FTPClientOptions, ListOptions, OperationOptions } from './options.js';
export type { Credentials } from './session.js';
export type { TLSOptions } from './tls.js';
