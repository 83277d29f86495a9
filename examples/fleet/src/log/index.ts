// The log: append-only JSON lines in a chain of hashes.
export {
  type EntryRecord,
  type LoggedOperation,
  type LogQuery,
  last_operation,
  parse_time,
  query_log,
} from './query.js';
export type { Action, Entry, Head, LogRecord } from './record.js';
export { files_of } from './rotation.js';
export { entry_line } from './show.js';
export { type Fault, type Verification, type VerifyOptions, verify_log } from './verify.js';
export { LogWriter, type LogWriterOptions } from './writer.js';
