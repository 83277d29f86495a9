// The error of a request that is refused before any handler or hook sees it.

/** The reason for which a request was refused. */
export class RequestRefused extends Error {}
