// bsd-sockets: the modules as namespaces.
export * as packet from './packet/index.js';
export * as promises from './promises/index.js';
export * as selectors from './selectors/index.js';
export * as socket from './socket/index.js';
export * as socketserver from './socketserver/index.js';
export { is_main } from './socketserver/index.js';
export * as structs from './structs/index.js';
