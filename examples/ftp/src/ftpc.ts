#!/usr/bin/env node
// The command ftpc: src/client/command/ does the work.
import { main } from './client/command/main.js';

// What a pipe still has to take must not be lost, hence no exit().
process.exitCode = await main(process.argv.slice(2));
