// @ts-check
// What the package takes from Node.js and the newest one for s390x in the registry, 20.11, does not have: it came in 20.16, and package.json
// asks for 20.19. Every process there requires this file.
const { isBuiltin } = require('node:module');

/** @param {string} name */
process.getBuiltinModule ??= (name) => (isBuiltin(name) ? require(name) : undefined);
