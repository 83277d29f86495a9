// bsd-sockets: the modules as namespaces.
export * as socket from './socket/index.js';
