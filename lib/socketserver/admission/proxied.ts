// What a proxy has said about a request, and the proxy's own address. It is kept beside the request, because handlers get no more than
// Python's three arguments.
import type { AnyReturnedAddress } from '../../calls/address.js';
import type { ProxyHeader } from '../../calls/proxy/header.js';

/** A request that came through a proxy. */
export interface Proxied {
  readonly header: ProxyHeader;
  /** The address of the proxy: answers to datagrams go there. */
  readonly peer_address: AnyReturnedAddress | null;
}

/** Made by the first request, so that servers without a proxy do not look. */
let noted: WeakMap<object, Proxied> | undefined;

/** Notes what a proxy said about a request. */
export function note_proxied(request: object, proxied: Proxied): void {
  noted ??= new WeakMap();
  noted.set(request, proxied);
}

/** Returns what a proxy said about a request; undefined if it came without one. */
export function proxied(request: unknown): Proxied | undefined {
  return noted?.get(request as object);
}
