// The words that all parts of fleet share: hosts, how an operation on one ended, and the events of an operation.

/** A host as the inventory and ~/.ssh/config describe it together. */
export interface Host {
  /** the name in the inventory; unique */
  readonly name: string;
  /** what is connected to: a name or an address */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** groups that it is in, by name */
  readonly groups: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** hosts on the way, the first one first */
  readonly jumps: readonly Host[];
  readonly identity_files: readonly string[];
  readonly known_hosts_files: readonly string[];
  /** the name under which its key is known, if that is not `address` */
  readonly host_key_alias?: string | undefined;
  /** a file of keys that no host may have, one a line */
  readonly revoked_keys_file?: string | undefined;
  /** names that are added to known_hosts are hashed. Default: false */
  readonly hash_known_hosts?: boolean | undefined;
  /** certificates of users; undefined: FILE-cert.pub beside each file of `identity_files` */
  readonly certificate_files?: readonly string[] | undefined;
  /** no key of the agent that is none of `identity_files`. Default: false */
  readonly identities_only?: boolean | undefined;
  /** path of the agent's socket; null: no agent; undefined: the one of the credentials */
  readonly agent?: string | null | undefined;
  /** ways to be let in, in this order; undefined: all */
  readonly auth_methods?: readonly AuthMethod[] | undefined;
  /** seconds, if the operation sets no other time-out to connect */
  readonly connect_timeout?: number | undefined;
  /** questions whether it is still there; undefined: 3 questions, 30 s apart */
  readonly keepalive?: Keepalive | undefined;
  /** addresses of one family only */
  readonly address_family?: 'inet' | 'inet6' | undefined;
  /** the address here that it is connected from */
  readonly bind_address?: string | undefined;
  /** a command whose standard input and output are the connection, in place of TCP */
  readonly proxy_command?: string | undefined;
}

/** A way to be let in (RFC 4252, RFC 4256). */
export type AuthMethod = 'publickey' | 'keyboard-interactive' | 'password';

export interface Keepalive {
  /** seconds between two questions; 0: none are asked */
  readonly interval: number;
  /** unanswered questions before the connection counts as broken */
  readonly count: number;
}

/** How an operation on a host ended. Each has its line in the summary and its number among the exit codes. */
export type FailureClass =
  | 'unreachable' // no route, no answer, name unknown
  | 'refused' // nobody listens there
  | 'host-key' // unknown, changed, revoked, certificate of somebody else or of another time
  | 'authentication'
  | 'non-zero' // the command ran and says so
  | 'signal' // the command was ended by a signal
  | 'timed-out' // connect, command or inactivity; `reason` says which
  | 'cut-off' // the connection broke under way
  | 'transfer' // a file could not be read, written or verified
  | 'stopped' // not begun, or ended, because others failed or the user asked
  | 'protocol'; // what came is no SSH

/** What became of one host. */
export interface Outcome {
  readonly host: string;
  readonly ok: boolean;
  readonly failure?: FailureClass | undefined;
  /** one line, safe to print: no control characters */
  readonly reason?: string | undefined;
  readonly exit_code?: number | undefined;
  readonly signal?: string | undefined;
  readonly seconds: number;
  readonly attempts: number;
}

/** What became of a file. 'updated': only what differs from the older one went; 'removed' are left-over parts. */
export type FileState =
  | 'sent'
  | 'skipped'
  | 'resumed'
  | 'updated'
  | 'would send'
  | 'removed'
  | 'would remove'
  | 'failed';

/** What happens while an operation runs; `host` is the name. Bytes of streams are as they came. */
export type FleetEvent =
  | { readonly type: 'begin'; readonly host: string; readonly attempt: number }
  | {
      readonly type: 'output';
      readonly host: string;
      readonly stream: 'stdout' | 'stderr';
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'progress';
      readonly host: string;
      readonly path: string;
      /** of the file that are over there */
      readonly bytes: number;
      readonly total: number | undefined;
      /** content of all files of the host that went over the network in this attempt; missing: `bytes` is all that is known */
      readonly sent?: number | undefined;
    }
  | {
      /** A large file is hashed, on either side: nothing moves meanwhile. */
      readonly type: 'hashing';
      readonly host: string;
      readonly path: string;
      readonly bytes: number;
      readonly total: number;
    }
  | {
      readonly type: 'file';
      readonly host: string;
      readonly path: string;
      readonly state: FileState;
      readonly hash?: string | undefined;
      /** bytes of the file */
      readonly size?: number | undefined;
      /** bytes of it that went over the network */
      readonly sent?: number | undefined;
    }
  | { readonly type: 'end'; readonly outcome: Outcome };

/** Time-outs of an operation, seconds; undefined: none. */
export interface Limits {
  /** to connect and to be let in; undefined: ConnectTimeout of ~/.ssh/config, else 10 */
  readonly connect_timeout?: number | undefined;
  readonly command_timeout?: number | undefined;
  readonly inactivity_timeout?: number | undefined;
  /** hosts at once */
  readonly fanout: number;
  /** hosts of a batch; the next one begins when all of it are done */
  readonly serial?: number | undefined;
  /** the first batch has so many, and all must succeed */
  readonly canary?: number | undefined;
  /** stop beginning when so many have failed; '10%' of all */
  readonly max_failures?: number | `${number}%` | undefined;
  readonly retries: number;
}
