// The public list of errors: every module exports these classes. raise.ts, which makes errors for failed calls, is internal.
export * from './classes.js';
