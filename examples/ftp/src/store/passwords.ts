// Passwords as the user file has them: a line with scrypt's parameters, a salt and the key, "scrypt$32768$8$1$SALT$KEY" in base64url. And the
// test of a password, which takes as long for a user who does not exist.
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** scrypt's cost, block size and parallelism: 32 MiB, some 100 ms of a processor. */
const COST = { N: 1 << 15, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** A line may cost a server at most so much: 256 MiB, and 16 times the work. */
const MOST = { N: 1 << 18, r: 32, p: 16 } as const;
/** Passwords that are tested at once: each test takes a thread of those that read files, too. */
const AT_ONCE = 2;
/** Right passwords that are remembered, as a MAC under a key of this process, so that the next log-in takes no 100 ms. */
const REMEMBERED = 1000;

interface Line {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** @returns undefined for what is no such line */
export function parse_password_line(line: string): Line | undefined {
  const fields = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,128})\$([\w-]{43})$/.exec(line);
  if (fields === null) return undefined;
  const [N, r, p] = [Number(fields[1]), Number(fields[2]), Number(fields[3])];
  const power = N >= 2 && (N & (N - 1)) === 0;
  if (!power || N > MOST.N || r < 1 || r > MOST.r || p < 1 || p > MOST.p) return undefined;
  const salt = Buffer.from(fields[4] ?? '', 'base64url');
  return { N, r, p, salt, key: Buffer.from(fields[5] ?? '', 'base64url') };
}

/** Returns the line of a new password. */
export async function hash_password(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, { ...COST, salt, key: Buffer.alloc(KEY_BYTES) });
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** What is compared with if there is no user: no password has this key. */
const NOBODY: Line = { ...COST, salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) };

let running = 0;
const turns: (() => void)[] = [];

async function derive(password: string, { N, r, p, salt }: Line): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => turns.push(resolve));
  else running += 1;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(password, salt, KEY_BYTES, { N, r, p, maxmem: 128 * r * (N + p + 8) }, (error, key) =>
        error ? reject(error) : resolve(key),
      );
    });
  } finally {
    const next = turns.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

const remembered = new Map<string, Buffer>();
const memory_key = randomBytes(32);

/** The MAC of a password with its line: after a change of the line it is another. */
function remember(line: string, password: string): Buffer {
  return createHmac('sha256', memory_key).update(line).update('\0').update(password).digest();
}

/**
 * Tests a password.
 *
 * @param known_line of the user; undefined if there is no such user: then the answer is no, after the same time
 */
export async function check_password(known_line: string | undefined, password: string): Promise<boolean> {
  // HMAC, and so scrypt, takes no notice of NUL at the end of a password.
  const line = password.includes('\0') ? undefined : known_line;
  const mac = line === undefined ? undefined : remember(line, password);
  const known = line === undefined ? undefined : remembered.get(line);
  // Only a right password is answered at once.
  if (mac !== undefined && known !== undefined && timingSafeEqual(mac, known)) return true;
  const parsed = (line === undefined ? undefined : parse_password_line(line)) ?? NOBODY;
  const right = timingSafeEqual(await derive(password, parsed), parsed.key);
  if (!right || line === undefined || mac === undefined) return false;
  if (remembered.size >= REMEMBERED) {
    for (const oldest of remembered.keys()) {
      remembered.delete(oldest);
      break;
    }
  }
  remembered.set(line, mac);
  return true;
}
