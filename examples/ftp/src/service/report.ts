// Errors of the server itself, for whoever runs it.

/** Tells of an error on standard error, in a line. */
export function report(error: unknown): void {
  console.error(error instanceof Error ? `ftpd: ${error.message}` : error);
}
