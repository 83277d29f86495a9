// The names of error numbers, in Node's spelling; in that of errno.h if Node does not know the number.
//
// Three kinds of numbers: errno, EAI_* of getaddrinfo(3), and h_errno of gethostbyname(3).
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import * as c from '../constants.js';

// Errors that util.getSystemErrorMap() and os.constants lack. The numbers are the same on every Linux that Node runs on.
const OTHERS = `
  15 ENOTBLK 44 ECHRNG 45 EL2NSYNC 46 EL3HLT 47 EL3RST 48 ELNRNG 50 ENOCSI 51 EL2HLT 52 EBADE 53 EBADR 54 EXFULL
  55 ENOANO 56 EBADRQC 57 EBADSLT 59 EBFONT 65 ENOPKG 66 EREMOTE 68 EADV 69 ESRMNT 70 ECOMM 73 EDOTDOT 76 ENOTUNIQ
  77 EBADFD 78 EREMCHG 79 ELIBACC 80 ELIBBAD 81 ELIBSCN 82 ELIBMAX 83 ELIBEXEC 85 ERESTART 86 ESTRPIPE 87 EUSERS
  96 EPFNOSUPPORT 109 ETOOMANYREFS 117 EUCLEAN 118 ENOTNAM 119 ENAVAIL 120 EISNAM 123 ENOMEDIUM 124 EMEDIUMTYPE
  126 ENOKEY 127 EKEYEXPIRED 128 EKEYREVOKED 129 EKEYREJECTED 130 EOWNERDEAD 131 ENOTRECOVERABLE 132 ERFKILL
  133 EHWPOISON`;

// Made when an error is: a program without errors needs none of them.
let codes: Map<number, string> | undefined;

function make_codes(): Map<number, string> {
  const made = new Map<number, string>();
  for (const [, number, name] of OTHERS.matchAll(/(\d+) (\w+)/g)) if (name) made.set(Number(number), name);
  for (const [name, number] of Object.entries(constants.errno)) made.set(number, name);
  for (const [number, [name]] of getSystemErrorMap()) made.set(-number, name);
  return made;
}

const gai_codes = new Map<number, string>([
  [c.EAI_BADFLAGS, 'EAI_BADFLAGS'],
  [c.EAI_NONAME, 'EAI_NONAME'],
  [c.EAI_AGAIN, 'EAI_AGAIN'],
  [c.EAI_FAIL, 'EAI_FAIL'],
  [c.EAI_NODATA, 'EAI_NODATA'],
  [c.EAI_FAMILY, 'EAI_FAMILY'],
  [c.EAI_SOCKTYPE, 'EAI_SOCKTYPE'],
  [c.EAI_SERVICE, 'EAI_SERVICE'],
  [c.EAI_ADDRFAMILY, 'EAI_ADDRFAMILY'],
  [c.EAI_MEMORY, 'EAI_MEMORY'],
  [c.EAI_SYSTEM, 'EAI_SYSTEM'],
  [c.EAI_OVERFLOW, 'EAI_OVERFLOW'],
  [c.EAI_INPROGRESS, 'EAI_INPROGRESS'],
  [c.EAI_CANCELED, 'EAI_CANCELED'],
  [c.EAI_NOTCANCELED, 'EAI_NOTCANCELED'],
  [c.EAI_ALLDONE, 'EAI_ALLDONE'],
  [c.EAI_INTR, 'EAI_INTR'],
  [c.EAI_IDN_ENCODE, 'EAI_IDN_ENCODE'],
]);

const host_codes = new Map<number, string>([
  [c.HOST_NOT_FOUND, 'HOST_NOT_FOUND'],
  [c.TRY_AGAIN, 'TRY_AGAIN'],
  [c.NO_RECOVERY, 'NO_RECOVERY'],
  [c.NO_DATA, 'NO_DATA'],
]);

/** errno_code(errno) -> the name of a (positive) errno, 'ECONNREFUSED'; undefined if the number has none. See errno(3). */
export function errno_code(errno: number): string | undefined {
  codes ??= make_codes();
  return codes.get(errno);
}

/** gai_code(number) -> the name of a (negative) EAI number: 'EAI_NONAME'. See getaddrinfo(3). */
export function gai_code(number: number): string | undefined {
  return gai_codes.get(number);
}

/** host_code(number) -> the name of an h_errno number. See gethostbyname(3). */
export function host_code(number: number): string | undefined {
  return host_codes.get(number);
}
