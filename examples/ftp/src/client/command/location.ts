// URLs of FTP: ftp:// (as --tls says, in the clear by default), ftpes:// (explicit TLS), ftps:// (implicit TLS). The path is below the folder of
// the log-in, RFC 1738, section 3.2.2; one that begins with %2F or a second slash begins at the server's root.
import { UsageError } from './exit_codes.js';

export interface Location {
  readonly tls: false | 'explicit' | 'implicit' | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  /** '' is the folder of the log-in */
  readonly path: string;
}

const SCHEMES: Readonly<Record<string, Location['tls']>> = {
  ftp: undefined,
  ftpes: 'explicit',
  ftps: 'implicit',
};

/** Whether an argument means a server, and not a local file. */
export function is_url(text: string): boolean {
  return /^ftp(e?s)?:\/\//i.test(text);
}

/** @throws UsageError */
export function parse_location(text: string): Location {
  const found = /^([a-z]+):\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/]*)(?::([0-9]*))?(?:\/(.*))?$/is.exec(text);
  const scheme = found?.[1]?.toLowerCase() ?? '';
  if (found === null || !(scheme in SCHEMES))
    throw new UsageError(
      `not a URL of FTP: ${JSON.stringify(hide_password(text))} (ftp://HOST/PATH, ftpes:// or ftps://)`,
    );
  const [, , userinfo, bracketed = '', port, raw_path = ''] = found;
  if (userinfo?.includes(':') === true)
    throw new UsageError(
      'a password in a URL is seen by everybody who lists processes, and stays in the history of the shell: use --password-fd, the variable FTPC_PASSWORD, ~/.netrc, or the prompt',
    );
  const host = bracketed.replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw new UsageError(`the URL has no host: ${JSON.stringify(text)}`);
  const number = port === undefined || port === '' ? undefined : Number(port);
  if (number !== undefined && (number < 1 || number > 65535))
    throw new UsageError(`the port must be from 1 to 65535, not ${port}`);
  return {
    tls: SCHEMES[scheme],
    host: decoded(host),
    port: number,
    user: userinfo === undefined || userinfo === '' ? undefined : decoded(userinfo),
    path: decoded(raw_path),
  };
}

function hide_password(text: string): string {
  return text.replace(/:[^:@/]*@/, ':***@');
}

function decoded(text: string): string {
  let result: string;
  try {
    result = decodeURIComponent(text);
  } catch {
    throw new UsageError(
      `a % in a URL must be followed by two digits (%25 is % itself): ${JSON.stringify(text)}`,
    );
  }
  if (/[\r\n\0]/.test(result))
    throw new UsageError(`a URL must not have CR, LF or NUL: ${JSON.stringify(text)}`);
  return result;
}

/** Returns the URL of a path on the same server, for messages. */
export function url_of({ tls, host, port, user }: Location, path: string): string {
  const scheme = tls === 'explicit' ? 'ftpes' : tls === 'implicit' ? 'ftps' : 'ftp';
  const at = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const name = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${at}${name}${port === undefined ? '' : `:${port}`}/${path}`;
}
