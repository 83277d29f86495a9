// Which keys are shown to a host, and in which order: certificates and key files that need nothing, those that the agent signs for among them; the
// agent's other keys, unless IdentitiesOnly forbids them; last what needs a passphrase. A server ends the connection after a few that it does not know.

import type { ParsedKey } from 'ssh2';
import { OF_USER, read_certificate } from '../certificates.js';
import type { AgentKey } from './agent.js';
import { type KeyFile, read_certificate_file } from './key_files.js';

/** A key that may be shown, and who signs for it. */
export interface Candidate {
  /** for people: its file, or `agent` */
  readonly name: string;
  /** what is shown, RFC 4253, section 6.6; undefined: only the opened file says it */
  readonly blob: Buffer | undefined;
  readonly signer: Signer;
}

export type Signer =
  | { readonly by: 'key'; readonly key: ParsedKey }
  /** `blob`: the key as the agent has it */
  | { readonly by: 'agent'; readonly blob: Buffer }
  /** a file with a passphrase */
  | { readonly by: 'passphrase'; readonly file: string };

/** A certificate of a user, in a file. */
export interface CertificateFile {
  readonly file: string;
  readonly blob: Buffer;
  /** the plain key that it is for */
  readonly key: Buffer;
}

/**
 * Returns the certificates in files.
 *
 * @param named the files of CertificateFile
 * @param keys key files: without `named`, FILE-cert.pub is read beside each
 * @param problem is told of a named file that is no certificate of a user
 */
export function read_certificates(
  named: readonly string[],
  keys: readonly KeyFile[],
  problem: (text: string) => void,
): CertificateFile[] {
  const explicit = named.length > 0;
  const files = explicit ? named : keys.map(({ file }) => `${file}-cert.pub`);
  return files.flatMap((file) => {
    const certificate = certificate_of(file);
    if (certificate) return [certificate];
    if (explicit) problem(`${file} has no certificate of a user`);
    return [];
  });
}

function certificate_of(file: string): CertificateFile | undefined {
  const blob = read_certificate_file(file);
  if (!blob) return undefined;
  try {
    const { key, kind } = read_certificate(blob);
    return kind === OF_USER ? { file, blob, key } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the keys in the order in which they are shown.
 *
 * @param files in the order in which they are configured
 * @param certificates of these files, or of keys of the agent
 * @param held the keys of the agent
 * @param identities_only none of the agent that is not one of the files
 */
export function candidates_of(
  files: readonly KeyFile[],
  certificates: readonly CertificateFile[],
  held: readonly AgentKey[],
  identities_only: boolean,
): Candidate[] {
  const held_as = (blob: Buffer | undefined) => held.find((key) => blob?.equals(key.blob));
  const signer_of_file = ({ file, blob, key }: KeyFile): Signer | undefined => {
    if (key && key !== 'encrypted') return { by: 'key', key };
    if (blob && held_as(blob)) return { by: 'agent', blob };
    return key === 'encrypted' ? { by: 'passphrase', file } : undefined;
  };
  const signer_of_certificate = ({ blob, key }: CertificateFile): Signer | undefined => {
    const own = files.find((file) => file.blob?.equals(key));
    const signer = own && signer_of_file(own);
    if (signer) return signer;
    const in_agent = held_as(key) ?? held_as(blob);
    return in_agent && { by: 'agent', blob: in_agent.blob };
  };
  const configured: Candidate[] = [
    ...certificates.map((certificate) => ({
      name: certificate.file,
      blob: certificate.blob,
      signer: signer_of_certificate(certificate),
    })),
    ...files.map((file) => ({ name: file.file, blob: file.blob, signer: signer_of_file(file) })),
  ].flatMap(({ signer, ...rest }) => (signer ? [{ ...rest, signer }] : []));
  const locked = configured.filter(({ signer }) => signer.by === 'passphrase');
  const ready = configured.filter(({ signer }) => signer.by !== 'passphrase');
  const others = identities_only
    ? []
    : held.filter(({ blob }) => !ready.some((candidate) => candidate.blob?.equals(blob)));
  return [
    ...ready,
    ...others.map(({ blob }): Candidate => ({ name: 'agent', blob, signer: { by: 'agent', blob } })),
    ...locked,
  ];
}
