// Certificates for tests, made by openssl: an authority, a server, a second server for SNI, a client, and what is wrong with others.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and a certificate, as PEM and as files. */
export interface Pair {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly key_file: string;
  readonly cert_file: string;
}

export interface Certificates {
  readonly folder: string;
  readonly ca: Pair;
  readonly server: Pair;
  readonly other: Pair;
  readonly client: Pair;
  /** A client of another authority. */
  readonly stranger: Pair;
  /** A client whose certificate has expired. */
  readonly expired: Pair;
  remove(): void;
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

export function make_certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const make = (name: string, signer: string | undefined, subject: string, ...more: string[]): Pair => {
    const key_file = join(folder, `${name}.key`);
    const cert_file = join(folder, `${name}.crt`);
    const by = signer === undefined ? [] : ['-CA', `${signer}.crt`, '-CAkey', `${signer}.key`];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key_file];
    openssl('req', '-x509', ...key, '-out', cert_file, '-subj', `/CN=${subject}`, ...by, ...more);
    return { key: readFileSync(key_file), cert: readFileSync(cert_file), key_file, cert_file };
  };
  const names = (...hosts: string[]) => [
    '-addext',
    `subjectAltName=${hosts.join(',')}`,
    '-addext',
    'basicConstraints=critical,CA:false',
  ];
  const ca_name = join(folder, 'ca');
  const ca = make('ca', undefined, 'Test authority', '-days', '30');
  const stranger_ca = make('strangers', undefined, 'Another authority', '-days', '30');
  const client = ['-addext', 'basicConstraints=critical,CA:false'];
  return {
    folder,
    ca,
    server: make('server', ca_name, 'localhost', '-days', '30', ...names('DNS:localhost', 'IP:127.0.0.1')),
    other: make('other', ca_name, 'other.test', '-days', '30', ...names('DNS:other.test')),
    client: make('client', ca_name, 'a client', '-days', '30', ...client),
    stranger: make(
      'stranger',
      stranger_ca.cert_file.replace(/\.crt$/, ''),
      'a stranger',
      '-days',
      '30',
      ...client,
    ),
    expired: expired(folder, ca_name),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function expired(folder: string, ca: string): Pair {
  const [key_file, request, cert_file] = ['expired.key', 'expired.csr', 'expired.crt'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key_file];
  openssl('req', ...key, '-out', request, '-subj', '/CN=expired');
  // A certificate that ended yesterday.
  openssl(
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    `${ca}.crt`,
    '-CAkey',
    `${ca}.key`,
    '-CAcreateserial',
    '-days',
    '-1',
    '-out',
    cert_file,
  );
  return { key: readFileSync(key_file), cert: readFileSync(cert_file), key_file, cert_file };
}
