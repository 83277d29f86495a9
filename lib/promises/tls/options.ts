// The settings of the server's side of TLS: those of node:tls, checked, and the function that chooses a certificate by the name that the
// client asks for.
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { options_of, shown } from '../../util/validate.js';

/** The certificate of one name: settings of `tls.createSecureContext`, or what that returned. */
export type SSLCertificate = SecureContextOptions | SecureContext;

/** Chooses the certificate for the name that a client asks for (SNI). null or undefined: that of `key` and `cert`. May be async. */
export type SNICallback = (
  server_name: string,
) => SSLCertificate | null | undefined | Promise<SSLCertificate | null | undefined>;

/** The settings of TLS: those of Node's `tls.createSecureContext` (`key`, `cert`, `ca`, `ciphers`, `minVersion`, …), and these. */
export interface SSLOptions extends SecureContextOptions {
  /** The application protocols that are offered, best first: ['h2', 'http/1.1']. */
  ALPNProtocols?: readonly string[] | undefined;
  /** Chooses the application protocol of what the client offers; undefined refuses the connection. Not beside `ALPNProtocols`. */
  ALPNCallback?: (offered: {
    readonly servername: string;
    readonly protocols: string[];
  }) => string | undefined;
  /** True to ask the client for a certificate, which `ca` verifies. Default: false. */
  requestCert?: boolean | undefined;
  /** False to serve clients whose certificate is missing or not valid, too: see `authorized`. Default: true. */
  rejectUnauthorized?: boolean | undefined;
  /** Chooses the certificate by the name that the client asks for. */
  sni_callback?: SNICallback | undefined;
  /** 48 secret bytes that encrypt session tickets: the same in several servers, a client resumes with each. Default: random. */
  ticketKeys?: Buffer | undefined;
  /**
   * True: a connection that ends without a close_notify ends as any other. Default: false, an SSLEOFError, since data may be missing. (In
   * Python true is the default.)
   */
  suppress_ragged_eofs?: boolean | undefined;
  /** Seconds after which a session cannot be resumed. Default: that of Node, 7,200 with OpenSSL 3. */
  sessionTimeout?: number | undefined;
}

const NAMES = [
  'allowPartialTrustChain',
  'ALPNCallback',
  'ALPNProtocols',
  'ca',
  'cert',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'honorCipherOrder',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'rejectUnauthorized',
  'requestCert',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
  'sni_callback',
  'suppress_ragged_eofs',
  'ticketKeys',
] as const satisfies readonly (keyof SSLOptions | 'allowPartialTrustChain')[];

/** Loaded here, because few programs need it. */
export const node_tls = () => process.getBuiltinModule('node:tls');

/** Returns the settings, checked as far as node:tls does not. @throws TypeError, RangeError */
export function ssl_options(value: SSLOptions): SSLOptions {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`ssl must be options of tls.createSecureContext, not ${shown(value)}`);
  const options = options_of(value, NAMES as readonly (keyof SSLOptions)[]);
  const { key, cert, pfx, privateKeyIdentifier, sni_callback } = options;
  if (sni_callback !== undefined && typeof sni_callback !== 'function')
    throw new TypeError(`ssl.sni_callback must be a function, not ${shown(sni_callback)}`);
  const has_certificate =
    pfx !== undefined || (cert !== undefined && (key !== undefined || privateKeyIdentifier !== undefined));
  if (!has_certificate && sni_callback === undefined)
    throw new TypeError('ssl must have a certificate: key and cert (PEM), pfx, or sni_callback');
  return options;
}

/** Calls `make`; an error of node:tls or OpenSSL names the option. @throws RangeError, TypeError */
export function naming<T>(option: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const Class = error instanceof TypeError ? TypeError : RangeError;
    throw new Class(`${option}: ${error.message}`, { cause: error });
  }
}

/** Returns the context of what a SNICallback gave; null for none. @throws RangeError, TypeError */
export function context_of(given: unknown): SecureContext | null {
  if (given === null || given === undefined) return null;
  if (typeof given !== 'object')
    throw new TypeError(
      `sni_callback must give options of tls.createSecureContext, a SecureContext or null, not ${shown(given)}`,
    );
  if (is_context(given)) return given;
  return naming('the result of sni_callback', () => node_tls().createSecureContext(given));
}

/** Node has no class for it. */
function is_context(value: object): value is SecureContext {
  return 'context' in value;
}
