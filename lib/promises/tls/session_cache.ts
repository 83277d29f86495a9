// Sessions of clients that resume by the session's id, because they do not take tickets (TLS 1.2, RFC 5246, section 7.4.1.2): the server
// has to keep those. OpenSSL's own cache, which Python's servers have, is turned off by node:tls in favour of two events.
import type { Server } from 'node:tls';

/** Of more sessions those that were used least recently are forgotten. OpenSSL keeps 20,480 of its own; one has some 200 bytes, or 1,000 with a certificate. */
const MAX_SESSIONS = 1024;

/** The events of a tls.Server that ask for sessions and bring them. */
export const SESSION_EVENTS: ReadonlySet<string> = new Set(['newSession', 'resumeSession']);

/** An SSL_SESSION of OpenSSL in DER begins with its own version, 1, and that of the protocol, 3.4 for TLS 1.3. */
const TLS13 = Buffer.from([2, 1, 1, 2, 2, 3, 4]);

/** A client of TLS 1.3 has all of its session in the ticket. */
function is_kept_by_client(session: Buffer): boolean {
  return session.subarray(0, 16).includes(TLS13);
}

/** Keeps the sessions of a server's clients. How long one can be resumed is written in it (sessionTimeout), and OpenSSL sees to it. */
export function keep_sessions(server: Server): void {
  const sessions = new Map<string, Buffer>();
  server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
    if (!is_kept_by_client(session)) {
      sessions.set(id.toString('hex'), session);
      for (const oldest of sessions.keys()) {
        if (sessions.size <= MAX_SESSIONS) break;
        sessions.delete(oldest);
      }
    }
    done();
  });
  server.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) => {
    const key = id.toString('hex');
    const session = sessions.get(key);
    if (session !== undefined) {
      sessions.delete(key);
      sessions.set(key, session);
    }
    done(null, session ?? null);
  });
}
