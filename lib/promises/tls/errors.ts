// Python's errors of module ssl: what fails in TLS itself, not in the connection below it.
import { name_classes } from '../../errors/class_names.js';
import { OSError } from '../../errors/index.js';

/** Python's ssl.SSLError: the handshake failed, or the peer broke the protocol. `code` is Node's, such as 'ERR_SSL_NO_SHARED_CIPHER'. */
export class SSLError extends OSError {}

/** Python's ssl.SSLEOFError: the connection ended without a close_notify, so data may be missing. `code` is 'EOF'. */
export class SSLEOFError extends SSLError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = 'EOF';
  }
}

name_classes({ SSLError, SSLEOFError });

/** Returns the SSLError for an error of node:tls. */
export function ssl_error(error: Error & { code?: unknown; reason?: unknown }): SSLError {
  const { code, reason, message } = error;
  const made = new SSLError(typeof reason === 'string' ? reason : message, { cause: error });
  if (typeof code === 'string') made.code = code;
  return made;
}
