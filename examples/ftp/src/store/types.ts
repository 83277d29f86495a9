// What the server asks of its users and of their files. disk.ts and users.ts are the implementations that come with
// it; another one of either (a database, an object store) is an object with these methods.
//
// Paths are those that a client sees: absolute, with '/', '/' being the user's home. Nothing outside of the home has a
// path. A method that fails rejects with an error that has a `code` as Node's have (ENOENT, EACCES, EEXIST, ENOTDIR,
// EISDIR, ENOTEMPTY, ENOSPC, EDQUOT for the user's own quota, EINVAL, EBUSY for a file that another upload has changed or is growing).
//
// A path is text. A byte of a name that is not UTF-8 is a lone surrogate in it: names.ts, whose two functions lines of the protocol go through.

/** A file or folder, as listings and facts show it. */
export interface Entry {
  /** its name, without a folder */
  name: string;
  type: 'file' | 'dir' | 'link' | 'other';
  /** bytes */
  size: number;
  /** ms since 1970 */
  modified_ms: number;
  /** permission bits, as chmod's */
  mode: number;
  links: number;
  /** the owner's and the group's name, or number */
  owner: string;
  group: string;
  /** the same for the same file, whatever its name: device and inode */
  unique: string;
}

/** A file that is open for a download. */
export interface OpenFile {
  /** for sendfile(2): a descriptor of a regular file, which close() closes */
  readonly fd: number;
  /** bytes at the time of opening */
  readonly size: number;
  /** Reads at `position`, bytes; 0 is the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** How an upload begins. */
export interface UploadOptions {
  /** bytes that are there and stay (REST); what follows is replaced. EINVAL behind the end of all there is. Default 0 */
  offset?: number | undefined;
  /** behind what is there (APPE), whatever its size */
  append?: boolean | undefined;
  /** under a name that is new in this folder (STOU); the path is the folder */
  unique?: boolean | undefined;
}

/** An upload: the file has its name when commit() is done, and is as it was before that. */
export interface Upload {
  /** the path that it gets */
  readonly path: string;
  /** where the first byte goes, bytes */
  readonly start: number;
  /** Writes behind what is written. Rejects with EDQUOT or ENOSPC when there is no room. */
  write(chunk: Uint8Array): Promise<void>;
  /** Puts what is written on the disk, so that commit() has little to do; without it commit() does it. */
  sync(): Promise<void>;
  /** Gives it its name, with all of it on the disk. */
  commit(): Promise<void>;
  /** Ends it without; `keep` leaves what has come so that a REST can go on from there. */
  abort(keep: boolean): Promise<void>;
}

export type HashName = 'SHA-256' | 'SHA-512' | 'SHA-1' | 'MD5' | 'CRC32';

/** The files of one user. */
export interface FileSystem {
  /**
   * Of what a link leads to. A name without a file, but with a broken upload of this user, is that upload: its size is where a REST goes on.
   * open() knows it not.
   */
  stat(path: string): Promise<Entry>;
  /** What is in a directory, in no order. A link is a link; stat() of its path says what it leads to. */
  list(path: string): AsyncIterable<Entry>;
  open(path: string): Promise<OpenFile>;
  upload(path: string, options?: UploadOptions): Promise<Upload>;
  remove(path: string): Promise<void>;
  make_directory(path: string): Promise<void>;
  remove_directory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  set_modified(path: string, modified_ms: number): Promise<void>;
  set_mode(path: string, mode: number): Promise<void>;
  /** Of the bytes from `start` up to `end` (RANG), all by default; in hexadecimal digits. */
  hash(
    path: string,
    name: HashName,
    options?: { start?: number | undefined; end?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<string>;
  /** What the home holds, and may hold. */
  usage(): Promise<{ bytes: number; files: number; max_bytes: number; max_files: number }>;
}

/**
 * What a user may do: `list` includes CWD and facts, `write` uploads to a new name and going on with one's own broken uploads, `overwrite` STOR
 * (also after REST) and RNTO to a file that is there, `append` APPE to one, `modify` its mode and times. A FileSystem refuses with EACCES what
 * its user may not; a session need not ask before.
 */
export type Permission =
  | 'list'
  | 'read'
  | 'write'
  | 'overwrite'
  | 'append'
  | 'delete'
  | 'rename'
  | 'mkdir'
  | 'rmdir'
  | 'modify';

/** A user who has logged in. */
export interface User {
  name: string;
  permissions: ReadonlySet<Permission>;
  /** the message of the log-in, lines */
  welcome?: string | undefined;
  /** bytes a second over all the user's connections */
  max_download_rate?: number | undefined;
  max_upload_rate?: number | undefined;
  /** sessions at once */
  max_sessions?: number | undefined;
  /** log-in and data only over TLS */
  tls_required?: boolean | undefined;
  files(): Promise<FileSystem>;
}

/** Where users are looked up. */
export interface UserDatabase {
  /** undefined when the name or the password is wrong; as long in both cases. */
  authenticate(name: string, password: string): Promise<User | undefined>;
  /** The user that this client certificate logs in without a password; `name` is USER's. */
  of_certificate(
    name: string,
    certificate: { fingerprint256: string; subject: string },
  ): Promise<User | undefined>;
}
