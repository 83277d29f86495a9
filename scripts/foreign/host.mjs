// @ts-check
// Loaded before vitest, which runs on this machine's processor: the processes that it starts are those of another one.
import { promisify } from 'node:util';

process.execPath = process.env.FOREIGN_NODE ?? process.execPath;

// vitest gives a process 60 s to start and 90 s to be ready, and has no option for that. Under an emulator on a busy machine it takes longer.
const STARTS = [60_000, 90_000];
const set = globalThis.setTimeout;
/** @type {(callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => NodeJS.Timeout} */
const patient = (callback, ms = 0, ...args) => set(callback, STARTS.includes(ms) ? ms * 20 : ms, ...args);
globalThis.setTimeout = Object.assign(patient, { [promisify.custom]: set[promisify.custom] });
